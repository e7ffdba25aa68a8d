/**
 * Chen's segments (Chen, Xu, Zhang, Guestrin: "Training Deep Nets with Sublinear Memory Cost", 2016): every k-th value of the forward pass is
 * saved, and when the backward pass comes to a segment the whole segment is computed again. With k = √n a chain of n layers needs memory in
 * proportion to √n. It is the plan to compare others with: it knows neither sizes nor times.
 */
import { flatten, type FlatGraph, type PlanGraph } from "../graph.ts";
import type { GraphPlan } from "../planGraph.ts";
import { forwardNodes, inputsOf } from "../saved.ts";
import { planOfSaved } from "./recompute.ts";

export interface ChenOptions {
  /** Every how many nodes one is saved: √n by default. */
  readonly stride?: number;
  /** Which nodes are counted: all of the forward pass, or those through which everything has to pass. */
  readonly among?: "all" | "articulation";
}

/** The plan of segments of one length. */
export function chenPlan(graph: PlanGraph, options: ChenOptions = {}): GraphPlan {
  const flat = flatten(graph);
  const candidates = options.among === "articulation" ? articulationNodes(flat) : forwardNodes(flat);
  return segments(flat, candidates, Math.max(1, options.stride ?? Math.round(Math.sqrt(candidates.length))));
}

/** The plans of all lengths of segments, of all nodes and of articulation nodes: those that no other one beats, by peak. */
export function chenPlans(graph: PlanGraph): readonly GraphPlan[] {
  const flat = flatten(graph);
  const plans: GraphPlan[] = [];
  for (const candidates of [forwardNodes(flat), articulationNodes(flat)]) {
    for (let stride = 1; stride <= candidates.length; stride++) plans.push(segments(flat, candidates, stride));
  }
  plans.sort((a, b) => a.peak - b.peak || a.time - b.time);
  let time = Infinity;
  return plans.filter((plan) => {
    if (plan.time >= time) return false;
    time = plan.time;
    return true;
  });
}

function segments(graph: FlatGraph, candidates: readonly number[], stride: number): GraphPlan {
  const saved = new Set(candidates.filter((_, k) => k % stride === stride - 1));
  // A segment ends with a saved node, in the order of the forward pass.
  const segmentOf = new Map<number, number[]>();
  let segment: number[] = [];
  for (const v of forwardNodes(graph)) {
    segment.push(v);
    segmentOf.set(v, segment);
    if (saved.has(v)) segment = [];
  }
  // The backward pass begins in the last segment, while its values are still there.
  const last = [...segmentOf.values()].at(-1) ?? [];
  for (const v of last) saved.add(v);
  const needed = neededAgain(graph, saved);
  return planOfSaved(
    graph,
    (v) => saved.has(v),
    (v) => segmentOf.get(v)!.filter((u) => needed[u] === 1),
  );
}

/** What the backward pass reads and is not saved, and what has to be computed again for it. */
function neededAgain(graph: FlatGraph, saved: ReadonlySet<number>): Uint8Array {
  const needed = new Uint8Array(graph.size);
  for (const w of [...graph.order].reverse()) {
    if (graph.backward[w] === 0 && needed[w] === 0) continue;
    for (const v of inputsOf(graph, w)) if (graph.backward[v] === 0 && !saved.has(v)) needed[v] = 1;
  }
  return needed;
}

/** Forward nodes that no value of the forward pass jumps over. */
function articulationNodes(graph: FlatGraph): readonly number[] {
  const forward = forwardNodes(graph);
  const place = new Map(forward.map((v, k) => [v, k]));
  const reach = forward.map((_, k) => k);
  forward.forEach((w, k) => {
    for (const v of inputsOf(graph, w)) reach[place.get(v)!] = Math.max(reach[place.get(v)!], k);
  });
  const nodes: number[] = [];
  let furthest = 0;
  forward.forEach((v, k) => {
    if (furthest <= k) nodes.push(v);
    furthest = Math.max(furthest, reach[k]);
  });
  return nodes;
}
