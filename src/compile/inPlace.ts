/**
 * Writing in place. A value that is computed place by place from another one which nobody reads afterwards takes over its memory; and a value
 * that is made only to be copied somewhere (the next carry of a loop, a slice of its output) is made there at once.
 */
import { lifetimesOf, type Lifetimes, type Touch } from "./lifetimes.ts";
import type { LoopKernel } from "./loop.ts";
import type { Buffer, CopyStep, Program, Step } from "./program.ts";
import { rowMajor } from "./view.ts";

export function reuseInPlace(program: Program, donated: readonly boolean[]): void {
  const lives = lifetimesOf(program);
  const mayWrite = new Set(program.inputs.filter((_, i) => donated[i]));
  const kept = new Set<Buffer>();
  for (const out of program.outputs) if (out.kind === "buffer") kept.add(out.buffer);
  const touches = lives.touches as Map<Buffer, Touch[]>;
  /** Gives `from` the place of `to`. */
  const unite = (from: Buffer, to: Buffer): void => {
    from.alias = to;
    if (kept.has(from)) kept.add(to);
    const all = touches.get(to) ?? [];
    const more = touches.get(from) ?? [];
    // Chains of values in one place grow at their end only.
    const follows = all.length === 0 || more.length === 0 || all[all.length - 1].time <= more[0].time;
    for (const t of more) all.push(t);
    if (!follows) all.sort((x, y) => x.time - y.time);
    touches.delete(from);
    touches.set(to, all);
  };
  // Backwards: the last copy of a loop's body decides where its value is made.
  const copies = lives.order.filter((s): s is CopyStep => s?.kind === "copy");
  for (const step of copies.reverse()) {
    const from = step.from.root;
    const to = step.to.root;
    if (from !== to && canMakeThere(lives, step, from, to, kept)) unite(from, to);
  }
  for (const step of lives.order) {
    if (step?.kind === "loop") overwrite(step, lives, mayWrite, kept, unite);
  }
}

const isOwn = (b: Buffer, kept: ReadonlySet<Buffer>): boolean =>
  b.kind === "temporary" && !b.moving && b.alias === null && !kept.has(b);

function canMakeThere(
  { touches, times, starts }: Lifetimes,
  step: CopyStep,
  from: Buffer,
  to: Buffer,
  kept: ReadonlySet<Buffer>,
): boolean {
  if (!isOwn(from, kept) || from.bytes !== to.bytes || to.kind === "argument" || to.kind === "constant") return false;
  const copied = times.get(step) as number;
  const mine = touches.get(from) ?? [];
  const made = mine[0];
  // Made in the same round of the same loop, not before it.
  if (made === undefined || !made.writes || made.step === null || made.time < (starts.get(step) as number))
    return false;
  const last = mine[mine.length - 1].time;
  for (const t of touches.get(to) ?? []) {
    if (t.time > made.time && t.time < copied) return false;
    if (t.time > copied && t.time <= last && t.writes) return false;
    // A copy of what lies there, made to be changed: it is there already.
    const isCopy = made.step.kind === "copy" && made.step.from.root === to && made.step.to.root === from;
    if (t.time === made.time && (t.writes || !(isCopy || placeByPlace(made.step, to, from)))) return false;
  }
  // A slice of a loop's output is overwritten by the next round only, and nothing else is made there.
  return !to.moving || last <= copied || mine.every((t) => t.time >= (starts.get(step) as number));
}

/** True if the step writes `out` at each place after it has read `read` at that place alone. */
function placeByPlace(step: Step, read: Buffer, out: Buffer): boolean {
  if (step.kind !== "loop") return false;
  if (!step.stores.some((s) => s.buffer.root === out && s.strides === null)) return false;
  if (step.reductions.some((r) => r.buffer.root === out || r.buffer.root === read)) return false;
  return readsInOrder(step, read);
}

function readsInOrder(step: LoopKernel, read: Buffer): boolean {
  const plain = rowMajor(step.space);
  return step.nodes.every((n) => {
    if (n.kind !== "load" || n.access.buffer.root !== read) return true;
    const { strides, offset, guards } = n.access;
    return offset === 0 && guards.length === 0 && strides.every((s, d) => s === plain[d]);
  });
}

/** Whether a buffer is written at the last moment of its life. */
function writesAtEnd(uses: readonly Touch[]): boolean {
  const { time } = uses[uses.length - 1];
  for (let i = uses.length - 1; i >= 0 && uses[i].time === time; i--) if (uses[i].writes) return true;
  return false;
}

/** Outputs of a kernel take the places of operands that end with it. */
function overwrite(
  step: LoopKernel,
  { touches, times }: Lifetimes,
  mayWrite: ReadonlySet<Buffer>,
  kept: ReadonlySet<Buffer>,
  unite: (from: Buffer, to: Buffer) => void,
): void {
  const time = times.get(step) as number;
  for (const { buffer: out, strides } of step.stores) {
    if (strides !== null || out.alias !== null || out.moving) continue;
    if ((touches.get(out) ?? [])[0]?.time !== time) continue;
    for (const node of step.nodes) {
      if (node.kind !== "load") continue;
      const read = node.access.buffer.root;
      if (read === out || read.bytes !== out.bytes) continue;
      // The place of a donated argument is free once: no longer where a result lies there already.
      if (!isOwn(read, kept) && (!mayWrite.has(read) || kept.has(read))) continue;
      // A kept output may take another's place, but then lives to the end there; two kept ones never share.
      const uses = touches.get(read) ?? [];
      if (uses[uses.length - 1]?.time !== time || writesAtEnd(uses)) continue;
      if (!placeByPlace(step, read, out)) continue;
      unite(out, read);
      break;
    }
  }
}
