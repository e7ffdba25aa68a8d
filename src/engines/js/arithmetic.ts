/**
 * Kernels of arithmetic: a table from each primitive to what it computes on one element of each operand. float32 results are computed in float64 and
 * rounded once, so that sums, products and quotients are the correctly rounded ones.
 */
import { ConcreteArray } from "../../core/array.ts";
import type { IntegerPowParams } from "../../primitives/arithmetic.ts";
import type { Kernel } from "./kernel.ts";
import { runBinary, runUnary, type BinaryOp, type UnaryOp } from "./lanes.ts";

const unary =
  (name: string, op: UnaryOp): Kernel =>
  ([x], [out]) => [runUnary(name, op, x, out)];

const binary =
  (name: string, op: BinaryOp): Kernel =>
  ([x, y], [out]) => [runBinary(name, op, x, y, out)];

function pow(x: number, y: number): number {
  if (x === 1 || y === 0) return 1;
  // C has 1 here, JavaScript NaN.
  if (x === -1 && (y === Infinity || y === -Infinity)) return 1;
  return x ** y;
}

/** A power by squaring, with the product and its unit given. The sign of the exponent does not count. */
export function power<T>(base: T, exponent: number, unit: T, mul: (a: T, b: T) => T): T {
  let [acc, square] = [unit, base];
  let first = true;
  for (let n = Math.abs(exponent); n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) {
      acc = first ? square : mul(acc, square);
      first = false;
    }
    if (n > 1) square = mul(square, square);
  }
  return acc;
}

/** Rounds after each product, as the dtype does. */
const integerPow: Kernel = ([x], [out], params) => {
  const { y } = params as IntegerPowParams;
  const rounded = out.dtype === "float64" ? (v: number) => v : Math.fround;
  const op: UnaryOp = {
    float(v) {
      const p = power(v, y, 1, (a, b) => rounded(a * b));
      return y < 0 ? 1 / p : p;
    },
    int: (v) => power(v, y, 1, Math.imul),
    big: (v) => power(v, y, 1n, (a, b) => BigInt.asIntN(64, a * b)),
  };
  return [runUnary("integer_pow", op, x, out)];
};

/** Quotients of integers as XLA defines them: toward zero, -1 for a divisor of zero. */
const intDiv = (x: number, y: number): number => (y === 0 ? -1 : Math.trunc(x / y));
const intRem = (x: number, y: number): number => (y === 0 ? x : x % y);

const clamp: Kernel = ([low, x, high], [out]) => {
  const raised = new ConcreteArray(x.aval, runBinary("max", extrema.max, x, low, out));
  return [runBinary("min", extrema.min, raised, high, out)];
};

const extrema = {
  max: {
    float: Math.max,
    big: (x, y) => (x > y ? x : y),
  },
  min: {
    float: Math.min,
    big: (x, y) => (x < y ? x : y),
  },
} as const satisfies Record<string, BinaryOp>;

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

const add: BinaryOp = { float: (x, y) => x + y, big: (x, y) => x + y, loop: loops.add };

export const arithmeticKernels = {
  neg: unary("neg", { float: (x) => -x, big: (x) => -x }),
  sign: unary("sign", { float: Math.sign, big: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n) }),
  square: unary("square", {
    float: (x) => x * x,
    int: (x) => Math.imul(x, x),
    big: (x) => x * x,
  }),
  abs: unary("abs", { float: Math.abs, big: (x) => (x < 0n ? -x : x) }),
  integer_pow: integerPow,
  add: binary("add", add),
  add_any: binary("add_any", add),
  sub: binary("sub", { float: (x, y) => x - y, big: (x, y) => x - y, loop: loops.sub }),
  mul: binary("mul", { float: (x, y) => x * y, int: Math.imul, big: (x, y) => x * y, loop: loops.mul }),
  div: binary("div", {
    float: (x, y) => x / y,
    int: intDiv,
    big: (x, y) => (y === 0n ? -1n : x / y),
    loop: loops.div,
  }),
  rem: binary("rem", { float: (x, y) => x % y, int: intRem, big: (x, y) => (y === 0n ? x : x % y) }),
  max: binary("max", { ...extrema.max, loop: loops.max }),
  min: binary("min", { ...extrema.min, loop: loops.min }),
  pow: binary("pow", { float: pow }),
  atan2: binary("atan2", { float: Math.atan2 }),
  clamp,
} as const;
