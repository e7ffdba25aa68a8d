/**
 * A schedule for a chain whose length is not known until it ends. While it runs forward, states are stored and replaced so that at any time those
 * that are kept suit a chain that ends here; the reverse sweep then fills the gaps as `binomial` does, with all slots that are free.
 *
 * Where no slot is free, the new state takes the place of that one without which a chain that ends now is reversed in the fewest steps; if it takes
 * fewest with all of them, the new one is not stored. What a choice costs is a closed form: from each stored state to the next, the binomial schedule
 * runs with the slots that are free by then. Counted for up to 1000 steps and 10 slots, the chain takes at most 9/7 of the steps of one whose length is
 * known in advance (2 slots), and 13/12 with 10 slots. The question is that of Wang, Moin and Iaccarino, Minimal repetition dynamic checkpointing
 * algorithm for unsteady adjoint calculation (2009), and of Stumm and Walther, New algorithms for optimal online checkpointing (2010).
 */
import type { Action } from "./action.ts";
import { minimalSteps, reverseFrom } from "./binomial.ts";
import { checkChain } from "./chain.ts";

/** What is kept, in the order of steps, after `step` has been reached as well; and the place of the state that gives way to it, or null. */
export function storeOnline(
  kept: readonly number[],
  slots: number,
  step: number,
): { readonly kept: readonly number[]; readonly replaced: number | null } {
  if (kept.length < slots) return { kept: [...kept, step], replaced: null };
  let least = stepsBack(kept, slots, step + 1);
  let replaced: number | null = null;
  for (let i = 1; i < kept.length; i++) {
    const steps = stepsBack([...kept.filter((_, j) => j !== i), step], slots, step + 1);
    if (steps < least) [least, replaced] = [steps, i];
  }
  return replaced === null ? { kept, replaced } : { kept: [...kept.filter((_, j) => j !== replaced), step], replaced };
}

/** The steps that it takes to reverse a chain up to `end`, when these states are stored and nothing is at hand. */
const stepsBack = (kept: readonly number[], slots: number, end: number): number =>
  kept.reduce((sum, at, i) => sum + minimalSteps((kept[i + 1] ?? end) - at, slots - i), 0);

/**
 * Reverses a chain that turned out to be of `steps` steps, with `slots` states kept at a time. Slots are numbered by the order of the states in
 * them. The last step is reversed at once, since its state is at hand when the chain ends.
 *
 * @throws ScheduleError if there is no slot, or if a number is no integer.
 * @example
 * schedules.countSteps(schedules.online(100, 8)).advances / schedules.minimalSteps(100, 8) < 1.13; // true
 */
export function* online(steps: number, slots: number): Generator<Action, void> {
  checkChain("online", steps, slots);
  if (steps === 0) return;
  let kept: readonly number[] = [0];
  yield { kind: "store", step: 0, slot: 0 };
  for (let step = 1; step < steps; step++) {
    yield { kind: "advance", from: step - 1, to: step };
    const next = storeOnline(kept, slots, step);
    if (next.replaced !== null) yield { kind: "free", step: kept[next.replaced], slot: next.replaced };
    if (next.kept !== kept) yield { kind: "store", step, slot: next.kept.length - 1 };
    kept = next.kept;
  }
  if (kept[kept.length - 1] === steps - 1) {
    yield* reverseFrom(kept, steps, slots, true);
    return;
  }
  yield { kind: "vjp", step: steps - 1 };
  yield* reverseFrom(kept, steps - 1, slots, false);
}
