/** Reading and writing along one axis by arrays of indices: `take`, `takeAlongAxis` and their counterparts that write. */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import { isInteger } from "../core/dtype.ts";
import { canonicalDType, elementOf, literal } from "../core/scalar.ts";
import { RematIndexError, RematTypeError, RematValueError, UnsupportedError } from "../errors.ts";
import { add } from "../primitives/arithmetic.ts";
import { canonicalAxis, range, tupleText, without } from "../primitives/axes.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { lt, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { gathered, type FillValue } from "../primitives/gather.ts";
import { gatherDims, type GatherScatterMode, type ModeLike } from "../primitives/gatherDimensions.ts";
import { counted } from "../primitives/iota.ts";
import { jitCall } from "../primitives/jit.ts";
import { expanded, filled, reshaped, squeezed } from "../primitives/shape.ts";
import { asarray, toArray, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { getitem, slice } from "./indexing.ts";
import { indexArray } from "./indexParsing.ts";
import { nonzero, unravelIndex } from "./nonzero.ts";
import { keyOf, named } from "./options.ts";
import { broadcastShapes } from "./promote.ts";
import { clip } from "./piecewise.ts";
import { remainder } from "./rounding.ts";
import { tile } from "./shape.ts";
import { stretched, where } from "./where.ts";

export interface TakeOptions {
  /** The axis to read along; by default the array is flattened. */
  readonly axis?: number | null;
  /** What is read outside: "fill" (NaN and the like, the default), "clip", or "wrap". */
  readonly mode?: "fill" | "clip" | "wrap" | "raise" | null;
  readonly uniqueIndices?: boolean;
  readonly indicesAreSorted?: boolean;
  readonly fillValue?: FillValue | null;
}

/** A fill value as part of a cache key. */
const fillKey = (value: FillValue | null): string =>
  value instanceof ConcreteArray ? `${value.dtype} ${String(elementOf(value))}` : String(value);

const flattened = (x: NDArray): NDArray => reshaped(x, [x.size]);

/**
 * The elements of `a` at `indices` along an axis, whose place the axes of `indices` take.
 *
 *     np.take(x, [2, 0], 1) // columns 2 and 0
 */
export function take(
  a: ArrayLike,
  indices: ArrayLike,
  ...options: readonly (number | null | TakeOptions | undefined)[]
): NDArray {
  const given = named<TakeOptions>(["axis"], options);
  const { axis = null, mode = null, uniqueIndices = false, indicesAreSorted = false, fillValue = null } = given;
  const body = (x: NDArray, i: NDArray): NDArray[] => [
    takeAlong(x, i, axis, mode, { uniqueIndices, indicesAreSorted, fillValue: fillValue }),
  ];
  const key = keyOf(axis, mode, uniqueIndices, indicesAreSorted, fillKey(fillValue));
  return jitCall("_take", key, body, [toArray(a, "take", 0), toArray(indexArray(indices), "take", 1)])[0];
}

function takeAlong(
  a: NDArray,
  given: NDArray,
  axis: number | null,
  mode: TakeOptions["mode"],
  promises: Pick<TakeOptions, "uniqueIndices" | "indicesAreSorted" | "fillValue">,
): NDArray {
  const x = axis === null ? flattened(a) : a;
  const along = axis === null ? 0 : canonicalAxis(axis, x.ndim);
  const size = x.shape[along];
  let indices = given;
  let gatherMode: GatherScatterMode;
  if (mode === null || mode === "fill") {
    gatherMode = "FILL_OR_DROP";
    const negative = lt(indices, constLike(indices, 0));
    indices = where(negative, add(indices, constLike(indices, size)), indices);
  } else if (mode === "wrap") {
    gatherMode = "PROMISE_IN_BOUNDS";
    indices = remainder(indices, literal(size, indices.dtype, indices.weakType && indices.ndim === 0));
  } else if (mode === "clip") {
    gatherMode = "CLIP";
  } else if (mode === "raise") {
    throw new UnsupportedError(
      "The 'raise' mode to jnp.take is not supported: a program cannot raise. Use \"fill\" and look for NaN.",
    );
  } else {
    throw new RematValueError(`Invalid mode '${String(mode)}' for np.take. Modes are "fill", "clip" and "wrap".`);
  }
  if (size === 0) {
    if (indices.size > 0)
      throw new RematIndexError("Cannot do a non-empty jnp.take() from an empty axis. Check its size first.");
    return x;
  }
  const outShape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)];
  if (indices.size === 0) return fullLike(x, 0, outShape);
  const dims = gatherDims({
    offsetDims: [...range(along), ...range(x.ndim - 1 - along, along + indices.ndim)],
    collapsedSliceDims: [along],
    startIndexMap: [along],
  });
  return gathered(x, expanded(indices, [indices.ndim]), dims, x.shape.with(along, 1), {
    ...promises,
    mode: gatherMode,
  });
}

export interface TakeAlongAxisOptions {
  /** The axis to read along: the last one by default; null flattens the array. */
  readonly axis?: number | null;
  /** What is read outside: "fill" (NaN and the like, the default), "clip", "promise_in_bounds". */
  readonly mode?: ModeLike;
  readonly fillValue?: FillValue | null;
  /** Counts negative indices from the end: by default unless indices are promised to lie inside. */
  readonly wrapNegativeIndices?: boolean | null;
}

/**
 * The elements of `arr` that `indices` name along an axis; along the other axes the two run side by side, and axes of size 1 are stretched.
 *
 *     np.takeAlongAxis(logp, labels, { axis: 1 })
 */
export function takeAlongAxis(
  arr: ArrayLike,
  indices: ArrayLike,
  ...options: readonly (number | null | TakeAlongAxisOptions | undefined)[]
): NDArray {
  const {
    axis = -1,
    mode = null,
    fillValue = null,
    wrapNegativeIndices = null,
  } = named<TakeAlongAxisOptions>(["axis"], options);
  const body = (x: NDArray, i: NDArray): NDArray[] => [
    alongAxis(x, i, axis, mode, fillValue, wrapNegativeIndices ?? mode !== "promise_in_bounds"),
  ];
  const key = keyOf(axis, mode, fillKey(fillValue), wrapNegativeIndices);
  return jitCall("take_along_axis", key, body, [
    toArray(arr, "takeAlongAxis", 0),
    toArray(indexArray(indices), "takeAlongAxis", 1),
  ])[0];
}

function checkAlongAxis(a: NDArray, indices: NDArray, axis: number | null): void {
  if (!isInteger(indices.dtype)) {
    throw new RematTypeError(
      `take_along_axis indices must be of integer type, got ${indices.dtype}. Convert them first.`,
    );
  }
  if (axis === null && indices.ndim !== 1) {
    throw new RematValueError(
      `take_along_axis indices must be 1D if axis=None, got shape ${tupleText(indices.shape)}. Flatten them, or name an axis.`,
    );
  }
  if (axis !== null && a.ndim !== indices.ndim) {
    throw new RematValueError(
      `indices and arr must have the same number of dimensions; ${indices.ndim} vs. ${a.ndim}. Give the indices axes of size 1.`,
    );
  }
}

function alongAxis(
  arr: NDArray,
  given: NDArray,
  axis: number | null,
  mode: ModeLike,
  fillValue: FillValue | null,
  wraps: boolean,
): NDArray {
  checkAlongAxis(arr, given, axis);
  const a = axis === null ? flattened(arr) : arr;
  const along = canonicalAxis(axis ?? 0, a.ndim);
  const size = a.shape[along];
  const arrShape = a.shape.with(along, 1);
  const idxShape = given.shape;
  const outShape = broadcastShapes(idxShape, arrShape);
  if (size === 0) return filled(outShape, 0, a.dtype);
  let indices = wraps ? convertElementType(given, "int32") : given;
  if (wraps) {
    const negative = lt(indices, constLike(indices, 0));
    indices = select(negative, add(indices, literal(size, indices.dtype)), indices);
  }
  const kept = outShape.filter((_, i) => i === along || idxShape[i] !== 1);
  const vectors = reshaped(indices, [...kept, 1]);

  const sizes: number[] = [];
  const offsetDims: number[] = [];
  const operandBatching: number[] = [];
  const indicesBatching: number[] = [];
  const unit: number[] = [];
  let indexed = 0;
  let x = 0; // axes of the array without those that are squeezed
  let j = 0; // axes of the index vectors
  for (let i = 0; i < a.ndim; i++) {
    if (i === along) {
      sizes.push(1);
      indexed = x++;
      j++;
    } else if (idxShape[i] === 1) {
      // the indices are stretched along this axis: take all of it
      offsetDims.push(i);
      sizes.push(arrShape[i]);
      x++;
    } else if (arrShape[i] === 1) {
      unit.push(i);
      j++;
    } else {
      sizes.push(arrShape[i] === 0 ? 0 : 1);
      operandBatching.push(x++);
      indicesBatching.push(j++);
    }
  }
  const dims = gatherDims({
    offsetDims,
    collapsedSliceDims: [indexed],
    startIndexMap: [indexed],
    operandBatchingDims: operandBatching,
    startIndicesBatchingDims: indicesBatching,
  });
  return gathered(squeezed(a, unit), vectors, dims, sizes, { mode: mode ?? "fill", fillValue });
}

export interface PutAlongAxisOptions {
  /** Must be false: arrays never change. */
  readonly inplace?: boolean;
  readonly mode?: ModeLike;
}

function refuseInPlace(name: string, inplace: boolean | undefined): void {
  if (inplace === true) {
    throw new RematValueError(
      `jax.numpy.${name} cannot modify arrays in-place, because JAX arrays are immutable. Pass inplace=False to instead return an ` +
        "updated array: here that is the default.",
    );
  }
}

/** Index arrays that run through a shape, one axis each. */
const openGrid = (shape: Shape): NDArray[] =>
  shape.map((n, i) => expanded(counted(canonicalDType("int64"), [n], 0), without(range(shape.length), [i])));

/** The array with the elements that `indices` name along an axis replaced by `values`. */
export function putAlongAxis(
  arr: ArrayLike,
  indices: ArrayLike,
  values: ArrayLike,
  axis: number | null,
  options: PutAlongAxisOptions = {},
): NDArray {
  refuseInPlace("put_along_axis", options.inplace);
  const { mode = null } = options;
  const body = (given: NDArray, i: NDArray, v: NDArray): NDArray[] => {
    const x = axis === null ? flattened(given) : given;
    if (x.ndim !== i.ndim) {
      throw new RematValueError(
        `put_along_axis arguments 'arr' and 'indices' must have same ndim. Got arr.ndim=${x.ndim} and indices.ndim=${i.ndim}.`,
      );
    }
    const along = canonicalAxis(axis ?? 0, x.ndim);
    const wide = stretched(v, i.shape);
    const index = openGrid(x.shape).with(along, i);
    const out = at(x, ...index).set(wide, { mode });
    return [axis === null ? reshaped(out, given.shape) : out];
  };
  const args = [arr, indexArray(indices), values].map((x, n) => toArray(x, "putAlongAxis", n));
  return jitCall("put_along_axis", keyOf(axis, mode), body, args)[0];
}

export interface PutOptions {
  /** What happens outside of the array: null drops, "clip" and "wrap". */
  readonly mode?: "clip" | "wrap" | null;
  readonly inplace?: boolean;
}

/** A vector repeated, and cut off, to a given size. */
function tiledTo(x: NDArray, size: number): NDArray {
  const long = x.size < size ? tile(x, Math.ceil(size / x.size)) : x;
  return long.size > size ? getitem(long, slice(size)) : long;
}

/** The array with the elements at places of the flattened array replaced by `v`, repeated as need be. */
export function put(a: ArrayLike, ind: ArrayLike, v: ArrayLike, options: PutOptions = {}): NDArray {
  refuseInPlace("put", options.inplace);
  const x = asarray(a);
  const places = flattened(asarray(indexArray(ind)));
  const values = flattened(asarray(v));
  if (x.size === 0 || places.size === 0 || values.size === 0) return x;
  const repeated = tiledTo(values, places.size);
  const { mode = null } = options;
  let index = places;
  if (mode === "clip") index = clip(places, 0, x.size - 1);
  else if (mode === "wrap") index = remainder(places, x.size);
  return at(x, ...unravelIndex(index, x.shape)).set(repeated, { mode: mode === null ? "drop" : "promise_in_bounds" });
}

/** The array with the elements where a mask is true replaced by `vals`, repeated as need be. */
export function place(
  arr: ArrayLike,
  mask: ArrayLike,
  vals: ArrayLike,
  options: { readonly inplace?: boolean } = {},
): NDArray {
  refuseInPlace("place", options.inplace);
  const x = asarray(arr);
  const where = asarray(mask);
  const values = flattened(asarray(vals));
  if (x.size !== where.size)
    throw new RematValueError(`place: arr and mask must be the same size, got ${x.size} and ${where.size}.`);
  if (values.size === 0) throw new RematValueError("Cannot place values from an empty array: give at least one.");
  if (x.size === 0) return x;
  const [places] = nonzero(flattened(where), { size: where.size, fillValue: where.size });
  const out = at(flattened(x), places).set(tiledTo(values, places.shape[0]), { mode: "drop" });
  return reshaped(out, x.shape);
}
