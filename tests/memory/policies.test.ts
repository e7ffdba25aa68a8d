/**
 * The planner beside the built-in policies: a program within the memory that a policy takes is no slower, by the model of costs, than the program
 * under that policy. The chains are those where one value dropped gains nothing and two do: a sine and a cosine follow from the same product.
 */
import { expect, test } from "vitest";
import { grad, nn, np, pareto, plan, random, setEngine, underPolicies, type NDArray } from "../../src/index.ts";

const chain =
  (f: (x: NDArray) => NDArray) =>
  (weights: NDArray[], x: NDArray): NDArray => {
    for (const w of weights) x = f(np.dot(x, w));
    return np.sum(x);
  };

const withSkips = (weights: NDArray[], x: NDArray): NDArray => {
  for (const w of weights) x = np.add(x, np.sin(np.dot(np.cos(x), w)));
  return np.sum(x);
};

const programs: Readonly<Record<string, (weights: NDArray[], x: NDArray) => NDArray>> = {
  sine: chain(np.sin),
  tanh: chain(np.tanh),
  gelu: chain((x) => nn.gelu(x)),
  silu: chain((x) => nn.silu(x)),
  softmax: chain((x) => nn.softmax(x)),
  "sine with skips": withSkips,
};

const weights = Array.from({ length: 8 }, (_, i) => random.normal(random.key(i), [64, 64]));
const x = random.normal(random.key(99), [256, 64]);

test.each(Object.entries(programs))("%s: within the memory of a policy, no slower than under it", (_, loss) => {
  setEngine("wasm");
  const step = grad(loss);
  const { references } = pareto(step, [weights, x], { beside: underPolicies(loss, (f) => grad(f)) });
  for (const { name, peak, time } of references) {
    const planned = plan(step, [weights, x], { memory: peak });
    expect(planned.peak, name).toBeLessThanOrEqual(peak);
    expect(planned.time, name).toBeLessThanOrEqual(time * (1 + 1e-9));
  }
});

test("what is asked of the chain of sines costs less than the policy that saves dots", () => {
  setEngine("wasm");
  const loss = programs.sine;
  const step = grad(loss);
  const { references } = pareto(step, [weights, x], { beside: underPolicies(loss, (f) => grad(f)) });
  const dots = references.find((r) => r.name === "save dots");
  expect(dots?.overhead).toBeGreaterThan(0.04);
  expect(plan(step, [weights, x], { memory: dots?.peak ?? 0 }).overhead).toBeLessThan(dots?.overhead ?? 0);
});
