/** Windows at given positions: reading, replacing, and combining with updates. A position is read from the operands, then clamped or checked. */
import type { ConcreteArray } from "../../core/array.ts";
import { sizeOf, type Shape } from "../../core/aval.ts";
import { dtypes } from "../../core/dtype.ts";
import { copyBox, room, stridesOf } from "./shape.ts";
import type { Kernel } from "./kernel.ts";

const clamp = (x: number, high: number): number => Math.max(0, Math.min(x, high));

/** Where a window begins that is moved inside of an array. */
function start(shape: Shape, window: Shape, indices: readonly ConcreteArray[]): number {
  const strides = stridesOf(shape);
  return indices.reduce((at, x, axis) => at + clamp(Number(x.data[0]), shape[axis] - window[axis]) * strides[axis], 0);
}

const dynamicSlice: Kernel = ([operand, ...indices], [outAval]) => {
  const window = outAval.shape;
  const out = room(operand.dtype, sizeOf(window));
  const source = { strides: stridesOf(operand.shape), offset: start(operand.shape, window, indices) };
  copyBox(window, dtypes[operand.dtype].lanes, operand.data, source, out, { strides: stridesOf(window), offset: 0 });
  return [out];
};

const dynamicUpdateSlice: Kernel = ([operand, update, ...indices]) => {
  const out = operand.data.slice();
  const target = { strides: stridesOf(operand.shape), offset: start(operand.shape, update.shape, indices) };
  copyBox(
    update.shape,
    dtypes[operand.dtype].lanes,
    update.data,
    { strides: stridesOf(update.shape), offset: 0 },
    out,
    target,
  );
  return [out];
};

export const slicingKernels = {
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
} as const;
