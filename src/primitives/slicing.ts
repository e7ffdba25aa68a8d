/**
 * Windows at traced positions: `dynamic_slice` reads one, `dynamic_update_slice` replaces one. The sizes are part of the program; the start
 * indices are operands, and a window that would leave the array is moved inside. They are each other's transposes.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import { isInteger } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import { UndefinedPrimal, type Primitive } from "../core/primitive.ts";
import { instantiate, zeros } from "../core/zeros.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { tupleText, range, without } from "./axes.ts";
import { concatenated } from "./join.ts";
import { batchGather } from "./gather.ts";
import { gatherDims, scatterDims } from "./gatherDimensions.ts";
import { scatter } from "./scatter.ts";
import { batchScatter } from "./scatterRules.ts";
import { broadcastedInDim, broadcasted } from "./shape.ts";

export type DynamicSliceParams = { readonly slice_sizes: readonly number[] };

function checkIndices(name: string, operand: ShapedArray, indices: readonly ShapedArray[]): void {
  if (operand.ndim !== indices.length) {
    throw new ShapeError(
      `${name} start_indices must have length equal to the rank of operand, got ${indices.length} indices for operand shape ` +
        `${tupleText(operand.shape)}. Give one index for each axis.`,
    );
  }
  if (indices.some((i) => i.ndim !== 0)) {
    throw new ShapeError(
      `start_indices arguments to ${name} must be scalars, got indices of types ${indices.join(", ")}. ` +
        "Split an index vector into its elements.",
    );
  }
  if (indices.some((i) => i.dtype !== indices[0].dtype || !isInteger(i.dtype))) {
    throw new DTypeError(
      `index arguments to ${name} must be integers of the same type, got: ${indices.map((i) => i.dtype).join(", ")}. ` +
        "Convert them to one integer dtype.",
    );
  }
}

export const dynamicSlice: Primitive<DynamicSliceParams> = {
  name: "dynamic_slice",
  type([operand, ...indices], { slice_sizes: sizes }) {
    if (sizes.length !== operand.ndim || sizes.some((s, i) => s > operand.shape[i])) {
      throw new ShapeError(
        "slice slice_sizes must be less than or equal to operand shape, got slice_sizes " +
          `${tupleText(sizes)} for operand shape ${tupleText(operand.shape)}. Ask for smaller windows.`,
      );
    }
    if (sizes.some((s) => s < 0)) {
      throw new ShapeError(
        `slice slice_sizes must be greater than or equal to zero, got slice_sizes of ${tupleText(sizes)}.`,
      );
    }
    checkIndices("dynamic_slice", operand, indices);
    return [operand.update({ shape: [...sizes] })];
  },
  jvp([operand, ...indices], [t], params) {
    const tangent = t === null ? null : bind1(dynamicSlice, [t, ...indices], params);
    return { primals: [bind1(dynamicSlice, [operand, ...indices], params)], tangents: [tangent] };
  },
  transpose([ct], [operand, ...indices]) {
    const into = zeros(operand.aval.stripWeakType());
    const out = bind1(dynamicUpdateSlice, [into, ct!, ...(indices as NDArray[])], {});
    return [out, ...indices.map(() => null)];
  },
  batch(_size, [operand, ...indices], [operandDim, ...indexDims], { slice_sizes: sizes }) {
    const rank = operand.ndim - (operandDim === null ? 0 : 1);
    const dims = range(rank);
    const [index, indexDim] = batchIndices(indices, indexDims);
    return batchGather(operand, index, operandDim, indexDim, {
      dimension_numbers: gatherDims({ offsetDims: dims, collapsedSliceDims: [], startIndexMap: dims }),
      fill_value: null,
      indices_are_sorted: true,
      mode: "CLIP",
      slice_sizes: sizes,
      unique_indices: true,
    });
  },
};

export const dynamicUpdateSlice: Primitive = {
  name: "dynamic_update_slice",
  type([operand, update, ...indices]) {
    if (operand.ndim !== update.ndim) {
      throw new ShapeError(
        "dynamic_update_slice update must have the same rank as operand, got update shape " +
          `${tupleText(update.shape)} for operand shape ${tupleText(operand.shape)}. Give the update axes of size 1 where it lacks them.`,
      );
    }
    if (update.shape.some((n, i) => n > operand.shape[i])) {
      throw new ShapeError(
        "dynamic_update_slice update shape must be smaller than operand shape, got update shape " +
          `${tupleText(update.shape)} for operand shape ${tupleText(operand.shape)}.`,
      );
    }
    checkIndices("dynamic_update_slice", operand, indices);
    if (operand.dtype !== update.dtype) {
      throw new DTypeError(
        "lax.dynamic_update_slice requires arguments to have the same dtypes, got " +
          `${operand.dtype}, ${update.dtype}. (Tip: jnp functions promote; here convert one of them first.)`,
      );
    }
    return [operand.update({ weakType: [operand, update, ...indices].every((a) => a.weakType) })];
  },
  jvp([operand, update, ...indices], [dOperand, dUpdate]) {
    const out = bind1(dynamicUpdateSlice, [operand, update, ...indices], {});
    if (dOperand === null && dUpdate === null) return { primals: [out], tangents: [null] };
    const into = instantiate(dOperand, operand.aval.toTangent());
    const piece = instantiate(dUpdate, update.aval.toTangent());
    return { primals: [out], tangents: [bind1(dynamicUpdateSlice, [into, piece, ...indices], {})] };
  },
  transpose([ct], [operand, update, ...rest]) {
    const indices = rest as NDArray[];
    const shape = update.aval.shape;
    const blank = zeros(new ShapedArray(shape, ct!.dtype));
    const operandCt =
      operand instanceof UndefinedPrimal ? bind1(dynamicUpdateSlice, [ct!, blank, ...indices], {}) : null;
    const updateCt =
      update instanceof UndefinedPrimal ? bind1(dynamicSlice, [ct!, ...indices], { slice_sizes: shape }) : null;
    return [operandCt, updateCt, ...rest.map(() => null)];
  },
  batch(size, [operand, update, ...indices], [operandDim, updateDim, ...indexDims]) {
    const shape: Shape = updateDim === null ? update.shape : without(update.shape, [updateDim]);
    const dims = range(shape.length);
    const [index, indexDim] = batchIndices(indices, indexDims);
    return batchScatter(scatter, size, [operand, index, update], [operandDim, indexDim, updateDim], {
      dimension_numbers: scatterDims({
        updateWindowDims: dims,
        insertedWindowDims: [],
        scatterDimsToOperandDims: dims,
      }),
      indices_are_sorted: true,
      mode: "CLIP",
      unique_indices: true,
      update_consts: [],
      update_jaxpr: null,
    });
  },
};

/** Scalar indices, some with a batch axis, as index vectors. */
function batchIndices(
  indices: readonly NDArray[],
  dims: readonly (number | null)[],
): [index: NDArray, dim: number | null] {
  if (indices.length === 0) return [new ConcreteArray(new ShapedArray([0], "int32"), new Int32Array(0)), null];
  const batched = dims.findIndex((d) => d !== null);
  if (batched < 0) {
    return [
      concatenated(
        indices.map((i) => broadcasted(i, [1])),
        0,
      ),
      null,
    ];
  }
  const size = indices[batched].shape[0];
  const columns = indices.map((x, i) => broadcastedInDim(x, [size, 1], dims[i] === null ? [] : [0]));
  return [concatenated(columns, 1), 0];
}

export const slicingPrimitives = [dynamicSlice, dynamicUpdateSlice] as const;
