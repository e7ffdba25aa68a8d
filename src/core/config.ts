/** Settings of the process, as in `jax.config`. */
import type { ShapedArray } from "./aval.ts";
import type { Jaxpr } from "./jaxpr.ts";

const settings = { x64: false };

/** Lets 64-bit dtypes be: without it (the default), they become their 32-bit counterparts. */
export function enableX64(on = true): void {
  settings.x64 = on;
}

export const x64Enabled = (): boolean => settings.x64;

/** What a checkpointed call keeps when it is differentiated: inputs, and outputs of a program. */
export interface CheckpointSplit {
  readonly inputs: readonly ShapedArray[];
  /** The known part of the body; its last `numResiduals` outputs are kept. */
  readonly known: Jaxpr;
  readonly numResiduals: number;
}

let listener: ((split: CheckpointSplit) => void) | null = null;

/** Is told of every checkpointed call that is differentiated; null for nobody. */
export function listenToCheckpoints(next: ((split: CheckpointSplit) => void) | null): void {
  listener = next;
}

export const checkpointListener = (): ((split: CheckpointSplit) => void) | null => listener;
