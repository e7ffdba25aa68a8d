import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, test } from "vitest";
import { grad, jit, lax, np, NDArray, optim, tree, vmap, makeJaxpr } from "../src/index.ts";

/** A call of a function of `optim`, written down by scripts/golden/optax.py. */
interface Call {
  readonly call: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}
interface Golden {
  readonly params: unknown;
  readonly gradients: readonly unknown[];
  readonly optimizers: readonly (Call & { readonly params: readonly unknown[] })[];
  readonly counts: readonly number[];
  readonly schedules: readonly (Call & { readonly values: readonly number[] })[];
}
const golden = JSON.parse(readFileSync(new URL("optim/optax.json", import.meta.url), "utf8")) as Golden;

type Params = { b: NDArray; layer: { scale: NDArray; w: NDArray } };
const arrays = (x: unknown): unknown =>
  typeof x === "object" && x !== null && !Array.isArray(x)
    ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, arrays(v)]))
    : np.array(x as number[], "float32");
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

function close(got: unknown, expected: unknown): void {
  const flat = (x: unknown): number[] => (Array.isArray(x) ? x.flatMap(flat) : [x as number]);
  const [a, b] = [tree.leaves(got) as NDArray[], Object.values(flatNumbers(expected))];
  expect(a.length).toBe(b.length);
  a.forEach((x, i) => {
    expect(x.dtype).toBe("float32");
    const xs = flat(x.toJS());
    const ys = flat(b[i]);
    expect(xs.length).toBe(ys.length);
    const scale = Math.max(...ys.map(Math.abs), 1e-6);
    xs.forEach((v, j) => {
      expect(Math.abs(v - ys[j]), `${v} for ${ys[j]}`).toBeLessThanOrEqual(1e-5 * Math.max(Math.abs(ys[j]), 0.1 * scale));
    });
  });
}
const flatNumbers = (x: unknown): unknown[] =>
  typeof x === "object" && x !== null && !Array.isArray(x) ? Object.keys(x).sort().flatMap((k) => flatNumbers((x as Record<string, unknown>)[k])) : [x];

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
