/** Planning in a worker: the plans of planGraph, its errors, its progress, and an end when it is asked for. */
import { expect, test } from "vitest";
import {
  BudgetError,
  paretoGraph,
  paretoGraphInWorker,
  planGraph,
  PlanGraphError,
  planGraphInWorker,
  type PlanGraph,
} from "../../src/plan/index.ts";
import { resNet } from "./graphs.ts";

const graph: PlanGraph = resNet(6);

test("gives the plan of planGraph, and tells how far it is", async () => {
  const told: number[] = [];
  const plan = await planGraphInWorker(graph, { memory: 0.6, onProgress: ({ done }) => void told.push(done) });
  expect(plan).toEqual(planGraph(graph, { memory: 0.6 }));
  expect(told.length).toBeGreaterThan(1);
  const cost = (_node: unknown, index: number): number => 1 + (index % 3);
  expect(await planGraphInWorker(graph, { memory: 0.6, cost })).toEqual(planGraph(graph, { memory: 0.6, cost }));
});

test("gives the curve of paretoGraph", async () => {
  expect(await paretoGraphInWorker(graph, { points: 5 })).toEqual(paretoGraph(graph, { points: 5 }));
});

test("errors are those of planGraph", async () => {
  const attempt = planGraphInWorker(graph, { memory: 1.5 });
  await expect(attempt).rejects.toThrow(BudgetError);
  await expect(attempt).rejects.toMatchObject({ smallest: expect.any(Number) as number });
  await expect(planGraphInWorker({ nodes: [], edges: [[0, 1]] }, { memory: 1 })).rejects.toThrow(PlanGraphError);
});

test("ends when its signal says so", async () => {
  const stop = new AbortController();
  const attempt = planGraphInWorker(graph, {
    memory: 0.6,
    effort: 1e6,
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(attempt).rejects.toThrow(/abort/i);
  await expect(planGraphInWorker(graph, { memory: 0.6, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});
