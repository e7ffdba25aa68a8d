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
  readonly optimizers: readonly (Call & {
    readonly params: readonly unknown[];
    readonly float64: unknown;
    readonly program: string | null;
  })[];
  readonly counts: readonly number[];
  readonly schedules: readonly (Call & { readonly values: readonly number[] })[];
}
const golden = JSON.parse(readFileSync(new URL("optim/optax.json", import.meta.url), "utf8")) as Golden;

type Params = { b: NDArray; layer: { scale: NDArray; w: NDArray } };
const arrays = (x: unknown, dtype: DType = "float32"): unknown =>
  typeof x === "object" && x !== null && !Array.isArray(x)
    ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, arrays(v, dtype)]))
    : np.astype(np.array(x as number[], "float32"), dtype); // the file has as many digits as a float32
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
    // the difference of two large numbers that decides about its variance has lost digits, in Optax too
    const tolerance = c.call === "radam" ? 5e-5 : 1e-5;
    gradients.forEach((g, i) => {
      const [updates, next] = tx.update(g, state, current);
      current = optim.applyUpdates(current, updates);
      close(current, c.params[i], tolerance);
      state = next;
    });
    expect(tree.structure(state).equals(structure)).toBe(true);

    expect((tree.leaves(current) as NDArray[]).map((x) => x.dtype)).toEqual(["float32", "float32", "float32"]);

    // the same in one compiled loop
    const stacked: Params = tree.map((...xs: NDArray[]) => np.stack(xs), gradients[0], ...gradients.slice(1));
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
    close(train(params, stacked)[0][0], c.params.at(-1), tolerance);
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
      const halfway = /^(?:multiSteps|adafactor|fromage)/.test(c.call); // they have float32 inside
      close(current, c.float64, halfway ? 1e-6 : 1e-10);
    } finally {
      enableX64(false);
    }
  });
});

describe("updates are the equations of Optax, in its order", () => {
  /** Without the names of variables, and without the order of parameters: states are objects here, sorted by key, and tuples there. */
  const blank = (program: string): string =>
    program
      .replace(
        /\{ lambda ;([^.]*)\. let/g,
        (_, parameters: string) => `{ lambda ; ${typesOf(parameters).join(" ")}. let`,
      )
      .replace(
        /^ +((?:[a-z]+:\w+\[[\d,]*\]\s*)+)= cond/gm,
        (_, results: string) => `${typesOf(results).join(" ")} = cond`,
      )
      .replace(/\b[a-z]{1,3}(?=:[a-z]+\d*\[)/g, "_")
      .replace(
        /(?<=[ (])(?!(?:let|in|mul|add|div|sub|pow|max|min|cos|exp|lt|gt|le|ge|eq|ne|and|or|not|abs|neg|rem|jit)\b)[a-z]{1,3}(?=[ ,)]|$)/gm,
        "_",
      );
  const typesOf = (text: string): string[] =>
    text
      .trim()
      .split(/\s+/)
      .map((x) => x.replace(/^\w+:/, ""))
      .sort();

  test("the comparison sees differences", () => {
    expect(blank("{ lambda ; a:f32[3]. let b:f32[3] = mul a 2.0:f32[] in (b,) }")).toBe(
      "{ lambda ; f32[3]. let _:f32[3] = mul _ 2.0:f32[] in (_,) }",
    );
  });

  // Fromage evaluates a schedule once; Optax does it twice.
  const cases = golden.optimizers.filter(
    (c) => c.program !== null && !(c.call === "fromage" && typeof c.args[0] === "object"),
  );
  test.each(cases.map((c) => [text(c), c] as const))("%s", (_, c) => {
    const tx = made(c) as optim.GradientTransformation;
    const { w } = params.layer;
    const state = tx.init(w);
    const update = (u: NDArray, s: optim.OptState, p: NDArray): unknown => tx.update(u, s, p);
    expect(blank(String(makeJaxpr(update)(w, state, w)))).toBe(blank(c.program!));
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

describe("what Optax does, in our words", () => {
  const g = { w: np.array([3, 4], "float32"), b: np.array(0, "float32") };

  test("updates have the type of the gradients, states are inspected by name", () => {
    const tx = optim.adam(0.1);
    const state = tx.init(params);
    const [updates, next] = tx.update(gradients[0], state, params);
    expectTypeOf(updates).toEqualTypeOf<Params>();
    expectTypeOf(next[0].count).toEqualTypeOf<NDArray>();
    expectTypeOf(optim.applyUpdates(params, updates)).toEqualTypeOf<Params>();
    expect(next[0].count.item()).toBe(1);
    expect(state[0].count.item()).toBe(0);
  });

  test("a training step is compiled, batched and differentiated", () => {
    const tx = optim.chain(optim.clipByGlobalNorm(1), optim.adamw(optim.cosineDecaySchedule(0.1, 100)));
    const loss = (p: Params): NDArray => np.sum(np.square(np.subtract(np.matmul(p.layer.w, p.b), p.layer.scale)));
    const step = (p: Params, s: optim.StateOf<typeof tx>): [Params, optim.StateOf<typeof tx>] => {
      const [updates, next] = tx.update(grad(loss)(p), s, p);
      return [optim.applyUpdates(p, updates), next];
    };
    const state = tx.init(params);
    const [eager] = step(params, state);
    const [compiled] = jit(step)(params, state);
    expect(numbersIn(compiled)).toEqual(numbersIn(eager));
    const batch: Params = tree.map((x: NDArray) => np.stack([x, np.multiply(x, 2)]), params);
    const batched = vmap((p: Params) => step(p, tx.init(p))[0])(batch);
    close(
      tree.map((x: NDArray) => x.get(0), batched),
      numbersIn(eager),
      1e-6,
    );

    // through the optimizer: d loss after a step / d learning rate
    const after = (rate: NDArray): NDArray => {
      const sgd = optim.sgd(rate);
      const [updates] = sgd.update(grad(loss)(params), sgd.init(params), params);
      return loss(optim.applyUpdates(params, updates));
    };
    const slope = Number(grad(after)(np.array(0.001)).item());
    const difference = (Number(after(np.array(0.0011)).item()) - Number(after(np.array(0.0009)).item())) / 0.0002;
    expect(slope).toBeCloseTo(difference, 0);
    expect(slope).toBeLessThan(0);
  });

  test("null stands where there is no gradient", () => {
    for (const tx of [optim.adam(0.1), optim.sgd(0.1, { momentum: 0.9 }), optim.adamw(0.1), optim.lion(0.1)]) {
      const p = { a: np.ones(2, "float32"), b: np.ones(2, "float32") };
      const [updates] = tx.update({ a: np.ones(2, "float32"), b: null }, tx.init(p) as never, p);
      expect(updates.b).toBe(null);
      expect(updates.a.shape).toEqual([2]);
    }
  });

  test("half precision stays, and moments have the dtype one asks for", () => {
    const p = { w: np.ones(3, "bfloat16") };
    const tx = optim.adam(0.1, { muDtype: "float32" });
    const [updates, state] = tx.update(p, tx.init(p));
    expect([state[0].mu, state[0].nu].map((m) => (tree.leaves(m)[0] as NDArray).dtype)).toEqual([
      "float32",
      "bfloat16",
    ]);
    expect(optim.applyUpdates(p, updates).w.dtype).toBe("bfloat16");
  });

  test("complex gradients have real squares", () => {
    const p = { w: np.astype(np.array([1, 2], "float32"), "complex64") };
    const tx = optim.adam(0.1);
    const [updates] = tx.update({ w: np.multiply(p.w, np.sqrt(np.astype(-1, "complex64"))) }, tx.init(p));
    close(np.imag(updates.w), [-0.1, -0.1]);
  });

  test("globalNorm, clipByGlobalNorm, clip", () => {
    expect(optim.globalNorm(g).item()).toBe(5);
    const [clipped] = optim.clipByGlobalNorm(1).update(g, {});
    close(clipped.w, [0.6, 0.8]);
    expect(optim.clip(3.5).update(g, {})[0].w.toJS()).toEqual([3, 3.5]);
    expect(optim.globalNorm({}).item()).toBe(0);
  });

  test("hyperparameters in the state can be changed without a new program", () => {
    const tx = optim.injectHyperparams(optim.adam)(optim.linearSchedule(0.1, 0, 10), { b1: 0.8, nesterov: false });
    let state = tx.init(params);
    const update = jit((s: typeof state) => tx.update(gradients[0], s, params));
    [, state] = update(state);
    expect(Object.keys(state.hyperparams).sort()).toEqual(["b1", "learningRate"]);
    expect(state.hyperparams.learningRate.item()).toBeCloseTo(0.1);
    [, state] = update(state);
    expect(state.hyperparams.learningRate.item()).toBeCloseTo(0.09);

    const sgd = optim.injectHyperparams(optim.sgd)(0.1);
    const start = sgd.init(params);
    const changed = { ...start, hyperparams: { learningRate: np.array(2, "float32") } };
    expect(sgd.update(g, changed, g)[0].w.toJS()).toEqual([-6, -8]);
    expect(() => sgd.update(g, { ...start, hyperparams: {} }, g)).toThrow(/without `learningRate`/);
  });

  test("multiSteps skips what is not finite, and tells when it has updated", () => {
    const tx = optim.multiSteps(optim.sgd(1), 2, { shouldSkipUpdateFn: optim.skipNotFinite });
    let state = tx.init(g);
    const done: unknown[] = [];
    for (const scale of [1, NaN, 3, 1]) {
      const [updates, next] = tx.update({ w: np.multiply(g.w, scale), b: g.b }, state, g);
      state = next;
      done.push([updates.w.toJS(), tx.hasUpdated(state).item()]);
    }
    expect(done).toEqual([
      [[-0, -0], false],
      [[0, 0], false],
      [[-6, -8], true],
      [[-0, -0], false],
    ]);
    const large = optim.multiSteps(optim.sgd(1), 1, { shouldSkipUpdateFn: optim.skipLargeUpdates(10) });
    expect(large.update(g, large.init(g), g)[0].w.toJS()).toEqual([0, 0]);
    const wrong = optim.multiSteps(optim.sgd(1), 1, { shouldSkipUpdateFn: () => [np.zeros(2), []] });
    expect(() => wrong.update(g, wrong.init(g), g)).toThrow(/boolean scalar/);
  });

  test("Polyak's step size asks for the loss", () => {
    const tx = optim.chain(optim.clip(100), optim.polyakSgd({ fMin: 0.5 }));
    const [updates] = tx.update(g, tx.init(g), g, { value: 3 });
    close(updates.w, [-0.3, -0.4]); // (3 - 0.5) / 25 times the gradient
    expect(() => tx.update(g, tx.init(g), g)).toThrow(/value of the loss/);
    const none = optim.polyakSgd({ variant: "sps+" });
    expect(none.update(g, none.init(g), g, { value: np.array(-1, "float32") })[0].w.toJS()).toEqual([-0, -0]);
  });

  test("freeze, selectiveTransform, conditions, averages", () => {
    expect(optim.freeze({ w: true, b: false }).update(g, { innerState: {} })[0].w.toJS()).toEqual([0, 0]);
    const some = optim.selectiveTransform(optim.sgd(1), { freezeMask: { w: false, b: true } });
    expect(some.update(g, some.init(g), g)[0].w.toJS()).toEqual([-3, -4]);
    const late = optim.conditionallyTransform(optim.scale(2), (step) => np.greaterEqual(step, 1));
    const [first, state] = late.update(g, late.init(g));
    expect([first.w.toJS(), late.update(g, state)[0].w.toJS()]).toEqual([[3, 4], [6, 8]]); // prettier-ignore
    const silent = optim.conditionallyMask(optim.scale(2), () => np.array(false));
    expect(silent.update(g, silent.init(g))[0].w.toJS()).toEqual([0, 0]);
    expect(optim.incrementalUpdate(g, { w: np.zeros(2), b: np.zeros([]) }, 0.5).w.toJS()).toEqual([1.5, 2]);
    expect(optim.periodicUpdate(g.w, np.zeros(2), 4, 2).toJS()).toEqual([3, 4]);
    const named = optim.namedChain(["clip", optim.clip(1)], ["sgd", optim.sgd(1)]);
    expect(Object.keys(named.init(g))).toEqual(["clip", "sgd"]);
    expect(named.update(g, named.init(g))[0].w.toJS()).toEqual([-1, -1]);
  });

  test("mistakes are told", () => {
    expect(() => optim.adamw(1).update(g, optim.adamw(1).init(g))).toThrow(/requires the current value of parameters/);
    expect(() => optim.chain(optim.scale(1)).update(g, [] as never)).toThrow(/called init first/);
    expect(() => optim.partition({ a: optim.sgd(1) }, { w: "a", b: "c" }).init(g)).toThrow(
      /no corresponding transformation[^]*a, c/,
    );
    expect(() => optim.namedChain(["a", optim.clip(1)], ["a", optim.clip(1)])).toThrow(/unique/);
    expect(() => optim.cosineDecaySchedule(1, 0)).toThrow(/positive/);
    expect(() => optim.piecewiseConstantSchedule(1, { 3: -1 })).toThrow(/non-negative/);
    expect(() => optim.linearOnecycleSchedule(0, 1)).toThrow(/non-positive/);
    expect(() => optim.joinSchedules([], [])).toThrow(/no schedules/);
    expect(() => optim.sgd(1).init({ w: "text" })).not.toThrow();
    expect(() => optim.adam(1).init({ w: "text" })).toThrow(/leaf was/);
  });

  test("an update is a program one can read", () => {
    const tx = optim.sgd(0.1, { momentum: 0.9 });
    const p = { w: np.ones(3, "float32") };
    expect(String(makeJaxpr((u: typeof p, s: ReturnType<typeof tx.init>) => tx.update(u, s)[0])(p, tx.init(p)))).toBe(
      [
        "{ lambda ; a:f32[3] b:f32[3]. let",
        "    c:f32[3] = mul 0.8999999761581421:f32[] b",
        "    d:f32[3] = add a c",
        "    e:f32[3] = mul -0.10000000149011612:f32[] d",
        "  in (e,) }",
      ].join("\n"),
    );
  });
});
