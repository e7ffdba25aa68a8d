/**
 * Writing by index. Arrays never change, so `at(x, ...index).set(y)` gives a new array: x with the elements at the index replaced. Each
 * update is a scatter, the mirror image of the gather that reads the same index.
 */
import type { NDArray } from "../core/array.ts";
import { ShapedArray, sizeOf } from "../core/aval.ts";
import { isInteger, kindOf, type DType } from "../core/dtype.ts";
import { bind1, Tracer } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { isHostScalar, literal } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { RematValueError } from "../errors.ts";
import { onesLike } from "../primitives/broadcasting.ts";
import { convertElementType, convertElementTypeP } from "../primitives/convert.ts";
import { scatterAdded, scatterSubtracted } from "../primitives/gather.ts";
import { gatherToScatter, parseMode, type ScatterDimensionNumbers } from "../primitives/gatherDimensions.ts";
import { extremes } from "../primitives/reduce.ts";
import { replaced, scatter, scatterMaximum, scatterMinimum, scatterMultiplied } from "../primitives/scatter.ts";
import type { ScatterOptions, ScatterParams } from "../primitives/scatterRules.ts";
import { expanded, filled, reversed, squeezed } from "../primitives/shape.ts";
import { asarray, concreteValue, type ArrayLike } from "./asarray.ts";
import { gatherPlan, read, type GetOptions, type Index } from "./indexing.ts";
import { parseIndices } from "./indexParsing.ts";
import { latticeResultType } from "./promote.ts";
import { power, trueDivide } from "./ufuncs.ts";
import { stretched } from "./where.ts";

export interface UpdateOptions extends ScatterOptions {
  /** False takes negative indices to lie outside of the array. */
  readonly wrapNegativeIndices?: boolean;
}

/** The places of an array at an index, to be read or to be updated in a new array. */
export interface IndexedArray {
  /** The elements there; unlike `getitem` with a choice of what is read outside of the array. */
  get(options?: GetOptions): NDArray;
  /** The array with those elements replaced. Where places repeat, one of the values remains. */
  set(values: ArrayLike, options?: UpdateOptions): NDArray;
  /** The array with values added; where places repeat, all of them. */
  add(values: ArrayLike, options?: UpdateOptions): NDArray;
  subtract(values: ArrayLike, options?: UpdateOptions): NDArray;
  multiply(values: ArrayLike, options?: UpdateOptions): NDArray;
  /** Short for `multiply`. */
  mul(values: ArrayLike, options?: UpdateOptions): NDArray;
  divide(values: ArrayLike, options?: UpdateOptions): NDArray;
  power(values: ArrayLike, options?: UpdateOptions): NDArray;
  min(values: ArrayLike, options?: UpdateOptions): NDArray;
  max(values: ArrayLike, options?: UpdateOptions): NDArray;
  /** The array with a function of scalars applied to those elements. Has no derivative. */
  apply(fn: (x: NDArray) => NDArray, options?: UpdateOptions): NDArray;
}

/**
 * The places of `x` at an index.
 *
 *     at(x, 0).set(1)                   // x.at[0].set(1)
 *     at(x, slice(null), [0, 2]).add(y) // x.at[:, [0, 2]].add(y)
 */
export function at(x: ArrayLike, ...index: readonly Index[]): IndexedArray {
  const updated =
    (op: ScatterCall) =>
    (values: ArrayLike, options?: UpdateOptions): NDArray =>
      scatterUpdate(asarray(x), index, values, op, options);
  const factors = (values: ArrayLike, options?: UpdateOptions): NDArray =>
    scatterUpdate(onesLike(asarray(x)), index, values, scatterMultiplied, options);
  return {
    get: (options = {}) => read(asarray(x), index, options),
    set: updated(replaced),
    add: updated(scatterAdded),
    subtract: updated(scatterSubtracted),
    multiply: updated(scatterMultiplied),
    mul: updated(scatterMultiplied),
    divide: (values, options) => trueDivide(x, factors(values, options)),
    power: (values, options) => power(x, factors(values, options)),
    min: updated(scatterMinimum),
    max: updated(scatterMaximum),
    apply: (fn, options) => {
      const array = asarray(x);
      return scatterUpdate(array, index, literal(0, array.dtype, array.weakType), applying(fn), options);
    },
  };
}

export type ScatterCall = (
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dims: ScatterDimensionNumbers,
  options?: ScatterOptions,
) => NDArray;

/** An update as an array: an integer that fits takes the dtype of an integer array at once. */
function asUpdate(x: NDArray, values: ArrayLike): NDArray {
  if (isInteger(x.dtype) && isHostScalar(values) && typeof values !== "boolean" && Number.isInteger(Number(values))) {
    const [low, high] = extremes(x.dtype) as readonly [number | bigint, number | bigint];
    if (low <= values && values <= high) return asarray(values, { dtype: x.dtype });
  }
  return asarray(values);
}

/** Performs an update: brings the values into the shape of the windows, scatters, and restores the type of the array. */
export function scatterUpdate(
  x: NDArray,
  index: readonly Index[],
  values: ArrayLike,
  op: ScatterCall,
  { wrapNegativeIndices = true, ...options }: UpdateOptions = {},
): NDArray {
  const y = asUpdate(x, values);
  const plan = gatherPlan(parseIndices(index, x.shape), x.shape, wrapNegativeIndices);
  if (sizeOf(plan.shape) === 0) return x;
  const [target, update] = kindOf(x.dtype) === "key" ? [x, y] : promoted(x, y);
  let windows = broadcastUpdate(update, plan.shape);
  if (plan.newAxes.length > 0) windows = squeezed(windows, plan.newAxes);
  if (plan.reversedAxes.length > 0) windows = reversed(windows, plan.reversedAxes);
  const into = plan.scalarBooleans.length > 0 ? expanded(target, plan.scalarBooleans) : target;
  const out = op(into, plan.indices, windows, gatherToScatter(plan.dims), {
    indicesAreSorted: plan.promises || (options.indicesAreSorted ?? false),
    uniqueIndices: plan.promises || (options.uniqueIndices ?? false),
    mode: options.mode ?? null,
  });
  const whole = plan.scalarBooleans.length > 0 ? squeezed(out, plan.scalarBooleans) : out;
  return kindOf(x.dtype) === "key" ? whole : converted(whole, x.dtype, x.weakType);
}

/**
 * A conversion that an eagerly differentiated value takes part in even if nothing changes. It makes a new array of it, and of residuals it
 * matters whether they are the same array as an argument.
 */
function converted(x: NDArray, dtype: DType, weakType: boolean): NDArray {
  if (!(x instanceof Tracer) || concreteValue(x) === null) return convertElementType(x, dtype, weakType);
  return bind1(convertElementTypeP, [x], { new_dtype: dtype, weak_type: weakType, sharding: null });
}

function promoted(x: NDArray, y: NDArray): [x: NDArray, y: NDArray] {
  const { dtype, weakType } = latticeResultType([x, y]);
  return [converted(x, dtype, weakType), converted(y, dtype, weakType)];
}

function broadcastUpdate(update: NDArray, shape: readonly number[]): NDArray {
  const lead = shape.length - update.ndim;
  if (lead < 0 || update.shape.some((n, i) => n !== 1 && n !== shape[lead + i])) {
    throw new RematValueError(
      `Incompatible types for broadcasting: input type=${update.aval.toString()} and requested type=` +
        `${new ShapedArray(shape, update.dtype).toString()}. The values of an update must broadcast to the shape of the index.`,
    );
  }
  return stretched(update, shape);
}

const appliedJaxprs = new WeakMap<object, Map<string, ClosedJaxpr<NDArray>>>();

/** A scatter that replaces elements by a function of theirs. */
const applying =
  (fn: (x: NDArray) => NDArray): ScatterCall =>
  (operand, indices, updates, dims, options) =>
    applied(fn)(operand, indices, filled(updates.shape, 0, operand.dtype), dims, options);

/** The same; of the updates only the shape counts, which is that of the windows. */
export function applied(fn: (x: NDArray) => NDArray): ScatterCall {
  return (operand, indices, updates, dims, options = {}) => {
    const byDType = appliedJaxprs.get(fn) ?? new Map<string, ClosedJaxpr<NDArray>>();
    appliedJaxprs.set(fn, byDType);
    const scalar = new ShapedArray([], operand.dtype);
    const staged =
      byDType.get(operand.dtype) ??
      stageFlat(([x]) => [asarray(fn(x))], [scalar, scalar], { tracedFor: "scatter_apply", name: fn.name });
    byDType.set(operand.dtype, staged);
    return bind1(scatter, [operand, indices, updates], {
      dimension_numbers: dims,
      indices_are_sorted: options.indicesAreSorted ?? false,
      mode: parseMode(options.mode),
      unique_indices: options.uniqueIndices ?? false,
      update_consts: staged.consts,
      update_jaxpr: staged.jaxpr,
    } satisfies ScatterParams);
  };
}
