/** The Fourier transform over the last axes. */
import type { NDArray } from "../core/array.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { fourier } from "../primitives/fft.ts";
import { fftTypes, type FftType as Kind } from "../primitives/fftTypes.ts";

export const FftType: typeof fftTypes = fftTypes;

type FftName = "fft" | "ifft" | "rfft" | "irfft" | "FFT" | "IFFT" | "RFFT" | "IRFFT";

/**
 * Transforms the last axes, of the given lengths: "fft" and "ifft" take and give complex numbers, "rfft" takes real numbers and gives the
 * half of their spectrum that is not redundant, "irfft" goes back from it.
 *
 *     lax.fft(x, "fft", [8])         // x: [..., 8]
 */
export function fft(x: ArrayLike, fftType: FftName | Kind, fftLengths: readonly number[]): NDArray {
  return fourier(toArray(x, "fft"), kindOf(fftType), fftLengths);
}

function kindOf(given: unknown): Kind {
  if (typeof given === "string") {
    const name = given.toUpperCase();
    if (Object.hasOwn(fftTypes, name)) return fftTypes[name as keyof typeof fftTypes];
    throw new RematValueError(`Unknown FFT type '${given}'. Give one of fft, ifft, rfft, irfft.`);
  }
  const kind = Object.values(fftTypes).find((value) => value === given);
  if (kind === undefined) {
    throw new RematTypeError(`Unknown FFT type value '${String(given)}'. Give a name or a member of lax.FftType.`);
  }
  return kind;
}
