/** All steps of a block: those of loops and branches come right after them. */
import type { Block, Step } from "./program.ts";

export function* stepsIn(block: Block): Generator<Step> {
  for (const step of block.steps) {
    yield step;
    if (step.kind === "scan") yield* stepsIn(step.body);
    else if (step.kind === "while") {
      yield* stepsIn(step.cond);
      yield* stepsIn(step.body);
    } else if (step.kind === "cond") for (const b of step.branches) yield* stepsIn(b);
  }
}
