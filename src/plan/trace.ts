/**
 * A sequence of steps and all that follows from it: which run of a step each read reads (the latest before it), how long each value lives,
 * the memory of every step. `retrace` is the planner's cost model; every plan is judged by it, and the search asks its arrays what a change
 * would do. It takes time in proportion to the reads of the sequence.
 */
import type { FlatGraph } from "./graph.ts";

/**
 * The trace of a sequence. Positions count from 0 to `length - 1`; position `length` is the end, where outputs of the program are read. A
 * *holding* is one value of one run: those of position `p` are `holdStart[p]` onwards, in the order of its node's values. A *slot* is one
 * read: those of position `p` are `slotStart[p]` onwards, in the order of its node's reads.
 */
export interface Trace {
  length: number;
  seq: Int32Array;
  /** Counts what tracing has cost so far, in array elements: the search's clock. */
  work: number;
  peak: number;
  /** The first position at which memory is `peak`. */
  peakAt: number;
  time: number;
  /** Bytes at each position; at `length`, what lives on. */
  memory: Float64Array;
  /** Bytes that a step saves by working in place. */
  saved: Float64Array;
  /** The position of the run of the same node before this one, or -1. */
  previous: Int32Array;
  /** The position of the last run of each node. */
  latest: Int32Array;
  /** How many slots read this run. */
  uses: Int32Array;
  holdStart: Int32Array;
  /** Where a holding is read last: its birth if never, `length` if it lives to the end. */
  last: Int32Array;
  /** The first slot that reads a holding, or -1. */
  firstSlot: Int32Array;
  slotStart: Int32Array;
  /** The holding that a slot reads. */
  slotHold: Int32Array;
  /** The next and the previous position and slot that read the same holding; -1 where there is none. */
  slotNext: Int32Array;
  slotPrevious: Int32Array;
  slotPosition: Int32Array;
}

export function emptyTrace(graph: FlatGraph): Trace {
  const none = new Int32Array(0);
  return {
    length: 0,
    seq: none,
    work: 0,
    peak: 0,
    peakAt: 0,
    time: 0,
    memory: new Float64Array(1),
    saved: new Float64Array(1),
    previous: none,
    latest: new Int32Array(graph.size),
    uses: none,
    holdStart: none,
    last: none,
    firstSlot: none,
    slotStart: none,
    slotHold: none,
    slotNext: none,
    slotPrevious: none,
    slotPosition: none,
  };
}

function reserve(trace: Trace, graph: FlatGraph, length: number): void {
  if (trace.previous.length > length + 1) return;
  const room = Math.ceil(length * 1.5) + 16;
  let values = 1;
  let reads = 1;
  for (let v = 0; v < graph.size; v++) {
    values = Math.max(values, graph.valueStart[v + 1] - graph.valueStart[v]);
    reads = Math.max(reads, graph.readStart[v + 1] - graph.readStart[v]);
  }
  trace.memory = new Float64Array(room + 1);
  trace.saved = new Float64Array(room + 1);
  for (const key of ["previous", "uses", "holdStart", "slotStart"] as const) trace[key] = new Int32Array(room + 1);
  for (const key of ["last", "firstSlot"] as const) trace[key] = new Int32Array(room * values);
  for (const key of ["slotHold", "slotNext", "slotPrevious", "slotPosition"] as const) {
    trace[key] = new Int32Array(room * reads);
  }
}

/** Traces the sequence `seq`, which the trace keeps. A read of what was never computed makes the peak infinite. */
export function retrace(graph: FlatGraph, trace: Trace, seq: Int32Array): void {
  const length = seq.length;
  reserve(trace, graph, length);
  trace.seq = seq;
  trace.length = length;
  const { valueStart, valueNode, bytes, kept, readStart, reads, reusable, workspace, cost } = graph;
  const { memory, saved, previous, latest, uses, holdStart, last, firstSlot } = trace;
  const { slotStart, slotHold, slotNext, slotPrevious, slotPosition } = trace;
  latest.fill(-1);
  memory.fill(0, 0, length + 2);
  saved.fill(0, 0, length + 1);
  // While reading, the latest slot of each holding waits in `slotNext`'s stead: `last` holds its position, `tail` the slot.
  let holds = 0;
  let slots = 0;
  let time = 0;
  for (let p = 0; p < length; p++) {
    const v = seq[p];
    time += cost[v];
    slotStart[p] = slots;
    for (let r = readStart[v]; r < readStart[v + 1]; r++) {
      const value = reads[r];
      const u = valueNode[value];
      const from = latest[u];
      if (from < 0) {
        trace.peak = Infinity;
        trace.peakAt = p;
        return;
      }
      const hold = holdStart[from] + value - valueStart[u];
      uses[from]++;
      slotHold[slots] = hold;
      slotNext[slots] = -1;
      slotPosition[slots] = p;
      if (firstSlot[hold] < 0) {
        firstSlot[hold] = slots;
        slotPrevious[slots] = -1;
      } else {
        // The slot that read it before is found from its position, since a node reads a value once.
        const before = slotAt(graph, trace, last[hold], value);
        slotNext[before] = slots;
        slotPrevious[slots] = before;
      }
      last[hold] = p;
      slots++;
    }
    previous[p] = latest[v];
    latest[v] = p;
    uses[p] = 0;
    holdStart[p] = holds;
    for (let value = valueStart[v]; value < valueStart[v + 1]; value++) {
      last[holds] = p;
      firstSlot[holds] = -1;
      holds++;
    }
  }
  slotStart[length] = slots;
  holdStart[length] = holds;
  trace.work += 2 * length + slots;
  for (let p = 0; p < length; p++) {
    const v = seq[p];
    for (let value = valueStart[v], hold = holdStart[p]; value < valueStart[v + 1]; value++, hold++) {
      if (kept[value] === 1 && latest[v] === p) last[hold] = length;
      memory[p] += bytes[value];
      memory[last[hold] + 1] -= bytes[value];
    }
  }
  if (graph.worksInPlace) {
    for (let p = 0; p < length; p++) {
      const from = readStart[seq[p]];
      for (let s = slotStart[p]; s < slotStart[p + 1]; s++) {
        if (last[slotHold[s]] === p) saved[p] += reusable[from + s - slotStart[p]];
      }
    }
  }
  let live = graph.resident;
  let peak = length === 0 ? graph.resident : 0;
  let peakAt = 0;
  for (let p = 0; p < length; p++) {
    live += memory[p];
    const now = live + workspace[seq[p]] - saved[p];
    memory[p] = now;
    if (now > peak) {
      peak = now;
      peakAt = p;
    }
  }
  memory[length] += live;
  trace.peak = peak;
  trace.peakAt = peakAt;
  trace.time = time;
}

/** The slot by which position `p` reads `value`. */
function slotAt(graph: FlatGraph, trace: Trace, p: number, value: number): number {
  const from = graph.readStart[trace.seq[p]];
  let s = trace.slotStart[p];
  for (let r = from; graph.reads[r] !== value; r++) s++;
  return s;
}

/** The latest run of node `v` before position `q`, or -1. */
export function runBefore(trace: Trace, v: number, q: number): number {
  let p = trace.latest[v];
  while (p >= q) p = trace.previous[p];
  return p;
}

/** The last position before `q` at which a holding born at `birth` is computed or read. */
export function readBefore(trace: Trace, hold: number, birth: number, q: number): number {
  let at = birth;
  for (let s = trace.firstSlot[hold]; s >= 0 && trace.slotPosition[s] < q; s = trace.slotNext[s])
    at = trace.slotPosition[s];
  return at;
}

/** The first position after `t` at which a holding is read: `length` if at the end only, -1 if never. */
export function readAfter(trace: Trace, hold: number, t: number): number {
  if (trace.last[hold] <= t) return -1;
  for (let s = trace.firstSlot[hold]; s >= 0; s = trace.slotNext[s]) {
    if (trace.slotPosition[s] > t) return trace.slotPosition[s];
  }
  return trace.length;
}
