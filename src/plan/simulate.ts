/**
 * What a sequence of steps costs: the judge of every plan, ours or another's. It takes nothing on trust: a read of what was never computed, a
 * node left out and an effect run twice are errors.
 */
import { PlanGraphError } from "../errors.ts";
import { flatten, type FlatGraph, type PlanGraph } from "./graph.ts";
import { emptyTrace, retrace, type Trace } from "./trace.ts";

/** The memory of one step. */
export interface PlanStep {
  readonly node: number;
  readonly name: string;
  /** Bytes while it runs. */
  readonly memory: number;
  /** Whether the node had run before. */
  readonly repeated: boolean;
}

export interface Simulation {
  /** Bytes. */
  readonly peak: number;
  readonly time: number;
  readonly timeline: readonly PlanStep[];
}

/**
 * The peak, the time and the memory of every step of a sequence.
 *
 * ```ts
 * const graph = { nodes: [{ cost: 1, bytes: 8 }, { cost: 2, bytes: 4 }], edges: [[0, 1]] as const };
 * simulateGraph(graph, [0, 1]).peak; // 12
 * ```
 */
export function simulateGraph(graph: PlanGraph, sequence: readonly number[]): Simulation {
  return simulateFlat(flatten(graph), Int32Array.from(sequence));
}

export function simulateFlat(graph: FlatGraph, seq: Int32Array): Simulation {
  const trace = traceOf(graph, seq);
  return { peak: trace.peak, time: trace.time, timeline: timelineOf(graph, trace) };
}

/** The trace of a sequence that may be anybody's. */
export function traceOf(graph: FlatGraph, seq: Int32Array): Trace {
  const seen = new Uint8Array(graph.size);
  seq.forEach((v, p) => {
    if (!(v >= 0 && v < graph.size)) throw new PlanGraphError(`the sequence runs node ${v}, which does not exist.`);
    if (seen[v] === 1 && graph.repeatable[v] === 0) {
      throw new PlanGraphError(`the sequence runs ${graph.names[v]} again at position ${p}, though it has an effect.`);
    }
    seen[v] = 1;
  });
  const missing = seen.indexOf(0);
  if (missing >= 0) throw new PlanGraphError(`the sequence never runs node ${missing} (${graph.names[missing]}).`);
  const trace = emptyTrace(graph);
  retrace(graph, trace, seq);
  if (trace.peak === Infinity) {
    throw new PlanGraphError(
      `the sequence runs ${graph.names[seq[trace.peakAt]]} at position ${trace.peakAt}, before what it reads was computed.`,
    );
  }
  return trace;
}

export function timelineOf(graph: FlatGraph, trace: Trace): readonly PlanStep[] {
  return Array.from(trace.seq.subarray(0, trace.length), (node, p) => ({
    node,
    name: graph.names[node],
    memory: trace.memory[p],
    repeated: trace.previous[p] >= 0,
  }));
}

/** The largest working set: what one step needs for itself. No plan has a smaller peak. */
export function floorOf(graph: FlatGraph): number {
  let floor = 0;
  let results = 0;
  for (let v = 0; v < graph.size; v++) {
    let bytes = graph.workspace[v];
    for (let value = graph.valueStart[v]; value < graph.valueStart[v + 1]; value++) {
      bytes += graph.bytes[value];
      if (graph.kept[value] === 1) results += graph.bytes[value];
    }
    for (let r = graph.readStart[v]; r < graph.readStart[v + 1]; r++) {
      bytes += graph.bytes[graph.reads[r]] - graph.reusable[r];
    }
    floor = Math.max(floor, bytes);
  }
  return Math.max(floor, results) + graph.resident;
}

/** What is in memory at position `p`, largest first. */
export function holdersAt(graph: FlatGraph, trace: Trace, p: number): { name: string; bytes: number }[] {
  const holders: { name: string; bytes: number }[] = [];
  if (graph.resident > 0) holders.push({ name: "resident memory", bytes: graph.resident });
  for (let born = 0; born <= p && born < trace.length; born++) {
    const v = trace.seq[born];
    for (let value = graph.valueStart[v], k = 0; value < graph.valueStart[v + 1]; value++, k++) {
      if (trace.last[trace.holdStart[born] + k] < p || graph.bytes[value] === 0) continue;
      const several = graph.valueStart[v + 1] - graph.valueStart[v] > 1;
      holders.push({ name: several ? `${graph.names[v]}, output ${k}` : graph.names[v], bytes: graph.bytes[value] });
    }
  }
  if (p < trace.length && graph.workspace[trace.seq[p]] > 0) {
    holders.push({ name: `workspace of ${graph.names[trace.seq[p]]}`, bytes: graph.workspace[trace.seq[p]] });
  }
  return holders.sort((a, b) => b.bytes - a.bytes);
}
