/**
 * Where arrays are not zero, and counting. The number of nonzero elements decides the shape of the result, so while tracing it has to be
 * given as `size`: what is too much is dropped, what lacks is filled.
 */
import type { NDArray } from "../core/array.ts";
import { isInteger, kindOf, type DType } from "../core/dtype.ts";
import { Tracer } from "../core/interpreter.ts";
import { canonicalDType, elementOf, literal, readElement } from "../core/scalar.ts";
import { ConcretizationTypeError, RematTypeError, RematValueError } from "../errors.ts";
import { canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { expanded, movedAxis, reshaped } from "../primitives/shape.ts";
import { array, asarray, concreteValue, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { arange, zeros } from "./creation.ts";
import { cumsum } from "./cumulative.ts";
import { getitem, slice } from "./indexing.ts";
import { indexArray } from "./indexParsing.ts";
import { vstack } from "./joining.ts";
import { greater, greaterEqual, less, notEqual } from "./logic.ts";
import { arrayOf, named } from "./options.ts";
import { clip } from "./piecewise.ts";
import { any, sum } from "./reductions.ts";
import { divmod, floorDivide, remainder } from "./rounding.ts";
import { atleast1d, ravel, transpose } from "./shape.ts";
import { argsort } from "./sorting.ts";
import { add, multiply } from "./ufuncs.ts";
import { where } from "./where.ts";

export interface NonzeroOptions {
  /** The number of places to return: needed while tracing. */
  readonly size?: number | null;
  /** What stands for missing places: a number, or one for each axis; 0 by default. */
  readonly fillValue?: ArrayLike | readonly ArrayLike[] | null;
}

/** The error for a value that decides a shape and is not known. */
export function shapeDependsOn(x: NDArray, explanation: string): ConcretizationTypeError {
  const origin = x instanceof Tracer ? x.origin() : "";
  return new ConcretizationTypeError(
    `Abstract tracer value encountered where concrete value is expected: traced array with shape ${x.aval.toLongString()}\n` +
      `${explanation}${origin}`,
  );
}

/**
 * The places of elements that are not zero: one array of indices for each axis.
 *
 *     const [rows, columns] = np.nonzero(x, { size: 4, fillValue: -1 })
 */
export function nonzero(a: ArrayLike, { size = null, fillValue = null }: NonzeroOptions = {}): readonly NDArray[] {
  const x = arrayOf(a, "nonzero");
  if (x.ndim === 0) {
    throw new RematValueError(
      "Calling nonzero on 0d arrays is not allowed. Use np.nonzero(np.atleast1d(scalar)) instead.",
    );
  }
  const mask = x.dtype === "bool" ? x : notEqual(x, 0);
  const length = size ?? countOf(mask);
  const dtype = canonicalDType("int64");
  if (x.size === 0 || length === 0) return x.shape.map(() => zeros([length], { dtype }));
  // the i-th place is preceded by as many elements as there are with at most i true ones up to them
  const places = cumsum(bincount(cumsum(mask), { length }));
  const strides = range(x.ndim).map((axis) => x.shape.slice(axis + 1).reduce((n, d) => n * d, 1));
  const out = x.shape.map((n, axis) => remainder(floorDivide(places, literal(strides[axis], places.dtype)), n));
  if (fillValue === null) return out;
  const fills = Array.isArray(fillValue)
    ? (fillValue as readonly ArrayLike[])
    : x.shape.map(() => fillValue as ArrayLike);
  const missing = greaterEqual(arange(length), sum(mask));
  return out.map((entry, axis) => where(missing, fills[axis], entry));
}

function countOf(mask: NDArray): number {
  const count = sum(mask);
  const known = concreteValue(count);
  if (known === null) {
    throw shapeDependsOn(
      count,
      "The size argument of jnp.nonzero must be statically specified to use jnp.nonzero within JAX transformations: pass { size }, or " +
        "use np.where(condition, x, y).",
    );
  }
  return Number(elementOf(known));
}

/** The places of nonzero elements in the flattened array. */
export const flatnonzero = (a: ArrayLike, options: NonzeroOptions = {}): NDArray => nonzero(ravel(a), options)[0];

/** The places of nonzero elements: one row of indices for each. */
export function argwhere(a: ArrayLike, options: NonzeroOptions = {}): NDArray {
  const x = arrayOf(a, "argwhere");
  const rows = transpose(vstack(nonzero(atleast1d(x), options)));
  return reshaped(x.ndim === 0 ? getitem(rows, slice(null), slice(0)) : rows, [rows.shape[0], x.ndim]);
}

export interface BincountOptions {
  readonly weights?: ArrayLike | null;
  readonly minlength?: number;
  /** The number of bins: needed while tracing. */
  readonly length?: number | null;
}

/** How often each of 0, 1, 2, ... occurs among integers, or the sums of their weights. */
export function bincount(
  x: ArrayLike,
  ...given0: readonly (ArrayLike | null | BincountOptions | undefined)[]
): NDArray {
  const options = named<BincountOptions>(["weights", "minlength"], given0);
  const { weights = null, minlength = 0 } = options;
  const given = arrayOf(indexArray(x), "bincount");
  const numbers = given.dtype === "bool" ? convertElementType(given, "int32") : given;
  if (!isInteger(numbers.dtype)) {
    throw new RematTypeError(
      `x argument to bincount must have an integer type; got ${numbers.dtype}. Convert it first.`,
    );
  }
  if (numbers.ndim !== 1) {
    throw new RematValueError(
      `bincount: only 1-dimensional input supported, got shape ${tupleText(numbers.shape)}. Flatten it.`,
    );
  }
  const length = options.length ?? Math.max(minlength, greatestOf(numbers) + 1);
  const w = weights === null ? literal(1, canonicalDType("int64")) : asarray(weights);
  if (weights !== null && tupleText(w.shape) !== tupleText(numbers.shape)) {
    throw new RematValueError(
      `type of weights must match type of x. Got typeof(x)=${numbers.aval.toString()} and typeof(weights)=${w.aval.toString()}.`,
    );
  }
  const bins = zeros([length], { dtype: w.dtype });
  return at(bins, clip(numbers, 0)).add(w, { mode: "drop" });
}

function greatestOf(x: NDArray): number {
  const known = concreteValue(x);
  if (known === null) {
    throw shapeDependsOn(
      x,
      "The error occurred because of argument 'x' of jnp.bincount. To avoid this error, pass a static `length` argument: { length }.",
    );
  }
  let greatest = -1;
  for (let i = 0; i < known.size; i++) greatest = Math.max(greatest, Number(readElement(known.data, known.dtype, i)));
  return greatest;
}

export interface CompressOptions {
  readonly axis?: number | null;
  /** The number of elements to return: needed while tracing. */
  readonly size?: number | null;
  readonly fillValue?: ArrayLike;
}

/** The elements along an axis where a condition is true. */
export function compress(condition: ArrayLike, a: ArrayLike, options: CompressOptions = {}): NDArray {
  const { axis = null, size = null, fillValue = 0 } = options;
  const given = asarray(a);
  const along = axis === null ? 0 : canonicalAxis(axis, given.ndim);
  const all = axis === null ? ravel(given) : movedAxis(given, along, 0);
  const mask = convertElementType(asarray(condition), "bool");
  if (mask.ndim !== 1)
    throw new RematValueError(`condition must be a 1D array, got shape ${tupleText(mask.shape)}. Flatten it.`);
  const n = all.shape[0];
  const kept = getitem(mask, slice(n));
  const extra = getitem(mask, slice(n, null));
  const arr = getitem(all, slice(kept.shape[0]));
  if (size === null) {
    const beyond = concreteValue(any(extra));
    if (beyond !== null && elementOf(beyond) === true) {
      throw new RematValueError(
        `condition contains entries that are out of bounds: it has ${mask.shape[0]} for ${n} elements.`,
      );
    }
    return movedAxis(getitem(arr, kept), 0, along);
  }
  if (size < 0 || size > arr.shape[0]) {
    throw new RematValueError(
      `size must be positive and not greater than the size of the array axis; got size=${size} for a.shape[axis]=${arr.shape[0]}.`,
    );
  }
  const filled = where(expanded(kept, range(arr.ndim - 1, 1)), arr, array(asarray(fillValue), { dtype: arr.dtype }));
  const order = argsort(kept, { descending: true });
  return movedAxis(getitem(getitem(filled, order), slice(size)), 0, along);
}

/** The elements of the flattened array where a condition is true. */
export const extract = (condition: ArrayLike, arr: ArrayLike, options: Omit<CompressOptions, "axis"> = {}): NDArray =>
  compress(ravel(condition), ravel(arr), options);

/** Places in a flattened array as indices for each axis of a shape; what lies outside is moved to the nearest place. */
export function unravelIndex(indices: ArrayLike, shape: readonly number[] | number): readonly NDArray[] {
  const sizes = typeof shape === "number" ? [shape] : shape;
  let rest = asarray(indexArray(indices));
  const out: NDArray[] = [];
  for (const n of sizes.toReversed()) {
    const [quotient, index] = divmod(rest, n);
    out.unshift(index);
    rest = quotient;
  }
  const above = greater(rest, 0);
  const below = kindOf(rest.dtype) === "uint" ? asarray(false) : less(rest, -1);
  return out.map((index, axis) => {
    const notBelow = where(below, 0, index);
    return where(above, sizes[axis] - 1, notBelow);
  });
}

export interface RavelMultiIndexOptions {
  /** What happens to indices outside: "raise" (needs known ones), "wrap", "clip" or "ignore". */
  readonly mode?: "raise" | "wrap" | "clip" | "ignore";
  readonly order?: "C" | "F";
  readonly dtype?: DType | null;
}

/** The inverse of `unravelIndex`: places in the flattened array. */
export function ravelMultiIndex(
  multiIndex: readonly ArrayLike[],
  dims: readonly number[],
  options: RavelMultiIndexOptions = {},
): NDArray {
  const { mode = "raise", order = "C", dtype = null } = options;
  const type = canonicalDType(dtype ?? "int64");
  const given = multiIndex.map((i) => asarray(indexArray(i)));
  const indices = given.map((index, axis) => {
    if (!isInteger(index.dtype))
      throw new RematTypeError(`ravelMultiIndex: only int indices permitted, got ${index.dtype}.`);
    const n = dims[axis];
    if (mode === "wrap") return remainder(index, n);
    if (mode === "clip") return clip(index, 0, n - 1);
    if (mode === "ignore") return index;
    const known = concreteValue(index);
    if (known === null) {
      throw shapeDependsOn(
        index,
        "The error occurred because ravel_multi_index was jit-compiled with mode='raise'. Use mode='wrap' or mode='clip' instead.",
      );
    }
    for (let i = 0; i < known.size; i++) {
      const value = Number(readElement(known.data, known.dtype, i));
      if (value < 0 || value >= n)
        throw new RematValueError(`invalid entry in coordinates array: ${value} for an axis of size ${n}.`);
    }
    return index;
  });
  const strideOf = (axis: number): number =>
    (order === "C" ? dims.slice(axis + 1) : dims.slice(0, axis)).reduce((n, d) => n * d, 1);
  return indices.reduce(
    (total, index, axis) => add(total, multiply(convertElementType(index, type), strideOf(axis))),
    asarray(literal(0, type)),
  );
}
