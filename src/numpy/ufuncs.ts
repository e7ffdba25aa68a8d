/**
 * The universal functions of NumPy: mathematics on each element. Operands are promoted by JAX's rules and broadcast by NumPy's; integers
 * become floats in the transcendental functions. Each is one equation in a jaxpr, beside the conversions that promotion asks for.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { dtypes, isComplex, isInexact, isInteger, type DType } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { DTypeError } from "../errors.ts";
import * as p from "../primitives/arithmetic.ts";
import { pow } from "../primitives/pow.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { bitwiseAnd, bitwiseOr, eq, ne, shiftRightLogical } from "../primitives/comparison.ts";
import * as c from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { jitCall } from "../primitives/jit.ts";
import * as e from "../primitives/elementwise.ts";
import { concreteValue, index, toArray, type ArrayLike } from "./asarray.ts";
import {
  promoteArgInexact,
  promoteArgs,
  promoteArgsInexact,
  promoteArgsNumeric,
  promoteDtypesInexact,
  promoteDtypesNumeric,
  promoteShapes,
  settled,
} from "./promote.ts";
import { jitted } from "./jitted.ts";
import { less } from "./logic.ts";
import { where } from "./where.ts";

type Unary = (x: ArrayLike) => NDArray;
type Binary = (x: ArrayLike, y: ArrayLike) => NDArray;

const inexact =
  (name: string, fn: (x: NDArray) => NDArray): Unary =>
  (x) =>
    fn(promoteArgInexact(name, x));

export const exp: Unary = inexact("exp", e.exp);
export const exp2: Unary = inexact("exp2", e.exp2);
export const expm1: Unary = inexact("expm1", e.expm1);
export const log: Unary = inexact("log", e.log);
export const log1p: Unary = inexact("log1p", e.log1p);
export const sin: Unary = inexact("sin", e.sin);
export const cos: Unary = inexact("cos", e.cos);
export const tan: Unary = inexact("tan", e.tan);
export const arcsin: Unary = inexact("arcsin", e.asin);
export const arccos: Unary = inexact("arccos", e.acos);
export const arctan: Unary = inexact("arctan", e.atan);
export const sinh: Unary = inexact("sinh", e.sinh);
export const cosh: Unary = inexact("cosh", e.cosh);
export const tanh: Unary = inexact("tanh", e.tanh);
export const arcsinh: Unary = inexact("arcsinh", e.asinh);
export const arctanh: Unary = inexact("arctanh", e.atanh);
export const sqrt: Unary = inexact("sqrt", e.sqrt);
export const cbrt: Unary = inexact("cbrt", e.cbrt);

export function arccosh(x: ArrayLike): NDArray {
  return jitted(
    "arccosh",
    "",
    (x) => {
      const y = e.acosh(promoteArgInexact("arccosh", x));
      return isComplex(y.dtype) ? where(less(c.real(y), 0), p.neg(y), y) : y;
    },
    [x],
  );
}

export { arcsin as asin, arccos as acos, arctan as atan, arcsinh as asinh, arccosh as acosh, arctanh as atanh };

export const log2: Unary = inexact("log2", (x) => {
  if (!isComplex(x.dtype)) return p.div(e.log(x), e.log(literal(2, x.dtype)));
  const y = e.log(x);
  const [re, im] = [c.real(y), c.imag(y)];
  const ln2 = e.log(literal(2, re.dtype));
  return c.complex(p.div(re, ln2), p.div(im, ln2));
});

export const log10: Unary = inexact("log10", (x) => {
  const scale = (y: NDArray) => p.mul(y, literal(0.4342944819032518, y.dtype));
  const y = e.log(x);
  if (!isComplex(x.dtype)) return scale(y);
  const [re, im] = [c.real(y), c.imag(y)];
  return c.complex(scale(re), scale(im));
});

export const deg2rad: Unary = inexact("deg2rad", (x) => p.mul(x, constLike(x, Math.PI / 180)));
export const rad2deg: Unary = inexact("rad2deg", (x) => p.mul(x, constLike(x, 180 / Math.PI)));
export { rad2deg as degrees, deg2rad as radians };

export const negative: Unary = (x) => p.neg(promoteArgs("negative", x)[0]);
export const positive: Unary = (x) => promoteArgs("positive", x)[0];
export const sign: Unary = (x) => p.sign(promoteArgs("sign", x)[0]);

/** The absolute value; the modulus of complex numbers. */
export function absolute(x: ArrayLike): NDArray {
  const a = toArray(x, "absolute");
  const { kind } = dtypes[a.dtype];
  return kind === "bool" || kind === "uint" ? a : p.abs(a);
}
export { absolute as abs };

export function fabs(x: ArrayLike): NDArray {
  const a = toArray(x, "fabs");
  if (isComplex(a.dtype))
    throw new DTypeError(`ufunc 'fabs' does not support complex dtypes, got ${a.dtype}.\nUse np.abs.`);
  return p.abs(promoteArgInexact("fabs", a));
}

export const square: Unary = (x) => p.square(promoteDtypesNumeric(toArray(x, "square"))[0]);
export const reciprocal: Unary = (x) => p.integerPow(promoteDtypesInexact(toArray(x, "reciprocal"))[0], -1);

const rounding =
  (name: string, fn: (x: NDArray) => NDArray): Unary =>
  (x) => {
    const a = toArray(x, name);
    return isInteger(a.dtype) || a.dtype === "bool" ? a : fn(promoteArgInexact(name, a));
  };
export const floor: Unary = rounding("floor", e.floor);
export const ceil: Unary = rounding("ceil", e.ceil);

export const add: Binary = (x, y) => {
  const [a, b] = promoteArgs("add", x, y) as [NDArray, NDArray];
  return a.dtype === "bool" ? bitwiseOr(a, b) : p.add(a, b);
};
export const multiply: Binary = (x, y) => {
  const [a, b] = promoteArgs("multiply", x, y) as [NDArray, NDArray];
  return a.dtype === "bool" ? bitwiseAnd(a, b) : p.mul(a, b);
};

const binary =
  (name: string, promote: typeof promoteArgs, fn: (x: NDArray, y: NDArray) => NDArray): Binary =>
  (x, y) => {
    const [a, b] = promote(name, x, y) as [NDArray, NDArray];
    return fn(a, b);
  };

export const subtract: Binary = binary("subtract", promoteArgs, p.sub);
export const trueDivide: Binary = binary("true_divide", promoteArgsInexact, p.div);
export { trueDivide as divide };
export const maximum: Binary = binary("maximum", promoteArgs, p.max);
export const minimum: Binary = binary("minimum", promoteArgs, p.min);
export const arctan2: Binary = binary("arctan2", promoteArgsInexact, p.atan2);
export { arctan2 as atan2 };
export const nextafter: Binary = binary("nextafter", promoteArgsInexact, p.nextafter);
export const floatPower: Binary = binary("float_power", promoteArgsInexact, pow);

/** The exponent as a host integer if it is known and an integer. */
function staticExponent(y: ArrayLike): number | null {
  if (typeof y === "boolean") return Number(y);
  if (typeof y === "number") return Number.isInteger(y) ? y : null;
  if (typeof y === "bigint") return Number(y);
  const a = toArray(y, "power", 1);
  if (a.ndim > 0) return null;
  const known = concreteValue(a);
  if (known === null) return null;
  const integral =
    isInteger(known.dtype) || (known instanceof ConcreteArray && known.literal && known.dtype === "bool");
  return integral ? Number(index(known)) : null;
}

/**
 * Powers. A known integer exponent, such as the 2 of `npower(x, 2)`, gives `integer_pow`; `npower(x, float(2))` is a power of floats.
 */
export function power(x: ArrayLike, y: ArrayLike): NDArray {
  const exponent = staticExponent(y);
  if (exponent !== null) return p.integerPow(settled(promoteDtypesNumeric(toArray(x, "power")))[0], exponent);
  // Inlined as a whole: what it does not need is gone once it is differentiated.
  return jitCall("_power", "", (a, b) => [powerOf(a, b)], [toArray(x, "power"), toArray(y, "power", 1)], true)[0];
}

function powerOf(x: NDArray, y: NDArray): NDArray {
  const [a, b] = promoteShapes(x, y) as [NDArray, NDArray];
  const [base, power] = promoteArgsNumeric("power", a, b) as [NDArray, NDArray];
  if (isInteger(base.dtype) || base.dtype === "bool") return integerPowers(base, power);
  return isInexact(a.dtype) && isInteger(b.dtype) ? pow(a, b) : pow(base, power);
}
export { power as pow };

/** Integer powers of integers, by squaring: six bits of the exponent count, since larger powers overflow. */
function integerPowers(x: NDArray, y: NDArray): NDArray {
  const zero = literal(0, y.dtype);
  const one = literal(1, y.dtype);
  let [base, exponent] = [x, y];
  let product = where(bitwiseAnd(eq(base, zero), ne(exponent, zero)), zero, one);
  for (let bit = 0; bit < 6; bit++) {
    product = where(bitwiseAnd(exponent, one), p.mul(product, base), product);
    base = p.mul(base, base);
    exponent = shiftRightLogical(exponent, one);
  }
  return product;
}

export function conjugate(x: ArrayLike): NDArray {
  const a = toArray(x, "conjugate");
  return isComplex(a.dtype) ? c.conj(a) : a;
}
export { conjugate as conj };

/** The real part: the array itself if it is real. */
export function real(x: ArrayLike): NDArray {
  const a = toArray(x, "real");
  return isComplex(a.dtype) ? c.real(a) : a;
}

/** The imaginary part: zeros if the array is real. */
export function imag(x: ArrayLike): NDArray {
  const a = toArray(x, "imag");
  return isComplex(a.dtype) ? c.imag(a) : fullLike(a, 0);
}

/** The angle of complex numbers, in radians, or degrees if `deg`. */
export function angle(z: ArrayLike, options: boolean | { readonly deg?: boolean } = {}): NDArray {
  const deg = typeof options === "boolean" ? options : (options.deg ?? false);
  return jitted(
    "angle",
    String(deg),
    (z) => {
      let re = real(z);
      let im = imag(z);
      if (!isInexact(re.dtype) || (dtypes[z.dtype].kind === "float" && z.ndim === 0)) {
        const dtype = floatDType();
        re = convertElementType(re, dtype);
        im = convertElementType(im, dtype);
      }
      const out = p.atan2(im, re);
      return deg ? rad2deg(out) : out;
    },
    [z],
  );
}

const floatDType = (): DType => promoteDtypesInexact(toArray(0))[0].dtype;
