/**
 * Cheap values are computed again rather than kept. Differentiation keeps many values that follow from one another by a product or a sum (x, x² and
 * 1 - x², say); in a compiled program it costs nothing to compute such a value anew where it is read, in registers, and its memory is saved. A
 * kernel's stores are given up together if what they follow from is in memory anyway at their last readers, or is smaller than they are.
 *
 * The bits don't change: the same instructions on the same numbers. What a user marked for recomputation isn't touched by this, nor merged with
 * anything.
 */
import { dtypes } from "../core/dtype.ts";
import { isOneRun } from "./kernelBuilder.ts";
import { buffersOf, lifetimesOf, type Lifetimes } from "./lifetimes.ts";
import type { Access, LoopKernel, Node } from "./loop.ts";
import type { Block, Buffer, Program, Step } from "./program.ts";
import { reshapeView, rowMajor } from "./view.ts";

/** Operations that one value may take, and nodes and loads that a kernel may come to have. */
const MAX_OPS = 8;
const MAX_NODES = 200;
const MAX_LOADS = 28;

interface Candidate {
  readonly buffer: Buffer;
  readonly node: number;
  readonly readers: readonly LoopKernel[];
  readonly last: number;
  /** Loads and stored nodes of the kernel that it follows from. */
  readonly leaves: ReadonlySet<number>;
}

/** Changes the blocks of a program in place. */
export function forgetCheapValues(program: Program): void {
  const kept = new Set<Buffer>();
  for (const out of program.outputs) if (out.kind === "buffer") kept.add(out.buffer);
  const lives = lifetimesOf(program);
  const readers = readersOf(program.body);
  visit(program.body, (block) => {
    const steps = block.steps as Step[];
    const place = new Map(steps.map((s, i) => [s, i]));
    for (const step of [...steps]) {
      if (step.kind === "loop") forget(step, steps, place, kept, lives, readers);
    }
  });
}

function visit(block: Block, fn: (block: Block) => void): void {
  fn(block);
  for (const step of block.steps) {
    if (step.kind === "scan") visit(step.body, fn);
    else if (step.kind === "while") {
      visit(step.cond, fn);
      visit(step.body, fn);
    } else if (step.kind === "cond") for (const b of step.branches) visit(b, fn);
  }
}

/** The steps that read each buffer; null for readers that aren't kernels. */
function readersOf(body: Block): Map<Buffer, (Step | null)[]> {
  const readers = new Map<Buffer, (Step | null)[]>();
  const add = (b: Buffer, step: Step | null): void => {
    const list = readers.get(b);
    if (list === undefined) readers.set(b, [step]);
    else list.push(step);
  };
  visit(body, (block) => {
    for (const step of block.steps) {
      for (const b of buffersOf(step).reads) add(b, step.kind === "loop" ? step : null);
      if (step.kind === "scan") for (const { whole } of [...step.xs, ...step.ys]) add(whole, null);
      if (step.kind === "while") add(step.going, null);
      if (step.kind === "cond") add(step.index, null);
    }
  });
  return readers;
}

function forget(
  kernel: LoopKernel,
  steps: Step[],
  place: Map<Step, number>,
  kept: ReadonlySet<Buffer>,
  { touches, times }: Lifetimes,
  readers: Map<Buffer, (Step | null)[]>,
): void {
  const stored = new Map(kernel.stores.filter((s) => s.strides === null).map((s) => [s.node, s.buffer]));
  const endOf = (b: Buffer): number => {
    if (b.kind === "argument" || b.kind === "constant" || kept.has(b) || b.moving) return Infinity;
    const list = touches.get(b.root) ?? [];
    return list.length === 0 ? -1 : list[list.length - 1].time;
  };
  const start = place.get(kernel) as number;
  const candidates: Candidate[] = [];
  for (const [node, buffer] of stored) {
    if (kept.has(buffer) || buffer.kind !== "temporary" || kernel.nodes[node].kind !== "op") continue;
    const all = readers.get(buffer) ?? [];
    const own = all.every((r) => r?.kind === "loop" && place.has(r) && (place.get(r) as number) > start);
    if (!own || all.length === 0) continue;
    const loops = [...new Set(all as LoopKernel[])];
    // Readers nearby would gain nothing.
    const far = Math.max(...loops.map((l) => place.get(l) as number));
    if (!steps.slice(start + 1, far).some((s) => s.kind !== "loop")) continue;
    if (!loops.every((l) => canHold(l, kernel, buffer))) continue;
    const leaves = leavesOf(kernel.nodes, node, new Set([...stored.keys()].filter((n) => !isCheap(kernel.nodes, n))));
    if (leaves === null) continue;
    candidates.push({
      buffer,
      node,
      readers: loops,
      last: Math.max(...loops.map((l) => times.get(l) as number)),
      leaves,
    });
  }
  const chosen = worthwhile(candidates, kernel, stored, endOf);
  for (const c of chosen) giveUp(c, kernel, place, stored, readers);
}

const isCheap = (nodes: readonly Node[], n: number): boolean => {
  const node = nodes[n];
  return node.kind === "op" && node.cheap;
};

/** What a node follows from by cheap operations; null if that takes too many, or something that isn't in memory. */
function leavesOf(nodes: readonly Node[], root: number, inMemory: ReadonlySet<number>): Set<number> | null {
  const leaves = new Set<number>();
  const seen = new Set<number>();
  let ops = 0;
  const stack = [root];
  while (stack.length > 0) {
    const n = stack.pop() as number;
    if (seen.has(n)) continue;
    seen.add(n);
    const node = nodes[n];
    if (node.kind === "constant" || node.kind === "index") continue;
    if (node.kind === "load" || (n !== root && inMemory.has(n))) {
      leaves.add(n);
      continue;
    }
    if (!node.cheap || ++ops > MAX_OPS) return null;
    stack.push(...node.args);
  }
  return leaves;
}

/** The largest set of candidates that saves more than it keeps alive. */
function worthwhile(
  candidates: readonly Candidate[],
  kernel: LoopKernel,
  stored: ReadonlyMap<number, Buffer>,
  endOf: (b: Buffer) => number,
): readonly Candidate[] {
  const leafBuffer = (n: number): Buffer => {
    const node = kernel.nodes[n];
    return node.kind === "load" ? node.access.buffer : (stored.get(n) as Buffer);
  };
  const cost = (set: readonly Candidate[]): number => {
    const extended = new Set<Buffer>();
    for (const c of set) {
      for (const n of c.leaves) {
        const b = leafBuffer(n);
        if (endOf(b) < c.last) extended.add(b);
      }
    }
    let bytes = 0;
    for (const b of extended) bytes += b.bytes;
    for (const c of set) bytes -= c.buffer.bytes;
    return bytes;
  };
  const free = candidates.filter((c) => cost([c]) < 0);
  if (cost(candidates) < 0 && cost(candidates) <= cost(free)) return candidates;
  return cost(free) < 0 ? free : [];
}

/** Whether a reader takes the buffer place by place, and has room for more nodes. */
function canHold(reader: LoopKernel, kernel: LoopKernel, buffer: Buffer): boolean {
  if (reader.nodes.length > MAX_NODES) return false;
  const plain = rowMajor(reader.space);
  const size = (space: readonly number[]): number => space.reduce((n, d) => n * d, 1);
  if (size(reader.space) !== size(kernel.space)) return false;
  let loads = 0;
  for (const n of reader.nodes) {
    if (dtypes[n.dtype].bytes === 8) return false;
    if (n.kind !== "load") continue;
    loads++;
    if (n.access.buffer !== buffer) continue;
    const { strides, offset, guards } = n.access;
    if (offset !== 0 || guards.length > 0 || strides.some((s, d) => s !== plain[d])) return false;
  }
  if (loads > MAX_LOADS) return false;
  return kernel.nodes.every((n) => {
    if (n.kind === "index") return reader.reductions.length === 0;
    if (n.kind !== "load") return true;
    const access = onSpace(n.access, kernel, reader);
    if (access === null) return false;
    return reader.reductions.length === 0 || isOneRun(access.strides, access.guards, reader.space, reader.reduced);
  });
}

/** The access of a kernel on another kernel's box of the same size. */
function onSpace(access: Access, kernel: LoopKernel, reader: LoopKernel): Access | null {
  const view = reshapeView({ ...access, shape: kernel.space }, reader.space);
  if (view === null) return null;
  const { strides, offset, guards, fill } = view;
  return { buffer: access.buffer, strides, offset, guards, fill };
}

function giveUp(
  candidate: Candidate,
  kernel: LoopKernel,
  place: Map<Step, number>,
  stored: ReadonlyMap<number, Buffer>,
  readers: Map<Buffer, (Step | null)[]>,
): void {
  for (const reader of readers.get(candidate.buffer) ?? []) {
    if (reader?.kind !== "loop" || !place.has(reader)) continue;
    rewrite(reader, candidate, kernel, stored, readers);
  }
  readers.delete(candidate.buffer);
  const stores = kernel.stores as unknown as { node: number; buffer: Buffer }[];
  stores.splice(
    stores.findIndex((s) => s.buffer === candidate.buffer),
    1,
  );
}

/** Puts the expression in place of the load; nodes keep their order: arguments before what reads them. */
function rewrite(
  reader: LoopKernel,
  candidate: Candidate,
  kernel: LoopKernel,
  stored: ReadonlyMap<number, Buffer>,
  readers: Map<Buffer, (Step | null)[]>,
): void {
  const nodes: Node[] = [];
  const moved = new Map<number, number>();
  const renumber = new Map<number, number>();
  const note = (b: Buffer): void => {
    readers.get(b)?.push(reader);
  };
  const copy = (n: number): number => {
    const known = moved.get(n);
    if (known !== undefined) return known;
    const node = kernel.nodes[n];
    let fresh: Node;
    if (n !== candidate.node && candidate.leaves.has(n) && node.kind !== "load") {
      const buffer = stored.get(n) as Buffer;
      note(buffer);
      const access: Access = { buffer, strides: rowMajor(reader.space), offset: 0, guards: [], fill: null };
      fresh = { kind: "load", dtype: node.dtype, access };
    } else if (node.kind === "load") {
      note(node.access.buffer);
      fresh = { ...node, access: onSpace(node.access, kernel, reader) as Access };
    } else if (node.kind === "index") {
      const view = reshapeView(
        { shape: kernel.space, strides: node.strides, offset: node.offset, guards: [], fill: null },
        reader.space,
      );
      if (view === null) throw new RangeError("an index doesn't lie on the reader's box");
      fresh = { ...node, strides: view.strides, offset: view.offset };
    } else if (node.kind === "op") {
      fresh = { ...node, args: node.args.map(copy) };
    } else fresh = node;
    const at = nodes.push(fresh) - 1;
    moved.set(n, at);
    return at;
  };
  reader.nodes.forEach((node, i) => {
    if (node.kind === "load" && node.access.buffer === candidate.buffer) {
      renumber.set(i, copy(candidate.node));
      return;
    }
    const own = node.kind === "op" ? { ...node, args: node.args.map((a) => renumber.get(a) as number) } : node;
    renumber.set(i, nodes.push(own) - 1);
  });
  const own = reader.nodes as Node[];
  own.length = 0;
  own.push(...nodes);
  const settle = (list: readonly { readonly node: number }[]): void => {
    (list as { node: number }[]).forEach((s, i) => {
      (list as { node: number }[])[i] = { ...s, node: renumber.get(s.node) as number };
    });
  };
  settle(reader.stores);
  settle(reader.reductions);
}
