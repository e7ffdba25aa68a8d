import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { raise } from "../corpus/evaluate.ts";
import type { Case, Fields } from "../corpus/spec.ts";
import { RematError } from "../../src/errors.ts";

/** Every call of the corpus that must raise. That JAX's class and facts are in the error is checked there; here, that people can read it. */
const cases = readFileSync(join(import.meta.dirname, "../corpus/errors.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

test.each(cases.map((c) => [c.name, c] as const))("%s", (_, c) => {
  const error = raise(c);
  expect(error).toBeInstanceOf(RematError);
  const { message, name, jaxClass } = error as RematError;
  expect(jaxClass).toBe((c.expect["error"] as Fields)["class"]);
  expect(name).toMatch(/Error$/);
  // a value that was written into the text without a thought
  expect(message).not.toMatch(/\[object |\bundefined\b(?! is)|\bNaN\b/);
  expect(message).not.toMatch(/\/src\/|node_modules/);
  // more than what happened: what came, or what to do
  expect(message.length).toBeGreaterThan(60);
  expect(message.trim()).toMatch(/[.)\]'"`}\]\w]$/);
});
