/** Elements as numbers: what kernels that add and multiply read and write, whatever the storage of the dtype. */
import type { ConcreteArray } from "../../core/array.ts";
import type { DType, TypedArray } from "../../core/dtype.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../core/halfFloat.ts";

export type Numbers = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

/** The storage of a dtype as numbers; halves are decoded. Complex numbers stay (re, im) pairs. Not for 64-bit integers. */
export function numbersOf(x: ConcreteArray): Numbers {
  if (x.dtype === "float16") return Float32Array.from(x.data as Uint16Array, fromFloat16);
  if (x.dtype === "bfloat16") return Float32Array.from(x.data as Uint16Array, fromBfloat16);
  return x.data as Numbers;
}

/** Numbers written into the storage of a dtype: rounded, wrapped, or asked whether they are zero. */
export function stored(values: ArrayLike<number>, dtype: DType): TypedArray {
  const n = values.length;
  switch (dtype) {
    case "float16":
      return Uint16Array.from(values, toFloat16);
    case "bfloat16":
      return Uint16Array.from(values, toBfloat16);
    case "bool":
      return Uint8Array.from(values, (v) => (v === 0 ? 0 : 1));
    case "float64":
    case "complex128":
      return values instanceof Float64Array ? values : Float64Array.from(values);
    case "float32":
    case "complex64":
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case "int8":
      return Int8Array.from(values);
    case "int16":
      return Int16Array.from(values);
    case "int32":
      return values instanceof Int32Array ? values : Int32Array.from(values);
    case "uint8":
      return Uint8Array.from(values);
    case "uint16":
      return Uint16Array.from(values);
    case "uint32":
      return Uint32Array.from(values);
    case "int64":
      return BigInt64Array.from({ length: n }, (_, i) => BigInt(values[i]!));
    case "uint64":
      return BigUint64Array.from({ length: n }, (_, i) => BigInt(values[i]!));
    default:
      return new Uint8Array(0);
  }
}

export const isBig = (dtype: DType): boolean => dtype === "int64" || dtype === "uint64";

/** 64-bit integers of any integer storage. */
export const bigsOf = (x: ConcreteArray): bigint[] => Array.from(x.data as ArrayLike<number | bigint>, BigInt);
