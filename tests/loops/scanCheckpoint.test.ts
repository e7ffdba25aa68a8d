/** `scan` with few states kept: the bits of the plain loop, the least number of steps, and the memory that was promised. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BudgetError,
  checkpoint,
  checkpointPolicies,
  grad,
  jit,
  jvp,
  lax,
  linearize,
  makeJaxpr,
  MemoryBudgetError,
  memory,
  np,
  RematTypeError,
  savedResiduals,
  setEngine,
  ScheduleError,
  valueAndGrad,
  vjp,
  vmap,
  type NDArray,
} from "../../src/index.ts";
import { logSlots, minimalSteps, sqrtSlots } from "../../src/schedules/index.ts";
import { numbersOf } from "../remat/measure.ts";
import { runsOf } from "./counting.ts";

type Option = lax.ScanOptions["checkpoint"];

const options: readonly (readonly [string, Option])[] = [
  ["none", "none"],
  ["sqrt", "sqrt"],
  ["binomial", "binomial"],
  ["one slot", { slots: 1 }],
  ["two slots", { slots: 2 }],
  ["three slots", { slots: 3 }],
  ["as many slots as steps", { slots: 10 }],
  ["more slots than steps", { slots: 100 }],
  ["a budget", { memory: "200B" }],
];

const w = np.array(
  [
    [0.1, 0.2, 0],
    [0, 0.3, 0.1],
    [0.4, 0, 0.2],
  ],
  "float32",
);
const xs = np.reshape(np.linspace(-1, 1, 30), [10, 3]);
const c = np.array([0.5, -0.3, 0.8], "float32");
const args = [c, xs, w] as const;

type Loss = (c: NDArray, xs: NDArray, w: NDArray) => NDArray;

/** A loop with a carry, an integer beside it, xs, ys and a constant. */
const loss =
  (option: Option, reverse = false): Loss =>
  (c, xs, w) => {
    const [[end], ys] = lax.scan(
      ([c, i]: [NDArray, NDArray], x: NDArray): [[NDArray, NDArray], [NDArray, NDArray]] => {
        const next = np.tanh(np.dot(w, c).add(x)).mul(i.add(1).astype("float32").mul(0.1).add(0.5));
        return [
          [next, i.add(1)],
          [np.sin(next).mul(x), i],
        ];
      },
      [c, np.array(0, "int32")] as [NDArray, NDArray],
      xs,
      { ...(option === undefined ? {} : { checkpoint: option }), reverse },
    );
    return np.sum(np.sin(end)).add(np.sum(np.cos(ys[0]).mul(ys[1].astype("float32").reshape([10, 1]))));
  };

const argnums = [0, 1, 2];

describe.each([
  ["forward", false],
  ["in reverse", true],
] as const)("%s", (_, reverse) => {
  const plain = loss(undefined, reverse);
  const wanted = numbersOf(grad(plain, { argnums })(...args));
  const value = numbersOf(plain(...args));

  describe.each(options)("%s", (_, option) => {
    const f = loss(option, reverse);
    test("value and gradient", () => {
      expect(numbersOf(f(...args))).toEqual(value);
      expect(numbersOf(grad(f, { argnums })(...args))).toEqual(wanted);
      expect(numbersOf(jit(grad(f, { argnums }))(...args))).toEqual(wanted);
      expect(numbersOf(grad(jit(f), { argnums })(...args))).toEqual(wanted);
      for (const argnum of argnums) {
        expect(numbersOf(grad(f, { argnums: argnum })(...args))).toEqual(
          numbersOf(grad(plain, { argnums: argnum })(...args)),
        );
      }
    });
    test("inside and around checkpoint", () => {
      for (const policy of [checkpointPolicies.nothingSaveable, checkpointPolicies.everythingSaveable]) {
        expect(numbersOf(grad(checkpoint(f, { policy }), { argnums })(...args))).toEqual(wanted);
        expect(numbersOf(jit(grad(checkpoint(f, { policy }), { argnums }))(...args))).toEqual(wanted);
      }
    });
    test("forward mode", () => {
      const ones = args.map((x) => np.onesLike(x)) as [NDArray, NDArray, NDArray];
      expect(numbersOf(jvp(f, args, ones))).toEqual(numbersOf(jvp(plain, args, ones)));
      expect(numbersOf(linearize(f, ...args)[1](...ones))).toEqual(numbersOf(linearize(plain, ...args)[1](...ones)));
    });
    test("vmap", () => {
      const batch = args.map((x) => np.stack([x, x.mul(0.5)])) as [NDArray, NDArray, NDArray];
      expect(numbersOf(vmap(grad(f, { argnums }))(...batch))).toEqual(
        numbersOf(vmap(grad(plain, { argnums }))(...batch)),
      );
      const total =
        (h: Loss): Loss =>
        (...xs) =>
          np.sum(vmap(h)(...xs));
      expect(numbersOf(grad(total(f), { argnums })(...batch))).toEqual(
        numbersOf(grad(total(plain), { argnums })(...batch)),
      );
      const cts = np.array([1, -2, 3], "float32");
      const [, pull] = vjp(f, ...args);
      expect(numbersOf(vmap(pull)(cts))).toEqual(numbersOf(vmap(vjp(plain, ...args)[1])(cts)));
    });
    test("second derivatives", () => {
      const directional =
        (h: Loss): ((c: NDArray) => NDArray) =>
        (c) =>
          np.sum(np.sin(grad(h)(c, xs, w)));
      // Cotangents of the backward pass add up in another order than those of the plain one.
      const close = (a: unknown, b: unknown): void => {
        const wanted = numbersOf(b);
        numbersOf(a).forEach((x, i) => expect(x).toBeCloseTo(wanted[i], 6));
      };
      close(grad(directional(f))(c), grad(directional(plain))(c));
      close(jvp(directional(f), [c], [c]), jvp(directional(plain), [c], [c]));
      close(jit(grad(directional(f)))(c), jit(grad(directional(plain)))(c));
    });
  });
});

describe("steps", () => {
  /** How often the body runs in a gradient: all of them in the forward pass, some again, and each once more in its reversal. */
  const bodyRuns = (length: number, option: Option): number => {
    const f = (x: NDArray): NDArray =>
      lax.scan((c: NDArray) => [np.sin(np.tanh(c)), null] as const, x, null, { length, checkpoint: option! })[0];
    return runsOf("tanh", () => numbersOf(jit(valueAndGrad(f))(np.array(0.3, "float32")))).runs;
  };
  test.each<[number, Option, number]>([
    ...[1, 2, 3, 7, 10, 33].flatMap((n) =>
      [1, 2, 3, 5, 8].map((slots): [number, Option, number] => [n, { slots }, Math.min(n, slots)]),
    ),
    [100, { slots: 5 }, 5],
    [100, "binomial", logSlots(100)],
    [100, "sqrt", sqrtSlots(100)],
    [100, "none", 1],
    [1000, { slots: 10 }, 10],
  ])("%i steps, %o", (n, option, slots) => {
    // What takes the loop's result is the last step of the chain; it is not one of the loop.
    expect(bodyRuns(n, option)).toBe(minimalSteps(n + 1, slots) + n);
  });
  test("no step", () => {
    const f = (x: NDArray): NDArray =>
      lax.scan((c: NDArray) => [np.sin(c), null] as const, x, null, { length: 0, checkpoint: "binomial" })[0];
    expect(grad(f)(np.array(2, "float32")).item()).toBe(1);
  });
});

describe("memory", () => {
  // Only an engine that compiles knows its peak.
  let before: ReturnType<typeof setEngine> = null;
  beforeAll(() => {
    before = setEngine("wasm");
  });
  afterAll(() => setEngine(before ?? "wasm"));
  const size = 4096;
  const net = (option: Option) => (c: NDArray, w: NDArray) =>
    np.sum(
      lax.scan((c: NDArray) => [np.tanh(np.sin(c).mul(w)), null] as const, c, null, {
        length: 100,
        ...(option === undefined ? {} : { checkpoint: option }),
      })[0],
    );
  const peak = (option: Option): number =>
    memory(jit(grad(net(option))), np.ones([size]), np.ones([size])).peak / (4 * size);

  test("the peak of the compiled program grows with the slots, and not with the steps", () => {
    // The slots, and beside them the arguments, the cotangents and one step.
    for (const slots of [1, 2, 4, 8, 16]) expect(peak({ slots }), `${slots} slots`).toBeLessThan(slots + 4.1);
    expect(peak(undefined)).toBeGreaterThan(300);
  });
  test("residuals are the slots and the operands", () => {
    const kept = savedResiduals(net({ slots: 5 }), np.ones([size]), np.ones([size]));
    const total = kept.reduce((sum, r) => sum + r.bytes, 0) / (4 * size);
    // four states beside the start, the start, w
    expect(total).toBeLessThan(6.1);
  });
  test("the program does not grow with the number of steps", () => {
    const equations = (length: number): number =>
      String(
        makeJaxpr(
          grad((c: NDArray) =>
            np.sum(
              lax.scan((c: NDArray) => [np.tanh(c), null] as const, c, null, { length, checkpoint: { slots: 7 } })[0],
            ),
          ),
        )(np.ones([3])),
      ).split(" = ").length;
    expect(equations(10000)).toBe(equations(100));
  });
});

describe("bad input", () => {
  const run = (option: unknown) => (): unknown => loss(option as Option)(...args);
  test.each<[string, unknown, new (...args: never[]) => Error, string]>([
    ["no slots", { slots: 0 }, ScheduleError, "at least 1"],
    ["half a slot", { slots: 2.5 }, ScheduleError, "integer"],
    ["slots as text", { slots: "3" }, ScheduleError, "'3' of type string"],
    ["an unknown word", "recursive", RematTypeError, "'recursive' of type string"],
    ["a number", 3, RematTypeError, "{ slots: 8 }"],
    ["nothing in it", {}, RematTypeError, '"binomial"'],
    ["no budget", { memory: "much" }, MemoryBudgetError, "much"],
    ["too small a budget", { memory: 16 }, BudgetError, "residuals of one step"],
  ])("%s", (_, option, type, text) => {
    expect(run(option)).toThrow(type);
    expect(run(option)).toThrow(text);
  });
  test("the smallest budget is enough", () => {
    let smallest = 0;
    try {
      run({ memory: 16 })();
    } catch (error) {
      smallest = (error as BudgetError).smallest;
    }
    expect(smallest).toBeGreaterThan(16);
    expect(run({ memory: smallest })).not.toThrow();
    expect(run({ memory: smallest - 1 })).toThrow(BudgetError);
  });
});
