/**
 * Reading by index: `getitem(x, ...index)` is NumPy's `x[index]`.
 *
 * An index is performed by the simplest operation that can do it: constant integers and slices by `slice` (and `rev`, `squeeze`); traced
 * scalars beside them by `dynamic_slice`; everything else, arrays and masks above all, by `gather`. Beside the result of the gather, the
 * plan that `gatherPlan` makes says how updates are brought into its form, which is what `at` uses.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray, sizeOf, type Shape } from "../core/aval.ts";
import { kindOf, type DType } from "../core/dtype.ts";
import { literal, readElement } from "../core/scalar.ts";
import { RematError, RematIndexError, RematTypeError } from "../errors.ts";
import { dynamicSlice } from "../lax/slicing.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { range } from "../primitives/axes.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { lt, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { gathered, type FillValue } from "../primitives/gather.ts";
import { gatherDims, parseMode, type GatherDimensionNumbers, type ModeLike } from "../primitives/gatherDimensions.ts";
import { counted } from "../primitives/iota.ts";
import { concatenated } from "../primitives/join.ts";
import { sliced } from "../primitives/pad.ts";
import { broadcastedInDim, expanded, reversed, squeezed } from "../primitives/shape.ts";
import { asarray, toArray, type ArrayLike } from "./asarray.ts";
import {
  checkSlices,
  expandEllipses,
  expandMasks,
  isWhole,
  parseIndices,
  sliceBounds,
  sliceLength,
  type Index,
  type ParsedIndex,
} from "./indexParsing.ts";
import { stretchedTogether } from "./where.ts";

export { slice, Slice, type Index } from "./indexParsing.ts";

export interface GetOptions {
  /** What is read outside of the array: by default indices are promised to lie inside. */
  readonly mode?: ModeLike;
  /** What stands for elements outside, in mode "fill". */
  readonly fillValue?: FillValue | null;
  readonly indicesAreSorted?: boolean;
  readonly uniqueIndices?: boolean;
  /** False takes negative indices to lie outside. */
  readonly wrapNegativeIndices?: boolean;
}

/**
 * The elements of an array at an index, as `x[index]` in NumPy.
 *
 *     getitem(x, 0)                     // x[0]
 *     getitem(x, "...", slice(1, null)) // x[..., 1:]
 *     getitem(x, null, [0, 2])          // x[None, [0, 2]]
 *
 * @throws RematIndexError if there are more indices than axes, or a slice is not known while tracing.
 */
export const getitem = (x: ArrayLike, ...index: readonly Index[]): NDArray => read(asarray(x), index, {});

/** Reads with a mode: what `at(x, ...index).get(options)` does. */
export function read(x: NDArray, index: readonly Index[], options: GetOptions): NDArray {
  const parsed = parseIndices(index, x.shape);
  const wraps = options.wrapNegativeIndices ?? true;
  const mode = options.mode === undefined || options.mode === null ? "PROMISE_IN_BOUNDS" : parseMode(options.mode);
  if (mode === "PROMISE_IN_BOUNDS" || mode === "CLIP") {
    const fixed = staticPlan(parsed, x.shape, wraps, mode === "PROMISE_IN_BOUNDS");
    if (fixed !== null) return performStatic(x, fixed);
    const moving = dynamicPlan(parsed, x.shape);
    if (moving !== null) return performDynamic(x, moving, wraps);
  }
  return readByGather(x, parsed, options);
}

/** What happens after the elements were cut out: axes are reversed, dropped and added. */
interface Shaping {
  readonly reversedAxes: number[];
  readonly droppedAxes: number[];
  readonly newAxes: number[];
}

const shaping = (): Shaping => ({ reversedAxes: [], droppedAxes: [], newAxes: [] });

function shape(x: NDArray, { reversedAxes, droppedAxes, newAxes }: Shaping): NDArray {
  let y = x;
  if (reversedAxes.length > 0) y = reversed(y, reversedAxes);
  if (droppedAxes.length > 0) y = squeezed(y, droppedAxes);
  return newAxes.length > 0 ? expanded(y, newAxes) : y;
}

interface StaticPlan extends Shaping {
  readonly starts: number[];
  readonly limits: number[];
  readonly strides: number[];
}

/** Bounds of a slice turned around, where its step is negative. */
function ascending(start: number, stop: number, step: number): number {
  const rest = (start - stop - 1) % -step;
  return stop + 1 + Math.abs(rest);
}

const emptyAxis = (axis: number): never => {
  throw new RematIndexError(
    `index is out of bounds for axis ${axis} with size 0. Nothing can be read from an empty axis.`,
  );
};

function staticPlan(
  parsed: readonly ParsedIndex[],
  xShape: Shape,
  wraps: boolean,
  mustLieInside: boolean,
): StaticPlan | null {
  const plan: StaticPlan = { starts: [], limits: [], strides: [], ...shaping() };
  if (parsed.some((p) => p.kind === "array" || p.kind === "boolean")) return null;
  if (!slicesAreKnown(parsed)) return null;
  for (const p of expandEllipses(parsed, xShape.length)) {
    const axis = p.axes[0];
    const size = xShape[axis];
    if (p.kind === "none") {
      plan.newAxes.push(plan.starts.length - plan.droppedAxes.length + plan.newAxes.length);
    } else if (p.kind === "integer") {
      const at = wraps && p.value < 0 ? p.value + size : p.value;
      if (mustLieInside && (at < 0 || at >= size)) return null;
      if (size === 0) return null;
      const inside = Math.max(0, Math.min(at, size - 1));
      plan.starts.push(inside);
      plan.limits.push(inside + 1);
      plan.strides.push(1);
      plan.droppedAxes.push(axis);
    } else if (p.kind === "slice") {
      const { start, stop, step } = sliceBounds(p.slice, size);
      if (step < 0) {
        const low = Math.min(size, ascending(start, stop, step));
        plan.starts.push(low);
        plan.limits.push(Math.max(low, start + 1));
        plan.reversedAxes.push(axis);
      } else {
        plan.starts.push(start);
        plan.limits.push(Math.max(start, stop));
      }
      plan.strides.push(Math.abs(step));
    }
  }
  return plan;
}

function slicesAreKnown(parsed: readonly ParsedIndex[]): boolean {
  try {
    checkSlices(parsed);
    return true;
  } catch (error) {
    if (error instanceof RematError) return false;
    throw error;
  }
}

function performStatic(x: NDArray, plan: StaticPlan): NDArray {
  const strided = plan.strides.some((s) => s !== 1);
  const whole = !strided && x.shape.every((n, i) => plan.starts[i] === 0 && plan.limits[i] === n);
  return shape(whole ? x : sliced(x, plan.starts, plan.limits, strided ? plan.strides : null), plan);
}

interface DynamicPlan extends Shaping {
  readonly starts: ArrayLike[];
  readonly sizes: number[];
  trivial: boolean;
}

function dynamicPlan(parsed: readonly ParsedIndex[], xShape: Shape): DynamicPlan | null {
  const plan: DynamicPlan = { starts: [], sizes: [], trivial: true, ...shaping() };
  if (parsed.some((p) => p.kind === "boolean" || (p.kind === "array" && p.array.ndim > 0)) || !slicesAreKnown(parsed))
    return null;
  if (parsed.some((p) => p.kind === "slice" && p.slice.step !== null && p.slice.step !== 1 && p.slice.step !== -1))
    return null;
  const starts: NDArray[] = [];
  for (const p of expandEllipses(parsed, xShape.length)) {
    const axis = p.axes[0];
    if (p.kind === "none") {
      plan.newAxes.push(starts.length - plan.droppedAxes.length + plan.newAxes.length);
    } else if (p.kind === "integer" || p.kind === "array") {
      if (xShape[axis] === 0) return emptyAxis(axis);
      plan.trivial = false;
      starts.push(asarray(p.kind === "array" ? p.array : p.value));
      plan.sizes.push(1);
      plan.droppedAxes.push(axis);
    } else if (p.kind === "slice") {
      if (!isWhole(p.slice)) plan.trivial = false;
      const { start, stop, step } = sliceBounds(p.slice, xShape[axis]);
      const low = step < 0 ? ascending(start, stop, step) : start;
      if (step < 0) plan.reversedAxes.push(axis);
      starts.push(toArray(low));
      plan.sizes.push(Math.max(0, step < 0 ? start + 1 - low : stop - start));
    }
  }
  // start indices must have one dtype, and conversion makes arrays of the constant ones
  const several = starts.length > 1;
  plan.starts.push(...starts.map((i) => (several ? convertElementType(i, "int32") : i)));
  return plan;
}

function performDynamic(x: NDArray, plan: DynamicPlan, wraps: boolean): NDArray {
  return shape(plan.trivial ? x : dynamicSlice(x, plan.starts, plan.sizes, { allowNegativeIndices: wraps }), plan);
}

function readByGather(x: NDArray, parsed: readonly ParsedIndex[], options: GetOptions): NDArray {
  const plan = gatherPlan(parsed, x.shape, options.wrapNegativeIndices ?? true);
  let y = plan.scalarBooleans.length > 0 ? expanded(x, plan.scalarBooleans) : x;
  if (sizeOf(plan.shape) === 0) return fullLike(y, 0, plan.shape);
  if (plan.indices.size > 0) {
    y = gathered(y, plan.indices, plan.dims, plan.windowShape, {
      uniqueIndices: (options.uniqueIndices ?? false) || plan.promises,
      indicesAreSorted: (options.indicesAreSorted ?? false) || plan.promises,
      mode: options.mode ?? null,
      fillValue: options.fillValue ?? null,
      ...(options.mode === undefined || options.mode === null ? { mode: "promise_in_bounds" } : {}),
    });
  }
  if (plan.reversedAxes.length > 0) y = reversed(y, plan.reversedAxes);
  return expanded(y, plan.newAxes);
}

/** An index as a gather. */
export interface GatherPlan {
  /** The shape of the result, new axes included. */
  readonly shape: readonly number[];
  readonly windowShape: readonly number[];
  readonly indices: NDArray;
  readonly dims: GatherDimensionNumbers;
  /** True if there are only slices and scalars, which repeat nothing and are in order. */
  readonly promises: boolean;
  readonly reversedAxes: readonly number[];
  readonly newAxes: readonly number[];
  /** Axes of size 1 that the array gets for scalar booleans. */
  readonly scalarBooleans: readonly number[];
}

/** A scalar boolean is an index array with one element, or none, for a new axis of size 1. */
function expandScalarBooleans(indices: readonly ParsedIndex[], xShape: Shape): [ParsedIndex[], number[]] {
  const newShape = [...xShape];
  let axis = 0;
  const out = indices.map((p, i): ParsedIndex => {
    if (p.kind !== "boolean") {
      const axes = range(p.axes.length, axis);
      axis += p.axes.length;
      return { ...p, axes };
    }
    newShape.splice(i, 0, 1);
    const count = Number((p.mask as ConcreteArray).data[0]);
    const array = new ConcreteArray(new ShapedArray([count], "int32"), new Int32Array(count));
    return { kind: "array", array, axes: [axis++], host: true };
  });
  return [out, newShape];
}

/** Counts negative indices from the end. */
function wrapped(p: ParsedIndex, xShape: Shape): ParsedIndex {
  const size = xShape[p.axes[0]];
  if (p.kind === "integer") return { ...p, value: p.value < 0 ? p.value + size : p.value };
  if (p.kind !== "array" || kindOf(p.array.dtype) === "uint") return p;
  const { array } = p;
  const negative = p.host === true ? negativeOnes(array as ConcreteArray) : lt(array, constLike(array, 0));
  return {
    ...p,
    array: select(negative, add(convertElementType(array, array.dtype), literal(size, array.dtype)), array),
  };
}

/** Of an array made from a mask it is known at once which elements are negative. */
const negativeOnes = (x: ConcreteArray): ConcreteArray =>
  new ConcreteArray(
    x.aval.update({ dtype: "bool" }),
    Uint8Array.from({ length: x.size }, (_, i) => Number(Number(readElement(x.data, x.dtype, i)) < 0)),
  );

const INDEX: DType = "int32";

/** Makes a gather of an index. Masks must be known. */
export function gatherPlan(given: readonly ParsedIndex[], givenShape: Shape, wraps: boolean): GatherPlan {
  const masked = expandMasks(given, givenShape);
  checkSlices(masked);
  const places = masked.flatMap((p, i) => (p.kind === "array" || p.kind === "integer" ? [i] : []));
  const contiguous = places.every((p, i) => i === 0 || p === places[i - 1] + 1);
  const whole = expandEllipses(masked, givenShape.length);
  const scalarBooleans = whole.flatMap((p, i) => (p.kind === "boolean" ? [i] : []));
  const [counted0, xShape] = expandScalarBooleans(whole, givenShape);
  const indices = wraps ? counted0.map((p) => wrapped(p, xShape)) : counted0;

  // array indices are broadcast together, and integers beside them count as arrays
  const advanced = indices.some((p) => p.kind === "array" && p.array.ndim > 0)
    ? indices.flatMap((p, i) => (p.kind === "array" || p.kind === "integer" ? [{ p, i }] : []))
    : [];
  const advancedAt = new Set(advanced.map(({ i }) => i));
  const arrays = advanced.map(({ p }) => asarray(p.kind === "array" ? p.array : (p as { value: number }).value));
  const advancedStart = contiguous ? advanced[0]?.i : 0;

  const offsetDims: number[] = [];
  const collapsed: number[] = [];
  const startMap: number[] = [];
  const pieces: { array: NDArray; at: number }[] = [];
  const indicesShape: number[] = [];
  const outShape: number[] = [];
  const windowShape: number[] = [];
  const newAxes: number[] = [];
  const reversedAxes: number[] = [];
  let xAxis = 0;
  let yAxis = 0; // in the result
  let gatherAxis = 0; // in the result without its new axes

  indices.forEach((p, position) => {
    if (advanced.length > 0 && position === advancedStart) {
      const together = stretchedTogether(arrays);
      const common = together[0].shape;
      for (const a of together) pieces.push({ array: convertElementType(a, INDEX), at: indicesShape.length });
      indicesShape.push(...common);
      const axes = advanced.map(({ p: q }) => q.axes[0]);
      startMap.push(...axes);
      collapsed.push(...axes);
      outShape.push(...common);
      yAxis += common.length;
      gatherAxis += common.length;
    }
    if (advancedAt.has(position)) {
      xAxis++;
      windowShape.push(1);
    } else if (p.kind === "integer" || p.kind === "array") {
      if (xShape[xAxis] === 0) emptyAxis(xAxis);
      const value = p.kind === "array" ? p.array : toArray(p.value);
      pieces.push({ array: convertElementType(value, INDEX), at: indicesShape.length });
      collapsed.push(xAxis);
      windowShape.push(1);
      startMap.push(xAxis);
      xAxis++;
    } else if (p.kind === "none") {
      outShape.push(1);
      newAxes.push(yAxis++);
    } else if (p.kind === "slice") {
      const bounds = sliceBounds(p.slice, xShape[xAxis]);
      const length = sliceLength(bounds);
      outShape.push(length);
      if (bounds.step === 1) {
        if (length !== xShape[xAxis]) {
          pieces.push({ array: convertElementType(literal(bounds.start, INDEX), INDEX), at: indicesShape.length });
          startMap.push(xAxis);
        }
        windowShape.push(length);
        offsetDims.push(gatherAxis);
      } else {
        const steps = mul(literal(bounds.step, INDEX), counted(INDEX, [length], 0));
        let array = add(literal(bounds.start, INDEX), steps);
        if (bounds.step < 0) {
          reversedAxes.push(gatherAxis);
          array = reversed(array, [0]);
        }
        windowShape.push(1);
        pieces.push({ array, at: indicesShape.length });
        startMap.push(xAxis);
        indicesShape.push(length);
        collapsed.push(xAxis);
      }
      gatherAxis++;
      yAxis++;
      xAxis++;
    } else {
      throw new RematTypeError(
        `an index of kind ${p.kind} cannot be performed by a gather. Give integers, slices and arrays.`,
      );
    }
  });
  return {
    shape: outShape,
    windowShape,
    indices: indexVectors(pieces, indicesShape),
    dims: gatherDims({ offsetDims, collapsedSliceDims: collapsed.toSorted((a, b) => a - b), startIndexMap: startMap }),
    promises: advanced.length === 0,
    reversedAxes,
    newAxes,
    scalarBooleans,
  };
}

/** The components of index vectors, each along some axes, as one array with the vectors along its last axis. */
function indexVectors(pieces: readonly { array: NDArray; at: number }[], batchShape: readonly number[]): NDArray {
  if (pieces.length === 0) return new ConcreteArray(new ShapedArray([0], INDEX), new Int32Array(0));
  if (pieces.length === 1) return expanded(pieces[0].array, [pieces[0].array.ndim]);
  const columns = pieces.map(({ array, at }) => broadcastedInDim(array, [...batchShape, 1], range(array.ndim, at)));
  return concatenated(columns, batchShape.length);
}
