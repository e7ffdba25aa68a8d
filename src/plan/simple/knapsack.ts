/**
 * The knapsack: which values of the forward pass to save within a budget of *saved bytes*, so that the time of what is computed again is
 * least. PyTorch's `activation_memory_budget` asks the same question. It is exact for its own question, and says nothing of the peak: with
 * little saved, the backward pass computes so much again that its peak grows. `planGraph` is what bounds the peak; this is to compare with.
 */
import { PlanGraphError } from "../../errors.ts";
import { flatten, type PlanGraph } from "../graph.ts";
import type { GraphPlan } from "../planGraph.ts";
import { forwardNodes, readByBackward } from "../saved.ts";
import { planOfSaved } from "./recompute.ts";

/** Into how many parts the budget is cut: sizes are rounded up, so that the answer keeps it. */
const parts = 2000;

/** The plan that saves at most the share `saved` (0 to 1) of the bytes that the backward pass reads, with its true peak. */
export function knapsackPlan(graph: PlanGraph, options: { readonly saved: number }): GraphPlan {
  const { saved } = options;
  if (!(saved >= 0 && saved <= 1)) {
    throw new PlanGraphError(`knapsackPlan: saved is a share between 0 and 1; it is ${String(saved)}.`);
  }
  const flat = flatten(graph);
  const read = readByBackward(flat);
  const items = forwardNodes(flat).filter((v) => read[v] === 1 && flat.repeatable[v] === 1);
  const bytes = items.map((v) =>
    flat.bytes.subarray(flat.valueStart[v], flat.valueStart[v + 1]).reduce((sum, b) => sum + b, 0),
  );
  const unit = bytes.reduce((sum, b) => sum + b, 0) / parts;
  const weight = bytes.map((b) => (unit > 0 ? Math.ceil(b / unit - 1e-9) : 0));
  const chosen = knapsack(weight, items.map((v) => flat.cost[v]), Math.floor(parts * saved)); // prettier-ignore
  const kept = new Set(items.filter((_, k) => chosen[k]));
  // Everything fits where everything may be saved: rounding is no reason to drop.
  return planOfSaved(flat, (v) => saved === 1 || kept.has(v));
}

/** Which items to take for the most value within the capacity: the exact answer for whole weights, in time items × capacity. */
export function knapsack(weight: readonly number[], value: readonly number[], capacity: number): readonly boolean[] {
  const best = new Float64Array(capacity + 1);
  const takes = weight.map(() => new Uint8Array(capacity + 1));
  weight.forEach((w, k) => {
    for (let room = capacity; room >= w; room--) {
      if (best[room - w] + value[k] > best[room] || (w === 0 && value[k] === 0)) {
        best[room] = best[room - w] + value[k];
        takes[k][room] = 1;
      }
    }
  });
  const chosen = weight.map(() => false);
  let room = capacity;
  for (let k = weight.length - 1; k >= 0; k--) {
    if (takes[k][room] === 0) continue;
    chosen[k] = true;
    room -= weight[k];
  }
  return chosen;
}
