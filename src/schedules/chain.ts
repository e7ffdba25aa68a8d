/** What every schedule asks of a chain: a length, and slots. */
import { ScheduleError } from "../errors.ts";

export function checkChain(what: string, steps: number, slots: number): void {
  if (!Number.isInteger(steps) || steps < 0) {
    throw new ScheduleError(
      `${what} was asked to reverse a chain of ${steps} steps. Give a non-negative integer as its length.`,
    );
  }
  checkSlots(what, slots);
}

export function checkSlots(what: string, slots: number): void {
  if (!Number.isInteger(slots) || slots < 1) {
    throw new ScheduleError(
      `${what} was given ${slots} slots. A reverse sweep needs at least the state at the start: give an integer of at least 1.`,
    );
  }
}
