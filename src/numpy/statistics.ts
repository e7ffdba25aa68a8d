/** Spread and averages: variance, standard deviation, weighted means, and the versions of reductions that leave NaN out. */
import type { NDArray } from "../core/array.ts";
import { isComplex, isInexact, type DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { div, square, sub, mul } from "../primitives/arithmetic.ts";
import { argsort, tupleText } from "../primitives/axes.ts";
import { constLike, zeroOf } from "../primitives/broadcasting.ts";
import { bitwiseNot, gt, le, ne } from "../primitives/comparison.ts";
import { conj, real } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { sqrt } from "../primitives/elementwise.ts";
import { jitCall } from "../primitives/jit.ts";
import { reshaped } from "../primitives/shape.ts";
import { float, toArray, type ArrayLike } from "./asarray.ts";
import { filledWith } from "./creation.ts";
import { jitted } from "./jitted.ts";
import { keyOf, named } from "./options.ts";
import { inexactDType, promoteDtypesInexact } from "./promote.ts";
import {
  all,
  count,
  max,
  mean,
  min,
  prod,
  reductionAxes,
  sum,
  upcastHalf,
  type Axis,
  type ExtremumOptions,
  type MaskOptions,
  type MeanOptions,
  type SumOptions,
} from "./reductions.ts";
import { broadcastTo } from "./shape.ts";
import { multiply, subtract, trueDivide } from "./ufuncs.ts";
import { where as whereOf } from "./where.ts";

export interface VarOptions extends MeanOptions {
  /** Subtracted from the number of elements in the divisor: 1 for the sample variance. */
  readonly ddof?: number;
  readonly correction?: number | null;
  /** The mean, if it is known. */
  readonly mean?: ArrayLike | null;
}

/** The dtypes to compute a variance in and to return. */
function varianceDTypes(from: DType, asked: DType | null): [computed: DType, result: DType] {
  if (asked !== null) {
    if (!isComplex(asked) && isComplex(from)) {
      throw new RematValueError(
        `np.var does not yet support real dtype parameters when computing the variance of an array of complex values: got dtype ` +
          `${asked} for ${from}.`,
      );
    }
    return [upcastHalf(asked), asked];
  }
  if (!isInexact(from)) return [upcastHalf(inexactDType(from)), inexactDType(from)];
  return [upcastHalf(from), from === "complex64" ? "float32" : from === "complex128" ? "float64" : from];
}

function correctionOf(name: string, { ddof = 0, correction = null }: Partial<VarOptions>): number {
  if (correction === null) return ddof;
  if (ddof !== 0) {
    throw new RematValueError(
      `ddof and correction can't be provided simultaneously: np.${name} got ${ddof} and ${correction}.`,
    );
  }
  return correction;
}

const dtypeOf = (dtype: DType | null | undefined): DType | null =>
  dtype === null || dtype === undefined ? null : canonicalDType(dtype);

function variance(
  x: NDArray,
  { axis, keepdims, dtype }: SpreadOptions,
  { mean: given, correction, where }: Given,
): NDArray {
  const [computed, result] = varianceDTypes(x.dtype, dtype);
  const a = convertElementType(x, computed);
  const center =
    given === null ? mean(a, { axis, dtype: computed, keepdims: true, where }) : convertElementType(given, computed);
  const distance = sub(a, center);
  const squared = isComplex(computed) ? real(mul(distance, conj(distance))) : square(distance);
  const number = sub(count(a, axis, keepdims, where, squared.dtype), convertElementType(correction, squared.dtype));
  const total = sum(squared, { axis, dtype: squared.dtype, keepdims, where });
  const quotient = convertElementType(div(total, number), result);
  return whereOf(gt(number, constLike(number, 0)), quotient, literal(NaN, canonicalDType("float64"), true));
}

/** What a variance is computed from besides the array; the mean and the mask may be missing. */
interface Given {
  readonly mean: NDArray | null;
  readonly correction: NDArray;
  readonly where: NDArray | null;
}

/** Calls a jitted function with the operands that are given. Their order, in JAX that of the keywords, is part of the program. */
function spread(
  name: string,
  x: NDArray,
  given: Given,
  order: readonly (keyof Given)[],
  key: string,
  body: (x: NDArray, given: Given) => NDArray,
): NDArray {
  const present = order.filter((k) => given[k] !== null);
  const inside = (xs: readonly NDArray[]): Given => ({
    ...given,
    ...Object.fromEntries(present.map((k, i) => [k, xs[i]])),
  });
  const args = [x, ...present.map((k) => given[k] as NDArray)];
  return jitCall(name, keyOf(key, present), (y, ...rest) => [body(y, inside(rest))], args)[0];
}

interface SpreadOptions {
  readonly axis: Axis;
  readonly dtype: DType | null;
  readonly keepdims: boolean;
}

const spreadOptions = (options: Partial<VarOptions>): SpreadOptions => ({
  axis: options.axis ?? null,
  dtype: dtypeOf(options.dtype),
  keepdims: options.keepdims ?? false,
});

const givenOf = (name: string, options: Partial<VarOptions>): Given => ({
  mean: options.mean === null || options.mean === undefined ? null : toArray(options.mean, name, 1),
  correction: toArray(correctionOf(name, options), name, 2),
  where: options.where === null || options.where === undefined ? null : toArray(options.where, name, 3),
});

const varianceCall = (x: NDArray, options: SpreadOptions, given: Given): NDArray =>
  spread("_var", x, given, ["mean", "correction", "where"], keyOf(options), (y, inside) =>
    variance(y, options, inside),
  );

type VarArgument = DType | null | VarOptions;

/** The mean of the squared distances from the mean, over the given axes. */
export const var_ = (a: ArrayLike, axis?: Axis | VarOptions, dtype?: VarArgument, options?: VarOptions): NDArray =>
  varianceFrom(a, named<VarOptions>(["axis", "dtype"], [axis, dtype, options]));

const varianceFrom = (a: ArrayLike, options: Partial<VarOptions>): NDArray =>
  varianceCall(toArray(a, "var"), spreadOptions(options), givenOf("var", options));

export { var_ as var };

/** The square root of the variance over the given axes. */
export function std(a: ArrayLike, axis?: Axis | VarOptions, dtype?: VarArgument, options?: VarOptions): NDArray {
  const given = named<VarOptions>(["axis", "dtype"], [axis, dtype, options]);
  const asked = dtypeOf(given.dtype);
  if (asked !== null && !isInexact(asked)) {
    throw new RematValueError(`dtype argument to np.std must be inexact; got ${asked}.`);
  }
  const inner = spreadOptions(given);
  return spread(
    "_std",
    toArray(a, "std"),
    givenOf("std", given),
    ["correction", "mean", "where"],
    keyOf(inner),
    (x, inside) => sqrt(varianceCall(x, inner, inside)),
  );
}

/** The distance between the largest and the smallest element. */
export function ptp(a: ArrayLike, axis?: Axis | MaskOptions, options?: MaskOptions): NDArray {
  const given = named<MaskOptions>(["axis"], [axis, options]);
  const along = { axis: given.axis ?? null, keepdims: given.keepdims ?? false };
  return jitted("_ptp", keyOf(along), (x) => sub(max(x, along), min(x, along)), [a]);
}

/** How many elements are not zero. */
export function countNonzero(a: ArrayLike, axis?: Axis | MaskOptions, options?: MaskOptions): NDArray {
  const given = named<MaskOptions>(["axis"], [axis, options]);
  const along = { axis: given.axis ?? null, keepdims: given.keepdims ?? false };
  const dtype = canonicalDType("int64");
  return jitted("count_nonzero", keyOf(along), (x) => sum(ne(x, constLike(x, 0)), { ...along, dtype }), [a]);
}

export interface AverageOptions {
  readonly axis?: Axis;
  readonly weights?: ArrayLike | null;
  readonly keepdims?: boolean;
  /** Gives the sum of the weights beside the mean. */
  readonly returned?: boolean;
}

type Returned = AverageOptions & { readonly returned: true };

/** The mean, weighted if weights are given; with `returned`, beside the sum of the weights (the number of elements without weights). */
export function average(a: ArrayLike, options: Returned): [mean: NDArray, total: NDArray];
export function average(a: ArrayLike, axis: Axis, options: Returned): [mean: NDArray, total: NDArray];
export function average(
  a: ArrayLike,
  axis?: Axis | AverageOptions,
  weights?: ArrayLike | AverageOptions | null,
): NDArray;
export function average(
  a: ArrayLike,
  axis?: Axis | AverageOptions,
  weights?: ArrayLike | AverageOptions | null,
): NDArray | [NDArray, NDArray] {
  const given = named<AverageOptions>(["axis", "weights"], [axis, weights]);
  const [mean, total] = averageOf(a, given, given.returned === true);
  return given.returned === true ? [mean, total] : mean;
}

function averageOf(a: ArrayLike, options: Partial<AverageOptions>, returned: boolean): readonly NDArray[] {
  const { axis = null, weights = null, keepdims = false } = options;
  const both = (out: NDArray, total: NDArray): NDArray[] => (returned ? [out, broadcastTo(total, out.shape)] : [out]);
  const body = (x: NDArray, w: NDArray | null = null): NDArray[] => {
    if (w === null) {
      const [y] = promoteDtypesInexact(x);
      const n = reductionAxes(y, axis).reduce((size, d) => size * y.shape[d], 1);
      const out = mean(y, { axis, keepdims });
      return both(out, filledWith([], literal(n, "int32"), out.dtype));
    }
    const [y, v] = promoteDtypesInexact(x, w);
    const fitted = shaped(y, v, axis);
    const total = sum(fitted, { axis, keepdims });
    return both(trueDivide(sum(multiply(y, fitted), { axis, keepdims }), total), total);
  };
  const args = [toArray(a, "average"), ...(weights === null ? [] : [toArray(weights, "average", 1)])];
  return jitCall("_average", keyOf(axis, keepdims, args.length, returned), body, args, true);
}

function shaped(a: NDArray, weights: NDArray, axis: Axis): NDArray {
  if (a.ndim === weights.ndim && a.shape.every((d, i) => d === weights.shape[i])) return weights;
  if (axis === null) {
    throw new RematValueError(
      `Axis must be specified when shapes of a and weights differ: ${tupleText(a.shape)} and ${tupleText(weights.shape)}.`,
    );
  }
  const axes = reductionAxes(a, axis);
  if (weights.ndim !== axes.length || axes.some((d, i) => a.shape[d] !== weights.shape[i])) {
    throw new RematValueError(
      `Shape of weights must be consistent with shape of a along specified axis: ${tupleText(weights.shape)} and ` +
        `${tupleText(a.shape)}, axis ${tupleText(axes)}.`,
    );
  }
  const shape = a.shape.map((d, i) => (axes.includes(i) ? d : 1));
  return reshaped(weights, shape, argsort(axes));
}

type Reduction<O> = (a: ArrayLike, axis?: Axis | O, options?: O) => NDArray;

/** A reduction of an array in which NaN is replaced by a value that does not matter. */
function ignoringNaN<O extends SumOptions>(
  name: string,
  reduce: (a: ArrayLike, options: O) => NDArray,
  start: number,
  nanIfAllNaN: boolean,
): Reduction<O> {
  return (a, axis, options) => {
    const given = named<O>(["axis"], [axis, options]) as O;
    const [mask, initial] = [given.where ?? null, given.initial ?? null];
    const args = [toArray(a, name)];
    if (initial !== null) args.push(toArray(initial, name, 1));
    if (mask !== null) args.push(toArray(mask, name, 2));
    const { axis: along = null, keepdims = false } = given;
    const body = (x: NDArray, ...rest: readonly NDArray[]): NDArray => {
      const inner = {
        ...given,
        initial: initial === null ? null : rest[0],
        where: mask === null ? null : rest[rest.length - 1],
      };
      if (!isInexact(x.dtype)) return reduce(x, inner);
      const isNaN = ne(x, x);
      const out = reduce(whereOf(isNaN, literal(start, x.dtype), x), inner);
      if (!nanIfAllNaN || initial !== null) return out;
      return whereOf(all(ne(x, x), { axis: along, keepdims }), constLike(x, NaN), out);
    };
    return jitted(name, keyOf(along, keepdims, given.dtype ?? null, initial !== null, mask !== null), body, args);
  };
}

/** The sum of the elements that are not NaN. */
export const nansum: Reduction<SumOptions> = ignoringNaN("nansum", (x, o) => sum(x, o), 0, false);
/** The product of the elements that are not NaN. */
export const nanprod: Reduction<SumOptions> = ignoringNaN("nanprod", (x, o) => prod(x, o), 1, false);
/** The largest element that is not NaN. */
export const nanmax: Reduction<ExtremumOptions> = ignoringNaN("nanmax", (x, o) => max(x, o), -Infinity, true);
/** The smallest element that is not NaN. */
export const nanmin: Reduction<ExtremumOptions> = ignoringNaN("nanmin", (x, o) => min(x, o), Infinity, true);

/** The mean of the elements that are not NaN. */
export const nanmean: Reduction<MeanOptions> = (a, axis, options) => {
  const given = named<MeanOptions>(["axis"], [axis, options]);
  const { axis: along = null, keepdims = false } = given;
  const args = [
    toArray(a, "nanmean"),
    ...(given.where === null || given.where === undefined ? [] : [toArray(given.where, "nanmean", 1)]),
  ];
  return jitted(
    "nanmean",
    keyOf(along, keepdims, given.dtype ?? null, args.length),
    (x, mask: NDArray | null = null) => {
      if (!isInexact(x.dtype)) return mean(x, { ...given, where: mask });
      const dtype = dtypeOf(given.dtype) ?? inexactDType(x.dtype);
      const n = sum(bitwiseNot(ne(x, x)), { axis: along, dtype, keepdims, where: mask });
      return div(nansum(x, { axis: along, dtype, keepdims, where: mask }), n);
    },
    args,
  );
};

/** As `Given`; the correction is an operand only where it was asked for. */
type MaybeGiven = Omit<Given, "correction"> & { readonly correction: NDArray | null };

function nanVariance(x: NDArray, { axis, keepdims, dtype }: SpreadOptions, given: MaybeGiven): NDArray {
  const [computed, result] = varianceDTypes(x.dtype, dtype);
  const a = convertElementType(x, computed);
  const { where } = given;
  const center =
    given.mean === null
      ? nanmean(a, { axis, dtype: computed, keepdims: true, where })
      : convertElementType(given.mean, computed);
  const distance = whereOf(ne(a, a), 0, sub(a, center));
  const squared = isComplex(computed) ? real(mul(distance, conj(distance))) : square(distance);
  const number = subtract(sum(bitwiseNot(ne(a, a)), { axis, keepdims, where }), given.correction ?? 0);
  const none = le(number, zeroOf(number));
  const total = whereOf(none, float(NaN), sum(squared, { axis, keepdims, where }));
  const divisor = whereOf(none, 1, number);
  return convertElementType(div(total, convertElementType(divisor, total.dtype)), result);
}

const nanVarianceCall = (x: NDArray, options: SpreadOptions, given: MaybeGiven): NDArray =>
  spread("nanvar", x, given as Given, ["correction", "mean", "where"], keyOf(options), (y, inside) =>
    nanVariance(y, options, inside),
  );

const maybeGiven = (name: string, options: Partial<VarOptions>): MaybeGiven =>
  options.ddof === undefined ? { ...givenOf(name, options), correction: null } : givenOf(name, options);

/** The variance of the elements that are not NaN. */
export const nanvar: Reduction<VarOptions> = (a, axis, options) => {
  const given = named<VarOptions>(["axis"], [axis, options]);
  return nanVarianceCall(toArray(a, "nanvar"), spreadOptions(given), maybeGiven("nanvar", given));
};

/** The standard deviation of the elements that are not NaN. */
export const nanstd: Reduction<VarOptions> = (a, axis, options) => {
  const given = named<VarOptions>(["axis"], [axis, options]);
  const inner = spreadOptions(given);
  const outer = maybeGiven("nanstd", given) as Given;
  return spread("nanstd", toArray(a, "nanstd"), outer, ["correction", "mean", "where"], keyOf(inner), (x, inside) =>
    sqrt(nanVarianceCall(x, inner, { ...inside, correction: inside.correction ?? toArray(0) })),
  );
};
