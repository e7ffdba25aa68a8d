/** Searching in sorted arrays. */
import type { NDArray } from "../core/array.ts";
import { batchFlat } from "../core/batch.ts";
import { isComplex, isFloat } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { scan } from "../lax/loops.ts";
import { add, sub } from "../primitives/arithmetic.ts";
import { tupleText } from "../primitives/axes.ts";
import { constLike, fullLike, zerosLike } from "../primitives/broadcasting.ts";
import { bitwiseAnd, bitwiseOr, eq, eqTo, leTo, ltTo, ne, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { imag, real } from "../primitives/complex.ts";
import { counted } from "../primitives/iota.ts";
import { concatenated } from "../primitives/join.ts";
import { batchedInFront, filled, reshaped } from "../primitives/shape.ts";
import { sortedTogether } from "../primitives/sort.ts";
import type { ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { getitem, slice } from "./indexing.ts";
import { indexArray } from "./indexParsing.ts";
import { jitted } from "./jitted.ts";
import { greaterEqual } from "./logic.ts";
import { keyOf } from "./options.ts";
import { promoteDtypes } from "./promote.ts";
import { sum } from "./reductions.ts";
import { floorDivide } from "./rounding.ts";
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

/** The name under which a search is jitted. */
const halving = (side: "left" | "right", unrolled: boolean, a: NDArray, v: NDArray): NDArray =>
  jitted("_searchsorted_scan_impl", keyOf(side, unrolled), (p, q) => byHalving(p, q, side, unrolled), [a, v]);

/** Halving the range in which the place lies; queries are searched one by one, side by side. */
function byHalving(a: NDArray, v: NDArray, side: "left" | "right", unrolled: boolean): NDArray {
  const n = a.shape[0];
  if (n === 0) return filled(v.shape, 0, "int32");
  if (v.ndim > 0) {
    const { outs, dims } = batchFlat(([p, q]) => [halving(side, unrolled, p, q)], v.shape[0], [a, v], [null, 0]);
    return batchedInFront(outs[0], dims[0], v.shape[0]);
  }
  const levels = Math.ceil(Math.log2(n + 1));
  const step = ([low, high]: readonly NDArray[]): [NDArray[], null] => {
    const middle = add(low, floorDivide(sub(high, low), 2));
    const element = getitem(a, middle);
    const goLeft = inOrder(keysOf(v), keysOf(element), side === "left");
    return [[select(goLeft, low, middle), select(goLeft, middle, high)], null];
  };
  const start = [literal(0, "uint32"), literal(n, "uint32")];
  const [range] = scan(step as never, start, null, { length: levels, unroll: unrolled ? levels : 1 }) as unknown as [
    NDArray[],
    null,
  ];
  return convertElementType(range[1], "int32");
}

function byCounting(a: NDArray, v: NDArray, side: "left" | "right"): NDArray {
  const compare = ([x, y]: readonly NDArray[]): NDArray[] => [inOrder(keysOf(x), keysOf(y), side === "right")];
  const { outs, dims } = batchFlat(compare, a.shape[0], [a, v], [0, null]);
  return sum(batchedInFront(outs[0], dims[0], a.shape[0]), 0, { dtype: "int32" });
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
export function searchsorted(
  a: ArrayLike,
  v: ArrayLike,
  side?: "left" | "right" | SearchOptions,
  options: SearchOptions = {},
): NDArray {
  const given: SearchOptions =
    typeof side === "object" ? side : { ...options, ...(side === undefined ? {} : { side }) };
  const { side: from = "left", sorter = null, method = "scan" } = given;
  if (from !== "left" && from !== "right") {
    throw new RematValueError(`invalid argument side='${String(from)}', expected 'left' or 'right'.`);
  }
  if (!["compare_all", "scan", "scan_unrolled", "sort"].includes(method)) {
    throw new RematValueError(
      `invalid argument method='${method}', expected one of ['compare_all', 'scan', 'scan_unrolled', 'sort'].`,
    );
  }
  const body = (...xs: NDArray[]): NDArray => {
    if (xs[0].ndim !== 1)
      throw new RematValueError(`searchsorted: a should be 1-dimensional, got shape ${tupleText(xs[0].shape)}.`);
    const [promoted, query] = promoteDtypes(xs[0], xs[1]);
    const vector = xs.length > 2 ? getitem(promoted, xs[2]) : promoted;
    if (method === "scan" || method === "scan_unrolled")
      return halving(from, method === "scan_unrolled", vector, query);
    const impl = method === "sort" ? bySorting : byCounting;
    return jitted(
      `_searchsorted_${method}_impl`,
      keyOf(from),
      (p, q) => convertElementType(impl(p, q, from), "int32"),
      [vector, query],
    );
  };
  const args = sorter === null ? [a, v] : [a, v, indexArray(sorter)];
  return jitted("searchsorted", keyOf(from, method), body, args);
}

/** The bins of values: the number of the bin whose edges, in ascending or descending order, they lie between. */
export function digitize(
  x: ArrayLike,
  bins: ArrayLike,
  right: boolean | { readonly right?: boolean } = false,
): NDArray {
  const closed = typeof right === "boolean" ? right : (right.right ?? false);
  const body = (values: NDArray, edges: NDArray): NDArray => {
    if (edges.ndim !== 1)
      throw new RematValueError(`digitize: bins must be a 1-dimensional array; got shape ${tupleText(edges.shape)}.`);
    if (edges.size === 0) return filled(values.shape, 0, "int32");
    const side = closed ? "left" : "right";
    const last = getitem(edges, -1);
    const ascending = greaterEqual(last, getitem(edges, 0));
    const up = searchsorted(edges, values, side);
    const down = subtract(edges.shape[0], searchsorted(getitem(edges, slice(null, null, -1)), values, side));
    return where(ascending, up, down);
  };
  return jitted("digitize", keyOf(closed), body, [x, bins]);
}
