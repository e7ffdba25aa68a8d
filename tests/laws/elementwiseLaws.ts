/** The laws of operations on the elements of arrays. */
import type { NDArray, Primitive } from "../../src/index.ts";
import type { Domain } from "../../src/core/primitive.ts";
import { primitives } from "../../src/primitives/index.ts";
import { call, elementwise, type Law } from "./law.ts";
import type { Sample } from "./sample.ts";

type Draw = (s: Sample, shape: readonly number[]) => NDArray;

const between =
  (low: number, high: number): Draw =>
  (s, shape) =>
    s.floats(shape, low, high);
const anyFloat = between(-2, 2);
const positive = between(0.5, 2);
const nonzero: Draw = (s, shape) => s.nonzero(shape);
const steps: Draw = (s, shape) => s.betweenSteps(shape);
const ints: Draw = (s, shape) => s.ints(shape);
const bools: Draw = (s, shape) => s.bools(shape);

const isInterval = (d: Domain | readonly Domain[]): d is Domain => typeof d[0] === "number";

/** A smooth function of one number, drawn where its record says. */
const smooth = (primitive: Primitive, options: Partial<Law> = {}): Law => {
  const domain = primitive.domain ?? [-2, 2];
  const [low, high] = isInterval(domain) ? domain : domain[0];
  return elementwise(primitive, [between(low, high)], {
    smooth: [0],
    params: () => parametersOf(primitive),
    ...options,
  });
};
/** The parameters that elementwise operations have beside their operands. */
const parametersOf = (primitive: Primitive): Readonly<Record<string, unknown>> =>
  primitive.name === "round" ? { rounding_method: 1 } : { accuracy: null };

const p = primitives as unknown as Readonly<Record<string, Primitive>>;
const two = (name: string, draws: readonly Draw[], options: Omit<Law, "draw"> = {}): Law =>
  elementwise(p[name], draws, options);
const comparison = (name: string): Law => two(name, [anyFloat, anyFloat]);

/** By complex numbers made of two real operands. */
const ofComplex = (name: string): Law => ({
  smooth: [0, 1],
  draw(s) {
    const shape = s.shape();
    return {
      f(re, im) {
        const [z] = call(p.complex)(re, im);
        const [w] = call(p[name], name === "conj" ? { input_dtype: z.dtype } : {})(z);
        return w.dtype === "float64" ? [w] : [...call(p.real)(w), ...call(p.imag)(w)];
      },
      args: [s.floats(shape), s.floats(shape)],
    };
  },
});

export const elementwiseLaws = {
  add_any: two("add_any", [anyFloat, anyFloat], { smooth: [0, 1], linear: [[0, 1], [0], [1]].slice(0, 1) }),
  add: two("add", [anyFloat, anyFloat], { smooth: [0, 1], linear: [[0, 1]] }),
  sub: two("sub", [anyFloat, anyFloat], { smooth: [0, 1], linear: [[0, 1]] }),
  mul: elementwise(p.mul, [anyFloat, anyFloat], {
    smooth: [0, 1],
    linear: [[0], [1]],
    params: () => ({ out_dtype: null }),
  }),
  div: two("div", [anyFloat, positive], { smooth: [0, 1], linear: [[0]] }),
  neg: two("neg", [anyFloat], { smooth: [0], linear: [[0]] }),
  sign: two("sign", [nonzero], { smooth: [0] }),
  abs: two("abs", [nonzero], { smooth: [0] }),
  square: smooth(p.square),
  rem: two("rem", [between(1.2, 1.8), between(1, 1.1)], { smooth: [0, 1] }),
  max: two("max", [(s, shape) => s.distinct(shape), (s, shape) => s.nonzero(shape, 3, 4)], { smooth: [0, 1] }),
  min: two("min", [(s, shape) => s.distinct(shape), (s, shape) => s.nonzero(shape, 3, 4)], { smooth: [0, 1] }),
  pow: two("pow", [positive, anyFloat], { smooth: [0, 1] }),
  integer_pow: elementwise(p.integer_pow, [positive], { smooth: [0], params: (s) => ({ y: s.int(-3, 4) }) }),
  atan2: two("atan2", [positive, positive], { smooth: [0, 1] }),
  nextafter: two("nextafter", [anyFloat, anyFloat]),
  mulhi: two("mulhi", [ints, ints]),

  and: two("and", [ints, ints]),
  or: two("or", [bools, bools]),
  xor: two("xor", [ints, ints]),
  not: two("not", [bools]),
  shift_left: two("shift_left", [ints, (s, shape) => s.ints(shape, 0, 4)]),
  shift_right_arithmetic: two("shift_right_arithmetic", [ints, (s, shape) => s.ints(shape, 0, 4)]),
  shift_right_logical: two("shift_right_logical", [ints, (s, shape) => s.ints(shape, 0, 4)]),
  population_count: two("population_count", [ints]),
  clz: two("clz", [ints]),
  eq: comparison("eq"),
  ne: comparison("ne"),
  ge: comparison("ge"),
  gt: comparison("gt"),
  le: comparison("le"),
  lt: comparison("lt"),
  eq_to: comparison("eq_to"),
  le_to: comparison("le_to"),
  lt_to: comparison("lt_to"),
  is_finite: two("is_finite", [anyFloat]),
  select_n: elementwise(p.select_n, [bools, anyFloat, anyFloat], { smooth: [1, 2], linear: [[1, 2], [1], [2]] }),
  clamp: {
    smooth: [0, 1, 2],
    draw(s) {
      const shape = s.shape();
      const bound = s.flag() ? shape : [];
      return { f: call(p.clamp), args: [s.floats(bound, -1, -0.5), s.distinct(shape), s.floats(bound, 0.3, 0.45)] };
    },
  },

  complex: ofComplex("conj"),
  conj: ofComplex("conj"),
  real: ofComplex("real"),
  imag: ofComplex("imag"),

  exp: smooth(p.exp),
  exp2: smooth(p.exp2),
  log: smooth(p.log),
  expm1: smooth(p.expm1),
  log1p: smooth(p.log1p),
  tanh: smooth(p.tanh),
  logistic: smooth(p.logistic),
  sin: smooth(p.sin),
  cos: smooth(p.cos),
  tan: smooth(p.tan, { tolerance: 1e-4 }),
  sqrt: smooth(p.sqrt),
  rsqrt: smooth(p.rsqrt, { tolerance: 1e-4 }),
  cbrt: smooth(p.cbrt),
  asin: smooth(p.asin),
  acos: smooth(p.acos),
  atan: smooth(p.atan),
  sinh: smooth(p.sinh),
  cosh: smooth(p.cosh),
  asinh: smooth(p.asinh),
  acosh: smooth(p.acosh),
  atanh: smooth(p.atanh),
  floor: two("floor", [steps], { smooth: [0] }),
  ceil: two("ceil", [steps], { smooth: [0] }),
  round: elementwise(p.round, [steps], { smooth: [0], params: () => ({ rounding_method: 1 }) }),

  erf: smooth(p.erf),
  erfc: smooth(p.erfc),
  erf_inv: smooth(p.erf_inv, { tolerance: 1e-4 }),
  lgamma: smooth(p.lgamma, { tolerance: 1e-4 }),
  digamma: smooth(p.digamma, { tolerance: 1e-4 }),
  bessel_i0e: smooth(p.bessel_i0e),
  bessel_i1e: smooth(p.bessel_i1e),
  // by its first operand the slope is a series whose own slope has no rule
  igamma: two("igamma", [positive, positive], { smooth: [1], tolerance: 1e-4 }),
  igammac: two("igammac", [positive, positive], { smooth: [1], tolerance: 1e-4 }),
  igamma_grad_a: two("igamma_grad_a", [positive, positive]),
  polygamma: two("polygamma", [(s, shape) => s.array(shape, () => s.int(1, 3)), positive], {
    smooth: [1],
    tolerance: 1e-3,
  }),
  zeta: two("zeta", [between(1.5, 4), positive]),
  regularized_incomplete_beta: two("regularized_incomplete_beta", [positive, positive, between(0.2, 0.8)], {
    smooth: [2],
    tolerance: 1e-4,
  }),
} as const satisfies Readonly<Record<string, Law>>;
