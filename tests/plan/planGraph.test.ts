/** The planner's promises, on random graphs and on small training graphs: every plan is replayed by a simulator of the tests' own. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BudgetError,
  type GraphPlan,
  type PlanGraph,
  planGraph,
  PlanGraphError,
  simulateGraph,
} from "../../src/plan/index.ts";
import { MemoryBudgetError } from "../../src/errors.ts";
import { exhaustive, randomGraph, replay, resNet, trainingGraph, uNet } from "./graphs.ts";

/** The plan, or the smallest budget that the error names. */
function tryPlan(graph: PlanGraph, memory: number | string): GraphPlan | number {
  try {
    return planGraph(graph, { memory, effort: 0.3 });
  } catch (error) {
    if (error instanceof BudgetError) return error.smallest;
    throw error;
  }
}

describe("on random graphs", () => {
  it("a plan is what a replay of its sequence finds, and within the budget", () => {
    fc.assert(
      fc.property(randomGraph(14), fc.integer({ min: 0, max: 100 }), (graph, share) => {
        const whole = simulateGraph(graph, planGraph(graph, { memory: Infinity, effort: 0 }).sequence);
        const budget = Math.floor((whole.peak * share) / 100);
        const plan = tryPlan(graph, `${budget}B`);
        if (typeof plan === "number") {
          expect(plan).toBeGreaterThan(budget);
          return;
        }
        const { peak, time } = replay(graph, plan.sequence);
        expect(plan.peak).toBe(peak);
        expect(plan.time).toBeCloseTo(time, 9);
        expect(peak).toBeLessThanOrEqual(budget);
        expect(plan.lowerBound.peak).toBeLessThanOrEqual(peak);
        expect(plan.timeline.reduce((most, step) => Math.max(most, step.memory), 0)).toBe(peak);
        expect(plan.baseline.time).toBeLessThanOrEqual(time);
      }),
      { numRuns: 150 },
    );
  });

  it("a bigger budget never gives a slower plan, and never fails where a smaller one did not", () => {
    fc.assert(
      fc.property(randomGraph(30, true), (graph) => {
        const whole = planGraph(graph, { memory: Infinity, effort: 0 }).peak;
        let slowest = Infinity;
        for (let k = 0; k <= 8; k++) {
          const plan = tryPlan(graph, `${Math.floor((whole * k) / 8)}B`);
          if (typeof plan === "number") {
            expect(slowest).toBe(Infinity);
            continue;
          }
          expect(plan.time).toBeLessThanOrEqual(slowest);
          slowest = plan.time;
        }
        expect(slowest).toBeLessThan(Infinity);
      }),
      { numRuns: 25 },
    );
  });

  it("the smallest budget that an error names can be kept", () => {
    fc.assert(
      fc.property(randomGraph(14), (graph) => {
        const smallest = tryPlan(graph, 0);
        if (typeof smallest !== "number") {
          expect(smallest.peak).toBe(0);
          return;
        }
        const plan = planGraph(graph, { memory: `${smallest}B`, effort: 0.3 });
        expect(plan.peak).toBe(smallest);
        expect(replay(graph, plan.sequence).peak).toBe(smallest);
      }),
      { numRuns: 60 },
    );
  });

  it("no plan is faster than the best of all, and few are slower than the best in the given order", () => {
    let cases = 0;
    let best = 0;
    fc.assert(
      fc.property(randomGraph(7, true), fc.integer({ min: 30, max: 100 }), (graph, share) => {
        const budget = Math.floor((planGraph(graph, { memory: Infinity, effort: 0 }).peak * share) / 100);
        const free = exhaustive(graph, budget, false);
        const given = exhaustive(graph, budget, true);
        const plan = tryPlan(graph, `${budget}B`);
        const time = typeof plan === "number" ? Infinity : plan.time;
        expect(time).toBeGreaterThanOrEqual(free);
        cases++;
        if (time <= given) best++;
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(best / cases).toBeGreaterThanOrEqual(0.99);
  });
});

describe("on training graphs", () => {
  const graphs: Readonly<Record<string, PlanGraph>> = {
    chain: trainingGraph(Array.from({ length: 12 }, (_, k) => ({ bytes: 100, cost: 3, from: k === 0 ? [] : [k - 1] }))),
    "U-Net": uNet(5),
    ResNet: resNet(10),
  };
  it.each(Object.keys(graphs))("%s: budgets are kept down to the floor, at growing cost", (name) => {
    const graph = graphs[name];
    let time = Infinity;
    for (const share of [0.3, 0.5, 0.7, 0.9, 1]) {
      const plan = tryPlan(graph, share);
      if (typeof plan === "number") continue;
      const real = replay(graph, plan.sequence);
      expect(real.peak).toBe(plan.peak);
      expect(plan.peak).toBeLessThanOrEqual(share * plan.baseline.peak);
      expect(plan.time).toBeLessThanOrEqual(time);
      time = plan.time;
    }
    expect(time).toBe(
      simulateGraph(
        graph,
        graph.nodes.map((_, v) => v),
      ).time,
    );
  });

  it("a chain of eight equal layers in less memory costs what brute force finds", () => {
    const graph = trainingGraph(
      Array.from({ length: 4 }, (_, k) => ({ bytes: 1, cost: 1, from: k === 0 ? [] : [k - 1] })),
    );
    for (let budget = 3; budget <= 6; budget++) {
      const plan = tryPlan(graph, `${budget}B`);
      const best = exhaustive(graph, budget, true);
      expect(typeof plan === "number" ? Infinity : plan.time).toBe(best);
    }
  });

  it("saved and recomputed values are told apart", () => {
    const plan = planGraph(graphs.chain, { memory: 0.6 });
    const repeated = new Set(plan.timeline.filter((step) => step.repeated).map((step) => step.node));
    expect(new Set(plan.recomputed.map(({ node }) => node))).toEqual(repeated);
    expect(plan.saved.every(({ node }) => !repeated.has(node))).toBe(true);
    expect(plan.recomputed.reduce((sum, { extraTime }) => sum + extraTime, 0)).toBe(plan.time - plan.baseline.time);
  });
});

describe("what a caller may ask for", () => {
  const graph = uNet(3);
  it("budgets are bytes, shares and strings", () => {
    const { peak } = planGraph(graph, { memory: Infinity });
    for (const memory of [0.75, "75%", Math.floor(0.75 * peak), `${Math.floor(0.75 * peak)} B`]) {
      expect(planGraph(graph, { memory }).budget).toBe(Math.floor(0.75 * peak));
    }
    expect(planGraph(graph, { memory: "1 GiB" }).budget).toBe(2 ** 30);
    for (const memory of [-1, NaN, "64 MiBs", "much", ""]) {
      expect(() => planGraph(graph, { memory })).toThrow(MemoryBudgetError);
    }
  });

  it("an error for a budget that is too small names the smallest found and what holds it", () => {
    const error = tryCatch(() => planGraph(graph, { memory: 0.1 })) as BudgetError;
    expect(error).toBeInstanceOf(BudgetError);
    expect(error.smallest).toBeGreaterThanOrEqual(planGraph(graph, { memory: 1 }).lowerBound.peak);
    expect(error.holders.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(error.smallest);
    expect(error.message).toMatch(/holds f\d+ \(/);
    expect(error.message).toContain(String(error.smallest));
  });

  it("costs may be counted, and given by a function", () => {
    expect(planGraph(graph, { memory: 1, cost: "unit" }).time).toBe(graph.nodes.length);
    expect(planGraph(graph, { memory: 1, cost: (_, index) => index }).time).toBe(
      (graph.nodes.length * (graph.nodes.length - 1)) / 2,
    );
  });

  it("the search can be stopped, and tells how far it is", () => {
    const seen: number[] = [];
    const plan = planGraph(graph, {
      memory: 0.8,
      onProgress: ({ done }) => {
        seen.push(done);
        return seen.length < 40;
      },
    });
    expect(replay(graph, plan.sequence).peak).toBe(plan.peak);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(planGraph(graph, { memory: 1, timeLimit: 0 }).overhead).toBe(0);
  });

  it("the same question has the same answer", () => {
    const ask = (): readonly number[] => planGraph(uNet(4), { memory: 0.6, effort: 0.5 }).sequence;
    expect(ask()).toEqual(ask());
  });

  it.each([
    ["an edge out of nowhere", { nodes: [{ cost: 1, bytes: 1 }], edges: [[1, 0]] }],
    ["a size below zero", { nodes: [{ cost: 1, bytes: -1 }], edges: [] }],
    ["a time that is none", { nodes: [{ cost: NaN, bytes: 1 }], edges: [] }],
    ["no size at all", { nodes: [{ cost: 1 }], edges: [] }],
    ["a cycle", { nodes: [{ cost: 1, bytes: 1 }, { cost: 1, bytes: 1 }], edges: [[0, 1], [1, 0]] }], // prettier-ignore
    ["a buffer that is not read", { nodes: [{ cost: 1, bytes: 1 }, { cost: 1, bytes: 1, inPlace: [{ of: 0 }] }], edges: [] }], // prettier-ignore
  ] as readonly [string, PlanGraph][])("%s is refused", (_, bad) => {
    expect(() => planGraph(bad, { memory: 1 })).toThrow(PlanGraphError);
  });

  it("an order that is not topological is mended", () => {
    const plan = planGraph(
      {
        nodes: [
          { cost: 1, bytes: 2 },
          { cost: 1, bytes: 1 },
        ],
        edges: [[1, 0]],
      },
      { memory: 1 },
    );
    expect(plan.sequence).toEqual([1, 0]);
  });

  it("an empty graph has an empty plan", () => {
    expect(planGraph({ nodes: [], edges: [] }, { memory: 0 })).toMatchObject({ peak: 0, time: 0, sequence: [] });
  });

  it("steps that work in place need one buffer less", () => {
    const chain = (inPlace: boolean): PlanGraph => ({
      nodes: [0, 1, 2, 3].map((k) => ({
        cost: 1,
        bytes: 8,
        ...(inPlace && k > 0 ? { inPlace: [{ of: k - 1 }] } : {}),
      })),
      edges: [[0, 1], [1, 2], [2, 3]], // prettier-ignore
      resident: 100,
    });
    expect(planGraph(chain(false), { memory: Infinity }).peak).toBe(116);
    expect(planGraph(chain(true), { memory: Infinity }).peak).toBe(108);
  });
});

function tryCatch(f: () => unknown): unknown {
  try {
    return f();
  } catch (error) {
    return error;
  }
}
