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
/** Floating-point operations and bytes below which a routine isn't. */
const ROUTINE_WORK = 1_000_000;
/** Functions of floats: as dear as so many additions. */
const DEAR = 20;
const PIECES = 4;

export function splitLoop({ dims, nodes, stores, units, grain, parallel }: LoopPlan, threads: number): Split | null {
  if (threads === 1 || !parallel || units < 2) return null;
  let each = stores.length;
  for (const n of nodes) each += n.kind === "op" && isLong(n.name) ? DEAR : 1;
  if (sizeOf(dims) * each < LOOP_WORK) return null;
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
