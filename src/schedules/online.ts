/**
 * A schedule for a chain whose length is not known until it ends. While it runs forward, states are stored and replaced so that at any time those
 * that are kept suit a chain that ends here; the reverse sweep then fills the gaps as `binomial` does, with all slots that are free.
 *
 * Every stored state has a level. A state is dispensable as soon as a later one of a higher level comes. As long as the slots suffice for running
 * no step more than twice, states of level 1 are those that a chain of the greatest such length keeps, and all others are of level 0: they are
 * stored where there is room (Stumm and Walther, New algorithms for optimal online checkpointing, 2010, algorithm I). After that each new state
 * replaces the latest dispensable one; if there is none, it replaces the latest of all and rises one level above it (Wang, Moin and Iaccarino,
 * Minimal repetition dynamic checkpointing algorithm for unsteady adjoint calculation, 2009).
 */
import type { Action } from "./action.ts";
import { reverseFrom } from "./binomial.ts";
import { checkChain } from "./chain.ts";

/** A state that is kept. The first one, in slot 0, stays for ever. */
export interface StoredState {
  readonly step: number;
  readonly level: number;
}

/** The number of steps up to which none need be run more than twice. */
export const twiceLimit = (slots: number): number => ((slots + 1) * (slots + 2)) / 2;

/** True of the states that the longest chain keeps in which no step is run more than twice: 0, s + 1, s + 1 + s, ... */
export function keptTwice(step: number, slots: number): boolean {
  let at = 0;
  for (let gap = slots + 1; at < step && gap > 0; gap--) at += gap;
  return at === step;
}

/** What is kept, in the order of steps, after `step` has been reached as well; and the place of the state that gives way to it, or null. */
export function storeOnline(
  kept: readonly StoredState[],
  slots: number,
  step: number,
): { readonly kept: readonly StoredState[]; readonly replaced: number | null } {
  const early = step < twiceLimit(slots);
  const level = early && keptTwice(step, slots) ? 1 : 0;
  if (kept.length < slots) return { kept: [...kept, { step, level }], replaced: null };
  const replace = (i: number, state: StoredState) => ({
    kept: [...kept.filter((_, j) => j !== i), state],
    replaced: i,
  });
  let highest = level;
  for (let i = kept.length - 1; i > 0; i--) {
    if (kept[i].level < highest) return replace(i, { step, level });
    highest = Math.max(highest, kept[i].level);
  }
  if (early || slots === 1) return { kept, replaced: null };
  const latest = kept.length - 1;
  return replace(latest, { step, level: kept[latest].level + 1 });
}

/**
 * Reverses a chain that turned out to be of `steps` steps, with `slots` states kept at a time. Slots are numbered by the order of the states in
 * them.
 *
 * @throws ScheduleError if there is no slot, or if a number is no integer.
 * @example
 * schedules.countSteps(schedules.online(100, 8)).advances / schedules.minimalSteps(100, 8) < 1.3; // true
 */
export function* online(steps: number, slots: number): Generator<Action, void> {
  checkChain("online", steps, slots);
  if (steps === 0) return;
  let kept: readonly StoredState[] = [{ step: 0, level: Number.POSITIVE_INFINITY }];
  yield { kind: "store", step: 0, slot: 0 };
  for (let step = 1; step < steps; step++) {
    yield { kind: "advance", from: step - 1, to: step };
    const next = storeOnline(kept, slots, step);
    if (next.replaced !== null) yield { kind: "free", step: kept[next.replaced].step, slot: next.replaced };
    if (next.kept !== kept) yield { kind: "store", step, slot: next.kept.length - 1 };
    kept = next.kept;
  }
  const stored = kept.map((state) => state.step);
  yield* reverseFrom(stored, steps, slots, stored[stored.length - 1] === steps - 1);
}
