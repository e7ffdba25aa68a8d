/** The tour that `npm start` gives, run as a user runs it: it shows JAX's tables and residuals, and no colours where no terminal is. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const cases = readFileSync(join(root, "tests/corpus/notebook.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { name: string; expect: { table: string; residuals: { text: string }[] } });

test("examples/notebook.ts", () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--conditions=@remat/source", "examples/notebook.ts"],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  expect(stdout).not.toContain("\x1b");
  const placeless = stdout.replace(/from \S+:\d+:\d+ \(/g, "from <loc> (");
  for (const name of ["f", "f2", "f3", "f4"]) {
    const wanted = cases.find((c) => c.name === `notebook/${name}`)!.expect;
    expect(stdout).toContain(wanted.table);
    expect(placeless).toContain(`backward pass:\n\n${wanted.residuals.map((r) => r.text).join("\n")}\n`);
  }
});
