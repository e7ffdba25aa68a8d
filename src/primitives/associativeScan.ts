/**
 * All partial combinations of a sequence by an associative function, in a logarithmic number of steps (Blelloch, "Prefix sums and
 * their applications", 1990): combine neighbours, scan the half as long sequence, and fill in the places between.
 */
import type { NDArray } from "../core/array.ts";
import { literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { add } from "./arithmetic.ts";
import { shapesText } from "./axes.ts";
import { bitwiseOr } from "./comparison.ts";
import { concatenated } from "./join.ts";
import { padded, slicedAlong, type PaddingOfAxis } from "./pad.ts";
import { reversed } from "./shape.ts";

export type CombineFlat = (left: readonly NDArray[], right: readonly NDArray[]) => readonly NDArray[];

/** Element k along `axis` of the result combines the first k + 1 elements of the operands (with `reverse`, the last). */
export function associativeScanFlat(
  combine: CombineFlat,
  elems: readonly NDArray[],
  reverse: boolean,
  axis: number,
): readonly NDArray[] {
  const n = elems[0].shape[axis];
  if (elems.some((x) => x.shape[axis] !== n)) {
    throw new RematValueError(
      `Array inputs to associative_scan must have the same first dimension. (saw: [${shapesText(elems.map((x) => x.aval))}])`,
    );
  }
  if (!reverse) return scan(combine, elems, axis);
  const turned = elems.map((x) => reversed(x, [axis]));
  return scan(combine, turned, axis).map((x) => reversed(x, [axis]));
}

function scan(combine: CombineFlat, elems: readonly NDArray[], axis: number): readonly NDArray[] {
  const n = elems[0].shape[axis];
  if (n < 2) return elems;
  const take = (xs: readonly NDArray[], start: number, limit: number, stride: number): NDArray[] =>
    xs.map((x) => slicedAlong(x, start, limit, axis, stride));
  const pairs = combine(take(elems, 0, n - 1, 2), take(elems, 1, n, 2));
  const odd = scan(combine, pairs, axis);
  const before = n % 2 === 0 ? take(odd, 0, odd[0].shape[axis] - 1, 1) : odd;
  const between = combine(before, take(elems, 2, n, 2));
  const even = elems.map((x, i) => concatenated([slicedAlong(x, 0, 1, axis), between[i]], axis));
  return even.map((x, i) => interleaved(x, odd[i], axis));
}

/** The elements of two arrays in turn. */
function interleaved(a: NDArray, b: NDArray, axis: number): NDArray {
  const equal = a.shape[axis] === b.shape[axis];
  const config = (low: number, high: number): PaddingOfAxis[] =>
    a.shape.map((_, i): PaddingOfAxis => (i === axis ? [low, high, 1] : [0, 0, 0]));
  const zero = literal(0, a.dtype, a.weakType && a.ndim === 0);
  const left = padded(a, zero, config(0, equal ? 1 : 0));
  const right = padded(b, literal(0, b.dtype), config(1, equal ? 0 : 1));
  return a.dtype === "bool" ? bitwiseOr(left, right) : add(left, right);
}
