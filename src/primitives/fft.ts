/**
 * The discrete Fourier transform over the last one to three axes: of complex numbers, its inverse, of real numbers (whose spectrum is
 * symmetric, so half of it is kept), and back from such a half. All four are linear. The transform is its own transpose; those of real
 * numbers weigh the kept half by how often each frequency stands in the whole.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import { isComplex } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { complexDType, inexactDType, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { linearJvp } from "./algebra.ts";
import { div, mul } from "./arithmetic.ts";
import { range, sameList, tupleText } from "./axes.ts";
import { constLike, full } from "./broadcasting.ts";
import { conj } from "./complex.ts";
import { convertElementType } from "./convert.ts";
import { jitCall } from "./jit.ts";
import { expanded, movedAxis } from "./shape.ts";
import { dynamicUpdateSlice } from "./slicing.ts";
import { fftTypes, type FftType } from "./fftTypes.ts";

const { RFFT, IRFFT } = fftTypes;

export type FftParams = { readonly fft_type: FftType; readonly fft_lengths: Shape };

export const fftP: Primitive<FftParams> = {
  name: "fft",
  type([x], { fft_type: kind, fft_lengths: lengths }) {
    const outer = x.ndim - lengths.length;
    if (outer < 0) {
      throw new RematValueError(
        `FFT input shape ${tupleText(x.shape)} must have at least as many input dimensions as fft_lengths ${tupleText(lengths)}.`,
      );
    }
    const name = kind === RFFT ? "RFFT" : kind === IRFFT ? "IRFFT" : "FFT";
    const [wanted, fits] =
      kind === RFFT
        ? ["float32 or float64", x.dtype === "float32" || x.dtype === "float64"]
        : ["complex64 or complex128", isComplex(x.dtype)];
    if (!fits) throw new RematValueError(`${name} input must be ${wanted}, got ${x.dtype}.`);
    const last = lengths.length - 1;
    const [have, need] =
      kind === IRFFT ? [x.shape.slice(outer, -1), lengths.slice(0, -1)] : [x.shape.slice(outer), lengths];
    if (!sameList(have, need)) {
      throw new RematValueError(
        `${name} input shape ${tupleText(x.shape)} minor dimensions must be equal to ` +
          `${kind === IRFFT ? "all except the last fft_length, got fft_lengths" : "fft_lengths"} ${tupleText(lengths)}.`,
      );
    }
    if (kind === IRFFT && lengths.length > 0 && x.shape.at(-1) !== Math.floor(lengths[last] / 2) + 1) {
      throw new RematValueError(
        `IRFFT input shape ${tupleText(x.shape)} has an innermost dimension that is not fft_lengths[-1] / 2 + 1, for fft_lengths ` +
          `${tupleText(lengths)}. Cut or fill it with zeros (np.fft.irfft does), or give another length.`,
      );
    }
    const spectrum = kind === RFFT ? lengths.with(last, Math.floor(lengths[last] / 2) + 1) : lengths;
    const dtype =
      kind === RFFT
        ? complexDType(x.dtype)
        : kind === IRFFT
          ? x.dtype === "complex128"
            ? "float64"
            : "float32"
          : x.dtype;
    return [x.update({ shape: [...x.shape.slice(0, outer), ...spectrum], dtype })];
  },
  jvp: linearJvp(() => fftP),
  transpose([ct], _args, { fft_type: kind, fft_lengths: lengths }) {
    if (kind === RFFT) return [realTranspose(ct!, lengths)];
    if (kind === IRFFT) return [inverseRealTranspose(ct!, lengths)];
    return [fourier(ct!, kind, lengths)];
  },
  batch: (_size, [x], [dim], { fft_type, fft_lengths }) => ({
    outs: [fourier(movedAxis(x, dim!, 0), fft_type, fft_lengths)],
    dims: [0],
  }),
};

export const fftPrimitives = [fftP] as const;

/** Transforms an array of any dtype over its last axes, as one jitted call. Without lengths there is nothing to transform. */
export function fourier(x: NDArray, kind: FftType, lengths: Shape): NDArray {
  const body = (operand: NDArray): NDArray => {
    if (kind === RFFT && isComplex(operand.dtype)) {
      throw new RematValueError(
        `only real valued inputs supported for rfft: got dtype ${operand.dtype}. Use fft, or the real part of the operand.`,
      );
    }
    const dtype = kind === RFFT ? inexactDType(operand.dtype) : complexDType(operand.dtype);
    const input = convertElementType(operand, dtype);
    return lengths.length === 0 ? input : bind1(fftP, [input], { fft_type: kind, fft_lengths: [...lengths] });
  };
  return jitCall("fft", JSON.stringify([kind, lengths]), (operand) => [body(operand)], [x])[0];
}

/** How often each kept frequency of a real sequence of length `n` stands in its whole spectrum: the first once, one in the middle once, the others twice. */
function weights(like: NDArray, kept: number, n: number): NDArray {
  const once = (mask: NDArray, place: number): NDArray =>
    bind1(dynamicUpdateSlice, [mask, full([1], 1, like.dtype, like.weakType), literal(place, "int32")], {});
  const mask = once(full([kept], 2, like.dtype, like.weakType), 0);
  return n % 2 === 1 ? mask : once(mask, kept - 1);
}

const product = (xs: readonly number[]): number => xs.reduce((a, b) => a * b, 1);

function realTranspose(ct: NDArray, lengths: Shape): NDArray {
  const body = (t: NDArray): NDArray => {
    const mask = expanded(weights(t, t.shape.at(-1)!, lengths.at(-1)!), range(t.ndim - 1));
    const back = fourier(div(conj(t), mask), IRFFT, lengths);
    return mul(constLike(back, product(lengths)), back);
  };
  return jitCall("_rfft_transpose", JSON.stringify(lengths), (t) => [body(t)], [ct])[0];
}

function inverseRealTranspose(ct: NDArray, lengths: Shape): NDArray {
  const x = fourier(ct, RFFT, lengths);
  const mask = expanded(weights(x, x.shape.at(-1)!, lengths.at(-1)!), range(x.ndim - 1));
  return conj(mul(mul(constLike(mask, 1 / product(lengths)), mask), x));
}
