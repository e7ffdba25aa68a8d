/** Functions of whole axes: softmax and its logarithm, sums of exponentials, standardization, one-hot codes. */
import type { NDArray } from "../core/array.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import * as p from "../primitives/arithmetic.ts";
import { fullLike } from "../primitives/broadcasting.ts";
import { eq, select } from "../primitives/comparison.ts";
import { convertElementType, stopGradient } from "../primitives/convert.ts";
import * as e from "../primitives/elementwise.ts";
import { counted } from "../primitives/iota.ts";
import { expanded } from "../primitives/shape.ts";
import { array, asarray, index, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { jitted } from "../numpy/jitted.ts";
import { isfinite, less, notEqual } from "../numpy/logic.ts";
import { keyOf, named } from "../numpy/options.ts";
import { clip } from "../numpy/piecewise.ts";
import { promoteArgsInexact, settled } from "../numpy/promote.ts";
import { count, max, mean, reductionAxes, sum, type Axis } from "../numpy/reductions.ts";
import * as u from "../numpy/ufuncs.ts";
import { where as choose } from "../numpy/where.ts";
import { canonicalAxis } from "../primitives/axes.ts";

export interface SoftmaxOptions {
  readonly axis?: Axis;
  /** Elements where this is false count as -infinity. */
  readonly where?: ArrayLike | null;
}

/** exp(x) divided by its sum along an axis (the last one unless given). */
export function softmax(x: ArrayLike, axis?: Axis | SoftmaxOptions, options?: SoftmaxOptions): NDArray {
  const given = named<SoftmaxOptions>(["axis"], [axis, options]);
  const { axis: along = -1, where = null } = given;
  const a = toArray(x, "softmax");
  const top = max(a, { axis: along, keepdims: true, initial: -Infinity, ...masked(where) });
  const safe = where === null ? a : choose(where, a, -Infinity);
  const unnormalized = u.exp(u.subtract(safe, stopGradient(top)));
  const out = u.trueDivide(unnormalized, sum(unnormalized, { axis: along, keepdims: true, ...masked(where) }));
  return where === null ? out : choose(where, out, 0);
}

const masked = (where: ArrayLike | null): { readonly where?: ArrayLike } => (where === null ? {} : { where });

/** The logarithm of `softmax`, computed without underflow. */
export function logSoftmax(x: ArrayLike, axis?: Axis | SoftmaxOptions, options?: SoftmaxOptions): NDArray {
  const { axis: along = -1, where = null } = named<SoftmaxOptions>(["axis"], [axis, options]);
  return jitted(
    "log_softmax",
    keyOf(along, where !== null),
    (a, mask) => {
      const given = mask ?? null;
      const top = max(a, { axis: along, keepdims: true, initial: -Infinity, ...masked(given) });
      const safe = given === null ? a : choose(given, a, -Infinity);
      const shifted = u.subtract(safe, stopGradient(top));
      const total = u.log(sum(u.exp(shifted), { axis: along, keepdims: true, ...masked(given) }));
      const out = u.subtract(shifted, total);
      return given === null ? out : choose(given, out, -Infinity);
    },
    where === null ? [x] : [x, where],
  );
}

export interface LogSumExpOptions {
  readonly axis?: Axis;
  /** Weights of the exponentials. */
  readonly b?: ArrayLike | null;
  readonly keepdims?: boolean;
  /** Gives [log of the absolute value, sign]. */
  readonly returnSign?: boolean;
  readonly where?: ArrayLike | null;
}

/** log(sum(b * exp(a))) along an axis, or over all elements, without overflow. */
export function logsumexp(
  a: ArrayLike,
  axis: Axis | undefined,
  options: LogSumExpOptions & { readonly returnSign: true },
): [NDArray, NDArray];
export function logsumexp(a: ArrayLike, options: LogSumExpOptions & { readonly returnSign: true }): [NDArray, NDArray];
export function logsumexp(a: ArrayLike, axis?: Axis | LogSumExpOptions, options?: LogSumExpOptions): NDArray;
export function logsumexp(
  a: ArrayLike,
  axis?: Axis | LogSumExpOptions,
  options?: LogSumExpOptions,
): NDArray | [NDArray, NDArray] {
  const given = named<LogSumExpOptions>(["axis"], [axis, options]);
  const { axis: along = null, b = null, keepdims = false, returnSign = false, where = null } = given;
  let x = where === null ? toArray(a, "logsumexp") : choose(where, a, 0);
  let weights: NDArray | null = null;
  if (b === null) [x] = settled(promoteArgsInexact("logsumexp", x)) as [NDArray];
  else {
    [x, weights] = settled(promoteArgsInexact("logsumexp", x, b)) as [NDArray, NDArray];
    x = choose(notEqual(weights, 0), x, -Infinity);
  }
  const axes = reductionAxes(x, along).toSorted((i, j) => i - j);
  const highest = max(u.real(x), { axis: along, keepdims, initial: -Infinity, ...masked(where) });
  const top = stopGradient(select(isfinite(highest), highest, fullLike(highest, 0)));
  const spread = keepdims ? top : expanded(top, axes);
  let exps = e.exp(p.sub(x, convertElementType(spread, x.dtype)));
  if (weights !== null) exps = p.mul(exps, weights);
  const total = sum(exps, { axis: along, keepdims, ...masked(where) });
  const sign = p.sign(total);
  const magnitude = returnSign || !isComplex(x.dtype) ? u.abs(total) : total;
  const out = p.add(e.log(magnitude), convertElementType(top, magnitude.dtype));
  if (returnSign) return [out, sign];
  return weights !== null && !isComplex(out.dtype) ? choose(less(sign, 0), array(NaN, { dtype: out.dtype }), out) : out;
}

export interface MeanExpOptions {
  readonly axis?: Axis;
  readonly where?: ArrayLike | null;
  readonly keepdims?: boolean;
}

/** log(mean(exp(x))) along an axis, or over all elements. */
export function logmeanexp(x: ArrayLike, axis?: Axis | MeanExpOptions, options?: MeanExpOptions): NDArray {
  const { axis: along = null, where = null, keepdims = false } = named<MeanExpOptions>(["axis"], [axis, options]);
  return jitted(
    "logmeanexp",
    keyOf(along, keepdims, where !== null),
    (a, mask) => {
      const given = mask ?? null;
      const total = logsumexp(a, { axis: along, keepdims, ...masked(given) });
      return u.subtract(total, u.log(count(a, along, keepdims, given, total.dtype)));
    },
    where === null ? [x] : [x, where],
  );
}

export interface StandardizeOptions {
  readonly axis?: Axis;
  readonly mean?: ArrayLike | null;
  readonly variance?: ArrayLike | null;
  readonly epsilon?: ArrayLike;
  readonly where?: ArrayLike | null;
  /** "fast": E[x^2] - E[x]^2. "stable": E[(x - E[x])^2]. */
  readonly algorithm?: "fast" | "stable";
}

/** (x - mean) / sqrt(variance + epsilon) along an axis (the last one unless given). */
export function standardize(x: ArrayLike, axis?: Axis | StandardizeOptions, options?: StandardizeOptions): NDArray {
  const given = named<StandardizeOptions>(["axis"], [axis, options]);
  const { axis: along = -1, algorithm = "fast" } = given;
  if (algorithm !== "fast" && algorithm !== "stable") {
    throw new RematValueError(`Unknown algorithm '${String(algorithm)}'. Expected 'fast' or 'stable'.`);
  }
  const names = (["mean", "variance", "epsilon", "where"] as const).filter(
    (n) => given[n] !== undefined && given[n] !== null,
  );
  return jitted(
    "standardize",
    keyOf(along, algorithm, names),
    (a, ...operands) => {
      const value = (name: (typeof names)[number]) => (names.includes(name) ? operands[names.indexOf(name)] : null);
      const reduction = { axis: along, keepdims: true, ...masked(value("where")) };
      const center = value("mean") ?? mean(a, reduction);
      let variance = value("variance");
      if (variance === null && algorithm === "stable") variance = mean(u.square(u.subtract(a, center)), reduction);
      variance ??= clip(u.subtract(mean(u.square(a), reduction), u.square(center)), 0);
      const centered = u.subtract(a, center);
      return u.multiply(centered, e.rsqrt(u.add(variance, value("epsilon") ?? 1e-5)));
    },
    [x, ...names.map((n) => given[n] as ArrayLike)],
  );
}

export interface OneHotOptions {
  readonly dtype?: DType | null;
  readonly axis?: number;
}

/**
 * One-hot codes: along a new axis (the last one unless given), 1 at the place of the class and 0 elsewhere. Classes out of range give
 * zeros.
 */
export function oneHot(x: ArrayLike, numClasses: number | NDArray, options: OneHotOptions = {}): NDArray {
  const classes = index(numClasses, "jax.nn.one_hot argument `num_classes` (nn.oneHot)");
  const a = asarray(x);
  const dtype =
    options.dtype === undefined || options.dtype === null ? canonicalDType("float64") : canonicalDType(options.dtype);
  const axis = options.axis ?? -1;
  return codes(a, classes, dtype, axis);
}

const codes = (x: NDArray, classes: number, dtype: DType, axis: number): NDArray =>
  jitted(
    "_one_hot",
    keyOf(classes, dtype, axis),
    (x) => {
      const place = canonicalAxis(axis, x.ndim + 1);
      const shape = new Array<number>(x.ndim).fill(1);
      shape.splice(place, 0, classes);
      const column = expanded(x, [axis]);
      return convertElementType(eq(column, counted(x.dtype, shape, place)), dtype);
    },
    [x],
  );
