/** The committed table of compatibility is what the modules and JAX's names make. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compatibilityDocument } from "../scripts/compatibility.ts";

test("docs/compatibility.md is up to date (npm run compatibility makes it anew)", () => {
  const committed = readFileSync(join(import.meta.dirname, "..", "docs", "compatibility.md"), "utf8");
  expect(committed.replaceAll("\r\n", "\n")).toBe(compatibilityDocument());
});
