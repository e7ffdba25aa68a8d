/**
 * What all scatters share: their parameters, typing, batching and text. A scatter combines the elements of an array with updates at the
 * windows that index vectors name; the primitives differ in how two elements are combined, which a small jaxpr in the parameters says.
 */
import type { NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { isReplaying } from "../core/memo.ts";
import { kindOf, type DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import { Jaxpr, Var } from "../core/jaxpr.ts";
import type { BatchResult, Primitive } from "../core/primitive.ts";
import { Verbatim, type PrintedParam } from "../core/print.ts";
import { DTypeError, RematValueError } from "../errors.ts";
import { addP, maxP, minP, mulP, subP } from "./arithmetic.ts";
import {
  checkScatter,
  parseMode,
  printScatterDims,
  type GatherScatterMode,
  type ModeLike,
  type ScatterDimensionNumbers,
} from "./gatherDimensions.ts";
import { batchedInFront } from "./shape.ts";

export type ScatterParams = {
  readonly dimension_numbers: ScatterDimensionNumbers;
  readonly indices_are_sorted: boolean;
  readonly mode: GatherScatterMode;
  readonly unique_indices: boolean;
  readonly update_consts: readonly unknown[];
  /** How an element and an update are combined; null if the update replaces it. */
  readonly update_jaxpr: Jaxpr | null;
};

export interface ScatterOptions {
  /** A promise that the indices are in order. */
  readonly indicesAreSorted?: boolean;
  /** A promise that no element is written twice. */
  readonly uniqueIndices?: boolean;
  /** What happens outside of the operand; by default the update is dropped. */
  readonly mode?: ModeLike;
}

const combiners = { add: addP, sub: subP, mul: mulP, min: minP, max: maxP } as const;
export type Combiner = keyof typeof combiners;

const jaxprs = new Map<string, Jaxpr>();

/** The jaxpr that combines two elements: one object for each operation and dtype, so that it prints once. */
export function combinerJaxpr(op: Combiner, dtype: DType): Jaxpr {
  const key = `${op} ${dtype} ${String(isReplaying())}`;
  let jaxpr = jaxprs.get(key);
  if (jaxpr === undefined) {
    const aval = new ShapedArray([], dtype);
    const [x, y, out] = [new Var(aval), new Var(aval), new Var(aval)];
    const params = op === "mul" ? { out_dtype: null } : {};
    const eqn = { primitive: combiners[op], invars: [x, y], outvars: [out], params, source: null };
    jaxpr = new Jaxpr([], [x, y], [eqn], [out]);
    jaxprs.set(key, jaxpr);
  }
  return jaxpr;
}

/** Calls a scatter that combines elements by `op` (or, for null, replaces them). */
export function bindScatter(
  primitive: Primitive<ScatterParams>,
  op: Combiner | null,
  [operand, indices, updates]: readonly [NDArray, NDArray, NDArray],
  dims: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  return bind1(primitive, [operand, indices, updates], {
    dimension_numbers: dims,
    indices_are_sorted: options.indicesAreSorted ?? false,
    mode: parseMode(options.mode),
    unique_indices: options.uniqueIndices ?? false,
    update_consts: [],
    update_jaxpr: op === null ? null : combinerJaxpr(op, operand.dtype),
  } satisfies ScatterParams);
}

/** The promises and the mode of a scatter, for another one beside it. */
export const optionsOf = (p: ScatterParams): ScatterOptions => ({
  indicesAreSorted: p.indices_are_sorted,
  uniqueIndices: p.unique_indices,
  mode: p.mode,
});

/** The fields of a record that are the same in every scatter. */
export function scatterRecord(name: string, self: () => Primitive<ScatterParams>): Primitive<ScatterParams> {
  return {
    name,
    type([operand, indices, updates], params) {
      const kind = kindOf(indices.dtype);
      if (kind !== "int" && kind !== "uint") {
        throw new RematValueError(
          `${name}: indices must have an integer type, got ${indices.dtype}. Convert them first.`,
        );
      }
      if (operand.dtype !== updates.dtype) {
        throw new DTypeError(
          `lax.scatter requires arguments to have the same dtypes, got ${operand.dtype}, ${updates.dtype}. Convert the updates first.`,
        );
      }
      checkScatter(operand, indices, updates, params.dimension_numbers);
      return [operand];
    },
    batch: (size, args, dims, params) => batchScatter(self(), size, args, dims, params),
    print: printScatter,
  };
}

const bump = (dims: readonly number[]): number[] => dims.map((d) => d + 1);

/** The batching rule: operand and updates get the batch axis in front, if need be by repeating them. */
export function batchScatter(
  primitive: Primitive<ScatterParams>,
  size: number,
  [operand, indices, updates]: readonly NDArray[],
  [operandDim, indicesDim, updatesDim]: readonly (number | null)[],
  params: ScatterParams,
): BatchResult {
  const d = params.dimension_numbers;
  const into = batchedInFront(operand, operandDim, size);
  const from = batchedInFront(updates, updatesDim, size);
  const shifted = {
    insertedWindowDims: bump(d.insertedWindowDims),
    scatterDimsToOperandDims: bump(d.scatterDimsToOperandDims),
  };
  if (indicesDim === null) {
    const dims: ScatterDimensionNumbers = {
      ...shifted,
      updateWindowDims: [0, ...bump(d.updateWindowDims)],
      operandBatchingDims: bump(d.operandBatchingDims),
      scatterIndicesBatchingDims: d.scatterIndicesBatchingDims,
    };
    return {
      outs: [bind1(primitive, [into, indices, from], { ...params, dimension_numbers: dims })],
      dims: [0],
    };
  }
  const dims: ScatterDimensionNumbers = {
    ...shifted,
    updateWindowDims: bump(d.updateWindowDims),
    operandBatchingDims: [0, ...bump(d.operandBatchingDims)],
    scatterIndicesBatchingDims: [0, ...bump(d.scatterIndicesBatchingDims)],
  };
  const at = batchedInFront(indices, indicesDim, size);
  return { outs: [bind1(primitive, [into, at, from], { ...params, dimension_numbers: dims })], dims: [0] };
}

const printScatter = (p: ScatterParams): PrintedParam[] => [
  ["dimension_numbers", new Verbatim(printScatterDims(p.dimension_numbers))],
  ["indices_are_sorted", p.indices_are_sorted],
  ["mode", new Verbatim(`GatherScatterMode.${p.mode}`)],
  ["unique_indices", p.unique_indices],
  ["update_consts", p.update_consts],
  ["update_jaxpr", p.update_jaxpr],
];
