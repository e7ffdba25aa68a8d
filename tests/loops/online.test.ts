/** `whileLoop` in reverse mode: the bits of the unrolled program, the states that the schedule keeps, and the memory that it promises. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointPolicies,
  grad,
  jit,
  jvp,
  lax,
  makeJaxpr,
  memory,
  np,
  RematTypeError,
  ScheduleError,
  setEngine,
  vjp,
  vmap,
  WhileReverseError,
  type NDArray,
  type Policy,
} from "../../src/index.ts";
import { storing } from "../../src/primitives/onlineStores.ts";
import type { WhileParams } from "../../src/primitives/while.ts";
import { minimalSteps, reverseFrom } from "../../src/schedules/binomial.ts";
import { countSteps } from "../../src/schedules/count.ts";
import { online, storeOnline } from "../../src/schedules/online.ts";
import { numbersOf } from "../remat/measure.ts";
import { runsOf } from "./counting.ts";

const i32 = (n: number): NDArray => np.asarray(n, { dtype: "int32" });
const f32 = (x: number | number[]): NDArray => np.asarray(x, { dtype: "float32" });
type Pair = [NDArray, NDArray];
type Options = { readonly checkpoint?: "online"; readonly slots?: number };
const slotted = (slots: number): Options => ({ checkpoint: "online", slots });

/** `n` steps of sin(v w) + v, in a loop that doesn't know n. */
const looped = (n: NDArray, w: NDArray, x: NDArray, options: Options): NDArray =>
  lax.whileLoop(
    ([i]: Pair) => np.less(i, n),
    ([i, v]: Pair): Pair => [i.add(1), np.sin(np.multiply(v, w)).add(v)],
    [i32(0), x] as Pair,
    options,
  )[1];
const unrolled = (n: number, w: NDArray, x: NDArray): NDArray => {
  let v = x;
  for (let i = 0; i < n; i++) v = np.sin(np.multiply(v, w)).add(v);
  return v;
};
const both = { argnums: [0, 1] };
const w = f32([0.3, 0.7]);
const x = f32([0.5, -0.2]);
const lossOf = (n: number | NDArray, options: Options) => (w: NDArray, x: NDArray) =>
  np.sum(looped(typeof n === "number" ? i32(n) : n, w, x, options));
const wanted = (n: number): number[] =>
  numbersOf(grad((w: NDArray, x: NDArray) => np.sum(unrolled(n, w, x)), both)(w, x));

describe("gradients", () => {
  test("have the bits of the unrolled program's, whatever the slots", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 7 }), (n, slots) => {
        const f = lossOf(n, slotted(slots));
        expect(numbersOf(grad(f, both)(w, x))).toEqual(wanted(n));
      }),
      {
        seed: 20_260_103,
        numRuns: 25,
        examples: [
          [0, 1],
          [1, 1],
          [1, 3],
          [5, 5],
          [6, 5],
          [40, 2],
        ],
      },
    );
  });

  test.each(["js", "wasm"])("compiled by %s, and by vjp and valueAndGrad", (engine) => {
    for (const [n, slots] of [
      [0, 3],
      [1, 2],
      [17, 1],
      [17, 4],
      [50, 3],
    ]) {
      const f = lossOf(n, slotted(slots));
      const plain = (w: NDArray, x: NDArray) => np.sum(unrolled(n, w, x));
      const expected = numbersOf(jit(grad(plain, both), { engine })(w, x));
      expect(numbersOf(jit(grad(f, both), { engine })(w, x))).toEqual(expected);
      const [value, pullback] = vjp(jit(f), w, x);
      expect(value.item()).toBe(np.sum(unrolled(n, w, x)).item());
      expect(numbersOf(pullback(f32(1)))).toEqual(wanted(n));
    }
  });

  test("the number of steps may be traced, and depend on the values", () => {
    const f = jit(grad((n: NDArray, w: NDArray, x: NDArray) => lossOf(n, slotted(3))(w, x), { argnums: [1, 2] }));
    for (const n of [0, 4, 19]) expect(numbersOf(f(i32(n), w, x))).toEqual(wanted(n));
    const grows = (x: NDArray): NDArray =>
      lax.whileLoop(
        (v: NDArray) => np.less(v, 100),
        (v: NDArray) => v.mul(v),
        x,
        slotted(2),
      );
    expect(grad(grows)(f32(2)).item()).toBe(8 * 2 ** 7);
    expect(grad(grows)(f32(200)).item()).toBe(1);
  });

  test("of a part of the operands only", () => {
    const f = (x: NDArray) => lossOf(9, slotted(3))(w, x);
    expect(numbersOf(grad(f)(x))).toEqual(wanted(9).slice(2));
    const g = (w: NDArray) => lossOf(9, slotted(3))(w, x);
    expect(numbersOf(grad(g)(w))).toEqual(wanted(9).slice(0, 2));
  });

  test.each([true, false])("of a batch with lengths of their own, jit: %s", (compiled) => {
    const lengths = np.asarray([0, 3, 11, 6], { dtype: "int32" });
    const each = vmap(
      grad((n: NDArray, w: NDArray, x: NDArray) => lossOf(n, slotted(3))(w, x), { argnums: [1, 2] }),
      { inAxes: [0, null, null] },
    );
    const [gw, gx] = (compiled ? jit(each) : each)(lengths, w, x) as Pair;
    [0, 3, 11, 6].forEach((n, i) => {
      expect(numbersOf([gw.at(i).get(), gx.at(i).get()])).toEqual(wanted(n));
    });
  });

  test.each<[string, Policy | null]>([
    ["none", null],
    ["everything", checkpointPolicies.everythingSaveable],
    ["dots", checkpointPolicies.dotsSaveable],
    ["budget", checkpointPolicies.budget(1e6)],
  ])("inside of checkpoint with the policy %s, and of scan", (_, policy) => {
    const f = checkpoint(lossOf(13, slotted(3)), { policy });
    expect(numbersOf(grad(f, both)(w, x))).toEqual(wanted(13));
    expect(numbersOf(jit(grad(f, both))(w, x))).toEqual(wanted(13));
    const body = checkpoint((c: NDArray): [NDArray, null] => [looped(i32(4), w, c, slotted(2)), null], { policy });
    const scanned = (x: NDArray) => np.sum(lax.scan(body, x, null, { length: 3 })[0]);
    const plain = (x: NDArray) => np.sum(unrolled(12, w, x));
    expect(numbersOf(grad(scanned)(x))).toEqual(numbersOf(grad(plain)(x)));
    expect(numbersOf(jit(grad(scanned))(x))).toEqual(numbersOf(grad(plain)(x)));
  });

  test("forward mode goes through the plain loop, over reverse mode too", () => {
    const f = lossOf(5, slotted(2));
    const g = (w: NDArray, x: NDArray) => np.sum(unrolled(5, w, x));
    expect(jvp(f, [w, x], [x, w])[1].item()).toBe(jvp(g, [w, x], [x, w])[1].item());
    const along = (h: typeof f) => numbersOf(jvp((x: NDArray) => grad(h, { argnums: 1 })(w, x), [x], [w])[1]);
    along(f).forEach((v, i) => expect(v).toBeCloseTo(along(g)[i], 5));
  });

  test("without the option the error is JAX's", () => {
    expect(() => grad(lossOf(3, {}), both)(w, x)).toThrow(WhileReverseError);
  });

  test("foriLoop takes it, whether or not its bounds are known", () => {
    const body = (_: NDArray, v: NDArray): NDArray => np.sin(np.multiply(v, w)).add(v);
    const f = (x: NDArray, n: number | NDArray) => np.sum(lax.foriLoop(0, n, body, x, slotted(3)));
    const plain = numbersOf(grad((x: NDArray) => np.sum(unrolled(10, w, x)))(x));
    expect(numbersOf(grad(f)(x, 10))).toEqual(plain);
    expect(numbersOf(jit(grad(f))(x, i32(10)))).toEqual(plain);
  });
});

describe("the states that are kept", () => {
  /** The stored steps of a loop of n steps, by the program and by the schedule. */
  const kept = (slots: number, lengths: readonly number[]): void => {
    const closed = makeJaxpr((n: NDArray) =>
      lax.whileLoop(
        ([i]: Pair) => np.less(i, n),
        ([i, v]: Pair): Pair => [i.add(1), v.add(1)],
        [i32(0), f32(0)] as Pair,
      ),
    )(i32(0));
    const { params } = closed.jaxpr.eqns[closed.jaxpr.eqns.length - 1];
    const run = jit((n: NDArray) => storing(params as unknown as WhileParams, slots, [n, i32(0), f32(0)]).kept);
    for (const n of lengths) {
      let states: readonly number[] = [0];
      for (let step = 1; step < n; step++) states = storeOnline(states, slots, step).kept;
      const [steps, top, stored, places, rows] = run(i32(n));
      expect(steps.item()).toBe(n);
      expect(top.item()).toBe(states.length - 1);
      const at = numbersOf(stored).slice(0, states.length);
      expect(at).toEqual(states);
      const where = numbersOf(places);
      expect(new Set(where).size).toBe(slots);
      // The counter is the state.
      if (slots > 1) at.slice(1).forEach((step, i) => expect(numbersOf(rows)[where[i + 1]]).toBe(step));
    }
  };
  test.each([2, 3, 4, 7])("are those of the schedule, with %i slots", (slots) => {
    kept(slots, [0, 1, 2, 3, 5, 8, 9, 10, 11, 15, 16, 27, 28, 29, 36, 37, 60, 117, 250]);
  });

  test("so many steps are run as the schedule says", () => {
    for (const [n, slots] of [
      [0, 2],
      [1, 1],
      [7, 1],
      [12, 3],
      [40, 4],
    ]) {
      let states: readonly number[] = [0];
      for (let step = 1; step < n; step++) states = storeOnline(states, slots, step).kept;
      let back = 0;
      for (const action of reverseFrom(states, n, slots, false)) {
        if (action.kind === "advance") back += action.to - action.from;
      }
      const { runs } = runsOf("sin", () => grad(lossOf(n, slotted(slots)), both)(w, x));
      // The forward sweep reads the result, too: it runs the last step.
      expect(runs).toBe(n + back);
    }
  });

  test("no more than 9/7 of the steps are run that a known length takes", () => {
    for (let slots = 1; slots <= 10; slots++) {
      for (let n = 1; n <= 1000; n += n < 150 ? 1 : 37) {
        const { advances } = countSteps(online(n, slots));
        expect(advances, `${n} steps, ${slots} slots`).toBeLessThanOrEqual(minimalSteps(n, slots) * (9 / 7) + 1e-9);
      }
    }
  });
});

describe("memory", () => {
  let before: ReturnType<typeof setEngine> = null;
  beforeAll(() => {
    before = setEngine("wasm");
  });
  afterAll(() => setEngine(before ?? "wasm"));

  test.each([1, 2, 4, 8, 16])("is that of %i slots and one step", (slots) => {
    const size = 4096;
    const f = grad(lossOf(1000, slotted(slots)), both);
    const { peak } = memory(f, np.ones([size]), np.ones([size]));
    // Beside the slots: the operands, the cotangents, the state at hand and one step.
    expect(peak / (4 * size)).toBeLessThan(slots + 8.1);
  });

  test.each<[string, unknown, new (...args: never[]) => Error]>([
    ["no slots", { checkpoint: "online", slots: 0 }, ScheduleError],
    ["slots that are not said", { checkpoint: "online" }, ScheduleError],
    ["another word", { checkpoint: "binomial", slots: 3 }, RematTypeError],
    ["slots alone", { slots: 3 }, RematTypeError],
  ])("%s is an error", (_, options, type) => {
    expect(() => looped(i32(3), w, x, options as Options)).toThrow(type);
  });
});
