/**
 * The values that may be dropped at a position, the most promising first. What a split can gain at most is known without looking at it: not more
 * than the excess over the budget between the value's reads, and not more than its bytes at each step there that exceeds the budget. Two prefix
 * sums over the sequence tell both at once, so that most candidates are never scored: branch and bound (Land and Doig 1960).
 */
import type { FlatGraph } from "./graph.ts";
import type { Excess } from "./split.ts";
import { readAfter, readBefore, type Trace } from "./trace.ts";

/** Room for the candidates of one position. */
export interface Candidates {
  count: number;
  node: Int32Array;
  /** The position before which the node is to run again. */
  at: Int32Array;
  /** The most that a split of it can gain. */
  bound: Float64Array;
  /** The candidates by what they promise, best first. */
  order: Int32Array;
  promise: Float64Array;
  /** The excess over the budget before each position, and how fast it falls with the bytes that go. */
  excess: Float64Array;
  slope: Float64Array;
}

export const emptyCandidates = (): Candidates => ({
  count: 0,
  node: new Int32Array(64),
  at: new Int32Array(64),
  bound: new Float64Array(64),
  order: new Int32Array(64),
  promise: new Float64Array(64),
  excess: new Float64Array(64),
  slope: new Float64Array(64),
});

function reserve(c: Candidates, length: number): void {
  if (c.excess.length >= length) return;
  const room = Math.ceil(1.5 * length);
  for (const key of ["node", "at", "order"] as const) c[key] = new Int32Array(room);
  for (const key of ["bound", "promise", "excess", "slope"] as const) c[key] = new Float64Array(room);
}

/** Finds the candidates at the peak; `weigh` is what the time of a split counts for, given the least that it can take. */
export function findCandidates(
  graph: FlatGraph,
  trace: Trace,
  c: Candidates,
  { budget, power }: Excess,
  weigh: (time: number) => number,
): void {
  const { memory, length, holdStart, last, latest, previous } = trace;
  reserve(c, length + 2);
  const { excess, slope } = c;
  excess[0] = 0;
  slope[0] = 0;
  for (let p = 0; p < length; p++) {
    const over = memory[p] - budget;
    const share = over > 0 && power === 2 ? over / budget : 1;
    excess[p + 1] = excess[p] + (over > 0 ? over * share : 0);
    slope[p + 1] = slope[p] + (over > 0 ? power * share : 0);
  }
  c.count = 0;
  eachWaiting(graph, trace, trace.peakAt, (v, at) => {
    let run = latest[v];
    while (run >= at) run = previous[run];
    let low = at;
    let most = 0;
    for (let value = graph.valueStart[v], hold = holdStart[run]; value < graph.valueStart[v + 1]; value++, hold++) {
      if (last[hold] < at) continue;
      const from = readBefore(trace, hold, run, at) + 1;
      if (from < low) low = from;
      most += graph.bytes[value] * (slope[at] - slope[from]);
    }
    const bound = Math.min(most, excess[at] - excess[low]);
    if (!(bound > 0)) return;
    const k = c.count++;
    c.node[k] = v;
    c.at[k] = at;
    c.bound[k] = bound;
    c.promise[k] = bound / weigh(graph.cost[v]);
    c.order[k] = k;
  });
  trace.work += 2 * length;
  c.order.subarray(0, c.count).sort((a, b) => c.promise[b] - c.promise[a] || a - b);
}

/** Runs that wait at position `t` (they live across it and are not read there) and may run again: visits each with its next read. */
function eachWaiting(graph: FlatGraph, trace: Trace, t: number, visit: (v: number, at: number) => void): void {
  const { valueStart, repeatable } = graph;
  const { seq, holdStart, last } = trace;
  trace.work += t;
  for (let p = 0; p < t; p++) {
    const v = seq[p];
    if (repeatable[v] === 0) continue;
    let at = -1;
    for (let hold = holdStart[p], k = valueStart[v]; k < valueStart[v + 1]; k++, hold++) {
      if (last[hold] <= t) continue;
      const next = readAfter(trace, hold, t);
      if (at < 0 || next < at) at = next;
    }
    // A second run before the next read is none where the node runs again before it anyway.
    if (at > t) visit(v, at);
  }
}
