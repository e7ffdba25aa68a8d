/** Arrays made from a shape or from a few numbers. */
import { NDArray, type ConcreteArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import { isComplex, isInteger, type DType } from "../core/dtype.ts";
import { currentTrace } from "../core/interpreter.ts";
import { canonicalDType, elementOf, literal } from "../core/scalar.ts";
import { concretizationError, ConcretizationTypeError, RematTypeError, RematValueError } from "../errors.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { canonicalAxis, inserted, tupleText } from "../primitives/axes.ts";
import { eq, ge } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { floor } from "../primitives/elementwise.ts";
import { counted } from "../primitives/iota.ts";
import { concatenated } from "../primitives/join.ts";
import { broadcasted, broadcastedInDim, expanded, reshaped } from "../primitives/shape.ts";
import { asarray, concreteValue, toArray, type ArrayLike } from "./asarray.ts";
import { jittedAll } from "./jitted.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { broadcastShapes, inexactDType, latticeResultType, resultType } from "./promote.ts";
import { stretchedTo } from "./stretching.ts";
import { stretched } from "./where.ts";

/** A shape; a number for one axis. */
export type ShapeLike = number | Shape;

export interface DTypeOptions {
  readonly dtype?: DType | null;
}

export interface LikeOptions extends DTypeOptions {
  /** Another shape than that of the example. */
  readonly shape?: ShapeLike | null;
}

/** A shape, with every size checked to be a host integer that is not negative. */
export function canonicalShape(shape: ShapeLike | NDArray): number[] {
  const sizes = typeof shape === "object" && !(shape instanceof NDArray) ? shape : [shape];
  return sizes.map((d) => size(d, sizes));
}

function size(d: unknown, sizes: readonly unknown[]): number {
  if (typeof d === "bigint") return Number(d);
  if (typeof d === "number" && Number.isInteger(d)) return d;
  const known = d instanceof NDArray ? concreteValue(d) : null;
  if (known !== null && known.ndim === 0 && isInteger(known.dtype)) return Number(elementOf(known));
  const texts = sizes.map((x) => (x instanceof NDArray ? x.aval.toLongString() : String(x)));
  const traced = d instanceof NDArray && known === null;
  throw new RematTypeError(
    `Shapes must be 1D sequences of concrete values of integer type, got ${tupleText(texts)}. ` +
      (traced
        ? "A traced value has no number that a shape could be made of: mark the argument as static (staticArgnums), or compute the " +
          "shape outside."
        : "Give whole numbers."),
  );
}

const float32 = (): DType => canonicalDType("float64");

function requireNonnegative(shape: Shape): void {
  if (shape.some((d) => d < 0)) {
    throw new RematTypeError(
      `broadcast_in_dim shape must have every element be nonnegative, got ${tupleText(shape)}. A shape is made of sizes.`,
    );
  }
}

/** An array of the given shape, all one value. */
export function filledWith(shape: Shape, value: NDArray, dtype: DType | null): NDArray {
  requireNonnegative(shape);
  const [type, weak] = dtype === null ? [value.dtype, value.weakType] : [canonicalDType(dtype), false];
  return broadcasted(convertElementType(value, type, weak), shape);
}

type DTypeOrOptions = DType | null | DTypeOptions;

const dtypeOf = (given: readonly unknown[]): DType | null => named<DTypeOptions>(["dtype"], given).dtype ?? null;

/** An array of zeros, float32 unless `dtype` says otherwise: `np.zeros([2, 3])`. */
export const zeros = (shape: ShapeLike, dtype?: DTypeOrOptions): NDArray =>
  filledWith(canonicalShape(shape), literal(0, "int32"), dtypeOf([dtype]) ?? float32());

/** An array of ones, float32 unless `dtype` says otherwise. */
export const ones = (shape: ShapeLike, dtype?: DTypeOrOptions): NDArray =>
  filledWith(canonicalShape(shape), literal(1, "int32"), dtypeOf([dtype]) ?? float32());

/** An array whose elements do not matter (zeros). */
export const empty = (shape: ShapeLike, dtype?: DTypeOrOptions): NDArray => zeros(shape, dtype);

/** An array of one value, or of an array that broadcasts to the shape. */
export function full(shape: ShapeLike, fillValue: ArrayLike, dtype?: DTypeOrOptions): NDArray {
  const value = toArray(fillValue, "full", 1);
  const type = dtypeOf([dtype]);
  if (value.ndim === 0) return filledWith(canonicalShape(shape), value, type);
  return stretchedTo(asarray(value, { dtype: type }), canonicalShape(shape));
}

function like(a: ArrayLike, value: NDArray, options: Partial<LikeOptions>): NDArray {
  const x = toArray(a, "full_like");
  const shape = options.shape === null || options.shape === undefined ? x.shape : canonicalShape(options.shape);
  const asked = options.dtype ?? null;
  const dtype = asked === null ? x.dtype : canonicalDType(asked);
  if (value.ndim > 0) return stretchedTo(asarray(value, { dtype }), shape);
  return broadcasted(convertElementType(value, dtype, asked === null && x.weakType), shape);
}

type LikeArgument = DType | null | LikeOptions;

/** Zeros of the shape and dtype of an array. */
export const zerosLike = (a: ArrayLike, dtype?: LikeArgument, options?: LikeOptions): NDArray =>
  like(a, literal(0, "int32"), named<LikeOptions>(["dtype"], [dtype, options]));

/** Ones of the shape and dtype of an array. */
export const onesLike = (a: ArrayLike, dtype?: LikeArgument, options?: LikeOptions): NDArray =>
  like(a, literal(1, "int32"), named<LikeOptions>(["dtype"], [dtype, options]));

/** An array of the shape and dtype of another whose elements do not matter (zeros). */
export const emptyLike = (a: ArrayLike, dtype?: LikeArgument, options?: LikeOptions): NDArray =>
  zerosLike(a, dtype, options);

/** One value in the shape and dtype of an array. */
export const fullLike = (a: ArrayLike, fillValue: ArrayLike, dtype?: LikeArgument, options?: LikeOptions): NDArray =>
  like(a, toArray(fillValue, "full_like", 1), named<LikeOptions>(["dtype"], [dtype, options]));

/** A host number that must be known: an array stands for its element. */
function known(x: ArrayLike, name: string): ConcreteArray {
  const array = toArray(x, "arange");
  const value = concreteValue(array);
  if (value === null) {
    throw new ConcretizationTypeError(
      `${concretizationError(array, "int").message}\nIt arose in the np.arange argument '${name}'.`,
    );
  }
  if (value.ndim > 0) {
    throw new RematValueError(`np.arange: arguments must be scalars; got ${name} of shape ${tupleText(value.shape)}.`);
  }
  if (isComplex(value.dtype)) throw new RematValueError("np.arange: complex start, stop or step is not supported.");
  return value;
}

export interface ArangeOptions extends DTypeOptions {
  readonly stop?: ArrayLike | null;
  readonly step?: ArrayLike | null;
}

/**
 * Evenly spaced numbers from `start` (0) up to, and without, `stop`.
 *
 *     np.arange(3)                        // [0, 1, 2]
 *     np.arange(1, 7, 2)                  // [1, 3, 5]
 *     np.arange(3, { dtype: "float32" })
 */
export function arange(
  start: ArrayLike,
  stop?: ArrayLike | null | ArangeOptions,
  step?: ArrayLike | null | ArangeOptions,
  dtype?: DType | null | ArangeOptions,
): NDArray {
  const given = named<ArangeOptions>(["stop", "step", "dtype"], [stop, step, dtype]);
  const [last, by] = [given.stop ?? null, given.step ?? null];
  const values = [
    known(start, last === null && by === null ? "stop" : "start"),
    ...(last === null ? [] : [known(last, "stop")]),
    ...(by === null ? [] : [known(by, "step")]),
  ];
  const type = given.dtype === null || given.dtype === undefined ? resultType(...values) : canonicalDType(given.dtype);
  const number = (x: ConcreteArray, written: ArrayLike): number => {
    // A whole number counts as it is written, also beyond the integers of the dtype.
    const value = Number.isInteger(written) ? (written as number) : Number(elementOf(x));
    if (Number.isFinite(value)) return value;
    throw new RematValueError(
      `np.arange counts to a number: cannot convert float ${Number.isNaN(value) ? "NaN" : "infinity"} to integer. Give finite numbers.`,
    );
  };
  const [from, to] = last === null ? [literal(0, canonicalDType("int64"), true), values[0]] : [values[0], values[1]];
  const [first, end] = last === null ? [0, number(to, start)] : [number(from, start), number(to, last)];
  if (by !== null) {
    const each = values[values.length - 1];
    const worked: DType = type === "float16" || type === "bfloat16" ? "float32" : type;
    const n = Math.max(0, Math.ceil((end - first) / number(each, by)));
    const begin = convertElementType(from, worked);
    const stride = convertElementType(each, worked);
    return convertElementType(add(begin, mul(stride, counted(worked, [n], 0))), type);
  }
  const n = Math.max(0, Math.ceil(end - first));
  if (first === 0) return counted(type, [n], 0);
  return add(convertElementType(from, type), counted(type, [n], 0));
}

export interface LinspaceOptions extends DTypeOptions {
  readonly num?: number;
  readonly endpoint?: boolean;
  readonly axis?: number;
  /** Gives the step between two samples beside them. */
  readonly retstep?: boolean;
}

/** `num` numbers from `start` to `stop`, evenly spaced; `stop` is among them unless `endpoint` is false. */
export function linspace(
  start: ArrayLike,
  stop: ArrayLike,
  num: number | (LinspaceOptions & { readonly retstep: true }),
  options: LinspaceOptions & { readonly retstep: true },
): [samples: NDArray, step: NDArray];
export function linspace(
  start: ArrayLike,
  stop: ArrayLike,
  options: LinspaceOptions & { readonly retstep: true },
): [samples: NDArray, step: NDArray];
export function linspace(
  start: ArrayLike,
  stop: ArrayLike,
  num?: number | LinspaceOptions,
  options?: LinspaceOptions | boolean,
  more?: LinspaceOptions,
): NDArray;
export function linspace(
  start: ArrayLike,
  stop: ArrayLike,
  num?: number | LinspaceOptions,
  options?: LinspaceOptions | boolean,
  more?: LinspaceOptions,
): NDArray | [NDArray, NDArray] {
  const given = named<LinspaceOptions>(["num", "endpoint"], [num, options, more]);
  const [samples, step] = spaced(start, stop, given, given.retstep === true);
  return given.retstep === true ? [samples, step] : samples;
}

/** The same, with the distance between neighbours. */
export const linspaceWithStep = (
  start: ArrayLike,
  stop: ArrayLike,
  options: LinspaceOptions = {},
): readonly [NDArray, NDArray] => {
  const [x, step] = spaced(start, stop, options, true);
  return [x, step];
};

function spaced(
  start: ArrayLike,
  stop: ArrayLike,
  options: Partial<LinspaceOptions>,
  withStep = false,
): readonly NDArray[] {
  const { num = 50, endpoint = true, axis = 0 } = options;
  if (!Number.isInteger(num)) {
    throw new RematTypeError(
      `np.linspace makes a whole number of samples: 'float' object cannot be interpreted as an integer, got num=${num}. Round it.`,
    );
  }
  if (num < 0) throw new RematValueError(`Number of samples, ${num}, must be non-negative.`);
  const asked = options.dtype ?? null;
  const body = (x: NDArray, y: NDArray): NDArray[] => {
    const dtype = asked === null ? inexactDType(latticeResultType([x, y]).dtype) : canonicalDType(asked);
    const [out, delta] = between(x, y, num, endpoint, axis, inexactDType(dtype));
    const whole = isInteger(dtype) && !isInteger(out.dtype) ? floor(out) : out;
    return withStep ? [convertElementType(whole, dtype), delta] : [convertElementType(whole, dtype)];
  };
  return jittedAll("_linspace", keyOf(num, endpoint, asked, axis, withStep), body, [start, stop]);
}

function between(
  start: NDArray,
  stop: NDArray,
  num: number,
  endpoint: boolean,
  axis: number,
  dtype: DType,
): [NDArray, NDArray] {
  const from = convertElementType(start, dtype);
  const to = convertElementType(stop, dtype);
  const bounds = broadcastShapes(from.shape, to.shape);
  const [first, last] = [stretched(from, bounds), stretched(to, bounds)];
  const at = axis < 0 ? bounds.length + axis + 1 : axis;
  const wide = inserted(bounds, at, 1);
  const steps = endpoint ? num - 1 : num;
  const stage = (value: number, type: DType): NDArray => currentTrace().stageValue(literal(value, type));
  if (num === 0) {
    return [filledWith(inserted(bounds, at, 0), literal(0, "int32"), dtype), stage(NaN, dtype)];
  }
  if (num === 1) {
    const delta = endpoint ? stage(NaN, dtype) : sub(to, from);
    return [reshaped(first, wide), delta];
  }
  const real: DType = dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;
  const delta = div(sub(to, from), stage(steps, dtype));
  const ruler = wide.map((_, i) => (i === at ? steps : 1));
  const step = convertElementType(div(reshaped(counted(real, [steps], 0), ruler), stage(steps, real)), dtype);
  const front = reshaped(first, wide);
  const rest = sub(convertElementType(literal(1, dtype), dtype), step);
  const out = add(mul(front, rest), mul(reshaped(last, wide), step));
  return [endpoint ? concatenated([out, expanded(last, [at])], canonicalAxis(at, out.ndim)) : out, delta];
}

export interface EyeOptions extends DTypeOptions {
  readonly M?: number | null;
  /** Which diagonal; may be an array. */
  readonly k?: ArrayLike;
}

/** Ones on the k-th diagonal of an N by M matrix, zeros elsewhere. */
export function eye(
  N: number,
  M?: number | null | EyeOptions,
  k?: ArrayLike | EyeOptions,
  dtype?: DType | null | EyeOptions,
): NDArray {
  const given = named<EyeOptions>(["M", "k", "dtype"], [M, k, dtype]);
  const shape = canonicalShape([N, given.M ?? N]);
  const offset = toArray(given.k ?? 0, "eye", 2);
  if (shape.some((d) => d < 0)) {
    throw new RematValueError(`negative dimensions are not allowed, got ${N} and ${given.M ?? "None"}.`);
  }
  if (offset.ndim > 0 || !isInteger(offset.dtype)) {
    throw new RematValueError(`k must be a scalar integer; got ${offset.aval.toLongString()}.`);
  }
  const [i, j] = [counted(offset.dtype, shape, 0), counted(offset.dtype, shape, 1)];
  return convertElementType(
    eq(add(i, convertElementType(offset, offset.dtype)), j),
    canonicalDType(given.dtype ?? "float64"),
  );
}

/** The identity matrix. */
export const identity = (n: number, dtype?: DTypeOrOptions): NDArray => eye(n, { dtype: dtypeOf([dtype]) });

export interface TriOptions extends DTypeOptions {
  readonly M?: number | null;
  readonly k?: number;
}

/** Ones at and below the k-th diagonal of an N by M matrix, zeros elsewhere. */
export function tri(
  N: number,
  M?: number | null | TriOptions,
  k?: number | TriOptions,
  dtype?: DType | null | TriOptions,
): NDArray {
  const given = named<TriOptions>(["M", "k", "dtype"], [M, k, dtype]);
  return lowerOnes(canonicalShape([N, given.M ?? N]), given.k ?? 0, given.dtype ?? "float32");
}

/** A triangle of ones, at and below a diagonal. */
export function lowerOnes(shape: Shape, k: number, dtype: DType): NDArray {
  const int = canonicalDType("int64");
  const rows = add(counted(int, shape, 0), literal(k, int));
  return convertElementType(ge(rows, counted(int, shape, 1)), canonicalDType(dtype));
}

export interface MeshgridOptions {
  /** "xy" (the default) lays the first array along the second axis, "ij" along the first. */
  readonly indexing?: "xy" | "ij";
  readonly sparse?: boolean;
}

/** The coordinates of a grid: each array stretched over the grid that all of them span. */
export function meshgrid(...xi: readonly (ArrayLike | MeshgridOptions)[]): NDArray[] {
  const lastGiven = xi[xi.length - 1];
  const hasOptions =
    typeof lastGiven === "object" &&
    !(lastGiven instanceof NDArray) &&
    ("indexing" in lastGiven || "sparse" in lastGiven);
  const { indexing = "xy", sparse = false } = hasOptions ? lastGiven : {};
  const xs = (hasOptions ? xi.slice(0, -1) : xi).map((x, i) => arrayOf(x as ArrayLike, "meshgrid", i));
  if (xs.some((x) => x.ndim !== 1)) {
    throw new RematValueError(
      `Arguments to np.meshgrid must be 1D, got shapes [${xs.map((x) => tupleText(x.shape)).join(", ")}].`,
    );
  }
  if (indexing !== "xy" && indexing !== "ij") {
    throw new RematValueError(`Valid values for indexing are 'xy' and 'ij', got ${String(indexing)}.`);
  }
  const swap = (list: NDArray[]): void => {
    if (indexing === "xy" && list.length >= 2) [list[0], list[1]] = [list[1], list[0]];
  };
  swap(xs);
  const shape = xs.map((x) => (sparse ? 1 : x.shape[0]));
  const out = xs.map((x, i) => broadcastedInDim(x, sparse ? shape.with(i, x.shape[0]) : shape, [i]));
  swap(out);
  return out;
}
