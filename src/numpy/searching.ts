/** Searching in sorted arrays. */
import type { NDArray } from "../core/array.ts";
import { isComplex, isFloat } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { add, div, sub } from "../primitives/arithmetic.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { constLike, fullLike, zerosLike } from "../primitives/broadcasting.ts";
import { bitwiseAnd, bitwiseOr, eq, eqTo, leTo, ltTo, ne, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { imag, real } from "../primitives/complex.ts";
import { gathered } from "../primitives/gather.ts";
import { gatherDims } from "../primitives/gatherDimensions.ts";
import { counted } from "../primitives/iota.ts";
import { concatenated } from "../primitives/join.ts";
import { broadcastedInDim, expanded, filled, reshaped, squeezed } from "../primitives/shape.ts";
import { sortedTogether } from "../primitives/sort.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { greaterEqual } from "./logic.ts";
import { arrayOf, keyOf } from "./options.ts";
import { promoteDtypes } from "./promote.ts";
import { sum } from "./reductions.ts";
import { subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

export interface SearchOptions {
  /** "left" finds the first place that keeps the order, "right" the last one. */
  readonly side?: "left" | "right";
  /** Indices that sort `a`. */
  readonly sorter?: ArrayLike | null;
  /** "scan" halves the range, "compare_all" counts smaller elements, "sort" sorts both together. */
  readonly method?: "scan" | "scan_unrolled" | "compare_all" | "sort";
}

/** Zeros without sign, and one NaN: what the total order of floats then agrees with the sorted order. */
function keyed(x: NDArray): NDArray {
  const isZero = eq(x, constLike(x, 0));
  const positive = select(isZero, zerosLike(x), x);
  const isNaN = ne(x, x);
  return select(isNaN, fullLike(positive, NaN), positive);
}

const keysOf = (x: NDArray): NDArray[] =>
  isComplex(x.dtype) ? [keyed(real(x)), keyed(imag(x))] : isFloat(x.dtype) ? [keyed(x)] : [x];

/** Compares lists of keys in the order of sorting; operands have equal shapes. */
function inOrder(xs: readonly NDArray[], ys: readonly NDArray[], orEqual: boolean): NDArray {
  let result: NDArray | null = null;
  for (let i = xs.length - 1; i >= 0; i--) {
    if (result === null) result = (orEqual ? leTo : ltTo)(xs[i], ys[i]);
    else result = bitwiseOr(ltTo(xs[i], ys[i]), bitwiseAnd(eqTo(xs[i], ys[i]), result));
  }
  return result!;
}

/** Halving the range in which the place lies, for all queries side by side. */
function byHalving(a: NDArray, v: NDArray, side: "left" | "right"): NDArray {
  const n = a.shape[0];
  const levels = Math.ceil(Math.log2(n + 1));
  let low = filled(v.shape, 0, "uint32");
  let high = filled(v.shape, n, "uint32");
  const queryKeys = keysOf(v);
  const dims = gatherDims({ offsetDims: [v.ndim], collapsedSliceDims: [], startIndexMap: [0] });
  for (let level = 0; level < levels; level++) {
    const middle = add(low, div(sub(high, low), literal(2, "uint32")));
    const window = gathered(a, expanded(middle, [v.ndim]), dims, [1], { mode: "clip" });
    const element = squeezed(window, [v.ndim]);
    const goLeft = inOrder(queryKeys, keysOf(element), side === "left");
    low = select(goLeft, low, middle);
    high = select(goLeft, middle, high);
  }
  return high;
}

function byCounting(a: NDArray, v: NDArray, side: "left" | "right"): NDArray {
  const shape = [a.shape[0], ...v.shape];
  const column = keysOf(a).map((x) => broadcastedInDim(x, shape, [0]));
  const row = keysOf(v).map((x) => broadcastedInDim(x, shape, range(v.ndim, 1)));
  return sum(inOrder(column, row, side === "right"), 0);
}

function bySorting(a: NDArray, v: NDArray, side: "left" | "right"): NDArray {
  const rank = (x: NDArray): NDArray => {
    const index = counted("int32", x.shape, 0);
    return at(fullLike(index, 0), sortedTogether([x, index], 0)[1]).set(index);
  };
  const query = reshaped(v, [v.size]);
  const together =
    side === "left"
      ? getitem(rank(concatenated([query, a], 0)), slice(v.size))
      : getitem(rank(concatenated([a, query], 0)), slice(a.size, null));
  return reshaped(sub(together, rank(query)), v.shape);
}

/**
 * The places in a sorted vector where elements would have to be inserted to keep it sorted.
 *
 *     np.searchsorted([1, 3, 5], [0, 3, 6]) // [0, 1, 3]
 */
export function searchsorted(a: ArrayLike, v: ArrayLike, side?: "left" | "right" | SearchOptions, options: SearchOptions = {}): NDArray {
  const given: SearchOptions = typeof side === "object" ? side : { ...options, ...(side === undefined ? {} : { side }) };
  const { side: from = "left", sorter = null, method = "scan" } = given;
  if (from !== "left" && from !== "right") {
    throw new RematValueError(`invalid argument side='${String(from)}', expected 'left' or 'right'.`);
  }
  const ways = { scan: byHalving, scan_unrolled: byHalving, compare_all: byCounting, sort: bySorting } as const;
  if (!(method in ways)) {
    throw new RematValueError(`invalid argument method='${method}', expected one of ['compare_all', 'scan', 'scan_unrolled', 'sort'].`);
  }
  const body = (...xs: NDArray[]): NDArray => {
    if (xs[0].ndim !== 1) throw new RematValueError(`searchsorted: a should be 1-dimensional, got shape ${tupleText(xs[0].shape)}.`);
    const [promoted, query] = promoteDtypes(xs[0], xs[1]);
    const vector = xs.length > 2 ? getitem(promoted, xs[2]) : promoted;
    if (vector.size === 0) return filled(query.shape, 0, "int32");
    return jitted(
      `_searchsorted_${method === "scan_unrolled" ? "scan" : method}_impl`,
      keyOf(from),
      (p, q) => converted(ways[method](p, q, from)),
      [vector, query],
    );
  };
  const args = sorter === null ? [a, v] : [a, v, sorter];
  return jitted("searchsorted", keyOf(from, method), body, args);
}

const converted = (x: NDArray): NDArray => (x.dtype === "int32" ? x : convertElementType(x, "int32"));

/** The bins of values: the number of the bin whose edges, in ascending or descending order, they lie between. */
export function digitize(x: ArrayLike, bins: ArrayLike, right: boolean | { readonly right?: boolean } = false): NDArray {
  const closed = typeof right === "boolean" ? right : (right.right ?? false);
  const edges = arrayOf(bins, "digitize", 1);
  if (edges.ndim !== 1) throw new RematTypeError(`digitize: bins must be a 1-dimensional array; got shape ${tupleText(edges.shape)}.`);
  const values = toArray(x, "digitize");
  if (edges.size === 0) return filled(values.shape, 0, "int32");
  const side = closed ? "left" : "right";
  const n = edges.shape[0];
  const ascending = greaterEqual(getitem(edges, -1), getitem(edges, 0));
  const up = searchsorted(edges, values, side);
  const down = subtract(n, searchsorted(getitem(edges, slice(null, null, -1)), values, side));
  return where(ascending, up, down);
}
