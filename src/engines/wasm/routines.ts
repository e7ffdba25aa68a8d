/** Which equations the runtime module performs, and the argument blocks with which its routines are called. */
import { InternalError } from "../../errors.ts";
import type { Buffer, CallStep } from "../../compile/program.ts";

/** A call of a routine: the addresses that come first in its block, the words after them, and the range of units. */
export interface RoutineCall {
  readonly name: string;
  readonly buffers: readonly Buffer[];
  readonly words: readonly number[];
  readonly units: number;
}

export const routineNames: readonly string[] = [];

export function writeRoutine(step: CallStep): RoutineCall {
  throw new InternalError(`no routine is called ${step.routine}`);
}
