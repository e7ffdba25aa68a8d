/**
 * The special functions of SciPy: gamma and its relatives, error functions, entropies. Operands are promoted to floats and broadcast.
 */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { DTypeError, RematValueError, UnsupportedError } from "../errors.ts";
import { log1p as log1pOf, expm1 as expm1Of, log as logOf } from "../numpy/ufuncs.ts";
import { float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import {
  bitwiseAnd as both,
  bitwiseOr as either,
  equal,
  greater,
  greaterEqual,
  isnan,
  less,
  lessEqual,
  notEqual,
  signbit,
} from "../numpy/logic.ts";
import { select as selectByConditions } from "../numpy/choosing.ts";
import { literal } from "../core/scalar.ts";
import { promoteArgsInexact } from "../numpy/promote.ts";
import { sum } from "../numpy/reductions.ts";
import { remainder } from "../numpy/rounding.ts";
import { add, maximum, minimum, multiply, subtract, trueDivide } from "../numpy/ufuncs.ts";
import { where } from "../numpy/where.ts";
import { arange } from "../numpy/creation.ts";
import { abs, div, integerPow, mul, neg, sub } from "../primitives/arithmetic.ts";
import { range } from "../primitives/axes.ts";
import { constLike, fullLike, zerosLike } from "../primitives/broadcasting.ts";
import { lt, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import * as e from "../primitives/elementwise.ts";
import { jitCall } from "../primitives/jit.ts";
import { expanded } from "../primitives/shape.ts";
import * as s from "../primitives/special.ts";

export { logsumexp, logSoftmax, softmax } from "../nn/normalize.ts";

type Unary = (x: ArrayLike) => NDArray;
type Binary = (x: ArrayLike, y: ArrayLike) => NDArray;

const unary =
  (name: string, f: (x: NDArray) => NDArray): Unary =>
  (x) =>
    f(promoteArgsInexact(name, x)[0]);
const binary =
  (name: string, f: (x: NDArray, y: NDArray) => NDArray): Binary =>
  (x, y) => {
    const [a, b] = promoteArgsInexact(name, x, y);
    return f(a, b);
  };

const refuseComplex = (name: string, x: NDArray): void => {
  if (isComplex(x.dtype))
    throw new RematValueError(`${name} does not support complex-valued inputs, got ${x.dtype}. Take a part of it.`);
};

/** log |gamma(x)|. */
export const gammaln: Unary = unary("gammaln", s.lgamma);
/** The derivative of gammaln. */
export const digamma: Unary = unary("digamma", s.digamma);
/** The error function. */
export const erf: Unary = unary("erf", s.erf);
/** 1 - erf(x), exact for great x. */
export const erfc: Unary = unary("erfc", s.erfc);
/** The inverse of erf. */
export const erfinv: Unary = unary("erfinv", s.erfInv);
/** 1 / (1 + exp(-x)). */
export const expit: Unary = unary("expit", e.logistic);
/** The lower incomplete gamma function, regularized. */
export const gammainc: Binary = binary("gammainc", s.igamma);
/** The upper incomplete gamma function, regularized. */
export const gammaincc: Binary = binary("gammaincc", s.igammac);
/** Modified Bessel functions of the first kind, of order 0 and 1, scaled by exp(-|x|) or not. */
export const i0e: Unary = unary("i0e", s.besselI0e);
export const i0: Unary = unary("i0", (x) => mul(e.exp(abs(x)), s.besselI0e(x)));
export const i1e: Unary = unary("i1e", s.besselI1e);
export const i1: Unary = unary("i1", (x) => mul(e.exp(abs(x)), s.besselI1e(x)));

/** The incomplete beta function, regularized. */
export function betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike): NDArray {
  const [p, q, z] = promoteArgsInexact("betainc", a, b, x);
  refuseComplex("betainc", z);
  return s.betainc(p, q, z);
}

/** x log y, and 0 where x is 0. */
export const xlogy: Binary = (x, y) => logProduct("xlogy", e.log, (b) => b, x, y);
/** x log(1 + y), and 0 where x is 0. */
export const xlog1py: Binary = (x, y) => logProduct("xlog1py", e.log1p, (b) => add(1, b), x, y);

function logProduct(
  name: string,
  log: (x: NDArray) => NDArray,
  argument: (y: NDArray) => NDArray,
  x: ArrayLike,
  y: ArrayLike,
): NDArray {
  return customJvpCall(
    name,
    (x0, y0) => {
      const [a, b] = promoteArgsInexact(name, x0, y0);
      const nonzero = notEqual(a, float(0));
      const undefinedToo = either(nonzero, isnan(b));
      return [where(undefinedToo, mul(a, log(b)), zerosLike(a))];
    },
    ([a, b], [da, db]) => {
      const out = logProduct(name, log, argument, a, b);
      const fromX = multiply(da!, log(b));
      const fromY = trueDivide(multiply(db!, a), argument(b));
      return [[out], [convertElementType(add(fromX, fromY), out.dtype)]];
    },
    [toArray(x, name, 0), toArray(y, name, 1)],
    { jvpName: `_${name}_jvp` },
  )[0];
}

const xlogx = (x: NDArray): NDArray =>
  customJvpCall(
    "_xlogx",
    (a) => [xlogy(a, a)],
    ([a], [t]) => {
      const out = xlogx(a);
      return [[out], [multiply(t!, add(e.log(a), 1))]];
    },
    [x],
    { jvpName: "_xlogx_jvp" },
  )[0];

/** The entropy -x log x; 0 at 0, -Infinity below. */
export const entr: Unary = unary("entr", (x) => {
  refuseComplex("entr", x);
  const negative = lt(x, constLike(x, 0));
  const never = fullLike(x, -Infinity);
  return select(negative, never, neg(xlogx(x)));
});

/** p log(p / q), the elements of relative entropy. */
export const relEntr: Binary = binary("rel_entr", (p, q) => {
  refuseComplex("rel_entr", p);
  const zero = constLike(p, 0);
  const positive = both(greater(p, zero), greater(q, zero));
  const zeroOverAny = both(equal(p, zero), greaterEqual(q, zero));
  const safeP = where(positive, p, 1);
  const safeQ = where(positive, q, 1);
  const value = sub(xlogx(safeP), xlogy(safeP, safeQ));
  return where(positive, value, where(zeroOverAny, zero, float(Infinity)));
});

/** p log(p / q) - p + q, the elements of the Kullback-Leibler divergence. */
export const klDiv: Binary = binary("kl_div", (p, q) => {
  refuseComplex("kl_div", p);
  return add(subtract(relEntr(p, q), p), q);
});

/** log(x / (1 - x)), the inverse of expit. */
export const logit: Unary = (x) =>
  customJvpCall(
    "logit",
    (given) => {
      const [p] = promoteArgsInexact("logit", given);
      return [e.log(div(p, sub(constLike(p, 1), p)))];
    },
    ([p], [t]) => [[logit(p)], [div(t!, mul(p, sub(constLike(p, 1), p)))]],
    [toArray(x, "logit")],
  )[0];

const boxCox = (name: string, log: (x: NDArray) => NDArray): Binary =>
  binary(name, (x, lambda) => {
    const isZero = equal(lambda, 0);
    const safe = where(isZero, fullLike(lambda, 1), lambda);
    const l = log(x);
    const branch = trueDivide(expm1Of(multiply(safe, l)), safe);
    return where(isZero, l, branch);
  });

/** The Box-Cox transformation (x^lambda - 1) / lambda, log x for lambda 0. */
export const boxcox: Binary = boxCox("boxcox", logOf);
/** The same of 1 + x. */
export const boxcox1p: Binary = boxCox("boxcox1p", log1pOf);

/** The sign of gamma(x). */
export function gammasgn(x: ArrayLike): NDArray {
  const body = (given: NDArray): NDArray[] => {
    const [a] = promoteArgsInexact("gammasgn", given);
    refuseComplex("gammasgn", a);
    const floor = e.floor(a);
    const negative = less(a, 0);
    const pole = either(both(negative, equal(a, floor)), isnan(a));
    const odd = both(negative, notEqual(remainder(floor, 2), 0));
    const minusZero = both(equal(a, 0), signbit(a));
    const choices = [literal(NaN, a.dtype), literal(-1, a.dtype)];
    return [selectByConditions([pole, either(odd, minusZero)], choices, literal(1, a.dtype))];
  };
  return jitCall("gammasgn", "", body, [toArray(x, "gammasgn")])[0];
}

/** The gamma function of real numbers. */
export const gamma: Unary = unary("gamma", (x) => {
  if (isComplex(x.dtype))
    throw new UnsupportedError("gamma of complex numbers is not implemented here. Take gammaln of real ones.");
  return multiply(gammasgn(x), e.exp(s.lgamma(x)));
});

/** log gamma(x); NaN for negative x. */
export const loggamma: Unary = unary("loggamma", (x) => {
  if (isComplex(x.dtype))
    throw new UnsupportedError("loggamma of complex numbers is not implemented here. Take gammaln of real ones.");
  const out = s.lgamma(x);
  return where(greater(x, 0), out, float(NaN));
});

/** x! as a float: gamma(x + 1), 0 for negative x. */
export const factorial: Unary = unary("factorial", (n) => {
  const negative = less(n, 0);
  return where(negative, 0, e.exp(s.lgamma(add(n, 1))));
});

/** log beta(a, b). */
export const betaln: Binary = binary("betaln", (x, y) => {
  const a = minimum(x, y);
  const b = maximum(x, y);
  const small = add(s.lgamma(a), subtract(s.lgamma(b), s.lgamma(add(a, b))));
  const large = add(s.lgamma(a), gammaRatio(a, b));
  return where(less(b, 8), small, large);
});

/** log(gamma(b) / gamma(a + b)) for b of at least 8, by Stirling's series (the function algdiv of cdflib). */
function gammaRatio(a: NDArray, b: NDArray): NDArray {
  const c = [
    0.833333333333333e-1, -0.277777777760991e-2, 0.79365066682539e-3, -0.59520293135187e-3, 0.837308034031215e-3,
    -0.165322962780713e-2,
  ];
  const h = trueDivide(a, b);
  // the same quotient twice: the equations of a program are written as they come, repeated ones too
  const quotient = trueDivide(h, add(1, h));
  const ratio = trueDivide(h, add(1, h));
  const d = add(b, subtract(a, float(0.5)));
  const x2 = multiply(ratio, ratio);
  const series: NDArray[] = [];
  for (let i = 0; i < 5; i++) series.push(add(1, add(ratio, i === 0 ? x2 : multiply(x2, series[i - 1]))));
  const [s3, s5, s7, s9, s11] = series;
  const u1 = trueDivide(1, b);
  const t = integerPow(u1, 2);
  let w: NDArray = multiply(float(c[5]), s11);
  for (const [k, term] of [
    [4, s9],
    [3, s7],
    [2, s5],
    [1, s3],
  ] as const) {
    w = add(multiply(w, t), multiply(float(c[k]), term));
  }
  w = multiply(add(multiply(w, t), float(c[0])), trueDivide(quotient, b));
  const u = multiply(d, e.log1p(trueDivide(a, b)));
  const v = multiply(a, subtract(e.log(b), 1));
  return where(lessEqual(u, v), subtract(subtract(w, v), u), subtract(subtract(w, u), v));
}

/** The beta function. */
export const beta: Binary = binary("beta", (a, b) => {
  refuseComplex("beta", a);
  const sign = multiply(multiply(gammasgn(a), gammasgn(b)), gammasgn(add(a, b)));
  return multiply(sign, e.exp(betaln(a, b)));
});

/** The log of the multivariate gamma function of dimension `d`. */
export function multigammaln(a: ArrayLike, d: number): NDArray {
  const [x] = promoteArgsInexact("multigammaln", a, d);
  const constant = (d * (d - 1) * Math.log(Math.PI)) / 4;
  const steps = div(arange(d, { dtype: x.dtype }), constLike(x, 2));
  const terms = s.lgamma(subtract(expanded(x, [x.ndim]), expanded(steps, range(x.ndim))));
  return add(sum(terms, -1), float(constant));
}

/** The derivatives of digamma: of order `n`. */
export const polygamma: Binary = binary("polygamma", s.polygamma);
/** The zeta function of Hurwitz. */
export const zeta: Binary = binary("zeta", s.zeta);

/** The distribution function of normal numbers. */
export const ndtr: Unary = (x) => {
  const w0 = toArray(x, "ndtr");
  if (w0.dtype !== "float32" && w0.dtype !== "float64") {
    throw new DTypeError(
      `x.dtype=${w0.dtype} is not supported, see docstring for supported types: float32 and float64.`,
    );
  }
  const half = constLike(w0, Math.SQRT1_2);
  const w = mul(w0, half);
  const z = abs(w);
  const middle = lt(z, half);
  const inner = add(constLike(w, 1), s.erf(w));
  const upper = greater(w, constLike(w, 0));
  const outer = select(upper, subtract(constLike(w, 2), s.erfc(z)), s.erfc(z));
  return multiply(constLike(w, 0.5), select(middle, inner, outer));
};
