/** Kernels that work on the bits of numbers: shifts and counts, the upper half of products, the next float, and bits read as another dtype. */
import { dtypes, type DType, type TypedArray } from "../../core/dtype.ts";
import type { Kernel } from "./kernel.ts";
import { placeAt, placesOf, runBinary, runUnary, type BinaryOp, type UnaryOp } from "./lanes.ts";
import { numbersOf } from "./numbers.ts";
import { room } from "./shape.ts";

const bitsOf = (dtype: DType): number => dtypes[dtype].bytes * 8;

const shiftLeft: Kernel = ([x, y], [out]) => {
  const bits = bitsOf(x.dtype);
  const op: BinaryOp = {
    int: (a, s) => (s < 0 || s >= bits ? 0 : a << s),
    big: (a, s) => (s < 0n || s >= 64n ? 0n : a << s),
  };
  return [runBinary("shift_left", op, x, y, out)];
};
const shiftRightArithmetic: Kernel = ([x, y], [out]) => {
  const bits = bitsOf(x.dtype);
  const op: BinaryOp = {
    // An unsigned operand is taken for the signed number of the same bits.
    int: (a, s) => ((a << (32 - bits)) >> (32 - bits)) >> (s < 0 || s >= bits ? 31 : s),
    big: (a, s) => BigInt.asIntN(64, a) >> (s < 0n || s >= 64n ? 63n : s),
  };
  return [runBinary("shift_right_arithmetic", op, x, y, out)];
};
const shiftRightLogical: Kernel = ([x, y], [out]) => {
  const bits = bitsOf(x.dtype);
  const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1;
  const op: BinaryOp = {
    int: (a, s) => (s < 0 || s >= bits ? 0 : (a & mask) >>> s),
    big: (a, s) => (s < 0n || s >= 64n ? 0n : BigInt.asUintN(64, a) >> s),
  };
  return [runBinary("shift_right_logical", op, x, y, out)];
};

const ones = (x: number): number => {
  let count = 0;
  for (let v = x >>> 0; v !== 0; v &= v - 1) count++;
  return count;
};
const populationCount: Kernel = ([x], [out]) => {
  const bits = bitsOf(x.dtype);
  const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1;
  const op: UnaryOp = {
    int: (a) => ones(a & mask),
    big: (a) => BigInt(ones(Number(BigInt.asIntN(32, a))) + ones(Number(BigInt.asIntN(32, a >> 32n)))),
  };
  return [runUnary("population_count", op, x, out)];
};
const clz: Kernel = ([x], [out]) => {
  const bits = bitsOf(x.dtype);
  const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1;
  const op: UnaryOp = {
    int: (a) => Math.clz32(a & mask) - (32 - bits),
    big: (a) => BigInt(64 - (BigInt.asUintN(64, a) === 0n ? 0 : BigInt.asUintN(64, a).toString(2).length)),
  };
  return [runUnary("clz", op, x, out)];
};
/** The next number of the dtype from x toward y. */
const nextafter: Kernel = ([x, y], [out]) => {
  const n = out.size;
  const { dtype } = out;
  const [px, py] = [placesOf(x.shape, out.shape), placesOf(y.shape, out.shape)];
  const [a, b] = [numbersOf(x), numbersOf(y)];
  const result = room(dtype, n);
  const raw =
    dtype === "float64"
      ? new BigInt64Array(result.buffer)
      : dtype === "float32"
        ? new Int32Array(result.buffer)
        : new Int16Array(result.buffer);
  for (let i = 0; i < n; i++) {
    const [from, to] = [placeAt(px, i), a[placeAt(px, i)]];
    const target = b[placeAt(py, i)];
    result[i] = x.data[from];
    if (to === target) result[i] = y.data[placeAt(py, i)];
    else if (Number.isNaN(target)) result[i] = y.data[placeAt(py, i)];
    else if (to === 0) {
      raw[i] = dtype === "float64" ? 1n : 1;
      if (target < 0) result[i] = negated(result, dtype, i);
    } else if (!Number.isNaN(to)) {
      const step = target > to === to > 0 ? 1 : -1;
      raw[i] = dtype === "float64" ? (raw[i] as bigint) + BigInt(step) : (raw[i] as number) + step;
    }
  }
  return [result];
};

const negated = (data: TypedArray, dtype: DType, i: number): number =>
  dtype === "float64" || dtype === "float32" ? -Number(data[i]) : Number(data[i]) | 0x8000;

const mulhi: Kernel = ([x, y], [out]) => {
  const bits = BigInt(bitsOf(x.dtype));
  const high = (a: bigint, b: bigint) => (a * b) >> bits;
  const op: BinaryOp = { int: (a, b) => Number(high(BigInt(a), BigInt(b))), big: high };
  return [runBinary("mulhi", op, x, y, out)];
};

const bitcast: Kernel = ([x], [out]) => {
  const copy = x.data.slice();
  return [new dtypes[out.dtype].storage(copy.buffer, 0, out.size * dtypes[out.dtype].lanes)];
};

export const bitKernels = {
  shift_left: shiftLeft,
  shift_right_arithmetic: shiftRightArithmetic,
  shift_right_logical: shiftRightLogical,
  population_count: populationCount,
  clz,
  mulhi,
  nextafter,
  bitcast_convert_type: bitcast,
} as const satisfies Record<string, Kernel>;
