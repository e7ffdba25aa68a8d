/** The golden cases in a browser: as many of JAX's answers are met there as are recorded for Node. */
import { expect, test } from "vitest";
import { evaluate } from "../../corpus/evaluate.ts";
import recorded from "../../corpus/recorded.json" with { type: "json" };
import type { Case } from "../../corpus/spec.ts";
import errors from "../../corpus/errors.jsonl?raw";
import nesting from "../../corpus/nesting.jsonl?raw";
import notebook from "../../corpus/notebook.jsonl?raw";
import policies from "../../corpus/policies.jsonl?raw";
import primitives from "../../corpus/primitives.jsonl?raw";
import training from "../../corpus/training.jsonl?raw";

const files = { errors, nesting, notebook, policies, primitives, training };

test.each(Object.entries(files))("%s", (name, text) => {
  const failures: string[] = [];
  let passed = 0;
  for (const line of text.trim().split("\n")) {
    const c = JSON.parse(line) as Case;
    const bad = evaluate(c).filter((outcome) => !outcome.passed);
    if (bad.length === 0) passed++;
    else failures.push(`${c.name} (${bad.map((o) => o.section).join(" ")}): ${bad[0].reason?.slice(0, 200)}`);
  }
  const least = recorded[`${name}.jsonl` as keyof typeof recorded];
  if (passed < least) expect(failures).toEqual([]);
  expect(passed).toBeGreaterThanOrEqual(least);
});
