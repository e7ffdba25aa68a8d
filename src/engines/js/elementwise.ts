/**
 * Kernels of the elementwise operations: a table from each primitive to what it computes on one element. float32 results are computed in
 * float64 and rounded once, so that sums, products, quotients and roots are the correctly rounded ones.
 */
import { ConcreteArray } from "../../core/array.ts";
import { dtypes, isComplex, type DType, type TypedArray } from "../../core/dtype.ts";
import { fromBfloat16, fromFloat16 } from "../../core/halfFloat.ts";
import type { IntegerPowParams } from "../../primitives/arithmetic.ts";
import type { RoundingMethod } from "../../primitives/elementwise.ts";
import { comparisonKernels } from "./comparison.ts";
import * as z from "./complexMath.ts";
import { placeAt, placesOf, runBinary, runUnary, type BinaryOp, type Complex, type UnaryOp } from "./lanes.ts";
import type { Kernel } from "./kernel.ts";
import { numbersOf } from "./numbers.ts";
import { room } from "./shape.ts";

const unary =
  (name: string, op: UnaryOp): Kernel =>
  ([x], [out]) => [runUnary(name, op, x, out)];

const binary =
  (name: string, op: BinaryOp): Kernel =>
  ([x, y], [out]) => [runBinary(name, op, x, y, out)];

/** The nearest integer, halves to the even one. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor === 0 && x < 0 ? -0 : floor;
  if (rest > 0.5 || floor % 2 !== 0) return floor === -1 ? -0 : floor + 1;
  return floor;
}

const roundHalfAway = (x: number): number => {
  const magnitude = Math.abs(x);
  const floor = Math.floor(magnitude);
  return Math.sign(x) * (magnitude - floor >= 0.5 ? floor + 1 : floor);
};

const round: Kernel = ([x], [out], params) => {
  const fn = (params as { rounding_method: RoundingMethod }).rounding_method === 1 ? roundHalfEven : roundHalfAway;
  return [runUnary("round", { float: fn }, x, out)];
};

const bitsOf = (dtype: DType): number => dtypes[dtype].bytes * 8;

function pow(x: number, y: number): number {
  if (x === 1 || y === 0) return 1;
  // C has 1 here, JavaScript NaN.
  if (x === -1 && (y === Infinity || y === -Infinity)) return 1;
  return x ** y;
}

/** Powers by squaring, rounding after each product as the dtype does. */
const integerPow: Kernel = ([x], [out], params) => {
  const { y } = params as IntegerPowParams;
  const rounded = out.dtype === "float64" || out.dtype === "complex128" ? (v: number) => v : Math.fround;
  const power = <T>(base: T, unit: T, mul: (a: T, b: T) => T): T => {
    let [acc, square] = [unit, base];
    let first = true;
    for (let n = Math.abs(y); n > 0; n = Math.floor(n / 2)) {
      if (n % 2 === 1) {
        acc = first ? square : mul(acc, square);
        first = false;
      }
      if (n > 1) square = mul(square, square);
    }
    return acc;
  };
  const op: UnaryOp = {
    float(v) {
      const p = power(v, 1, (a, b) => rounded(a * b));
      return y < 0 ? 1 / p : p;
    },
    int: (v) => power(v, 1, Math.imul),
    big: (v) => power(v, 1n, (a, b) => BigInt.asIntN(64, a * b)),
    complex(v) {
      const p = power<Complex>(v, [1, 0], z.mul);
      return y < 0 ? z.div([1, 0], p) : p;
    },
  };
  return [runUnary("integer_pow", op, x, out)];
};

/** Quotients of integers as XLA defines them: toward zero, -1 for a divisor of zero. */
const intDiv = (x: number, y: number): number => (y === 0 ? -1 : Math.trunc(x / y));
const intRem = (x: number, y: number): number => (y === 0 ? x : x % y);
const lexicographicMax = (a: Complex, b: Complex): Complex => (a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]) ? a : b);
const lexicographicMin = (a: Complex, b: Complex): Complex => (a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1]) ? a : b);

const clamp: Kernel = ([low, x, high], [out]) => {
  const raised = new ConcreteArray(x.aval, runBinary("max", extrema.max, x, low, out));
  return [runBinary("min", extrema.min, raised, high, out)];
};

const extrema = {
  max: {
    float: Math.max,
    big: (x, y) => (x > y ? x : y),
    complex: lexicographicMax,
  },
  min: {
    float: Math.min,
    big: (x, y) => (x < y ? x : y),
    complex: lexicographicMin,
  },
} as const satisfies Record<string, BinaryOp>;

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

const part =
  (offset: 0 | 1): Kernel =>
  ([x], [out]) => {
    const result = room(out.dtype, out.size);
    for (let i = 0; i < out.size; i++) result[i] = x.data[2 * i + offset];
    return [result];
  };

const complex: Kernel = ([re, im], [out]) => {
  const result = room(out.dtype, out.size);
  const [pr, pi] = [placesOf(re.shape, out.shape), placesOf(im.shape, out.shape)];
  for (let i = 0; i < out.size; i++) {
    result[2 * i] = re.data[placeAt(pr, i)];
    result[2 * i + 1] = im.data[placeAt(pi, i)];
  }
  return [result];
};

const conj: Kernel = ([x], [out]) => {
  const result = room(out.dtype, out.size);
  const whole = isComplex(x.dtype);
  for (let i = 0; i < out.size; i++) {
    result[2 * i] = whole ? x.data[2 * i] : x.data[i];
    result[2 * i + 1] = whole ? -(x.data[2 * i + 1] as number) : 0;
  }
  return [result];
};

const isFinite: Kernel = ([x], [out]) => {
  const decode = x.dtype === "float16" ? fromFloat16 : x.dtype === "bfloat16" ? fromBfloat16 : Number;
  return [Uint8Array.from({ length: out.size }, (_, i) => (Number.isFinite(decode(x.data[i] as number)) ? 1 : 0))];
};

type Loop = NonNullable<BinaryOp["loop"]>;

/** The loops of the commonest operations: a call of a function for each element would cost more than the operation. */
const loops = {
  add(a, b, out, da, db) {
    for (let i = 0, p = 0, q = 0; i < out.length; i++, p += da, q += db) out[i] = a[p] + b[q];
  },
  sub(a, b, out, da, db) {
    for (let i = 0, p = 0, q = 0; i < out.length; i++, p += da, q += db) out[i] = a[p] - b[q];
  },
  mul(a, b, out, da, db) {
    for (let i = 0, p = 0, q = 0; i < out.length; i++, p += da, q += db) out[i] = a[p] * b[q];
  },
  div(a, b, out, da, db) {
    for (let i = 0, p = 0, q = 0; i < out.length; i++, p += da, q += db) out[i] = a[p] / b[q];
  },
  max(a, b, out, da, db) {
    for (let i = 0, p = 0, q = 0; i < out.length; i++, p += da, q += db) out[i] = Math.max(a[p], b[q]);
  },
  min(a, b, out, da, db) {
    for (let i = 0, p = 0, q = 0; i < out.length; i++, p += da, q += db) out[i] = Math.min(a[p], b[q]);
  },
} as const satisfies Record<string, Loop>;

const add: BinaryOp = { float: (x, y) => x + y, big: (x, y) => x + y, complex: z.add, loop: loops.add };

export const elementwiseKernels = {
  exp: unary("exp", { float: Math.exp, complex: z.exp }),
  exp2: unary("exp2", { float: (x) => 2 ** x, complex: z.exp2 }),
  log: unary("log", { float: Math.log, complex: z.log }),
  expm1: unary("expm1", { float: Math.expm1, complex: z.expm1 }),
  log1p: unary("log1p", { float: Math.log1p, complex: z.log1p }),
  tanh: unary("tanh", { float: Math.tanh, complex: z.tanh }),
  logistic: unary("logistic", { float: (x) => 1 / (1 + Math.exp(-x)), complex: z.logistic }),
  sin: unary("sin", { float: Math.sin, complex: z.sin }),
  cos: unary("cos", { float: Math.cos, complex: z.cos }),
  tan: unary("tan", { float: Math.tan, complex: z.tan }),
  sqrt: unary("sqrt", { float: Math.sqrt, complex: z.sqrt }),
  rsqrt: unary("rsqrt", { float: (x) => 1 / Math.sqrt(x), complex: z.rsqrt }),
  cbrt: unary("cbrt", { float: Math.cbrt }),
  asin: unary("asin", { float: Math.asin, complex: z.asin }),
  acos: unary("acos", { float: Math.acos, complex: z.acos }),
  atan: unary("atan", { float: Math.atan, complex: z.atan }),
  sinh: unary("sinh", { float: Math.sinh, complex: z.sinh }),
  cosh: unary("cosh", { float: Math.cosh, complex: z.cosh }),
  asinh: unary("asinh", { float: Math.asinh, complex: z.asinh }),
  acosh: unary("acosh", { float: Math.acosh, complex: z.acosh }),
  atanh: unary("atanh", { float: Math.atanh, complex: z.atanh }),
  floor: unary("floor", { float: Math.floor }),
  ceil: unary("ceil", { float: Math.ceil }),
  round,
  is_finite: isFinite,
  neg: unary("neg", { float: (x) => -x, big: (x) => -x, complex: z.neg }),
  sign: unary("sign", { float: Math.sign, big: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n), complex: z.sign }),
  square: unary("square", {
    float: (x) => x * x,
    int: (x) => Math.imul(x, x),
    big: (x) => x * x,
    complex: (x) => z.mul(x, x),
  }),
  abs: unary("abs", { float: Math.abs, big: (x) => (x < 0n ? -x : x), complex: z.abs }),
  integer_pow: integerPow,
  add: binary("add", add),
  add_any: binary("add_any", add),
  sub: binary("sub", { float: (x, y) => x - y, big: (x, y) => x - y, complex: z.sub, loop: loops.sub }),
  mul: binary("mul", { float: (x, y) => x * y, int: Math.imul, big: (x, y) => x * y, complex: z.mul, loop: loops.mul }),
  div: binary("div", {
    float: (x, y) => x / y,
    int: intDiv,
    big: (x, y) => (y === 0n ? -1n : x / y),
    complex: z.div,
    loop: loops.div,
  }),
  rem: binary("rem", { float: (x, y) => x % y, int: intRem, big: (x, y) => (y === 0n ? x : x % y) }),
  max: binary("max", { ...extrema.max, loop: loops.max }),
  min: binary("min", { ...extrema.min, loop: loops.min }),
  pow: binary("pow", { float: pow, complex: z.pow }),
  atan2: binary("atan2", { float: Math.atan2, complex: z.atan2 }),
  nextafter,
  mulhi,
  ...comparisonKernels,
  clamp,
  real: part(0),
  imag: part(1),
  complex,
  conj,
} as const;
