/** Running sums and products, differences of neighbours, and where extremes are. */
import type { NDArray } from "../core/array.ts";
import { isInexact, type DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematIndexError, RematValueError } from "../errors.ts";
import { sub } from "../primitives/arithmetic.ts";
import { canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { ne } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import {
  accumulated,
  cumprod as cumprodP,
  cumsum as cumsumP,
  type CumulativeParams,
} from "../primitives/cumulative.ts";
import { concatenated } from "../primitives/join.ts";
import { sliced } from "../primitives/pad.ts";
import { argmax as argmaxP, argmin as argminP, type ArgParams } from "../primitives/reduce.ts";
import { reshaped } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { filledWith } from "./creation.ts";
import { jitted } from "./jitted.ts";
import { concatenate } from "./joining.ts";
import { keyOf, named } from "./options.ts";
import { all, promotedInteger } from "./reductions.ts";
import { broadcastTo, expandDims, inlined, ravel } from "./shape.ts";
import { subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

export interface CumulativeOptions {
  readonly axis?: number | null;
  readonly dtype?: DType | null;
}

type Cumulative = (
  a: ArrayLike,
  axis?: number | null | CumulativeOptions,
  dtype?: DType | null | CumulativeOptions,
) => NDArray;

/** The body of all running reductions: flattening, promotion, and the primitive. */
function run(
  primitive: Primitive<CumulativeParams>,
  a: NDArray,
  axis: number | null,
  dtype: DType | null,
  fill: number | null,
  promotes = false,
): NDArray {
  let x = axis === null || a.ndim === 0 ? reshaped(a, [a.size]) : a;
  const along = canonicalAxis(axis ?? 0, x.ndim);
  if (fill !== null) x = where(ne(x, x), constLike(x, fill), x);
  let result = dtype ?? (promotes || x.dtype === "bool" ? promotedInteger(x.dtype) : x.dtype);
  let computed = result;
  if (dtype === "bool") {
    if (x.dtype !== "bool") x = ne(x, constLike(x, 0));
    computed = promotedInteger("bool");
    result = "bool";
  }
  return convertElementType(accumulated(primitive, convertElementType(x, computed), along, false), result);
}

const canonical = (dtype: DType | null | undefined): DType | null =>
  dtype === null || dtype === undefined ? null : canonicalDType(dtype);

const cumulative =
  (name: string, primitive: Primitive<CumulativeParams>, fill: number | null): Cumulative =>
  (a, axis, dtype) => {
    const given = named<CumulativeOptions>(["axis", "dtype"], [axis, dtype]);
    const [along, type] = [given.axis ?? null, canonical(given.dtype)];
    return jitted(name, keyOf(along, type), (x) => run(primitive, x, along, type, fill), [a]);
  };

/** Running sums along an axis, or of the flattened array. */
export const cumsum: Cumulative = cumulative("cumsum", cumsumP, null);
/** Running products along an axis, or of the flattened array. */
export const cumprod: Cumulative = cumulative("cumprod", cumprodP, null);
/** Running sums in which NaN counts as 0. */
export const nancumsum: Cumulative = cumulative("nancumsum", cumsumP, 0);
/** Running products in which NaN counts as 1. */
export const nancumprod: Cumulative = cumulative("nancumprod", cumprodP, 1);

export interface CumulativeSumOptions extends CumulativeOptions {
  /** Puts the empty sum (product) in front. */
  readonly includeInitial?: boolean;
}

function standard(name: string, a: ArrayLike, options: CumulativeSumOptions, start: 0 | 1): NDArray {
  const x = toArray(a, name);
  const { axis = null, includeInitial = false } = options;
  const dtype = canonical(options.dtype);
  if (x.ndim === 0) {
    throw new RematValueError(
      `np.${name}: the input must be non-scalar, however a scalar value or scalar array was given.`,
    );
  }
  if (axis === null && x.ndim > 1) {
    throw new RematValueError(
      `The input array has rank ${x.ndim}, however axis was not set to an explicit value. The axis argument is only optional for ` +
        "one-dimensional arrays.",
    );
  }
  const along = canonicalAxis(axis ?? 0, x.ndim);
  const out =
    start === 0
      ? jitted("_cumsum_with_promotion", keyOf(along, dtype), (y) => run(cumsumP, y, along, dtype, null, true), [x])
      : run(cumprodP, x, along, dtype, null);
  if (!includeInitial) return out;
  const first = filledWith(x.shape.with(along, 1), literal(start, "int32"), out.dtype);
  return concatenated([first, out], along);
}

/** Running sums, with the Python array API's promotion. */
export const cumulativeSum = (x: ArrayLike, options: CumulativeSumOptions = {}): NDArray =>
  standard("cumulative_sum", x, options, 0);
/** Running products, with the Python array API's options. */
export const cumulativeProd = (x: ArrayLike, options: CumulativeSumOptions = {}): NDArray =>
  standard("cumulative_prod", x, options, 1);

export interface ArgOptions {
  readonly axis?: number | null;
  readonly keepdims?: boolean;
}

type Argument = (a: ArrayLike, axis?: number | null | ArgOptions, options?: ArgOptions) => NDArray;

const argument =
  (name: "argmax" | "argmin", primitive: Primitive<ArgParams>): Argument =>
  (a, axis, options) => {
    const given = named<ArgOptions>(["axis"], [axis, options]);
    const [asked, keepdims] = [given.axis ?? null, given.keepdims ?? false];
    const body = (array: NDArray): NDArray => {
      const x = asked === null ? ravel(array) : array;
      if (asked !== null && (asked < -x.ndim || asked >= x.ndim)) {
        throw new RematIndexError(
          `tuple index out of range: ${name} was given axis ${asked} for an array of shape ${tupleText(x.shape)}.`,
        );
      }
      const along = canonicalAxis(asked ?? 0, x.ndim);
      if (x.shape[along] === 0) {
        throw new RematValueError(`attempt to get ${name} of an empty sequence: the shape is ${tupleText(x.shape)}.`);
      }
      const out = bind1(primitive, [x], { axes: [along], index_dtype: canonicalDType("int64") });
      return keepdims ? expandDims(out, asked === null ? range(array.ndim) : [asked]) : out;
    };
    return inlined(`_${name}`, keyOf(asked, keepdims), body, a);
  };

/** The index of the first maximum along an axis, or in the flattened array. */
export const argmax: Argument = argument("argmax", argmaxP);
/** The index of the first minimum along an axis, or in the flattened array. */
export const argmin: Argument = argument("argmin", argminP);

export interface DiffOptions {
  /** How often differences are taken. */
  readonly n?: number;
  readonly axis?: number;
  readonly prepend?: ArrayLike | null;
  readonly append?: ArrayLike | null;
}

/** Differences of neighbours along an axis. */
export function diff(
  a: ArrayLike,
  n?: number | DiffOptions,
  axis?: number | DiffOptions,
  options?: DiffOptions,
): NDArray {
  const given = named<DiffOptions>(["n", "axis"], [n, axis, options]);
  const { n: times = 1, axis: along = -1, prepend = null, append = null } = given;
  const ends = [prepend, append].filter((x) => x !== null);
  return jitted(
    "diff",
    keyOf(times, along, prepend !== null, append !== null),
    (x, ...more) => {
      if (times === 0) return x;
      if (times < 0) throw new RematValueError(`order must be non-negative but got ${times}.`);
      if (x.ndim === 0)
        throw new RematValueError("diff requires input that is at least one dimensional; got a scalar.");
      const place = canonicalAxis(along, x.ndim);
      const wide = more.map((y) => (y.ndim === 0 ? broadcastTo(y, x.shape.with(place, 1)) : y));
      const parts = [...(prepend === null ? [] : [wide[0]]), x, ...(append === null ? [] : [wide[wide.length - 1]])];
      let out = parts.length > 1 ? concatenate(parts, place) : x;
      for (let k = 0; k < times; k++) out = neighbours(out, place);
      return out;
    },
    [a, ...ends],
  );
}

function neighbours(x: NDArray, axis: number): NDArray {
  const n = x.shape[axis];
  const zeros = x.shape.map(() => 0);
  const after = sliced(x, zeros.with(axis, Math.min(1, n)), x.shape);
  const before = sliced(x, zeros, x.shape.with(axis, Math.max(0, n - 1)));
  return x.dtype === "bool" ? ne(after, before) : subtract(after, before);
}

/** Differences of neighbours in the flattened array, with something put before and after. */
export function ediff1d(
  ary: ArrayLike,
  options: { readonly toEnd?: ArrayLike | null; readonly toBegin?: ArrayLike | null } = {},
): NDArray {
  const { toEnd = null, toBegin = null } = options;
  const args = [ary, ...(toEnd === null ? [] : [toEnd]), ...(toBegin === null ? [] : [toBegin])];
  return jitted(
    "ediff1d",
    keyOf(toEnd !== null, toBegin !== null),
    (x, ...more) => {
      const flat = ravel(x);
      let out = sub(sliced(flat, [1], [flat.size]), sliced(flat, [0], [flat.size - 1]));
      const as = (y: NDArray): NDArray => ravel(convertElementType(y, flat.dtype));
      if (toBegin !== null) out = concatenate([as(more[more.length - 1]), out]);
      if (toEnd !== null) out = concatenate([out, as(more[0])]);
      return out;
    },
    args,
  );
}

const nanArgument =
  (name: "nanargmax" | "nanargmin", find: Argument, worst: number): Argument =>
  (a, axis, options) => {
    const given = named<ArgOptions>(["axis"], [axis, options]);
    const along = { axis: given.axis ?? null, keepdims: given.keepdims ?? false };
    return jitted(
      `_${name}`,
      keyOf(along),
      (x) => {
        if (!isInexact(x.dtype)) return find(x, along);
        const isNaN = ne(x, x);
        const best = find(where(isNaN, literal(worst, canonicalDType("float64"), true), x), along);
        return where(all(isNaN, along), -1, best);
      },
      [a],
    );
  };

/** The index of the first maximum of what is not NaN; -1 if all is. */
export const nanargmax: Argument = nanArgument("nanargmax", argmax, -Infinity);
/** The index of the first minimum of what is not NaN; -1 if all is. */
export const nanargmin: Argument = nanArgument("nanargmin", argmin, Infinity);
