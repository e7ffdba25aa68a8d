/**
 * Abstract values: what tracing knows of an array without its elements. Shape, dtype, whether the dtype is weak (came from a host
 * scalar and yields to others), and the memory space in which it lives (`host` after an offload).
 */
import { dtypes, tangentDType, type DType } from "./dtype.ts";

export type MemorySpace = "device" | "host";
export type Shape = readonly number[];

export class ShapedArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly weakType: boolean;
  readonly memorySpace: MemorySpace;
  #key: string | undefined;

  constructor(shape: Shape, dtype: DType, weakType = false, memorySpace: MemorySpace = "device") {
    this.shape = shape;
    this.dtype = dtype;
    this.weakType = weakType;
    this.memorySpace = memorySpace;
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The bytes of its elements. */
  get nbytes(): number {
    return this.size * dtypes[this.dtype].bytes;
  }

  /** Equal for equal avals, weak type included: a cache key. */
  get key(): string {
    return (this.#key ??= `${this.toString()}${this.weakType ? "w" : ""}`);
  }

  /** As JAX prints it in jaxprs: `f32[3,4]`, `f32<host>[3]`. Weak types look like strong ones. */
  toString(): string {
    return `${dtypes[this.dtype].short}${this.memorySpace === "host" ? "<host>" : ""}[${this.shape.join(",")}]`;
  }

  /** As JAX prints it in errors: `float32[3,4]`. */
  toLongString(): string {
    return `${this.dtype}[${this.shape.join(",")}]`;
  }

  update(change: { shape?: Shape; dtype?: DType; weakType?: boolean; memorySpace?: MemorySpace }): ShapedArray {
    return new ShapedArray(
      change.shape ?? this.shape,
      change.dtype ?? this.dtype,
      change.weakType ?? this.weakType,
      change.memorySpace ?? this.memorySpace,
    );
  }

  /** The type of its tangents. */
  toTangent(): ShapedArray {
    const dtype = tangentDType(this.dtype);
    return dtype === this.dtype ? this : new ShapedArray(this.shape, dtype, false, this.memorySpace);
  }

  stripWeakType(): ShapedArray {
    return this.weakType ? this.update({ weakType: false }) : this;
  }
}

export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export const shapesEqual = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
