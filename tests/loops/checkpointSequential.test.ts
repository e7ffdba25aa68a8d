/** Chains of unequal stages: the bits of the plain chain, and the runs that the schedule counts. */
import { describe, expect, test } from "vitest";
import {
  BudgetError,
  checkpointSequential,
  grad,
  jit,
  np,
  RematTypeError,
  savedResiduals,
  ScheduleError,
  valueAndGrad,
  type NDArray,
  type SequentialOptions,
} from "../../src/index.ts";
import { minimalSteps } from "../../src/schedules/index.ts";
import { numbersOf } from "../remat/measure.ts";
import { runsOf } from "./counting.ts";

const chain = (n: number) => Array.from({ length: n }, (_, k) => (x: NDArray) => np.sin(np.tanh(x).mul(1 + k / n)));
const x = np.array([0.5, -0.3, 0.8], "float32");
const total = (f: (x: NDArray) => NDArray) => (x: NDArray) => np.sum(f(x));
const plain = (fs: readonly ((x: NDArray) => NDArray)[]) => (x: NDArray) => fs.reduce((y, f) => f(y), x);

describe.each<[string, SequentialOptions]>([
  ["one slot", { slots: 1 }],
  ["three slots", { slots: 3 }],
  ["three segments", { segments: 3 }],
  ["more segments than stages", { segments: 100 }],
  ["a tight budget", { memory: 130 }],
  ["a large budget", { memory: "1MB" }],
])("%s", (_, options) => {
  test("value and gradient", () => {
    const fs = chain(9);
    const f = checkpointSequential<NDArray, NDArray>(fs, options);
    const wanted = numbersOf(grad(total(plain(fs)))(x));
    expect(numbersOf(f(x))).toEqual(numbersOf(plain(fs)(x)));
    expect(numbersOf(grad(total(f))(x))).toEqual(wanted);
    expect(numbersOf(jit(grad(total(f)))(x))).toEqual(wanted);
  });
});

test.each([
  [9, 3],
  [16, 4],
  [7, 1],
])("%i equal stages by %i slots run as often as the binomial schedule says", (n, slots) => {
  const f = checkpointSequential<NDArray, NDArray>(chain(n), { slots });
  const { runs } = runsOf("tanh", () => numbersOf(valueAndGrad(total(f))(x)));
  expect(runs).toBe(minimalSteps(n, slots) + n);
});

test("a budget is kept by what is saved, and a larger one is not slower", () => {
  const big = np.ones([1000]);
  let last = Number.POSITIVE_INFINITY;
  for (const kilobytes of [40, 60, 90, 200]) {
    const f = checkpointSequential<NDArray, NDArray>(chain(9), { memory: kilobytes * 1000 });
    const plan = f.plan(big);
    expect(plan.time).toBeLessThanOrEqual(last);
    last = plan.time;
    const kept = savedResiduals(total(f), big).reduce((sum, r) => sum + r.bytes, 0);
    expect(kept).toBeLessThanOrEqual(kilobytes * 1000);
  }
});

describe("bad input", () => {
  const fs = chain(3);
  test.each<[string, () => unknown, new (...args: never[]) => Error]>([
    ["no functions", () => checkpointSequential([], { slots: 1 }), ScheduleError],
    ["not functions", () => checkpointSequential([3] as never, { slots: 1 }), RematTypeError],
    ["no slots", () => checkpointSequential(fs, { slots: 0 }), ScheduleError],
    ["half a segment", () => checkpointSequential(fs, { segments: 0.5 }), ScheduleError],
    ["no option", () => checkpointSequential(fs, {} as never), ScheduleError],
    ["too small a budget", () => checkpointSequential(fs, { memory: 4 })(x), BudgetError],
    ["a plan of slots", () => checkpointSequential(fs, { slots: 2 }).plan(x), ScheduleError],
  ])("%s", (_, run, type) => {
    expect(run).toThrow(type);
  });
});
