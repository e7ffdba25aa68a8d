/** The whole curve of memory against time of a graph, from the smallest peak to the plan that computes nothing twice. */
import type { Front } from "./front.ts";
import { flatten, type PlanGraph } from "./graph.ts";
import { describe, type GraphPlan, searchFlat, type SearchSettings, withCost } from "./planGraph.ts";
import { traceOf } from "./simulate.ts";

export interface ParetoOptions extends SearchSettings {
  /** The most points to return; all that were found by default. */
  readonly points?: number;
}

/** Plans of growing peak and falling time: none of them is beaten in both. */
export function paretoGraph(graph: PlanGraph, options: ParetoOptions = {}): readonly GraphPlan[] {
  const flat = flatten(withCost(graph, options.cost));
  const baseline = traceOf(flat, flat.order);
  const front = searchFlat(flat, Infinity, options);
  return thin(front, options.points ?? Infinity).map(({ seq, peak }) => describe(flat, seq, peak, baseline));
}

/** At most `points` of the curve, both ends among them, spread evenly over memory. */
function thin(front: Front, points: number): Front {
  if (front.length <= points) return front;
  const low = front[0].peak;
  const high = front[front.length - 1].peak;
  const chosen = new Set<number>();
  for (let k = 0; k < points; k++) {
    const wanted = points === 1 ? low : low + ((high - low) * k) / (points - 1);
    let at = 0;
    while (at + 1 < front.length && front[at + 1].peak <= wanted) at++;
    chosen.add(at);
  }
  return front.filter((_, k) => chosen.has(k));
}
