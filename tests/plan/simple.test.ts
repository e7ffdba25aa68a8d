/** The simple planners: each keeps its own promise, and the peak it reports is the one of its sequence. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chenPlan,
  chenPlans,
  knapsackPlan,
  minCutPlan,
  type PlanGraph,
  planGraph,
  PlanGraphError,
} from "../../src/plan/index.ts";
import { knapsack } from "../../src/plan/simple/knapsack.ts";
import { type CutEdge, minCut } from "../../src/plan/cut.ts";
import { replay, resNet, trainingGraph, uNet } from "./graphs.ts";

const chain = (n: number): PlanGraph =>
  trainingGraph(Array.from({ length: n }, (_, k) => ({ bytes: 10, cost: 1, from: k === 0 ? [] : [k - 1] })));
const graphs: readonly (readonly [string, PlanGraph])[] = [
  ["chain", chain(25)],
  ["U-Net", uNet(4)],
  ["ResNet", resNet(6)],
];

describe.each(graphs)("on a %s", (_, graph) => {
  it("every plan's peak and time are those of its sequence", () => {
    const plans = [
      chenPlan(graph),
      ...chenPlans(graph),
      ...[0, 0.3, 0.6, 1].map((saved) => knapsackPlan(graph, { saved })),
      minCutPlan(graph),
      minCutPlan(graph, { recomputable: (v) => v % 2 === 0 }),
    ];
    for (const plan of plans) {
      const { peak, time } = replay(graph, plan.sequence);
      expect(plan.peak).toBe(peak);
      expect(plan.time).toBe(time);
    }
  });

  it("saving everything is the baseline", () => {
    for (const plan of [chenPlan(graph, { stride: 1 }), knapsackPlan(graph, { saved: 1 })]) {
      expect(plan.peak).toBe(plan.baseline.peak);
      expect(plan.overhead).toBe(0);
    }
  });

  it("no forward node runs more than twice, and no backward node more than once", () => {
    for (const plan of [chenPlan(graph), knapsackPlan(graph, { saved: 0.3 }), minCutPlan(graph)]) {
      replay(graph, plan.sequence).runs.forEach((runs, v) => {
        expect(runs).toBeLessThanOrEqual(graph.nodes[v].backward === true ? 1 : 2);
      });
    }
  });

  it("the planner is at least as good as the best segments, at the same peak", () => {
    for (const plan of chenPlans(graph).slice(0, 3)) {
      expect(planGraph(graph, { memory: `${plan.peak}B`, effort: 0.3 }).time).toBeLessThanOrEqual(plan.time);
    }
  });
});

it("√n segments of a chain need memory in proportion to √n, at one more forward pass", () => {
  const peaks = [16, 64, 256].map((n) => {
    const plan = chenPlan(chain(n));
    expect(plan.time - plan.baseline.time).toBeLessThanOrEqual(n);
    return plan.peak / 10;
  });
  expect(peaks[1] / peaks[0]).toBeLessThan(2.2);
  expect(peaks[2] / peaks[1]).toBeLessThan(2.2);
});

describe("the knapsack", () => {
  it("is the best of all subsets", () => {
    const item = fc.tuple(fc.nat(9), fc.nat(9));
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), fc.nat(30), (items, capacity) => {
        const sum = (of: readonly boolean[], which: 0 | 1): number =>
          items.reduce((total, pair, k) => total + (of[k] ? pair[which] : 0), 0);
        const chosen = knapsack(items.map(([w]) => w), items.map(([, v]) => v), capacity); // prettier-ignore
        let best = 0;
        for (let mask = 0; mask < 2 ** items.length; mask++) {
          const subset = items.map((_, k) => ((mask >> k) & 1) === 1);
          if (sum(subset, 0) <= capacity) best = Math.max(best, sum(subset, 1));
        }
        expect(sum(chosen, 0)).toBeLessThanOrEqual(capacity);
        expect(sum(chosen, 1)).toBe(best);
      }),
    );
  });

  it("takes a share", () => {
    expect(() => knapsackPlan(uNet(3), { saved: 2 })).toThrow(PlanGraphError);
  });
});

describe("the smallest cut", () => {
  it("has the capacity of the smallest of all cuts", () => {
    const n = 7;
    const edge = fc.tuple(fc.nat(n - 1), fc.nat(n - 1), fc.nat(20)).map((e): CutEdge => e);
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 20 }), (edges) => {
        const across = (inside: (v: number) => boolean): number =>
          edges.reduce((sum, [u, v, c]) => sum + (inside(u) && !inside(v) ? c : 0), 0);
        const side = minCut(n, edges, 0, n - 1);
        let best = Infinity;
        for (let mask = 1; mask < 2 ** (n - 1); mask += 2)
          best = Math.min(
            best,
            across((v) => ((mask >> v) & 1) === 1),
          );
        expect(side[0]).toBe(1);
        expect(side[n - 1]).toBe(0);
        expect(across((v) => side[v] === 1)).toBe(best);
      }),
    );
  });

  it("saves the narrow place and recomputes what follows", () => {
    const sizes = [100, 100, 1, 100, 100];
    const graph = trainingGraph(sizes.map((bytes, k) => ({ bytes, cost: 1, from: k === 0 ? [] : [k - 1] })));
    const { saved } = minCutPlan(graph, { recomputable: (v) => v > 0 });
    expect(saved.map(({ name }) => name)).toContain("f0");
    expect(() => minCutPlan({ nodes: [{ cost: 1, bytes: 1 }], edges: [] })).toThrow(PlanGraphError);
  });
});
