/** Sorted order: sorting, the indices that sort, partial sorting, searching in sorted arrays. Sorting is stable, and NaN comes last. */
import { NDArray } from "../core/array.ts";
import { isComplex, kindOf, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError, UnsupportedError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { add, neg, sub } from "../primitives/arithmetic.ts";
import { canonicalAxis, isIdentity, range, sameList, tupleText } from "../primitives/axes.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { lt, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { counted } from "../primitives/iota.ts";
import { concatenated } from "../primitives/join.ts";
import { broadcastedInDim, expanded, filled, reshaped, reversed, transposed } from "../primitives/shape.ts";
import { sorted, sortedTogether, topOf } from "../primitives/sort.ts";
import { replaced } from "../primitives/scatter.ts";
import { scatterDims } from "../primitives/gatherDimensions.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { jitted } from "./jitted.ts";
import { keyOf, named } from "./options.ts";

export interface SortOptions {
  /** The axis to sort along: the last one by default; null flattens the array. */
  readonly axis?: number | null;
  /** False allows equal elements to change their order. */
  readonly stable?: boolean;
  readonly descending?: boolean;
  readonly kind?: null;
  readonly order?: null;
}

function refuse(name: string, { kind, order }: { readonly kind?: unknown; readonly order?: unknown }): void {
  if (kind !== undefined && kind !== null) {
    throw new RematTypeError(
      `'kind' argument to ${name} is not supported. Use stable=True or stable=False to specify sort stability: { stable: false }.`,
    );
  }
  if (order !== undefined && order !== null) {
    throw new RematTypeError(`'order' argument to ${name} is not supported: arrays have no named fields.`);
  }
}

/** The array and axis to work on: a flattened one for null. */
function along(x: NDArray, axis: number | null): [x: NDArray, axis: number] {
  if (axis === null) return [reshaped(x, [x.size]), 0];
  return [x, canonicalAxis(axis, x.ndim)];
}

/**
 * The elements in ascending order along an axis.
 *
 *     np.sort(x, { axis: 0, descending: true })
 */
export function sort(a: ArrayLike, ...options: readonly (number | null | SortOptions | undefined)[]): NDArray {
  const given = named<SortOptions>(["axis"], options);
  refuse("sort", given);
  const { axis = -1, stable = true, descending = false } = given;
  const body = (x: NDArray): NDArray => {
    const [arr, dimension] = along(x, axis);
    const out = sorted(arr, dimension, stable);
    return descending ? reversed(out, [dimension]) : out;
  };
  return jitted("sort", keyOf(axis, stable, descending), body, [a]);
}

export interface ArgsortOptions extends SortOptions {
  readonly dtype?: DType | null;
}

/** The indices of the elements in ascending order along an axis. */
export function argsort(a: ArrayLike, ...options: readonly (number | null | ArgsortOptions | undefined)[]): NDArray {
  const given = named<ArgsortOptions>(["axis"], options);
  refuse("argsort", given);
  const { axis = -1, stable = true, descending = false, dtype = null } = given;
  const body = (x: NDArray): NDArray => {
    const [arr, dimension] = along(x, axis);
    const iota = counted(canonicalDType(dtype ?? "int64"), arr.shape, dimension);
    // equal elements keep their order in a stable descending sort if the array is reversed before, and the result after
    const turned = descending && stable;
    const keys = turned ? reversed(arr, [dimension]) : arr;
    const values = turned ? reversed(iota, [dimension]) : iota;
    const [, indices] = sortedTogether([keys, values], dimension, 1, stable);
    return descending ? reversed(indices, [dimension]) : indices;
  };
  return jitted("argsort", keyOf(axis, stable, descending, dtype), body, [a]);
}

/** The indices that sort by several keys, the last one first; along the last axis by default. */
export function lexsort(keys: readonly ArrayLike[] | NDArray, axis: number | { readonly axis?: number } = -1): NDArray {
  const given = keys instanceof NDArray ? [keys] : keys.map((k, i) => toArray(k, "lexsort", i));
  const dtype = canonicalDType("int64");
  const wanted = typeof axis === "number" ? axis : (axis.axis ?? -1);
  const body = (...args: NDArray[]): NDArray => {
    const xs = keys instanceof NDArray ? elements(args[0]) : args;
    if (xs.length === 0) throw new RematTypeError("need sequence of keys with len > 0 in lexsort, got none.");
    if (!xs.every((k) => sameList(k.shape, xs[0].shape))) {
      throw new RematValueError(
        `all keys need to be the same shape, got ${xs.map((k) => tupleText(k.shape)).join(", ")}.`,
      );
    }
    if (xs[0].ndim === 0) return filled([], 0, dtype);
    const dimension = canonicalAxis(wanted, xs[0].ndim);
    return sortedTogether([...xs.toReversed(), counted(dtype, xs[0].shape, dimension)], dimension, xs.length).at(-1)!;
  };
  return jitted("lexsort", keyOf(wanted, keys instanceof NDArray), body, given);
}

/** The same sort, as complex numbers. */
export function sortComplex(a: ArrayLike): NDArray {
  const body = (x: NDArray): NDArray => {
    const out = sorted(x, x.ndim - 1);
    if (isComplex(out.dtype)) return out;
    return convertElementType(out, out.dtype === "float64" ? "complex128" : "complex64");
  };
  return jitted("sort_complex", "", body, [a]);
}

const swapped = (x: NDArray, a: number, b: number): NDArray => {
  const permutation = range(x.ndim);
  permutation[a] = b;
  permutation[b] = a;
  return isIdentity(permutation) ? x : transposed(x, permutation);
};

function refuseComplex(name: string, x: NDArray): void {
  if (isComplex(x.dtype))
    throw new UnsupportedError(`jnp.${name} for complex dtype is not implemented, got ${x.dtype}. Sort instead.`);
}

/** An array whose greatest elements are the smallest of `x`; unsigned numbers wrap around so that 0 becomes the greatest. */
const downward = (x: NDArray): NDArray => (kindOf(x.dtype) === "uint" ? neg(add(x, constLike(x, 1))) : neg(x));

/** The array rearranged along an axis so that element `kth` is where sorting puts it, smaller ones before it, greater ones after it. */
export function partition(a: ArrayLike, kth: number, axis: number | { readonly axis?: number } = -1): NDArray {
  const wanted = typeof axis === "number" ? axis : (axis.axis ?? -1);
  const body = (x: NDArray): NDArray => {
    refuseComplex("partition", x);
    const dimension = canonicalAxis(wanted, x.ndim);
    const last = x.ndim - 1;
    const k = canonicalAxis(kth, x.shape[dimension]);
    const arr = swapped(x, dimension, last);
    const top = topOf(downward(arr), k + 1, last)[0];
    const back = neg(top);
    const bottom = kindOf(x.dtype) === "uint" ? sub(back, constLike(back, 1)) : back;
    const upper = topOf(arr, arr.shape[last] - k - 1, last)[0];
    return swapped(concatenated([bottom, upper], last), last, dimension);
  };
  return jitted("partition", keyOf(kth, wanted), body, [a]);
}

/** The indices that rearrange an array as `partition` does. */
export function argpartition(a: ArrayLike, kth: number, axis: number | { readonly axis?: number } = -1): NDArray {
  const wanted = typeof axis === "number" ? axis : (axis.axis ?? -1);
  const body = (x: NDArray): NDArray => {
    refuseComplex("argpartition", x);
    const dimension = canonicalAxis(wanted, x.ndim);
    const last = x.ndim - 1;
    const k = canonicalAxis(kth, x.shape[dimension]);
    const arr = swapped(x, dimension, last);
    const bottom = topOf(downward(arr), k + 1, last)[1];
    // what is not among the smallest is found by its place, so that equal elements are told apart
    const batch = range(last);
    const dims = scatterDims({
      updateWindowDims: [],
      insertedWindowDims: [last],
      scatterDimsToOperandDims: [last],
      operandBatchingDims: batch,
      scatterIndicesBatchingDims: batch,
    });
    const ones = filled(arr.shape, 1, canonicalDType("float64"));
    const isNegative = lt(bottom, constLike(bottom, 0));
    const fromStart = select(isNegative, add(bottom, constLike(bottom, arr.shape[last])), bottom);
    const places = expanded(fromStart, [bottom.ndim]);
    let zeros = fullLike(ones, 0, bottom.shape.slice(-1));
    // one update per row, spread over one axis after the other as a vectorized update is
    for (let i = last - 1; i >= 0; i--)
      zeros = broadcastedInDim(zeros, bottom.shape.slice(i), range(last + 1 - i).slice(1));
    const proxy = replaced(ones, places, zeros, dims);
    const upper = topOf(proxy, arr.shape[last] - k - 1, last)[1];
    return swapped(concatenated([bottom, upper], last), last, dimension);
  };
  return jitted("argpartition", keyOf(kth, wanted), body, [a]);
}
