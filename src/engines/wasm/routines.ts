/** Which equations the runtime module performs, and the argument blocks with which its routines are called. */
import type { ShapedArray } from "../../core/aval.ts";
import type { DType } from "../../core/dtype.ts";
import type { Eqn } from "../../core/jaxpr.ts";
import type { Buffer, CallStep } from "../../compile/program.ts";
import type { Routine } from "../../compile/target.ts";
import { isContiguous, type View } from "../../compile/view.ts";
import { sizeOf } from "../../core/aval.ts";
import { dtypes } from "../../core/dtype.ts";
import { costOf } from "../../passes/costs.ts";
import { remaining } from "../../primitives/axes.ts";
import type { ConvParams } from "../../primitives/conv.ts";
import type { DotGeneralParams } from "../../primitives/dot.ts";
import type { SelectAndScatterParams, SelectPrim, WindowParams } from "../../primitives/window.ts";
import {
  conv,
  gemm,
  reduceWindow,
  selectAndGather,
  selectAndScatter,
  type BatchAxis,
  type RuntimeCall,
} from "./runtime/index.ts";

/** A buffer as a routine gets it: from so many bytes behind its beginning on. */
export interface Pointer {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** A call of a routine: the addresses that come first in its block, the words after them, and the number of units. */
export interface RoutineCall {
  readonly name: string;
  readonly pointers: readonly Pointer[];
  readonly words: Int32Array;
  readonly units: number;
  /** Ranges of so many units, from a multiple of that on, may run at the same time. */
  readonly slotUnits: number;
  /** About how many operations it takes. */
  readonly work: number;
}

const gemmTypes: Readonly<Partial<Record<DType, "f32" | "f64" | "i32">>> = {
  float32: "f32",
  float64: "f64",
  int32: "i32",
  uint32: "i32",
};

/** How the equations of one primitive are performed. */
interface Planner {
  readonly fits: (eqn: Eqn, inAvals: readonly ShapedArray[]) => boolean;
  readonly accepts: (eqn: Eqn, index: number, view: View) => boolean;
  readonly arrange: (eqn: Eqn, index: number, rank: number) => readonly number[];
  readonly plan: (eqn: Eqn, outs: readonly ShapedArray[], views: readonly View[], slots: number) => RuntimeCall;
}

const inOrder = (_eqn: Eqn, _index: number, rank: number): number[] => Array.from({ length: rank }, (_, d) => d);

const contiguous = (_eqn: Eqn, _index: number, view: View): boolean => isContiguous(view, sizeOf(view.shape));

const allOf = (eqn: Eqn, inAvals: readonly ShapedArray[], dtypesOf: (dtype: DType) => boolean): boolean => {
  const { dtype } = eqn.outvars[0].aval;
  return dtypesOf(dtype) && inAvals.every((a) => a.dtype === dtype);
};

const isFloat32 = (dtype: DType): boolean => dtype === "float32";
const hasProducts = (dtype: DType): boolean => gemmTypes[dtype] !== undefined;

const pooling = (kind: "sum" | "max" | "min"): Planner => ({
  fits: (eqn, inAvals) => allOf(eqn, inAvals, isFloat32),
  accepts: contiguous,
  arrange: inOrder,
  plan: ({ params }, [out], [x], slots) => reduceWindow(kind, x.shape, out.shape, params as WindowParams, slots),
});

const planners: Readonly<Record<string, Planner>> = {
  dot_general: {
    fits: (eqn, inAvals) => allOf(eqn, inAvals, hasProducts),
    accepts: ({ params }, index, view) =>
      liesInGroups(view, dotAxes(params as DotGeneralParams, index, view.shape.length)),
    arrange({ params }, index, rank) {
      const { batch, kept, summed } = dotAxes(params as DotGeneralParams, index, rank);
      return [...batch, ...kept, ...summed];
    },
    plan: ({ params }, [out], views, slots) => planDot(params as DotGeneralParams, out, views, slots),
  },
  conv_general_dilated: {
    fits: (eqn, inAvals) => allOf(eqn, inAvals, hasProducts),
    accepts: (_eqn, _index, { strides, guards }) => guards.length === 0 && strides.every((s) => s >= 0),
    arrange: inOrder,
    plan: ({ params }, [out], [lhs, rhs], slots) =>
      conv({ type: gemmTypes[out.dtype] as "f32", lhs, rhs, out: out.shape }, params as unknown as ConvParams, slots),
  },
  reduce_window_sum: pooling("sum"),
  reduce_window_max: pooling("max"),
  reduce_window_min: pooling("min"),
  select_and_gather_add: {
    fits: (eqn, inAvals) => allOf(eqn, inAvals, isFloat32),
    accepts: contiguous,
    arrange: inOrder,
    plan: ({ params }, [out], [, x], slots) =>
      selectAndGather(
        (params as { select_prim: SelectPrim }).select_prim,
        x.shape,
        out.shape,
        params as unknown as WindowParams,
        slots,
      ),
  },
  select_and_scatter_add: {
    fits: (eqn, inAvals) => allOf(eqn, inAvals, isFloat32),
    accepts: contiguous,
    arrange: inOrder,
    plan: ({ params }, _outs, [source, x], slots) =>
      selectAndScatter(
        (params as { select_prim: SelectPrim }).select_prim,
        x.shape,
        source.shape,
        params as unknown as SelectAndScatterParams,
        slots,
      ),
  },
};

/** The routine of an equation, if it has one. So many ranges of its units may run at the same time: workspace is laid out for them. */
export function routineOf(eqn: Eqn, inAvals: readonly ShapedArray[], slots: number): Routine | null {
  const { name } = eqn.primitive;
  const planner = Object.hasOwn(planners, name) ? planners[name] : null;
  if (planner?.fits(eqn, inAvals) !== true) return null;
  const outs = eqn.outvars.map((v) => v.aval);
  return {
    name,
    accepts: (index, view) => planner.accepts(eqn, index, view),
    arrange: (index) => planner.arrange(eqn, index, inAvals[index].ndim),
    workspace: (views) => planner.plan(eqn, outs, views, slots).workspaceBytes,
  };
}

interface DotAxes {
  readonly batch: readonly number[];
  readonly kept: readonly number[];
  readonly summed: readonly number[];
}

function dotAxes({ dimension_numbers: [contract, batch] }: DotGeneralParams, index: number, rank: number): DotAxes {
  return { batch: batch[index], kept: remaining(rank, contract[index], batch[index]), summed: contract[index] };
}

interface Axis {
  readonly size: number;
  readonly stride: number;
}

/** The axes as fewer ones, if they follow one another in memory. */
function merged(view: View, dims: readonly number[]): Axis[] {
  const out: Axis[] = [];
  for (const d of dims) {
    const [size, stride] = [view.shape[d], view.strides[d]];
    if (size === 1) continue;
    const last = out[out.length - 1];
    if (last !== undefined && last.stride === size * stride) out[out.length - 1] = { size: last.size * size, stride };
    else out.push({ size, stride });
  }
  return out;
}

/** Each group of axes must be one, batches may be two. */
function liesInGroups(view: View, { batch, kept, summed }: DotAxes): boolean {
  if (view.guards.length > 0 || merged(view, kept).length > 1 || merged(view, summed).length > 1) return false;
  return batch.filter((d) => view.shape[d] !== 1).length <= 2 || merged(view, batch).length <= 1;
}

const one = (view: View, dims: readonly number[]): Axis => merged(view, dims)[0] ?? { size: 1, stride: 1 };

const PLANS = 1024;
const plans = new Map<string, RuntimeCall>();

/** Layers of one kind have one plan. */
function planDot(params: DotGeneralParams, out: ShapedArray, views: readonly View[], threads: number): RuntimeCall {
  const [[lc, rc], [lb, rb]] = params.dimension_numbers;
  const shapes = views.map((v) => `${v.shape.join()}:${v.strides.join()}`);
  const key = `${String(threads)} ${out.dtype} ${lc.join()} ${rc.join()} ${lb.join()} ${rb.join()} ${shapes.join(" ")}`;
  let call = plans.get(key);
  if (call === undefined) {
    if (plans.size >= PLANS) plans.clear();
    plans.set(key, (call = planNewDot(params, out, views, threads)));
  }
  return call;
}

function planNewDot(
  params: DotGeneralParams,
  out: ShapedArray,
  [lhs, rhs]: readonly View[],
  threads: number,
): RuntimeCall {
  const a = dotAxes(params, 0, lhs.shape.length);
  const b = dotAxes(params, 1, rhs.shape.length);
  const size = (view: View, dims: readonly number[]): number => dims.reduce((n, d) => n * view.shape[d], 1);
  const [rows, columns] = [size(lhs, a.kept), size(rhs, b.kept)];
  const whole = size(lhs, a.batch);
  return gemm(
    {
      type: gemmTypes[out.dtype] as "f32",
      rows,
      columns,
      sum: size(lhs, a.summed),
      lhs: { row: one(lhs, a.kept).stride, column: one(lhs, a.summed).stride },
      rhs: { row: one(rhs, b.summed).stride, column: one(rhs, b.kept).stride },
      out: { row: columns, column: 1 },
      batch: batchAxes(lhs, rhs, a.batch, b.batch, rows * columns, whole),
    },
    threads,
  );
}

function batchAxes(
  lhs: View,
  rhs: View,
  left: readonly number[],
  right: readonly number[],
  matrix: number,
  whole: number,
): BatchAxis[] {
  const dims = left.map((l, i) => ({ l, r: right[i] })).filter(({ l }) => lhs.shape[l] !== 1);
  if (dims.length > 2) {
    return [{ size: whole, lhs: one(lhs, left).stride, rhs: one(rhs, right).stride, out: matrix }];
  }
  let out = whole * matrix;
  return dims.map(({ l, r }) => {
    const size = lhs.shape[l];
    out /= size;
    return { size, lhs: lhs.strides[l], rhs: rhs.strides[r], out };
  });
}

export function writeRoutine(step: CallStep, slots: number): RoutineCall {
  const views = step.operands.map((o) => o.view);
  const call = planners[step.routine].plan(step.eqn, step.outAvals, views, slots);
  const { flops, bytes } = costOf(step.eqn);
  const places = step.operands.map(({ buffer, view }, i) => ({
    buffer,
    offset: view.offset * dtypes[step.inAvals[i].dtype].bytes,
  }));
  const none = { buffer: step.outputs[0], offset: 0 };
  const pointers = [
    { buffer: step.outputs[0], offset: 0 },
    places[0],
    places[1] ?? none,
    step.workspace === null ? none : { buffer: step.workspace, offset: 0 },
  ];
  const { routine, block, units, slotUnits } = call;
  return { name: routine, pointers, words: block.subarray(4), units, slotUnits, work: flops + bytes };
}
