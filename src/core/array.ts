/**
 * What users hold: immutable n-dimensional arrays. `NDArray` is the common base of concrete arrays, which own their elements, and of
 * tracers, which stand for values during a transformation. A function written against `NDArray` is differentiated, batched and staged
 * without change.
 */
import type { ShapedArray, Shape } from "./aval.ts";
import type { DType, TypedArray } from "./dtype.ts";

export abstract class NDArray {
  abstract readonly aval: ShapedArray;

  get shape(): Shape {
    return this.aval.shape;
  }
  get dtype(): DType {
    return this.aval.dtype;
  }
  /** The number of dimensions. */
  get ndim(): number {
    return this.aval.shape.length;
  }
  /** The number of elements. */
  get size(): number {
    return this.aval.size;
  }
  /** The bytes of its elements. */
  get nbytes(): number {
    return this.aval.nbytes;
  }
  /** True if the dtype came from a host scalar and gives way to others in promotion. */
  get weakType(): boolean {
    return this.aval.weakType;
  }
}

/**
 * An array with elements: row-major, contiguous, never written to after it was made, so several arrays may share one buffer.
 *
 * `literal` marks a host scalar (a JavaScript number, boolean or bigint, or one after a dtype conversion): rank 0, written into
 * jaxprs as a literal instead of becoming a constant. It is what JAX calls a Python or NumPy scalar.
 */
export class ConcreteArray extends NDArray {
  readonly aval: ShapedArray;
  readonly data: TypedArray;
  readonly literal: boolean;
  /** The host number that a literal was made of, where its dtype rounds it: a jaxpr shows the number itself, as JAX does. */
  readonly host: number | null;

  constructor(aval: ShapedArray, data: TypedArray, literal = false, host: number | null = null) {
    super();
    this.aval = aval;
    this.data = data;
    this.literal = literal;
    this.host = host;
  }
}
