/**
 * Shapes and axes with nothing implied: no promotion, no broadcasting but where it is asked for. A call that would change nothing emits nothing.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { canonicalShape, type ShapeLike } from "../numpy/creation.ts";
import { arrayOf, named } from "../numpy/options.ts";
import { broadcastTo as broadcastToNumpy } from "../numpy/shape.ts";
import { tupleText } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { counted } from "../primitives/iota.ts";
import { concatenated, splitted, stacked, tiled, unstacked } from "../primitives/join.ts";
import { padded, type PaddingOfAxis } from "../primitives/pad.ts";
import {
  broadcasted,
  broadcastedInDim,
  expanded,
  reshaped,
  reversed,
  squeezed,
  transposed,
} from "../primitives/shape.ts";

/** Adds leading axes of the given sizes, by repetition. */
export const broadcast = (operand: ArrayLike, sizes: Shape): NDArray =>
  broadcasted(arrayOf(operand, "broadcast"), sizes);

/** Puts axis i of the operand at place `broadcastDimensions[i]` of the shape, and repeats it along all others. */
export const broadcastInDim = (operand: ArrayLike, shape: Shape, broadcastDimensions: readonly number[]): NDArray =>
  broadcastedInDim(toArray(operand, "broadcast_in_dim"), canonicalShape(shape), broadcastDimensions);

/** Broadcasts by NumPy's rules. */
export const broadcastTo = (operand: ArrayLike, shape: ShapeLike): NDArray => broadcastToNumpy(operand, shape);

/** Adds leading axes of size one up to a rank. */
export function broadcastToRank(operand: ArrayLike, rank: number): NDArray {
  const x = arrayOf(operand, "broadcast_to_rank");
  return x.ndim === rank ? x : broadcasted(x, new Array<number>(rank - x.ndim).fill(1));
}

export interface ReshapeOptions {
  /** An order of the axes in which the elements are read. */
  readonly dimensions?: readonly number[] | null;
}

/** The elements in another shape; no size may be left open. */
export function reshape(
  operand: ArrayLike,
  newSizes: ShapeLike,
  dimensions?: readonly number[] | null | ReshapeOptions,
): NDArray {
  const given = named<ReshapeOptions>(["dimensions"], [dimensions]);
  return reshaped(toArray(operand, "reshape"), canonicalShape(newSizes), given.dimensions ?? null);
}

/** Merges the axes from `startDimension` up to, and without, `stopDimension` into one. */
export function collapse(
  operand: ArrayLike,
  startDimension: number,
  stopDimension?: number | null | { readonly stopDimension?: number | null },
): NDArray {
  const x = arrayOf(operand, "collapse");
  const stop = named<{ stopDimension: number | null }>(["stopDimension"], [stopDimension]).stopDimension ?? null;
  const place = (d: number): number => (d < 0 ? Math.max(0, d + x.ndim) : Math.min(d, x.ndim));
  const [low, high] = [place(startDimension), place(stop ?? x.ndim)];
  if (high < low) {
    throw new RematValueError(
      `Invalid dimension range passed to collapse: ${tupleText(x.shape)}[${startDimension}:${stop ?? ""}]. Start before you stop.`,
    );
  }
  const size = x.shape.slice(low, high).reduce((n, d) => n * d, 1);
  return reshaped(x, [...x.shape.slice(0, low), size, ...x.shape.slice(high)]);
}

/** Removes axes of size one. */
export const squeeze = (array: ArrayLike, dimensions: readonly number[]): NDArray =>
  squeezed(toArray(array, "squeeze"), dimensions);

/** Adds axes of size one at the given places of the result. */
export const expandDims = (array: ArrayLike, dimensions: readonly number[]): NDArray =>
  expanded(toArray(array, "expand_dims"), dimensions);

/** Puts the axes into another order. */
export const transpose = (operand: ArrayLike, permutation: readonly number[]): NDArray =>
  transposed(toArray(operand, "transpose"), permutation);

/** Reverses the order of the elements along axes. */
export const rev = (operand: ArrayLike, dimensions: readonly number[]): NDArray =>
  reversed(toArray(operand, "rev"), dimensions);

/** Arrays of one dtype, one after another along an axis. */
export function concatenate(operands: readonly ArrayLike[], dimension: number): NDArray {
  return concatenated(
    operands.map((x, i) => toArray(x, "concatenate", i)),
    dimension,
  );
}

type AxisArgument = number | { readonly axis?: number };
const axisOf = (axis: AxisArgument | undefined): number => named<{ axis: number }>(["axis"], [axis]).axis ?? 0;

/** Cuts an array into pieces of the given sizes. */
export const split = (operand: ArrayLike, sizes: readonly number[], axis?: AxisArgument): readonly NDArray[] =>
  splitted(arrayOf(operand, "split"), sizes, axisOf(axis));

/** Arrays of one type side by side along a new axis. */
export const stack = (operands: readonly ArrayLike[], axis?: AxisArgument): NDArray =>
  stacked(
    operands.map((x, i) => arrayOf(x, "stack", i)),
    axisOf(axis),
  );

/** The slices along an axis, which goes away. */
export const unstack = (x: ArrayLike, axis?: AxisArgument): readonly NDArray[] =>
  unstacked(arrayOf(x, "unstack"), axisOf(axis));

/** Repeats an array along its own axes. */
export const tile = (operand: ArrayLike, reps: readonly number[]): NDArray => tiled(toArray(operand, "tile"), reps);

/** Puts elements around an array and between its elements; negative amounts cut. One triple (low, high, interior) for each axis. */
export const pad = (operand: ArrayLike, paddingValue: ArrayLike, paddingConfig: readonly PaddingOfAxis[]): NDArray =>
  padded(toArray(operand, "pad"), toArray(paddingValue, "pad", 1), paddingConfig);

/** 0, 1, 2, ... */
export const iota = (dtype: DType, size: number): NDArray => counted(canonicalDType(dtype), [size], 0);

/** The index along one axis at every place of an array. */
export const broadcastedIota = (dtype: DType, shape: ShapeLike, dimension: number): NDArray =>
  counted(canonicalDType(dtype), canonicalShape(shape), dimension);

type DTypeArgument = DType | null | { readonly dtype?: DType | null };

/** An array of one value. */
export function full(shape: ShapeLike, fillValue: ArrayLike, dtype?: DTypeArgument): NDArray {
  const value = toArray(fillValue, "full", 1);
  if (value.ndim > 0) {
    throw new RematTypeError(
      `full must be called with scalar fill_value, got fill_value.shape ${tupleText(value.shape)}. Use np.full.`,
    );
  }
  const asked = named<{ dtype: DType | null }>(["dtype"], [dtype]).dtype ?? null;
  const [type, weak] = asked === null ? [value.dtype, value.weakType] : [canonicalDType(asked), false];
  return broadcasted(convertElementType(value, type, weak), canonicalShape(shape));
}

export interface FullLikeOptions {
  readonly dtype?: DType | null;
  readonly shape?: ShapeLike | null;
}

/** One value in the shape and dtype of an array. */
export function fullLike(
  x: ArrayLike,
  fillValue: ArrayLike,
  dtype?: DType | null | FullLikeOptions,
  options?: FullLikeOptions,
): NDArray {
  const example = toArray(x, "full_like");
  const given = named<FullLikeOptions>(["dtype"], [dtype, options]);
  const shape = given.shape === null || given.shape === undefined ? example.shape : canonicalShape(given.shape);
  const asked = given.dtype ?? null;
  const type = asked === null ? example.dtype : canonicalDType(asked);
  const value = convertElementType(toArray(fillValue, "full_like", 1), type, asked === null && example.weakType);
  return broadcasted(value, shape);
}

/** Zeros, or what `lax.empty` leaves in place of them. */
export const empty = (shape: ShapeLike, dtype: DType): NDArray =>
  broadcasted(convertElementType(literal(0, "int32"), canonicalDType(dtype)), canonicalShape(shape));

/** Broadcasts to the shape of another array. */
export const broadcastLike = (operand: ArrayLike, like: ArrayLike): NDArray =>
  broadcastToNumpy(operand, toArray(like, "broadcast_like", 1).shape);

export { broadcastShapes } from "../numpy/promote.ts";
