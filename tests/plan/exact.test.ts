import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { sequenceOf, stagesOf } from "../../src/plan/exact/stages.ts";
import { planGraphExact, solveStages } from "../../src/plan/exact/planExact.ts";
import { flatten, type PlanGraph } from "../../src/plan/graph.ts";
import { simulateGraph } from "../../src/plan/index.ts";
import { floorOf } from "../../src/plan/simulate.ts";
import { exhaustive, randomGraph, replay, resNet, trainingGraph, uNet } from "./graphs.ts";

const orderOf = (graph: PlanGraph): number[] => graph.nodes.map((_, v) => v);

/** The best plan of the program alone, without the search. */
async function solveAlone(graph: PlanGraph, budget: number): Promise<readonly number[] | undefined> {
  const flat = flatten(graph);
  const stages = stagesOf(flat, budget, 10 * (1 + simulateGraph(graph, orderOf(graph)).time));
  if (stages.program.cost.length === 0) return undefined;
  const { solution } = await solveStages(stages, 20, 1e-9);
  return solution === undefined ? undefined : [...sequenceOf(flat, stages, solution)];
}

/** Training steps of four layers, the third of which may read the first, and where a budget lies between the least and the most. */
const training = fc
  .tuple(
    fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 9 }), cost: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 4,
      maxLength: 4,
    }),
    fc.boolean(),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([layers, skip, part]) => {
    const from = [[], [0], skip ? [0, 1] : [1], [2]];
    return [trainingGraph(layers.map((layer, k) => ({ ...layer, from: from[k] }))), part] as const;
  });

describe("the program of stages", () => {
  test("its plans keep the budget and cost what brute force finds", async () => {
    const found = { same: 0, dearer: 0, none: 0 };
    for (const [graph, part] of fc.sample(training, { seed: 11, numRuns: 16 })) {
      const peak = simulateGraph(graph, orderOf(graph)).peak;
      const least = floorOf(flatten(graph));
      const budget = Math.min(peak - 1, least + Math.floor(part * (peak - least)));
      const sequence = await solveAlone(graph, budget);
      const best = exhaustive(graph, budget, true);
      if (sequence === undefined) {
        found.none++;
        expect(best).toBe(Infinity);
        continue;
      }
      const plan = replay(graph, sequence);
      expect(plan.peak).toBeLessThanOrEqual(budget);
      expect(plan.time).toBeGreaterThanOrEqual(best);
      found[plan.time === best ? "same" : "dearer"]++;
    }
    expect(found).toMatchInlineSnapshot(`
      {
        "dearer": 0,
        "none": 8,
        "same": 8,
      }
    `);
  });

  test("with several outputs, workspace, effects, results and resident bytes its plans keep the budget", async () => {
    let plans = 0;
    for (const random of fc.sample(randomGraph(9), { seed: 5, numRuns: 60 })) {
      const graph = { ...random, resident: 5 };
      const budget = simulateGraph(graph, orderOf(graph)).peak - 1;
      const sequence = await solveAlone(graph, budget);
      if (sequence === undefined) continue;
      plans++;
      expect(replay(graph, sequence).peak).toBeLessThanOrEqual(budget);
    }
    expect(plans).toBeGreaterThan(5);
  });
});

describe("planGraphExact", () => {
  test.each([
    ["a residual network", resNet(3), 0.8],
    ["a U-Net", uNet(4), 0.8],
  ])("%s: proven, never dearer than the search", async (_, graph, memory) => {
    const plan = await planGraphExact(graph, { memory, effort: 0.2 });
    expect(replay(graph, plan.sequence)).toMatchObject({ peak: plan.peak, time: plan.time });
    expect(plan.peak).toBeLessThanOrEqual(memory * plan.baseline.peak);
    expect(plan.proven).toBe(true);
    expect(plan.gap).toBeLessThan(1e-4);
    expect(plan.time).toBeLessThanOrEqual(plan.searchTime);
    expect(plan.searchTime).toBeLessThanOrEqual(1.005 * plan.time);
    expect(plan.lowerBound.time).toBeGreaterThanOrEqual(plan.baseline.time);
  });

  test("where nothing has to be computed again there is nothing to solve", async () => {
    const plan = await planGraphExact(uNet(2), { memory: 1 });
    expect([plan.gap, plan.proven, plan.columns]).toEqual([0, true, 0]);
  });

  test("a solver that is given no time leaves the search's plan and an honest gap", async () => {
    const plan = await planGraphExact(uNet(4), { memory: 0.8, effort: 0.1, solverSeconds: 0 });
    expect(plan.time).toBeLessThanOrEqual(plan.searchTime);
    expect(plan.lowerBound.time).toBeLessThanOrEqual(plan.time);
    expect(plan.gap).toBeGreaterThanOrEqual(0);
  });
});
