/** How many samples fall into each of several bins, in one dimension and in more. */
import type { NDArray } from "../core/array.ts";
import { inexactDType } from "../core/scalar.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { range as countTo } from "../primitives/axes.ts";
import { array, asarray, index, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { linspace, onesLike, zeros } from "./creation.ts";
import { diff } from "./cumulative.ts";
import { ix_, ndim } from "./grids.ts";
import { getitem, slice } from "./indexing.ts";
import { equal } from "./logic.ts";
import { bincount, ravelMultiIndex } from "./nonzero.ts";
import { arrayOf, named } from "./options.ts";
import { astype } from "./piecewise.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { max, min, sum } from "./reductions.ts";
import { searchsorted } from "./searching.ts";
import { reshape, transpose } from "./shape.ts";
import { ptp } from "./statistics.ts";
import { add, subtract, trueDivide } from "./ufuncs.ts";
import { where } from "./where.ts";

/** The lowest and the highest edge; by default the least and the greatest sample. */
export type HistogramRange = ArrayLike | null;

export interface BinOptions {
  /** How many bins of equal width, or their edges. 10 by default. */
  readonly bins?: ArrayLike;
  readonly range?: HistogramRange;
  /** A weight for each sample. */
  readonly weights?: ArrayLike | null;
}

export interface HistogramOptions extends BinOptions {
  /** Divides by the total and the widths of the bins, so that the integral is 1. */
  readonly density?: boolean | null;
}

type Argument = ArrayLike | null | HistogramOptions | undefined;

/** The edges of the bins of a histogram: one more than there are bins. */
export function histogramBinEdges(a: ArrayLike, bins?: Argument, range?: Argument): NDArray {
  const given = named<BinOptions>(["bins", "range"], [bins, range]);
  const count: unknown = given.bins ?? 10;
  if (typeof count === "string") {
    throw new UnsupportedError(
      `string values for \`bins\` not implemented: got '${count}'. Give a number, or the edges.`,
    );
  }
  const x = arrayOf(a, "histogram_bin_edges");
  const dtype = inexactDType(x.dtype);
  if (ndim(count as ArrayLike) === 1) return asarray(count as ArrayLike, { dtype });
  const n = index(count as number | NDArray, "the bins argument of histogram_bin_edges");
  const ends = asarray(given.range ?? [min(x), max(x)], { dtype });
  if (ends.ndim !== 1 || ends.shape[0] !== 2) {
    throw new RematValueError(
      `\`range\` must be either None or a sequence of scalars, got shape (${ends.shape.join(", ")}). Give [low, high].`,
    );
  }
  const low = where(equal(ptp(ends), 0), subtract(getitem(ends, 0), 0.5), getitem(ends, 0));
  const high = where(equal(ptp(ends), 0), add(getitem(ends, 1), 0.5), getitem(ends, 1));
  return linspace(low, high, n + 1, { dtype });
}

/**
 * The number of samples (or the sum of their weights) in each bin, and the edges of the bins.
 *
 *     np.histogram([1, 2, 2, 5], 2)[0] // [3, 1]
 */
export function histogram(a: ArrayLike, bins?: Argument, range?: Argument): readonly [counts: NDArray, edges: NDArray] {
  const given = named<HistogramOptions>(["bins", "range"], [bins, range]);
  let x = arrayOf(a, "histogram");
  let weights: NDArray;
  if (given.weights === undefined || given.weights === null) {
    [x] = promoteDtypesInexact(x);
    weights = onesLike(x);
  } else {
    const w = arrayOf(given.weights, "histogram", 2);
    if (w.shape.join() !== x.shape.join()) {
      throw new RematValueError(
        `weights should have the same shape as a: got (${w.shape.join(", ")}) and (${x.shape.join(", ")}).`,
      );
    }
    [x, weights] = promoteDtypesInexact(x, w);
  }
  const edges = histogramBinEdges(x, { bins: given.bins, range: given.range });
  const n = edges.shape[0];
  const found = searchsorted(edges, x, { side: "right" });
  const bin = where(equal(x, getitem(edges, -1)), n - 1, found);
  const counts = getitem(at(zeros(n, weights.dtype), bin).add(weights), slice(1, null));
  if (given.density !== true) return [counts, edges];
  return [trueDivide(trueDivide(counts, diff(edges)), sum(counts)), edges];
}

export interface HistogramddOptions {
  /** The bins of all dimensions, or one entry for each of them in a list. */
  readonly bins?: ArrayLike | readonly ArrayLike[];
  /** A range for each dimension, or null. */
  readonly range?: readonly HistogramRange[] | null;
  readonly weights?: ArrayLike | null;
  readonly density?: boolean | null;
}

type ArgumentDD = HistogramddOptions["bins"] | HistogramddOptions["range"] | HistogramddOptions;

/** A histogram of points: the counts, with an axis for each coordinate, and the edges along each. Points are the rows of `sample`. */
export function histogramdd(
  sample: ArrayLike,
  bins?: ArgumentDD,
  range?: ArgumentDD,
): readonly [counts: NDArray, edges: readonly NDArray[]] {
  const given = named<HistogramddOptions>(["bins", "range"], [bins, range]);
  let points = arrayOf(sample, "histogramdd");
  let weights: NDArray | null = null;
  if (given.weights === undefined || given.weights === null) [points] = promoteDtypesInexact(points);
  else {
    const w = arrayOf(given.weights, "histogramdd", 1);
    if (w.ndim !== 1 || w.shape[0] !== points.shape[0]) {
      throw new RematValueError(
        `should have one weight for each sample: got shapes (${w.shape.join(", ")}) and (${points.shape.join(", ")}).`,
      );
    }
    [points, weights] = promoteDtypesInexact(points, w);
  }
  const [n, dimensions] = points.shape;
  const ranges = given.range ?? null;
  if (ranges !== null && ranges.length !== dimensions) {
    throw new RematValueError(
      `For sample.shape=(${n}, ${dimensions}), range must be a sequence of ${dimensions} pairs or Nones; got ${ranges.length} of them.`,
    );
  }
  const asked = given.bins ?? 10;
  const each = Array.isArray(asked)
    ? (asked as readonly ArrayLike[])
    : ndim(asked as ArrayLike) === 0
      ? countTo(dimensions).map(() => asked as ArrayLike)
      : countTo((asked as NDArray).shape[0]).map((i) => getitem(asked as NDArray, i));
  if (each.length !== dimensions) {
    throw new RematValueError(`should be a bin for each dimension: got ${each.length} for ${dimensions} dimensions.`);
  }
  const places: NDArray[] = [];
  const edges: NDArray[] = [];
  for (let i = 0; i < dimensions; i++) {
    const column = (): NDArray => getitem(points, slice(null), i);
    const lines = histogramBinEdges(column(), { bins: each[i], range: ranges?.[i] ?? null });
    const found = searchsorted(lines, column(), { side: "right" });
    places.push(where(equal(column(), getitem(lines, -1)), subtract(found, 1), found));
    edges.push(lines);
  }
  // One bin more at either end, for what lies outside.
  const sizes = edges.map((lines) => lines.shape[0] + 1);
  const widths = edges.map((lines) => diff(lines));
  const flat = ravelMultiIndex(places, sizes, { mode: "clip" });
  const all = reshape(bincount(flat, { weights, length: sizes.reduce((a, b) => a * b, 1) }), sizes);
  let counts = getitem(all, ...sizes.map(() => slice(1, -1)));
  if (given.density === true) {
    counts = astype(counts, points.dtype);
    counts = trueDivide(counts, sum(counts));
    for (const width of ix_(...widths)) counts = trueDivide(counts, width);
  }
  return [counts, edges];
}

/** A histogram of points in the plane: the counts, and the edges along both axes. */
export function histogram2d(
  x: ArrayLike,
  y: ArrayLike,
  bins?: ArgumentDD,
  range?: ArgumentDD,
): readonly [counts: NDArray, xEdges: NDArray, yEdges: NDArray] {
  const given = named<HistogramddOptions>(["bins", "range"], [bins, range]);
  let asked = given.bins ?? 10;
  const listed = Array.isArray(asked) && asked.length === 2;
  if (!listed && ndim(asked as ArrayLike) > 0 && (asked as NDArray).shape?.[0] !== 2) {
    const edges = asarray(asked as ArrayLike);
    asked = [edges, edges];
  }
  const sample = transpose(array([arrayOf(x, "histogram2d"), arrayOf(y, "histogram2d", 1)], { copy: false }));
  const [counts, edges] = histogramdd(sample, { ...given, bins: asked });
  return [counts, edges[0], edges[1]];
}
