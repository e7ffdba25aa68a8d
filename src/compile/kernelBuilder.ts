/** A loop kernel while equations are added to it. */
import { sizeOf, type Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import type { Eqn, Params } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Access, Fold, LoopKernel, Node, Reduction, Store } from "./loop.ts";
import type { Buffer } from "./program.ts";
import { reshapeView, type Fill, type Guard, type View } from "./view.ts";

/** A shape without dimensions of length 1. */
export const spaceOf = (shape: Shape): number[] => shape.filter((d) => d !== 1);

/** The coarsest shape that both shapes of one size are merges of, or null if there is none. */
export function refine(a: readonly number[], b: readonly number[]): readonly number[] | null {
  if (a.length === b.length && a.every((d, i) => d === b[i])) return a;
  const out: number[] = [];
  const rest: [number[], number[]] = [[...a].reverse(), [...b].reverse()];
  let [x, y] = [rest[0].shift() ?? 1, rest[1].shift() ?? 1];
  while (x !== 1 || y !== 1 || rest[0].length > 0 || rest[1].length > 0) {
    if (x === 1 && rest[0].length > 0) x = rest[0].shift() as number;
    else if (y === 1 && rest[1].length > 0) y = rest[1].shift() as number;
    else if (x === y) {
      out.push(x);
      [x, y] = [1, 1];
    } else if (x > y && y !== 1 && x % y === 0) {
      out.push(y);
      [x, y] = [x / y, 1];
    } else if (y > x && x !== 1 && y % x === 0) {
      out.push(x);
      [x, y] = [1, y / x];
    } else return null;
  }
  return out.reverse();
}

/** Strides for a refined space. */
function split(strides: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  const out = new Array<number>(to.length);
  let j = to.length - 1;
  for (let i = from.length - 1; i >= 0; i--) {
    let stride = strides[i];
    let n = 1;
    while (n < from[i]) {
      out[j] = stride;
      stride *= to[j];
      n *= to[j--];
    }
  }
  return out;
}

/** For each dimension of `to`, the one of `from` that it is a part of. */
function parents(from: readonly number[], to: readonly number[]): number[] {
  const out: number[] = [];
  let j = 0;
  from.forEach((d, i) => {
    for (let n = 1; n < d;) {
      n *= to[j++];
      out.push(i);
    }
  });
  return out;
}

/** Whether the dimensions at the end that are folded, if there are some, are one dimension to an access: a run is folded in vectors. */
export function isOneRun(
  strides: readonly number[],
  guards: readonly Guard[],
  space: readonly number[],
  reduced: readonly boolean[],
): boolean {
  let first = space.length;
  while (first > 0 && reduced[first - 1]) first--;
  if (space.length - first < 2) return true;
  for (let d = first + 1; d < space.length; d++) if (strides[d - 1] !== strides[d] * space[d]) return false;
  return guards.every((g) => g.dim < first);
}

const MAX_NODES = 160;
const MAX_LOADS = 24;

export class KernelBuilder {
  readonly kind = "building";
  /** Its place among the steps of its block. */
  readonly index: number;
  /** The rematerialized region whose equations it holds, if it holds any. */
  region: number | null;
  /** Whether its elements have 64 bits: vectors hold half as many of them, so they stand in kernels of their own. */
  readonly wide: boolean;
  /** Whether it holds equations that belong to no region. */
  mixed = false;
  space: readonly number[];
  reduced: readonly boolean[] | null = null;
  readonly nodes: Node[] = [];
  readonly buffersRead = new Set<Buffer>();
  readonly stores: Store[] = [];
  readonly reductions: Reduction[] = [];
  readonly eqns: Eqn[] = [];
  #loads = 0;
  readonly #known = new Map<string, number>();
  static readonly #ids = new WeakMap<Buffer, number>();
  static #nextId = 0;

  constructor(index: number, space: readonly number[], region: number | null, wide: boolean) {
    this.wide = wide;
    this.index = index;
    this.space = space;
    this.region = region;
  }

  get size(): number {
    return sizeOf(this.space);
  }
  get full(): boolean {
    return this.nodes.length >= MAX_NODES || this.#loads >= MAX_LOADS;
  }

  /** Refines the space so that arrays of this shape lie on it; false if they can't. */
  adopt(shape: Shape): boolean {
    const wanted = spaceOf(shape);
    if (sizeOf(wanted) !== this.size) return false;
    const finer = refine(this.space, wanted);
    if (finer === null) return false;
    if (finer.length === this.space.length) return true;
    const from = this.space;
    const parent = parents(from, finer);
    // A guard on a dimension that is cut would be one on two dimensions.
    const cut = new Set(from.map((_, i) => i).filter((i) => parent.filter((p) => p === i).length > 1));
    for (const node of this.nodes)
      if (node.kind === "load" && node.access.guards.some((g) => cut.has(g.dim))) return false;
    this.nodes.forEach((node, i) => {
      if (node.kind === "load") {
        const { access } = node;
        const guards = access.guards.map((g) => ({ ...g, dim: parent.indexOf(g.dim) }));
        this.nodes[i] = { ...node, access: { ...access, strides: split(access.strides, from, finer), guards } };
      } else if (node.kind === "index") {
        this.nodes[i] = { ...node, strides: split(node.strides, from, finer) };
      }
    });
    this.stores.forEach((s, i) => {
      if (s.strides !== null) this.stores[i] = { ...s, strides: split(s.strides, from, finer) };
    });
    if (this.reduced !== null) this.reduced = parent.map((p) => (this.reduced as readonly boolean[])[p]);
    this.#known.clear();
    this.space = finer;
    return true;
  }

  /** The node that reads a view of a buffer; null if the view doesn't lie in strides on this space. */
  load(buffer: Buffer, view: View, dtype: DType): number | null {
    const onSpace = reshapeView(view, this.space);
    if (onSpace === null) return null;
    const { strides, offset, guards, fill } = onSpace;
    const key = `load ${String(KernelBuilder.#id(buffer))} ${strides.join()} ${String(offset)} ${JSON.stringify(guards)} ${String(fill)}`;
    return this.#once(key, () => {
      this.buffersRead.add(buffer);
      this.#loads++;
      const access: Access = { buffer, strides, offset, guards, fill };
      return { kind: "load", dtype, access };
    });
  }

  constant(value: Fill, dtype: DType): number {
    const text = Object.is(value, -0) ? "-0" : String(value);
    return this.#once(`constant ${dtype} ${text}`, () => ({ kind: "constant", dtype, value }));
  }

  index_(view: View, dtype: DType): number | null {
    const onSpace = reshapeView(view, this.space);
    if (onSpace === null || onSpace.guards.length > 0) return null;
    const { strides, offset } = onSpace;
    return this.#once(`index ${dtype} ${strides.join()} ${String(offset)}`, () => ({
      kind: "index",
      dtype,
      strides,
      offset,
    }));
  }

  op({ name, cheap = false }: Primitive, args: readonly number[], params: Params, dtype: DType): number {
    this.nodes.push({ kind: "op", dtype, name, cheap, args, params });
    return this.nodes.length - 1;
  }

  store(node: number, buffer: Buffer): void {
    this.stores.push({ node, buffer, strides: null, offset: 0 });
  }

  storeView(node: number, buffer: Buffer, strides: readonly number[], offset: number): void {
    this.stores.push({ node, buffer, strides, offset });
  }

  /** Whether a reduction over these flags (one for each dimension of `shape`) can be added; refines the space. */
  canReduce(shape: Shape, flags: readonly boolean[]): readonly boolean[] | null {
    if (!this.adopt(shape)) return null;
    const wanted = spaceOf(shape);
    const kept = flags.filter((_, i) => shape[i] !== 1);
    const reduced = parents(wanted, this.space).map((p) => kept[p]);
    if (this.reduced !== null && this.reduced.some((r, i) => r !== reduced[i])) return null;
    const walks = this.nodes.every((n) => {
      if (n.kind === "load") return isOneRun(n.access.strides, n.access.guards, this.space, reduced);
      return n.kind !== "index" || isOneRun(n.strides, [], this.space, reduced);
    });
    const written = this.stores.every((s) => s.strides === null || isOneRun(s.strides, [], this.space, reduced));
    return walks && written ? reduced : null;
  }

  /** Whether the kernel may read this view, too: its folds go along one stride. */
  admits(view: View): boolean {
    const onSpace = reshapeView(view, this.space);
    if (onSpace === null) return false;
    return this.reduced === null || isOneRun(onSpace.strides, onSpace.guards, this.space, this.reduced);
  }

  reduce(fold: Fold, node: number, buffer: Buffer, reduced: readonly boolean[]): void {
    this.reduced = reduced;
    this.reductions.push({ fold, node, buffer });
  }

  /** The kernel, without nodes that nothing needs; null if nothing is left. */
  finish(): LoopKernel | null {
    if (this.stores.length === 0 && this.reductions.length === 0) return null;
    const needed = new Array<boolean>(this.nodes.length).fill(false);
    for (const s of [...this.stores, ...this.reductions]) needed[s.node] = true;
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i];
      if (needed[i] && node.kind === "op") for (const a of node.args) needed[a] = true;
    }
    const place = new Array<number>(this.nodes.length).fill(-1);
    const nodes: Node[] = [];
    this.nodes.forEach((node, i) => {
      if (!needed[i]) return;
      place[i] = nodes.length;
      nodes.push(node.kind === "op" ? { ...node, args: node.args.map((a) => place[a]) } : node);
    });
    return {
      kind: "loop",
      space: this.space,
      reduced: this.reduced ?? this.space.map(() => false),
      nodes,
      stores: this.stores.map((s) => ({ ...s, node: place[s.node] })),
      reductions: this.reductions.map((r) => ({ ...r, node: place[r.node] })),
      eqns: this.eqns,
    };
  }

  #once(key: string, make: () => Node): number {
    let at = this.#known.get(key);
    if (at === undefined) {
      this.nodes.push(make());
      at = this.nodes.length - 1;
      this.#known.set(key, at);
    }
    return at;
  }

  static #id(buffer: Buffer): number {
    let id = KernelBuilder.#ids.get(buffer);
    if (id === undefined) KernelBuilder.#ids.set(buffer, (id = KernelBuilder.#nextId++));
    return id;
  }
}
