/**
 * Taking runs out of a plan: those that nobody reads, and those whose value may as well be kept, as long as memory stays within the budget.
 * A plan made by splits alone holds some that later splits have made needless.
 */
import type { FlatGraph } from "./graph.ts";
import { retrace, type Trace } from "./trace.ts";

/** The sequence without the marked positions. */
export function without(trace: Trace, marked: Uint8Array): Int32Array {
  const seq = new Int32Array(trace.length);
  let length = 0;
  for (let p = 0; p < trace.length; p++) if (marked[p] === 0) seq[length++] = trace.seq[p];
  return seq.slice(0, length);
}

/** Takes the marked positions out of the sequence; `places` are positions to keep track of, -1 where one is gone. */
function takeOut(graph: FlatGraph, trace: Trace, marked: Uint8Array, places: Int32Array | null): void {
  if (places !== null) {
    const shift = new Int32Array(trace.length);
    for (let p = 0, gone = 0; p < trace.length; p++) {
      shift[p] = gone;
      gone += marked[p];
    }
    for (let k = 0; k < places.length; k++) {
      const p = places[k];
      if (p >= 0) places[k] = marked[p] === 1 ? -1 : p - shift[p];
    }
  }
  retrace(graph, trace, without(trace, marked));
}

/** Takes out every run that is read by nobody, of nodes that run more than once. */
export function sweep(graph: FlatGraph, trace: Trace, places: Int32Array | null = null): void {
  for (;;) {
    let marked: Uint8Array | null = null;
    for (let p = 0; p < trace.length; p++) {
      const v = trace.seq[p];
      const several = trace.previous[p] >= 0 || trace.latest[v] !== p;
      if (!several || trace.uses[p] > 0) continue;
      // The last run stays if its values are results, or if the ones before it will go.
      if (trace.latest[v] === p && (holdsResult(graph, v) || trace.uses[trace.previous[p]] === 0)) continue;
      marked ??= new Uint8Array(trace.length);
      marked[p] = 1;
    }
    if (marked === null) return;
    takeOut(graph, trace, marked, places);
  }
}

function holdsResult(graph: FlatGraph, v: number): boolean {
  for (let value = graph.valueStart[v]; value < graph.valueStart[v + 1]; value++)
    if (graph.kept[value] === 1) return true;
  return false;
}

/** Whether memory stays within the budget when the run at `p`, which is not its node's first, is taken out: neglecting work in place. */
function spare(graph: FlatGraph, trace: Trace, p: number, budget: number, delta: Float64Array): boolean {
  const { seq, previous, holdStart, last, memory } = trace;
  const v = seq[p];
  const before = previous[p];
  let low = p;
  for (let value = graph.valueStart[v], k = 0; value < graph.valueStart[v + 1]; value++, k++) {
    if (last[holdStart[p] + k] === p) continue;
    const from = last[holdStart[before] + k] + 1;
    delta[from] += graph.bytes[value];
    if (from < low) low = from;
  }
  if (low < p) {
    for (let s = trace.slotStart[p]; s < trace.slotStart[p + 1]; s++) {
      if (last[trace.slotHold[s]] !== p) continue;
      const back = trace.slotPrevious[s];
      let from = back >= 0 ? trace.slotPosition[back] : -1;
      if (from < 0) {
        const u = graph.valueNode[graph.reads[graph.readStart[v] + s - trace.slotStart[p]]];
        from = trace.latest[u];
        while (from >= p) from = previous[from];
      }
      from++;
      delta[from] -= graph.bytes[graph.reads[graph.readStart[v] + s - trace.slotStart[p]]];
      if (from < low) low = from;
    }
  }
  let fits = true;
  let change = 0;
  for (let t = low; t < p; t++) {
    change += delta[t];
    delta[t] = 0;
    if (change > 0 && memory[t] + change > budget) fits = false;
  }
  delta[p] = 0;
  trace.work += 10 + p - low;
  return fits;
}

/** Takes out repeated runs, dearest first, as long as memory stays within the budget; `weigh` may shuffle equals. */
export function prune(graph: FlatGraph, trace: Trace, budget: number, weigh: (v: number) => number): void {
  sweep(graph, trace);
  let delta = new Float64Array(trace.length + 1);
  for (let done = false; !done;) {
    done = true;
    const runs: number[] = [];
    for (let p = 0; p < trace.length; p++) if (trace.previous[p] >= 0) runs.push(p);
    const weight = new Float64Array(trace.length);
    for (const p of runs) weight[p] = weigh(trace.seq[p]);
    const places = Int32Array.from(runs).sort((p, q) => weight[q] - weight[p] || q - p);
    for (let k = 0; k < places.length; k++) {
      const p = places[k];
      // Gone with another run, or the first one of its node since.
      if (p < 0 || trace.previous[p] < 0) continue;
      if (delta.length <= trace.length) delta = new Float64Array(trace.length + 1);
      if (!spare(graph, trace, p, budget, delta)) continue;
      const kept = trace.seq;
      const marked = new Uint8Array(trace.length);
      marked[p] = 1;
      retrace(graph, trace, without(trace, marked));
      // Work in place was neglected.
      if (trace.peak > budget) {
        retrace(graph, trace, kept);
        continue;
      }
      for (let j = k; j < places.length; j++) if (places[j] > p) places[j]--;
      places[k] = -1;
      sweep(graph, trace, places);
      done = false;
    }
  }
}
