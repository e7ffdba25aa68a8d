/**
 * How a loop kernel is walked: its box with neighbouring dimensions merged wherever every access allows it, the reads and writes with their strides
 * on that box, and the pieces in which it is called.
 */
import { sizeOf } from "../../../core/aval.ts";
import { dtypes, type DType } from "../../../core/dtype.ts";
import { BLOCK, type Fold, type LoopKernel, type Node } from "../../../compile/loop.ts";
import type { Buffer } from "../../../compile/program.ts";
import { rowMajor, type Guard } from "../../../compile/view.ts";

export interface PlannedStore {
  readonly node: number;
  readonly slot: number;
  readonly dtype: DType;
  readonly strides: readonly number[];
  readonly offset: number;
}

export interface PlannedReduction extends PlannedStore {
  readonly fold: Fold;
}

export type PlannedNode =
  | Exclude<Node, { kind: "load" }>
  | {
      readonly kind: "load";
      readonly dtype: DType;
      readonly slot: number;
      readonly strides: readonly number[];
      readonly offset: number;
      readonly guards: readonly Guard[];
      readonly fill: number | bigint | null;
    };

export interface LoopPlan {
  readonly dims: readonly number[];
  readonly reduced: readonly boolean[];
  readonly nodes: readonly PlannedNode[];
  readonly stores: readonly PlannedStore[];
  readonly reductions: readonly PlannedReduction[];
  /** The buffers whose addresses the kernel is called with. */
  readonly slots: readonly Buffer[];
  /** 64-bit elements: two lanes instead of four. */
  readonly wide: boolean;
  /** The kernel is called for ranges of 0 .. units. */
  readonly units: number;
  /** How many units one call should take. */
  readonly grain: number;
  /** Whether units may run at the same time. */
  readonly parallel: boolean;
}

/** Elements of the box that one call should work on: V8 has no faster code for a loop that runs already, only for the next call. */
const GRAIN = BLOCK;

export function planLoop(kernel: LoopKernel): LoopPlan {
  const { space } = kernel;
  const slots: Buffer[] = [];
  const slotOf = (buffer: Buffer): number => {
    const at = slots.indexOf(buffer);
    return at >= 0 ? at : slots.push(buffer) - 1;
  };
  const plain = rowMajor(space);
  const kept = rowMajor(space.filter((_, d) => !kernel.reduced[d]));
  let next = 0;
  const folded = space.map((_, d) => (kernel.reduced[d] ? 0 : kept[next++]));
  const nodes: PlannedNode[] = kernel.nodes.map((n) => {
    if (n.kind !== "load") return n;
    const { buffer, strides, offset, guards, fill } = n.access;
    return { kind: "load", dtype: n.dtype, slot: slotOf(buffer), strides, offset, guards, fill };
  });
  const stores = kernel.stores.map((s): PlannedStore => {
    const { node, buffer, offset } = s;
    // A complex buffer is written part by part.
    const { dtype } = kernel.nodes[node];
    return { node, slot: slotOf(buffer), dtype, strides: s.strides ?? plain, offset };
  });
  const reductions = kernel.reductions.map(({ node, buffer, fold }): PlannedReduction => {
    return { node, slot: slotOf(buffer), dtype: buffer.dtype, strides: folded, offset: 0, fold };
  });
  const merged = mergeDims(space, kernel.reduced, nodes, stores, reductions);
  const wide = kernel.nodes.some((n) => dtypes[n.dtype].bytes === 8);
  const { dims, reduced } = merged;
  const inner = dims[dims.length - 1];
  let units = dims[0];
  let grain = Math.max(1, Math.floor((GRAIN * dims[0]) / Math.max(1, sizeOf(dims))));
  if (dims.length === 1) {
    units = Math.max(1, Math.ceil(inner / BLOCK));
    grain = 1;
  }
  const parallel = kernel.reductions.length === 0 || (dims.length > 1 && !reduced[0]);
  return { ...merged, slots, wide, units, grain, parallel };
}

type Merged = Pick<LoopPlan, "dims" | "reduced" | "nodes" | "stores" | "reductions">;

function mergeDims(
  space: readonly number[],
  reduced: readonly boolean[],
  nodes: readonly PlannedNode[],
  stores: readonly PlannedStore[],
  reductions: readonly PlannedReduction[],
): Merged {
  if (space.length === 0) {
    const flat = <T extends { readonly strides: readonly number[] }>(x: T): T => ({ ...x, strides: [1] });
    return {
      dims: [1],
      reduced: [false],
      nodes: nodes.map((n) => (n.kind === "load" || n.kind === "index" ? flat(n) : n)),
      stores: stores.map(flat),
      reductions: reductions.map(flat),
    };
  }
  const walks: (readonly number[])[] = [...stores, ...reductions].map((x) => x.strides);
  const guarded = new Set<number>();
  for (const n of nodes) {
    if (n.kind === "load" || n.kind === "index") walks.push(n.strides);
    if (n.kind === "load") for (const g of n.guards) guarded.add(g.dim);
  }
  // groups[k]: the first and last dimension of merged dimension k.
  const groups: [number, number][] = [];
  for (let d = 0; d < space.length; d++) {
    const last = groups[groups.length - 1];
    const joins =
      last !== undefined &&
      reduced[d] === reduced[d - 1] &&
      !guarded.has(d) &&
      !guarded.has(d - 1) &&
      walks.every((s) => s[d - 1] === s[d] * space[d]);
    if (joins) last[1] = d;
    else groups.push([d, d]);
  }
  const merge = <T extends { readonly strides: readonly number[] }>(x: T): T => ({
    ...x,
    strides: groups.map(([, last]) => x.strides[last]),
  });
  const place = (dim: number): number => groups.findIndex(([a, b]) => a <= dim && dim <= b);
  return {
    dims: groups.map(([a, b]) => sizeOf(space.slice(a, b + 1))),
    reduced: groups.map(([a]) => reduced[a]),
    nodes: nodes.map((n) => {
      if (n.kind === "load") return { ...merge(n), guards: n.guards.map((g) => ({ ...g, dim: place(g.dim) })) };
      return n.kind === "index" ? merge(n) : n;
    }),
    stores: stores.map(merge),
    reductions: reductions.map(merge),
  };
}

/** Equal for kernels that have the same code: they differ in the addresses that they are called with at most. */
export function loopKey(plan: LoopPlan): string {
  const { dims, reduced, nodes, stores, reductions } = plan;
  return JSON.stringify([dims, reduced, nodes, stores, reductions], (_key, value: unknown) => {
    if (typeof value === "bigint") return `${String(value)}n`;
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
      return `#${Object.is(value, -0) ? "-0" : String(value)}`;
    return value;
  });
}
