/**
 * The primitives that give the same elements another shape, and the sum over axes, which is the transpose of repeating them:
 * `broadcast_in_dim`, `reduce_sum`, `reshape`, `squeeze`, `transpose`, `rev`. Nearly every rule of every other primitive is written
 * with these, through the functions at the end, which leave out calls that would do nothing.
 */
import type { NDArray } from "../core/array.ts";
import { sizeOf, shapesEqual, type ShapedArray, type Shape } from "../core/aval.ts";
import { dtypes, kindOf, type DType } from "../core/dtype.ts";
import { bind1, currentTrace } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { DTypeError, RematTypeError, RematValueError, ShapeError } from "../errors.ts";
import { isLinear, linearJvp } from "./algebra.ts";
import {
  argsort,
  bumped,
  canonicalAxis,
  inserted,
  isArray,
  isIdentity,
  range,
  remaining,
  sameList,
  tupleText,
  without,
} from "./axes.ts";

export type BroadcastInDimParams = {
  readonly shape: Shape;
  /** Axis i of the operand becomes axis broadcast_dimensions[i] of the result. */
  readonly broadcast_dimensions: readonly number[];
  readonly sharding: null;
};

export const broadcastInDim: Primitive<BroadcastInDimParams> = {
  name: "broadcast_in_dim",
  type([x], { shape, broadcast_dimensions: dims }) {
    const operand = x;
    if (operand.ndim !== dims.length) {
      throw new ShapeError(
        `broadcast_in_dim broadcast_dimensions must have length equal to operand ndim; got broadcast_dimensions ` +
          `${tupleText(dims)} for operand ndim ${operand.ndim}. Name one result axis for each operand axis.`,
      );
    }
    if (shape.length < operand.ndim) {
      throw new ShapeError(
        `broadcast_in_dim target broadcast shape must have equal or higher rank to the operand shape; got operand ndim ` +
          `${operand.ndim} and target broadcast ndim ${shape.length}.`,
      );
    }
    if (!dims.every((d) => d >= 0 && d < shape.length)) {
      throw new ShapeError(
        `broadcast_in_dim broadcast_dimensions must be a subset of output dimensions, got ${tupleText(dims)} for operand ` +
          `ndim ${operand.ndim} and shape ${tupleText(shape)}.`,
      );
    }
    if (!operand.shape.every((d, i) => d === 1 || d === shape[dims[i]])) {
      throw new ShapeError(
        `broadcast_in_dim operand dimension sizes must either be 1, or be equal to their corresponding dimensions in the ` +
          `target broadcast shape; got operand of shape ${tupleText(operand.shape)}, target broadcast shape ` +
          `${tupleText(shape)}, broadcast_dimensions ${tupleText(dims)}.`,
      );
    }
    if (new Set(dims).size !== dims.length) {
      throw new ShapeError(
        `broadcast_in_dim broadcast_dimensions must not contain duplicates, got broadcast_dimensions ${tupleText(dims)}.`,
      );
    }
    return [operand.update({ shape })];
  },
  jvp: linearJvp(() => broadcastInDim),
  transpose([ct], [x], { shape, broadcast_dimensions: dims }) {
    if (!isLinear(x)) return [null];
    const units = range(x.aval.ndim).filter((i) => x.aval.shape[i] === 1);
    const kept = without(dims, units);
    return [expanded(summed(ct!, remaining(shape.length, kept)), units)];
  },
  batch(_size, [x], [dim], { shape, broadcast_dimensions: dims }) {
    const front = movedAxis(x, dim!, 0);
    return { outs: [broadcastedInDim(front, [x.shape[dim!], ...shape], [0, ...dims.map((d) => d + 1)])], dims: [0] };
  },
  forward: ([x], { shape }) => [shapesEqual(x.shape, shape) ? 0 : null],
  print: ({ broadcast_dimensions: dims }) => (dims.length === 0 ? [] : [["broadcast_dimensions", dims]]),
};

export type AxesParams = { readonly axes: readonly number[] };
export type ReduceSumParams = AxesParams & { readonly out_sharding: null };

/** The shape that is left, with the checks that all reductions over axes share. */
export function reducedShape(operand: ShapedArray, axes: readonly number[]): Shape {
  if (new Set(axes).size !== axes.length) {
    throw new RematValueError(`duplicate value in 'axes' of reduction: ${tupleText(axes)}: name each axis once.`);
  }
  if (!axes.every((a) => a >= 0 && a < operand.ndim)) {
    throw new RematValueError(
      `reduction axes ${tupleText(axes)} contains out-of-bounds indices for ${operand.toLongString()}: ` +
        `give axes from 0 to ${operand.ndim - 1}.`,
    );
  }
  return without(operand.shape, axes);
}

/** Refuses booleans: what sums and products are made of. */
export function requireNumber(name: string, operand: ShapedArray): void {
  if (!["int", "uint", "float", "complex"].includes(kindOf(operand.dtype))) {
    throw new DTypeError(
      `${name} does not accept dtype ${operand.dtype}. Accepted dtypes are subtypes of number. Convert the operand first.`,
    );
  }
}

/** The batching rule of a reduction over `axes`. */
export function batchReducer<P extends AxesParams>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["batch"]> {
  return (_size, [x], [dim], params) => {
    const axes = bumped(params.axes, dim!);
    const out = bind1(primitive(), [x], { ...params, axes });
    return { outs: [out], dims: [dim! - axes.filter((a) => a < dim!).length] };
  };
}

export const reduceSum: Primitive<ReduceSumParams> = {
  name: "reduce_sum",
  type([x], { axes }) {
    requireNumber("reduce_sum", x);
    return [x.update({ shape: reducedShape(x, axes) })];
  },
  jvp: linearJvp(() => reduceSum),
  transpose([ct], [x], { axes }) {
    const shape = x.aval.shape;
    return [broadcastedInDim(ct!, shape, remaining(shape.length, axes))];
  },
  batch: batchReducer(() => reduceSum),
};

export type ReshapeParams = {
  readonly new_sizes: Shape;
  /** A permutation made before the elements are read in order; null for none. */
  readonly dimensions: readonly number[] | null;
  readonly sharding: null;
};

export const reshape: Primitive<ReshapeParams> = {
  name: "reshape",
  type([x], { new_sizes: sizes, dimensions }) {
    const operand = x;
    if (!sizes.every((d) => d >= 0)) {
      throw new ShapeError(`reshape new_sizes must all be positive, got ${tupleText(sizes)}.`);
    }
    if (sizeOf(sizes) !== operand.size) {
      throw new ShapeError(
        `cannot reshape array of shape ${tupleText(operand.shape)} (size ${operand.size}) into shape ${tupleText(sizes)} ` +
          `(size ${sizeOf(sizes)}): a reshape keeps the number of elements.`,
      );
    }
    if (
      dimensions !== null &&
      !sameList(
        dimensions.toSorted((a, b) => a - b),
        range(operand.ndim),
      )
    ) {
      throw new ShapeError(
        `reshape dimensions must be a permutation of operand dimensions, got dimensions ${tupleText(dimensions)} for shape ` +
          `${tupleText(operand.shape)}.`,
      );
    }
    return [operand.update({ shape: sizes })];
  },
  jvp: linearJvp(() => reshape),
  transpose([ct], [x], { dimensions }) {
    const shape = x.aval.shape;
    if (dimensions === null) return [reshaped(ct!, shape)];
    const permuted = reshaped(
      ct!,
      dimensions.map((d) => shape[d]),
    );
    return [transposed(permuted, argsort(dimensions))];
  },
  batch(_size, [x], [dim], { new_sizes: sizes, dimensions }) {
    const front = movedAxis(x, dim!, 0);
    const permutation = dimensions === null ? null : [0, ...dimensions.map((d) => d + 1)];
    return { outs: [reshaped(front, [front.shape[0], ...sizes], permutation)], dims: [0] };
  },
};

export type SqueezeParams = { readonly dimensions: readonly number[] };

export const squeeze: Primitive<SqueezeParams> = {
  name: "squeeze",
  type: ([x], { dimensions }) => [x.update({ shape: squeezedShape(x.shape, dimensions) })],
  jvp: linearJvp(() => squeeze),
  transpose: ([ct], _args, { dimensions }) => [expanded(ct!, dimensions)],
  batch(_size, [x], [dim], { dimensions }) {
    const front = movedAxis(x, dim!, 0);
    return {
      outs: [
        squeezed(
          front,
          dimensions.map((d) => d + 1),
        ),
      ],
      dims: [0],
    };
  },
};

function squeezedShape(shape: Shape, dimensions: readonly number[]): Shape {
  if (new Set(dimensions).size !== dimensions.length) {
    throw new RematValueError(`dimensions are not unique: ${tupleText(dimensions)}: squeeze each axis once.`);
  }
  if (!dimensions.every((d) => d >= 0 && d < shape.length)) {
    throw new RematValueError(
      `dimensions outside range [0, ndim): ${tupleText(dimensions)} for an array of shape ${tupleText(shape)}.`,
    );
  }
  if (dimensions.some((d) => shape[d] !== 1)) {
    throw new RematValueError(
      `cannot select an axis to squeeze out which has size not equal to one, got shape=${tupleText(shape)} and ` +
        `dimensions=${tupleText(dimensions)}: use reshape or a sum over the axis.`,
    );
  }
  return without(shape, dimensions);
}

export type TransposeParams = { readonly permutation: readonly number[] };

export const transpose: Primitive<TransposeParams> = {
  name: "transpose",
  type([x], { permutation }) {
    const operand = x;
    if (
      !sameList(
        permutation.toSorted((a, b) => a - b),
        range(operand.ndim),
      )
    ) {
      throw new ShapeError(
        `transpose permutation isn't a permutation of operand dimensions, got permutation ${tupleText(permutation)} for ` +
          `operand shape ${tupleText(operand.shape)}.`,
      );
    }
    return [operand.update({ shape: permutation.map((p) => operand.shape[p]) })];
  },
  jvp: linearJvp(() => transpose),
  transpose: ([ct], _args, { permutation }) => [transposed(ct!, argsort(permutation))],
  batch: (_size, [x], [dim], { permutation }) => ({
    outs: [transposed(x, [dim!, ...bumped(permutation, dim!)])],
    dims: [0],
  }),
};

export type RevParams = { readonly dimensions: readonly number[] };

export const rev: Primitive<RevParams> = {
  name: "rev",
  type([x], { dimensions }) {
    if (new Set(dimensions).size !== dimensions.length) {
      throw new ShapeError(`rev dimensions must be unique, got ${tupleText(dimensions)}.`);
    }
    if (!dimensions.every((d) => d >= 0 && d < x.ndim)) {
      throw new ShapeError(
        `rev dimensions must all be less than operand ndim, got dimensions ${tupleText(dimensions)} for operand ndim ${x.ndim}.`,
      );
    }
    return [x];
  },
  jvp: linearJvp(() => rev),
  transpose: ([ct], _args, params) => [bind1(rev, [ct!], params)],
  batch: (_size, [x], [dim], { dimensions }) => ({
    outs: [bind1(rev, [x], { dimensions: bumped(dimensions, dim!) })],
    dims: [dim!],
  }),
};

export const shapePrimitives = [broadcastInDim, reduceSum, reshape, squeeze, transpose, rev] as const;

/** The array with its axes at the named places of a result of the given shape, repeated along the others. */
export function broadcastedInDim(x: NDArray, shape: Shape, dims: readonly number[]): NDArray {
  if (x.ndim === shape.length && dims.length === 0 && isArray(x)) return x;
  return bind1(broadcastInDim, [x], { shape: [...shape], broadcast_dimensions: [...dims], sharding: null });
}

/** The array repeated along new leading axes. */
export function broadcasted(x: NDArray, sizes: Shape): NDArray {
  if (sizes.length === 0) return isArray(x) ? x : currentTrace().stageValue(x);
  return broadcastedInDim(x, [...sizes, ...x.shape], range(x.ndim, sizes.length));
}

/** The array with new axes of size one at the named places of the result. */
export function expanded(x: NDArray, dims: readonly number[]): NDArray {
  const ndim = x.ndim + dims.length;
  const places = dims.map((d) => canonicalAxis(d, ndim)).toSorted((a, b) => a - b);
  if (new Set(places).size !== places.length) {
    throw new RematValueError(`repeated axis in lax.expand_dims: ${tupleText(dims)}: name each new axis once.`);
  }
  let shape = x.shape;
  for (const place of places) shape = inserted(shape, place, 1);
  return broadcastedInDim(x, shape, remaining(ndim, places));
}

export function reshaped(x: NDArray, sizes: Shape, dimensions: readonly number[] | null = null): NDArray {
  const permutes = dimensions !== null && !isIdentity(dimensions);
  if (x.ndim > 0 && shapesEqual(x.shape, sizes) && !permutes && isArray(x)) return x;
  return bind1(reshape, [x], { new_sizes: [...sizes], dimensions: permutes ? [...dimensions] : null, sharding: null });
}

export function squeezed(x: NDArray, dims: readonly number[]): NDArray {
  const dimensions = dims.map((d) => canonicalAxis(d, x.ndim)).toSorted((a, b) => a - b);
  if (dimensions.length === 0 && isArray(x)) return x;
  return bind1(squeeze, [x], { dimensions });
}

export function transposed(x: NDArray, permutation: readonly number[]): NDArray {
  if (permutation.length === x.ndim && isIdentity(permutation) && isArray(x)) return x;
  return bind1(transpose, [x], { permutation: [...permutation] });
}

export const reversed = (x: NDArray, dimensions: readonly number[]): NDArray =>
  bind1(rev, [x], { dimensions: [...dimensions] });

export const summed = (x: NDArray, axes: readonly number[]): NDArray =>
  bind1(reduceSum, [x], { axes: [...axes], out_sharding: null });

/** The array with one axis moved to another place, the others in order. */
export function movedAxis(x: NDArray, from: number, to: number): NDArray {
  const source = canonicalAxis(from, x.ndim);
  const target = canonicalAxis(to, x.ndim);
  if (source === target) return x;
  return transposed(x, inserted(remaining(x.ndim, [source]), target, source));
}

/** The operand of a batching rule with its batch axis in front: moved there, or made by repeating the array. */
export function batchedInFront(x: NDArray, dim: number | null, size: number): NDArray {
  return dim === null ? repeatedAt(x, size, 0) : movedAxis(x, dim, 0);
}

/** The array repeated along one new axis. */
export function repeatedAt(x: NDArray, size: number, place: number): NDArray {
  const shape = inserted(x.shape, place, size);
  return broadcastedInDim(x, shape, remaining(shape.length, [place]));
}

/** An array whose elements are all one number, of the given dtype. */
export function filled(shape: Shape, value: number | bigint | boolean, dtype: DType, weakType = false): NDArray {
  if (dtypes[dtype].kind === "key") throw new RematTypeError(`an array of PRNG keys cannot be filled with ${value}.`);
  return broadcasted(currentTrace().stageValue(literal(value, dtype, weakType)), shape);
}
