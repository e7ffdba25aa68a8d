/**
 * The greedy planner: as long as the peak is above the budget, make the split with the best gain for its time at the position of the peak.
 * Which split is best is a matter of taste (how much time counts, whether high peaks count more), so there are many starts; the search
 * (`search.ts`) also uses it to mend plans that it has broken.
 */
import type { FlatGraph } from "./graph.ts";
import type { Random } from "./random.ts";
import { findCandidates } from "./candidates.ts";
import { type Chase, type Excess, insert, prepare, score, type Split, type Workbench } from "./split.ts";
import { retrace, type Trace } from "./trace.ts";

export interface Taste {
  /** The power of a split's time in `gain / time ** alpha`. */
  readonly alpha: number;
  readonly power: 1 | 2;
  /** How much chance there is in a score: 0 for none. */
  readonly noise: number;
}

/** The starts of the search. */
export const tastes: readonly Taste[] = ([1, 2] as const).flatMap((power) =>
  [0.5, 0.8, 1, 1.3].map((alpha) => ({ alpha, power, noise: 0 })),
);

/** How deep dead inputs are chased, in turn. */
const chases: readonly Chase[] = [
  () => false,
  (_, depth) => depth < 1,
  (_, depth) => depth < 2,
  (_, depth) => depth < 4,
  () => true,
];

/** Splits until the peak is within the budget; false if no split lowers the excess any more. */
export function greedy(
  graph: FlatGraph,
  trace: Trace,
  bench: Workbench,
  budget: number,
  taste: Taste,
  random: Random,
  mostTime = Infinity,
): boolean {
  const target: Excess = { budget: Math.max(budget, 1), power: taste.power };
  const best: Split = { at: 0, count: 0, nodes: new Int32Array(bench.split.nodes.length), time: 0, gain: 0 };
  // A step without time costs next to nothing, and not nothing: else it would be repeated for any gain at all.
  const grain = Math.max(trace.time / Math.max(1, trace.length), 1e-300) * 1e-6;
  const { split, candidates } = bench;
  const weigh = (time: number): number => (time + grain) ** taste.alpha;
  const luck = 1 + taste.noise / 2;
  while (trace.peak > budget) {
    findCandidates(graph, trace, candidates, target, weigh);
    let bestScore = 0;
    for (let k = 0; k < candidates.count; k++) {
      const candidate = candidates.order[k];
      if (candidates.promise[candidate] * luck <= bestScore) break;
      const bound = candidates.bound[candidate] * luck;
      let counted = 0;
      for (const chase of chases) {
        if (!prepare(graph, trace, bench, candidates.node[candidate], candidates.at[candidate], chase)) break;
        // A deeper chase that finds nothing more is the same split.
        if (split.count === counted) continue;
        counted = split.count;
        const weight = weigh(split.time);
        // Deeper chases take longer still.
        if (bound <= bestScore * weight || trace.time + split.time >= mostTime) break;
        if (!score(graph, trace, bench, target) || split.gain <= 0) continue;
        let worth = split.gain / weight;
        if (taste.noise > 0) worth *= 1 + taste.noise * (random.next() - 0.5);
        if (worth <= bestScore) continue;
        bestScore = worth;
        best.at = split.at;
        best.count = split.count;
        best.time = split.time;
        best.nodes.set(split.nodes.subarray(0, split.count));
      }
    }
    if (bestScore === 0) return false;
    const before = trace.peak;
    retrace(graph, trace, insert(trace, best));
    if (trace.length > 40 * graph.size + 1000) return false;
    // Work in place is not scored: a split that only looked good must not go on for ever.
    if (graph.worksInPlace && trace.peak >= before && trace.length > 6 * graph.size + 100) return false;
  }
  return true;
}
