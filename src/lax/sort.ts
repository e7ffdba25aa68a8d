/** Sorting: one array or several together, and the greatest elements. NaN comes last. */
import { NDArray } from "../core/array.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { asarray, type ArrayLike } from "../numpy/asarray.ts";
import { canonicalAxis } from "../primitives/axes.ts";
import { sorted, sortedTogether, topOf } from "../primitives/sort.ts";

export interface SortOptions {
  /** The axis to sort along; the last one by default. */
  readonly dimension?: number;
  readonly isStable?: boolean;
  /** How many of several operands are compared, the first of them first; the others are moved along. */
  readonly numKeys?: number;
}

/** Sorts an array along an axis, or several arrays of one shape by the first of them. */
export function sort(operand: ArrayLike, dimension?: number | SortOptions): NDArray;
export function sort(operand: readonly NDArray[], dimension?: number | SortOptions): readonly NDArray[];
export function sort(
  operand: ArrayLike | readonly NDArray[],
  dimension: number | SortOptions = {},
): NDArray | readonly NDArray[] {
  const options = typeof dimension === "number" ? { dimension } : dimension;
  const { dimension: axis = -1, isStable = true, numKeys = 1 } = options;
  if (Array.isArray(operand) && operand.every((x) => x instanceof NDArray)) {
    const xs = operand as readonly NDArray[];
    if (xs.length === 0) throw new RematTypeError("Sort requires at least one operand, got none.");
    if (numKeys < 1 || numKeys > xs.length) {
      throw new RematValueError(`num_keys=${numKeys} must be between 1 and len(operand)=${xs.length}.`);
    }
    return sortedTogether(xs, canonicalAxis(axis, xs[0].ndim), numKeys, isStable);
  }
  if (numKeys !== 1)
    throw new RematValueError(`num_keys=${numKeys} must equal 1 for a single operand. Give a list of arrays.`);
  const x = asarray(operand);
  return sorted(x, canonicalAxis(axis, x.ndim), isStable);
}

/** Sorts keys, and values in the order of their keys. */
export function sortKeyVal(
  keys: ArrayLike,
  values: ArrayLike,
  dimension: number | Omit<SortOptions, "numKeys"> = {},
): [keys: NDArray, values: NDArray] {
  const { dimension: axis = -1, isStable = true } = typeof dimension === "number" ? { dimension } : dimension;
  const k = asarray(keys);
  const [a, b] = sortedTogether([k, asarray(values)], canonicalAxis(axis, k.ndim), 1, isStable);
  return [a, b];
}

/** The `k` greatest elements along an axis (the last one) in descending order, and their indices. */
export function topK(
  operand: ArrayLike,
  k: number,
  options: { readonly axis?: number } = {},
): [values: NDArray, indices: NDArray] {
  if (k < 0) throw new RematValueError(`k argument to top_k must be nonnegative, got ${k}.`);
  const x = asarray(operand);
  const [values, indices] = topOf(x, k, canonicalAxis(options.axis ?? -1, x.ndim));
  return [values, indices];
}
