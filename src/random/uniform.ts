/**
 * Uniform numbers, from which all other distributions are made, and uniform integers.
 *
 * A float is made of random mantissa bits with the exponent of numbers from 1 to 2, minus 1. An integer is made of twice as many random
 * bits as it has, reduced modulo the range: a bias remains where the range is no power of two, of the order of range² / 2^64.
 */
import type { NDArray } from "../core/array.ts";
import { floatBits, isFloat, isInteger, type DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { asarray, float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { clip } from "../numpy/piecewise.ts";
import { keyOf, named } from "../numpy/options.ts";
import { broadcastShapes } from "../numpy/promote.ts";
import { maximum, minimum } from "../numpy/ufuncs.ts";
import { add, max, mul, sub } from "../primitives/arithmetic.ts";
import { rem } from "../primitives/rem.ts";
import { sameList, tupleText } from "../primitives/axes.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { bitwiseAnd, bitwiseOr, gt, le, select, shiftRightLogical } from "../primitives/comparison.ts";
import { bitcastConvertType, convertElementType } from "../primitives/convert.ts";
import { jitCall } from "../primitives/jit.ts";
import { bitsOf, type RandomBitsParams } from "../primitives/random.ts";
import { extremes } from "../primitives/reduce.ts";
import { broadcasted, reshaped } from "../primitives/shape.ts";
import { splitTyped, typedKey } from "./keys.ts";

export type Shape = readonly number[];

/** The dtype of samples: float32 by default, any float type if it is asked for. */
export function floatDType(name: string, dtype: DType | null | undefined): DType {
  const canonical = canonicalDType(dtype ?? "float64");
  if (!isFloat(canonical)) {
    throw new RematValueError(
      `dtype argument to \`${name}\` must be a float dtype, got ${String(dtype)}. Take float32, or convert the samples.`,
    );
  }
  return canonical;
}

/** Checks that parameters broadcast to the shape that was asked for. */
export function checkShape(name: string, shape: Shape, ...parameters: readonly Shape[]): void {
  if (parameters.length === 0) return;
  const common = broadcastShapes(shape, ...parameters);
  if (!sameList(common, shape)) {
    throw new RematValueError(
      `${name} parameter shapes must be broadcast-compatible with shape argument, and the result of broadcasting the shapes must equal ` +
        `the shape argument, but got result ${tupleText(common)} for shape argument ${tupleText(shape)}.`,
    );
  }
}

export const toRank = (x: NDArray, ndim: number): NDArray =>
  broadcasted(
    x,
    Array.from({ length: ndim - x.ndim }, () => 1),
  );

/** The bits of 1.0. */
const ONE: Readonly<Partial<Record<DType, number | bigint>>> = {
  float16: 0x3c00,
  bfloat16: 0x3f80,
  float32: 0x3f800000,
  float64: 0x3ff0000000000000n,
};

/** Uniform floats between two numbers; `key` is in its dtype's form. One jitted call, whose bounds may be in the order of their names. */
export function uniformOf(
  key: NDArray,
  shape: Shape,
  dtype: DType,
  minval: NDArray,
  maxval: NDArray,
  byName = false,
): NDArray {
  const sample = (k: NDArray, low: NDArray, high: NDArray): NDArray[] => {
    const [strongLow, strongHigh] = [convertElementType(low, dtype), convertElementType(high, dtype)];
    const lo = toRank(strongLow, shape.length);
    const hi = toRank(strongHigh, shape.length);
    const [exponent, mantissa] = floatBits[dtype]!;
    const width = (1 + exponent + mantissa) as RandomBitsParams["bit_width"];
    // few mantissa bits need few random ones
    const drawn = mantissa < 8 ? 8 : width;
    const uint = `uint${width}` as DType;
    const raw = bitsOf(k, drawn, shape);
    const wide = drawn === width ? raw : convertElementType(raw, uint);
    const shifted = shiftRightLogical(wide, literal(drawn - mantissa, uint));
    const fromOne = bitcastConvertType(bitwiseOr(shifted, literal(ONE[dtype]!, uint)), dtype);
    const floats = sub(fromOne, literal(1, dtype));
    const span = sub(hi, lo);
    return [max(lo, reshaped(add(mul(floats, span), lo), shape))];
  };
  if (!byName) return jitCall("_uniform", keyOf(shape, dtype), sample, [key, minval, maxval])[0];
  return jitCall("_uniform", keyOf(shape, dtype, byName), (k, high, low) => sample(k, low, high), [
    key,
    maxval,
    minval,
  ])[0];
}

export interface UniformOptions {
  readonly shape?: Shape;
  readonly dtype?: DType;
  readonly minval?: ArrayLike;
  readonly maxval?: ArrayLike;
}

/**
 * Floats from `minval` (0) to `maxval` (1, exclusive).
 *
 *     random.uniform(key, [2, 3], { minval: -1 })
 */
export function uniform(
  key: ArrayLike,
  ...options: readonly (Shape | DType | ArrayLike | UniformOptions | undefined)[]
): NDArray {
  const given = named<UniformOptions>(["shape", "dtype", "minval", "maxval"], options);
  const { shape = [], minval = float(0), maxval = float(1) } = given;
  const k = typedKey("uniform", key);
  return uniformOf(k, shape, floatDType("uniform", given.dtype), toArray(minval), toArray(maxval));
}

/** Samples from 0 to 1. */
export const unitUniform = (
  key: NDArray,
  shape: Shape,
  dtype: DType,
  minval: NDArray = float(0),
  byName = false,
): NDArray => uniformOf(key, shape, dtype, minval, float(1), byName);

/** An integer brought into the range of a dtype. */
function clipped(x: NDArray, dtype: DType): NDArray {
  const [low, high] = extremes(dtype) as readonly [number | bigint, number | bigint];
  const [ownLow, ownHigh] = extremes(x.dtype) as readonly [number | bigint, number | bigint];
  const least = low > ownLow ? low : ownLow;
  const greatest = high < ownHigh ? high : ownHigh;
  return convertElementType(clip(x, constLike(x, least), constLike(x, greatest)), dtype);
}

function integersOf(key: NDArray, shape: Shape, dtype: DType, minval: NDArray, maxval: NDArray): NDArray {
  const sample = (k: NDArray, low: NDArray, high: NDArray): NDArray[] => {
    checkShape("randint", shape, low.shape, high.shape);
    const whole = (x: NDArray): NDArray => (isInteger(x.dtype) ? x : convertElementType(x, canonicalDType("int64")));
    const [first, last] = [whole(low), whole(high)];
    // a maximum that the dtype cannot hold means that its greatest number is included
    const greatest = asarray(literal(extremes(dtype)[1], dtype));
    const beyond = gt(last, clipped(greatest, last.dtype));
    const [clippedLow, clippedHigh] = [clipped(first, dtype), clipped(last, dtype)];
    const lo = toRank(clippedLow, shape.length);
    const hi = toRank(clippedHigh, shape.length);
    const width = Number(dtype.replace(/^u?int/, "")) as RandomBitsParams["bit_width"];
    const [k1, k2] = elements(splitTyped(k));
    const upper = bitsOf(k1, width, shape);
    const lower = bitsOf(k2, width, shape);
    const distance = convertElementType(sub(hi, lo), `uint${width}`);
    const empty = le(hi, lo);
    const atLeastOne = select(empty, fullLike(distance, 1), distance);
    const extended = bitwiseAnd(beyond, gt(hi, lo));
    const span = select(extended, add(atLeastOne, constLike(atLeastOne, 1)), atLeastOne);
    const half = rem(constLike(span, 2 ** (width / 2)), span);
    const multiplier = rem(mul(half, half), span);
    const reduced = mul(rem(upper, span), multiplier);
    const offset = rem(add(reduced, rem(lower, span)), span);
    return [add(lo, convertElementType(offset, dtype))];
  };
  return jitCall("_randint", keyOf(shape, dtype), sample, [key, minval, maxval])[0];
}

/** Integers from `minval` to `maxval` (exclusive), int32 unless `dtype` says otherwise. */
export function randint(
  key: ArrayLike,
  shape: Shape,
  minval: ArrayLike,
  maxval: ArrayLike,
  dtype: DType | { readonly dtype?: DType } = "int64",
): NDArray {
  const k = typedKey("randint", key);
  const asked = canonicalDType(typeof dtype === "string" ? dtype : (dtype.dtype ?? "int64"));
  if (!isInteger(asked))
    throw new RematTypeError(`randint only accepts integer dtypes, got ${asked}. Convert the samples.`);
  if (/(8|16)$/.test(asked)) {
    // in few bits the reduction modulo the range would be biased
    const [low, high] = extremes(asked) as readonly [number, number];
    // the bounds are operands in the order of their names
    const between = (x: NDArray, most: NDArray, least: NDArray): NDArray[] => [minimum(most, maximum(least, x))];
    const wide = (x: ArrayLike, limit: number): NDArray =>
      jitCall("clip", "byName", between, [asarray(x, { dtype: "int32" }), toArray(limit), toArray(low)])[0];
    return convertElementType(integersOf(k, shape, "int32", wide(minval, high), wide(maxval, high + 1)), asked);
  }
  return integersOf(k, shape, asked, toArray(minval), toArray(maxval));
}
