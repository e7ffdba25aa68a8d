/**
 * Arrays as sets: distinct elements, membership, union and the like. The number of distinct elements decides the shape of the result, so
 * while tracing it has to be given as `size`; what lacks is filled (by default with the least element).
 */
import type { NDArray } from "../core/array.ts";
import { isInexact } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { canonicalAxis, range } from "../primitives/axes.ts";
import { bitwiseAnd, bitwiseNot, ne } from "../primitives/comparison.ts";
import { concatenated } from "../primitives/join.ts";
import { expanded, filled, movedAxis, reshaped, reversed, transposed } from "../primitives/shape.ts";
import { sorted } from "../primitives/sort.ts";
import { asarray, concreteValue, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { arange, full, ones, zeros } from "./creation.ts";
import { cumsum, diff } from "./cumulative.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted, jittedAll } from "./jitted.ts";
import { equal, isnan, less, notEqual } from "./logic.ts";
import { nonzero, shapeDependsOn } from "./nonzero.ts";
import { arrayOf, keyOf } from "./options.ts";
import { promoteDtypes } from "./promote.ts";
import { all, any, sum } from "./reductions.ts";
import { ravel } from "./shape.ts";
import { lexsort } from "./sorting.ts";
import { subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

const SIZE_HINT =
  "To make jnp.unique() compatible with JIT and other transforms, you can specify a concrete value for the size argument, which will " +
  "determine the output size: { size }.";

const int = (): "int32" | "int64" => canonicalDType("int64") as "int32" | "int64";

export interface UniqueOptions {
  /** The axis whose slices are compared; by default the array is flattened. */
  readonly axis?: number | null;
  /** Counts NaN as equal to NaN. */
  readonly equalNan?: boolean;
  /** The number of elements to return: needed while tracing. */
  readonly size?: number | null;
  /** What stands for missing elements. */
  readonly fillValue?: ArrayLike | null;
  /** Read by nobody, as in JAX: the elements are in order in any case. */
  readonly sorted?: boolean;
}

export interface UniqueResult {
  /** The distinct elements in order. */
  readonly values: NDArray;
  /** Where each of them occurs first. */
  readonly indices: NDArray;
  /** For each element of the array, its place among the distinct ones. */
  readonly inverse: NDArray;
  /** How often each of them occurs. */
  readonly counts: NDArray;
}

/** The sorted slices, which of them differ from the one before, and the order of sorting. */
function sortedMask(x: NDArray, axis: number, equalNan: boolean): readonly NDArray[] {
  const body = (given: NDArray): readonly NDArray[] => {
    const rows = movedAxis(given, axis, 0);
    const [n, ...rest] = rows.shape;
    const width = rest.reduce((m, d) => m * d, 1);
    let order: NDArray;
    if (width === 0) {
      order = zeros([1], { dtype: int() });
    } else {
      const columns = reversed(transposed(reshaped(rows, [n, width]), [1, 0]), [0]);
      order = lexsort(columns);
    }
    const aux = getitem(rows, order);
    if (aux.size === 0) return [aux, zeros([n], { dtype: "bool" }), order];
    const first = ones([n], { dtype: "bool" });
    const later = getitem(aux, slice(1, null));
    const earlier = getitem(aux, slice(null, -1));
    let differ = ne(later, earlier);
    if (isInexact(aux.dtype) && equalNan)
      differ = bitwiseAnd(differ, bitwiseNot(bitwiseAnd(isnan(later), isnan(earlier))));
    const mask = at(first, slice(1, null)).set(any(differ, range(aux.ndim - 1, 1)));
    return [aux, mask, order];
  };
  return jittedAll("_unique_sorted_mask", keyOf(axis, equalNan), body, [x]);
}

type Wanted = Readonly<Partial<Record<"indices" | "inverse" | "counts", boolean>>>;

function distinct(
  ar: NDArray,
  axis: number,
  options: UniqueOptions,
  wanted: Wanted,
): Partial<UniqueResult> & Pick<UniqueResult, "values"> & { count: () => NDArray } {
  const { equalNan = true, size = null, fillValue = null } = options;
  if (ar.shape[axis] === 0 && size !== null && size > 0 && fillValue === null) {
    throw new RematValueError(
      "jnp.unique: for zero-sized input with nonzero size argument, fill_value must be specified: { fillValue }.",
    );
  }
  const [aux, mask, order] = sortedMask(ar, axis, equalNan);
  let places: NDArray;
  if (size === null) {
    const known = concreteValue(mask);
    if (known === null) throw shapeDependsOn(mask, `The error arose in jnp.unique(). ${SIZE_HINT}`);
    places = known;
  } else {
    places = nonzero(mask, { size })[0];
  }
  const count = (): NDArray => sum(mask);
  let values = aux.size > 0 ? getitem(aux, places) : aux;
  if (size !== null && fillValue !== null) {
    const fill = asarray(fillValue, { dtype: values.dtype });
    const valid = expanded(less(arange(size), count()), range(values.ndim - 1, 1));
    values =
      values.shape[0] > 0
        ? where(valid, values, fill)
        : full([size, ...values.shape.slice(1)], fill, { dtype: values.dtype });
  }
  return {
    values: movedAxis(values, 0, axis),
    count,
    ...(wanted.indices ? { indices: aux.size > 0 ? getitem(order, places) : order } : {}),
    ...(wanted.inverse ? { inverse: inverseOf(ar, axis, aux, mask, order) } : {}),
    ...(wanted.counts ? { counts: countsOf(ar, axis, aux, mask, size) } : {}),
  };
}

function inverseOf(ar: NDArray, axis: number, aux: NDArray, mask: NDArray, order: NDArray): NDArray {
  if (aux.size === 0) return zeros([ar.shape[axis]], { dtype: int() });
  const numbers = subtract(cumsum(mask), 1);
  return at(zeros(mask.shape, { dtype: int() }), order).set(numbers);
}

function countsOf(ar: NDArray, axis: number, aux: NDArray, mask: NDArray, size: number | null): NDArray {
  if (aux.size === 0)
    return ar.shape[axis] > 0 ? full([1], ar.shape[axis], { dtype: int() }) : zeros([0], { dtype: int() });
  if (size === null) {
    const starts = nonzero(mask)[0];
    return diff(concatenated([starts, filled([1], mask.size, starts.dtype)], 0));
  }
  const starts = nonzero(mask, { size: size + 1 })[0];
  const later = (): NDArray => getitem(starts, slice(1, null));
  return diff(at(starts, slice(1, null)).set(where(later(), later(), mask.size)));
}

function checkKnown(x: NDArray, where: string): void {
  if (concreteValue(x) === null) throw shapeDependsOn(x, `${where} ${SIZE_HINT}`);
}

/** All that `unique` can tell; the array is flattened unless an axis is given. */
function uniqueParts(
  ar: ArrayLike,
  options: UniqueOptions,
  wanted: Wanted,
): Partial<UniqueResult> & Pick<UniqueResult, "values"> {
  const x = arrayOf(ar, "unique");
  if ((options.size ?? null) === null) checkKnown(x, "The error arose for the first argument of jnp.unique().");
  const { axis = null } = options;
  const flat = axis === null ? reshaped(x, [x.size]) : x;
  const { count: _, ...parts } = distinct(flat, axis === null ? 0 : canonicalAxis(axis, x.ndim), options, wanted);
  return axis === null && parts.inverse !== undefined ? { ...parts, inverse: reshaped(parts.inverse, x.shape) } : parts;
}

export interface UniqueReturns extends UniqueOptions {
  readonly returnIndex?: boolean;
  readonly returnInverse?: boolean;
  readonly returnCounts?: boolean;
}

/**
 * The distinct elements in ascending order. With `returnIndex`, `returnInverse` or `returnCounts` a list: the elements, and what was asked
 * for, in this order.
 *
 *     np.unique([3, 1, 3])                          // [1, 3]
 *     np.unique([3, 1, 3], { returnCounts: true })  // [[1, 3], [1, 2]]
 */
export function unique(ar: ArrayLike, options?: UniqueOptions): NDArray;
export function unique(ar: ArrayLike, options: UniqueReturns): NDArray | NDArray[];
export function unique(ar: ArrayLike, options: UniqueReturns = {}): NDArray | NDArray[] {
  const { returnIndex = false, returnInverse = false, returnCounts = false } = options;
  const parts = uniqueParts(ar, options, { indices: returnIndex, inverse: returnInverse, counts: returnCounts });
  const out = [parts.values, parts.indices, parts.inverse, parts.counts].filter((p) => p !== undefined);
  return out.length === 1 ? out[0] : out;
}

type SizeOptions = Pick<UniqueOptions, "size" | "fillValue">;
const apart = { equalNan: false } as const;

/** The distinct elements with their first places, the inverse, and counts; every NaN is distinct. */
export const uniqueAll = (x: ArrayLike, options: SizeOptions = {}): UniqueResult =>
  uniqueParts(x, { ...options, ...apart }, { indices: true, inverse: true, counts: true }) as UniqueResult;
/** The distinct elements and how often they occur. */
export const uniqueCounts = (x: ArrayLike, options: SizeOptions = {}): Pick<UniqueResult, "values" | "counts"> =>
  uniqueParts(x, { ...options, ...apart }, { counts: true }) as UniqueResult;
/** The distinct elements and the place of each element among them. */
export const uniqueInverse = (x: ArrayLike, options: SizeOptions = {}): Pick<UniqueResult, "values" | "inverse"> =>
  uniqueParts(x, { ...options, ...apart }, { inverse: true }) as UniqueResult;
/** The distinct elements. */
export const uniqueValues = (x: ArrayLike, options: SizeOptions = {}): NDArray =>
  uniqueParts(x, { ...options, ...apart }, {}).values;

/** For each element of `element`, whether it is among `testElements` (or, with `invert`, is not). */
export function isin(
  element: ArrayLike,
  testElements: ArrayLike,
  { invert = false }: { readonly invert?: boolean; readonly assumeUnique?: boolean } = {},
): NDArray {
  const x = arrayOf(element, "isin");
  return reshaped(among(x, arrayOf(testElements, "isin", 1), invert), x.shape);
}

const among = (x: NDArray, tests: NDArray, invert: boolean): NDArray =>
  jitted(
    "_in1d",
    keyOf(invert),
    (a, b) => {
      const [p, q] = promoteDtypes(a, b).map((y) => ravel(y));
      if (p.size === 0 || q.size === 0) return (invert ? ones : zeros)(p.shape, { dtype: "bool" });
      const [column, row] = [expanded(p, [1]), expanded(q, [0])];
      return invert ? all(notEqual(column, row), -1) : any(equal(column, row), -1);
    },
    [x, tests],
  );

export interface SetOptions extends SizeOptions {
  /** A promise that no array holds an element twice. */
  readonly assumeUnique?: boolean;
}

/** The elements of the first array that are not in the second, distinct and in order. */
export function setdiff1d(ar1: ArrayLike, ar2: ArrayLike, options: SetOptions = {}): NDArray {
  const { assumeUnique = false, size = null, fillValue = null } = options;
  const a = ravel(arrayOf(ar1, "setdiff1d"));
  const b = ravel(arrayOf(ar2, "setdiff1d", 1));
  if (size === null) checkKnown(a, "The error arose in setdiff1d().");
  const fill = asarray(fillValue ?? 0, { dtype: a.dtype });
  if (a.size === 0) return full([size ?? 0], fill, { dtype: a.dtype });
  const set = assumeUnique ? a : unique(a, { size: size === null ? null : a.size });
  const outside = among(set, b, true);
  if (size === null) return getitem(set, outside);
  let mask = outside;
  if (!assumeUnique) {
    // the padding of unique() repeats its first element
    const count = subtract(set.size + 1, sum(equal(set, getitem(set, 0))));
    mask = where(less(arange(set.size), count), mask, false);
  }
  const valid = less(arange(size), sum(mask));
  return where(valid, getitem(set, nonzero(mask, { size })[0]), fill);
}

/** The elements of either array, distinct and in order. */
export function union1d(ar1: ArrayLike, ar2: ArrayLike, options: SizeOptions = {}): NDArray {
  const [a, b] = [arrayOf(ar1, "union1d"), arrayOf(ar2, "union1d", 1)];
  if ((options.size ?? null) === null) for (const x of [a, b]) checkKnown(x, "The error arose in union1d().");
  const [p, q] = promoteDtypes(ravel(a), ravel(b));
  return unique(concatenated([p, q], 0), options);
}

/** Pads a vector whose length is known to a given size: with the fill value, or the last element. */
function padded(x: NDArray, { size = null, fillValue = null }: SizeOptions): NDArray {
  if (size === null || x.shape[0] === size) return x;
  if (x.shape[0] > size) return getitem(x, slice(size));
  const fill =
    fillValue === null ? (x.size > 0 ? getitem(x, 0) : literal(0, x.dtype)) : asarray(fillValue, { dtype: x.dtype });
  return concatenated([x, full([size - x.shape[0]], fill, { dtype: x.dtype })], 0);
}

/** Both arrays, flattened and promoted, which must be known. */
function knownPair(name: string, ar1: ArrayLike, ar2: ArrayLike, assumeUnique: boolean): NDArray[] {
  const pair = promoteDtypes(ravel(arrayOf(ar1, name)), ravel(arrayOf(ar2, name, 1)));
  for (const x of pair) {
    if (concreteValue(x) === null)
      throw shapeDependsOn(x, `The error arose in ${name}(): while tracing its result has no known size.`);
  }
  return assumeUnique ? pair : pair.map((x) => unique(x));
}

/** The elements of exactly one of the arrays, distinct and in order. The arrays must be known. */
export function setxor1d(ar1: ArrayLike, ar2: ArrayLike, options: SetOptions = {}): NDArray {
  const aux0 = concatenated(knownPair("setxor1d", ar1, ar2, options.assumeUnique ?? false), 0);
  if (aux0.size === 0) return padded(aux0, options);
  const aux = sorted(aux0, 0);
  const end = filled([1], true, "bool");
  const changes = concatenated([end, ne(getitem(aux, slice(1, null)), getitem(aux, slice(null, -1))), end], 0);
  const alone = bitwiseAnd(getitem(changes, slice(1, null)), getitem(changes, slice(null, -1)));
  return padded(getitem(aux, alone), options);
}

/** The elements of both arrays, distinct and in order. The arrays must be known. */
export function intersect1d(ar1: ArrayLike, ar2: ArrayLike, options: SetOptions = {}): NDArray {
  const aux = sorted(concatenated(knownPair("intersect1d", ar1, ar2, options.assumeUnique ?? false), 0), 0);
  const repeated = equal(getitem(aux, slice(1, null)), getitem(aux, slice(null, -1)));
  return padded(getitem(getitem(aux, slice(null, -1)), repeated), options);
}
