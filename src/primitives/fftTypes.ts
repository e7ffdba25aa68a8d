/** The four Fourier transforms, by the numbers with which jaxprs name them. */
export const fftTypes = { FFT: 0, IFFT: 1, RFFT: 2, IRFFT: 3 } as const;
export type FftType = (typeof fftTypes)[keyof typeof fftTypes];
