/** Zeros cut off at the ends of arrays. How many there are decides the shape of the result, so the values must be known. */
import type { ConcreteArray, NDArray } from "../core/array.ts";
import { readElement, type Element } from "../core/scalar.ts";
import { ConcretizationTypeError, concretizationError } from "../errors.ts";
import { canonicalAxis, range } from "../primitives/axes.ts";
import { concreteValue, type ArrayLike } from "./asarray.ts";
import { getitem, slice } from "./indexing.ts";
import { arrayOf, named } from "./options.ts";

export interface TrimOptions {
  /** Which ends: "f" (front), "b" (back) or "fb". */
  readonly trim?: string;
  readonly axis?: number | readonly number[] | null;
}

function known(x: NDArray, name: string): ConcreteArray {
  const value = concreteValue(x);
  if (value !== null) return value;
  throw new ConcretizationTypeError(
    `${concretizationError(x, "item").message}\nError arose in the \`filt\` argument of ${name}()`,
  );
}

/** From the first to the last index along an axis at which some element is not zero. */
function extent(x: ConcreteArray, axis: number, isZero: (x: Element) => boolean): readonly [number, number] | null {
  const inner = x.shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  let [first, last] = [x.shape[axis], -1];
  for (let i = 0; i < x.size; i++) {
    if (isZero(readElement(x.data, x.dtype, i))) continue;
    const place = Math.floor(i / inner) % x.shape[axis];
    first = Math.min(first, place);
    last = Math.max(last, place);
  }
  return last < 0 ? null : [first, last + 1];
}

const equalsZero = (x: Element): boolean => (typeof x === "object" ? x.re === 0 && x.im === 0 : Number(x) === 0);

function trimmed(
  x: NDArray,
  value: ConcreteArray,
  trim: string,
  axes: readonly number[],
  isZero: (x: Element) => boolean,
): NDArray {
  const ends = trim.toLowerCase();
  const [front, back] = [ends.includes("f"), ends.includes("b")];
  if (axes.length === 0 || (!front && !back)) return x;
  const slices = range(x.ndim).map((axis) => {
    if (!axes.includes(axis)) return slice(null);
    const bounds = extent(value, axis, isZero);
    if (bounds === null) return slice(0, 0);
    return slice(front ? bounds[0] : null, back ? bounds[1] : null);
  });
  return getitem(x, ...slices);
}

/**
 * The array without the zeros at its ends: along every axis, or those given.
 *
 *     np.trimZeros([0, 0, 1, 0, 2, 0]) // [1, 0, 2]
 */
export function trimZeros(
  filt: ArrayLike,
  trim?: string | TrimOptions,
  axis?: TrimOptions["axis"] | TrimOptions,
): NDArray {
  const x = arrayOf(filt, "trim_zeros");
  const value = known(x, "trim_zeros");
  const given = named<TrimOptions>(["trim", "axis"], [trim, axis]);
  const along = given.axis ?? null;
  const axes =
    along === null ? range(x.ndim) : (typeof along === "number" ? [along] : along).map((i) => canonicalAxis(i, x.ndim));
  return trimmed(x, value, given.trim ?? "fb", axes, equalsZero);
}

/** The same for a vector, where what is smaller than `tolerance` counts as zero. */
export function trimZerosWithin(filt: NDArray, tolerance: number, trim: string): NDArray {
  const size = (x: Element): number => (typeof x === "object" ? Math.hypot(x.re, x.im) : Math.abs(Number(x)));
  return trimmed(filt, known(filt, "trim_zeros_tol"), trim, [0], (x) => size(x) < tolerance);
}
