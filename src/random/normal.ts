/**
 * Normal numbers and their relatives, by inverting the distribution function: a uniform number u from (-1, 1) becomes sqrt(2) erf⁻¹(u).
 */
import type { NDArray } from "../core/array.ts";
import { isComplex, isInexact, type DType } from "../core/dtype.ts";
import { canonicalDType, literal, type Element } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { clip } from "../numpy/piecewise.ts";
import { float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { keyOf, named } from "../numpy/options.ts";
import { broadcastShapes } from "../numpy/promote.ts";
import { add, multiply, trueDivide } from "../numpy/ufuncs.ts";
import { div, mul, nextafter } from "../primitives/arithmetic.ts";
import { convertElementType, stopGradient } from "../primitives/convert.ts";
import { exp } from "../primitives/elementwise.ts";
import { jitCall } from "../primitives/jit.ts";
import { erf, erfInv } from "../primitives/special.ts";
import { splitTyped, typedKey } from "./keys.ts";
import { checkShape, floatDType, uniformOf, type Shape } from "./uniform.ts";

export interface SampleOptions {
  readonly shape?: Shape | null;
  readonly dtype?: DType;
}

/** What a sampler takes after its parameters: shape and dtype by position, or in an object. */
export type SampleArguments = readonly (Shape | DType | SampleOptions | null | undefined)[];

/** Shape and dtype of samples; the shape is null if it is that of the parameters. */
export function sampleArguments(given: SampleArguments): { shape: Shape | null; dtype: DType | undefined } {
  const { shape = null, dtype } = named<SampleOptions>(["shape", "dtype"], given);
  return { shape, dtype };
}

/** The greatest number below 0 that is above -1, by dtype: where the uniform numbers begin. */
const ABOVE_MINUS_ONE: Readonly<Partial<Record<DType, number>>> = {
  float16: -1 + 2 ** -11,
  bfloat16: -1 + 2 ** -8,
  float32: -1 + 2 ** -24,
  float64: -1 + 2 ** -53,
};

function realNormal(key: NDArray, shape: Shape, dtype: DType): NDArray {
  const sample = (k: NDArray): NDArray[] => {
    const u = uniformOf(k, shape, dtype, literal(ABOVE_MINUS_ONE[dtype]!, dtype), literal(1, dtype));
    return [mul(literal(Math.SQRT2, dtype), erfInv(u))];
  };
  return jitCall("_normal_real", keyOf(shape, dtype), sample, [key])[0];
}

/** Standard normal numbers; `key` is in its dtype's form. */
export function normalOf(key: NDArray, shape: Shape, dtype: DType): NDArray {
  const sample = (k: NDArray): NDArray[] => {
    if (!isComplex(dtype)) return [realNormal(k, shape, dtype)];
    const [k1, k2] = elements(splitTyped(k));
    const part: DType = dtype === "complex128" ? "float64" : "float32";
    const re = convertElementType(realNormal(k1, shape, part), dtype);
    const im = convertElementType(realNormal(k2, shape, part), dtype);
    const i: Element = { re: 0, im: 1 };
    return [trueDivide(add(re, multiply(literal(i, dtype, true), im)), literal(Math.SQRT2, dtype))];
  };
  return jitCall("_normal", keyOf(shape, dtype), sample, [key])[0];
}

/**
 * Numbers of the standard normal distribution. Complex dtypes have variance 1, half of it in each part.
 *
 *     random.normal(random.key(0), [2, 3])
 */
export function normal(key: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape, dtype } = sampleArguments(options);
  const canonical = canonicalDType(dtype ?? "float64");
  if (!isInexact(canonical)) {
    throw new RematValueError(
      `dtype argument to \`normal\` must be a float or complex dtype, got ${String(dtype)}. Convert the samples.`,
    );
  }
  return normalOf(typedKey("normal", key), shape ?? [], canonical);
}

/** Normal numbers that lie between two bounds. */
export function truncatedNormal(
  key: ArrayLike,
  lower: ArrayLike,
  upper: ArrayLike,
  ...options: SampleArguments
): NDArray {
  const { shape, dtype: asked } = sampleArguments(options);
  const k = typedKey("truncatedNormal", key);
  const dtype = floatDType("truncated_normal", asked);
  const sample = (kk: NDArray, low: NDArray, high: NDArray): NDArray[] => {
    if (shape !== null) checkShape("truncated_normal", shape, low.shape, high.shape);
    const sqrt2 = literal(Math.SQRT2, dtype);
    const lo = convertElementType(low, dtype);
    const hi = convertElementType(high, dtype);
    const a = erf(div(lo, sqrt2));
    const b = erf(div(hi, sqrt2));
    const u = uniformOf(kk, shape ?? broadcastShapes(lo.shape, hi.shape), dtype, a, b);
    const out = mul(sqrt2, erfInv(u));
    // rounding must not push a sample onto a bound
    const least = nextafter(stopGradient(lo), literal(Infinity, dtype));
    const greatest = nextafter(stopGradient(hi), literal(-Infinity, dtype));
    return [clip(out, least, greatest)];
  };
  return jitCall("_truncated_normal", keyOf(shape, dtype), sample, [k, toArray(lower), toArray(upper)])[0];
}

/** exp of normal numbers with standard deviation `sigma`. */
export function lognormal(key: ArrayLike, sigma: ArrayLike = float(1), ...options: SampleArguments): NDArray {
  const { shape: asked, dtype } = sampleArguments(options);
  const type = floatDType("lognormal", dtype);
  const s = toArray(sigma);
  const shape = parameterShape("lognormal", asked, s);
  const sample = (k: NDArray, x: NDArray): NDArray[] => {
    const scale = convertElementType(x, type);
    return [exp(multiply(normalOf(k, shape, type), scale))];
  };
  return jitCall("_lognormal", keyOf(shape, type), sample, [typedKey("lognormal", key), s], true)[0];
}

/** The shape that was asked for, checked, or the one to which the parameters broadcast. */
export function parameterShape(name: string, shape: Shape | null, ...parameters: readonly NDArray[]): Shape {
  const shapes = parameters.map((p) => p.shape);
  if (shape === null) return broadcastShapes(...shapes);
  checkShape(name, shape, ...shapes);
  return shape;
}
