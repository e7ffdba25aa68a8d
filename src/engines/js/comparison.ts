/**
 * Kernels of comparisons, logic and bits, and of choosing between arrays. Booleans are 0 and 1.
 */
import type { ConcreteArray } from "../../core/array.ts";
import { dtypes } from "../../core/dtype.ts";
import type { Kernel } from "./kernel.ts";
import { placeAt, placesOf, runBinary, runUnary, type BinaryOp } from "./lanes.ts";
import { room } from "./shape.ts";

const binary =
  (name: string, op: BinaryOp): Kernel =>
  ([x, y], [out]) => [runBinary(name, op, x, y, out)];

const not: Kernel = ([x], [out]) =>
  x.dtype === "bool"
    ? [runUnary("not", { int: (a) => 1 - a }, x, out)]
    : [runUnary("not", { int: (a) => ~a, big: (a) => ~a }, x, out)];

/** A comparison of real numbers of all kinds. */
const comparison = (name: string, fn: (x: number | bigint, y: number | bigint) => boolean): Kernel =>
  binary(name, { float: (x, y) => (fn(x, y) ? 1 : 0), big: fn });

/** Equality of keys is that of both of their words. */
const keyComparison =
  (equal: boolean, otherwise: Kernel): Kernel =>
  (args, outs, params) => {
    const [x, y] = args;
    if (x.dtype !== "key<fry>") return otherwise(args, outs, params);
    const [px, py] = [placesOf(x.shape, outs[0].shape), placesOf(y.shape, outs[0].shape)];
    const word = (a: ConcreteArray, i: number) => a.data[i];
    return [
      Uint8Array.from({ length: outs[0].size }, (_, i) => {
        const [a, b] = [2 * placeAt(px, i), 2 * placeAt(py, i)];
        return (word(x, a) === word(y, b) && word(x, a + 1) === word(y, b + 1)) === equal ? 1 : 0;
      }),
    ];
  };

/** Numbers in the total order: NaNs at the ends, -0 before 0. */
export function totalOrder(x: number): number {
  f64[0] = x;
  const raw = i64[0];
  return Number(raw < 0n ? raw ^ 0x7fffffffffffffffn : raw);
}
const f64 = new Float64Array(1);
const i64 = new BigInt64Array(f64.buffer);

const selectN: Kernel = ([which, ...cases], [out]) => {
  const n = out.size;
  const { lanes } = dtypes[out.dtype];
  const result = room(out.dtype, n) as Float64Array;
  const buffers = cases.map((c) => c.data as Float64Array);
  const last = cases.length - 1;
  const at = which.ndim === 0 ? "one" : "all";
  for (let i = 0; i < n; i++) {
    const raw = Number(which.data[placeAt(at, i)]);
    const chosen = buffers[raw < 0 ? 0 : raw > last ? last : raw];
    for (let lane = 0; lane < lanes; lane++) result[i * lanes + lane] = chosen[i * lanes + lane]!;
  }
  return [result];
};

/** Logical and bitwise operations; booleans are 0 and 1. */
const bitwise = (name: string, fn: (x: number, y: number) => number, big: (x: bigint, y: bigint) => bigint): Kernel =>
  binary(name, { int: fn, big });

export const comparisonKernels = {
  eq: keyComparison(
    true,
    comparison("eq", (x, y) => x === y),
  ),
  ne: keyComparison(
    false,
    comparison("ne", (x, y) => x !== y),
  ),
  ge: comparison("ge", (x, y) => x >= y),
  gt: comparison("gt", (x, y) => x > y),
  le: comparison("le", (x, y) => x <= y),
  lt: comparison("lt", (x, y) => x < y),
  eq_to: binary("eq_to", {
    float: (x, y) => (totalOrder(x) === totalOrder(y) ? 1 : 0),
    big: (x, y) => x === y,
  }),
  le_to: binary("le_to", { float: (x, y) => (totalOrder(x) <= totalOrder(y) ? 1 : 0), big: (x, y) => x <= y }),
  lt_to: binary("lt_to", { float: (x, y) => (totalOrder(x) < totalOrder(y) ? 1 : 0), big: (x, y) => x < y }),
  and: bitwise(
    "and",
    (x, y) => x & y,
    (x, y) => x & y,
  ),
  or: bitwise(
    "or",
    (x, y) => x | y,
    (x, y) => x | y,
  ),
  xor: bitwise(
    "xor",
    (x, y) => x ^ y,
    (x, y) => x ^ y,
  ),
  not,
  select_n: selectN,
} as const;
