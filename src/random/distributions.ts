/** Distributions whose samples are simple functions of uniform or normal numbers. */
import type { NDArray } from "../core/array.ts";
import { floatBits, isFloat, type DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { add, log, log1p, multiply, negative, power, subtract, trueDivide } from "../numpy/ufuncs.ts";
import { equal, less, greaterEqual } from "../numpy/logic.ts";
import { keyOf, named } from "../numpy/options.ts";
import { promoteDtypesInexact } from "../numpy/promote.ts";
import { norm } from "../numpy/linalg.ts";
import { stretched, where } from "../numpy/where.ts";
import { abs, div, integerPow, mul, neg, sign, sub } from "../primitives/arithmetic.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { le, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import * as e from "../primitives/elementwise.ts";
import { jitCall } from "../primitives/jit.ts";
import { typedKey, splitTyped } from "./keys.ts";
import { normalOf, parameterShape, sampleArguments, type SampleArguments, type SampleOptions } from "./normal.ts";
import { checkShape, floatDType, uniformOf, unitUniform, type Shape } from "./uniform.ts";

/** The least positive normal number of a dtype, and the distance from 1 to the next number. */
export function floatLimits(dtype: DType): { tiny: number; epsilon: number; epsilonBelow: number; mantissa: number } {
  const [exponent, mantissa] = floatBits[dtype]!;
  return {
    tiny: 2 ** (2 - 2 ** (exponent - 1)),
    epsilon: 2 ** -mantissa,
    epsilonBelow: 2 ** -(mantissa + 1),
    mantissa,
  };
}

/** A weakly typed float, as Python's. */
const weak = (value: number): NDArray => float(value);

/** A distribution without parameters. */
const plain =
  (name: string, sample: (k: NDArray, shape: Shape, dtype: DType) => NDArray) =>
  (key: ArrayLike, ...options: SampleArguments): NDArray => {
    const { shape, dtype } = sampleArguments(options);
    return sampled(name, sample, typedKey(name, key), shape ?? [], floatDType(name, dtype));
  };

const sampled = (
  name: string,
  sample: (k: NDArray, shape: Shape, dtype: DType) => NDArray,
  key: NDArray,
  shape: Shape,
  dtype: DType,
): NDArray => jitCall(`_${name}`, keyOf(shape, dtype), (k) => [sample(k, shape, dtype)], [key])[0];

type Sampler = (key: ArrayLike, ...options: SampleArguments) => NDArray;

const drawExponential = (k: NDArray, shape: Shape, dtype: DType): NDArray => {
  // 1 - u moves the domain of the logarithm from [0, 1) to (0, 1]
  const u = unitUniform(k, shape, dtype);
  return neg(e.log1p(neg(u)));
};

/** The exponential distribution with rate 1. */
export const exponential: Sampler = plain("exponential", drawExponential);

/** Exponential numbers; `key` is in its dtype's form. */
export const exponentialOf = (key: NDArray, shape: Shape, dtype: DType): NDArray =>
  sampled("exponential", drawExponential, key, shape, dtype);

/** The Cauchy distribution: the quotient of two normal numbers. */
export const cauchy: Sampler = plain("cauchy", (k, shape, dtype) => {
  const u = unitUniform(k, shape, dtype, literal(floatLimits(dtype).epsilon, dtype));
  return e.tan(mul(constLike(u, Math.PI), sub(u, constLike(u, 0.5))));
});

/** The Laplace distribution: exponential to both sides. */
export const laplace: Sampler = plain("laplace", (k, shape, dtype) => {
  const u = unitUniform(k, shape, dtype, literal(-1 + floatLimits(dtype).epsilonBelow, dtype));
  const s = sign(u);
  return mul(s, e.log1p(neg(abs(u))));
});

/** The logistic distribution. */
export const logistic: Sampler = plain("logistic", (k, shape, dtype) => {
  const x = unitUniform(k, shape, dtype, literal(floatLimits(dtype).tiny, dtype));
  const l = e.log(x);
  return sub(l, e.log1p(neg(x)));
});

export interface GumbelOptions extends SampleOptions {
  /** "low" (the default) takes one uniform number a sample, "high" two, for the sake of rare great values. */
  readonly mode?: "low" | "high" | null;
}

/** Gumbel numbers; `key` is in its dtype's form. */
export function gumbelOf(key: NDArray, shape: Shape, dtype: DType, mode: "low" | "high"): NDArray {
  const { tiny, mantissa } = floatLimits(dtype);
  const sample = (k: NDArray): NDArray[] => {
    if (mode === "low") return [negative(log(negative(log(unitUniform(k, shape, dtype, literal(tiny, dtype), true)))))];
    const [high, low] = elements(unitUniform(k, [2, ...shape], dtype, float(0), true));
    const upper = greaterEqual(high, weak(0.5));
    const fine = add(add(high, multiply(weak(2 ** -mantissa), low)), literal(tiny, dtype));
    const x = where(upper, high, fine);
    return [negative(log(negative(log1p(negative(x)))))];
  };
  return jitCall("_gumbel", keyOf(shape, dtype, mode), sample, [key])[0];
}

/** The Gumbel distribution: of the greatest of many numbers. */
export function gumbel(
  key: ArrayLike,
  ...options: readonly (Shape | DType | GumbelOptions | null | undefined)[]
): NDArray {
  const { shape, dtype, mode } = named<GumbelOptions>(["shape", "dtype", "mode"], options);
  return gumbelOf(typedKey("gumbel", key), shape ?? [], floatDType("gumbel", dtype), gumbelMode(mode));
}

/** Checks a mode of Gumbel numbers. */
export function gumbelMode(mode: string | null | undefined): "low" | "high" {
  if (mode === null || mode === undefined) return "low";
  if (mode === "low" || mode === "high") return mode;
  throw new RematValueError(`Must provide valid mode for gumbel got: ${mode}. Modes are "low" and "high".`);
}

export interface BernoulliOptions {
  readonly p?: ArrayLike;
  readonly shape?: Shape | null;
  /** "high" takes two uniform numbers a sample, so that small probabilities are exact. */
  readonly mode?: "low" | "high";
}

/** True with probability `p`; `key` is in its dtype's form. */
export function bernoulliOf(key: NDArray, p: NDArray, shape: Shape | null, mode: "low" | "high"): NDArray {
  const sample = (k: NDArray, x: NDArray): NDArray[] => {
    if (shape !== null) checkShape("bernoulli", shape, x.shape);
    const size = shape ?? x.shape;
    if (mode === "low") return [less(unitUniform(k, size, x.dtype), x)];
    const [u1, u2] = elements(unitUniform(k, [2, ...size], x.dtype));
    return [less(multiply(u2, weak(2 ** -floatLimits(x.dtype).mantissa)), subtract(x, u1))];
  };
  return jitCall("_bernoulli", keyOf(shape, mode), sample, [key, p])[0];
}

/**
 * True with probability `p` (0.5).
 *
 *     random.bernoulli(key, 0.9, x.shape)
 */
export function bernoulli(
  key: ArrayLike,
  ...options: readonly (ArrayLike | Shape | BernoulliOptions | null | undefined)[]
): NDArray {
  const { p = float(0.5), shape = null, mode = "low" } = named<BernoulliOptions>(["p", "shape", "mode"], options);
  if (mode !== "low" && mode !== "high")
    throw new RematValueError(`got mode='${String(mode)}', expected 'high' or 'low'.`);
  const k = typedKey("bernoulli", key);
  const x = toArray(p);
  // 1 and 0 are probabilities, although they look like integers
  const probability = typeof p === "number" ? float(p) : x;
  if (!isFloat(probability.dtype)) {
    throw new RematTypeError(
      `bernoulli probability \`p\` must have a floating dtype, got ${x.dtype}. Convert it first.`,
    );
  }
  return bernoulliOf(k, convertElementType(probability, probability.dtype), shape, mode);
}

/** -1 or 1, each with probability 1/2, as int32 unless `dtype` says otherwise. */
export function rademacher(key: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape, dtype } = sampleArguments(options);
  return rademacherOf(typedKey("rademacher", key), shape ?? [], canonicalDType(dtype ?? "int64"));
}

/** Signs; `key` is in its dtype's form. */
export function rademacherOf(key: NDArray, shape: Shape, dtype: DType): NDArray {
  const sample = (k: NDArray): NDArray[] => {
    const half = literal(0.5, canonicalDType("float64"));
    const heads = convertElementType(bernoulliOf(k, convertElementType(half, half.dtype), shape, "low"), dtype);
    return [convertElementType(subtract(multiply(2, heads), 1), dtype)];
  };
  return jitCall("_rademacher", keyOf(shape, dtype), sample, [key])[0];
}

/** A distribution with one or more parameters that broadcast. */
function withParameters(
  name: string,
  key: ArrayLike,
  parameters: readonly ArrayLike[],
  options: SampleArguments,
  sample: (k: NDArray, shape: Shape, dtype: DType, ...parameters: NDArray[]) => NDArray,
  inline = false,
): NDArray {
  const { shape: asked, dtype: type } = sampleArguments(options);
  const k = typedKey(name, key);
  const dtype = floatDType(name, type);
  const arrays = parameters.map((p, i) => toArray(p, name, i + 1));
  const shape = parameterShape(name, asked, ...arrays);
  return jitCall(
    `_${name}`,
    keyOf(shape, dtype),
    (kk, ...ps) => [sample(kk, shape, dtype, ...ps)],
    [k, ...arrays],
    inline,
  )[0];
}

/** The Pareto distribution with exponent `b`. */
export const pareto = (key: ArrayLike, b: ArrayLike, ...options: SampleArguments): NDArray =>
  withParameters("pareto", key, [b], options, (k, shape, dtype, x) => {
    const exponent = convertElementType(x, dtype);
    return e.exp(trueDivide(exponentialOf(k, shape, dtype), exponent));
  });

/** The Rayleigh distribution: the length of a normal vector of two dimensions. */
export const rayleigh = (key: ArrayLike, scale: ArrayLike, ...options: SampleArguments): NDArray =>
  withParameters("rayleigh", key, [scale], options, (k, shape, dtype, s) => {
    const u = unitUniform(k, shape, dtype);
    const wide = stretched(convertElementType(s, dtype), shape);
    const root = e.sqrt(mul(e.log(u), constLike(wide, -2)));
    return mul(wide, root);
  });

/** The Wald (inverse Gaussian) distribution. */
export const wald = (key: ArrayLike, mean: ArrayLike, ...options: SampleArguments): NDArray =>
  withParameters("wald", key, [mean], options, (k, shape, dtype, m0) => {
    const [k1, k2] = elements(splitTyped(k));
    const m = stretched(convertElementType(m0, dtype), shape);
    const v = normalOf(k1, shape, dtype);
    const z = unitUniform(k2, shape, dtype);
    const y = integerPow(v, 2);
    const y2 = integerPow(y, 2);
    const m2 = integerPow(m, 2);
    const root = e.sqrt(add(multiply(multiply(4, m), y), multiply(m2, y2)));
    const x = subtract(add(m, trueDivide(multiply(m2, y), 2)), multiply(trueDivide(m, 2), root));
    const first = le(z, trueDivide(m, add(m, x)));
    return select(first, x, trueDivide(m2, x));
  });

/** The triangular distribution from `left` to `right` with its peak at `mode`. */
export const triangular = (
  key: ArrayLike,
  left: ArrayLike,
  mode: ArrayLike,
  right: ArrayLike,
  ...options: SampleArguments
): NDArray =>
  withParameters(
    "triangular",
    key,
    [left, mode, right],
    options,
    (k, shape, dtype, l0, m0, r0) => {
      const l = stretched(convertElementType(l0, dtype), shape);
      const r = stretched(convertElementType(r0, dtype), shape);
      const m = stretched(convertElementType(m0, dtype), shape);
      const peak = trueDivide(subtract(m, l), subtract(r, l));
      const u = unitUniform(k, shape, dtype);
      const rising = add(l, e.sqrt(multiply(multiply(u, subtract(r, l)), subtract(m, l))));
      const falling = subtract(r, e.sqrt(multiply(multiply(subtract(1, u), subtract(r, l)), subtract(r, m))));
      return select(less(u, peak), rising, falling);
    },
    true,
  );

/** The Weibull distribution. */
export function weibullMin(
  key: ArrayLike,
  scale: ArrayLike,
  concentration: ArrayLike,
  ...options: SampleArguments
): NDArray {
  const { shape, dtype: type } = sampleArguments(options);
  const dtype = floatDType("weibull_min", type);
  const sample = (k: NDArray, s: NDArray, c: NDArray): NDArray[] => {
    const u = uniformOf(k, shape ?? [], dtype, toArray(0), toArray(1));
    const base = negative(log1p(negative(u)));
    return [multiply(power(base, trueDivide(weak(1), c)), s)];
  };
  return jitCall("_weibull_min", keyOf(shape, dtype), sample, [
    typedKey("weibullMin", key),
    toArray(scale),
    toArray(concentration),
  ])[0];
}

/** The number of trials up to the first success, each of probability `p`, as int32 unless `dtype` says otherwise. */
export function geometric(key: ArrayLike, p: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape: asked, dtype: type } = sampleArguments(options);
  const dtype = canonicalDType(type ?? "int64");
  const x = toArray(p);
  const shape = parameterShape("geometric", asked, x);
  const sample = (k: NDArray, p0: NDArray): NDArray[] => {
    const [probability] = promoteDtypesInexact(p0);
    const drawn = unitUniform(k, shape, probability.dtype);
    const u = where(equal(drawn, 0), 1, drawn);
    const l = e.log(u);
    const failure = stretched(e.log1p(neg(probability)), shape);
    return [convertElementType(add(e.floor(div(l, failure)), 1), dtype)];
  };
  return jitCall("_geometric", keyOf(shape, dtype), sample, [typedKey("geometric", key), x])[0];
}

/** The Maxwell distribution: the length of a normal vector of three dimensions. */
export const maxwell: Sampler = plain("maxwell", (k, shape, dtype) => {
  const v = normalOf(k, [...shape, 3], dtype);
  return norm(v, { axis: -1 });
});

/** The Maxwell distribution to both sides of `loc`. */
export function doubleSidedMaxwell(
  key: ArrayLike,
  loc: ArrayLike,
  scale: ArrayLike,
  ...options: SampleArguments
): NDArray {
  const { shape: asked, dtype: type } = sampleArguments(options);
  const dtype = floatDType("double_sided_maxwell", type);
  const [l, s] = [toArray(loc), toArray(scale)];
  const common = parameterShape("double_sided_maxwell", null, l, s);
  const shape = [...((asked ?? []).length === 0 ? common : asked!), ...common];
  const sample = (k: NDArray, lo: NDArray, sc: NDArray): NDArray[] => {
    const [k1, k2] = elements(splitTyped(k));
    const lengths = maxwell(k1, shape, dtype);
    const signs = rademacherOf(k2, shape, dtype);
    return [add(multiply(multiply(signs, lengths), sc), lo)];
  };
  return jitCall("_double_sided_maxwell", keyOf(shape, dtype), sample, [typedKey("doubleSidedMaxwell", key), l, s])[0];
}
