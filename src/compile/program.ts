/**
 * Programs: what a jaxpr becomes before an engine makes code of it. A block is a straight line of steps on buffers; loops and branches are
 * steps that hold blocks. Each buffer lives from the step that makes it to its last reader, and `layout` gives it a place in the arena.
 */
import type { ShapedArray } from "../core/aval.ts";
import type { ConcreteArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import type { Eqn } from "../core/jaxpr.ts";
import type { Source } from "../core/source.ts";
import type { LoopKernel } from "./loop.ts";
import type { View } from "./view.ts";

export type BufferKind = "argument" | "constant" | "temporary" | "output";

/** A stretch of the arena, or of another buffer at a place that changes as a loop goes. */
export class Buffer {
  readonly dtype: DType;
  /** In elements of the array (a complex number is one). */
  readonly size: number;
  readonly bytes: number;
  kind: BufferKind;
  /** What it holds, for reports: the name of an argument, or the primitive that makes it. */
  label: string;
  source: Source | null;
  /** Buffers of host memory have no place in the arena: steps copy between the two. */
  host = false;
  /** A moving buffer is the slice of another that a loop works on: its place changes at each step. */
  moving = false;
  /** Shares the place of another buffer: written in place, or a part of it. */
  alias: Buffer | null = null;
  /** Its place in the arena, in bytes, once the program is laid out; the number of its slot, if it is in host memory. */
  offset = -1;

  constructor(dtype: DType, size: number, bytes: number, kind: BufferKind, label: string, source: Source | null) {
    this.dtype = dtype;
    this.size = size;
    this.bytes = bytes;
    this.kind = kind;
    this.label = label;
    this.source = source;
  }

  /** The buffer whose place this one has. */
  get root(): Buffer {
    return this.alias === null ? this : this.alias.root;
  }
}

/** An operand as a view of a buffer. */
export interface Operand {
  readonly buffer: Buffer;
  readonly view: View;
}

/** A step done by a routine of the engine (a product, a convolution) or by the reference kernel of its primitive. */
export interface CallStep {
  readonly kind: "call";
  readonly routine: string;
  readonly eqn: Eqn;
  readonly operands: readonly Operand[];
  readonly outputs: readonly Buffer[];
  /** Memory that the routine needs while it runs, in bytes. */
  readonly workspace: Buffer | null;
  readonly inAvals: readonly ShapedArray[];
  readonly outAvals: readonly ShapedArray[];
}

/** Copies one buffer to another of the same size. */
export interface CopyStep {
  readonly kind: "copy";
  readonly from: Buffer;
  readonly to: Buffer;
}

/** Copies between the arena and host memory: an offload takes a value out of the arena, a restore brings it back. */
export interface TransferStep {
  readonly kind: "offload" | "restore";
  /** Null where another equation reads a value of the host. */
  readonly eqn: Eqn | null;
  readonly from: Buffer;
  readonly to: Buffer;
}

/** Reads or writes a part of an array whose beginning is known when it runs only; it is moved inside, where it would reach out of the array. */
export interface SliceStep {
  readonly kind: "slice";
  readonly eqn: Eqn;
  readonly writes: boolean;
  readonly array: Buffer;
  readonly part: Buffer;
  /** For each dimension an int32, or its value where that is known. */
  readonly starts: readonly (Buffer | number)[];
  readonly shape: readonly number[];
  readonly sizes: readonly number[];
}

export interface Block {
  readonly steps: readonly Step[];
}

/**
 * A `scan`. Each carry has one place: its first value is brought there before the loop, the body reads it there and leaves the next value there.
 * Slices of the xs and ys are moving buffers.
 */
export interface ScanStep {
  readonly kind: "scan";
  readonly eqn: Eqn;
  readonly length: number;
  readonly reverse: boolean;
  readonly body: Block;
  readonly xs: readonly SlicedBuffer[];
  readonly ys: readonly SlicedBuffer[];
}

export interface SlicedBuffer {
  readonly whole: Buffer;
  readonly slice: Buffer;
}

/** Runs `cond`, and `body` as long as the flag in `going` is set. */
export interface WhileStep {
  readonly kind: "while";
  readonly eqn: Eqn;
  readonly cond: Block;
  readonly going: Buffer;
  readonly body: Block;
}

/** Runs the branch whose number lies in `index`, the nearest one if there is none of that number. */
export interface CondStep {
  readonly kind: "cond";
  readonly eqn: Eqn;
  readonly index: Buffer;
  readonly branches: readonly Block[];
}

export type Step = LoopKernel | CallStep | CopyStep | TransferStep | SliceStep | ScanStep | WhileStep | CondStep;

export interface Program {
  readonly inputs: readonly Buffer[];
  readonly constants: readonly { readonly buffer: Buffer; readonly value: ConcreteArray }[];
  readonly body: Block;
  readonly outputs: readonly ProgramOutput[];
  readonly outAvals: readonly ShapedArray[];
  /** Every buffer that has a place of its own, in the order in which they were made. */
  readonly buffers: readonly Buffer[];
}

/** An output is a buffer of the arena, or one of the arguments or constants as it came. */
export type ProgramOutput =
  | { readonly kind: "buffer"; readonly buffer: Buffer }
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "value"; readonly value: ConcreteArray };
