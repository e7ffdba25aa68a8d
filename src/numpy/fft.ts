/**
 * NumPy's Fourier transforms: over any axes, cut or filled with zeros to given sizes, in one of three scalings. The transform itself is
 * `lax.fft`, which takes up to three of the last axes; more are done in steps.
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { canonicalDType, inexactDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { fourier } from "../primitives/fft.ts";
import { fftTypes, type FftType } from "../primitives/fftTypes.ts";
import { array, int, toArray, type ArrayLike } from "./asarray.ts";
import { arange } from "./creation.ts";
import { getitem, slice } from "./indexing.ts";
import { roll } from "./repeating.ts";
import { named } from "./options.ts";
import { pad } from "./padding.ts";
import { astype } from "./piecewise.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { prod } from "./reductions.ts";
import { remainder } from "./rounding.ts";
import { moveaxis } from "./shape.ts";
import { add, conj, multiply, sqrt, subtract, trueDivide } from "./ufuncs.ts";

/** Which direction is divided by the number of points: the inverse ("backward", the default), the other, or each by the root. */
export type FftNorm = "backward" | "ortho" | "forward";

export interface FftOptions {
  /** The length of the transformed axis: longer input is cut, shorter is filled with zeros. */
  readonly n?: number | null;
  readonly axis?: number | null;
  readonly norm?: FftNorm | null;
}

export interface FftnOptions {
  /** The length of each transformed axis. */
  readonly s?: readonly number[] | null;
  readonly axes?: readonly number[] | null;
  readonly norm?: FftNorm | null;
}

const { FFT, IFFT, RFFT, IRFFT } = fftTypes;

/** What the result is multiplied with. */
function scaling(sizes: NDArray, name: string, norm: string): NDArray {
  if (norm === "backward") return array(1, "int32");
  const [s] = promoteDtypesInexact(sizes);
  const inverse = name.startsWith("i");
  if (norm === "ortho") return inverse ? sqrt(prod(s)) : trueDivide(1, sqrt(prod(s)));
  if (norm === "forward") return inverse ? prod(s) : trueDivide(1, prod(s));
  throw new RematValueError(`Invalid norm value ${norm}; should be "backward","ortho" or "forward".`);
}

function lastAxes(x: NDArray, kind: FftType, s: readonly number[]): NDArray {
  if (s.length <= 3) return fourier(x, kind, s);
  const n = s.length === 4 ? 2 : 3;
  const src = range(s.length - n, x.ndim - s.length);
  const dst = range(s.length - n, x.ndim - s.length + n);
  if (kind === RFFT || kind === FFT) {
    const inner = moveaxis(fourier(x, kind, s.slice(-n)), src, dst);
    return moveaxis(lastAxes(inner, FFT, s.slice(0, -n)), dst, src);
  }
  const outer = lastAxes(moveaxis(x, src, dst), IFFT, s.slice(0, -n));
  return fourier(moveaxis(outer, dst, src), kind, s.slice(-n));
}

function transform(name: string, kind: FftType, a: ArrayLike, options: FftnOptions): NDArray {
  const full = `np.fft.${name}`;
  const { s: sizes = null, axes: given = null, norm = null } = options;
  let x = toArray(a, full);
  if (sizes?.some((n) => !Number.isInteger(n) || n <= 0)) {
    throw new RematValueError(
      `${full}: Shape should be positive: got s ${tupleText(sizes)}. Give whole numbers above 0.`,
    );
  }
  if (sizes !== null && given !== null && sizes.length !== given.length) {
    throw new RematValueError(
      `${full}: Shape and axes have different lengths: s is ${tupleText(sizes)}, axes are ${tupleText(given)}.`,
    );
  }
  if (given !== null && new Set(given).size !== given.length) {
    throw new RematValueError(`${full} does not support repeated axes. Got axes ${tupleText(given)}.`);
  }
  const count = given?.length ?? sizes?.length ?? x.ndim;
  if (count > x.ndim) {
    throw new RematValueError(`${full}: ${count} axes were asked for, but the array has shape ${tupleText(x.shape)}.`);
  }
  const axes = range(count, x.ndim - count);
  if (given !== null) x = moveaxis(x, given, axes);
  let lengths: readonly number[];
  if (sizes === null) {
    const last = axes.length - 1;
    lengths = axes.map((axis, i) =>
      kind === IRFFT && i === last ? Math.max(0, 2 * (x.shape[axis] - 1)) : x.shape[axis],
    );
  } else {
    lengths = sizes;
    const wanted = [...x.shape];
    axes.forEach((axis, i) => (wanted[axis] = sizes[i]));
    if (kind === IRFFT) wanted[wanted.length - 1] = Math.floor(wanted.at(-1)! / 2) + 1;
    x = getitem(x, ...wanted.map((n) => slice(n)));
    x = pad(
      x,
      wanted.map((n, i) => [0, n - x.shape[i]]),
    );
  }
  let out = lastAxes(x, kind, lengths);
  if (norm !== null) out = multiply(out, scaling(array(lengths, out.dtype), name, norm));
  return given === null ? out : moveaxis(out, axes, given);
}

type One = (a: ArrayLike, n?: number | null | FftOptions, options?: FftOptions) => NDArray;
type Many = (a: ArrayLike, s?: readonly number[] | null | FftnOptions, options?: FftnOptions) => NDArray;

const oneOptions = (n: unknown, options: unknown): FftOptions => named<FftOptions>(["n"], [n, options]);

/** The options of a transform of one axis as those of several. */
function asMany(name: string, { n = null, axis = -1, norm = null }: FftOptions): FftnOptions {
  if (Array.isArray(axis)) {
    throw new RematValueError(
      `np.fft.${name} does not support multiple axes. Please use np.fft.${name}n. Got axis = ${tupleText(axis)}.`,
    );
  }
  return { s: n === null ? null : [n], axes: axis === null ? null : [axis], norm };
}

const along =
  (name: string, kind: FftType): One =>
  (a, n, options) =>
    transform(name, kind, a, asMany(name, oneOptions(n, options)));

const manyOptions = (s: unknown, options: unknown): FftnOptions => named<FftnOptions>(["s"], [s, options]);

const over =
  (name: string, kind: FftType): Many =>
  (a, s, options) =>
    transform(name, kind, a, manyOptions(s, options));

const overTwo =
  (name: string, kind: FftType): Many =>
  (a, s, options) => {
    const given = manyOptions(s, options);
    const axes = given.axes ?? [-2, -1];
    if (axes.length !== 2) {
      throw new RematValueError(`np.fft.${name} only supports 2 axes. Got axes = ${tupleText(axes)}.`);
    }
    return transform(name, kind, a, { ...given, axes });
  };

/** The transform along one axis, the last by default: complex in, complex out. */
export const fft: One = along("fft", FFT);
/** The inverse of `fft`. */
export const ifft: One = along("ifft", IFFT);
/** The transform of real numbers along one axis: the n/2 + 1 frequencies that are not redundant. */
export const rfft: One = along("rfft", RFFT);
/** The inverse of `rfft`; without `n` the length is taken to be even. */
export const irfft: One = along("irfft", IRFFT);
/** The transform over several axes, all by default. */
export const fftn: Many = over("fftn", FFT);
/** The inverse of `fftn`. */
export const ifftn: Many = over("ifftn", IFFT);
/** The transform of real numbers over several axes. */
export const rfftn: Many = over("rfftn", RFFT);
/** The inverse of `rfftn`. */
export const irfftn: Many = over("irfftn", IRFFT);
/** The transform over two axes, the last two by default. */
export const fft2: Many = overTwo("fft2", FFT);
/** The inverse of `fft2`. */
export const ifft2: Many = overTwo("ifft2", IFFT);
/** The transform of real numbers over two axes. */
export const rfft2: Many = overTwo("rfft2", RFFT);
/** The inverse of `rfft2`. */
export const irfft2: Many = overTwo("irfft2", IRFFT);

/** The transform of a sequence with Hermitian symmetry, of which half is given: real numbers. */
export const hfft: One = (a, n, options) => {
  const given = oneOptions(n, options);
  const x = conj(a);
  const many = asMany("hfft", given);
  const length = given.n ?? (x.shape[canonicalAxis(given.axis ?? -1, x.ndim)] - 1) * 2;
  return multiply(transform("hfft", IRFFT, x, many), length);
};

/** The inverse of `hfft`. */
export const ihfft: One = (a, n, options) => {
  const given = oneOptions(n, options);
  const x = toArray(a, "np.fft.ihfft");
  const many = asMany("ihfft", given);
  const length = given.n ?? x.shape[canonicalAxis(given.axis ?? -1, x.ndim)];
  return multiply(conj(transform("ihfft", RFFT, x, many)), 1 / length);
};

export interface FrequencyOptions {
  /** The distance of two samples. */
  readonly d?: number;
  readonly dtype?: DType | null;
}

/** One frequency or count as one integer. */
function points(name: string, n: unknown): number {
  if (typeof n === "number" && Number.isInteger(n)) return n;
  throw new RematValueError(`The n argument of np.fft.${name} only takes an int. Got n = ${String(n)}.`);
}

const spacing = (n: number, d: unknown, name: string): number => {
  if (typeof d === "number") return d * n;
  throw new RematValueError(`The d argument of np.fft.${name} only takes a single value. Got d = ${String(d)}.`);
};

/** The frequency of each place of a transform of `n` points that are `d` apart: [n], first rising from 0, then the negative ones. */
export function fftfreq(n: number, d?: number | FrequencyOptions, options?: FrequencyOptions): NDArray {
  const { d: distance = 1, dtype = null } = named<FrequencyOptions>(["d"], [d, options]);
  const size = points("fftfreq", n);
  const step = spacing(size, distance, "fftfreq");
  const wanted = dtype ?? canonicalDType("float64");
  const real = realDType(inexactDType(wanted));
  const half = int(Math.floor(size / 2));
  const places = subtract(remainder(add(arange(size, { dtype: real }), half), int(size)), half);
  return astype(trueDivide(astype(places, real), array(step, real)), wanted);
}

const realDType = (dtype: DType): DType =>
  dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;

/** The frequencies of `rfft`: [n/2 + 1], rising from 0. */
export function rfftfreq(n: number, d?: number | FrequencyOptions, options?: FrequencyOptions): NDArray {
  const { d: distance = 1, dtype = null } = named<FrequencyOptions>(["d"], [d, options]);
  const size = points("rfftfreq", n);
  const step = spacing(size, distance, "rfftfreq");
  const wanted = dtype ?? canonicalDType("float64");
  return trueDivide(arange(0, Math.floor(size / 2) + 1, { dtype: wanted }), array(step, wanted));
}

type Axes = number | readonly number[] | null | { readonly axes?: number | readonly number[] | null };

const shifted =
  (direction: 1 | -1) =>
  (a: ArrayLike, axes?: Axes): NDArray => {
    const x = toArray(a, "np.fft.fftshift");
    const given = named<{ axes: number | readonly number[] | null }>(["axes"], [axes]).axes ?? range(x.ndim);
    const list = typeof given === "number" ? [given] : given;
    return roll(
      x,
      list.map((axis) => direction * Math.floor(x.shape[canonicalAxis(axis, x.ndim)] / 2)),
      list,
    );
  };

/** Moves frequency 0 to the middle of each axis. */
export const fftshift: (a: ArrayLike, axes?: Axes) => NDArray = shifted(1);
/** Moves the middle of each axis back to the start: undoes `fftshift`. */
export const ifftshift: (a: ArrayLike, axes?: Axes) => NDArray = shifted(-1);
