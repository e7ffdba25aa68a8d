/** Derivatives and integrals of samples, samples on other scales, and products along one axis. */
import type { NDArray } from "../core/array.ts";
import { matchAxis } from "../core/axes.ts";
import { batchFlat } from "../core/batch.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { neg, sub } from "../primitives/arithmetic.ts";
import { canonicalAxes, canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { conj } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { counted } from "../primitives/iota.ts";
import { stacked } from "../primitives/join.ts";
import { slicedAlong } from "../primitives/pad.ts";
import { broadcastedInDim, expanded, squeezed, transposed } from "../primitives/shape.ts";
import { float, toArray, type ArrayLike } from "./asarray.ts";
import { matmul, vdot, type ProductOptions } from "./contractions.ts";
import { linspace, type LinspaceOptions } from "./creation.ts";
import { diff } from "./cumulative.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted, jittedAll } from "./jitted.ts";
import { concatenate } from "./joining.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { broadcastShapes, inexactDType, promoteDtypesInexact, resultType } from "./promote.ts";
import { sum } from "./reductions.ts";
import { reshape, moveaxis } from "./shape.ts";
import { add, divide, log10, multiply, power, sign, subtract } from "./ufuncs.ts";

export interface TrapezoidOptions {
  /** The places of the samples. */
  readonly x?: ArrayLike | null;
  /** Their distance, if they are evenly spaced. */
  readonly dx?: ArrayLike;
  readonly axis?: number;
}

/** The integral of samples by the trapezoidal rule. */
export function trapezoid(
  y: ArrayLike,
  x?: ArrayLike | null | TrapezoidOptions,
  dx?: ArrayLike | TrapezoidOptions,
): NDArray {
  const given = named<TrapezoidOptions>(["x", "dx"], [x, dx]);
  const { x: places = null, dx: distance, axis = -1 } = given;
  const args = [y, ...(places === null ? [] : [places]), ...(distance === undefined ? [] : [distance])];
  return jitted(
    "trapezoid",
    keyOf(axis, places !== null, distance !== undefined),
    (first, ...more) => {
      let samples: NDArray;
      let step: NDArray;
      if (places === null) {
        [samples] = promoteDtypesInexact(first);
        step = distance === undefined ? float(1) : more[0];
        if (step.ndim > 0) step = moveaxis(expanded(step, range(samples.ndim - step.ndim)), axis, -1);
      } else {
        const [p, q] = promoteDtypesInexact(first, more[0]);
        samples = p;
        step = q.ndim === 1 ? diff(q) : moveaxis(diff(q, { axis }), axis, -1);
      }
      const f = moveaxis(samples, axis, -1);
      if (step.ndim === 0 || step.shape[step.ndim - 1] === 1) {
        const h = step.ndim === 0 ? step : getitem(step, "...", 0);
        const total = sum(f, -1);
        const ends = add(getitem(f, "...", 0), getitem(f, "...", -1));
        return multiply(h, subtract(total, multiply(0.5, ends)));
      }
      const pairs = add(getitem(f, "...", slice(1, null)), getitem(f, "...", slice(null, -1)));
      return multiply(0.5, sum(multiply(step, pairs), -1));
    },
    args,
  );
}

/** Differences of neighbours, central inside and one-sided at the ends, along each axis; spacings are distances or coordinates. */
export function gradient(
  f: ArrayLike,
  ...rest: readonly (ArrayLike | { readonly axis?: number | readonly number[] | null })[]
): NDArray | readonly NDArray[] {
  const options = named<{ axis: number | readonly number[] | null }>([], rest);
  const spacing = rest.filter((x) => typeof x !== "object" || !("axis" in x)) as ArrayLike[];
  const rank = toArray(f, "gradient").ndim;
  const axes = canonicalAxes(options.axis ?? null, rank);
  if (axes.length === 0) return [];
  if (spacing.length > 1 && spacing.length !== axes.length) {
    throw new RematTypeError(`Invalid number of spacing arguments ${spacing.length} for axis=${tupleText(axes)}.`);
  }
  const outs = jittedAll(
    "gradient",
    keyOf(axes, spacing.length),
    (array, ...given) => {
      const [a, ...hs] = promoteDtypesInexact(array, ...given);
      if (axes.some((axis) => a.shape[axis] < 2)) {
        throw new RematValueError(
          `Shape of array too small to calculate a numerical gradient, at least 2 elements are required: got ${tupleText(a.shape)}.`,
        );
      }
      return axes.map((axis, i) => slopes(a, hs.length === 0 ? float(1) : hs[hs.length === 1 ? 0 : i], axis));
    },
    [f, ...spacing],
  );
  return outs.length === 1 ? outs[0] : outs;
}

function slopes(a: NDArray, h: NDArray, axis: number): NDArray {
  const n = a.shape[axis];
  const part = (x: NDArray, start: number, limit: number): NDArray => slicedAlong(x, start, limit, axis);
  const upper = subtract(part(a, 1, 2), part(a, 0, 1));
  const lower = subtract(part(a, n - 1, n), part(a, n - 2, n - 1));
  if (h.ndim === 0) {
    const inner = divide(multiply(subtract(part(a, 2, n), part(a, 0, n - 2)), 0.5), h);
    const last = divide(lower, h);
    return concatenate([divide(upper, h), inner, last], axis);
  }
  if (h.ndim !== 1 || h.shape[0] !== n) {
    throw new RematValueError(
      `Spacing arrays must have the same length as the dimension along which the gradient is calculated: ${tupleText(h.shape)} for ${n}.`,
    );
  }
  const x = reshape(
    h,
    a.shape.map((_, i) => (i === axis ? n : 1)),
  );
  const first = divide(upper, subtract(part(x, 1, 2), part(x, 0, 1)));
  const last = divide(lower, subtract(part(x, n - 1, n), part(x, n - 2, n - 1)));
  const before = subtract(part(x, 1, n - 1), part(x, 0, n - 2));
  const after = subtract(part(x, 2, n), part(x, 1, n - 1));
  const minus = neg(after);
  const p = divide(minus, multiply(before, add(before, after)));
  const q = divide(subtract(after, before), multiply(before, after));
  const r = divide(before, multiply(after, add(before, after)));
  const inner = add(add(multiply(p, part(a, 0, n - 2)), multiply(q, part(a, 1, n - 1))), multiply(r, part(a, 2, n)));
  return concatenate([first, inner, last], axis);
}

export interface VanderOptions {
  readonly N?: number | null;
  readonly increasing?: boolean;
}

/** Powers of the elements as columns, the highest first. */
export function vander(x: ArrayLike, N?: number | null | VanderOptions, increasing?: boolean | VanderOptions): NDArray {
  const given = named<VanderOptions>(["N", "increasing"], [N, increasing]);
  const { N: columns = null, increasing: up = false } = given;
  return jitted(
    "vander",
    keyOf(columns, up),
    (v) => {
      if (v.ndim !== 1)
        throw new RematValueError(`x must be a one-dimensional array, got shape ${tupleText(v.shape)}.`);
      const n = columns ?? v.shape[0];
      if (n < 0) throw new RematValueError(`N must be nonnegative, got ${n}.`);
      const count = counted(v.dtype, [n], 0);
      const exponents = up ? count : sub(constLike(count, n - 1), count);
      return power(getitem(v, "...", null), expanded(exponents, [0]));
    },
    [x],
  );
}

export interface LogspaceOptions extends LinspaceOptions {
  readonly base?: ArrayLike;
}

/** Numbers whose logarithms are evenly spaced, from base^start to base^stop. */
export function logspace(
  start: ArrayLike,
  stop: ArrayLike,
  num?: number | LogspaceOptions,
  options?: LogspaceOptions,
): NDArray {
  const given = named<LogspaceOptions>(["num"], [num, options]);
  const { num: n = 50, endpoint = true, base = float(10), dtype: asked = null, axis = 0 } = given;
  return jitted(
    "_logspace",
    keyOf(n, endpoint, asked, axis),
    (x, y, by) => {
      const dtype = asked === null ? inexactDType(resultType(x, y)) : canonicalDType(asked);
      const computed = inexactDType(dtype);
      const [from, to] = [convertElementType(x, computed), convertElementType(y, computed)];
      const exponents = linspace(from, to, { num: n, endpoint, axis });
      return convertElementType(power(by, exponents), dtype);
    },
    [start, stop, base],
  );
}

/** Numbers each of which is the one before times a factor, from `start` to `stop`. */
export function geomspace(
  start: ArrayLike,
  stop: ArrayLike,
  num?: number | LinspaceOptions,
  options?: LinspaceOptions,
): NDArray {
  const given = named<LinspaceOptions>(["num"], [num, options]);
  const { num: n = 50, endpoint = true, dtype: asked = null, axis = 0 } = given;
  return jitted(
    "_geomspace",
    keyOf(n, endpoint, asked, axis),
    (x, y) => {
      const dtype = asked === null ? inexactDType(resultType(x, y)) : canonicalDType(asked);
      const computed = inexactDType(dtype);
      const [from, to] = [convertElementType(x, computed), convertElementType(y, computed)];
      const side = sign(from);
      const ends = [log10(divide(from, side)), log10(divide(to, side))] as const;
      const out = multiply(side, logspace(...ends, { num: n, endpoint, base: float(10), dtype: computed, axis: 0 }));
      const place = canonicalAxis(axis, out.ndim);
      const order = [...range(place, 1), 0, ...range(out.ndim - place - 1, place + 1)];
      return convertElementType(place === 0 ? out : transposed(out, order), dtype);
    },
    [start, stop],
  );
}

/** Maps a function over all axes but the last few of its operands, as if they were broadcast. */
function mapped(fn: (xs: readonly NDArray[]) => NDArray, xs: readonly NDArray[], cores: readonly number[]): NDArray {
  const lead = xs.map((x, i) => x.shape.slice(0, x.ndim - cores[i]));
  const shape = broadcastShapes(...lead);
  // Axes of size one are removed: their operand is not mapped along them.
  const args = xs.map((x, i) =>
    squeezed(
      x,
      range(lead[i].length).filter((d) => lead[i][d] === 1 && shape[d + shape.length - lead[i].length] !== 1),
    ),
  );
  const call = (ys: readonly NDArray[], depth: number): NDArray => {
    if (depth === shape.length) return fn(ys);
    const dims = xs.map((_, i) => {
      const d = depth - (shape.length - lead[i].length);
      return d >= 0 && !(lead[i][d] === 1 && shape[depth] !== 1) ? 0 : null;
    });
    const out = batchFlat((zs) => [call(zs, depth + 1)], shape[depth], ys, dims);
    return matchAxis(shape[depth], out.dims[0], 0, out.outs[0]);
  };
  return call(args, 0);
}

export interface VecdotOptions extends ProductOptions {
  readonly axis?: number;
}

/** The inner products along one axis, the others broadcast. */
export function vecdot(x1: ArrayLike, x2: ArrayLike, options: VecdotOptions = {}): NDArray {
  const { axis = -1, ...rest } = options;
  const [x, y] = [arrayOf(x1, "vecdot"), arrayOf(x2, "vecdot", 1)];
  if (x.shape.at(axis) !== y.shape.at(axis)) {
    throw new RematValueError(
      `axes must match; got shapes ${tupleText(x.shape)} and ${tupleText(y.shape)} with axis=${axis}.`,
    );
  }
  return mapped(([p, q]) => vdot(p, q, rest), [moveaxis(x, axis, -1), moveaxis(y, axis, -1)], [1, 1]);
}

/** Products of matrices and vectors, leading axes broadcast. */
export const matvec = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted("matvec", "", (x, y) => mapped(([p, q]) => matmul(p, q), [x, y], [2, 1]), [x1, x2]);

/** Products of (conjugated) vectors and matrices, leading axes broadcast. */
export const vecmat = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted("vecmat", "", (x, y) => mapped(([p, q]) => matmul(p, q), [isComplex(x.dtype) ? conj(x) : x, y], [1, 2]), [
    x1,
    x2,
  ]);

export interface IndicesOptions {
  readonly dtype?: DType | null;
  readonly sparse?: boolean;
}

/** The indices of a grid: along the first axis of the result, those of each axis. */
export function indices(dimensions: readonly number[], dtype?: DType | null | IndicesOptions): NDArray {
  const type = canonicalDType(named<IndicesOptions>(["dtype"], [dtype]).dtype ?? "int64");
  return stacked(
    dimensions.map((n, i) => broadcastedInDim(counted(type, [n], 0), dimensions, [i])),
    0,
  );
}

/** The same as arrays that broadcast to the grid. */
export function sparseIndices(dimensions: readonly number[], dtype: DType | null = null): readonly NDArray[] {
  const type = canonicalDType(dtype ?? "int64");
  return dimensions.map((n, i) =>
    broadcastedInDim(
      counted(type, [n], 0),
      dimensions.map((_, d) => (d === i ? n : 1)),
      [i],
    ),
  );
}

/** An array without some slices along an axis (of the flattened array without one); the indices are host integers. */
export function deleteAt(
  arr: ArrayLike,
  obj: number | readonly number[],
  axis?: number | null | { readonly axis?: number | null },
): NDArray {
  const given = named<{ axis: number | null }>(["axis"], [axis]).axis ?? null;
  const x = given === null ? reshape(arr, -1) : arrayOf(arr, "delete");
  const along = canonicalAxis(given ?? 0, x.ndim);
  const whole = range(along).map(() => slice(null));
  if (typeof obj === "number") {
    const i = canonicalAxis(obj, x.shape[along]);
    return concatenate([getitem(x, ...whole, slice(0, i)), getitem(x, ...whole, slice(i + 1, null))], along);
  }
  const gone = new Set(obj.map((i) => canonicalAxis(i, x.shape[along])));
  return getitem(
    x,
    ...whole,
    range(x.shape[along]).filter((i) => !gone.has(i)),
  );
}

export { deleteAt as delete };

/** Applies a function of vectors to every line of an array along an axis; its result stands in place of the axis. */
export function applyAlongAxis(func1d: (line: NDArray) => NDArray, axis: number, arr: ArrayLike): NDArray {
  const x = arrayOf(arr, "apply_along_axis", 2);
  const along = canonicalAxis(axis, x.ndim);
  const over =
    (fn: (y: NDArray) => NDArray, from: number, to: number) =>
    (y: NDArray): NDArray => {
      const out = batchFlat(([z]) => [fn(z)], y.shape[from], [y], [from]);
      const place = to < 0 ? to + out.outs[0].ndim + (out.dims[0] === null ? 1 : 0) : to;
      return matchAxis(y.shape[from], out.dims[0], place, out.outs[0]);
    };
  let fn = func1d;
  for (let i = 1; i < x.ndim - along; i++) fn = over(fn, i, -1);
  for (let i = 0; i < along; i++) fn = over(fn, 0, 0);
  return fn(x);
}
