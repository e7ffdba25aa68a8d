/** What the simple planners share: the plan that saves a set of values. */
import type { FlatGraph } from "../graph.ts";
import { describe, type GraphPlan } from "../planGraph.ts";
import { sequenceOfSaved } from "../saved.ts";
import { traceOf } from "../simulate.ts";

/** The plan that saves these forward nodes, as `sequenceOfSaved` has it. */
export function planOfSaved(
  graph: FlatGraph,
  isSaved: (v: number) => boolean,
  alongside?: (v: number) => readonly number[],
): GraphPlan {
  return describe(graph, sequenceOfSaved(graph, isSaved, alongside), Infinity, traceOf(graph, graph.order));
}
