/** The plan that saves as few bytes as it can, when recomputing is free (`cut.ts`): as PyTorch's partitioner does for cheap operations. */
import { cutNodes } from "../cut.ts";
import { flatten, type PlanGraph } from "../graph.ts";
import type { GraphPlan } from "../planGraph.ts";
import { planOfSaved } from "./recompute.ts";

export interface MinCutOptions {
  /** Which nodes may be computed again: all that can by default. The others are saved, or something cheaper after them is. */
  readonly recomputable?: (node: number) => boolean;
}

/** The plan that saves the smallest cut, with its true peak. Nodes that read nothing count as inputs: they are not computed from nothing. */
export function minCutPlan(graph: PlanGraph, options: MinCutOptions = {}): GraphPlan {
  const flat = flatten(graph);
  const saved = cutNodes(flat, options.recomputable ?? (() => true), "first");
  return planOfSaved(flat, (v) => saved[v] === 1);
}
