/** Schedules by themselves: how many steps they run, checked against a dynamic program, the closed form and published figures. */
import { describe, expect, test } from "vitest";
import { BudgetError, ScheduleError } from "../../src/index.ts";
import {
  binomial,
  countSteps,
  drawSchedule,
  firstCheckpoints,
  logSlots,
  minimalSteps,
  online,
  rotor,
  sqrt,
  sqrtSlots,
  storeAll,
  storeStart,
  type Stage,
} from "../../src/schedules/index.ts";

/** The least number of steps for all lengths and slots, by trying every place for the next checkpoint. */
function bruteForce(steps: number, slots: number): number[][] {
  const best: number[][] = [[], Array.from({ length: steps + 1 }, (_, n) => Math.abs(n * (n - 1)) / 2)];
  for (let s = 2; s <= slots; s++) {
    best[s] = [0, 0];
    for (let n = 2; n <= steps; n++) {
      let least = Number.POSITIVE_INFINITY;
      for (let k = 1; k < n; k++) least = Math.min(least, k + best[s - 1][n - k] + best[s][k]);
      best[s][n] = least;
    }
  }
  return best;
}

describe("binomial", () => {
  test("the closed form is the optimum, and the schedule attains it, for all lengths up to 200 and up to 10 slots", () => {
    const best = bruteForce(200, 10);
    for (let slots = 1; slots <= 10; slots++) {
      for (let n = 0; n <= 200; n++) {
        const { advances, vjps, slots: used } = countSteps(binomial(n, slots));
        expect([minimalSteps(n, slots), advances, vjps], `${n} steps, ${slots} slots`).toEqual([
          best[slots][n],
          best[slots][n],
          n,
        ]);
        expect(used).toBeLessThanOrEqual(slots);
      }
    }
  });

  test.each([
    [1000, [499500, 28820, 12155, 7998, 6284, 4285, 3636, 2860]],
    [10000, [49995000, 932820, 278730, 157496, 112868, 68560, 57624, 44015]],
    [256, [32640, 3608, 1845, 1330, 1074, 804, 690, 597]],
  ])("%i steps", (n, wanted) => {
    [1, 2, 3, 4, 5, 8, 10, 16].forEach((slots, i) => {
      expect(minimalSteps(n, slots)).toBe(wanted[i]);
      const counted = countSteps(binomial(n, slots));
      expect(counted.advances).toBe(wanted[i]);
      expect(counted.slots).toBe(slots);
    });
  });

  test("its first sweep", () => {
    expect(firstCheckpoints(10, 3)).toEqual([0, 4, 7]);
    expect(firstCheckpoints(1, 3)).toEqual([0]);
    expect(firstCheckpoints(3, 10)).toEqual([0, 1, 2]);
  });

  test("drawn", () => {
    expect(drawSchedule(binomial(4, 2))).toMatchInlineSnapshot(`
      "oo-v
      oov
      ov
      v"
    `);
  });
});

describe("simple schedules", () => {
  test.each([1, 2, 7, 100, 1000])("%i steps", (n) => {
    expect(countSteps(storeAll(n))).toEqual({ advances: n - 1, vjps: n, slots: n, repetitions: Math.min(1, n - 1) });
    expect(countSteps(storeStart(n)).advances).toBe((n * (n - 1)) / 2);
    expect(countSteps(sqrt(n)).repetitions).toBeLessThanOrEqual(2);
    if (sqrtSlots(n) > 1) expect(countSteps(binomial(n, sqrtSlots(n) - 1)).repetitions).toBeGreaterThan(2);
    expect(sqrtSlots(n)).toBeLessThanOrEqual(Math.ceil(Math.sqrt(2 * n)));
    expect(logSlots(n)).toBe(Math.max(1, Math.ceil(Math.log2(n))));
  });
  test("no step", () => {
    for (const schedule of [storeAll(0), storeStart(0), sqrt(0), online(0, 3)]) expect([...schedule]).toEqual([]);
  });
});

describe("online", () => {
  test("the steps before reversal are within 9/7 of the offline optimum", () => {
    for (let slots = 1; slots <= 16; slots++) {
      for (const n of [...Array.from({ length: 300 }, (_, i) => i + 1), 1000]) {
        const counted = countSteps(online(n, slots));
        const least = minimalSteps(n, slots);
        expect(counted.slots).toBeLessThanOrEqual(slots);
        expect(counted.advances, `${n} steps, ${slots} slots`).toBeLessThanOrEqual((least * 9) / 7 + 1e-9);
      }
    }
  });
  test("as long as no step need be run more than twice, none is, but those that lead once more to the last state", () => {
    for (let slots = 2; slots <= 12; slots++) {
      for (let n = 1; n <= ((slots + 1) * (slots + 2)) / 2; n++) {
        expect(countSteps(online(n, slots)).repetitions, `${n} steps, ${slots} slots`).toBeLessThanOrEqual(3);
      }
    }
  });
});

describe("rotor", () => {
  const chain = (length: number, stage: Stage): Stage[] => Array.from({ length }, () => stage);

  test.each([
    [5, 52],
    [6, 37],
    [7, 33],
    [8, 31],
    [9, 30],
    [10, 29],
    [11, 28],
    [13, 27],
    [15, 26],
    [17, 25],
    [18, 24],
  ])("eight equal stages in memory %i take %i", (memory, time) => {
    const plan = rotor(chain(8, { input: 1, record: 2, forward: 1, backward: 2 }), memory);
    expect([plan.time, plan.baseline]).toEqual([time, 24]);
    const counted = countSteps(plan.actions);
    const recorded = plan.actions.filter((a) => a.kind === "record").length;
    // a stage that is reversed without a record ahead runs forward in the reversal
    expect(counted.advances + recorded + (8 - recorded) + 2 * counted.vjps).toBe(time);
  });

  test("where one record fits at a time, it is as fast as the binomial schedule with the same slots, the state at hand being one of them", () => {
    for (let slots = 2; slots <= 5; slots++) {
      for (let n = 1; n <= 20; n++) {
        const plan = rotor(chain(n, { input: 1, record: 100, forward: 1, backward: 0 }), slots + 101, { output: 1 });
        expect(plan.time, `${n} stages, ${slots} slots`).toBeGreaterThanOrEqual(minimalSteps(n, slots) + n);
        expect(plan.time, `${n} stages, ${slots} slots`).toBeLessThanOrEqual(minimalSteps(n, slots - 1) + n);
      }
    }
  });

  test("a larger budget is never slower", () => {
    const stages = Array.from({ length: 12 }, (_, i) => ({
      input: 1 + ((i * 7) % 5),
      record: 3 + ((i * 11) % 9),
      forward: 1 + ((i * 5) % 7),
      backward: 2 + ((i * 3) % 11),
    }));
    let last = Number.POSITIVE_INFINITY;
    for (let memory = 20; memory <= 120; memory++) {
      let time: number;
      try {
        time = rotor(stages, memory).time;
      } catch (error) {
        expect(error).toBeInstanceOf(BudgetError);
        expect((error as BudgetError).smallest).toBeGreaterThan(memory);
        continue;
      }
      expect(time).toBeLessThanOrEqual(last);
      last = time;
    }
    expect(last).toBe(stages.reduce((sum, s) => sum + s.forward + s.backward, 0));
  });

  test("the smallest budget is told", () => {
    expect(() => rotor(chain(8, { input: 1, record: 2, forward: 1, backward: 2 }), 4)).toThrow("at least 5 bytes");
  });
});

describe("bad input", () => {
  test.each<[string, () => unknown]>([
    ["no slot", () => minimalSteps(10, 0)],
    ["half a slot", () => [...binomial(10, 1.5)]],
    ["a negative length", () => [...binomial(-1, 3)]],
    ["no number", () => [...online(Number.NaN, 3)]],
    ["no stages", () => rotor([], 10)],
    ["a negative size", () => rotor([{ input: -1, record: 1, forward: 1, backward: 1 }], 10)],
    ["a state that is not stored", () => countSteps([{ kind: "restore", step: 3, slot: 0 }])],
    ["an advance from nowhere", () => countSteps([{ kind: "advance", from: 2, to: 3 }])],
    ["steps out of order", () => countSteps([{ kind: "vjp", step: 0 }, { kind: "vjp", step: 1 } as const])],
  ])("%s", (_, run) => {
    expect(run).toThrow(ScheduleError);
  });
});
