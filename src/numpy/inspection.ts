/** Copies, texts and raw bytes of arrays, and questions about dtypes. */
import { ConcreteArray, NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { dtypes, isComplex, isFloat, isInexact, isInteger, kindOf, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { array, asarray, type ArrayLike } from "./asarray.ts";
import { arrayText, elementsText } from "./format.ts";
import { arrayOf } from "./options.ts";

/** A copy, as an operation of its own in a program. */
export const copy = (a: ArrayLike): NDArray => array(a, { copy: true });

/** The array as text with its type: `Array([1., 2.], dtype=float32)`. */
export const arrayRepr = (arr: ArrayLike): string => arrayText(arrayOf(arr, "array_repr"));

/** The elements as text: `[1. 2.]`. */
export const arrayStr = (a: ArrayLike): string => elementsText(arrayOf(a, "array_str"));

/** Whether a value can be iterated over: lists, strings, and arrays that have an axis. */
export function iterable(y: unknown): boolean {
  if (y instanceof NDArray) return y.ndim > 0;
  return typeof y === "string" || (typeof y === "object" && y !== null && Symbol.iterator in y);
}

const abstract = {
  generic: () => true,
  number: (t: DType) => isInteger(t) || isInexact(t),
  integer: isInteger,
  signedinteger: (t: DType) => kindOf(t) === "int",
  unsignedinteger: (t: DType) => kindOf(t) === "uint",
  inexact: isInexact,
  floating: isFloat,
  complexfloating: isComplex,
} as const;

/** NumPy's kinds of dtypes. */
export type AbstractDType = keyof typeof abstract;

/**
 * Whether a dtype, or one of an array, is another dtype or of a kind.
 *
 *     np.issubdtype("float32", "floating") // true
 */
export function issubdtype(arg1: DType | NDArray, arg2: DType | AbstractDType): boolean {
  const dtype = typeof arg1 === "string" ? arg1 : arg1.dtype;
  return arg2 in abstract ? abstract[arg2 as AbstractDType](dtype) : dtype === arg2;
}

export interface FromBufferOptions {
  /** The dtype of the bytes; float64 as in NumPy. */
  readonly dtype?: DType;
  /** How many elements; -1 for all. */
  readonly count?: number;
  /** At which byte to begin. */
  readonly offset?: number;
}

/** The elements whose bytes (little-endian) a buffer holds, as a vector. */
export function frombuffer(buffer: ArrayBuffer | ArrayBufferView, options: DType | FromBufferOptions = {}): NDArray {
  const { dtype = "float64", count = -1, offset = 0 } = typeof options === "string" ? { dtype: options } : options;
  const bytes =
    buffer instanceof ArrayBuffer
      ? new Uint8Array(buffer)
      : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const { bytes: size, storage } = dtypes[dtype];
  const there = bytes.length - offset;
  if (count < 0 && there % size !== 0) {
    throw new RematValueError(
      `buffer size must be a multiple of element size: ${there} bytes, and ${dtype} takes ${size}. Give the count.`,
    );
  }
  const n = count < 0 ? there / size : count;
  if (n * size > there || there < 0) {
    throw new RematValueError(
      `buffer is smaller than requested size: ${n} elements of ${size} bytes, of ${there} bytes.`,
    );
  }
  const part = bytes.slice(offset, offset + n * size);
  const data = new storage(part.buffer);
  return asarray(new ConcreteArray(new ShapedArray([n], dtype), data), { dtype: canonicalDType(dtype) });
}
