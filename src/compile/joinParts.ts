/**
 * Parts of a kernel that a plan runs apart, put together again where memory allows. To the planner a part that shares equations with another one costs what
 * it adds to it (`kernelGraph.ts`), wherever it stands; where they stand apart, what they share in truth runs twice.
 */
import type { FlatGraph } from "../plan/graph.ts";
import { emptyTrace, retrace } from "../plan/trace.ts";
import type { KernelGraph } from "./kernelGraph.ts";

/** The sequence with parts moved to others of their kernel before them: never slower, and never with a higher peak by the model. */
export function joinParts(
  { groups, seconds }: KernelGraph,
  flat: FlatGraph,
  sequence: readonly number[],
): readonly number[] {
  const sharing = new Set(
    groups.flatMap(({ eqns, kernel }, g) => {
      const others = groups.filter((o, k) => k !== g && o.kernel === kernel);
      return others.some((o) => o.eqns.some((e) => eqns.includes(e))) ? [g] : [];
    }),
  );
  if (sharing.size === 0) return sequence;
  const trace = emptyTrace(flat);
  retrace(flat, trace, Int32Array.from(sequence));
  const { peak } = trace;
  let best = sequence;
  let time = seconds(best);
  for (let p = 1; p < best.length; p++) {
    const { kernel } = groups[best[p]];
    if (!sharing.has(best[p])) continue;
    let q = p - 1;
    while (q >= 0 && groups[best[q]].kernel !== kernel) q--;
    if (q < 0 || q === p - 1) continue;
    const moved = [...best.slice(0, q + 1), best[p], ...best.slice(q + 1, p), ...best.slice(p + 1)];
    const faster = seconds(moved);
    if (!(faster < time)) continue;
    retrace(flat, trace, Int32Array.from(moved));
    if (trace.peak > peak) continue;
    best = moved;
    time = faster;
  }
  return best;
}
