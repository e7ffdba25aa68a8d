/**
 * Element types, by NumPy's names, with what the rest of the library needs to know of each: how it prints, how many bytes an
 * element takes, how it is stored, and where it stands in JAX's promotion lattice.
 *
 * Storage of a concrete array, by dtype: `bool` is a Uint8Array of 0 and 1; 64-bit integers are BigInt arrays; `float16` and
 * `bfloat16` are Uint16Arrays of raw bits; complex numbers are interleaved (re, im) pairs; `float0` (the tangent type of integers)
 * has no elements at all; a PRNG key (`key<fry>`) is two uint32 words.
 */

export type DType =
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64"
  | "complex64"
  | "complex128"
  | "float0"
  | "key<fry>";

export type DTypeKind = "bool" | "int" | "uint" | "float" | "complex" | "float0" | "key";

export type TypedArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

interface DTypeInfo {
  readonly short: string;
  readonly bytes: number;
  readonly kind: DTypeKind;
  /** Typed-array elements per array element. */
  readonly lanes: number;
  readonly storage: {
    new (length: number): TypedArray;
    new (buffer: ArrayBufferLike, offset?: number, length?: number): TypedArray;
    new (elements: TypedArray): TypedArray;
  };
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  bool: { short: "bool", bytes: 1, kind: "bool", lanes: 1, storage: Uint8Array },
  int8: { short: "i8", bytes: 1, kind: "int", lanes: 1, storage: Int8Array },
  int16: { short: "i16", bytes: 2, kind: "int", lanes: 1, storage: Int16Array },
  int32: { short: "i32", bytes: 4, kind: "int", lanes: 1, storage: Int32Array },
  int64: { short: "i64", bytes: 8, kind: "int", lanes: 1, storage: BigInt64Array },
  uint8: { short: "u8", bytes: 1, kind: "uint", lanes: 1, storage: Uint8Array },
  uint16: { short: "u16", bytes: 2, kind: "uint", lanes: 1, storage: Uint16Array },
  uint32: { short: "u32", bytes: 4, kind: "uint", lanes: 1, storage: Uint32Array },
  uint64: { short: "u64", bytes: 8, kind: "uint", lanes: 1, storage: BigUint64Array },
  float16: { short: "f16", bytes: 2, kind: "float", lanes: 1, storage: Uint16Array },
  bfloat16: { short: "bf16", bytes: 2, kind: "float", lanes: 1, storage: Uint16Array },
  float32: { short: "f32", bytes: 4, kind: "float", lanes: 1, storage: Float32Array },
  float64: { short: "f64", bytes: 8, kind: "float", lanes: 1, storage: Float64Array },
  complex64: { short: "c64", bytes: 8, kind: "complex", lanes: 2, storage: Float32Array },
  complex128: { short: "c128", bytes: 16, kind: "complex", lanes: 2, storage: Float64Array },
  float0: { short: "float0", bytes: 0, kind: "float0", lanes: 0, storage: Uint8Array },
  "key<fry>": { short: "key<fry>", bytes: 8, kind: "key", lanes: 2, storage: Uint32Array },
};

export const kindOf = (dtype: DType): DTypeKind => dtypes[dtype].kind;
export const isFloat = (dtype: DType): boolean => dtypes[dtype].kind === "float";
export const isComplex = (dtype: DType): boolean => dtypes[dtype].kind === "complex";
/** Real or complex floating point: what can be differentiated. */
export const isInexact = (dtype: DType): boolean => isFloat(dtype) || isComplex(dtype);
export const isInteger = (dtype: DType): boolean => dtypes[dtype].kind === "int" || dtypes[dtype].kind === "uint";

/** The dtype of a tangent or cotangent: itself for inexact types, `float0` for all others. */
export const tangentDType = (dtype: DType): DType => (isInexact(dtype) ? dtype : "float0");

/** Exponent and mantissa bits of a real floating-point dtype, as `reduce_precision` takes them. */
export const floatBits: Readonly<Partial<Record<DType, readonly [exponent: number, mantissa: number]>>> = {
  float16: [5, 10],
  bfloat16: [8, 7],
  float32: [8, 23],
  float64: [11, 52],
};
