/** The last column of the README's table: a chain, by a plan within the memory that the binomial schedule takes. */
import { expect, test } from "vitest";
import { planGraph, simulateGraph, type PlanGraph } from "../../src/plan/index.ts";
import { binomial } from "../../src/schedules/index.ts";

/** Value and gradient of n steps: the argument, the steps, the loss, and the steps' reversals. Every value takes one byte, every step one second. */
function chain(n: number) {
  const step = (i: number): number => 1 + i;
  const loss = n + 1;
  const reversal = (i: number): number => 2 * n + 1 - i;
  const nodes = Array.from({ length: 2 * n + 2 }, (_, v) => ({ cost: v >= 1 && v <= n ? 1 : 0, bytes: 1 }));
  const edges = Array.from({ length: n }, (_, i): (readonly [number, number])[] => [
    [i, step(i)],
    [i, reversal(i)],
    [i === n - 1 ? loss : reversal(i + 1), reversal(i)],
  ]).flat();
  const graph: PlanGraph = { nodes, edges: [...edges, [n, loss]] };
  return { graph, step, loss, reversal };
}

function binomialSequence(n: number, slots: number): number[] {
  const { step, loss, reversal } = chain(n);
  const sequence = [0];
  for (const action of binomial(n, slots)) {
    if (action.kind === "advance") for (let i = action.from; i < action.to; i++) sequence.push(step(i));
    if (action.kind !== "vjp") continue;
    if (action.step === n - 1) sequence.push(step(n - 1), loss);
    sequence.push(reversal(action.step));
  }
  return sequence;
}

test.each([
  [8, 4, 12, 11],
  [16, 5, 28, 26],
  [32, 6, 69, 62],
  [64, 7, 157, 148],
  [128, 8, 348, 346],
])("a chain of %i: %i values kept, %i steps by the binomial schedule, %i by a plan", (n, kept, steps, planned) => {
  const { graph } = chain(n);
  const sequence = binomialSequence(n, kept - 1);
  const runs = (s: readonly number[]): number => s.filter((v) => v >= 1 && v <= n).length;
  const { peak } = simulateGraph(graph, sequence);
  const plan = planGraph(graph, { memory: peak });
  expect(runs(sequence)).toBe(steps);
  expect(plan.peak).toBeLessThanOrEqual(peak);
  expect(runs(plan.sequence)).toBe(planned);
});
