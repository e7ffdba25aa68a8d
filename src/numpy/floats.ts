/** Floating-point numbers by their parts: mantissa and exponent, the spacing between neighbours; and what the dtypes can hold. */
import type { NDArray } from "../core/array.ts";
import { dtypes, floatBits, isComplex, isFloat, isInteger, type DType } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { DTypeError, RematValueError } from "../errors.ts";
import { abs, nextafter } from "../primitives/arithmetic.ts";
import { zerosLike } from "../primitives/broadcasting.ts";
import { bitcastConvertType, convertElementType } from "../primitives/convert.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import type { ArrayLike } from "./asarray.ts";
import { jitted, jittedAll } from "./jitted.ts";
import { bitwiseAnd, bitwiseOr, copysign, equal, greater, isinf, isnan, less, rightShift } from "./logic.ts";
import { promoteArgsInexact, promoteDtypesInexact } from "./promote.ts";
import { add, exp2, multiply, negative, power, subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

/** What a float dtype can hold. */
export interface FloatInfo {
  readonly dtype: DType;
  readonly bits: number;
  /** Exponent bits. */
  readonly nexp: number;
  /** Mantissa bits that are stored. */
  readonly nmant: number;
  /** The spacing of the numbers at 1. */
  readonly eps: number;
  readonly max: number;
  readonly min: number;
  /** The smallest positive normal number. */
  readonly tiny: number;
  readonly smallestNormal: number;
  readonly smallestSubnormal: number;
  readonly minexp: number;
  readonly maxexp: number;
}

/** The limits of a float dtype (of its parts, for a complex one), or of an array's. */
export function finfo(of: DType | NDArray): FloatInfo {
  const given = typeof of === "string" ? of : of.dtype;
  const dtype = given === "complex64" ? "float32" : given === "complex128" ? "float64" : given;
  const bits = floatBits[dtype];
  if (bits === undefined) throw new RematValueError(`finfo: data type ${dtype} not inexact.\nAsk iinfo for integers.`);
  const [nexp, nmant] = bits;
  const bias = 2 ** (nexp - 1) - 1;
  const max = (2 - 2 ** -nmant) * 2 ** bias;
  return {
    dtype,
    bits: dtypes[dtype].bytes * 8,
    nexp,
    nmant,
    eps: 2 ** -nmant,
    max,
    min: -max,
    tiny: 2 ** (1 - bias),
    smallestNormal: 2 ** (1 - bias),
    smallestSubnormal: 2 ** (1 - bias - nmant),
    minexp: 1 - bias,
    maxexp: bias + 1,
  };
}

/** What an integer dtype can hold. 64-bit limits are rounded to what a number holds. */
export interface IntegerInfo {
  readonly dtype: DType;
  readonly bits: number;
  readonly min: number;
  readonly max: number;
}

/** The limits of an integer dtype, or of an array's. */
export function iinfo(of: DType | NDArray): IntegerInfo {
  const dtype = typeof of === "string" ? of : of.dtype;
  if (!isInteger(dtype))
    throw new RematValueError(`iinfo: data type ${dtype} is not an integer type.\nAsk finfo for floats.`);
  const { bytes, kind } = dtypes[dtype];
  const bits = bytes * 8;
  return kind === "uint"
    ? { dtype, bits, min: 0, max: 2 ** bits - 1 }
    : { dtype, bits, min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 };
}

/** The kinds of dtypes that the array API standard names. */
export type Kind =
  "bool" | "signed integer" | "unsigned integer" | "integral" | "real floating" | "complex floating" | "numeric";

/** Whether a dtype is of a kind, or is a dtype, or is one of several. */
export function isdtype(dtype: DType, kind: Kind | DType | readonly (Kind | DType)[]): boolean {
  if (typeof kind !== "string") return kind.some((k) => isdtype(dtype, k));
  switch (kind) {
    case "signed integer":
      return dtypes[dtype].kind === "int";
    case "unsigned integer":
      return dtypes[dtype].kind === "uint";
    case "integral":
      return isInteger(dtype);
    case "real floating":
      return isFloat(dtype);
    case "complex floating":
      return isComplex(dtype);
    case "numeric":
      return isInteger(dtype) || isFloat(dtype) || isComplex(dtype);
    default:
      return dtype === kind;
  }
}

const integerOf = (x: NDArray): DType =>
  dtypes[x.dtype].bytes === 2 ? "int16" : dtypes[x.dtype].bytes === 4 ? "int32" : "int64";

function takeApart(x: NDArray): [NDArray, NDArray] {
  const { nexp, nmant, minexp, tiny } = finfo(x);
  const raw = integerOf(x);
  const integer = (value: number | bigint) => literal(value, raw);
  const mask = 2 ** nexp - 1;
  const bias = 1 - minexp;
  // Subnormal numbers are made normal first; the exponent remembers.
  const subnormal = less(abs(x), literal(tiny, x.dtype));
  const normal = where(subnormal, multiply(x, literal(2 ** nmant, x.dtype)), x);
  const shift = where(subnormal, integer(-nmant), integer(0));
  let bits = bitcastConvertType(normal, raw);
  const field = bitwiseAnd(rightShift(bits, integer(nmant)), integer(mask));
  const exponent = add(shift, add(subtract(field, integer(bias)), integer(1)));
  bits = bitwiseAnd(bits, integer(~(BigInt(mask) << BigInt(nmant))));
  bits = bitwiseOr(bits, integer(BigInt(bias - 1) << BigInt(nmant)));
  const mantissa = bitcastConvertType(bits, x.dtype);
  const special = bitwiseOr(bitwiseOr(isinf(x), isnan(x)), equal(x, 0));
  const power = where(special, zerosLike(exponent), exponent);
  return [where(special, x, mantissa), convertElementType(power, "int32")];
}

const frexpOf = (x: NDArray): readonly NDArray[] =>
  customJvpCall(
    "_frexp",
    (x) => takeApart(x),
    ([x], [t]) => {
      const [m, e] = frexp(x);
      const slope = exp2(negative(convertElementType(e, t!.dtype)));
      return [
        [m, e],
        [multiply(t!, slope), null],
      ];
    },
    [x],
    { jvpName: "_frexp_jvp" },
  );

/** The mantissa (from 1/2 up to 1) and the exponent: x = mantissa * 2^exponent. */
export function frexp(x: ArrayLike): readonly [mantissa: NDArray, exponent: NDArray] {
  const [mantissa, exponent] = jittedAll(
    "frexp",
    "",
    (given) => {
      const [a] = promoteDtypesInexact(given) as [NDArray];
      if (isComplex(a.dtype))
        throw new DTypeError(`frexp does not support complex-valued inputs, got ${a.dtype}.\nTake its parts.`);
      return frexpOf(a);
    },
    [x],
  );
  return [mantissa, exponent];
}

/** x1 * 2^x2 */
export const ldexp = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "ldexp",
    "",
    (x1, x2) => {
      if (isComplex(x1.dtype) || isFloat(x2.dtype) || isComplex(x2.dtype)) {
        throw new RematValueError(
          `ldexp not supported for input types (${x1.dtype}, ${x2.dtype}).\nThe exponent must be an integer.`,
        );
      }
      const [x] = promoteArgsInexact("ldexp", x1) as [NDArray];
      const shift = convertElementType(x2, x.dtype);
      const [m, e] = frexp(x);
      let exponent = add(convertElementType(e, shift.dtype), shift);
      const mantissa = where(greater(exponent, 0), multiply(m, 2), m);
      exponent = where(greater(exponent, 0), subtract(exponent, 1), exponent);
      const out = multiply(mantissa, power(2, exponent));
      return where(bitwiseOr(isinf(x), equal(x, 0)), x, out);
    },
    [x1, x2],
  );

/** The distance to the next number away from zero. */
export function spacing(x: ArrayLike): NDArray {
  const [a] = promoteArgsInexact("spacing", x) as [NDArray];
  if (isComplex(a.dtype))
    throw new RematValueError(`np.spacing is not defined for complex inputs, got ${a.dtype}.\nTake its parts.`);
  const infinity = literal(Infinity, a.dtype);
  if (a.dtype === "float16") return subtract(nextafter(a, infinity), a);
  const out = subtract(nextafter(a, copysign(infinity, a)), a);
  return where(equal(out, 0), copysign(literal(finfo(a).smallestSubnormal, a.dtype), a), out);
}

/** The dtypes, by name: `np.float32` may stand where "float32" does. */
export const float16: DType = "float16";
export const bfloat16: DType = "bfloat16";
export const float32: DType = "float32";
export const float64: DType = "float64";
export const int8: DType = "int8";
export const int16: DType = "int16";
export const int32: DType = "int32";
export const int64: DType = "int64";
export const uint8: DType = "uint8";
export const uint16: DType = "uint16";
export const uint32: DType = "uint32";
export const uint64: DType = "uint64";
export const complex64: DType = "complex64";
export const complex128: DType = "complex128";
export const bool: DType = "bool";

export const pi: number = Math.PI;
export const e: number = Math.E;
export const inf: number = Infinity;
export const nan: number = NaN;
export const eulerGamma: number = 0.5772156649015329;
/** In an index: a new axis of size 1. */
export const newaxis = null;

/** Whether values of a dtype, or of an array's, become another dtype in promotion without loss of kind or width. */
export function canCast(from: DType | NDArray, to: DType): boolean {
  const [a, b] = [typeof from === "string" ? from : from.dtype, to];
  if (a === b || a === "bool") return true;
  const rank: Readonly<Record<string, number>> = { bool: 0, uint: 1, int: 2, float: 3, complex: 4 };
  const [ka, kb] = [dtypes[a].kind, dtypes[b].kind];
  if (rank[ka] === undefined || rank[kb] === undefined || rank[ka] > rank[kb]) return false;
  const width = (dtype: DType) => (isComplex(dtype) ? dtypes[dtype].bytes / 2 : dtypes[dtype].bytes);
  if (ka === kb) return width(a) <= width(b);
  if (kb === "int") return width(a) < width(b);
  // A float holds the integers of half its width.
  if (ka === "int" || ka === "uint") return width(a) < width(b) || width(b) === 8;
  return width(a) <= width(b);
}
