/** `checkpointPolicies.budget`: what it promises in its own model, and what compiled programs then take. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { constsToInputs } from "../../src/core/stage.ts";
import {
  BudgetError,
  checkpoint,
  checkpointPolicies,
  grad,
  jit,
  lax,
  makeJaxpr,
  memory,
  MemoryBudgetError,
  nn,
  np,
  policyFromJSON,
  policyToJSON,
  random,
  setEngine,
  type NDArray,
  type Policy,
} from "../../src/index.ts";
import { jvpJaxpr } from "../../src/passes/jvp.ts";
import { regionOf, runRegion, type Region } from "../../src/policy/region.ts";
import { regionFront } from "../../src/policy/regionSearch.ts";
import { numbersOf } from "../remat/measure.ts";

const { budget } = checkpointPolicies;
beforeAll(() => {
  setEngine("wasm");
});

const normal = (seed: number, shape: readonly number[]): NDArray =>
  random.normal(random.key(seed), [...shape]).mul(0.1);

/** The region of `checkpoint(f)`, differentiated by all arguments. */
function regionFor(f: (...args: NDArray[]) => unknown, args: readonly NDArray[]): Region {
  const closed = makeJaxpr(f)(...args);
  const n = closed.jaxpr.invars.length;
  const pushed = jvpJaxpr(closed, new Array<boolean>(n).fill(true)).closed;
  const jaxpr = constsToInputs(pushed.jaxpr);
  const places = jaxpr.invars.map((_, i) => i);
  return regionOf({
    jaxpr,
    unknownIn: places.map((i) => i >= jaxpr.invars.length - n),
    availableIn: places.map(() => true),
    availableOut: jaxpr.outvars.map(() => false),
  });
}

const LAYERS = 20;
const weights = Array.from({ length: LAYERS }, (_, i) => normal(i, [16, 16]));
const batch = normal(99, [1024, 16]);
const mlp = (ws: NDArray[], x: NDArray): NDArray => {
  let h = x;
  for (const w of ws) h = np.tanh(np.dot(h, w));
  return np.sum(h.mul(h));
};
const mlpOf = (...args: NDArray[]): NDArray => mlp(args.slice(0, LAYERS), args[LAYERS]);

describe("the policy", () => {
  test("prints, and is data", () => {
    for (const memory of ["64MiB", "50%", 0.5, 4096]) {
      const policy = budget(memory);
      expect(policy.printed).toBe(typeof memory === "string" ? `budget('${memory}')` : `budget(${String(memory)})`);
      const json = JSON.stringify(policyToJSON(policy));
      expect(json).toBe(JSON.stringify({ policy: "budget", memory }));
      expect(policyFromJSON(json).printed).toBe(policy.printed);
    }
    expect(() => budget("much")).toThrow(MemoryBudgetError);
    expect(() => budget(-1)).toThrow(MemoryBudgetError);
  });

  test.each(["100%", "70%", "45%", 1e9])("leaves value and gradient as they are, within %s", (memory) => {
    const f = checkpoint(mlp, { policy: budget(memory) });
    expect(numbersOf(grad(f)(weights, batch))).toEqual(numbersOf(grad(checkpoint(mlp))(weights, batch)));
    expect(numbersOf(jit(grad(f))(weights, batch))).toEqual(numbersOf(jit(grad(mlp))(weights, batch)));
  });

  test("says what is too little, and what it takes", () => {
    const run = (memory: number) => grad(checkpoint(mlp, { policy: budget(memory) }))(weights, batch);
    let error: BudgetError | null = null;
    try {
      run(1000);
    } catch (e) {
      error = e as BudgetError;
    }
    expect(error).toBeInstanceOf(BudgetError);
    const { smallest, holders } = error as BudgetError;
    expect(holders[0].name).toMatch(/^f32\[1024,16\] of (tanh|dot_general) from .*budget\.test\.ts/);
    expect(holders.reduce((sum, h) => sum + h.bytes, 0)).toBeLessThanOrEqual(smallest);
    expect(() => run(smallest)).not.toThrow();
    expect(() => run(smallest - 1)).toThrow(BudgetError);
  });

  test("works in scan and next to other policies", () => {
    const body = checkpoint((c: NDArray, w: NDArray): [NDArray, null] => [np.tanh(np.dot(c, w)), null], {
      policy: checkpointPolicies.or(budget("100%"), checkpointPolicies.saveNames("none")),
    });
    const loss = (ws: NDArray, x: NDArray) => np.sum(lax.scan(body, x, ws)[0]);
    const plain = (ws: NDArray, x: NDArray) =>
      np.sum(lax.scan((c: NDArray, w: NDArray): [NDArray, null] => [np.tanh(np.dot(c, w)), null], x, ws)[0]);
    const stacked = np.stack(weights);
    expect(numbersOf(grad(loss)(stacked, batch))).toEqual(numbersOf(grad(plain)(stacked, batch)));
    const outer = checkpoint(plain, { policy: budget("100%") });
    expect(numbersOf(grad(outer)(stacked, batch))).toEqual(numbersOf(grad(plain)(stacked, batch)));
  });
});

describe("the curve", () => {
  test("of a chain has square roots: 20 layers in the memory of 9 to 10", () => {
    const front = regionFront(regionFor(mlpOf, [...weights, batch]));
    const unit = batch.nbytes;
    expect(front[0].peak / unit).toBeLessThan(10.5);
    expect(front[front.length - 1].time).toBe(0);
    // Everything but the last layer at most: each product and tanh once more.
    expect(front[0].recomputed.length).toBeLessThanOrEqual(2 * LAYERS);
  });

  test("of small regions is that of all choices", () => {
    const f = (x: NDArray): NDArray => {
      const a = np.sin(x);
      const b = np.exp(np.dot(a, x).mul(0.01));
      const c = np.tanh(np.dot(b, a));
      const d = np.dot(np.cos(c), np.sum(b, { axis: 0, keepdims: true }).mul(c));
      return np.sum(np.tanh(d).mul(a));
    };
    const region = regionFor(f, [normal(1, [8, 8])]);
    const eqns = [...new Set(region.known.filter((n) => n.choosable).map((n) => n.eqn))];
    expect(eqns.length).toBeGreaterThan(8);
    const all = Array.from({ length: 1 << eqns.length }, (_, mask) => {
      const saved = new Set(eqns.filter((_, i) => ((mask >> i) & 1) === 1));
      return runRegion(region, (node) => saved.has(region.known[node].eqn));
    });
    const front = regionFront(region);
    for (const budget of new Set(all.map((p) => p.peak))) {
      const best = Math.min(...all.flatMap((p) => (p.peak <= budget ? [p.time] : [])));
      expect(front.findLast((p) => p.peak <= budget)?.time).toBe(best);
    }
  });

  test("is a curve, and its points are what a run says", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 14 }), (code) => {
        const ops: readonly ((x: NDArray, y: NDArray) => NDArray)[] = [
          (x) => np.sin(x),
          (x, y) => x.mul(y),
          (x) => np.exp(x.mul(0.1)),
          (x, y) => np.dot(x, y),
          (x) => np.sum(x, { axis: 0, keepdims: true }).mul(x),
          (x) => lax.stopGradient(x).mul(x),
        ];
        const f = (x: NDArray): NDArray => {
          const made = [x];
          for (const c of code) {
            const [a, b] = [made[made.length - 1], made[Math.floor(c / 7) % made.length]];
            made.push(ops[c % ops.length](a, b));
          }
          return np.sum(made[made.length - 1]);
        };
        const region = regionFor(f, [normal(1, [8, 8])]);
        const front = regionFront(region);
        expect(front.length).toBeGreaterThan(0);
        front.forEach((p, i) => {
          const saves = p.saves();
          const again = runRegion(region, (node) => saves.has(region.known[node].eqn));
          expect([again.peak, again.time]).toEqual([p.peak, p.time]);
          if (i > 0) expect(p.peak > front[i - 1].peak && p.time < front[i - 1].time).toBe(true);
        });
        const all = runRegion(region, () => true);
        expect(all.time).toBe(front[front.length - 1].time);
        expect(front[front.length - 1].peak).toBeLessThanOrEqual(all.peak);
        expect(front[0].peak).toBeLessThanOrEqual(runRegion(region, () => false).peak);
      }),
      { seed: 20_260_102, numRuns: 60 },
    );
  });
});

/** What a program takes beside arguments and results. */
const temporaries = (policy: Policy | null, f: (...args: NDArray[]) => NDArray, args: readonly NDArray[]): number => {
  const g = grad(checkpoint(f, { policy }), { argnums: args.map((_, i) => i) });
  return memory(g as (...xs: NDArray[]) => unknown, ...args).temporaries;
};

describe("compiled programs", () => {
  const WIDTH = 32;
  const TOKENS = 64;
  const heads = (x: NDArray) => np.transpose(np.reshape(x, [TOKENS, 2, WIDTH / 2]), [1, 0, 2]);
  const norm = (x: NDArray): NDArray => {
    const c = x.sub(np.mean(x, { axis: -1, keepdims: true }));
    return c.div(np.sqrt(np.mean(c.mul(c), { axis: -1, keepdims: true }).add(1e-5)));
  };
  const block = ([q, k, v, o, up, down]: readonly NDArray[], x: NDArray): NDArray => {
    const h = norm(x);
    const scores = np.matmul(heads(np.dot(h, q)), np.transpose(heads(np.dot(h, k)), [0, 2, 1]));
    const mixed = np.matmul(nn.softmax(scores), heads(np.dot(h, v)));
    const y = x.add(np.dot(np.reshape(np.transpose(mixed, [1, 0, 2]), [TOKENS, WIDTH]), o));
    return y.add(np.dot(nn.gelu(np.dot(norm(y), up)), down));
  };
  const shapes = [...Array.from({ length: 4 }, () => [WIDTH, WIDTH]), [WIDTH, 4 * WIDTH], [4 * WIDTH, WIDTH]];
  const params = Array.from({ length: 24 }, (_, i) => normal(i, shapes[i % 6]));
  const gpt = (...args: NDArray[]): NDArray => {
    let x = args[24];
    for (let i = 0; i < 24; i += 6) x = block(args.slice(i, i + 6), x);
    return np.sum(x.mul(x));
  };
  const models: readonly (readonly [string, (...args: NDArray[]) => NDArray, readonly NDArray[]])[] = [
    ["MLP of 20 layers", mlpOf, [...weights, batch]],
    ["GPT of 4 blocks", gpt, [...params, normal(77, [TOKENS, WIDTH])]],
  ];

  test.each(models)("of %s stay below the budget, and drop with it", (_, f, args) => {
    const front = regionFront(regionFor(f, args));
    const whole = front[front.length - 1].peak;
    const everything = temporaries(checkpointPolicies.everythingSaveable, f, args);
    let before = Infinity;
    for (const share of [1, 0.7, 0.5]) {
      const bytes = Math.floor(share * whole);
      const taken = temporaries(budget(bytes), f, args);
      expect(taken).toBeLessThanOrEqual(bytes);
      expect(taken).toBeLessThanOrEqual(before);
      before = taken;
    }
    expect(before).toBeLessThan(0.55 * everything);
  });
});
