/** Comparisons, logic, bits, and questions about floating-point numbers, as universal functions. */
import type { NDArray } from "../core/array.ts";
import { shapesEqual } from "../core/aval.ts";
import { dtypes, isComplex } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { DTypeError, RematValueError, ShapeError } from "../errors.ts";
import * as p from "../primitives/arithmetic.ts";
import { constLike, full } from "../primitives/broadcasting.ts";
import * as b from "../primitives/comparison.ts";
import * as c from "../primitives/complex.ts";
import { bitcastConvertType, convertElementType } from "../primitives/convert.ts";
import { isFinite } from "../primitives/elementwise.ts";
import { asarray, toArray, type ArrayLike } from "./asarray.ts";
import { jitted } from "./jitted.ts";
import { promoteArgs, promoteArgsInexact, promoteArgsNumeric } from "./promote.ts";
import { all } from "./reductions.ts";
import { where } from "./where.ts";

type Unary = (x: ArrayLike) => NDArray;
type Binary = (x: ArrayLike, y: ArrayLike) => NDArray;
type Rule = (x: NDArray, y: NDArray) => NDArray;

const promoted =
  (name: string, fn: Rule, promote: typeof promoteArgs = promoteArgs): Binary =>
  (x, y) => {
    const [a, b] = promote(name, x, y) as [NDArray, NDArray];
    return fn(a, b);
  };

/** Complex numbers compare by their real parts, then by their imaginary parts. */
const lexicographic =
  (fn: Rule): Rule =>
  (x, y) => {
    if (!isComplex(x.dtype)) return fn(x, y);
    // The parts are taken anew for each comparison, as in JAX.
    const tied = b.eq(c.real(x), c.real(y));
    const byImaginary = fn(c.imag(x), c.imag(y));
    const byReal = fn(c.real(x), c.real(y));
    return b.select(tied, byImaginary, byReal);
  };

export const equal: Binary = promoted("equal", b.eq);
export const notEqual: Binary = promoted("not_equal", b.ne);
export const greater: Binary = promoted("greater", lexicographic(b.gt));
export const greaterEqual: Binary = promoted("greater_equal", lexicographic(b.ge));
export const less: Binary = promoted("less", lexicographic(b.lt));
export const lessEqual: Binary = promoted("less_equal", lexicographic(b.le));

const asBool = (x: NDArray): NDArray => (x.dtype === "bool" ? x : b.ne(x, constLike(x, 0)));
const logical = (name: string, fn: Rule): Binary => promoted(name, (x, y) => fn(asBool(x), asBool(y)));

export const logicalAnd: Binary = logical("logical_and", b.bitwiseAnd);
export const logicalOr: Binary = logical("logical_or", b.bitwiseOr);
export const logicalXor: Binary = logical("logical_xor", b.bitwiseXor);
export const logicalNot: Unary = (x) => b.bitwiseNot(asBool(promoteArgs("logical_not", x)[0]));

export const bitwiseAnd: Binary = promoted("bitwise_and", b.bitwiseAnd);
export const bitwiseOr: Binary = promoted("bitwise_or", b.bitwiseOr);
export const bitwiseXor: Binary = promoted("bitwise_xor", b.bitwiseXor);
export const bitwiseNot: Unary = (x) => b.bitwiseNot(promoteArgs("bitwise_not", x)[0]);
export { bitwiseNot as bitwiseInvert, bitwiseNot as invert };

export const leftShift: Binary = promoted("left_shift", b.shiftLeft, promoteArgsNumeric);
/** Shifts to the right: copies of the sign come in at the left for signed integers, zeros for unsigned ones. */
export const rightShift: Binary = promoted(
  "right_shift",
  (x, y) => (p.isUnsigned(x) ? b.shiftRightLogical(x, y) : b.shiftRightArithmetic(x, y)),
  promoteArgsNumeric,
);
export { leftShift as bitwiseLeftShift, rightShift as bitwiseRightShift };

/** The number of ones in the binary form of the absolute value, as uint8. */
export const bitwiseCount: Unary = (x) =>
  jitted(
    "bitwise_count",
    "",
    (x) => {
      const [a] = promoteArgsNumeric("bitwise_count", x) as [NDArray];
      return convertElementType(b.populationCount(p.isUnsigned(a) ? a : p.abs(a)), "uint8");
    },
    [x],
  );

const truthLike = (x: NDArray, value: boolean): NDArray => full(x.shape, value, "bool");
const isReal = (x: NDArray): boolean => dtypes[x.dtype].kind === "float";

export const isnan: Unary = (x) => {
  const a = toArray(x, "isnan");
  return b.ne(a, a);
};

export const isfinite: Unary = (x) => {
  const a = toArray(x, "isfinite");
  if (isReal(a)) return isFinite(a);
  if (isComplex(a.dtype)) return b.bitwiseAnd(isFinite(c.real(a)), isFinite(c.imag(a)));
  return truthLike(a, true);
};

export const isinf: Unary = (x) =>
  jitted(
    "isinf",
    "",
    (x) => {
      const infinite = (a: NDArray) => b.eq(p.abs(a), literal(Infinity, a.dtype));
      if (isReal(x)) return infinite(x);
      if (!isComplex(x.dtype)) return truthLike(x, false);
      const [re, im] = [c.real(x), c.imag(x)];
      return b.bitwiseOr(infinite(re), infinite(im));
    },
    [x],
  );

const isInfinity =
  (name: string, infinity: number): Unary =>
  (x) => {
    const a = toArray(x, name);
    if (isReal(a)) return b.eq(a, literal(infinity, a.dtype));
    if (isComplex(a.dtype)) {
      throw new RematValueError(
        `isposinf/isneginf are not well defined for complex types, got ${a.dtype}.\nAsk np.isinf, or take the real or imaginary part.`,
      );
    }
    return truthLike(a, false);
  };
export const isposinf: Unary = isInfinity("isposinf", Infinity);
export const isneginf: Unary = isInfinity("isneginf", -Infinity);

/** True where the sign bit is set, so for -0 too. */
export const signbit: Unary = (x) =>
  jitted(
    "signbit",
    "",
    (x) => {
      const { kind, bytes } = dtypes[x.dtype];
      if (kind === "int" || kind === "uint") return b.lt(x, literal(0, x.dtype));
      if (kind === "bool") return truthLike(x, false);
      if (kind !== "float") {
        throw new RematValueError(`np.signbit is not well defined for ${x.dtype}.\nTake the real or imaginary part.`);
      }
      const raw = bitcastConvertType(x, bytes === 2 ? "int16" : bytes === 4 ? "int32" : "int64");
      return convertElementType(rightShift(raw, bytes * 8 - 1), "bool");
    },
    [x],
  );

/** The magnitudes of `x1` with the signs of `x2`. */
export const copysign: Binary = (x1, x2) =>
  jitted(
    "copysign",
    "",
    (x1, x2) => {
      const [x, y] = promoteArgsInexact("copysign", x1, x2) as [NDArray, NDArray];
      if (isComplex(x.dtype)) {
        throw new DTypeError(
          `copysign does not support complex-valued inputs, got ${x.dtype}.\nTake real and imaginary parts.`,
        );
      }
      const negative = signbit(y);
      return where(negative, p.neg(p.abs(x)), p.abs(x));
    },
    [x1, x2],
  );

const imaginary = (x: NDArray): NDArray => (isComplex(x.dtype) ? c.imag(x) : full(x.shape, 0, x.dtype, x.weakType));
export const iscomplex: Unary = (x) =>
  jitted(
    "iscomplex",
    "",
    (x) => {
      const im = imaginary(x);
      return b.ne(im, constLike(im, 0));
    },
    [x],
  );
export const isreal: Unary = (x) =>
  jitted(
    "isreal",
    "",
    (x) => {
      const im = imaginary(x);
      return b.eq(im, constLike(im, 0));
    },
    [x],
  );

/** Whether the dtype is complex. */
export const iscomplexobj = (x: ArrayLike): boolean => isComplex(toArray(x, "iscomplexobj").dtype);
export const isrealobj = (x: ArrayLike): boolean => !iscomplexobj(x);

export interface CloseOptions {
  readonly rtol?: ArrayLike;
  readonly atol?: ArrayLike;
  readonly equalNan?: boolean;
}

/** True where |a - b| <= atol + rtol * |b|, and where both are the same infinity. NaNs are close if `equalNan`. */
export function isclose(a: ArrayLike, b: ArrayLike, options: CloseOptions = {}): NDArray {
  return jitted(
    "isclose",
    String(options.equalNan ?? false) + String(options.rtol === undefined) + String(options.atol === undefined),
    closeness(options),
    [a, b, ...given(options)],
  );
}

/** Tolerances that the user gives are operands; the defaults are constants. */
const given = ({ rtol, atol }: CloseOptions): ArrayLike[] =>
  [rtol, atol].filter((t): t is ArrayLike => t !== undefined);

const closeness =
  (options: CloseOptions) =>
  (a: NDArray, y: NDArray, ...tolerances: NDArray[]): NDArray => {
    const [x, target] = promoteArgsInexact("isclose", ...promoteArgs("isclose", a, y)) as [NDArray, NDArray];
    const dtype = x.dtype === "complex64" ? "float32" : x.dtype === "complex128" ? "float64" : x.dtype;
    const rtol = convertElementType(options.rtol === undefined ? toArray(1e-5) : tolerances[0], dtype);
    const atol = convertElementType(options.atol === undefined ? toArray(1e-8) : tolerances.at(-1)!, dtype);
    const bothNaN = logicalAnd(isnan(x), isnan(target));
    const finite = isfinite(target);
    const near = b.le(p.abs(p.sub(x, target)), p.add(atol, p.mul(rtol, p.abs(target))));
    const close = logicalOr(b.eq(x, target), logicalAnd(finite, near));
    return options.equalNan === true ? logicalOr(close, bothNaN) : close;
  };

/** Whether all elements are close: `isclose` everywhere. */
export function allclose(a: ArrayLike, y: ArrayLike, options: CloseOptions = {}): NDArray {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  const defaults = `${options.rtol === undefined} ${options.atol === undefined}`;
  return jitted(
    "allclose",
    `${equalNan} ${defaults}`,
    (a, y, ...tolerances) => {
      const close = {
        rtol: options.rtol === undefined ? rtol : tolerances[0],
        atol: options.atol === undefined ? atol : tolerances.at(-1)!,
        equalNan,
      };
      return all(isclose(a, y, close));
    },
    [a, y, ...given(options)],
  );
}

/** Whether two arrays have one shape and equal elements. */
export function arrayEqual(
  a1: ArrayLike,
  a2: ArrayLike,
  options: boolean | { readonly equalNan?: boolean } = {},
): NDArray {
  const [x, y] = [asarray(a1), asarray(a2)];
  if (!shapesEqual(x.shape, y.shape)) return asarray(false);
  const equalNan = typeof options === "boolean" ? options : options.equalNan === true;
  const same = equal(x, y);
  return all(equalNan ? logicalOr(same, logicalAnd(isnan(x), isnan(y))) : same);
}

/** Whether two arrays are equal after broadcasting. */
export function arrayEquiv(a1: ArrayLike, a2: ArrayLike): NDArray {
  const [x, y] = [asarray(a1), asarray(a2)];
  try {
    return all(equal(x, y));
  } catch (error) {
    if (error instanceof RematValueError || error instanceof ShapeError) return asarray(false);
    throw error;
  }
}
