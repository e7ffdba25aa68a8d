/**
 * Moving, adding and summing axes, as batching needs it. Like zeros, these are primitives, which stand above this folder, so they are handed
 * down here.
 */
import type { NDArray } from "./array.ts";
import { InternalError } from "../errors.ts";

export interface AxisOps {
  /** A new axis of the given size at `axis`, by repetition. */
  broadcast(x: NDArray, size: number, axis: number): NDArray;
  /** Moves one axis. */
  moveAxis(x: NDArray, from: number, to: number): NDArray;
  /** Adds up along one axis. */
  sum(x: NDArray, axis: number): NDArray;
  /** New axes of size one at the given places of the result. */
  expandDims(x: NDArray, axes: readonly number[]): NDArray;
}

const missing = (): never => {
  throw new InternalError("no axis operations are installed: import the package's entry point");
};

let ops: AxisOps = { broadcast: missing, moveAxis: missing, sum: missing, expandDims: missing };

/** Installs them; done once, where the package is put together. */
export function setAxisOps(next: AxisOps): void {
  ops = next;
}

export const axisOps = (): AxisOps => ops;

/** Brings the batch axis from `from` to `to`; null is "not batched", and `to` null is only possible by summing. */
export function matchAxis(size: number, from: number | null, to: number | null, x: NDArray, sumMatch = false): NDArray {
  if (from === to) return x;
  if (from !== null && to !== null) return ops.moveAxis(x, from, to);
  if (from === null) return ops.broadcast(x, size, to as number);
  if (sumMatch) return ops.sum(x, from);
  throw new InternalError("a batched value where an unbatched one is needed");
}

/** The operand with its batch axis in front; an unbatched one is repeated. */
export const batchInFront = (x: NDArray, dim: number | null, size: number): NDArray => matchAxis(size, dim, 0, x);
