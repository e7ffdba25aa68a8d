/** Kernels of the changes of representation. Floats become integers by dropping their fraction; what is out of range saturates, NaN is 0. */
import type { ConcreteArray } from "../../core/array.ts";
import { dtypes, floatBits, isComplex, type DType, type TypedArray } from "../../core/dtype.ts";
import { readElement, writeElement } from "../../core/scalar.ts";
import { convertElement, type ConvertParams, type ReducePrecisionParams } from "../../primitives/convert.ts";
import { roundHalfEven } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { numberRoom, runUnary } from "./lanes.ts";
import { isBig, numbersOf, stored } from "./numbers.ts";
import { room } from "./shape.ts";

const same: Kernel = (args) => args.map((x) => x.data);

/** The elements of an array as another dtype. */
export function convertData(x: ConcreteArray, to: DType): TypedArray {
  if (x.dtype === to) return x.data;
  const plain = (dtype: DType) => !isComplex(dtype) && !isBig(dtype) && dtype !== "float0" && dtype !== "key<fry>";
  if (!plain(x.dtype) || !plain(to)) {
    const out = room(to, x.size);
    if (to === "float0") return out;
    for (let i = 0; i < x.size; i++)
      writeElement(out, to, i, convertElement(readElement(x.data, x.dtype, i), to, x.dtype));
    return out;
  }
  const data = numbersOf(x);
  const { kind, bytes } = dtypes[to];
  if (dtypes[x.dtype].kind !== "float" || (kind !== "int" && kind !== "uint")) return stored(data, to);
  const [low, high] = kind === "int" ? [-(2 ** (8 * bytes - 1)), 2 ** (8 * bytes - 1) - 1] : [0, 2 ** (8 * bytes) - 1];
  const out = numberRoom(to, x.size);
  for (let i = 0; i < x.size; i++) {
    const v = data[i];
    out[i] = v >= high ? high : v <= low ? low : v !== v ? 0 : Math.trunc(v);
  }
  return out;
}

const convert: Kernel = ([x], _outs, params) => [convertData(x, (params as ConvertParams).new_dtype)];

/** A number with fewer bits: the mantissa rounded to even, infinite above the range, zero below the normal numbers. */
export function reducePrecision(x: number, exponentBits: number, mantissaBits: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const bias = 2 ** (exponentBits - 1) - 1;
  const unit = 2 ** (exponentOf(x) - mantissaBits);
  const rounded = roundHalfEven(x / unit) * unit;
  const magnitude = Math.abs(rounded);
  if (magnitude >= 2 ** (bias + 1)) return Math.sign(x) * Infinity;
  return magnitude < 2 ** (1 - bias) ? Math.sign(x) * 0 : rounded;
}

/** The exponent e with 2^e <= |x| < 2^(e + 1). */
function exponentOf(x: number): number {
  view.setFloat64(0, x);
  const biased = (view.getUint16(0) >>> 4) & 0x7ff;
  return biased === 0 ? Math.floor(Math.log2(Math.abs(x))) : biased - 1023;
}
const view = new DataView(new ArrayBuffer(8));

const reduce: Kernel = ([x], [out], params) => {
  const { exponent_bits: e, mantissa_bits: m } = params as ReducePrecisionParams;
  const own = floatBits[x.dtype];
  if (own !== undefined && e >= own[0] && m >= own[1]) return [x.data];
  return [runUnary("reduce_precision", { float: (v) => reducePrecision(v, e, m) }, x, out)];
};

export const convertKernels = {
  convert_element_type: convert,
  reduce_precision: reduce,
  stop_gradient: same,
  copy: same,
  optimization_barrier: same,
  name: same,
  device_put: same,
} as const;
