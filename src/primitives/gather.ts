/**
 * `gather` reads one window of an array for each index vector. All indexing by arrays, `take` and `take_along_axis`, and the derivatives of
 * sorting come down to it. It is linear in the operand: its transpose is `scatter-add`, which adds cotangents where the gather has read,
 * and which is in this file because the transpose of that is a gather again.
 */
import type { ConcreteArray, NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import { isFloat, isInexact, kindOf, type DType } from "../core/dtype.ts";
import { UndefinedPrimal, type BatchResult, type Primitive } from "../core/primitive.ts";
import { pyFloat, Verbatim } from "../core/python.ts";
import { elementOf } from "../core/scalar.ts";
import { instantiate, zeros } from "../core/zeros.ts";
import { RematValueError } from "../errors.ts";
import { jvpByOperand } from "./algebra.ts";
import { neg } from "./arithmetic.ts";
import {
  gatherShape,
  gatherToScatter,
  parseMode,
  printGatherDims,
  scatterToGather,
  windowSizes,
  type GatherDimensionNumbers,
  type GatherScatterMode,
  type ModeLike,
  type ScatterDimensionNumbers,
} from "./gatherDimensions.ts";
import { bindScatter, scatterRecord, type ScatterOptions, type ScatterParams } from "./scatterRules.ts";
import { movedAxis } from "./shape.ts";

/** What is read outside of the operand: a host number (an integral one prints as an integer) or a rank-0 literal. */
export type FillValue = number | bigint | boolean | ConcreteArray;

export type GatherParams = {
  readonly dimension_numbers: GatherDimensionNumbers;
  readonly fill_value: FillValue | null;
  readonly indices_are_sorted: boolean;
  readonly mode: GatherScatterMode;
  readonly slice_sizes: readonly number[];
  readonly unique_indices: boolean;
};

export const gather: Primitive<GatherParams> = {
  name: "gather",
  type([operand, indices], params) {
    const kind = kindOf(indices.dtype);
    if (kind !== "int" && kind !== "uint") {
      throw new RematValueError(`gather: indices must have an integer type, got ${indices.dtype}. Convert them first.`);
    }
    return [operand.update({ shape: gatherShape(operand, indices, params.dimension_numbers, params.slice_sizes) })];
  },
  jvp: jvpByOperand(
    () => gather,
    [
      (t, _y, [, indices], p) =>
        gathered(t, indices, p.dimension_numbers, p.slice_sizes, {
          uniqueIndices: p.unique_indices,
          indicesAreSorted: p.indices_are_sorted,
          mode: p.mode,
          fillValue: 0,
        }),
      null,
    ],
  ),
  transpose([ct], [operand, indices], p) {
    if (!(operand instanceof UndefinedPrimal)) return [null, null];
    const into = zeros(operand.aval.update({ dtype: ct!.dtype, weakType: false }));
    const out = scatterAdded(into, indices as NDArray, ct!, gatherToScatter(p.dimension_numbers), {
      uniqueIndices: p.unique_indices,
      indicesAreSorted: p.indices_are_sorted,
      mode: p.mode,
    });
    return [out, null];
  },
  batch: (_size, [operand, indices], [operandDim, indicesDim], params) =>
    batchGather(operand, indices, operandDim, indicesDim, params),
  print: (p) => [
    ["dimension_numbers", new Verbatim(printGatherDims(p.dimension_numbers))],
    ["fill_value", p.fill_value === null ? null : new Verbatim(fillText(p.fill_value))],
    ["indices_are_sorted", p.indices_are_sorted],
    ["mode", new Verbatim(`GatherScatterMode.${p.mode}`)],
    ["slice_sizes", p.slice_sizes],
    ["unique_indices", p.unique_indices],
  ],
};

function fillText(value: FillValue): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint" || Number.isInteger(value)) return String(value);
  if (typeof value === "number") return pyFloat(value);
  const element = elementOf(value);
  return isFloat(value.dtype) ? pyFloat(Number(element)) : fillText(element as number);
}

const bump = (dims: readonly number[]): number[] => dims.map((d) => d + 1);

/** The batching rule, also of `dynamic_slice`, which batches as a gather. */
export function batchGather(
  operand: NDArray,
  indices: NDArray,
  operandDim: number | null,
  indicesDim: number | null,
  params: GatherParams,
): BatchResult {
  const d = params.dimension_numbers;
  const options: GatherOptions = {
    uniqueIndices: params.unique_indices,
    indicesAreSorted: params.indices_are_sorted,
    mode: params.mode,
    fillValue: params.fill_value,
  };
  const sizes = params.slice_sizes;
  if (operandDim === null) {
    const dims = { ...d, offsetDims: bump(d.offsetDims), startIndicesBatchingDims: bump(d.startIndicesBatchingDims) };
    // Accesses of different batch elements to one operand may repeat each other, in any order.
    const out = gathered(operand, movedAxis(indices, indicesDim!, 0), dims, sizes, {
      ...options,
      uniqueIndices: false,
      indicesAreSorted: false,
    });
    return { outs: [out], dims: [0] };
  }
  const x = movedAxis(operand, operandDim, 0);
  const shifted = {
    collapsedSliceDims: bump(d.collapsedSliceDims),
    startIndexMap: bump(d.startIndexMap),
    operandBatchingDims: bump(d.operandBatchingDims),
  };
  if (indicesDim === null) {
    const dims = {
      ...shifted,
      offsetDims: [0, ...bump(d.offsetDims)],
      startIndicesBatchingDims: d.startIndicesBatchingDims,
    };
    return { outs: [gathered(x, indices, dims, [x.shape[0], ...sizes], options)], dims: [0] };
  }
  const dims = {
    ...shifted,
    offsetDims: bump(d.offsetDims),
    operandBatchingDims: [0, ...shifted.operandBatchingDims],
    startIndicesBatchingDims: [0, ...bump(d.startIndicesBatchingDims)],
  };
  const first = x.shape[0] === 0 ? 0 : 1;
  return { outs: [gathered(x, movedAxis(indices, indicesDim, 0), dims, [first, ...sizes], options)], dims: [0] };
}

export interface GatherOptions {
  /** A promise that no element is read twice. */
  readonly uniqueIndices?: boolean;
  /** A promise that the indices are in order. */
  readonly indicesAreSorted?: boolean;
  /** What happens outside of the operand; by default windows are promised to lie inside (and moved there). */
  readonly mode?: ModeLike;
  /** In mode `fill`, what is read outside: by default NaN, the least integer, the greatest unsigned one, or true. */
  readonly fillValue?: FillValue | null;
}

/** Calls `gather` with a mode and a fill value that fit. */
export function gathered(
  operand: NDArray,
  indices: NDArray,
  dims: GatherDimensionNumbers,
  sliceSizes: readonly number[],
  options: GatherOptions = {},
): NDArray {
  const mode = parseMode(options.mode ?? "promise_in_bounds");
  const fill = mode === "FILL_OR_DROP" ? (options.fillValue ?? defaultFill(operand.dtype)) : null;
  return bind1(gather, [operand, indices], {
    dimension_numbers: dims,
    fill_value: fill,
    indices_are_sorted: options.indicesAreSorted ?? false,
    mode,
    slice_sizes: sliceSizes,
    unique_indices: options.uniqueIndices ?? false,
  } satisfies GatherParams);
}

function defaultFill(dtype: DType): FillValue {
  if (isInexact(dtype)) return NaN;
  switch (kindOf(dtype)) {
    case "bool":
      return true;
    case "key":
      return 2 ** 32 - 1;
    case "int": {
      const bits = BigInt(dtype.slice("int".length));
      return bits === 64n ? -(1n << 63n) : Number(-(1n << (bits - 1n)));
    }
    case "uint": {
      const bits = BigInt(dtype.slice("uint".length));
      return bits === 64n ? (1n << 64n) - 1n : Number((1n << bits) - 1n);
    }
    default:
      throw new RematValueError(`gather: Unsupported dtype for gather fill_value ${dtype}. Give a fill value.`);
  }
}

/** The rules of `scatter-add` and `scatter-sub`, which are linear in operand and updates together. */
function additive(
  self: () => Primitive<ScatterParams>,
  negated: boolean,
): Pick<Primitive<ScatterParams>, "jvp" | "transpose"> {
  return {
    jvp([operand, indices, updates], [dOperand, , dUpdates], params) {
      const out = bind1(self(), [operand, indices, updates], params);
      if (dOperand === null && dUpdates === null) return { primals: [out], tangents: [null] };
      const into = instantiate(dOperand, operand.aval.toTangent());
      const from = instantiate(dUpdates, updates.aval.toTangent());
      return { primals: [out], tangents: [bind1(self(), [into, indices, from], params)] };
    },
    transpose([ct], [operand, indices, updates], params) {
      const operandCt = operand instanceof UndefinedPrimal ? ct! : null;
      if (!(updates instanceof UndefinedPrimal)) return [operandCt, null, null];
      const read = gatheredUpdates(ct!, indices as NDArray, updates.aval.shape, params);
      return [operandCt, null, negated ? neg(read) : read];
    },
  };
}

/** The cotangents of a scatter's updates: what the windows hold that they were written to. */
export function gatheredUpdates(
  ct: NDArray,
  indices: NDArray,
  updatesShape: readonly number[],
  params: ScatterParams,
): NDArray {
  const dims = params.dimension_numbers;
  const sizes = windowSizes(ct.ndim, updatesShape, dims);
  return gathered(ct, indices, scatterToGather(dims), sizes, { mode: params.mode, fillValue: 0 });
}

export const scatterAdd: Primitive<ScatterParams> = {
  ...scatterRecord("scatter-add", () => scatterAdd),
  ...additive(() => scatterAdd, false),
};

export const scatterSub: Primitive<ScatterParams> = {
  ...scatterRecord("scatter-sub", () => scatterSub),
  ...additive(() => scatterSub, true),
};

/** Adds updates to the windows that the indices name. */
export const scatterAdded = (
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dims: ScatterDimensionNumbers,
  options?: ScatterOptions,
): NDArray => bindScatter(scatterAdd, "add", [operand, indices, updates], dims, options);

/** Subtracts updates from the windows that the indices name. */
export const scatterSubtracted = (
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dims: ScatterDimensionNumbers,
  options?: ScatterOptions,
): NDArray => bindScatter(scatterSub, "sub", [operand, indices, updates], dims, options);

export const gatherPrimitives = [gather, scatterAdd, scatterSub] as const;
