/** Which equations the runtime module performs, and the argument blocks with which its routines are called. */
import type { ShapedArray } from "../../core/aval.ts";
import type { DType } from "../../core/dtype.ts";
import type { Eqn } from "../../core/jaxpr.ts";
import type { Buffer, CallStep } from "../../compile/program.ts";
import type { Routine } from "../../compile/target.ts";
import type { View } from "../../compile/view.ts";
import { dtypes } from "../../core/dtype.ts";
import { remaining } from "../../primitives/axes.ts";
import type { DotGeneralParams } from "../../primitives/dot.ts";
import { InternalError } from "../../errors.ts";
import { gemm, runtimeRoutines, type BatchAxis, type RuntimeCall } from "./runtime/index.ts";

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
}

export const routineNames: readonly string[] = runtimeRoutines;

const gemmTypes: Readonly<Partial<Record<DType, "f32" | "f64" | "i32">>> = {
  float32: "f32",
  float64: "f64",
  int32: "i32",
  uint32: "i32",
};

/** The routine of an equation, if it has one. */
export function routineOf(eqn: Eqn, inAvals: readonly ShapedArray[]): Routine | null {
  if (eqn.primitive.name !== "dot_general") return null;
  const [lhs, rhs] = inAvals;
  const { dtype } = eqn.outvars[0].aval;
  if (gemmTypes[dtype] === undefined || lhs.dtype !== dtype || rhs.dtype !== dtype) return null;
  const params = eqn.params as DotGeneralParams;
  const avals = eqn.outvars.map((v) => v.aval);
  return {
    name: "dot_general",
    accepts: (index, view) => liesInGroups(view, dotAxes(params, index, view.shape.length)),
    arrange: (index) => {
      const { batch, kept, summed } = dotAxes(params, index, inAvals[index].ndim);
      return [...batch, ...kept, ...summed];
    },
    workspace: (views) => planDot(params, avals[0], views).workspaceBytes,
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
function planDot(params: DotGeneralParams, out: ShapedArray, views: readonly View[]): RuntimeCall {
  const [[lc, rc], [lb, rb]] = params.dimension_numbers;
  const shapes = views.map((v) => `${v.shape.join()}:${v.strides.join()}`);
  const key = `${out.dtype} ${lc.join()} ${rc.join()} ${lb.join()} ${rb.join()} ${shapes.join(" ")}`;
  let call = plans.get(key);
  if (call === undefined) {
    if (plans.size >= PLANS) plans.clear();
    plans.set(key, (call = planNewDot(params, out, views)));
  }
  return call;
}

function planNewDot(params: DotGeneralParams, out: ShapedArray, [lhs, rhs]: readonly View[]): RuntimeCall {
  const a = dotAxes(params, 0, lhs.shape.length);
  const b = dotAxes(params, 1, rhs.shape.length);
  const size = (view: View, dims: readonly number[]): number => dims.reduce((n, d) => n * view.shape[d], 1);
  const [rows, columns] = [size(lhs, a.kept), size(rhs, b.kept)];
  const whole = size(lhs, a.batch);
  return gemm({
    type: gemmTypes[out.dtype] as "f32",
    rows,
    columns,
    sum: size(lhs, a.summed),
    lhs: { row: one(lhs, a.kept).stride, column: one(lhs, a.summed).stride },
    rhs: { row: one(rhs, b.summed).stride, column: one(rhs, b.kept).stride },
    out: { row: columns, column: 1 },
    batch: batchAxes(lhs, rhs, a.batch, b.batch, rows * columns, whole),
  });
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

export function writeRoutine(step: CallStep): RoutineCall {
  if (step.routine !== "dot_general") throw new InternalError(`no routine is called ${step.routine}`);
  const views = step.operands.map((o) => o.view);
  const call = planDot(step.eqn.params as DotGeneralParams, step.outAvals[0], views);
  const pointers = [
    { buffer: step.outputs[0], offset: 0 },
    ...step.operands.map(({ buffer, view }) => ({ buffer, offset: view.offset * dtypes[buffer.dtype].bytes })),
    { buffer: step.workspace ?? step.outputs[0], offset: 0 },
  ];
  return { name: call.routine, pointers, words: call.block.subarray(4), units: call.units };
}
