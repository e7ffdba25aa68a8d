/**
 * Splitting: to lower the peak, a value that only waits there is dropped after its last read and computed again right before its next one.
 * Where the inputs of that second run are gone as well, they are kept longer or computed again themselves, down to a depth. `score` tells
 * what a split would do to the memory without making it: only the steps between the two reads change. Interval splitting is the move of
 * XLA's HloRematerialization and of Moccasin's retention intervals (Bartan et al., ICML 2023), here with the real peak as its objective.
 *
 * Where nodes work in place the score neglects buffers gained and lost; whoever makes the split traces the sequence anew.
 */
import { type Candidates, emptyCandidates } from "./candidates.ts";
import type { FlatGraph } from "./graph.ts";
import { readBefore, runBefore, type Trace } from "./trace.ts";

/** The runs to insert before position `at`, and what they change. */
export interface Split {
  at: number;
  count: number;
  /** The nodes to run, inputs first. */
  readonly nodes: Int32Array;
  /** Their time. */
  time: number;
  /** By how much the excess over the budget falls. */
  gain: number;
}

/** Room for one split and for the intervals that it changes. */
export interface Workbench {
  readonly split: Split;
  readonly inserted: Uint8Array;
  delta: Float64Array;
  readonly holds: Int32Array;
  readonly itemBytes: Float64Array;
  readonly itemFrom: Int32Array;
  readonly itemTo: Int32Array;
  limit: number;
  readonly candidates: Candidates;
}

/** A split of more runs than this is not looked at. */
const mostRuns = 64;
const mostItems = 1024;

export function workbench(graph: FlatGraph): Workbench {
  return {
    split: { at: 0, count: 0, nodes: new Int32Array(mostRuns), time: 0, gain: 0 },
    inserted: new Uint8Array(graph.size),
    delta: new Float64Array(64),
    holds: new Int32Array(mostItems),
    itemBytes: new Float64Array(mostItems),
    itemFrom: new Int32Array(mostItems),
    itemTo: new Int32Array(mostItems),
    limit: mostRuns,
    candidates: emptyCandidates(),
  };
}

/** How far dead inputs are chased: by depth, or where `chase` says so. */
export type Chase = (node: number, depth: number) => boolean;

function gather(graph: FlatGraph, trace: Trace, bench: Workbench, v: number, depth: number, chase: Chase): boolean {
  const { split, inserted } = bench;
  const { valueNode, reads, readStart, valueStart, repeatable } = graph;
  inserted[v] = 1;
  for (let r = readStart[v]; r < readStart[v + 1]; r++) {
    const u = valueNode[reads[r]];
    if (inserted[u] === 1) continue;
    const run = runBefore(trace, u, split.at);
    const alive = run >= 0 && trace.last[trace.holdStart[run] + reads[r] - valueStart[u]] >= split.at;
    if (alive || repeatable[u] === 0 || !chase(u, depth)) continue;
    if (!gather(graph, trace, bench, u, depth + 1, chase)) return false;
  }
  if (split.count >= bench.limit) return false;
  split.nodes[split.count++] = v;
  split.time += graph.cost[v];
  return true;
}

/** Fills `bench.split` with the runs that compute node `v` again right before position `at`. */
export function prepare(
  graph: FlatGraph,
  trace: Trace,
  bench: Workbench,
  v: number,
  at: number,
  chase: Chase,
): boolean {
  const { split, inserted } = bench;
  split.at = at;
  split.count = 0;
  split.time = 0;
  trace.work += 5;
  const whole = gather(graph, trace, bench, v, 0, chase);
  if (!whole) inserted.fill(0);
  else for (let k = 0; k < split.count; k++) inserted[split.nodes[k]] = 0;
  return whole;
}

/** What exceeds the budget, summed over positions: by bytes (`power` 1), or by its square, which sees high peaks first. */
export interface Excess {
  readonly budget: number;
  readonly power: 1 | 2;
}

const excess = (memory: number, { budget, power }: Excess): number => {
  const over = memory - budget;
  if (over <= 0) return 0;
  return power === 1 ? over : over * (over / budget);
};

/** Sets the gain of the split in `bench`; false where it is too large to look at. */
export function score(graph: FlatGraph, trace: Trace, bench: Workbench, target: Excess): boolean {
  const { split, holds, itemBytes, itemFrom, itemTo } = bench;
  const { bytes, valueStart, valueNode, reads, readStart, workspace } = graph;
  const { budget } = target;
  const { memory, seq, last, holdStart } = trace;
  const { at, count, nodes } = split;
  let items = 0;
  let low = at;
  let base = memory[at];
  if (at < trace.length) {
    const next = seq[at];
    base -= workspace[next] - trace.saved[at];
    for (let value = valueStart[next]; value < valueStart[next + 1]; value++) base -= bytes[value];
  }
  let delta = bench.delta;
  if (delta.length <= at + 1) {
    delta = new Float64Array(at * 2 + 2);
    bench.delta = delta;
  }
  // Items are what lives among the inserted runs: new values from their run on, inputs kept longer from the start.
  for (let k = 0; k < count; k++) {
    const v = nodes[k];
    const run = runBefore(trace, v, at);
    for (let value = valueStart[v]; value < valueStart[v + 1]; value++) {
      let lives = k;
      if (run >= 0) {
        const hold = holdStart[run] + value - valueStart[v];
        if (last[hold] >= at) {
          const until = readBefore(trace, hold, run, at) + 1;
          delta[until] -= bytes[value];
          delta[at] += bytes[value];
          if (until < low) low = until;
          base -= bytes[value];
          lives = count;
        }
      }
      if (items >= mostItems) return clear(delta, low, at);
      holds[items] = value;
      itemBytes[items] = bytes[value];
      itemFrom[items] = k;
      itemTo[items++] = lives;
    }
    for (let r = readStart[v]; r < readStart[v + 1]; r++) {
      const value = reads[r];
      let item = 0;
      while (item < items && holds[item] !== value) item++;
      if (item < items) {
        if (itemTo[item] < k) itemTo[item] = k;
        continue;
      }
      const u = valueNode[value];
      const run = runBefore(trace, u, at);
      const hold = holdStart[run] + value - valueStart[u];
      if (last[hold] >= at) continue;
      const until = last[hold] + 1;
      delta[until] += bytes[value];
      delta[at] -= bytes[value];
      if (until < low) low = until;
      if (items >= mostItems) return clear(delta, low, at);
      holds[items] = value;
      itemBytes[items] = bytes[value];
      itemFrom[items] = 0;
      itemTo[items++] = k;
    }
  }
  let gain = 0;
  let change = 0;
  for (let p = low; p < at; p++) {
    change += delta[p];
    delta[p] = 0;
    if (change === 0) continue;
    const now = memory[p];
    // The larger of both must exceed the budget for anything to change: most positions are done with here.
    if ((change < 0 ? now : now + change) <= budget) continue;
    gain += excess(now, target) - excess(now + change, target);
  }
  delta[at] = 0;
  for (let k = 0; k < count; k++) {
    let now = base + workspace[nodes[k]];
    for (let item = 0; item < items; item++) if (itemFrom[item] <= k && k <= itemTo[item]) now += itemBytes[item];
    gain -= excess(now, target);
  }
  split.gain = gain;
  trace.work += 10 + at - low + items * count;
  return true;
}

function clear(delta: Float64Array, low: number, at: number): false {
  delta.fill(0, low, at + 1);
  return false;
}

/** The sequence with the split made. */
export function insert(trace: Trace, split: Split): Int32Array {
  const seq = new Int32Array(trace.length + split.count);
  seq.set(trace.seq.subarray(0, split.at));
  seq.set(split.nodes.subarray(0, split.count), split.at);
  seq.set(trace.seq.subarray(split.at, trace.length), split.at + split.count);
  return seq;
}
