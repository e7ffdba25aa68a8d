/**
 * Kernels of the functions of one number: a table from each primitive to what it computes on one element. float32 results are computed in float64
 * and rounded once, so that roots and the like are the correctly rounded ones.
 */
import { fromBfloat16, fromFloat16 } from "../../core/halfFloat.ts";
import type { RoundingMethod } from "../../primitives/elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { runUnary, type UnaryOp } from "./lanes.ts";

const unary =
  (name: string, op: UnaryOp): Kernel =>
  ([x], [out]) => [runUnary(name, op, x, out)];

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

const isFinite: Kernel = ([x], [out]) => {
  const decode = x.dtype === "float16" ? fromFloat16 : x.dtype === "bfloat16" ? fromBfloat16 : Number;
  return [Uint8Array.from({ length: out.size }, (_, i) => (Number.isFinite(decode(x.data[i] as number)) ? 1 : 0))];
};

export const elementwiseKernels = {
  exp: unary("exp", { float: Math.exp }),
  exp2: unary("exp2", { float: (x) => 2 ** x }),
  log: unary("log", { float: Math.log }),
  expm1: unary("expm1", { float: Math.expm1 }),
  log1p: unary("log1p", { float: Math.log1p }),
  tanh: unary("tanh", { float: Math.tanh }),
  logistic: unary("logistic", { float: (x) => 1 / (1 + Math.exp(-x)) }),
  sin: unary("sin", { float: Math.sin }),
  cos: unary("cos", { float: Math.cos }),
  tan: unary("tan", { float: Math.tan }),
  sqrt: unary("sqrt", { float: Math.sqrt }),
  rsqrt: unary("rsqrt", { float: (x) => 1 / Math.sqrt(x) }),
  cbrt: unary("cbrt", { float: Math.cbrt }),
  asin: unary("asin", { float: Math.asin }),
  acos: unary("acos", { float: Math.acos }),
  atan: unary("atan", { float: Math.atan }),
  sinh: unary("sinh", { float: Math.sinh }),
  cosh: unary("cosh", { float: Math.cosh }),
  asinh: unary("asinh", { float: Math.asinh }),
  acosh: unary("acosh", { float: Math.acosh }),
  atanh: unary("atanh", { float: Math.atanh }),
  floor: unary("floor", { float: Math.floor }),
  ceil: unary("ceil", { float: Math.ceil }),
  round,
  is_finite: isFinite,
} as const;
