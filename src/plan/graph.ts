/**
 * What the planner plans: a graph of steps (nodes) that read values and produce values, each value with its bytes and each step with its
 * time. Nothing here knows of arrays, derivatives or programs: a training step of any framework can be written so, and a compiler writes its
 * kernels so. `flatten` checks such a graph and turns it into flat arrays, the form in which the search is fast.
 *
 * The memory model: a value lives from the step that computes it to the last step that reads it (to the end, if it is an output of the
 * program); a step's memory is what lives at it, with its inputs, its outputs and its workspace. A view that shares another value's bytes is
 * no node: whoever reads the view reads the value under it. Memory that is always there (parameters, constants) is `resident`.
 */
import { PlanGraphError } from "../errors.ts";

/** One value that a node produces. */
export interface PlanOutput {
  /** Its size, a whole number of bytes. */
  readonly bytes: number;
  /** Lives to the end of the program: a result. */
  readonly output?: boolean;
}

/** Says that an output may take the buffer of a value the node reads, where this is the value's last read. */
export interface InPlace {
  /** Which output of the node (0 by default). */
  readonly output?: number;
  /** The node that produced the value, and which of its outputs (0 by default) it is. */
  readonly of: number;
  readonly ofOutput?: number;
}

/** One step of a program. */
export interface PlanNode {
  readonly name?: string;
  /** The time of one run, in any unit. */
  readonly cost: number;
  /** The size of its only output; or `outputs`, for a step with several or none. */
  readonly bytes?: number;
  readonly outputs?: readonly PlanOutput[];
  /** Bytes that are needed only while the step runs. */
  readonly workspace?: number;
  /** Belongs to the backward pass (Chen's segments, the knapsack and the cut ask for it). */
  readonly backward?: boolean;
  /** Has an effect: it is never run twice. */
  readonly effect?: boolean;
  /** Its outputs are results of the program, and live to its end. */
  readonly output?: boolean;
  readonly inPlace?: readonly InPlace[];
}

/** `[from, to]`: `to` reads the first output of `from`; `[from, output, to]`: it reads that output. Nodes are named by position. */
export type PlanEdge = readonly [number, number] | readonly [number, number, number];

export interface PlanGraph {
  readonly nodes: readonly PlanNode[];
  readonly edges: readonly PlanEdge[];
  /** Bytes that are there all the time: parameters, arguments, constants. */
  readonly resident?: number;
}

/** A graph in flat arrays. Values are numbered node by node; those of node `v` are `valueStart[v]` to `valueStart[v + 1] - 1`. */
export interface FlatGraph {
  readonly size: number;
  readonly cost: Float64Array;
  /** 1 where a node may run again. */
  readonly repeatable: Uint8Array;
  readonly workspace: Float64Array;
  readonly valueStart: Int32Array;
  readonly valueNode: Int32Array;
  readonly bytes: Float64Array;
  /** 1 where a value lives to the end. */
  readonly kept: Uint8Array;
  /** The values that node `v` reads are `reads[readStart[v]]` to `reads[readStart[v + 1] - 1]`, each once. */
  readonly readStart: Int32Array;
  readonly reads: Int32Array;
  /** For each of `reads`: the bytes that an output saves by taking its buffer; empty where no node works in place. */
  readonly reusable: Float64Array;
  readonly worksInPlace: boolean;
  readonly resident: number;
  /** The given order, or the nearest one in which every value is computed before it is read. */
  readonly order: Int32Array;
  readonly names: readonly string[];
  readonly backward: Uint8Array;
}

const isBytes = (x: unknown): x is number => typeof x === "number" && Number.isSafeInteger(x) && x >= 0;

function checkBytes(x: unknown, what: string): number {
  if (isBytes(x)) return x;
  throw new PlanGraphError(`planGraph: ${what} must be a whole number of bytes, 0 or more; it is ${String(x)}.`);
}

const outputsOf = (node: PlanNode): readonly PlanOutput[] => node.outputs ?? [{ bytes: node.bytes ?? 0 }];

/** Checks a graph and lays it out in flat arrays. */
export function flatten(graph: PlanGraph): FlatGraph {
  const { nodes, edges } = graph;
  if (!Array.isArray(nodes) || !Array.isArray(edges)) {
    throw new PlanGraphError("planGraph takes { nodes, edges }, two arrays; one of them is missing.");
  }
  const size = nodes.length;
  const cost = new Float64Array(size);
  const repeatable = new Uint8Array(size);
  const workspace = new Float64Array(size);
  const backward = new Uint8Array(size);
  const valueStart = new Int32Array(size + 1);
  const bytes: number[] = [];
  const kept: number[] = [];
  const valueNode: number[] = [];
  nodes.forEach((node: PlanNode, v) => {
    const who = `node ${v}${node.name === undefined ? "" : ` (${node.name})`}`;
    if (typeof node.cost !== "number" || !Number.isFinite(node.cost) || node.cost < 0) {
      throw new PlanGraphError(
        `planGraph: the cost of ${who} must be a finite number, 0 or more; it is ${String(node.cost)}.`,
      );
    }
    if (node.bytes === undefined && node.outputs === undefined) {
      throw new PlanGraphError(`planGraph: ${who} has neither bytes nor outputs; give the size of what it produces.`);
    }
    cost[v] = node.cost;
    repeatable[v] = node.effect === true ? 0 : 1;
    workspace[v] = checkBytes(node.workspace ?? 0, `the workspace of ${who}`);
    backward[v] = node.backward === true ? 1 : 0;
    for (const output of outputsOf(node)) {
      bytes.push(checkBytes(output.bytes, `the size of ${who}`));
      kept.push((output.output ?? node.output) === true ? 1 : 0);
      valueNode.push(v);
    }
    valueStart[v + 1] = bytes.length;
  });

  const inputs = readEdges(edges, size, valueStart);
  const readStart = new Int32Array(size + 1);
  for (let v = 0; v < size; v++) readStart[v + 1] = readStart[v] + inputs[v].length;
  const reads = Int32Array.from(inputs.flat());
  const reusable = new Float64Array(reads.length);
  let worksInPlace = false;
  nodes.forEach((node: PlanNode, v) => {
    const taken = new Set<number>();
    for (const place of node.inPlace ?? []) {
      const input = inputs[v].indexOf(valueStart[place.of] + (place.ofOutput ?? 0));
      const output = valueStart[v] + (place.output ?? 0);
      if (input < 0 || output >= valueStart[v + 1] || taken.has(output)) {
        throw new PlanGraphError(
          `planGraph: node ${v} says that its output ${place.output ?? 0} may take the buffer of a value of node ${place.of}, ` +
            "but it does not read that value, has no such output, or has given it away already.",
        );
      }
      taken.add(output);
      reusable[readStart[v] + input] = Math.min(bytes[output], bytes[reads[readStart[v] + input]]);
      worksInPlace = true;
    }
  });
  return {
    size,
    cost,
    repeatable,
    workspace,
    valueStart,
    valueNode: Int32Array.from(valueNode),
    bytes: Float64Array.from(bytes),
    kept: Uint8Array.from(kept),
    readStart,
    reads,
    reusable,
    worksInPlace,
    resident: checkBytes(graph.resident ?? 0, "resident"),
    order: topologicalOrder(size, readStart, reads, valueNode, nodes),
    names: nodes.map((node: PlanNode, v) => node.name ?? `node ${v}`),
    backward,
  };
}

/** The values that each node reads, each once. */
function readEdges(edges: readonly PlanEdge[], size: number, valueStart: Int32Array): number[][] {
  const inputs = Array.from({ length: size }, () => new Set<number>());
  for (const edge of edges) {
    const from = edge[0];
    const output = edge.length === 3 ? edge[1] : 0;
    const to = edge.length === 3 ? edge[2] : edge[1];
    const known = (v: number): boolean => Number.isInteger(v) && v >= 0 && v < size;
    if (!known(from) || !known(to) || !(output >= 0 && output < valueStart[from + 1] - valueStart[from])) {
      throw new PlanGraphError(
        `planGraph: the edge [${edge.join(", ")}] names a node or an output that does not exist; there are ${size} nodes, ` +
          "numbered from 0.",
      );
    }
    inputs[to].add(valueStart[from] + output);
  }
  return inputs.map((set) => [...set]);
}

/** The given order where it is topological; else the order that takes, again and again, the first node whose inputs are there. */
function topologicalOrder(
  size: number,
  readStart: Int32Array,
  reads: Int32Array,
  valueNode: readonly number[],
  nodes: readonly PlanNode[],
): Int32Array {
  const readers = Array.from({ length: size }, (): number[] => []);
  const missing = new Int32Array(size);
  let inOrder = true;
  for (let v = 0; v < size; v++) {
    for (let r = readStart[v]; r < readStart[v + 1]; r++) {
      const u = valueNode[reads[r]];
      readers[u].push(v);
      missing[v]++;
      if (u >= v) inOrder = false;
    }
  }
  if (inOrder) return Int32Array.from({ length: size }, (_, v) => v);
  const ready: number[] = [];
  for (let v = 0; v < size; v++) if (missing[v] === 0) ready.push(v);
  const order: number[] = [];
  while (ready.length > 0) {
    const v = ready.splice(ready.indexOf(Math.min(...ready)), 1)[0];
    order.push(v);
    for (const w of readers[v]) if (--missing[w] === 0) ready.push(w);
  }
  if (order.length < size) {
    const stuck = nodes.findIndex((_, v) => missing[v] > 0);
    throw new PlanGraphError(
      `planGraph: the graph has a cycle, through node ${stuck} (${nodes[stuck].name ?? "unnamed"}) or one that it reads; ` +
        "a program's steps read only what earlier steps computed.",
    );
  }
  return Int32Array.from(order);
}
