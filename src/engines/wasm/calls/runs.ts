/** Elements copied or filled one after another: in whole runs where they lie side by side. */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { MemoryOp } from "../encode/opcodes.ts";

interface Target {
  readonly to: Local;
  readonly count: number;
  /** Bytes of an element. */
  readonly bytes: number;
  readonly toStep: number;
}

interface Copy extends Target {
  readonly from: Local;
  readonly fromStep: number;
}

/** Runs up to this length are copied by loads and stores: the instruction for whole runs is a call. */
const SHORT = 128;

const moves: readonly (readonly [bytes: number, load: MemoryOp, store: MemoryOp])[] = [
  [16, "v128.load", "v128.store"],
  [8, "i64.load", "i64.store"],
  [4, "i32.load", "i32.store"],
  [2, "i32.load16_u", "i32.store16"],
  [1, "i32.load8_u", "i32.store8"],
];

/** Copies `length` bytes, a constant. */
export function copyRun(f: FunctionBuilder, to: Local, from: Local, length: number): void {
  if (length > SHORT) {
    f.get(to).get(from).i32(length).memoryCopy();
    return;
  }
  let at = 0;
  for (const [bytes, load, store] of moves) {
    for (; at + bytes <= length; at += bytes) f.get(to).get(from).mem(load, at, 0).mem(store, at, 0);
  }
}

export function copyElements(f: FunctionBuilder, { from, to, count, bytes, fromStep, toStep }: Copy): void {
  if (count === 1 || (fromStep === bytes && toStep === bytes)) {
    copyRun(f, to, from, count * bytes);
    return;
  }
  const [p, q, i] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(from).set(p).get(to).set(q);
  f.forRange(i, 0, count, 1, () => {
    copyRun(f, q, p, bytes);
    f.get(p).i32(fromStep).op("i32.add").set(p);
    f.get(q).i32(toStep).op("i32.add").set(q);
  });
}

/** Fills the places with one element, given by its bytes. */
export function fillElements(f: FunctionBuilder, { to, count, bytes, toStep }: Target, element: Uint8Array): void {
  const same = element.every((b) => b === element[0]);
  if (same && (toStep === bytes || count === 1)) {
    f.get(to)
      .i32(element[0])
      .i32(count * bytes)
      .memoryFill();
    return;
  }
  const view = new DataView(element.buffer, element.byteOffset, bytes);
  const [q, i] = [f.local("i32"), f.local("i32")];
  f.get(to).set(q);
  f.forRange(i, 0, count, 1, () => {
    let at = 0;
    for (; at + 8 <= bytes; at += 8) f.get(q).i64(view.getBigInt64(at, true)).mem("i64.store", at, 0);
    for (; at + 4 <= bytes; at += 4) f.get(q).i32(view.getInt32(at, true)).mem("i32.store", at, 0);
    for (; at + 2 <= bytes; at += 2) f.get(q).i32(view.getUint16(at, true)).mem("i32.store16", at, 0);
    for (; at < bytes; at++) f.get(q).i32(view.getUint8(at)).mem("i32.store8", at, 0);
    f.get(q).i32(toStep).op("i32.add").set(q);
  });
}
