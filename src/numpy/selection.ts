/** `where` in both of its forms: choosing between arrays, and, of a condition alone, the places where it is true. */
import type { NDArray } from "../core/array.ts";
import { nonzero, type NonzeroOptions } from "./nonzero.ts";
import { isArrayLike, type ArrayLike } from "./asarray.ts";
import { where as choose } from "./where.ts";

/**
 * The elements of `x` where the condition is true (or not zero), those of `y` elsewhere. All three broadcast; `x` and `y` are promoted.
 * Of a condition alone: the places of its true elements, as `nonzero` gives them.
 *
 *     np.where(x.greater(0), x, 0)
 */
export function where(condition: ArrayLike, x: ArrayLike, y: ArrayLike): NDArray;
export function where(condition: ArrayLike, options?: NonzeroOptions): readonly NDArray[];
export function where(
  condition: ArrayLike,
  x?: ArrayLike | NonzeroOptions,
  y?: ArrayLike,
): NDArray | readonly NDArray[] {
  if (y === undefined && (x === undefined || (!isArrayLike(x) && x !== null))) return nonzero(condition, x);
  return choose(condition, x as ArrayLike, y as ArrayLike);
}
