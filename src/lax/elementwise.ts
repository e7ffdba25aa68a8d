/**
 * The elementwise operations of `lax`: thin calls of the primitives. Unlike the functions of `numpy` they do not promote dtypes, and
 * they broadcast only arrays of equal rank (or rank 0). Host scalars are taken as literals.
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import * as a from "../primitives/arithmetic.ts";
import { pow as powOf } from "../primitives/pow.ts";
import { rem as remOf } from "../primitives/rem.ts";
import * as b from "../primitives/comparison.ts";
import * as c from "../primitives/complex.ts";
import * as v from "../primitives/convert.ts";
import * as e from "../primitives/elementwise.ts";
import * as s from "../primitives/special.ts";
import { index, toArray, type ArrayLike } from "../numpy/asarray.ts";
import * as tree from "../tree.ts";

type Unary = (x: ArrayLike) => NDArray;
type Binary = (x: ArrayLike, y: ArrayLike) => NDArray;

const unary =
  (name: string, fn: (x: NDArray) => NDArray): Unary =>
  (x) =>
    fn(toArray(x, `lax.${name}`));
const binary =
  (name: string, fn: (x: NDArray, y: NDArray) => NDArray): Binary =>
  (x, y) =>
    fn(toArray(x, `lax.${name}`), toArray(y, `lax.${name}`, 1));

export const abs: Unary = unary("abs", a.abs);
export const acos: Unary = unary("acos", e.acos);
export const acosh: Unary = unary("acosh", e.acosh);
export const asin: Unary = unary("asin", e.asin);
export const asinh: Unary = unary("asinh", e.asinh);
export const atan: Unary = unary("atan", e.atan);
export const atanh: Unary = unary("atanh", e.atanh);
export const besselI0e: Unary = unary("besselI0e", s.besselI0e);
export const besselI1e: Unary = unary("besselI1e", s.besselI1e);
export const bitwiseNot: Unary = unary("bitwiseNot", b.bitwiseNot);
export const cbrt: Unary = unary("cbrt", e.cbrt);
export const ceil: Unary = unary("ceil", e.ceil);
export const clz: Unary = unary("clz", b.clz);
export const conj: Unary = unary("conj", c.conj);
export const cos: Unary = unary("cos", e.cos);
export const cosh: Unary = unary("cosh", e.cosh);
export const digamma: Unary = unary("digamma", s.digamma);
export const erf: Unary = unary("erf", s.erf);
export const erfc: Unary = unary("erfc", s.erfc);
export const erfInv: Unary = unary("erfInv", s.erfInv);
export const exp: Unary = unary("exp", e.exp);
export const exp2: Unary = unary("exp2", e.exp2);
export const expm1: Unary = unary("expm1", e.expm1);
export const floor: Unary = unary("floor", e.floor);
export const imag: Unary = unary("imag", c.imag);
export const isFinite: Unary = unary("isFinite", e.isFinite);
export const lgamma: Unary = unary("lgamma", s.lgamma);
export const log: Unary = unary("log", e.log);
export const log1p: Unary = unary("log1p", e.log1p);
export const logistic: Unary = unary("logistic", e.logistic);
export const neg: Unary = unary("neg", a.neg);
export const populationCount: Unary = unary("populationCount", b.populationCount);
export const real: Unary = unary("real", c.real);
export const reciprocal: Unary = unary("reciprocal", (x) => a.integerPow(x, -1));
export const rsqrt: Unary = unary("rsqrt", e.rsqrt);
export const sign: Unary = unary("sign", a.sign);
export const sin: Unary = unary("sin", e.sin);
export const sinh: Unary = unary("sinh", e.sinh);
export const sqrt: Unary = unary("sqrt", e.sqrt);
export const square: Unary = unary("square", a.square);
export const tan: Unary = unary("tan", e.tan);
export const tanh: Unary = unary("tanh", e.tanh);

export const add: Binary = binary("add", a.add);
export const atan2: Binary = binary("atan2", a.atan2);
export const bitwiseAnd: Binary = binary("bitwiseAnd", b.bitwiseAnd);
export const bitwiseOr: Binary = binary("bitwiseOr", b.bitwiseOr);
export const bitwiseXor: Binary = binary("bitwiseXor", b.bitwiseXor);
export const complex: Binary = binary("complex", c.complex);
export const div: Binary = binary("div", a.div);
export const eq: Binary = binary("eq", b.eq);
export const ge: Binary = binary("ge", b.ge);
export const gt: Binary = binary("gt", b.gt);
export const igamma: Binary = binary("igamma", s.igamma);
export const igammac: Binary = binary("igammac", s.igammac);
export const igammaGradA: Binary = binary("igammaGradA", s.igammaGradA);
export const le: Binary = binary("le", b.le);
export const lt: Binary = binary("lt", b.lt);
export const max: Binary = binary("max", a.max);
export const min: Binary = binary("min", a.min);
export const mul: Binary = binary("mul", a.mul);
export const mulhi: Binary = binary("mulhi", a.mulhi);
export const ne: Binary = binary("ne", b.ne);
export const nextafter: Binary = binary("nextafter", a.nextafter);
export const polygamma: Binary = binary("polygamma", s.polygamma);
export const pow: Binary = binary("pow", powOf);
export const rem: Binary = binary("rem", remOf);
export const shiftLeft: Binary = binary("shiftLeft", b.shiftLeft);
export const shiftRightArithmetic: Binary = binary("shiftRightArithmetic", b.shiftRightArithmetic);
export const shiftRightLogical: Binary = binary("shiftRightLogical", b.shiftRightLogical);
export const sub: Binary = binary("sub", a.sub);
export const zeta: Binary = binary("zeta", s.zeta);

/** x to a host integer power. */
export const integerPow = (x: ArrayLike, y: number): NDArray => a.integerPow(toArray(x, "lax.integerPow"), index(y));

export const betainc = (p: ArrayLike, q: ArrayLike, x: ArrayLike): NDArray =>
  s.betainc(toArray(p, "lax.betainc"), toArray(q, "lax.betainc", 1), toArray(x, "lax.betainc", 2));

/** How `round` treats halves: away from zero, or to the even neighbour. */
export const RoundingMethod: { readonly AWAY_FROM_ZERO: 0; readonly TO_NEAREST_EVEN: 1 } = {
  AWAY_FROM_ZERO: 0,
  TO_NEAREST_EVEN: 1,
};
export const round = (x: ArrayLike, method: e.RoundingMethod = RoundingMethod.AWAY_FROM_ZERO): NDArray =>
  e.round(toArray(x, "lax.round"), method);

/** The elements of `onTrue` where the predicate holds, else those of `onFalse`. The predicate may be a scalar; nothing else broadcasts. */
export const select = (pred: ArrayLike, onTrue: ArrayLike, onFalse: ArrayLike): NDArray =>
  b.select(toArray(pred, "lax.select"), toArray(onTrue, "lax.select", 1), toArray(onFalse, "lax.select", 2));

/** The elements of case `which`: an integer array, or a boolean one for two cases. */
export const selectN = (which: ArrayLike, ...cases: readonly ArrayLike[]): NDArray =>
  b.selectN(toArray(which, "lax.selectN"), ...cases.map((x, i) => toArray(x, "lax.selectN", i + 1)));

/** The elements of `x` kept between two bounds, which have the shape of `x` or are scalars. */
export const clamp = (min: ArrayLike, x: ArrayLike, max: ArrayLike): NDArray =>
  b.clamp(toArray(min, "lax.clamp"), toArray(x, "lax.clamp", 1), toArray(max, "lax.clamp", 2));

/** The array with another dtype. */
export const convertElementType = (operand: ArrayLike, newDtype: DType): NDArray =>
  v.convertElementType(toArray(operand, "lax.convertElementType"), canonicalDType(newDtype));

/** The bits of the elements taken for elements of another dtype. Where sizes differ, a last dimension comes or goes. */
export const bitcastConvertType = (operand: ArrayLike, newDtype: DType): NDArray =>
  v.bitcastConvertType(toArray(operand, "lax.bitcastConvertType"), canonicalDType(newDtype));

/** The elements rounded to floats of the given numbers of exponent and mantissa bits; the dtype stays. */
export const reducePrecision = (operand: ArrayLike, exponentBits: number, mantissaBits: number): NDArray =>
  v.reducePrecision(toArray(operand, "lax.reducePrecision"), index(exponentBits), index(mantissaBits));

/** The arrays of a pytree, whose derivative counts as zero from here on. */
export const stopGradient = <T>(x: T): T =>
  tree.map((leaf) => v.stopGradient(toArray(leaf as ArrayLike, "lax.stopGradient")), x) as T;

/** Hands the arrays of a pytree on together: nothing that uses one of them is computed before all are there. */
export function optimizationBarrier<T>(operand: T): T {
  const { leaves, treedef } = tree.flatten(operand);
  const outs = v.optimizationBarrier(leaves.map((x) => toArray(x as ArrayLike, "lax.optimizationBarrier")));
  return tree.unflatten(treedef, outs) as T;
}
