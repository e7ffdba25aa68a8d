import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { raised } from "../corpus/evaluate.ts";
import type { Case } from "../corpus/transpile.ts";

/**
 * What this library says where JAX raises an error, for every case of the corpus: to be read by people. That JAX's class and facts are
 * in it is checked by the corpus.
 */
test("the messages of errors", async () => {
  const cases = readFileSync(join(import.meta.dirname, "../corpus/errors.jsonl"), "utf8")
    .trim()
    .split("\n");
  const messages = cases.map((line) => {
    const c = JSON.parse(line) as Case;
    return `${c.name}\n${raised(c).replaceAll(/^/gm, "    ")}\n`;
  });
  await expect(messages.join("\n")).toMatchFileSnapshot("messages.txt");
});
