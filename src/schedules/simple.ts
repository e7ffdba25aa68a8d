/** The schedules that one thinks of first: keep every state, keep the start alone, keep about as many as the square root of the length. */
import type { Action } from "./action.ts";
import { binomial } from "./binomial.ts";

/**
 * Keeps every state: no step is run twice.
 *
 * @example
 * schedules.countSteps(schedules.storeAll(10)).slots; // 10
 */
export const storeAll = (steps: number): Generator<Action, void> => binomial(steps, Math.max(steps, 1));

/**
 * Keeps the start alone: n (n - 1) / 2 steps.
 *
 * @example
 * schedules.countSteps(schedules.storeStart(10)).advances; // 45
 */
export const storeStart = (steps: number): Generator<Action, void> => binomial(steps, 1);

/**
 * The least number of slots with which no step is run more than twice before its own reversal, about √(2n). (The usual segments of √n steps, whose
 * states are all kept while the segment is reversed, need 2√n.)
 *
 * @example
 * schedules.sqrtSlots(100); // 13
 */
export function sqrtSlots(steps: number): number {
  let slots = 1;
  while (((slots + 1) * (slots + 2)) / 2 < steps) slots += 1;
  return slots;
}

/** Runs no step more than twice, with `sqrtSlots(steps)` slots. */
export const sqrt = (steps: number): Generator<Action, void> => binomial(steps, sqrtSlots(steps));

/**
 * As many slots as the binary logarithm of the length, at least one: the number of steps then grows a little faster than the length itself (2.6 n
 * for 100 steps, 4.6 n for 10 000).
 *
 * @example
 * schedules.logSlots(100); // 7
 */
export const logSlots = (steps: number): number => Math.max(1, Math.ceil(Math.log2(Math.max(steps, 1))));
