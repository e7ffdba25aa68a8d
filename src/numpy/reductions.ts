/**
 * Sums, products, extremes and truth over axes. Sums and products of 16-bit floats are made in 32 bits, those of booleans in integers; `where`
 * leaves elements out, and `initial` is combined with the result.
 */
import type { NDArray } from "../core/array.ts";
import { dtypes, isComplex, isInexact, isInteger, kindOf, type DType } from "../core/dtype.ts";
import { canonicalDType, literal, type Element } from "../core/scalar.ts";
import { DTypeError, RematValueError } from "../errors.ts";
import { add, div, max as maxOf, min as minOf, mul } from "../primitives/arithmetic.ts";
import { canonicalAxis, tupleText } from "../primitives/axes.ts";
import { bitwiseAnd, bitwiseOr, bitwiseXor } from "../primitives/comparison.ts";
import { real } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { jitCall } from "../primitives/jit.ts";
import { andOver, extremes, maximumOver, minimumOver, orOver, productOver, xorOver } from "../primitives/reduce.ts";
import { expanded, summed } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { keyOf, named } from "./options.ts";
import { inexactDType, promoteDtypesNumeric } from "./promote.ts";
import { stretched, where as whereOf } from "./where.ts";

/** The axes to reduce; null (the default) for all of them. */
export type Axis = number | readonly number[] | null;

export interface MaskOptions {
  readonly axis?: Axis;
  /** Keeps the reduced axes, with size 1. */
  readonly keepdims?: boolean;
  /** Which elements take part. */
  readonly where?: ArrayLike | null;
}

export interface ExtremumOptions extends MaskOptions {
  readonly initial?: ArrayLike | null;
}

export interface SumOptions extends ExtremumOptions {
  readonly dtype?: DType | null;
  readonly promoteIntegers?: boolean;
}

export interface MeanOptions extends MaskOptions {
  readonly dtype?: DType | null;
}

type Operation = (x: NDArray, y: NDArray) => NDArray;
type Reducer = (x: NDArray, axes: readonly number[]) => NDArray;

/** What tells reductions apart. */
interface Reduction {
  readonly name: string;
  readonly reduce: Reducer;
  readonly combine: Operation;
  /** For booleans, where it is another. */
  readonly boolReduce?: Reducer;
  readonly boolCombine?: Operation;
  /** Where the reduction of nothing starts. */
  readonly start: (dtype: DType) => Element;
  readonly hasIdentity: boolean;
  readonly prepare?: (x: NDArray) => NDArray;
  /** Whether 16-bit floats are reduced in 32 bits. */
  readonly upcasts: boolean;
}

const numeric = (x: NDArray): NDArray => promoteDtypesNumeric(x)[0];
const truth = (x: NDArray): NDArray => convertElementType(isComplex(x.dtype) ? real(x) : x, "bool");

export const sumOf: Reduction = {
  name: "sum",
  reduce: summed,
  combine: add,
  boolReduce: orOver,
  boolCombine: bitwiseOr,
  start: (dtype) => (dtype === "bool" ? false : 0),
  hasIdentity: true,
  prepare: numeric,
  upcasts: true,
};

export const prodOf: Reduction = {
  name: "prod",
  reduce: productOver,
  combine: mul,
  boolReduce: andOver,
  boolCombine: bitwiseAnd,
  start: (dtype) => (dtype === "bool" ? true : 1),
  hasIdentity: true,
  prepare: numeric,
  upcasts: true,
};

const maxReduction: Reduction = {
  name: "max",
  reduce: maximumOver,
  combine: maxOf,
  start: (dtype) => extremes(dtype)[0],
  hasIdentity: false,
  upcasts: false,
};

const minReduction: Reduction = {
  name: "min",
  reduce: minimumOver,
  combine: minOf,
  start: (dtype) => extremes(dtype)[1],
  hasIdentity: false,
  upcasts: false,
};

const allReduction: Reduction = {
  name: "all",
  reduce: andOver,
  combine: bitwiseAnd,
  start: () => true,
  hasIdentity: true,
  prepare: truth,
  upcasts: false,
};

const anyReduction: Reduction = {
  name: "any",
  reduce: orOver,
  combine: bitwiseOr,
  start: () => false,
  hasIdentity: true,
  prepare: truth,
  upcasts: false,
};

/** 16-bit floats are reduced in 32 bits. */
export const upcastHalf = (dtype: DType): DType => (dtype === "float16" || dtype === "bfloat16" ? "float32" : dtype);

/** Integers narrower than the default one are summed in the default one. */
export function promotedInteger(dtype: DType): DType {
  const kind = kindOf(dtype);
  if (kind === "bool") return canonicalDType("int64");
  const wide = canonicalDType(kind === "uint" ? "uint64" : "int64");
  return (kind === "uint" || kind === "int") && dtypes[dtype].bytes < dtypes[wide].bytes ? wide : dtype;
}

/** The axes to reduce, in the order given. */
export function reductionAxes(x: NDArray, axis: Axis | undefined): number[] {
  if (axis === null || axis === undefined) return x.shape.map((_, i) => i);
  const axes = (typeof axis === "number" ? [axis] : axis).map((a) => canonicalAxis(a, x.ndim));
  if (new Set(axes).size !== axes.length) {
    throw new RematValueError(
      `duplicate value in 'axis': ${tupleText(typeof axis === "number" ? [axis] : axis)}: name each axis once.`,
    );
  }
  return axes;
}

interface ReduceOptions {
  readonly axis: Axis;
  readonly dtype: DType | null;
  readonly keepdims: boolean;
  readonly promoteIntegers: boolean;
}

function reduced(
  op: Reduction,
  a: NDArray,
  options: ReduceOptions,
  initial: NDArray | null,
  where: NDArray | null,
): NDArray {
  if (where !== null && where.dtype !== "bool") {
    throw new RematValueError(
      `np.${op.name}: where must be None or a boolean array; got where.dtype=${where.dtype}. Compare it with 0.`,
    );
  }
  if (initial === null && !op.hasIdentity && where !== null) {
    throw new RematValueError(
      `reduction operation ${op.name} does not have an identity, so to use a where mask one has to specify 'initial'.`,
    );
  }
  const operand = op.prepare === undefined ? a : op.prepare(a);
  const axes = reductionAxes(operand, options.axis);
  if (initial === null && !op.hasIdentity && axes.some((d) => operand.shape[d] < 1)) {
    throw new RematValueError(
      `zero-size array to reduction operation ${op.name} which has no identity: give 'initial'.`,
    );
  }
  const result = options.dtype ?? (options.promoteIntegers ? promotedInteger(operand.dtype) : operand.dtype);
  const computed = op.upcasts && options.dtype === null && isInexact(result) ? upcastHalf(result) : result;
  const bool = computed === "bool";
  let x = convertElementType(operand, computed);
  if (where !== null) x = whereOf(where, x, literal(op.start(computed), computed));
  let out = ((bool && op.boolReduce) || op.reduce)(x, axes);
  if (initial !== null) {
    const start = convertElementType(initial, computed);
    if (start.ndim > 0) {
      throw new RematValueError(`initial value must be a scalar. Got array of shape ${tupleText(start.shape)}.`);
    }
    out = ((bool && op.boolCombine) || op.combine)(start, out);
  }
  if (options.keepdims) out = expanded(out, axes);
  return convertElementType(out, result);
}

/** A reduction as JAX has it: traced by itself, its equations put in its place. */
export function reduceBy(op: Reduction, a: ArrayLike, given: Partial<SumOptions>, promoteIntegers: boolean): NDArray {
  const options: ReduceOptions = {
    axis: given.axis ?? null,
    dtype: given.dtype === null || given.dtype === undefined ? null : canonicalDType(given.dtype),
    keepdims: given.keepdims ?? false,
    promoteIntegers: given.promoteIntegers ?? promoteIntegers,
  };
  const initial = given.initial ?? null;
  const where = given.where ?? null;
  const args = [toArray(a, op.name)];
  if (initial !== null) args.push(toArray(initial, op.name));
  if (where !== null) args.push(toArray(where, op.name));
  const body = (x: NDArray, ...rest: readonly NDArray[]): NDArray[] => [
    reduced(op, x, options, initial === null ? null : rest[0], where === null ? null : rest[rest.length - 1]),
  ];
  return jitCall(`_reduce_${op.name}`, keyOf(options, initial !== null, where !== null), body, args, true)[0];
}

/**
 * The sum of the elements over the given axes.
 *
 *     np.sum(x)                              // of all elements
 *     np.sum(x, 0)                           // over the first axis
 *     np.sum(x, { axis: [0, 1], keepdims: true })
 */
export const sum = (
  a: ArrayLike,
  axis?: Axis | SumOptions,
  options?: SumOptions | DType | null,
  more?: SumOptions,
): NDArray => reduceBy(sumOf, a, named<SumOptions>(["axis", "dtype"], [axis, options, more]), true);

/** The product of the elements over the given axes. */
export const prod = (
  a: ArrayLike,
  axis?: Axis | SumOptions,
  options?: SumOptions | DType | null,
  more?: SumOptions,
): NDArray => reduceBy(prodOf, a, named<SumOptions>(["axis", "dtype"], [axis, options, more]), true);

/** The largest element over the given axes; NaN if there is one. */
export const max = (a: ArrayLike, axis?: Axis | ExtremumOptions, options?: ExtremumOptions): NDArray =>
  reduceBy(maxReduction, a, named<SumOptions>(["axis"], [axis, options]), false);

/** The smallest element over the given axes; NaN if there is one. */
export const min = (a: ArrayLike, axis?: Axis | ExtremumOptions, options?: ExtremumOptions): NDArray =>
  reduceBy(minReduction, a, named<SumOptions>(["axis"], [axis, options]), false);

export { max as amax, min as amin };

/** Whether all elements over the given axes are true (not zero). */
export const all = (a: ArrayLike, axis?: Axis | MaskOptions, options?: MaskOptions): NDArray =>
  reduceBy(allReduction, a, named<SumOptions>(["axis"], [axis, options]), false);

/** Whether some element over the given axes is true (not zero). */
export const any = (a: ArrayLike, axis?: Axis | MaskOptions, options?: MaskOptions): NDArray =>
  reduceBy(anyReduction, a, named<SumOptions>(["axis"], [axis, options]), false);

/** How many elements take part in each sum: a literal, or under a mask a sum. */
export function count(a: NDArray, axis: Axis, keepdims: boolean, where: NDArray | null, dtype: DType): NDArray {
  if (where !== null) return sum(stretched(where, a.shape), { axis, dtype, keepdims });
  const n = reductionAxes(a, axis).reduce((size, d) => size * a.shape[d], 1);
  return convertElementType(literal(n, dtype), dtype);
}

/** The mean of the elements over the given axes. Integers give floats. */
export function mean(
  a: ArrayLike,
  axis?: Axis | MeanOptions,
  options?: MeanOptions | DType | null,
  more?: MeanOptions,
): NDArray {
  const given = named<MeanOptions>(["axis", "dtype"], [axis, options, more]);
  const dtype = given.dtype === null || given.dtype === undefined ? null : canonicalDType(given.dtype);
  const [along, keepdims] = [given.axis ?? null, given.keepdims ?? false];
  const args = [toArray(a, "mean")];
  if (given.where !== null && given.where !== undefined) args.push(toArray(given.where, "mean", 1));
  const body = (x: NDArray, mask: NDArray | null = null): NDArray[] => {
    const result = dtype ?? inexactDType(x.dtype);
    const computed = dtype === null && isInexact(result) ? upcastHalf(result) : result;
    const n = count(x, along, keepdims, mask, computed);
    const total = sum(x, { axis: along, dtype: computed, keepdims, where: mask });
    return [convertElementType(div(total, n), result)];
  };
  return jitCall("_mean", keyOf(along, dtype, keepdims, args.length), body, args, true)[0];
}

function requireIntegers(name: string, x: NDArray): NDArray {
  if (x.dtype !== "bool" && !isInteger(x.dtype)) {
    throw new DTypeError(`np.${name}: integer argument required; got dtype=${x.dtype}. Convert it first.`);
  }
  return x;
}

const bitwise = (name: string, reduce: Reducer, combine: Operation, start: (dtype: DType) => Element): Reduction => ({
  name,
  reduce,
  combine,
  start,
  hasIdentity: true,
  prepare: (x) => requireIntegers(name, x),
  upcasts: false,
});

/** The reductions behind `np.bitwiseAnd.reduce` and its like. */
export const bitwiseReductions: Readonly<Record<"and" | "or" | "xor", Reduction>> = {
  and: bitwise("bitwise_and", andOver, bitwiseAnd, (dtype) => (dtype === "bool" ? true : -1)),
  or: bitwise("bitwise_or", orOver, bitwiseOr, () => 0),
  xor: bitwise("bitwise_xor", xorOver, bitwiseXor, () => 0),
};
