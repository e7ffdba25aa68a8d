/**
 * The body of one WebAssembly function, instruction by instruction. Its methods follow the text format: `f.get(x)`, `f.f32x4(2)`,
 * `f.op("f32x4.mul")`. Blocks take a function that writes what stands inside, so nesting in the source is nesting in the program; the
 * labels which they hand out are turned into depths here.
 */
import { InternalError } from "../../../errors.ts";
import { pushBytes, pushFloat32, pushFloat64, pushSigned, pushSigned64, pushUnsigned } from "./leb.ts";
import type { ModuleBuilder } from "./module.ts";
import { valTypes, type Callable, type ValType } from "./valueTypes.ts";
import {
  atomic,
  memory,
  plain,
  saturating,
  simd,
  simdLane,
  simdLaneMemory,
  simdMemory,
  type LaneMemoryOp,
  type LaneOp,
  type MemoryOp,
  type PlainOp,
} from "./opcodes.ts";

/** A local variable or parameter, by its index. */
export type Local = number;

/** The target of a branch: the end of a block, or the start of a loop. */
export interface Label {
  readonly level: number;
}

const has = <T extends object>(table: T, name: string): name is Extract<keyof T, string> => name in table;

const END: readonly number[] = [0x0b];

export class FunctionBuilder implements Callable {
  readonly index: number;
  readonly typeIndex: number;
  readonly #params: readonly ValType[];
  readonly #locals: ValType[] = [];
  #prologue: number[] = [];
  #code: number[] = [];
  readonly #module: ModuleBuilder;
  #level = 0;

  constructor(module: ModuleBuilder, index: number, params: readonly ValType[], results: readonly ValType[]) {
    this.index = index;
    this.#params = params;
    this.#module = module;
    this.typeIndex = module.type(params, results);
  }

  /** A new local variable; it starts at zero. */
  local(type: ValType): Local {
    this.#locals.push(type);
    return this.#params.length + this.#locals.length - 1;
  }

  get(x: Local): this {
    return this.#indexed(0x20, x);
  }
  set(x: Local): this {
    return this.#indexed(0x21, x);
  }
  tee(x: Local): this {
    return this.#indexed(0x22, x);
  }

  /** A 32-bit constant, signed or unsigned. */
  i32(n: number): this {
    this.#code.push(0x41);
    pushSigned(this.#code, n);
    return this;
  }
  i64(n: bigint): this {
    this.#code.push(0x42);
    pushSigned64(this.#code, n);
    return this;
  }
  f32(x: number): this {
    this.#code.push(0x43);
    pushFloat32(this.#code, x);
    return this;
  }
  f64(x: number): this {
    this.#code.push(0x44);
    pushFloat64(this.#code, x);
    return this;
  }
  /** A vector constant of 16 bytes. */
  v128(bytes: ArrayLike<number>): this {
    if (bytes.length !== 16) throw new InternalError(`a v128 constant has 16 bytes, not ${String(bytes.length)}`);
    this.#code.push(0xfd, 12);
    pushBytes(this.#code, bytes);
    return this;
  }
  /** The same float32 in four lanes. */
  f32x4(x: number): this {
    return this.v128(new Uint8Array(Float32Array.of(x, x, x, x).buffer));
  }
  /** The same 32-bit integer in four lanes. */
  i32x4(n: number): this {
    return this.v128(new Uint8Array(Int32Array.of(n, n, n, n).buffer));
  }
  /** The same float64 in two lanes. */
  f64x2(x: number): this {
    return this.v128(new Uint8Array(Float64Array.of(x, x).buffer));
  }
  /** The same 64-bit integer in two lanes. */
  i64x2(n: bigint): this {
    return this.v128(new Uint8Array(BigInt64Array.of(n, n).buffer));
  }

  /** An instruction without immediates. */
  op(...names: readonly PlainOp[]): this {
    for (const name of names) {
      if (has(plain, name)) this.#code.push(plain[name]);
      else if (has(simd, name)) this.#simd(simd[name]);
      else {
        this.#code.push(0xfc);
        pushUnsigned(this.#code, saturating[name]);
      }
    }
    return this;
  }

  /** A load or store at the address on the stack plus `offset`. */
  mem(name: MemoryOp, offset = 0, align?: number): this {
    if (has(memory, name)) {
      this.#code.push(memory[name][0]);
      return this.#memarg(align ?? memory[name][1], offset);
    }
    if (has(simdMemory, name)) {
      this.#simd(simdMemory[name][0]);
      return this.#memarg(align ?? simdMemory[name][1], offset);
    }
    this.#code.push(0xfe, atomic[name][0]);
    return this.#memarg(atomic[name][1], offset);
  }

  /** A load or store of one lane. */
  memLane(name: LaneMemoryOp, lane: number, offset = 0): this {
    this.#simd(simdLaneMemory[name][0]);
    this.#memarg(0, offset);
    this.#code.push(lane);
    return this;
  }

  /** Extraction or replacement of a lane. */
  lane(name: LaneOp, lane: number): this {
    this.#simd(simdLane[name]);
    this.#code.push(lane);
    return this;
  }

  /** `i8x16.shuffle`: 16 byte places among the 32 of two vectors. */
  shuffle(lanes: ArrayLike<number>): this {
    if (lanes.length !== 16) throw new InternalError(`a shuffle has 16 lanes, not ${String(lanes.length)}`);
    this.#simd(13);
    pushBytes(this.#code, lanes);
    return this;
  }

  /** A shuffle of 32-bit lanes: four places among the eight of two vectors. */
  shuffle32(a: number, b: number, c: number, d: number): this {
    return this.shuffle([a, b, c, d].flatMap((l) => [4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3]));
  }

  memoryCopy(): this {
    this.#code.push(0xfc, 10, 0, 0);
    return this;
  }
  memoryFill(): this {
    this.#code.push(0xfc, 11, 0);
    return this;
  }
  memorySize(): this {
    this.#code.push(0x3f, 0);
    return this;
  }
  atomicFence(): this {
    this.#code.push(0xfe, 0x03, 0);
    return this;
  }

  call({ index }: Callable): this {
    return this.#indexed(0x10, index);
  }
  /** Calls the table's function whose place is on the stack. */
  callIndirect(params: readonly ValType[], results: readonly ValType[]): this {
    this.#indexed(0x11, this.#module.type(params, results));
    this.#code.push(0);
    return this;
  }

  /** A block; branches to its label leave it. */
  block(inside: (label: Label) => void, result?: ValType): this {
    return this.#nest(0x02, inside, result);
  }
  /** A loop; branches to its label start it again, and reaching its end leaves it. */
  loop(inside: (label: Label) => void): this {
    return this.#nest(0x03, inside);
  }
  /** Two branches by the condition on the stack. */
  if(then: (label: Label) => void, otherwise?: (label: Label) => void, result?: ValType): this {
    this.#code.push(0x04, result === undefined ? 0x40 : valTypes[result]);
    const label = { level: ++this.#level };
    then(label);
    if (otherwise !== undefined) {
      this.#code.push(0x05);
      otherwise(label);
    }
    this.#level--;
    this.#code.push(0x0b);
    return this;
  }
  br(label: Label): this {
    return this.#indexed(0x0c, this.#level - label.level);
  }
  brIf(label: Label): this {
    return this.#indexed(0x0d, this.#level - label.level);
  }
  /** Branches to the label whose place is on the stack; to the last one beyond. */
  brTable(labels: readonly Label[], last: Label): this {
    this.#code.push(0x0e);
    pushUnsigned(this.#code, labels.length);
    for (const l of [...labels, last]) pushUnsigned(this.#code, this.#level - l.level);
    return this;
  }

  /** Runs `body` for i from `start` on in steps of `step`, while i < end; `end` is a local or a constant. */
  forRange(
    i: Local,
    start: number | (() => void),
    end: { local: Local } | number,
    step: number,
    body: () => void,
  ): this {
    if (typeof start === "number") this.i32(start);
    else start();
    this.set(i);
    const pushEnd = (): this => (typeof end === "number" ? this.i32(end) : this.get(end.local));
    return this.block((done) => {
      this.get(i);
      pushEnd();
      this.op("i32.ge_s").brIf(done);
      this.loop((again) => {
        body();
        this.get(i).i32(step).op("i32.add").tee(i);
        pushEnd();
        this.op("i32.lt_s").brIf(again);
      });
    });
  }

  /** What `inside` writes stands at the beginning of the function: constants that loops use are set there. */
  hoist(inside: () => void): this {
    const code = this.#code;
    this.#code = this.#prologue;
    inside();
    this.#code = code;
    return this;
  }

  /** A stretch with a beginning of its own: what is hoisted inside stands at its start, not at the function's. */
  stretch(inside: () => void): this {
    const code = this.#code;
    const prologue = this.#prologue;
    this.#code = [];
    this.#prologue = [];
    inside();
    pushBytes(code, this.#prologue);
    pushBytes(code, this.#code);
    this.#code = code;
    this.#prologue = prologue;
    return this;
  }

  /** An imported global. */
  global(index: number): this {
    return this.#indexed(0x23, index);
  }

  /** The body as the pieces that it is written from: its length and locals, what is hoisted, the rest. */
  pieces(): readonly (readonly number[])[] {
    const locals: number[] = [];
    let groups = 0;
    for (let i = 0; i < this.#locals.length; groups++) {
      let j = i;
      while (j < this.#locals.length && this.#locals[j] === this.#locals[i]) j++;
      pushUnsigned(locals, j - i);
      locals.push(valTypes[this.#locals[i]]);
      i = j;
    }
    const count: number[] = [];
    pushUnsigned(count, groups);
    const head: number[] = [];
    pushUnsigned(head, count.length + locals.length + this.#prologue.length + this.#code.length + 1);
    return [head, count, locals, this.#prologue, this.#code, END];
  }

  #nest(opcode: number, inside: (label: Label) => void, result?: ValType): this {
    this.#code.push(opcode, result === undefined ? 0x40 : valTypes[result]);
    const label = { level: ++this.#level };
    inside(label);
    this.#level--;
    this.#code.push(0x0b);
    return this;
  }
  #indexed(opcode: number, index: number): this {
    this.#code.push(opcode);
    pushUnsigned(this.#code, index);
    return this;
  }
  #simd(opcode: number): void {
    this.#code.push(0xfd);
    pushUnsigned(this.#code, opcode);
  }
  #memarg(align: number, offset: number): this {
    pushUnsigned(this.#code, align);
    pushUnsigned(this.#code, offset);
    return this;
  }
}
