/**
 * Reductions over segments: element i of `data` belongs to segment `segmentIds[i]`, and each segment is reduced to one element. Ids outside
 * of the segments are dropped.
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { literal, readElement } from "../core/scalar.ts";
import { ConcretizationTypeError, RematValueError } from "../errors.ts";
import { asarray, concreteValue, type ArrayLike } from "../numpy/asarray.ts";
import { scatterUpdate, type ScatterCall } from "../numpy/at.ts";
import { indexArray } from "../numpy/indexParsing.ts";
import { max, min, prod, sum } from "../numpy/reductions.ts";
import { range } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { scatterAdded } from "../primitives/gather.ts";
import type { ModeLike } from "../primitives/gatherDimensions.ts";
import { extremes } from "../primitives/reduce.ts";
import { scatterMaximum, scatterMinimum, scatterMultiplied } from "../primitives/scatter.ts";
import { expanded } from "../primitives/shape.ts";
import { full } from "../numpy/creation.ts";

export interface SegmentOptions {
  /** The number of segments: by default one more than the greatest id, which must then be known. */
  readonly numSegments?: number | null;
  /** A promise that the ids are in order. */
  readonly indicesAreSorted?: boolean;
  /** A promise that no id comes twice. */
  readonly uniqueIndices?: boolean;
  /** Reduces in buckets of this many elements, which sums more exactly. */
  readonly bucketSize?: number | null;
  readonly mode?: ModeLike;
}

type Reducer = (x: NDArray, axis: number) => NDArray;

function countSegments(name: string, ids: NDArray, given: number | null | undefined): number {
  if (given !== null && given !== undefined) {
    if (given < 0)
      throw new RematValueError(`num_segments must be non-negative, got ${given}. Count the segments from 0.`);
    return given;
  }
  const known = concreteValue(ids);
  if (known === null) {
    throw new ConcretizationTypeError(
      `ops.${name} needs the number of segments: Abstract tracer value encountered where concrete value is expected: traced array with ` +
        `shape ${ids.aval.toLongString()}\nsegment_sum() \`num_segments\` argument.\nPass { numSegments } while tracing.`,
    );
  }
  let greatest = -1;
  for (let i = 0; i < known.size; i++) greatest = Math.max(greatest, Number(readElement(known.data, known.dtype, i)));
  return greatest + 1;
}

function segmentUpdate(
  name: string,
  op: ScatterCall,
  identity: (dtype: DType) => ReturnType<typeof readElement>,
  reducer: Reducer,
  data: ArrayLike,
  segmentIds: ArrayLike,
  options: number | SegmentOptions,
): NDArray {
  const given: SegmentOptions = typeof options === "number" ? { numSegments: options } : options;
  const x = asarray(data);
  const ids = asarray(indexArray(segmentIds));
  const count = countSegments(name, ids, given.numSegments);
  const rest = x.shape.slice(1);
  const { indicesAreSorted = false, uniqueIndices = false, bucketSize = null } = given;
  const update = { indicesAreSorted, uniqueIndices, wrapNegativeIndices: false, mode: given.mode ?? "fill" } as const;
  const start = literal(identity(x.dtype), x.dtype);
  if (bucketSize === null) return scatterUpdate(full([count, ...rest], start, x.dtype), [ids], x, op, update);
  const buckets = Math.ceil(ids.size / bucketSize);
  const bucket = asarray(
    range(ids.shape[0]).map((i) => Math.floor(i / bucketSize)),
    { dtype: ids.dtype },
  );
  const blank = full([buckets, count, ...rest], start, x.dtype);
  const out = scatterUpdate(blank, [bucket, expanded(ids, [0])], x, op, update);
  return convertElementType(reducer(out, 0), x.dtype);
}

/**
 * The sum of each segment.
 *
 *     ops.segmentSum([1, 2, 3], [0, 0, 1], 2) // [3, 3]
 */
export const segmentSum = (data: ArrayLike, segmentIds: ArrayLike, options: number | SegmentOptions = {}): NDArray =>
  segmentUpdate(
    "segmentSum",
    scatterAdded,
    () => 0,
    (x, axis) => sum(x, axis),
    data,
    segmentIds,
    options,
  );

/** The product of each segment. */
export const segmentProd = (data: ArrayLike, segmentIds: ArrayLike, options: number | SegmentOptions = {}): NDArray =>
  segmentUpdate(
    "segmentProd",
    scatterMultiplied,
    () => 1,
    (x, axis) => prod(x, axis),
    data,
    segmentIds,
    options,
  );

/** The greatest element of each segment; -Infinity, or the least integer, for one without elements. */
export const segmentMax = (data: ArrayLike, segmentIds: ArrayLike, options: number | SegmentOptions = {}): NDArray =>
  segmentUpdate(
    "segmentMax",
    scatterMaximum,
    (dtype) => extremes(dtype)[0],
    (x, axis) => max(x, axis),
    data,
    segmentIds,
    options,
  );

/** The least element of each segment; Infinity, or the greatest integer, for one without elements. */
export const segmentMin = (data: ArrayLike, segmentIds: ArrayLike, options: number | SegmentOptions = {}): NDArray =>
  segmentUpdate(
    "segmentMin",
    scatterMinimum,
    (dtype) => extremes(dtype)[1],
    (x, axis) => min(x, axis),
    data,
    segmentIds,
    options,
  );
