/**
 * The kinds of numbers that products are made of, as vectors of 16 bytes. All routines are written once for a kind: a kind says how many
 * numbers a vector holds and by which instructions it multiplies and adds.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { LaneMemoryOp, MemoryOp, PlainOp } from "../encode/opcodes.ts";

export interface Element {
  readonly name: "f32" | "f64" | "i32";
  readonly bytes: 4 | 8;
  /** Numbers in a vector. */
  readonly lanes: 4 | 2;
  readonly add: PlainOp;
  readonly multiply: PlainOp;
  /** a * b + c, rounded once, in the fast mode; null where products are rounded before they are added. */
  readonly fused: PlainOp | null;
  /** Loads one number into all lanes. */
  readonly loadSplat: MemoryOp;
  /** Stores the first lane, and the first 8 bytes. */
  readonly storeLane: LaneMemoryOp;
  /** Rows of a tile whose operands are packed. */
  readonly tileRows: number;
  /** Vectors side by side in a tile. */
  readonly tileVectors: 2 | 4;
  readonly unroll: number;
}

export const exactF32: Element = {
  name: "f32",
  bytes: 4,
  lanes: 4,
  add: "f32x4.add",
  multiply: "f32x4.mul",
  fused: null,
  loadSplat: "v128.load32_splat",
  storeLane: "v128.store32_lane",
  tileRows: 4,
  tileVectors: 2,
  unroll: 1,
};

/** 12 sums, 2 vectors and a factor fill the 15 registers that V8 leaves on x64: one more, and half of the speed is lost. */
export const fusedF32: Element = { ...exactF32, fused: "f32x4.relaxed_madd", tileRows: 6, unroll: 4 };

export const exactF64: Element = {
  ...exactF32,
  name: "f64",
  bytes: 8,
  lanes: 2,
  add: "f64x2.add",
  multiply: "f64x2.mul",
  loadSplat: "v128.load64_splat",
  storeLane: "v128.store64_lane",
};

export const fusedF64: Element = { ...exactF64, fused: "f64x2.relaxed_madd", tileRows: 6, unroll: 4 };

export const wrappingI32: Element = { ...exactF32, name: "i32", add: "i32x4.add", multiply: "i32x4.mul" };

/** The same numbers where V8 joins pairs of vectors to one of 32 bytes: eight sums of twice the width stay in its registers. */
export const paired = (el: Element): Element => ({ ...el, tileRows: 4, tileVectors: 4 });

export const tileRowBytes = (el: Element): number => 16 * el.tileVectors;

/** Columns of a tile. */
export const tileColumns = (el: Element): number => el.tileVectors * el.lanes;

/** sum += x * y. The product is rounded before it is added, unless the kind fuses the two. */
export function multiplyAdd(f: FunctionBuilder, el: Element, sum: Local, x: Local, y: Local): void {
  if (el.fused === null) f.get(sum).get(x).get(y).op(el.multiply, el.add).set(sum);
  else f.get(x).get(y).get(sum).op(el.fused).set(sum);
}
