/**
 * The cheapest cut between what the forward pass can give and what the backward pass needs: the values to save such that their bytes are
 * least, when recomputing is free (as AOTAutograd's partitioner in PyTorch does for cheap operations). Each node becomes an edge of its
 * bytes, what reads it an edge without bound; by Menger's theorem the largest flow is the smallest cut. Flow by Dinic's algorithm (1970):
 * breadth-first levels, then blocking flows by depth-first search. It knows nothing of the peak within the backward pass.
 */
import type { FlatGraph } from "./graph.ts";
import { forwardNodes, inputsOf, readByBackward } from "./saved.ts";

/**
 * The forward nodes of the smallest cut: 1 where one is saved. Nodes that read nothing count as inputs: they are not computed from nothing. Of several
 * smallest cuts it is the first, in the order of the forward pass, or the last, after which the least is computed again.
 */
export function cutNodes(
  graph: FlatGraph,
  recomputable: (node: number) => boolean,
  which: "first" | "last",
): Uint8Array {
  const read = readByBackward(graph);
  const source = 2 * graph.size;
  const sink = source + 1;
  const edges: CutEdge[] = [];
  for (const v of forwardNodes(graph)) {
    let bytes = 0;
    for (let value = graph.valueStart[v]; value < graph.valueStart[v + 1]; value++) bytes += graph.bytes[value];
    edges.push([2 * v, 2 * v + 1, bytes]);
    const inputs = inputsOf(graph, v);
    for (const u of inputs) edges.push([2 * u + 1, 2 * v, Infinity]);
    if (inputs.length === 0 || graph.repeatable[v] === 0 || !recomputable(v)) edges.push([source, 2 * v, Infinity]);
    if (read[v] === 1) edges.push([2 * v + 1, sink, Infinity]);
  }
  const saved = new Uint8Array(graph.size);
  if (which === "first") {
    const side = minCut(sink + 1, edges, source, sink);
    for (let v = 0; v < graph.size; v++) saved[v] = side[2 * v] & (1 - side[2 * v + 1]);
  } else {
    const back = edges.map(([from, to, capacity]): CutEdge => [to, from, capacity]);
    const side = minCut(sink + 1, back, sink, source);
    for (let v = 0; v < graph.size; v++) saved[v] = side[2 * v + 1] & (1 - side[2 * v]);
  }
  return saved;
}

/** From, to, and how much may flow. */
export type CutEdge = readonly [from: number, to: number, capacity: number];

/** The side of the source: 1 for the vertices that it still reaches when the flow is largest. */
export function minCut(vertices: number, edges: readonly CutEdge[], source: number, sink: number): Uint8Array {
  // Edge e and its reverse e ^ 1 lie side by side; the edges out of a vertex are a linked list.
  const to = new Int32Array(2 * edges.length);
  const room = new Float64Array(2 * edges.length);
  const next = new Int32Array(2 * edges.length);
  const first = new Int32Array(vertices).fill(-1);
  edges.forEach(([from, target, capacity], k) => {
    for (const [e, a, b, c] of [
      [2 * k, from, target, capacity],
      [2 * k + 1, target, from, 0],
    ] as const) {
      // prettier-ignore
      to[e] = b;
      room[e] = c;
      next[e] = first[a];
      first[a] = e;
    }
  });
  const level = new Int32Array(vertices);
  const queue = new Int32Array(vertices);
  const levels = (): boolean => {
    level.fill(-1);
    level[source] = 0;
    queue[0] = source;
    for (let head = 0, tail = 1; head < tail; head++) {
      for (let e = first[queue[head]]; e >= 0; e = next[e]) {
        if (room[e] <= 0 || level[to[e]] >= 0) continue;
        level[to[e]] = level[queue[head]] + 1;
        queue[tail++] = to[e];
      }
    }
    return level[sink] >= 0;
  };
  const current = new Int32Array(vertices);
  const path: number[] = [];
  while (levels()) {
    current.set(first);
    let at = source;
    path.length = 0;
    for (;;) {
      if (at === sink) {
        const flow = Math.min(...path.map((e) => room[e]));
        for (const e of path) {
          room[e] -= flow;
          room[e ^ 1] += flow;
        }
        at = source;
        path.length = 0;
        continue;
      }
      let e = current[at];
      while (e >= 0 && !(room[e] > 0 && level[to[e]] === level[at] + 1)) e = next[e];
      current[at] = e;
      if (e >= 0) {
        path.push(e);
        at = to[e];
      } else if (path.length > 0) {
        // A dead end: back up, and never come here again in this phase.
        const back = path.pop()!;
        at = to[back ^ 1];
        current[at] = next[current[at]];
      } else break;
    }
  }
  return Uint8Array.from(level, (l) => (l >= 0 ? 1 : 0));
}
