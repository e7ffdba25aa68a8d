/** The special functions: the error function and its relatives, the gamma function's family, Bessel functions, Hurwitz's zeta. */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Domain, Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { jvpByOperand } from "./algebra.ts";
import { abs, add, integerPow, mul, neg, sign, square, sub } from "./arithmetic.ts";
import { constLike, fullLike, onesLike } from "./broadcasting.ts";
import { gt, select } from "./comparison.ts";
import { exp, log, log1p } from "./elementwise.ts";
import { floats, nary, unary } from "./nary.ts";

type Derivative = (t: NDArray, y: NDArray, x: NDArray) => NDArray;

const smooth = (name: string, derivative: Derivative, domain?: Domain): Primitive =>
  unary(name, floats, (self) => ({
    jvp: jvpByOperand(self, [(t, y, [x]) => derivative(t, y, x)]),
    ...(domain === undefined ? {} : { domain }),
  }));

const gaussian =
  (factor: number): Derivative =>
  (t, _y, x) =>
    mul(constLike(x, factor), mul(t, exp(neg(square(x)))));

export const erfP: Primitive = smooth("erf", gaussian(2 / Math.sqrt(Math.PI)));
export const erfcP: Primitive = smooth("erfc", gaussian(-2 / Math.sqrt(Math.PI)));
export const erfInvP: Primitive = smooth(
  "erf_inv",
  (t, y, x) => mul(constLike(x, Math.sqrt(Math.PI) / 2), mul(t, exp(square(y)))),
  [-0.9, 0.9],
);
export const lgammaP: Primitive = smooth("lgamma", (t, _y, x) => mul(t, digamma(x)), [0.3, 4]);
export const digammaP: Primitive = smooth("digamma", (t, _y, x) => mul(t, polygamma(constLike(x, 1), x)), [0.3, 4]);

/** The spacing of the numbers of a dtype at 1. */
const epsilon = (dtype: DType): number =>
  dtype === "float64" ? 2 ** -52 : dtype === "float32" ? 2 ** -23 : dtype === "float16" ? 2 ** -10 : 2 ** -7;

export const besselI0eP: Primitive = smooth("bessel_i0e", (t, y, x) => mul(t, sub(besselI1e(x), mul(sign(x), y))));
export const besselI1eP: Primitive = smooth("bessel_i1e", (t, y, x) => {
  const eps = epsilon(x.dtype);
  const regular = gt(abs(x), literal(eps, x.dtype));
  const safe = select(regular, x, fullLike(x, eps));
  const slope = sub(besselI0e(safe), mul(y, add(sign(safe), integerPow(safe, -1))));
  return mul(t, select(regular, slope, fullLike(x, 0.5)));
});

const withoutDerivative = (what: string) => (): never => {
  throw new RematValueError(
    `${what} is not supported: the operation has no derivative by this operand.\nStop the gradient there.`,
  );
};

const igammaSlope: Derivative = (t, a, x) => mul(t, exp(sub(add(neg(x), mul(sub(a, onesLike(a)), log(x))), lgamma(a))));

export const igammaP: Primitive = nary("igamma", [floats, floats], (self) => ({
  jvp: jvpByOperand(self, [(t, _y, [a, x]) => mul(t, igammaGradA(a, x)), (t, _y, [a, x]) => igammaSlope(t, a, x)]),
  domain: [0.3, 4],
}));
export const igammacP: Primitive = nary("igammac", [floats, floats], (self) => ({
  jvp: jvpByOperand(self, [
    (t, _y, [a, x]) => neg(mul(t, igammaGradA(a, x))),
    (t, _y, [a, x]) => neg(igammaSlope(t, a, x)),
  ]),
  domain: [0.3, 4],
}));
export const igammaGradAP: Primitive = nary("igamma_grad_a", [floats, floats], () => ({}));
export const polygammaP: Primitive = nary("polygamma", [floats, floats], (self) => ({
  jvp: jvpByOperand(self, [
    withoutDerivative("polygamma gradient with respect to m"),
    (t, _y, [m, x]) => mul(t, polygamma(add(m, constLike(m, 1)), x)),
  ]),
  domain: [1, 4],
}));
export const zetaP: Primitive = nary("zeta", [floats, floats], () => ({}));
export const betaincP: Primitive = nary("regularized_incomplete_beta", [floats, floats, floats], (self) => ({
  jvp: jvpByOperand(self, [
    withoutDerivative("Betainc gradient with respect to a and b"),
    withoutDerivative("Betainc gradient with respect to a and b"),
    (t, _y, [a, b, x]) => {
      const one = (y: NDArray) => literal(1, y.dtype);
      const logBeta = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)));
      const left = mul(sub(b, one(b)), log1p(neg(x)));
      const right = mul(sub(a, one(a)), log(x));
      return mul(exp(sub(add(left, right), logBeta)), t);
    },
  ]),
}));

const caller =
  (primitive: Primitive) =>
  (x: NDArray): NDArray =>
    bind1(primitive, [x], {});
const caller2 =
  (primitive: Primitive) =>
  (x: NDArray, y: NDArray): NDArray =>
    bind1(primitive, [x, y], {});

type Unary = (x: NDArray) => NDArray;
type Binary = (x: NDArray, y: NDArray) => NDArray;

export const erf: Unary = caller(erfP);
export const erfc: Unary = caller(erfcP);
export const erfInv: Unary = caller(erfInvP);
export const lgamma: Unary = caller(lgammaP);
export const digamma: Unary = caller(digammaP);
export const besselI0e: Unary = caller(besselI0eP);
export const besselI1e: Unary = caller(besselI1eP);
export const igamma: Binary = caller2(igammaP);
export const igammac: Binary = caller2(igammacP);
export const igammaGradA: Binary = caller2(igammaGradAP);
export const polygamma: Binary = caller2(polygammaP);
export const zeta: Binary = caller2(zetaP);
export const betainc = (a: NDArray, b: NDArray, x: NDArray): NDArray => bind1(betaincP, [a, b, x], {});

export const specialPrimitives = [
  erfP,
  erfcP,
  erfInvP,
  lgammaP,
  digammaP,
  besselI0eP,
  besselI1eP,
  igammaP,
  igammacP,
  igammaGradAP,
  polygammaP,
  zetaP,
  betaincP,
] as const;
