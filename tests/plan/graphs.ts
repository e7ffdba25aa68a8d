/** Graphs to plan in tests: random ones, small training graphs of our own, an independent simulator and an exhaustive planner. */
import fc from "fast-check";
import type { PlanEdge, PlanGraph, PlanNode } from "../../src/plan/index.ts";

/** A training graph as of a chain with skips: each forward node has a backward one that reads its output, its inputs and the cotangent. */
export function trainingGraph(
  layers: readonly { readonly bytes: number; readonly cost: number; readonly from: readonly number[] }[],
): PlanGraph {
  const n = layers.length;
  const forward = layers.map(({ bytes, cost }, k): PlanNode => ({ name: `f${k}`, bytes, cost }));
  const backward = layers.map(({ bytes, cost }, k): PlanNode => ({
    name: `b${k}`,
    bytes,
    cost: 2 * cost,
    backward: true,
  }));
  const edges: PlanEdge[] = [];
  const back = (k: number): number => 2 * n - 1 - k;
  layers.forEach(({ from }, k) => {
    for (const u of from) {
      edges.push([u, k], [u, back(k)], [back(k), back(u)]);
    }
    edges.push([k, back(k)]);
  });
  return { nodes: [...forward, ...backward.reverse()], edges };
}

/** A U: sizes halve going down and double going up, and each level on the way up reads its twin on the way down. */
export function uNet(levels: number): PlanGraph {
  const layers: { bytes: number; cost: number; from: number[] }[] = [];
  const twins: number[] = [];
  for (let level = 0; level < levels; level++) {
    const bytes = 2 ** (20 - level);
    layers.push({ bytes, cost: 30 + level, from: layers.length === 0 ? [] : [layers.length - 1] });
    layers.push({ bytes, cost: 20 + 3 * level, from: [layers.length - 1] });
    twins.push(layers.length - 1);
  }
  for (let level = levels - 2; level >= 0; level--) {
    const bytes = 2 ** (20 - level);
    layers.push({ bytes: 2 * bytes, cost: 4, from: [layers.length - 1, twins[level]] });
    layers.push({ bytes, cost: 25 + level, from: [layers.length - 1] });
  }
  return trainingGraph(layers);
}

/** A chain of residual blocks. */
export function resNet(blocks: number): PlanGraph {
  const layers: { bytes: number; cost: number; from: number[] }[] = [{ bytes: 4096, cost: 9, from: [] }];
  for (let block = 0; block < blocks; block++) {
    const start = layers.length - 1;
    const bytes = 4096 >> Math.floor(block / 4);
    layers.push({ bytes, cost: 7, from: [start] }, { bytes, cost: 1, from: [start + 1] });
    layers.push({ bytes, cost: 7, from: [start + 2] }, { bytes, cost: 1, from: [start + 3, start] });
  }
  return trainingGraph(layers);
}

/** Random graphs: zero sizes and times, effects, results, workspaces, and nodes with several outputs among them. */
export const randomGraph = (most: number, plain = false): fc.Arbitrary<PlanGraph> =>
  fc.integer({ min: 1, max: most }).chain((n) =>
    fc
      .tuple(
        fc.array(
          fc.record({
            cost: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 })),
            sizes: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })), {
              minLength: 1,
              maxLength: plain ? 1 : 3,
            }),
            workspace: plain ? fc.constant(0) : fc.integer({ min: 0, max: 9 }),
            effect: fc.integer({ min: 0, max: 9 }).map((x) => !plain && x === 0),
            output: fc.integer({ min: 0, max: 9 }).map((x) => !plain && x === 0),
            backward: fc.boolean(),
            inputs: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 3 }),
          }),
          { minLength: n, maxLength: n },
        ),
        fc.constant(n),
      )
      .map(([rows]): PlanGraph => {
        const edges: PlanEdge[] = [];
        rows.forEach(({ inputs }, v) => {
          if (v === 0) return;
          for (const [u, output] of inputs) edges.push([u % v, output % rows[u % v].sizes.length, v]);
        });
        return {
          nodes: rows.map(({ cost, sizes, workspace, effect, output, backward }) => ({
            cost,
            workspace,
            effect,
            backward,
            outputs: sizes.map((bytes, k) => ({ bytes, output: output && k === 0 })),
          })),
          edges,
        };
      }),
  );

const outputsOf = (node: PlanNode): readonly { readonly bytes: number; readonly output?: boolean }[] =>
  node.outputs ?? [{ bytes: node.bytes ?? 0, output: node.output }];

/** Runs a sequence as the definition says, holding a set of live values: slow, and nothing of the planner's. */
export function replay(graph: PlanGraph, sequence: readonly number[]): { peak: number; time: number; runs: number[] } {
  const reads = graph.nodes.map(() => new Map<string, readonly [number, number]>());
  for (const edge of graph.edges) {
    const [u, k, w] = edge.length === 3 ? edge : [edge[0], 0, edge[1]];
    reads[w].set(`${u}.${k}`, [u, k]);
  }
  const runs = graph.nodes.map(() => 0);
  let time = 0;
  let peak = 0;
  sequence.forEach((v, p) => {
    runs[v]++;
    time += graph.nodes[v].cost;
    let memory = (graph.resident ?? 0) + (graph.nodes[v].workspace ?? 0);
    graph.nodes.forEach((node, u) => {
      outputsOf(node).forEach(({ bytes, output }, k) => {
        // Every run of u up to here whose value is still to be read before u runs again.
        sequence.slice(0, p + 1).forEach((w, born) => {
          if (w !== u) return;
          const again = sequence.indexOf(u, born + 1);
          const later = sequence.slice(p, again < 0 ? undefined : again + 1);
          const isRead = born < p && later.some((reader) => reads[reader].has(`${u}.${k}`));
          const stays = output === true && again < 0;
          if (born === p || isRead || stays) memory += bytes;
        });
      });
    });
    for (const [u] of reads[v].values()) {
      if (!sequence.slice(0, p).includes(u)) throw new Error(`node ${v} at ${p} reads node ${u}, which has not run`);
    }
    peak = Math.max(peak, memory);
  });
  runs.forEach((count, v) => {
    if (count === 0) throw new Error(`node ${v} never runs`);
    if (count > 1 && graph.nodes[v].effect === true) throw new Error(`node ${v} has an effect and runs ${count} times`);
  });
  return { peak: sequence.length === 0 ? (graph.resident ?? 0) : peak, time, runs };
}

/**
 * The least time within a budget, by Dijkstra's algorithm over (nodes run, values held): for plain graphs of a few nodes. With `inOrder` the
 * nodes run for the first time in the given order.
 */
export function exhaustive(graph: PlanGraph, budget: number, inOrder: boolean): number {
  const n = graph.nodes.length;
  const bytes = graph.nodes.map((node) => outputsOf(node)[0].bytes);
  const inputs = new Array<number>(n).fill(0);
  for (const edge of graph.edges) inputs[edge[edge.length - 1]] |= 1 << edge[0];
  const size = (held: number): number => bytes.reduce((sum, b, v) => sum + ((held >> v) & 1 ? b : 0), 0);
  const all = (1 << n) - 1;
  const times = new Map<number, number>([[0, 0]]);
  const queue: [number, number][] = [[0, 0]];
  while (queue.length > 0) {
    queue.sort((a, b) => b[0] - a[0]);
    const [time, state] = queue.pop()!;
    if (times.get(state)! < time) continue;
    const done = state >> n;
    const held = state & all;
    if (done === all) return time;
    const go = (next: number, cost: number): void => {
      if ((times.get(next) ?? Infinity) <= time + cost) return;
      times.set(next, time + cost);
      queue.push([time + cost, next]);
    };
    for (let v = 0; v < n; v++) {
      const bit = 1 << v;
      if (held & bit) {
        go((done << n) | (held & ~bit), 0);
        continue;
      }
      const first = (done & bit) === 0;
      if (first && inOrder && (done & (bit - 1)) !== bit - 1) continue;
      if ((inputs[v] & held) !== inputs[v] || size(held | bit) > budget) continue;
      go(((done | bit) << n) | held | bit, graph.nodes[v].cost);
    }
  }
  return Infinity;
}
