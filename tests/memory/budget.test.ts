/** Budgets on real programs: never above them, the same bits, and never slower for more memory. */
import { describe, expect, test } from "vitest";
import {
  BudgetError,
  checkpointName,
  grad,
  jit,
  lax,
  memory,
  np,
  pareto,
  plan,
  policyToJSON,
  random,
  setEngine,
  tree,
  valueAndGrad,
  type NDArray,
} from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { gptInputs } from "../../bench/workloads/inputs.ts";
import { gptLoss } from "../../bench/workloads/models.ts";

// Only an engine that compiles knows its peak.
setEngine("wasm");

const normal = (shape: readonly number[], seed: number): NDArray => random.normal(random.key(seed), shape);
const bits = (x: unknown): ArrayLike<number>[] =>
  tree.flatten(x).leaves.map((l) => (l as ConcreteArray).data as Float32Array);

function deepLoss(layers: number) {
  return (ws: readonly NDArray[], x: NDArray): NDArray => {
    for (const w of ws.slice(0, layers)) x = checkpointName(np.sin(np.sin(np.matmul(x, w))), "layer");
    return np.sum(np.square(x));
  };
}
const weights = Array.from({ length: 12 }, (_, i) => np.divide(normal([16, 16], i), 4));
const x = normal([128, 16], 99);

describe("a chain of twelve layers", () => {
  const f = valueAndGrad(deepLoss(12));
  const whole = memory(f as never, weights as never, x as never);
  const wanted = bits(jit(f)(weights, x));

  test("keeps every budget that can be kept, with the same bits", () => {
    const smallest = pareto(f, [weights as never, x]).points[0].peak;
    expect(smallest).toBeLessThan(0.75 * whole.peak);
    for (const share of [1, 0.95, 0.9, 0.85, 0.8, 0.75]) {
      const budget = Math.max(smallest, Math.floor(share * whole.peak));
      const planned = plan(f, [weights as never, x], { memory: budget });
      expect(planned.peak).toBeLessThanOrEqual(budget);
      expect(planned.peak).toBe(planned.memory.peak);
      expect(bits(planned.compile()(weights as never, x))).toEqual(wanted);
      expect(bits(jit(f, { memory: budget })(weights as never, x))).toEqual(wanted);
    }
  });

  test("is never slower with more memory", () => {
    const { points } = pareto(f, [weights as never, x]);
    points.slice(1).forEach((p, i) => {
      expect(p.peak).toBeGreaterThan(points[i].peak);
      expect(p.time).toBeLessThan(points[i].time);
    });
  });

  test("says what is computed again, and where", () => {
    const planned = plan(f, [weights as never, x], { memory: 0.5 });
    expect(planned.recomputed.length).toBeGreaterThan(0);
    expect(planned.recomputed[0].source).toContain("budget.test.ts");
    expect(planned.overhead).toBeGreaterThan(0);
    expect(planned.explain("peak")).toContain("largest at kernel");
    expect(JSON.stringify(policyToJSON(planned.toPolicy()))).toContain("saveOnlyTheseNames");
  });

  test("without need nothing is computed again", () => {
    const planned = plan(f, [weights as never, x], { memory: "1GiB" });
    expect(planned.recomputed).toEqual([]);
    expect(planned.peak).toBe(whole.peak);
  });

  test("a budget that can't be kept is an error that names the smallest one that can", () => {
    const [{ peak }] = pareto(f, [weights as never, x]).points;
    const attempt = (): unknown => jit(f, { memory: "1KiB" })(weights, x);
    expect(attempt).toThrow(BudgetError);
    try {
      attempt();
    } catch (error) {
      expect((error as BudgetError).smallest).toBe(peak);
      expect((error as BudgetError).holders.length).toBeGreaterThan(0);
    }
    expect(() => jit(f, { memory: "many" })(weights as never, x)).toThrow(/memory budget/);
  });
});

test("loops, branches and shared values are planned as they are", () => {
  const f = grad((w: NDArray, a: NDArray): NDArray => {
    const h = np.tanh(np.matmul(a, w));
    const [last, all] = lax.scan(
      (c: NDArray, r: NDArray) => [np.sin(np.add(c, r)), np.multiply(c, r)],
      np.zeros([16]),
      h,
    );
    const e = lax.cond(
      np.greater(np.sum(last), 0),
      (z: NDArray) => np.exp(z),
      (z: NDArray) => np.cos(z),
      h,
    );
    return np.sum(np.add(np.multiply(all, e), np.square(h)));
  });
  const args = [weights[0], x] as const;
  const wanted = bits(jit(f)(...args));
  for (const { peak } of pareto(f, [...args]).points) {
    expect(bits(jit(f, { memory: peak })(...args))).toEqual(wanted);
  }
});

test("a transformer within 60 % of its memory takes at most 15 % more time by the model", () => {
  const { parameters, input, target, mask } = gptInputs(2);
  const f = valueAndGrad(gptLoss(false));
  const planned = plan(f as never, [parameters, input, target, mask] as never, { memory: 0.7 });
  expect(planned.peak).toBeLessThanOrEqual(0.7 * planned.baseline.peak);
  expect(planned.overhead).toBeLessThan(0.15);
});
