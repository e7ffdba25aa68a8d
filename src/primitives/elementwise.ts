/**
 * The mathematical functions of one argument. Each row is an operation with its derivative; the functions of the same name call it.
 * A record has the suffix `P`: `sinP` is the primitive, `sin(x)` performs it. The operands must have the dtypes that the operation
 * takes: conversions are the business of `numpy`.
 */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { Domain, Primitive, Tangent } from "../core/primitive.ts";
import { jvpByOperand, zeroJvp } from "./algebra.ts";
import { add, div, integerPow, mul, neg, square, sub } from "./arithmetic.ts";
import { constLike, oneOf } from "./broadcasting.ts";
import { floats, inexact, unary, type DTypeSet, type Rules } from "./nary.ts";

/** The parameter that JAX has for approximations of lower accuracy; only its default exists here, and it is not printed. */
const exact = { accuracy: null } as const;

/** The tangent of y = f(x) for a tangent t of x. */
type Derivative = (t: NDArray, y: NDArray, x: NDArray) => NDArray;

const rule =
  (derivative: Derivative, more?: Omit<Rules<Params>, "jvp">) =>
  (self: () => Primitive): Rules<Params> => ({
    jvp: jvpByOperand(self, [(t, y, [x]) => derivative(t, y, x)]),
    ...more,
  });

const unprinted = { print: () => [] };

const smooth = (name: string, sets: readonly DTypeSet[], derivative: Derivative, domain?: Domain): Primitive =>
  unary(name, sets, rule(derivative, domain === undefined ? unprinted : { ...unprinted, domain }));

/** Operations without the `accuracy` parameter. */
const plain = (name: string, derivative: Derivative, domain?: Domain): Primitive =>
  unary(name, inexact, rule(derivative, domain === undefined ? {} : { domain }));

export const expP: Primitive = smooth("exp", inexact, (t, y) => mul(t, y));
export const exp2P: Primitive = smooth("exp2", inexact, (t, y, x) => mul(log(constLike(x, 2)), mul(t, y)));
export const logP: Primitive = smooth("log", inexact, (t, _y, x) => div(t, x), [0.1, 4]);
export const expm1P: Primitive = smooth("expm1", inexact, (t, y) => mul(t, add(y, oneOf(y))));
export const log1pP: Primitive = smooth("log1p", inexact, (t, _y, x) => div(t, add(x, oneOf(x))), [-0.8, 4]);
export const tanhP: Primitive = smooth("tanh", inexact, (t, y, x) => mul(add(t, mul(t, y)), sub(oneOf(x), y)));
export const logisticP: Primitive = smooth("logistic", inexact, (t, y) => mul(t, mul(y, sub(oneOf(y), y))));
export const cosP: Primitive = smooth("cos", inexact, (t, _y, x) => neg(mul(t, sin(x))));
export const tanP: Primitive = smooth(
  "tan",
  inexact,
  (t, y, x) => mul(t, add(constLike(x, 1), square(y))),
  [-1.3, 1.3],
);
export const sqrtP: Primitive = smooth("sqrt", inexact, (t, y, x) => mul(t, div(constLike(x, 0.5), y)), [0.1, 4]);
export const rsqrtP: Primitive = smooth(
  "rsqrt",
  inexact,
  (t, y, x) => mul(t, mul(constLike(x, -0.5), div(y, x))),
  [0.1, 4],
);
export const cbrtP: Primitive = smooth(
  "cbrt",
  floats,
  (t, y, x) => mul(t, mul(constLike(x, 1 / 3), integerPow(y, -2))),
  [0.1, 4],
);

/** The one operation whose linearization is written out, as in JAX: it skips the detour over a jaxpr. */
export const sinP: Primitive = unary("sin", inexact, (self) => ({
  ...rule((t, _y, x) => mul(t, cos(x)))(self),
  ...unprinted,
  linearize(nonzero, [x], params) {
    const y = bind1(sinP, [x], params);
    const slope = cos(x);
    return { primals: [y], nonzero, linear: ([t]: readonly Tangent[]) => [mul(t!, slope)] };
  },
}));

export const asinP: Primitive = plain(
  "asin",
  (t, _y, x) => mul(t, rsqrt(sub(constLike(x, 1), square(x)))),
  [-0.9, 0.9],
);
export const acosP: Primitive = plain(
  "acos",
  (t, _y, x) => mul(t, neg(rsqrt(sub(constLike(x, 1), square(x))))),
  [-0.9, 0.9],
);
export const atanP: Primitive = plain("atan", (t, _y, x) => div(t, add(constLike(x, 1), square(x))));
export const sinhP: Primitive = plain("sinh", (t, _y, x) => mul(t, cosh(x)));
export const coshP: Primitive = plain("cosh", (t, _y, x) => mul(t, sinh(x)));
export const asinhP: Primitive = plain("asinh", (t, _y, x) => mul(t, rsqrt(add(square(x), oneOf(x)))));
export const acoshP: Primitive = plain("acosh", (t, _y, x) => mul(t, rsqrt(sub(square(x), oneOf(x)))), [1.2, 4]);
export const atanhP: Primitive = plain(
  "atanh",
  (t, _y, x) => mul(integerPow(add(oneOf(x), x), -1), div(t, sub(oneOf(x), x))),
  [-0.9, 0.9],
);

const step = (name: string): Primitive => unary(name, floats, (self) => ({ cheap: true, jvp: zeroJvp(self) }));

export const floorP: Primitive = step("floor");
export const ceilP: Primitive = step("ceil");

/** 0: halves away from zero; 1: halves to the even neighbour. */
export type RoundingMethod = 0 | 1;
export const roundP: Primitive<{ readonly rounding_method: RoundingMethod }> = unary("round", floats, (self) => ({
  jvp: zeroJvp(self),
}));
export const isFiniteP: Primitive = unary("is_finite", floats, (self) => ({
  jvp: zeroJvp(self),
  result: () => "bool",
}));

const caller =
  (primitive: Primitive, params: Params = {}) =>
  (x: NDArray): NDArray =>
    bind1(primitive, [x], params);

export const exp: (x: NDArray) => NDArray = caller(expP, exact);
export const exp2: (x: NDArray) => NDArray = caller(exp2P, exact);
export const log: (x: NDArray) => NDArray = caller(logP, exact);
export const expm1: (x: NDArray) => NDArray = caller(expm1P, exact);
export const log1p: (x: NDArray) => NDArray = caller(log1pP, exact);
export const tanh: (x: NDArray) => NDArray = caller(tanhP, exact);
export const logistic: (x: NDArray) => NDArray = caller(logisticP, exact);
export const sin: (x: NDArray) => NDArray = caller(sinP, exact);
export const cos: (x: NDArray) => NDArray = caller(cosP, exact);
export const tan: (x: NDArray) => NDArray = caller(tanP, exact);
export const sqrt: (x: NDArray) => NDArray = caller(sqrtP, exact);
export const rsqrt: (x: NDArray) => NDArray = caller(rsqrtP, exact);
export const cbrt: (x: NDArray) => NDArray = caller(cbrtP, exact);
export const asin: (x: NDArray) => NDArray = caller(asinP);
export const acos: (x: NDArray) => NDArray = caller(acosP);
export const atan: (x: NDArray) => NDArray = caller(atanP);
export const sinh: (x: NDArray) => NDArray = caller(sinhP);
export const cosh: (x: NDArray) => NDArray = caller(coshP);
export const asinh: (x: NDArray) => NDArray = caller(asinhP);
export const acosh: (x: NDArray) => NDArray = caller(acoshP);
export const atanh: (x: NDArray) => NDArray = caller(atanhP);
export const floor: (x: NDArray) => NDArray = caller(floorP);
export const ceil: (x: NDArray) => NDArray = caller(ceilP);
export const round = (x: NDArray, method: RoundingMethod = 0): NDArray =>
  bind1(roundP, [x], { rounding_method: method });
export const isFinite: (x: NDArray) => NDArray = caller(isFiniteP);

export const elementwisePrimitives = [
  expP,
  exp2P,
  logP,
  expm1P,
  log1pP,
  tanhP,
  logisticP,
  sinP,
  cosP,
  tanP,
  sqrtP,
  rsqrtP,
  cbrtP,
  asinP,
  acosP,
  atanP,
  sinhP,
  coshP,
  asinhP,
  acoshP,
  atanhP,
  floorP,
  ceilP,
  roundP,
  isFiniteP,
] as const;
