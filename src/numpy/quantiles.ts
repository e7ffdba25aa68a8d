/** Medians and quantiles: elements of the sorted array, or between two of them. */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { currentTrace } from "../core/interpreter.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { add, max as maxOf, min as minOf, mul, sub } from "../primitives/arithmetic.ts";
import { canonicalAxes, canonicalAxis, inserted, range, remaining, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { bitwiseNot, clamp, le, ne, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { ceil, floor } from "../primitives/elementwise.ts";
import { gathered } from "../primitives/gather.ts";
import { gatherDims } from "../primitives/gatherDimensions.ts";
import { counted } from "../primitives/iota.ts";
import { broadcastedInDim, expanded, reshaped } from "../primitives/shape.ts";
import { sorted, sortedTogether } from "../primitives/sort.ts";
import { float, toArray, type ArrayLike } from "./asarray.ts";
import { getitem } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { keyOf, named } from "./options.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { any, sum, type Axis } from "./reductions.ts";
import { ravel } from "./shape.ts";
import { subtract, trueDivide } from "./ufuncs.ts";
import { fittedWeights, invertedCdf } from "./weightedQuantiles.ts";
import { where } from "./where.ts";

export type QuantileMethod = "linear" | "lower" | "higher" | "midpoint" | "nearest" | "inverted_cdf";

export interface QuantileOptions {
  readonly axis?: Axis;
  /** What is taken between two elements: a weighted mean, the lower, the higher, their mean, or the nearer one; or the first element up to which
   * the fraction of the weights is reached, the one method for which elements have weights. */
  readonly method?: QuantileMethod;
  readonly keepdims?: boolean;
  /** What each element counts, of the shape of the array or of its reduced axes; for the method "inverted_cdf". */
  readonly weights?: ArrayLike | null;
}

interface Settings {
  readonly axis: Axis;
  readonly method: QuantileMethod;
  readonly keepdims: boolean;
}

const settings = ({ axis = null, method = "linear", keepdims = false }: QuantileOptions): Settings => ({
  axis,
  method,
  keepdims,
});

/** The weights of the options as an operand, if there are any. */
const weightsOf = (options: Partial<QuantileOptions>): ArrayLike[] =>
  options.weights === undefined || options.weights === null ? [] : [options.weights];

/** The array with the axes to reduce merged into one, and the shape of a result that keeps them. */
function merged(x: NDArray, axis: Axis): { x: NDArray; axis: number; kept: number[] | null } {
  if (axis === null) return { x: ravel(x), axis: 0, kept: x.shape.map(() => 1) };
  if (typeof axis === "number") return { x, axis: canonicalAxis(axis, x.ndim), kept: null };
  const axes = canonicalAxes(axis, x.ndim);
  const keep = remaining(x.ndim, axes);
  const order = range(x.ndim);
  keep.forEach((place, i) => {
    [order[i], order[place]] = [order[place], order[i]];
  });
  const size = axes.reduce((n, a) => n * x.shape[a], 1);
  const out = reshaped(x, [...keep.map((a) => x.shape[a]), size], order);
  return { x: out, axis: out.ndim - 1, kept: x.shape.map((d, i) => (axes.includes(i) ? 1 : d)) };
}

/** The two neighbouring elements of the sorted array, and how far between them the quantile lies. */
interface Between {
  readonly low: NDArray;
  readonly high: NDArray;
  readonly lowWeight: NDArray;
  readonly highWeight: NDArray;
  /** The sorted array, and what its elements count. */
  readonly ascending: NDArray;
  readonly shares: NDArray | null;
}

function inOrder(x: NDArray, shares: NDArray | null, axis: number): [NDArray, NDArray | null] {
  if (shares === null) return [sorted(x, axis), null];
  const [a, w] = sortedTogether([x, shares], axis, 1);
  return [a, w];
}

function neighbours(x: NDArray, q: NDArray, axis: number, keepdims: boolean, given: NDArray | null): Between {
  const clean = where(any(ne(x, x), { axis, keepdims: true }), float(NaN), x);
  const [a, shares] = inOrder(clean, given, axis);
  const n = currentTrace().stageValue(literal(a.shape[axis], q.dtype));
  const last = (): NDArray => sub(n, constLike(n, 1));
  const place = mul(q, last());
  const [below, above] = [floor(place), ceil(place)];
  const highWeight = sub(place, below);
  const lowWeight = sub(constLike(highWeight, 1), highWeight);
  const inside = (i: NDArray): NDArray => clamp(constLike(i, 0), i, last());
  const [first, second] = [inside(below), inside(above)];
  const int = canonicalDType("int64");
  const [i, j] = [convertElementType(first, int), convertElementType(second, int)];
  const dims = gatherDims({
    offsetDims: range(a.ndim - (keepdims ? 0 : 1), q.ndim),
    collapsedSliceDims: keepdims ? [] : [axis],
    startIndexMap: [axis],
  });
  const at = (k: NDArray): NDArray => gathered(a, expanded(k, [k.ndim]), dims, a.shape.with(axis, 1));
  const [low, high] = [at(i), at(j)];
  const fit = (w: NDArray): NDArray => (q.ndim === 1 ? broadcastedInDim(w, low.shape, [0]) : w);
  return { low, high, lowWeight: fit(lowWeight), highWeight: fit(highWeight), ascending: a, shares };
}

/** The same among the elements that are not NaN, whose number differs from place to place. */
function nanNeighbours(x: NDArray, q: NDArray, axis: number, keepdims: boolean, given: NDArray | null): Between {
  const [a, shares] = inOrder(where(ne(x, x), float(NaN), x), given, axis);
  const numbers = sum(bitwiseNot(ne(a, a)), { axis, dtype: q.dtype, keepdims });
  const wide = expanded(q, range(numbers.ndim, q.ndim));
  const counts = expanded(numbers, range(q.ndim));
  const place = mul(wide, sub(counts, constLike(wide, 1)));
  const [below, above] = [floor(place), ceil(place)];
  const highWeight = sub(place, below);
  const lowWeight = sub(constLike(highWeight, 1), highWeight);
  const inside = (i: NDArray): NDArray => maxOf(constLike(i, 0), minOf(i, subtract(counts, 1)));
  const [first, second] = [inside(below), inside(above)];
  const int = canonicalDType("int64");
  const [i, j] = [convertElementType(first, int), convertElementType(second, int)];
  const shape = [...q.shape, ...numbers.shape];
  const others = numbers.shape.map((_, d) => counted(int, shape, d + q.ndim));
  const at = (k: NDArray): NDArray => getitem(a, ...(keepdims ? others.with(axis, k) : inserted(others, axis, k)));
  return { low: at(i), high: at(j), lowWeight, highWeight, ascending: a, shares };
}

function chosen({ low, high, lowWeight, highWeight }: Between, method: QuantileMethod, q: NDArray): NDArray {
  const fit = (x: NDArray): NDArray => convertElementType(x, q.dtype);
  switch (method) {
    case "linear":
      return add(mul(fit(low), lowWeight), mul(fit(high), highWeight));
    case "lower":
      return low;
    case "higher":
      return high;
    case "nearest":
      return select(le(highWeight, constLike(highWeight, 0.5)), low, high);
    case "midpoint":
      return mul(add(low, high), constLike(low, 0.5));
    default:
      throw new RematValueError(
        `method can only be 'linear', 'lower', 'higher', 'midpoint', 'nearest' or 'inverted_cdf', got '${String(method)}'.`,
      );
  }
}

function quantileOf(
  name: "quantile" | "nanquantile",
  a: NDArray,
  q: NDArray,
  options: Settings,
  weights: readonly ArrayLike[],
): NDArray {
  const { axis, method, keepdims } = options;
  return jitted(
    name,
    keyOf(options, weights.length),
    (array, level, ...more) => {
      const w = more.length === 0 ? null : more[0];
      const [given, fitted] =
        w === null ? [promoteDtypesInexact(array)[0], null] : fittedWeights(array, w, axis, method);
      if (isComplex(given.dtype)) {
        throw new RematValueError(
          `quantile does not support complex input, as the operation is poorly defined: got ${given.dtype}.`,
        );
      }
      if (level.ndim > 1) throw new RematValueError(`q must be have rank <= 1, got shape ${tupleText(level.shape)}.`);
      const { x, axis: along, kept } = merged(given, axis);
      const shares = fitted === null ? null : merged(fitted, axis).x;
      const pair = (name === "quantile" ? neighbours : nanNeighbours)(x, level, along, keepdims, shares);
      const out =
        method === "inverted_cdf"
          ? invertedCdf(pair.ascending, level, pair.shares, along, keepdims, name === "nanquantile")
          : chosen(pair, method, level);
      const shaped = keepdims && kept !== null && kept.length > 0 ? reshaped(out, [...level.shape, ...kept]) : out;
      return convertElementType(shaped, given.dtype);
    },
    [a, q, ...weights],
  );
}

type Quantile = (a: ArrayLike, q: ArrayLike, axis?: Axis | QuantileOptions, options?: QuantileOptions) => NDArray;

const levels =
  (name: "quantile" | "nanquantile"): Quantile =>
  (a, q, axis, options) =>
    quantileOf(
      name,
      toArray(a, name),
      toArray(q, name, 1),
      settings(named<QuantileOptions>(["axis"], [axis, options])),
      weightsOf(named<QuantileOptions>(["axis"], [axis, options])),
    );

/** The value below which the fraction `q` of the elements lies; `q` may be a vector. */
export const quantile: Quantile = levels("quantile");
/** The same for the elements that are not NaN. */
export const nanquantile: Quantile = levels("nanquantile");

const percents =
  (name: "percentile" | "nanpercentile"): Quantile =>
  (a, q, axis, options) => {
    const asked = named<QuantileOptions>(["axis"], [axis, options]);
    const given = settings(asked);
    const weights = weightsOf(asked);
    return jitted(
      name,
      keyOf(given, weights.length),
      (x, level, ...more) => {
        const fraction = trueDivide(promoteDtypesInexact(level)[0], 100);
        return quantileOf(name === "percentile" ? "quantile" : "nanquantile", x, fraction, given, more);
      },
      [a, q, ...weights],
    );
  };

/** `quantile` with `q` in percent. */
export const percentile: Quantile = percents("percentile");
/** `nanquantile` with `q` in percent. */
export const nanpercentile: Quantile = percents("nanpercentile");

type Median = (a: ArrayLike, axis?: Axis | QuantileOptions, options?: QuantileOptions) => NDArray;

const middle =
  (name: "median" | "nanmedian"): Median =>
  (a, axis, options) => {
    const given: Settings = { ...settings(named<QuantileOptions>(["axis"], [axis, options])), method: "midpoint" };
    return jitted(
      name,
      keyOf(given),
      (x) => quantileOf(name === "median" ? "quantile" : "nanquantile", x, toArray(0.5), given, []),
      [a],
    );
  };

/** The middle element, or the mean of the two in the middle. */
export const median: Median = middle("median");
/** The same for the elements that are not NaN. */
export const nanmedian: Median = middle("nanmedian");
