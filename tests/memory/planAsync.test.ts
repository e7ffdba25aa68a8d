/** Plans in a worker, and exact ones: the plan is that of `plan` or a faster one, and what is proven about it is no empty promise. */
import { expect, test } from "vitest";
import { BudgetError, grad, jit, np, plan, planAsync, random, setEngine, tree, type NDArray } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";

// Only an engine that compiles knows its peak.
setEngine("wasm");

const chain = (layers: number) => {
  const weights = Array.from({ length: layers }, (_, i) => np.divide(random.normal(random.key(i), [16, 16]), 4));
  const x = random.normal(random.key(99), [128, 16]);
  const f = grad((ws: readonly NDArray[], a: NDArray): NDArray => {
    for (const w of ws) a = np.sin(np.matmul(a, w));
    return np.sum(np.square(a));
  });
  return { f, args: [weights, x] as [NDArray[], NDArray] };
};
const bits = (x: unknown): unknown => tree.flatten(x).leaves.map((l) => (l as ConcreteArray).data);

test("a plan found in a worker is that of plan", async () => {
  const { f, args } = chain(6);
  const twin = chain(6);
  const told: number[] = [];
  const planned = await planAsync(f, args, { memory: 0.8, onProgress: ({ done }) => told.push(done) });
  const here = plan(twin.f, twin.args, { memory: 0.8 });
  expect([planned.peak, planned.time, planned.gap]).toEqual([here.peak, here.time, here.gap]);
  expect(told.length).toBeGreaterThan(1);
  await expect(planAsync(f, args, { memory: "1KiB" })).rejects.toThrow(BudgetError);
});

test("an exact plan is not slower, says how good it is, and has the same bits", { timeout: 240_000 }, async () => {
  const { f, args } = chain(4);
  const quick = plan(f, args, { memory: 0.85 });
  const exact = await planAsync(f, args, { memory: 0.85, solver: "exact", solverSeconds: 10 });
  expect(exact.time).toBeLessThanOrEqual(quick.time);
  expect(exact.peak).toBeLessThanOrEqual(exact.budget);
  expect(exact.gap).toBeLessThanOrEqual(quick.gap);
  expect(exact.lowerBound.time).toBeGreaterThanOrEqual(quick.lowerBound.time);
  expect(bits(exact.compile()(...args))).toEqual(bits(jit(f)(...args)));
});
