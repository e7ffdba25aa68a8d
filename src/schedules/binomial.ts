/**
 * The binomial schedule: the least number of steps that reverses a chain of known length with a given number of slots.
 *
 * With `s` slots and no step run more than `r` times, chains of up to `C(s + r, s)` steps can be reversed. Hence the closed form below, and the
 * rule where to put the next checkpoint. Griewank and Walther, Algorithm 799: Revolve (2000).
 */
import type { Action } from "./action.ts";
import { checkChain } from "./chain.ts";

/** Where the numbers of the closed form stand for a chain of `steps`: `C(s + r, s)` for the least `r` that suffices, and its two predecessors. */
function bound(steps: number, slots: number): { r: number; before: number; difference: number } {
  let r = 0;
  let reach = 1;
  let previous = 0;
  let before = 0;
  let difference = 0;
  while (reach < steps) {
    r += 1;
    before = previous;
    previous = reach;
    // C(s + r, s) = C(s + r - 1, s) + C(s + r - 1, s - 1), and the latter is s / r of the former.
    difference = (reach * slots) / r;
    reach += difference;
  }
  return { r, before, difference };
}

/**
 * The least number of steps run forward to reverse a chain of `steps` with `slots` states kept, that of the start among them. The run of each step
 * that belongs to its own reversal is not counted.
 *
 * @throws ScheduleError if there is no slot, or if a number is no integer.
 * @example
 * schedules.minimalSteps(100, 5); // 316
 */
export function minimalSteps(steps: number, slots: number): number {
  checkChain("minimalSteps", steps, slots);
  if (steps <= 1) return 0;
  // More slots than steps are of no use.
  const s = Math.min(slots, steps);
  const { r } = bound(steps, s);
  // r n - C(s + r, s + 1)
  let binomial = 1;
  for (let i = 1; i <= Math.min(s + 1, r - 1); i++) binomial = (binomial * (s + r - i + 1)) / i;
  return r * steps - Math.round(binomial);
}

/** How far to advance from a stored state before the next one is stored, for a chain of `steps > 1` from there and `slots > 1`. */
export function nextCheckpoint(steps: number, slots: number): number {
  const { before, difference } = bound(steps, slots);
  return Math.min(steps - 1, Math.max(1, before, steps - difference));
}

/** The states that the first sweep over the chain stores, 0 being the first of them. */
export function firstCheckpoints(steps: number, slots: number): number[] {
  const stored = [0];
  for (let at = 0, left = slots; left > 1 && steps - at > 1; left--) {
    at += nextCheckpoint(steps - at, left);
    stored.push(at);
  }
  return stored;
}

/**
 * Reverses a chain of `steps` with `slots` states kept at a time, in the least number of steps: `minimalSteps(steps, slots)`.
 *
 * @throws ScheduleError if there is no slot, or if a number is no integer.
 * @example
 * schedules.countSteps(schedules.binomial(10, 3)).advances; // 15
 */
export function* binomial(steps: number, slots: number): Generator<Action, void> {
  checkChain("binomial", steps, slots);
  if (steps === 0) return;
  yield { kind: "store", step: 0, slot: 0 };
  yield* reverseFrom([0], steps, slots, true);
}

/** Reverses `[0, end)` given the states that are stored already, in order. `atHand`: the state of the last of them is at hand. */
export function* reverseFrom(
  stored: readonly number[],
  end: number,
  slots: number,
  atHand: boolean,
): Generator<Action, void> {
  const stack = [...stored];
  let ready = atHand;
  for (let step = end - 1; step >= 0; step--) {
    let at = stack[stack.length - 1];
    if (!ready) yield { kind: "restore", step: at, slot: stack.length - 1 };
    ready = false;
    while (at < step) {
      const left = slots - stack.length + 1;
      const to = left > 1 ? at + nextCheckpoint(step + 1 - at, left) : step;
      yield { kind: "advance", from: at, to };
      at = to;
      if (left > 1) {
        yield { kind: "store", step: at, slot: stack.length };
        stack.push(at);
      }
    }
    yield { kind: "vjp", step };
    if (at === stack[stack.length - 1]) {
      stack.pop();
      yield { kind: "free", step, slot: stack.length };
    }
  }
}
