import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, test } from "vitest";
import { enableX64, grad, jit, lax, makeJaxpr, np, NDArray, optim, tree, vmap, type DType } from "../src/index.ts";

/** A call of a function of `optim`, written down by scripts/golden/optax.py. */
interface Call {
  readonly call: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}
interface Golden {
  readonly params: unknown;
  readonly gradients: readonly unknown[];
  readonly optimizers: readonly (Call & { readonly params: readonly unknown[]; readonly float64: unknown })[];
  readonly counts: readonly number[];
  readonly schedules: readonly (Call & { readonly values: readonly number[] })[];
}
const golden = JSON.parse(readFileSync(new URL("optim/optax.json", import.meta.url), "utf8")) as Golden;

type Params = { b: NDArray; layer: { scale: NDArray; w: NDArray } };
const arrays = (x: unknown, dtype: DType = "float32"): unknown =>
  typeof x === "object" && x !== null && !Array.isArray(x)
    ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, arrays(v, dtype)]))
    : np.array(x as number[], dtype);
const params = arrays(golden.params) as Params;
const gradients = golden.gradients.map((g) => arrays(g) as Params);

function value(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(value);
  if (typeof x !== "object" || x === null) return x;
  if ("tree" in x) return x.tree;
  if ("call" in x) return made(x as Call);
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, value(v)]));
}

function made({ call, args, options }: Call): unknown {
  const f = (optim as unknown as Record<string, (...args: unknown[]) => unknown>)[call];
  const given: Record<string, unknown> = {};
  for (const [k, v] of Object.entries(options)) given[k] = k === "mask" || k.endsWith("Mask") ? v : value(v);
  // the learning rate has a default there
  const positional = call === "adafactor" && args.length === 0 ? [null] : args.map(value);
  return f(...positional, ...(Object.keys(given).length > 0 ? [given] : []));
}
const text = ({ call, args, options }: Call): string =>
  `${call}(${[...args, ...(Object.keys(options).length > 0 ? [options] : [])].map((x) => JSON.stringify(x)).join(", ")})`;

/** All numbers of a tree of arrays or of nested lists, in order. */
const numbersIn = (x: unknown): number[] => {
  if (x instanceof NDArray) return numbersIn(x.toJS());
  if (Array.isArray(x)) return x.flatMap(numbersIn);
  if (typeof x !== "object" || x === null) return [x as number];
  return Object.keys(x)
    .sort()
    .flatMap((k) => numbersIn((x as Record<string, unknown>)[k]));
};

/** Relative to the largest number: 1 - 0.999^n, which Adam divides by, has lost four digits in float32 in Optax, too. */
function close(got: unknown, expected: unknown, tolerance = 1e-5): void {
  const [xs, ys] = [numbersIn(got), numbersIn(expected)];
  expect(xs.length).toBe(ys.length);
  const scale = Math.max(...ys.map(Math.abs));
  const worst = Math.max(...xs.map((x, i) => Math.abs(x - ys[i])));
  expect(worst, `${xs.join(" ")}\nfor\n${ys.join(" ")}`).toBeLessThanOrEqual(tolerance * scale);
}

describe("optimizers and transformations give what Optax gives", () => {
  test.each(golden.optimizers.map((c) => [text(c), c] as const))("%s", (_, c) => {
    const tx = made(c) as optim.GradientTransformation;
    let state = tx.init(params);
    let current = params;
    const structure = tree.structure(state);
    gradients.forEach((g, i) => {
      const [updates, next] = tx.update(g, state, current);
      current = optim.applyUpdates(current, updates);
      close(current, c.params[i]);
      state = next;
    });
    expect(tree.structure(state).equals(structure)).toBe(true);

    expect((tree.leaves(current) as NDArray[]).map((x) => x.dtype)).toEqual(["float32", "float32", "float32"]);

    // the same in one compiled loop
    const stacked = tree.map((...xs: NDArray[]) => np.stack(xs), gradients[0], ...gradients.slice(1)) as Params;
    const train = jit((p: Params, gs: Params) =>
      lax.scan(
        ([p, s]: [Params, optim.OptState], g: Params) => {
          const [updates, next] = tx.update(g, s, p);
          return [[optim.applyUpdates(p, updates), next], null];
        },
        [p, tx.init(p)] as [Params, optim.OptState],
        gs,
      ),
    );
    close(train(params, stacked)[0][0], c.params.at(-1));
  });

  test.each(golden.optimizers.map((c) => [text(c), c] as const))("%s in float64", (_, c) => {
    enableX64();
    try {
      const tx = made(c) as optim.GradientTransformation;
      let current = arrays(golden.params, "float64") as Params;
      let state = tx.init(current);
      for (const g of golden.gradients) {
        const [updates, next] = tx.update(arrays(g, "float64"), state, current);
        [current, state] = [optim.applyUpdates(current, updates), next];
      }
      const halfway = /^(?:multiSteps|adafactor)/.test(c.call); // they have float32 inside
      close(current, c.float64, halfway ? 1e-6 : 1e-10);
    } finally {
      enableX64(false);
    }
  });
});

describe("schedules give what Optax gives", () => {
  test.each(golden.schedules.map((c) => [text(c), c] as const))("%s", (_, c) => {
    const schedule = made(c) as optim.Schedule;
    const traced = jit((i: NDArray) => np.asarray(schedule(i)));
    golden.counts.forEach((count, i) => {
      close(np.array(schedule(count), "float32"), c.values[i]);
      close(np.array(schedule(np.array(count, "int32")), "float32"), c.values[i]);
      close(np.array(traced(np.array(count)), "float32"), c.values[i]);
    });
  });
});
