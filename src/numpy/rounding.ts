/** Rounding, and division with a remainder. */
import type { NDArray } from "../core/array.ts";
import { isComplex, isInteger } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematValueError, DTypeError, RematTypeError, UnsupportedError } from "../errors.ts";
import { div, isUnsigned, mul, sign, sub } from "../primitives/arithmetic.ts";
import { rem } from "../primitives/rem.ts";
import { constLike, onesLike, zeroOf } from "../primitives/broadcasting.ts";
import { bitwiseAnd, ge, lt, ne, select } from "../primitives/comparison.ts";
import { complex, imag, real } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import * as e from "../primitives/elementwise.ts";
import { float, type ArrayLike } from "./asarray.ts";
import { jitted, jittedAll } from "./jitted.ts";
import { equal, logicalAnd, notEqual } from "./logic.ts";
import { promoteArgsNumeric, promoteDtypesInexact, resultType } from "./promote.ts";
import { add, ceil, floor, subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

/** To the nearest integer, halves to the even one. Integers become floats. */
export const rint = (x: ArrayLike): NDArray => jitted("rint", "", rintOf, [x]);

function rintOf(x: NDArray): NDArray {
  if (x.dtype === "bool" || isInteger(x.dtype)) return convertElementType(x, canonicalDType("float64"));
  if (isComplex(x.dtype)) return complex(rint(real(x)), rint(imag(x)));
  return e.round(x, 1);
}

const largestPower = (x: NDArray): number =>
  x.dtype === "float16" ? 4 : x.dtype === "float64" || x.dtype === "complex128" ? 308 : 38;

/** To the given number of decimals, halves to even. Integers stay as they are. */
export function round(a: ArrayLike, decimals: number | { readonly decimals?: number } = 0): NDArray {
  const digits = typeof decimals === "number" ? decimals : (decimals.decimals ?? 0);
  if (!Number.isInteger(digits)) {
    throw new RematTypeError(
      `'decimals' argument of np.round: an integer is needed, got ${String(digits)}.\nPass a host integer.`,
    );
  }
  return jitted("round", String(digits), (x) => roundTo(x, digits), [a]);
}

export const around = (a: ArrayLike, decimals: number | { readonly decimals?: number } = 0): NDArray =>
  jitted("around", JSON.stringify(decimals), (x) => round(x, decimals), [a]);

function roundTo(x: NDArray, decimals: number): NDArray {
  if (x.dtype === "bool") {
    throw new RematValueError(
      `np.round: data type ${x.dtype} is not inexact, and not an integer one. Convert with astype first.`,
    );
  }
  if (isInteger(x.dtype)) {
    if (decimals < 0) {
      throw new UnsupportedError(
        `integer np.round not implemented for decimals < 0, got ${decimals}.\nDivide and multiply instead.`,
      );
    }
    return x;
  }
  const one = (y: NDArray): NDArray => {
    if (decimals === 0) return e.round(y, 1);
    const half = x.dtype === "float16";
    const wide = half ? convertElementType(y, "float32") : y;
    const factor = constLike(wide, 10 ** decimals);
    const out = div(e.round(mul(wide, factor), 1), factor);
    return half ? convertElementType(out, "float16") : out;
  };
  if (decimals > largestPower(x)) return x;
  return isComplex(x.dtype) ? complex(one(real(x)), one(imag(x))) : one(x);
}

/** Toward zero. */
export const trunc = (x: ArrayLike): NDArray =>
  jitted(
    "trunc",
    "",
    (x) => {
      if (isInteger(x.dtype) || x.dtype === "bool") return x;
      return where(lt(x, constLike(x, 0)), ceil(x), floor(x));
    },
    [x],
  );

/** The quotient rounded down, and the remainder, which has the sign of the divisor, for floats. */
function floatDivmod(x1: NDArray, x2: NDArray): [NDArray, NDArray] {
  const mod = rem(x1, x2);
  const exactly = where(equal(x2, 0), x1, sub(x1, mod));
  const quotient = div(exactly, x2);
  const wrong = bitwiseAnd(notEqual(mod, 0), notEqual(sign(x2), sign(mod)));
  const shifted = select(wrong, add(mod, x2), mod);
  const lowered = select(wrong, subtract(quotient, float(1)), quotient);
  return [e.round(lowered), shifted];
}

/** The quotient rounded down. */
export const floorDivide = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "floor_divide",
    "",
    (x1, x2) => {
      const [a, b] = promoteArgsNumeric("floor_divide", x1, x2) as [NDArray, NDArray];
      if (isUnsigned(a)) return div(a, b);
      if (isInteger(a.dtype)) {
        const quotient = div(a, b);
        const inexact = logicalAnd(notEqual(sign(a), sign(b)), notEqual(rem(a, b), 0));
        return where(inexact, subtract(quotient, 1), quotient);
      }
      if (isComplex(a.dtype)) {
        throw new DTypeError(
          `floor_divide does not support complex-valued inputs, got ${a.dtype}.\nComplex numbers have no order.`,
        );
      }
      return floatDivmod(a, b)[0];
    },
    [x1, x2],
  );

/** The remainder of the division rounded down: it has the sign of the divisor. */
export const remainder = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "remainder",
    "",
    (x1, x2) => {
      const [a, given] = promoteArgsNumeric("remainder", x1, x2) as [NDArray, NDArray];
      const zero = literal(0, a.dtype);
      const b = isInteger(given.dtype) ? where(equal(given, 0), onesLike(given), given) : given;
      const truncated = rem(a, b);
      const inexact = ne(truncated, zero);
      const wrong = bitwiseAnd(ne(lt(truncated, zero), lt(b, zero)), inexact);
      return select(wrong, add(truncated, b), truncated);
    },
    [x1, x2],
  );
export { remainder as mod };

/** The remainder of the division rounded toward zero: it has the sign of the dividend. */
export const fmod = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "fmod",
    "",
    (x1, x2) => {
      const b = isInteger(resultType(x1, x2)) ? where(equal(x2, 0), onesLike(x2), x2) : x2;
      const [x, y] = promoteArgsNumeric("fmod", x1, b) as [NDArray, NDArray];
      return rem(x, y);
    },
    [x1, x2],
  );

/** `floorDivide` and `remainder` together. */
export function divmod(x1: ArrayLike, x2: ArrayLike): readonly [quotient: NDArray, remainder: NDArray] {
  const [quotient, rest] = jittedAll(
    "divmod",
    "",
    (x1, x2) => {
      const [a, b] = promoteArgsNumeric("divmod", x1, x2) as [NDArray, NDArray];
      return isInteger(a.dtype) ? [floorDivide(a, b), remainder(a, b)] : floatDivmod(a, b);
    },
    [x1, x2],
  );
  return [quotient, rest];
}

/** The fractional and the integral part, both with the sign of the number. */
export function modf(x: ArrayLike): readonly [fraction: NDArray, whole: NDArray] {
  const [fraction, whole] = jittedAll(
    "modf",
    "",
    (x) => {
      const [a] = promoteDtypesInexact(x) as [NDArray];
      const integral = where(ge(a, zeroOf(a)), floor(a), ceil(a));
      return [subtract(a, integral), integral];
    },
    [x],
  );
  return [fraction, whole];
}
