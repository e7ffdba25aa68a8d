/** Elements as numbers: what kernels that add and multiply read and write, whatever the storage of the dtype. */
import type { ConcreteArray } from "../../core/array.ts";
import { dtypes, type DType, type TypedArray } from "../../core/dtype.ts";
import { fromFloat16, toBfloat16, toFloat16 } from "../../core/halfFloat.ts";

export type Numbers =
  Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

/** The storage of a dtype as numbers; halves are decoded. Complex numbers stay (re, im) pairs. Not for 64-bit integers. */
export function numbersOf(x: ConcreteArray): Numbers {
  if (x.dtype === "float16") return decodedFloat16(x.data as Uint16Array);
  if (x.dtype === "bfloat16") return decodedBfloat16(x.data as Uint16Array);
  return x.data as Numbers;
}

/** The values of all 65536 float16s. */
let float16s: Float32Array | null = null;

function decodedFloat16(data: Uint16Array): Float32Array {
  float16s ??= new Float32Array(65536).map((_, bits) => fromFloat16(bits));
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = float16s[data[i]];
  return out;
}

function decodedBfloat16(data: Uint16Array): Float32Array {
  const bits = new Uint32Array(data.length);
  for (let i = 0; i < bits.length; i++) bits[i] = data[i] << 16;
  return new Float32Array(bits.buffer);
}

/** Numbers written into the storage of a dtype: rounded, wrapped, or asked whether they are zero. */
export function stored(values: ArrayLike<number>, dtype: DType): TypedArray {
  switch (dtype) {
    case "float16":
      return encoded(values, toFloat16);
    case "bfloat16":
      return encoded(values, toBfloat16);
    case "bool": {
      const out = new Uint8Array(values.length);
      for (let i = 0; i < out.length; i++) out[i] = values[i] === 0 ? 0 : 1;
      return out;
    }
    case "int64":
      return BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i]));
    case "uint64":
      return BigUint64Array.from({ length: values.length }, (_, i) => BigInt(values[i]));
    case "float0":
    case "key<fry>":
      return new Uint8Array(0);
    default: {
      const { storage } = dtypes[dtype];
      // Typed arrays convert one another at full speed, elements one by one do not.
      return values instanceof storage ? values : new (storage as Int32ArrayConstructor)(values);
    }
  }
}

function encoded(values: ArrayLike<number>, encode: (x: number) => number): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = encode(values[i]);
  return out;
}

export const isBig = (dtype: DType): boolean => dtype === "int64" || dtype === "uint64";

/** 64-bit integers of any integer storage. */
export const bigsOf = (x: ConcreteArray): bigint[] => Array.from(x.data as ArrayLike<number | bigint>, BigInt);
