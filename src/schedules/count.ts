/** What a schedule costs, counted by going through it; and whether it is one at all. */
import { ScheduleError } from "../errors.ts";
import type { Schedule } from "./action.ts";

export interface StepCount {
  /** Steps run forward, those of the first sweep included and those that belong to a reversal of the step not. */
  readonly advances: number;
  /** Steps reversed: the length of the chain. */
  readonly vjps: number;
  /** States kept at a time. */
  readonly slots: number;
  /** How often the step that is run forward most often is. */
  readonly repetitions: number;
}

/**
 * Goes through a schedule and counts. It checks at every action that what the action needs is there.
 *
 * @throws ScheduleError if an action needs a state that is not there, or if the steps are not reversed from the last to the first.
 * @example
 * schedules.countSteps(schedules.binomial(10, 3)); // { advances: 15, vjps: 10, slots: 3, repetitions: 2 }
 */
export function countSteps(schedule: Schedule): StepCount {
  const stored = new Set<number>();
  const recorded = new Set<number>();
  /** By how much the runs of a step differ from those of the step before. */
  const changes: number[] = [];
  let atHand: number | null = 0;
  let advances = 0;
  let vjps = 0;
  let slots = 0;
  let last: number | null = null;
  const need = (ok: boolean, what: string): void => {
    if (!ok) throw new ScheduleError(`a schedule is not one: ${what}. Each action may use only what is there.`);
  };
  for (const action of schedule) {
    switch (action.kind) {
      case "advance":
        need(atHand === action.from, `it advances from state ${action.from}, and at hand is ${atHand}`);
        advances += action.to - action.from;
        changes[action.from] = (changes[action.from] ?? 0) + 1;
        changes[action.to] = (changes[action.to] ?? 0) - 1;
        atHand = action.to;
        break;
      case "store":
        need(atHand === action.step, `it stores state ${action.step}, and at hand is ${atHand}`);
        stored.add(action.step);
        slots = Math.max(slots, stored.size);
        break;
      case "restore":
        need(
          action.slot === null ? recorded.has(action.step - 1) : stored.has(action.step),
          `it restores state ${action.step}, which is not stored`,
        );
        atHand = action.step;
        break;
      case "record":
        need(atHand === action.step, `it records step ${action.step}, and at hand is state ${atHand}`);
        recorded.add(action.step);
        atHand = action.step + 1;
        break;
      case "vjp":
        need(
          recorded.has(action.step) || atHand === action.step,
          `it reverses step ${action.step}, and at hand is state ${atHand}`,
        );
        need(last === null || last === action.step + 1, `it reverses step ${action.step} after ${last}`);
        recorded.delete(action.step);
        last = action.step;
        vjps += 1;
        atHand = null;
        break;
      case "free":
        need(stored.delete(action.step), `it frees state ${action.step}, which is not stored`);
        break;
    }
  }
  need(last === null || last === 0, `it ends with step ${last}`);
  let runs = 0;
  let repetitions = 0;
  for (const change of changes) {
    runs += change ?? 0;
    repetitions = Math.max(repetitions, runs);
  }
  return { advances, vjps, slots, repetitions };
}
