/** `lookahead` against what Optax makes of the same gradients (scripts/golden/optax.py), and what the optimizers beside it refuse. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grad, np, NDArray, optim, tree } from "../src/index.ts";

interface Golden {
  readonly params: unknown;
  readonly gradients: readonly unknown[];
  readonly lookahead: readonly {
    readonly fast: { readonly call: "adam" | "sgd"; readonly args: readonly [number] };
    readonly period: number;
    readonly step: number;
    readonly reset: boolean;
    readonly params: readonly unknown[];
  }[];
}
const golden = JSON.parse(readFileSync(new URL("optim/optax.json", import.meta.url), "utf8")) as Golden;

const arrays = (x: unknown): unknown =>
  typeof x === "object" && x !== null && !Array.isArray(x)
    ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, arrays(v)]))
    : np.array(x as number[], "float32");
const numbers = (x: unknown): number[] =>
  tree.leaves(x).flatMap((leaf) => [leaf instanceof NDArray ? leaf.toJS() : leaf].flat(9) as number[]);

describe("lookahead gives what Optax gives", () => {
  test.each(golden.lookahead.map((c) => [JSON.stringify([c.fast, c.period, c.step, c.reset]), c] as const))(
    "%s",
    (_, { fast, period, step, reset, params }) => {
      const tx = optim.lookahead(optim[fast.call](...fast.args), period, step, { resetState: reset });
      let current = optim.lookaheadParams(arrays(golden.params));
      let state = tx.init(current);
      golden.gradients.forEach((g, i) => {
        const [updates, next] = tx.update(arrays(g), state, current);
        current = optim.applyUpdates(current, updates);
        state = next;
        const [got, expected] = [numbers(current), numbers(params[i])];
        expect(got).toHaveLength(expected.length);
        got.forEach((x, k) => expect(x).toBeCloseTo(expected[k], 4));
      });
    },
  );
});

test("L-BFGS finds the minimum of a quadratic function of as many variables as it remembers steps", () => {
  const scales = np.array([1, 5, 20], "float32");
  const loss = (x: NDArray): NDArray => np.sum(np.multiply(scales, np.square(x))).mul(0.5);
  const tx = optim.lbfgs(1, { memorySize: 4 });
  let x = np.array([1, -2, 0.5], "float32");
  let state = tx.init(x);
  for (let i = 0; i < 25; i++) {
    const [updates, next] = tx.update(grad(loss)(x), state, x);
    x = optim.applyUpdates(x, updates);
    state = next;
  }
  expect(loss(x).item()).toBeLessThan(1e-6);
});

describe("what is refused", () => {
  test.each<[string, () => unknown, string]>([
    ["no memory", () => optim.scaleByLbfgs({ memorySize: 0 }), "memory_size must be >= 1"],
    ["no step", () => optim.lookahead(optim.sgd(0.1), 0, 0.5), "Synchronization period must be >= 1"],
    [
      "SM3 of a gradient of rank 0",
      () => optim.sm3(0.1).update(np.array(1, "float32"), optim.sm3(0.1).init(np.array(1, "float32"))),
      "gradient of rank 0",
    ],
    [
      "L-BFGS without parameters",
      () => optim.lbfgs(0.1).update(np.ones(2), optim.lbfgs(0.1).init(np.ones(2))),
      "params",
    ],
  ])("%s", (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
