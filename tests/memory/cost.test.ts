/** What plans reckon with: a model, a function of the user's, or the clock. */
import { expect, test } from "vitest";
import { grad, jit, np, pareto, plan, PlanGraphError, setEngine, tree, type NDArray } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import type { Kernel } from "../../src/core/engine.ts";

const loss = (weights: NDArray[], x: NDArray): NDArray => {
  for (const W of weights) x = np.sin(np.dot(x, W));
  return np.sum(x);
};
const f = grad(loss);
const args: [NDArray[], NDArray] = [Array.from({ length: 8 }, () => np.eye(32)), np.ones([256, 32])];
const bits = (x: unknown): unknown[] => tree.leaves(x).map((y) => (y as ConcreteArray).data);

test("a function of the user's decides what is computed again", () => {
  setEngine("wasm");
  const seen: Kernel[] = [];
  /** Products cost a second, all else a thousandth. */
  const cost = (kernel: Kernel): number => {
    seen.push(kernel);
    return kernel.eqns.some((e) => e.primitive.name === "dot_general") ? 1 : 1e-3;
  };
  const planned = plan(f, args, { memory: 0.7, cost });
  expect(seen.length).toBeGreaterThan(8);
  expect(seen.every((k) => k.flops >= 0 && k.bytes > 0 && k.outputs.length > 0)).toBe(true);
  expect(planned.recomputed.length).toBeGreaterThan(0);
  expect(planned.recomputed.map((v) => v.producer)).not.toContain("dot_general");
  // 8 products forward, 15 backward: the first argument is not differentiated.
  expect(planned.baseline.time).toBeGreaterThan(20);
  expect(bits(planned.compile()(...args))).toEqual(bits(jit(f)(...args)));

  /** The other way round, products are what to compute again. */
  const opposite = plan(f, args, {
    memory: 0.7,
    cost: ({ eqns }) => (eqns.some((e) => e.primitive.name === "dot_general") ? 1e-3 : 1),
  });
  expect(opposite.recomputed.map((v) => v.producer)).toContain("dot_general");
});

test("the clock decides, within the same bounds", () => {
  setEngine("wasm");
  const planned = plan(f, args, { memory: 0.6, cost: "measured" });
  expect(planned.peak).toBeLessThanOrEqual(planned.budget);
  expect(planned.time).toBeGreaterThan(0);
  expect(bits(planned.compile()(...args))).toEqual(bits(jit(f)(...args)));
  const curve = pareto(f, args, { cost: "measured" });
  expect(curve.baseline.peak).toBe(planned.baseline.peak);
  // Measured once: the same curve again.
  expect(pareto(f, args, { cost: "measured" }).points).toEqual(curve.points);
});

test.each([NaN, -1, Infinity])("a cost of %d is refused", (seconds) => {
  setEngine("wasm");
  expect(() => plan(f, args, { memory: 0.5, cost: () => seconds })).toThrow(PlanGraphError);
  expect(() => plan(f, args, { memory: 0.5, cost: () => seconds })).toThrow(`it answered ${String(seconds)}`);
});
