/** What all blocks of a program share: the engine's abilities, constants, and every buffer that was made. */
import type { ConcreteArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import type { TypedArray } from "../core/dtype.ts";
import type { Source } from "../core/source.ts";
import { Buffer, type BufferKind } from "./program.ts";
import type { Target } from "./target.ts";

export class ProgramContext {
  readonly target: Target;
  readonly constants = new Map<TypedArray, { readonly buffer: Buffer; readonly value: ConcreteArray }>();
  readonly buffers: Buffer[] = [];

  constructor(target: Target) {
    this.target = target;
  }

  buffer(aval: ShapedArray, kind: BufferKind, label: string, source: Source | null): Buffer {
    const b = new Buffer(aval.dtype, aval.size, aval.nbytes, kind, label, source);
    this.buffers.push(b);
    return b;
  }

  /** A buffer in host memory. */
  hostBuffer(aval: ShapedArray, label: string, source: Source | null): Buffer {
    const b = this.buffer(aval, "temporary", label, source);
    b.host = true;
    return b;
  }

  /** Memory for a routine while it runs. */
  workspace(bytes: number, label: string): Buffer {
    const b = new Buffer("uint8", bytes, bytes, "temporary", label, null);
    this.buffers.push(b);
    return b;
  }

  constant(value: ConcreteArray): Buffer {
    let entry = this.constants.get(value.data);
    if (entry === undefined || entry.value.dtype !== value.dtype) {
      entry = { buffer: this.buffer(value.aval, "constant", "constant", null), value };
      this.constants.set(value.data, entry);
    }
    return entry.buffer;
  }
}
