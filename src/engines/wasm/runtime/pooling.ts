/**
 * Pooling and its gradients: the sum, maximum or minimum of each window; the tangent at the place that a window selects; cotangents added at the
 * selected places. For each place of the result the addresses that its window sees are listed once, and then all channels, which lie side by
 * side, are done four at a time. (Where they don't, as in NCHW, numbers are done one by one.)
 */
import { rowMajor } from "../../../compile/view.ts";
import { sizeOf, type Shape } from "../../../core/aval.ts";
import type { SelectAndScatterParams, SelectPrim, WindowParams } from "../../../primitives/window.ts";
import type { RuntimeCall } from "./arguments.ts";
import { pool } from "./poolingCode.ts";
import { tableOf, type Axis } from "./windowTable.ts";

type Kind = "sum" | "max" | "min" | "gather_ge" | "gather_le" | "scatter_ge" | "scatter_le";

/** `reduce_window_sum`, `_max` and `_min` of float32: lhs is the operand. */
export const reduceWindow = (
  reduction: "sum" | "max" | "min",
  operand: Shape,
  out: Shape,
  params: WindowParams,
  slots = 1,
): RuntimeCall => pooling(reduction, operand, out, params, slots);

/** `select_and_gather_add`: lhs are the tangents, rhs is the operand. */
export const selectAndGather = (
  select: SelectPrim,
  operand: Shape,
  out: Shape,
  params: WindowParams,
  slots = 1,
): RuntimeCall => pooling(`gather_${select}`, operand, out, params, slots);

/** `select_and_scatter_add`: lhs is the source, rhs the operand, whose shape the result has. */
export function selectAndScatter(
  select: SelectPrim,
  operand: Shape,
  source: Shape,
  params: SelectAndScatterParams,
  slots = 1,
): RuntimeCall {
  const ones = operand.map(() => 1);
  return pooling(
    `scatter_${select}`,
    operand,
    source,
    { ...params, base_dilation: ones, window_dilation: ones },
    slots,
  );
}

const BYTES = 4;

function pooling(kind: Kind, operand: Shape, windows: Shape, params: WindowParams, slots: number): RuntimeCall {
  const steps = rowMajor(operand);
  const axes = operand.map((size, d): Axis => ({
    ...{ size, step: steps[d] * BYTES, out: windows[d], outStep: 0, window: params.window_dimensions[d] },
    ...{ stride: params.window_strides[d], low: params.padding[d][0] },
    ...{ dilation: params.base_dilation[d], windowDilation: params.window_dilation[d] },
  }));
  const still = (a: Axis, d: number): boolean =>
    a.window === 1 && a.stride === 1 && a.dilation === 1 && params.padding[d].every((p) => p === 0);
  const moving = axes.map((a, d) => !still(a, d));
  const first = moving.includes(true) ? moving.indexOf(true) : axes.length;
  const end = moving.lastIndexOf(true) + 1;
  const sliding = axes.slice(first, Math.max(first, end));
  const images = sizeOf(operand.slice(0, first));
  const channels = sizeOf(operand.slice(Math.max(first, end)));
  const outer = tableOf(sliding.slice(0, -1));
  const last = tableOf(sliding.slice(-1));
  const scatters = kind.startsWith("scatter");
  const perImage = scatters ? 1 : outer.rows;
  // What windows don't see is zero all the same.
  const empty = scatters ? sizeOf(operand) === 0 : sizeOf(windows) === 0;
  const units = empty ? 0 : images * perImage;
  const used = Math.max(1, Math.min(slots, units));
  const slotUnits = Math.max(1, Math.ceil(units / used));
  const slotBytes = Math.ceil((outer.places * last.places * 4) / 64) * 64;
  const fields = {
    ...{ perImage, unitRows: scatters ? outer.rows : 1, lastRows: last.rows },
    ...{ outerPlaces: outer.places, lastPlaces: last.places },
    channels,
    imageBytes: sizeOf(sliding.map((a) => a.size)) * channels * BYTES,
    windowBytes: outer.rows * last.rows * channels * BYTES,
    outerTable: pool.BYTES,
    lastTable: pool.BYTES + 4 * outer.entries.length,
    slotUnits,
    slotBytes,
  };
  const block = new Int32Array(pool.BYTES / 4 + outer.entries.length + last.entries.length);
  for (const [name, value] of Object.entries(fields)) block[pool.fields[name as keyof typeof fields] / 4] = value;
  block.set(outer.entries, pool.BYTES / 4);
  block.set(last.entries, pool.BYTES / 4 + outer.entries.length);
  const workspaceBytes = units === 0 ? 0 : used * slotBytes;
  return { routine: `pool_${kind}_f32`, block, units, slotUnits, workspaceBytes };
}
