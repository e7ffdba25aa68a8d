/** A thread that evaluates one case after the other for `run.ts`. */
import { parentPort } from "node:worker_threads";

import { evaluate, type Outcome } from "./evaluate.ts";
import type { Case } from "./spec.ts";

export interface Report {
  readonly outcomes: readonly Outcome[];
  readonly milliseconds: number;
}

parentPort!.on("message", (line: string) => {
  const started = performance.now();
  let outcomes: readonly Outcome[];
  try {
    outcomes = evaluate(JSON.parse(line) as Case);
  } catch (e) {
    const reason = e instanceof Error ? (e.stack ?? e.message) : String(e);
    outcomes = [{ section: "case", passed: false, agreement: "threw", reason: reason.split("\n")[0], got: reason }];
  }
  const report: Report = { outcomes, milliseconds: performance.now() - started };
  parentPort!.postMessage(report);
});
