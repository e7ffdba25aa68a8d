/** Eager operations run programs of one operation each, which are kept: a long loop without `jit` must not grow. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

interface Held {
  readonly heap: number;
  readonly arrays: number;
  readonly memory: number;
  readonly highWater: number;
}

test("an eager training loop of thousands of steps holds no more memory at its end than after its first ones", () => {
  const script = fileURLToPath(new URL("eagerTraining.ts", import.meta.url));
  const out = execFileSync(process.execPath, ["--expose-gc", "--conditions=@remat/source", script], {
    encoding: "utf8",
  });
  const { before, after } = JSON.parse(out) as { readonly before: Held; readonly after: Held };
  expect(after.memory).toBe(before.memory);
  expect(after.highWater).toBe(before.highWater);
  // A step makes some hundred objects: if each left 100 bytes, 2200 steps would leave 22 MB.
  expect(after.heap - before.heap).toBeLessThan(4 * 2 ** 20);
  expect(after.arrays - before.arrays).toBeLessThan(2 ** 20);
}, 240_000);
