/** A schedule as a picture of characters: time runs downwards, the chain to the right. */
import type { Schedule } from "./action.ts";

/**
 * Draws a schedule, one line a sweep: `o` a stored state, `-` a step run forward, `=` a step that is recorded, `v` a step that is reversed.
 *
 * @example
 * schedules.drawSchedule(schedules.binomial(10, 3));
 * // o---o--o-v
 * // o   o  ov
 * // o   o  v
 * // o   oov
 * // o   ov
 * // o   v
 * // ooov
 * // oov
 * // ov
 * // v
 */
export function drawSchedule(schedule: Schedule): string {
  const lines: string[] = [];
  const stored = new Set<number>();
  let run = new Map<number, string>();
  let width = 0;
  const flush = (): void => {
    const line: string[] = [];
    for (let step = 0; step < width; step++) {
      line.push(stored.has(step) && run.get(step) !== "v" ? "o" : (run.get(step) ?? " "));
    }
    lines.push(line.join("").trimEnd());
    run = new Map();
  };
  for (const action of schedule) {
    switch (action.kind) {
      case "advance":
        for (let step = action.from; step < action.to; step++) run.set(step, "-");
        width = Math.max(width, action.to + 1);
        break;
      case "record":
        run.set(action.step, "=");
        width = Math.max(width, action.step + 2);
        break;
      case "store":
        stored.add(action.step);
        width = Math.max(width, action.step + 1);
        break;
      case "vjp":
        run.set(action.step, "v");
        width = Math.max(width, action.step + 1);
        flush();
        break;
      case "free":
        stored.delete(action.step);
        break;
      case "restore":
        break;
    }
  }
  return lines.join("\n");
}
