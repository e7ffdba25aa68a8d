/**
 * `planGraph`: the sequence in which to run a training graph so that its memory stays within a budget, in little more time than it takes
 * without one. Values are dropped and computed again where that is cheapest for the peak. Peak ≤ budget is a guarantee, not a hope: every
 * plan was simulated, and where no plan is found `BudgetError` says which budget could be kept and what stands in the way.
 */
import { BudgetError, PlanGraphError } from "../errors.ts";
import { fastestWithin, type Front } from "./front.ts";
import { flatten, type FlatGraph, type PlanGraph, type PlanNode } from "./graph.ts";
import { formatBytes, parseBudget } from "../bytes.ts";
import { type PlanProgress, searchFront } from "./search.ts";
import { floorOf, holdersAt, timelineOf, traceOf, type PlanStep } from "./simulate.ts";

export interface SearchSettings {
  /** The time of a node, where it is not its `cost`: "unit", or a function of the node and its position. */
  readonly cost?: "given" | "unit" | ((node: PlanNode, index: number) => number);
  /** How much to search: 1 by default, more for better plans, 0 for the quickest. */
  readonly effort?: number;
  /** Milliseconds after which the best plan so far is taken. Without one, a plan depends on the graph and the budget alone. */
  readonly timeLimit?: number;
  /** Told now and then how far it is; where it returns false the search ends, and the best plan so far is taken. */
  readonly onProgress?: (progress: PlanProgress) => boolean | void;
}

export interface PlanOptions extends SearchSettings {
  /** Bytes, a share of the peak of the given order in (0, 1], or a string: "64MiB", "50%". */
  readonly memory: number | string;
}

/** A value that is kept, or computed again. */
export interface PlannedNode {
  readonly node: number;
  readonly name: string;
  /** The bytes of its outputs. */
  readonly bytes: number;
  /** How often it runs. */
  readonly runs: number;
  /** The time of all its runs but the first. */
  readonly extraTime: number;
}

export interface PlanCost {
  /** Bytes. */
  readonly peak: number;
  readonly time: number;
}

export interface GraphPlan extends PlanCost {
  /** Bytes; `Infinity` for none. */
  readonly budget: number;
  /** The given order, nothing computed twice. */
  readonly baseline: PlanCost;
  /** The extra time, as a share of the baseline's. */
  readonly overhead: number;
  /** No plan has a smaller peak (the largest working set), and none within the budget takes less time. */
  readonly lowerBound: PlanCost;
  /** How much of the time might be saved at most: `(time - lowerBound.time) / time`. */
  readonly gap: number;
  /** Nodes in the order in which they run; repeats are recomputations. */
  readonly sequence: readonly number[];
  /** Forward nodes that run once and are read by the backward pass (by anyone, where no node is marked `backward`). */
  readonly saved: readonly PlannedNode[];
  readonly recomputed: readonly PlannedNode[];
  readonly timeline: readonly PlanStep[];
}

/**
 * Plans a graph within a budget.
 *
 * ```ts
 * const layer = { cost: 1, bytes: 1024 };
 * const plan = planGraph(
 *   { nodes: [layer, layer, layer, layer, layer, layer], edges: [[0, 1], [1, 2], [2, 3], [3, 4], [1, 4], [4, 5], [0, 5]] },
 *   { memory: "3KiB" },
 * );
 * plan.peak; // 3072
 * ```
 *
 * @throws PlanGraphError for a graph that makes no sense, MemoryBudgetError for a budget that is none, BudgetError where no plan is found.
 */
export function planGraph(graph: PlanGraph, options: PlanOptions): GraphPlan {
  const flat = flatten(withCost(graph, options.cost));
  const baseline = traceOf(flat, flat.order);
  const budget = parseBudget(options.memory, baseline.peak);
  const front = searchFlat(flat, budget, options);
  const plan = fastestWithin(front, budget);
  if (plan === undefined) throw overBudget(flat, budget, front);
  return describe(flat, plan.seq, budget, baseline);
}

export function withCost(graph: PlanGraph, cost: SearchSettings["cost"] = "given"): PlanGraph {
  if (cost === "given") return graph;
  const costOf = cost === "unit" ? () => 1 : cost;
  if (typeof costOf !== "function") {
    throw new PlanGraphError(
      `planGraph: cost is "given", "unit" or a function of a node and its index; it is ${String(cost)}.`,
    );
  }
  return { ...graph, nodes: graph.nodes.map((node, index) => ({ ...node, cost: costOf(node, index) })) };
}

/** The curve of a graph up to a budget. */
export function searchFlat(graph: FlatGraph, upTo: number, settings: SearchSettings): Front {
  const { effort = 1, timeLimit = Infinity, onProgress } = settings;
  if (!(effort >= 0) || !(timeLimit >= 0)) {
    throw new PlanGraphError(
      `planGraph: effort and timeLimit (milliseconds) are numbers, 0 or more; they are ${String(effort)} and ${String(timeLimit)}.`,
    );
  }
  const until = timeLimit === Infinity ? Infinity : performance.now() + timeLimit;
  return searchFront(graph, floorOf(graph), {
    upTo,
    effort,
    carryOn: (progress) => onProgress?.(progress) !== false && (until === Infinity || performance.now() < until),
  });
}

/** The error for a budget that no plan of the curve keeps. */
export function overBudget(graph: FlatGraph, budget: number, front: Front): BudgetError {
  const { seq, peak } = front[0];
  const trace = traceOf(graph, seq);
  const holders = holdersAt(graph, trace, trace.peakAt);
  const floor = floorOf(graph);
  const shown = holders.slice(0, 5).map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`);
  const rest = holders.length > 5 ? ` and ${holders.length - 5} more` : "";
  const at = trace.length > 0 ? ` at ${graph.names[trace.seq[Math.min(trace.peakAt, trace.length - 1)]]}` : "";
  return new BudgetError(
    `a plan within ${formatBytes(budget)} (${budget} bytes) was asked for; the smallest peak found is ${formatBytes(peak)} ` +
      `(${peak} bytes)${at}, where memory holds ${shown.join(", ")}${rest}. ` +
      (budget < floor
        ? `No plan can go below ${floor} bytes, the largest working set of one step: ask for more memory, or make that step smaller.`
        : "Ask for that much memory, or for more effort: { effort: 4 }."),
    peak,
    holders,
  );
}

/** A plan with all that users ask about it. */
export function describe(graph: FlatGraph, seq: Int32Array, budget: number, baseline: PlanCost): GraphPlan {
  const trace = traceOf(graph, seq);
  const runs = new Int32Array(graph.size);
  for (const v of seq) runs[v]++;
  const marked = graph.backward.includes(1);
  const isSaved = new Uint8Array(graph.size);
  for (let w = 0; w < graph.size; w++) {
    for (let r = graph.readStart[w]; r < graph.readStart[w + 1]; r++) {
      const v = graph.valueNode[graph.reads[r]];
      if (runs[v] === 1 && (!marked || (graph.backward[w] === 1 && graph.backward[v] === 0))) isSaved[v] = 1;
    }
  }
  const planned = (v: number): PlannedNode => ({
    node: v,
    name: graph.names[v],
    bytes: graph.bytes.subarray(graph.valueStart[v], graph.valueStart[v + 1]).reduce((a, b) => a + b, 0),
    runs: runs[v],
    extraTime: graph.cost[v] * (runs[v] - 1),
  });
  const all = Array.from({ length: graph.size }, (_, v) => v);
  const lowerTime = Math.min(baseline.time, trace.time);
  return {
    peak: trace.peak,
    time: trace.time,
    budget,
    baseline: { peak: baseline.peak, time: baseline.time },
    overhead: baseline.time > 0 ? trace.time / baseline.time - 1 : 0,
    lowerBound: { peak: floorOf(graph), time: lowerTime },
    gap: trace.time > 0 ? (trace.time - lowerTime) / trace.time : 0,
    sequence: Array.from(seq),
    saved: all.filter((v) => isSaved[v] === 1).map(planned),
    recomputed: all.filter((v) => runs[v] > 1).map(planned),
    timeline: timelineOf(graph, trace),
  };
}
