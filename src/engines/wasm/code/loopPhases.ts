/**
 * Phases of a loop kernel. A chain of long functions (`sin(exp(tanh(x)))`) computed vector by vector waits for each result of the chain: the
 * processor looks ahead by a few hundred instructions only, which is about one element's chain, and the constants of all functions at once
 * don't fit into its registers. So the kernel goes over a strip of elements once for each long function, and what later phases need is kept in
 * a scratch of a few KiB that stays in the first-level cache.
 */
import { formOf } from "./vectorCode.ts";
import { isLong } from "../math/index.ts";
import type { LoopPlan, PlannedNode } from "./loopPlan.ts";

/** Elements of a strip; a multiple of every width of vectors. */
export const STRIP = 256;
/** Vectors' bytes of one value on a strip: eight bytes an element in kernels of two lanes. */
export const SLOT_BYTES = 8 * STRIP;
const SLOTS = 16;
/** Bytes of a scratch. */
export const SCRATCH_BYTES = SLOTS * SLOT_BYTES;
/** Rows that are shorter are not worth it. */
const SHORTEST = 128;

export interface LoopPhase {
  /** The nodes that it computes or reads. */
  readonly nodes: ReadonlySet<number>;
  /** Nodes whose values come from the scratch, with their slots. */
  readonly from: ReadonlyMap<number, number>;
  /** Nodes whose values go there. */
  readonly to: ReadonlyMap<number, number>;
}

/** The phases of a kernel in their order; the last one stores and folds. One phase where nothing is gained by more. */
export function planPhases(plan: LoopPlan): readonly LoopPhase[] {
  const { nodes } = plan;
  const whole: LoopPhase = { nodes: new Set(nodes.keys()), from: new Map(), to: new Map() };
  if (plan.dims[plan.dims.length - 1] < SHORTEST) return [whole];
  const home = homes(nodes);
  const last = Math.max(...home);
  if (last < 2) return [whole];
  const ends = lastUses(plan, home, last);
  const slots = new Map<number, number>();
  const free: number[] = [];
  let used = 0;
  const phases: LoopPhase[] = [];
  for (let phase = 1; phase <= last; phase++) {
    const mine = new Set<number>();
    const from = new Map<number, number>();
    const need = (i: number): void => {
      const slot = slots.get(i);
      if (nodes[i].kind === "op" && home[i] < phase) from.set(i, slot as number);
      else mine.add(i);
    };
    nodes.forEach((node, i) => {
      if (node.kind !== "op" || home[i] !== phase) return;
      mine.add(i);
      node.args.forEach(need);
    });
    if (phase === last) for (const { node } of [...plan.stores, ...plan.reductions]) need(node);
    const to = new Map<number, number>();
    for (const [i, slot] of slots) if (ends[i] === phase) free.push(slot);
    for (const i of mine) {
      if (nodes[i].kind !== "op" || ends[i] <= phase) continue;
      const slot = free.pop() ?? used++;
      slots.set(i, slot);
      to.set(i, slot);
    }
    phases.push({ nodes: mine, from, to });
  }
  return used <= SLOTS ? phases : [whole];
}

/** The phase in which each equation is computed, from 1: each long function has one of its own, what depends on none stands by its first reader. */
function homes(nodes: readonly PlannedNode[]): number[] {
  let count = 0;
  const home = nodes.map(() => 0);
  nodes.forEach((node, i) => {
    if (node.kind !== "op") return;
    home[i] = needsPhase(nodes, node) ? ++count : Math.max(...node.args.map((a) => home[a]));
  });
  const first = nodes.map(() => Math.max(1, count));
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (node.kind !== "op") continue;
    if (home[i] === 0) home[i] = first[i];
    for (const a of node.args) first[a] = Math.min(first[a], home[i]);
  }
  return home;
}

/** The last phase that reads each node. */
function lastUses({ nodes, stores, reductions }: LoopPlan, home: readonly number[], last: number): number[] {
  const ends = nodes.map(() => 0);
  nodes.forEach((node, i) => {
    if (node.kind === "op") for (const a of node.args) ends[a] = Math.max(ends[a], home[i]);
  });
  for (const { node } of [...stores, ...reductions]) ends[node] = last;
  return ends;
}

const needsPhase = (nodes: readonly PlannedNode[], node: Extract<PlannedNode, { kind: "op" }>): boolean =>
  isLong(node.name) && formOf(nodes[node.args[0]].dtype) === "f32";
