/**
 * Which steps are worth sharing, and in which pieces. A helper that is awake joins within a microsecond, a sleeping one after some ten; so a step is shared if
 * it takes about 15 microseconds or more. Pieces are about a quarter of what each thread would do, so that all end together.
 */
import { sizeOf } from "../../../core/aval.ts";
import type { LoopPlan } from "../code/loopPlan.ts";
import { isLong } from "../math/index.ts";
import type { RoutineCall } from "../routines.ts";
import { MAX_CHUNKS } from "./control.ts";

export interface Split {
  /** Units of one call. */
  readonly grain: number;
  /** Units that a thread takes at a time. */
  readonly chunk: number;
}

/** Vector instructions, times lanes, below which a loop isn't shared. */
const LOOP_WORK = 300_000;
/**
 * And an element's, below which it isn't either: one thread takes nearly all that memory gives, and what it wrote last lies in its own cache. (Two
 * threads take 0.8 times as long, or longer than one, for up to ten additions and products, and 1.1 to 1.5 times less for more than 15.)
 */
const ELEMENT_WORK = 15;
/** Floating-point operations and bytes below which a routine isn't. */
const ROUTINE_WORK = 1_000_000;
/** Functions of floats: as dear as so many additions. */
const DEAR = 20;
/** So are quotients and roots, and reads or writes that jump from place to place. */
const SLOW = 6;
const slowOps: ReadonlySet<string> = new Set(["div", "rem", "sqrt", "rsqrt", "cbrt"]);
const PIECES = 4;

const jumps = (strides: readonly number[]): boolean => Math.abs(strides[strides.length - 1] ?? 0) > 1;

function elementWork({ nodes, stores }: LoopPlan): number {
  let work = 0;
  for (const n of nodes) {
    if (n.kind === "op") work += isLong(n.name) ? DEAR : slowOps.has(n.name) ? SLOW : 1;
    else if (n.kind === "load") work += jumps(n.strides) ? SLOW : 1;
  }
  for (const { strides } of stores) work += jumps(strides) ? SLOW : 1;
  return work;
}

export function splitLoop(plan: LoopPlan, threads: number): Split | null {
  const { dims, units, grain, parallel } = plan;
  if (threads === 1 || !parallel || units < 2) return null;
  const each = elementWork(plan);
  if (each < ELEMENT_WORK || sizeOf(dims) * each < LOOP_WORK) return null;
  const fair = Math.max(1, Math.ceil(units / (PIECES * threads)));
  if (fair <= grain) return { grain: fair, chunk: fair };
  // Larger pieces are whole numbers of calls; many pieces of a large loop even out what else a machine does.
  const calls = Math.ceil(units / grain);
  return { grain, chunk: grain * Math.max(1, Math.ceil(calls / Math.min(MAX_CHUNKS, 16 * threads))) };
}

/** Ranges of a routine that run at the same time begin in different slots of its workspace. */
export function splitRoutine({ units, slotUnits, work }: RoutineCall, threads: number): Split | null {
  if (threads === 1 || units <= slotUnits || work < ROUTINE_WORK) return null;
  return { grain: slotUnits, chunk: slotUnits };
}
