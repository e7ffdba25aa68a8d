/**
 * Sorting: `sort` orders arrays along one axis by their first `num_keys` operands and moves the others along; `top_k` gives the greatest
 * elements with their indices. Neither is computed by derivative rules of its own: a derivative sorts the indices too, and then gathers.
 *
 * Floats are ordered with -0 equal to 0 and NaN last; complex numbers by real, then imaginary parts.
 */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { RematValueError, ShapeError } from "../errors.ts";
import { tupleText, range, without } from "./axes.ts";
import { gathered } from "./gather.ts";
import { gatherDims } from "./gatherDimensions.ts";
import { counted } from "./iota.ts";
import { broadcastedInDim, expanded, movedAxis, reshaped } from "./shape.ts";

export type SortParams = { readonly dimension: number; readonly is_stable: boolean; readonly num_keys: number };

/** Reads one element for each index along `axis`; the other axes run side by side. */
function gatheredAlong(x: NDArray, indices: NDArray, axis: number): NDArray {
  const others = without(range(x.ndim), [axis]);
  const dims = gatherDims({
    offsetDims: [],
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    operandBatchingDims: others,
    startIndicesBatchingDims: others,
  });
  return gathered(
    x,
    indices,
    dims,
    x.shape.map(() => 1),
  );
}

export const sort: Primitive<SortParams> = {
  name: "sort",
  type(avals) {
    if (avals.some((a) => tupleText(a.shape) !== tupleText(avals[0].shape))) {
      throw new ShapeError(
        `Arguments to sort must have equal shapes, got: ${avals.map((a) => tupleText(a.shape)).join(" ")}. ` +
          "Broadcast them to one shape first.",
      );
    }
    return avals;
  },
  jvp(primals, tangents, params) {
    const { shape } = primals[0];
    const outs = bind(sort, [...primals, counted("uint32", shape, params.dimension)], params);
    const indices = expanded(outs.at(-1)!, [shape.length]);
    return {
      primals: outs.slice(0, -1),
      tangents: tangents.map((t) => (t === null ? null : gatheredAlong(t, indices, params.dimension))),
    };
  },
  batch(_size, args, dims, params) {
    const i = dims.findIndex((d) => d !== null);
    const dim = dims[i]!;
    const { shape } = args[i];
    const moved = args.map((x, j) => {
      const d = dims[j];
      return d === null ? broadcastedInDim(x, shape, without(range(shape.length), [dim])) : movedAxis(x, d, dim);
    });
    const dimension = params.dimension + (dim <= params.dimension ? 1 : 0);
    return { outs: bind(sort, moved, { ...params, dimension }), dims: args.map(() => dim) };
  },
};

export type TopKParams = { readonly axis: number; readonly k: number };

export const topK: Primitive<TopKParams> = {
  name: "top_k",
  type([x], { k, axis }) {
    if (isComplex(x.dtype))
      throw new RematValueError(`top_k is not compatible with complex inputs, got ${x.dtype}. Give it magnitudes.`);
    if (k < 0) throw new RematValueError(`k argument to top_k must be nonnegative, got ${k}.`);
    if (x.ndim === 0) {
      throw new ShapeError(
        `top_k operand must have >= 1 dimension, got ${tupleText(x.shape)}. Reshape it to one dimension.`,
      );
    }
    if (axis < 0 || axis >= x.ndim) {
      throw new RematValueError(`axis argument out of range: axis=${axis} for operand.shape=${tupleText(x.shape)}.`);
    }
    if (x.shape[axis] < k) {
      throw new RematValueError(
        `k argument to top_k must be no larger than size along axis; got k=${k} with shape=[${x.shape.join(", ")}] and axis=${axis}.`,
      );
    }
    const shape = x.shape.with(axis, k);
    return [x.update({ shape }), x.update({ shape, dtype: "int32" })];
  },
  jvp([x], [t], params) {
    const outs = bind(topK, [x], params);
    if (t === null) return { primals: outs, tangents: [null, null] };
    const indices = reshaped(outs[1], [...outs[1].shape, 1]);
    return { primals: outs, tangents: [gatheredAlong(t, indices, params.axis), null] };
  },
  batch(_size, [x], [dim], { k, axis }) {
    const outs = bind(topK, [x], { k, axis: axis + (dim! <= axis ? 1 : 0) });
    return { outs, dims: [dim, dim] };
  },
};

export const sortPrimitives = [sort, topK] as const;

/** Sorts one array along an axis. */
export const sorted = (x: NDArray, dimension: number, isStable = true): NDArray =>
  bind1(sort, [x], { dimension, is_stable: isStable, num_keys: 1 } satisfies SortParams);

/** Sorts several arrays by the first `numKeys` of them. */
export const sortedTogether = (
  xs: readonly NDArray[],
  dimension: number,
  numKeys = 1,
  isStable = true,
): readonly NDArray[] => bind(sort, xs, { dimension, is_stable: isStable, num_keys: numKeys } satisfies SortParams);

/** The k greatest elements along an axis, and their indices. */
export const topOf = (x: NDArray, k: number, axis: number): readonly NDArray[] =>
  bind(topK, [x], { k, axis } satisfies TopKParams);
