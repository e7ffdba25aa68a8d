/** Reductions over windows: a table says which elements each window sees, and a loop folds them. */
import { ConcreteArray } from "../../core/array.ts";
import { dtypes, type TypedArray } from "../../core/dtype.ts";
import { evalJaxpr } from "../../core/evalJaxpr.ts";
import { evalTrace, withTrace } from "../../core/interpreter.ts";
import { readElement, writeElement } from "../../core/scalar.ts";
import { sizeOf, type Shape } from "../../core/aval.ts";
import type {
  ReduceWindowParams,
  SelectAndGatherParams,
  SelectAndScatterParams,
  WindowParams,
} from "../../primitives/window.ts";
import type { Kernel } from "./kernel.ts";
import { bigsOf, isBig, numbersOf, stored } from "./numbers.ts";
import { windowTable } from "./windows.ts";

const tableOf = (input: Shape, out: Shape, params: WindowParams): Int32Array =>
  windowTable({
    input,
    out,
    window: params.window_dimensions,
    strides: params.window_strides,
    padding: params.padding,
    baseDilation: params.base_dilation,
    windowDilation: params.window_dilation,
  });

/** Folds each window of one array. */
const folding =
  (start: number, step: (acc: number, x: number) => number, bigStep: (acc: bigint, x: bigint) => bigint): Kernel =>
  ([x], [out], params) => {
    const table = tableOf(x.shape, out.shape, params as WindowParams);
    const width = sizeOf((params as WindowParams).window_dimensions);
    if (isBig(out.dtype)) {
      const values = bigsOf(x);
      const result = new dtypes[out.dtype].storage(out.size) as BigInt64Array;
      for (let p = 0; p < out.size; p++) {
        let acc: bigint | null = null;
        for (let k = 0; k < width; k++) {
          const at = table[p * width + k];
          if (at >= 0) acc = acc === null ? values[at] : bigStep(acc, values[at]);
        }
        result[p] = acc ?? 0n;
      }
      return [result];
    }
    const { lanes } = dtypes[out.dtype];
    const values = numbersOf(x);
    // Floats are added in their own precision, halves in single: the contract of all engines.
    const single = dtypes[out.dtype].kind === "float" && out.dtype !== "float64";
    const result = single ? new Float32Array(out.size * lanes) : new Float64Array(out.size * lanes);
    for (let p = 0; p < out.size; p++) {
      for (let lane = 0; lane < lanes; lane++) {
        let acc = start;
        for (let k = 0; k < width; k++) {
          const at = table[p * width + k];
          if (at < 0) continue;
          acc = step(acc, values[at * lanes + lane]);
          if (single) acc = Math.fround(acc);
        }
        result[p * lanes + lane] = acc;
      }
    }
    return [stored(result, out.dtype)];
  };

/** Integers have no infinities: an empty window (all padding) is at the bound of the dtype. */
const extremum =
  (sign: 1 | -1): Kernel =>
  (args, outs, params) => {
    const { kind, bytes } = dtypes[outs[0].dtype];
    const bits = 8 * bytes;
    const low = kind === "int" ? -(2 ** (bits - 1)) : kind === "uint" || kind === "bool" ? 0 : -Infinity;
    const high =
      kind === "int" ? 2 ** (bits - 1) - 1 : kind === "uint" ? 2 ** bits - 1 : kind === "bool" ? 1 : Infinity;
    return sign > 0
      ? folding(
          low,
          (a, x) => (x > a || x !== x ? x : a),
          (a, x) => (x > a ? x : a),
        )(args, outs, params)
      : folding(
          high,
          (a, x) => (x < a || x !== x ? x : a),
          (a, x) => (x < a ? x : a),
        )(args, outs, params);
  };

/** The place that each window selects: the first that no later one beats; -1 where the window sees nothing. */
function selected(
  operand: ConcreteArray,
  places: number,
  width: number,
  table: Int32Array,
  select: "ge" | "le",
): Int32Array {
  const values: ArrayLike<number | bigint> = isBig(operand.dtype) ? bigsOf(operand) : numbersOf(operand);
  const out = new Int32Array(places).fill(-1);
  for (let p = 0; p < places; p++) {
    for (let k = 0; k < width; k++) {
      const at = table[p * width + k];
      if (at < 0) continue;
      const best = out[p];
      const keeps = best >= 0 && (select === "ge" ? values[best] >= values[at] : values[best] <= values[at]);
      if (!keeps) out[p] = at;
    }
  }
  return out;
}

const selectAndGatherAdd: Kernel = ([tangents, operand], [out], params) => {
  const { select_prim, ...window } = params as SelectAndGatherParams;
  const width = sizeOf(window.window_dimensions);
  const table = tableOf(operand.shape, out.shape, window);
  const places = selected(operand, out.size, width, table, select_prim);
  const values = numbersOf(tangents);
  return [
    stored(
      Float64Array.from(places, (at) => (at < 0 ? 0 : values[at])),
      out.dtype,
    ),
  ];
};

const selectAndScatterAdd: Kernel = ([source, operand], [out], params) => {
  const { select_prim, ...window } = params as SelectAndScatterParams;
  const ones = window.window_dimensions.map(() => 1);
  const width = sizeOf(window.window_dimensions);
  const table = tableOf(operand.shape, source.shape, { ...window, base_dilation: ones, window_dilation: ones });
  const places = selected(operand, source.size, width, table, select_prim);
  const values = numbersOf(source);
  const result = out.dtype === "float64" ? new Float64Array(out.size) : new Float32Array(out.size);
  places.forEach((at, p) => {
    if (at >= 0) result[at] += values[p];
  });
  return [stored(result, out.dtype)];
};

/** Any function of the jaxpr's, applied element after element; padding counts as the initial value. */
const reduceWindow: Kernel = (args, outs, params) => {
  const { jaxpr, consts, ...window } = params as ReduceWindowParams;
  const half = args.length / 2;
  const operands = args.slice(0, half);
  const inits = args.slice(half);
  const width = sizeOf(window.window_dimensions);
  const table = tableOf(operands[0].shape, outs[0].shape, window);
  const results: TypedArray[] = outs.map(
    (aval) => new dtypes[aval.dtype].storage(aval.size * dtypes[aval.dtype].lanes),
  );
  const at = (x: ConcreteArray, i: number): ConcreteArray => {
    const { lanes } = dtypes[x.dtype];
    return new ConcreteArray(x.aval.update({ shape: [] }), x.data.slice(i * lanes, (i + 1) * lanes));
  };
  for (let p = 0; p < outs[0].size; p++) {
    let acc = inits;
    for (let k = 0; k < width; k++) {
      const i = table[p * width + k];
      const next = [...acc, ...operands.map((x, n) => (i < 0 ? inits[n] : at(x, i)))];
      acc = withTrace(evalTrace(), () => evalJaxpr(jaxpr, consts, next)) as ConcreteArray[];
    }
    acc.forEach((x, n) => {
      writeElement(results[n], outs[n].dtype, p, readElement(x.data, x.dtype, 0));
    });
  }
  return results;
};

export const windowKernels = {
  reduce_window_sum: folding(
    0,
    (a, x) => a + x,
    (a, x) => a + x,
  ),
  reduce_window_max: extremum(1),
  reduce_window_min: extremum(-1),
  reduce_window: reduceWindow,
  select_and_gather_add: selectAndGatherAdd,
  select_and_scatter_add: selectAndScatterAdd,
} as const satisfies Record<string, Kernel>;
