/** The gamma distribution, and those that are made of it. */
import type { NDArray } from "../core/array.ts";
import { isInteger, type DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { whileLoop } from "../lax/loops.ts";
import { softmax } from "../nn/normalize.ts";
import { float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { bitwiseAnd, bitwiseNot, bitwiseOr, greater, greaterEqual, less, lessEqual, equal } from "../numpy/logic.ts";
import { keyOf } from "../numpy/options.ts";
import { any, sum } from "../numpy/reductions.ts";
import { absolute, add, exp, log, multiply, negative, power, sqrt, subtract, trueDivide } from "../numpy/ufuncs.ts";
import { stretched } from "../numpy/where.ts";
import { div, max, mul } from "../primitives/arithmetic.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { ne, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import * as e from "../primitives/elementwise.ts";
import { jitCall } from "../primitives/jit.ts";
import { gammaSamples } from "../primitives/randomGamma.ts";
import { extremes } from "../primitives/reduce.ts";
import { expanded, filled } from "../primitives/shape.ts";
import { lgamma } from "../primitives/special.ts";
import { exponentialOf, rademacherOf } from "./distributions.ts";
import { splitTyped, typedKey } from "./keys.ts";
import { normalOf, parameterShape, sampleArguments, type SampleArguments } from "./normal.ts";
import { checkShape, floatDType, unitUniform, type Shape } from "./uniform.ts";

/** Gamma numbers or their logarithms; `key` is in its dtype's form. */
function gammaOf(key: NDArray, a: NDArray, shape: Shape | null, dtype: DType, logSpace: boolean): NDArray {
  const sample = (k: NDArray, given: NDArray): NDArray[] => {
    if (shape !== null) checkShape("gamma", shape, given.shape);
    const x = stretched(convertElementType(given, dtype), shape ?? given.shape);
    return [gammaSamples(k, x, logSpace)];
  };
  return jitCall("_gamma", keyOf(shape, dtype, logSpace), sample, [key, a])[0];
}

const gammaLike =
  (name: string, logSpace: boolean) =>
  (key: ArrayLike, a: ArrayLike, ...options: SampleArguments): NDArray => {
    const { shape, dtype } = sampleArguments(options);
    return gammaOf(typedKey(name, key), toArray(a, name, 1), shape, floatDType(name, dtype), logSpace);
  };

type GammaSampler = (key: ArrayLike, a: ArrayLike, ...options: SampleArguments) => NDArray;

/** The gamma distribution with shape parameter `a` and scale 1. */
export const gamma: GammaSampler = gammaLike("gamma", false);
/** The logarithm of gamma numbers, which are exact for small `a` too. */
export const loggamma: GammaSampler = gammaLike("loggamma", true);

/** A distribution with parameters that broadcast. */
function sampler(
  name: string,
  key: ArrayLike,
  parameters: readonly ArrayLike[],
  options: SampleArguments,
  sample: (k: NDArray, shape: Shape, dtype: DType, ...parameters: NDArray[]) => NDArray,
): NDArray {
  const { shape: asked, dtype: type } = sampleArguments(options);
  const k = typedKey(name, key);
  const dtype = floatDType(name, type);
  const arrays = parameters.map((p, i) => toArray(p, name, i + 1));
  const shape = parameterShape(name, asked, ...arrays);
  return jitCall(`_${name}`, keyOf(shape, dtype), (kk, ...ps) => [sample(kk, shape, dtype, ...ps)], [k, ...arrays])[0];
}

/** The beta distribution. */
export const beta = (key: ArrayLike, a: ArrayLike, b: ArrayLike, ...options: SampleArguments): NDArray =>
  sampler("beta", key, [a, b], options, (k, shape, dtype, a0, b0) => {
    const [x, y] = [convertElementType(a0, dtype), convertElementType(b0, dtype)];
    const [k1, k2] = elements(splitTyped(k));
    const [wideX, wideY] = [stretched(x, shape), stretched(y, shape)];
    const logX = gammaOf(k1, wideX, shape, dtype, true);
    const logY = gammaOf(k2, wideY, shape, dtype, true);
    const top = max(logX, logY);
    const scaledX = exp(subtract(logX, top));
    const scaledY = exp(subtract(logY, top));
    return trueDivide(scaledX, add(scaledX, scaledY));
  });

/** The Dirichlet distribution: vectors of positive numbers that sum to 1, along a new last axis. */
export function dirichlet(key: ArrayLike, alpha: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape: asked, dtype: type } = sampleArguments(options);
  const dtype = floatDType("dirichlet", type);
  const given = toArray(alpha, "dirichlet", 1);
  if (given.ndim < 1) {
    throw new RematValueError(
      `dirichlet requires alpha.ndim >= 1, got alpha.ndim == ${given.ndim}. Give a vector of parameters.`,
    );
  }
  const sample = (k: NDArray, a: NDArray): NDArray[] => {
    const batch = a.shape.slice(0, -1);
    if (asked !== null) checkShape("dirichlet", asked, batch);
    const shape = [...(asked ?? batch), ...a.shape.slice(-1)];
    return [softmax(gammaOf(k, convertElementType(a, dtype), shape, dtype, true), -1)];
  };
  return jitCall("_dirichlet", keyOf(asked, dtype), sample, [typedKey("dirichlet", key), given])[0];
}

/** Student's distribution with `df` degrees of freedom. */
export const t = (key: ArrayLike, df: ArrayLike, ...options: SampleArguments): NDArray =>
  sampler("t", key, [df], options, (k, shape, dtype, d0) => {
    const d = convertElementType(d0, dtype);
    const [k1, k2] = elements(splitTyped(k));
    const n = normalOf(k1, shape, dtype);
    const half = div(d, constLike(n, 2));
    const g = gammaOf(k2, half, shape, dtype, false);
    return multiply(n, sqrt(trueDivide(half, g)));
  });

function chisquareOf(key: NDArray, df: NDArray, shape: Shape, dtype: DType): NDArray {
  const sample = (k: NDArray, d0: NDArray): NDArray[] => {
    const d = convertElementType(d0, dtype);
    const two = constLike(d, 2);
    const logs = gammaOf(k, div(d, two), shape, dtype, true);
    return [mul(exp(logs), two)];
  };
  return jitCall("_chisquare", keyOf(shape, dtype), sample, [key, df])[0];
}

/** The chi-square distribution: the sum of `df` squares of normal numbers. */
export function chisquare(key: ArrayLike, df: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape: asked, dtype } = sampleArguments(options);
  const d = toArray(df, "chisquare", 1);
  const shape = parameterShape("chisquare", asked, d);
  return chisquareOf(typedKey("chisquare", key), d, shape, floatDType("chisquare", dtype));
}

/** The F distribution: the quotient of two chi-square numbers over their degrees of freedom. */
export const f = (key: ArrayLike, dfnum: ArrayLike, dfden: ArrayLike, ...options: SampleArguments): NDArray =>
  sampler("f", key, [dfnum, dfden], options, (k, shape, dtype, n0, d0) => {
    const [d, n] = [convertElementType(d0, dtype), convertElementType(n0, dtype)];
    const [k1, k2] = elements(splitTyped(k));
    const above = chisquareOf(k2, n, shape, dtype);
    const below = chisquareOf(k1, d, shape, dtype);
    const num = div(above, n);
    return div(num, div(below, d));
  });

/** The generalized normal distribution, with density proportional to exp(-|x|^p). */
export function generalizedNormal(key: ArrayLike, p: number, ...options: SampleArguments): NDArray {
  const { shape, dtype: type } = sampleArguments(options);
  const dtype = floatDType("generalized_normal", type);
  const k = typedKey("generalizedNormal", key);
  return generalizedNormalOf(k, toArray(p), shape ?? [], dtype);
}

function generalizedNormalOf(key: NDArray, p: NDArray, shape: Shape, dtype: DType): NDArray {
  const sample = (k: NDArray, exponent: NDArray): NDArray[] => {
    const [k1, k2] = elements(splitTyped(k));
    const g = gammaOf(k1, trueDivide(1, exponent), shape, dtype, false);
    const r = rademacherOf(k2, shape, dtype);
    return [multiply(r, power(g, trueDivide(1, exponent)))];
  };
  return jitCall("_generalized_normal", keyOf(shape, dtype), sample, [key, p])[0];
}

/** Uniform points of the unit ball of dimension `d` in the p-norm. */
export function ball(
  key: ArrayLike,
  d: number,
  ...options: readonly (number | Shape | DType | BallOptions | undefined)[]
): NDArray {
  const given = options.find((o): o is BallOptions => typeof o === "object" && !Array.isArray(o)) ?? {};
  const p = typeof options[0] === "number" ? options[0] : (given.p ?? 2);
  const shape = options.find((o): o is Shape => Array.isArray(o)) ?? given.shape ?? [];
  const dtype = floatDType("ball", options.find((o): o is DType => typeof o === "string") ?? given.dtype);
  const sample = (k: NDArray, exponent: NDArray): NDArray[] => {
    const [k1, k2] = elements(splitTyped(k));
    const g = generalizedNormalOf(k1, exponent, [...shape, d], dtype);
    const slack = exponentialOf(k2, shape, dtype);
    const radius = power(add(sum(power(absolute(g), exponent), -1), slack), trueDivide(1, exponent));
    return [trueDivide(g, expanded(radius, [radius.ndim]))];
  };
  return jitCall("_ball", keyOf(d, shape, dtype), sample, [typedKey("ball", key), toArray(p)])[0];
}

export interface BallOptions {
  readonly p?: number;
  readonly shape?: Shape;
  readonly dtype?: DType;
}

type KnuthState = [step: NDArray, count: NDArray, key: NDArray, logProduct: NDArray];

/** Knuth's algorithm, for small rates: multiplies uniform numbers until the product is below exp(-rate). */
function poissonKnuth(key: NDArray, rate: NDArray, shape: Shape, dtype: DType, limit: number | bigint): NDArray {
  const sample = (k: NDArray, lam: NDArray): NDArray[] => {
    const running = ([i, , , logProduct]: KnuthState): NDArray =>
      bitwiseAnd(any(greater(logProduct, negative(lam))), less(i, literal(limit, dtype)));
    const step = ([i, count, rng, logProduct]: KnuthState): KnuthState => {
      const [next, sub] = elements(splitTyped(rng));
      const more = select(greater(logProduct, negative(lam)), add(count, 1), count);
      const u = unitUniform(sub, shape, "float32");
      return [add(i, 1), more, next, add(logProduct, log(u))];
    };
    const start: KnuthState = [toArray(0), filled(shape, 0, dtype), k, filled(shape, 0, "float32")];
    const [, count] = whileLoop(running as never, step as never, start);
    return [convertElementType(subtract(count, 1), dtype)];
  };
  return jitCall("_poisson_knuth", keyOf(shape, dtype), sample, [key, rate])[0];
}

type RejectionState = [step: NDArray, out: NDArray, accepted: NDArray, key: NDArray];

/** Hörmann's transformed rejection, for great rates. */
function poissonRejection(key: NDArray, rate: NDArray, shape: Shape, dtype: DType, limit: number | bigint): NDArray {
  const sample = (k0: NDArray, lam: NDArray): NDArray[] => {
    const c = (x: number): NDArray => float(x);
    const logRate = e.log(lam);
    const b = add(c(0.931), multiply(c(2.53), e.sqrt(lam)));
    const a = add(c(-0.059), multiply(c(0.02483), b));
    const inverseAlpha = add(c(1.1239), trueDivide(c(1.1328), subtract(b, c(3.4))));
    const vR = subtract(c(0.9277), trueDivide(c(3.6224), subtract(b, 2)));
    const step = ([i, out, accepted, key1]: RejectionState): RejectionState => {
      const [next, sub0, sub1] = elements(splitTyped(key1, 3));
      const u = subtract(unitUniform(sub0, shape, lam.dtype), c(0.5));
      const v = unitUniform(sub1, shape, lam.dtype);
      const shifted = subtract(c(0.5), absolute(u));
      const slope = add(trueDivide(multiply(2, a), shifted), b);
      const k = e.floor(add(add(multiply(slope, u), lam), c(0.43)));
      const s = e.log(trueDivide(multiply(v, inverseAlpha), add(trueDivide(a, multiply(shifted, shifted)), b)));
      const target = subtract(add(negative(lam), multiply(k, logRate)), lgamma(add(k, 1)));
      const accept1 = bitwiseAnd(greaterEqual(shifted, c(0.07)), lessEqual(v, vR));
      const reject = bitwiseOr(less(k, 0), bitwiseAnd(less(shifted, c(0.013)), greater(v, shifted)));
      const accept2 = lessEqual(s, target);
      const accept = bitwiseOr(accept1, bitwiseAnd(bitwiseNot(reject), accept2));
      const chosen = select(accept, k, out);
      const done = bitwiseOr(accepted, accept);
      return [add(i, 1), chosen, done, next];
    };
    const running = ([i, , accepted]: RejectionState): NDArray =>
      bitwiseAnd(any(bitwiseNot(accepted)), less(i, literal(limit, dtype)));
    const start: RejectionState = [toArray(0), filled(shape, -1, lam.dtype), filled(shape, false, "bool"), k0];
    const [, out] = whileLoop(running as never, step as never, start);
    return [convertElementType(out, dtype)];
  };
  return jitCall("_poisson_rejection", keyOf(shape, dtype), sample, [key, rate])[0];
}

/** The Poisson distribution with rate `lam`, as int32 unless `dtype` says otherwise. */
export function poisson(key: ArrayLike, lam: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape: asked, dtype: type } = sampleArguments(options);
  const dtype = canonicalDType(type ?? "int64");
  if (!isInteger(dtype)) throw new RematValueError(`poisson gives integers, got dtype ${dtype}. Convert the samples.`);
  const k = typedKey("poisson", key);
  const given = toArray(lam, "poisson", 1);
  const shape = asked ?? given.shape;
  checkShape("poisson", shape, given.shape);
  const rate = convertElementType(stretched(given, shape), "float32");
  const limit = extremes(dtype)[1] as number | bigint;
  const sample = (kk: NDArray, r: NDArray): NDArray[] => {
    const small = bitwiseOr(ne(r, r), less(r, 10));
    const smallRate = select(small, r, fullLike(r, 0));
    const greatRate = select(small, fullLike(r, 1e5), r);
    const knuth = poissonKnuth(kk, smallRate, shape, dtype, limit);
    const rejection = poissonRejection(kk, greatRate, shape, dtype, limit);
    const out = select(small, knuth, rejection);
    const zeroRate = equal(r, 0);
    return [select(zeroRate, fullLike(out, 0), out)];
  };
  return jitCall("_poisson", keyOf(shape, dtype), sample, [k, rate])[0];
}
