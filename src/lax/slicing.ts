/**
 * Windows of arrays: static ones (`slice` and its variants along one axis), and ones whose place is known only when the program runs
 * (`dynamicSlice`, `dynamicUpdateSlice`). Negative start indices count from the end; a window that would leave the array is moved inside.
 */
import { ConcreteArray, NDArray } from "../core/array.ts";
import { kindOf } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import { isHostScalar, literal } from "../core/scalar.ts";
import { RematIndexError, RematValueError } from "../errors.ts";
import { asarray, concreteValue, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { add } from "../primitives/arithmetic.ts";
import { canonicalAxis, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { lt, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { jitCall } from "../primitives/jit.ts";
import { sliced, slicedAlong } from "../primitives/pad.ts";
import { expanded, squeezed } from "../primitives/shape.ts";
import { dynamicSlice as dynamicSliceP, dynamicUpdateSlice as dynamicUpdateSliceP } from "../primitives/slicing.ts";

/**
 * The box of an array from `startIndices` (inclusive) to `limitIndices` (exclusive), every `strides`-th element.
 *
 *     lax.slice(np.arange(5), [1], [4]) // [1, 2, 3]
 */
export const slice = (
  operand: ArrayLike,
  startIndices: readonly number[],
  limitIndices: readonly number[],
  strides: readonly number[] | { readonly strides?: readonly number[] | null } | null = null,
): NDArray =>
  sliced(asarray(operand), startIndices, limitIndices, isList(strides) ? strides : (strides?.strides ?? null));

const isList = (x: unknown): x is readonly number[] => Array.isArray(x);

export interface SliceInDimOptions {
  readonly stride?: number;
  readonly axis?: number;
}

/** The elements of one axis from `startIndex` to `limitIndex` (null: the ends); all of the others. */
export function sliceInDim(
  operand: ArrayLike,
  startIndex: number | null,
  limitIndex: number | null,
  stride: number | SliceInDimOptions = 1,
  axis = 0,
): NDArray {
  const options = typeof stride === "number" ? { stride, axis } : stride;
  const x = asarray(operand);
  const along = canonicalAxis(options.axis ?? 0, x.ndim);
  const n = x.shape[along];
  const fromEnd = (i: number): number => (i < 0 ? i + n : i);
  return slicedAlong(x, fromEnd(startIndex ?? 0), fromEnd(limitIndex ?? n), along, options.stride ?? 1);
}

export interface IndexInDimOptions {
  readonly axis?: number;
  readonly keepdims?: boolean;
}

/** The elements at one place of an axis, which stays with size 1 unless `keepdims` is false. */
export function indexInDim(
  operand: ArrayLike,
  index: number,
  axis: number | IndexInDimOptions = 0,
  keepdims = true,
): NDArray {
  const options = typeof axis === "number" ? { axis, keepdims } : axis;
  const x = asarray(operand);
  const along = canonicalAxis(options.axis ?? 0, x.ndim);
  const n = x.shape[along];
  const at = index < 0 ? index + n : index;
  if (at < 0 || at >= n) {
    throw new RematIndexError(
      `index ${index} is out of bounds for axis ${along} with size ${n}. Give an index from ${-n} to ${n - 1}.`,
    );
  }
  const window = slicedAlong(x, at, at + 1, along);
  return options.keepdims === false ? squeezed(window, [along]) : window;
}

/** The elements of a vector, as `for (const x of v)` would give them in Python. */
export function elements(x: NDArray): NDArray[] {
  return Array.from({ length: x.shape[0] }, (_, i) => indexInDim(x, i, { keepdims: false }));
}

export interface DynamicOptions {
  /** False promises that no start index is negative, for all axes or for each. */
  readonly allowNegativeIndices?: boolean | readonly boolean[];
}

type StartIndices = NDArray | readonly ArrayLike[];

/** Start indices as operands: negative ones are moved by the size of their axis. */
function normalized(operand: NDArray, given: StartIndices, options: DynamicOptions): NDArray[] {
  const count = given instanceof NDArray ? (given.shape[0] ?? 0) : given.length;
  if (given instanceof NDArray && given.ndim !== 1) {
    throw new RematValueError(
      `Slice indices must be a 1D sequence, got ${tupleText(given.shape)}. Give one index for each axis.`,
    );
  }
  if (count !== operand.ndim) {
    throw new RematValueError(
      `Length of slice indices must match number of operand dimensions (${count} vs ${tupleText(operand.shape)}). ` +
        "Give one index for each axis.",
    );
  }
  const { allowNegativeIndices: allow = true } = options;
  const indices: readonly ArrayLike[] = given instanceof NDArray ? elements(given) : given;
  return indices.map((i, axis) =>
    normalizedIndex(i, operand.shape[axis], typeof allow === "boolean" ? allow : allow[axis]),
  );
}

function normalizedIndex(index: ArrayLike, size: number, allowNegative: boolean): NDArray {
  const i = toArray(index, "dynamicSlice");
  if (kindOf(i.dtype) === "uint") return i;
  if (isHostScalar(index) || (i instanceof ConcreteArray && i.literal)) {
    const value = Number(concreteValue(i)!.data[0]);
    if (value < 0 && !allowNegative) {
      throw new RematValueError(
        `Index ${value} is out of bounds for dimension ${size} if allow_negative_indices=False. Give an index from 0 to ${size - 1}.`,
      );
    }
    return convertElementType(value < 0 ? literal(value + size, i.dtype) : i, i.dtype);
  }
  if (!allowNegative) return i;
  const negative = lt(i, constLike(i, 0));
  return select(negative, add(convertElementType(i, i.dtype), literal(size, i.dtype)), i);
}

/**
 * The window of `sliceSizes` that begins at `startIndices`, one scalar (traced or not) for each axis.
 *
 *     lax.dynamicSlice(x, [i, 0], [1, 3])
 *
 * @throws ShapeError if a window is larger than the array.
 */
export function dynamicSlice(
  operand: ArrayLike,
  startIndices: StartIndices,
  sliceSizes: readonly number[],
  options: DynamicOptions = {},
): NDArray {
  const x = asarray(operand);
  const starts = normalized(x, startIndices, options);
  return bind1(dynamicSliceP, [x, ...starts], { slice_sizes: [...sliceSizes] });
}

/** The array with the window that begins at `startIndices` replaced by `update`. */
export function dynamicUpdateSlice(
  operand: ArrayLike,
  update: ArrayLike,
  startIndices: StartIndices,
  options: DynamicOptions = {},
): NDArray {
  const x = asarray(operand);
  const starts = normalized(x, startIndices, options);
  return bind1(dynamicUpdateSliceP, [x, toArray(update), ...starts], {});
}

export interface DynamicInDimOptions {
  readonly axis?: number;
  /** False promises that the start index is not negative. */
  readonly allowNegativeIndices?: boolean;
}

/** Start indices that are zero but for one axis. */
function alongAxis(x: NDArray, start: ArrayLike, axis: number, allowNegative: boolean): [ArrayLike[], boolean[]] {
  const index = toArray(start);
  const zero = literal(0, index.dtype, isHostScalar(start));
  return [x.shape.map((_, i) => (i === axis ? start : zero)), x.shape.map((_, i) => i === axis && allowNegative)];
}

/** A window of `sliceSize` along one axis, all of the others. */
export function dynamicSliceInDim(
  operand: ArrayLike,
  startIndex: ArrayLike,
  sliceSize: number,
  axis: number | DynamicInDimOptions = 0,
): NDArray {
  const options = typeof axis === "number" ? { axis } : axis;
  const x = asarray(operand);
  const along = canonicalAxis(options.axis ?? 0, x.ndim);
  const [starts, allow] = alongAxis(x, startIndex, along, options.allowNegativeIndices ?? true);
  return dynamicSlice(x, starts, x.shape.with(along, sliceSize), { allowNegativeIndices: allow });
}

/** The array with a window along one axis replaced. */
export function dynamicUpdateSliceInDim(
  operand: ArrayLike,
  update: ArrayLike,
  startIndex: ArrayLike,
  axis: number,
  options: Pick<DynamicInDimOptions, "allowNegativeIndices"> = {},
): NDArray {
  const x = asarray(operand);
  const along = canonicalAxis(axis, x.ndim);
  const [starts, allow] = alongAxis(x, startIndex, along, options.allowNegativeIndices ?? true);
  return dynamicUpdateSlice(x, update, starts, { allowNegativeIndices: allow });
}

export interface DynamicIndexOptions extends DynamicInDimOptions {
  readonly keepdims?: boolean;
}

/** The elements at one (traced) place of an axis, which stays with size 1 unless `keepdims` is false. */
export function dynamicIndexInDim(
  operand: ArrayLike,
  index: ArrayLike,
  axis: number | DynamicIndexOptions = 0,
  keepdims = true,
): NDArray {
  const options = typeof axis === "number" ? { axis, keepdims } : axis;
  const { axis: along = 0, keepdims: keep = true, allowNegativeIndices = true } = options;
  const read = (x: NDArray, i: NDArray): NDArray[] => {
    const window = dynamicSliceInDim(x, i, 1, { axis: along, allowNegativeIndices });
    return [keep ? window : squeezed(window, [along])];
  };
  const key = `${along} ${keep} ${allowNegativeIndices}`;
  return jitCall("dynamic_index_in_dim", key, read, [asarray(operand), toArray(index)])[0];
}

/** The array with the elements at one (traced) place of an axis replaced. The update may lack the axis. */
export function dynamicUpdateIndexInDim(
  operand: ArrayLike,
  update: ArrayLike,
  index: ArrayLike,
  axis: number,
  options: Pick<DynamicInDimOptions, "allowNegativeIndices"> = {},
): NDArray {
  const { allowNegativeIndices = true } = options;
  const write = (x: NDArray, y: NDArray, i: NDArray): NDArray[] => [
    dynamicUpdateSliceInDim(x, y.ndim === x.ndim ? y : expanded(y, [axis]), i, axis, { allowNegativeIndices }),
  ];
  const key = `${axis} ${allowNegativeIndices}`;
  return jitCall("dynamic_update_index_in_dim", key, write, [asarray(operand), toArray(update), toArray(index)])[0];
}
