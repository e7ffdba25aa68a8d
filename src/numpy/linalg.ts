/** Norms of vectors and matrices, and the products of NumPy that stand in `linalg` too. */
import type { NDArray } from "../core/array.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { mul } from "../primitives/arithmetic.ts";
import { pow } from "../primitives/pow.ts";
import { canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { ne } from "../primitives/comparison.ts";
import { conj, real } from "../primitives/complex.ts";
import { sqrt } from "../primitives/elementwise.ts";
import type { PrecisionLike } from "../primitives/precision.ts";
import { expanded } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { vecdot } from "./calculus.ts";
import { matmul, outer as outerOf, tensordot } from "./contractions.ts";
import { eye } from "./creation.ts";
import { diagonal as diagonalOf, trace as traceOf } from "./diagonals.ts";
import { einsum } from "./einsum.ts";
import { getitem } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { svdvals as svdvalsOf } from "./linalgDecompositions.ts";
import { inv } from "./linalgSolve.ts";
import { bitwiseAnd, isnan, logicalNot } from "./logic.ts";
import { keyOf, named } from "./options.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { any, max, min, sum, type Axis } from "./reductions.ts";
import { broadcastTo, matrixTranspose, moveaxis } from "./shape.ts";
import { cross as crossOf } from "./signal.ts";
import { absolute, divide, multiply } from "./ufuncs.ts";
import { where } from "./where.ts";

/** The order of a norm: a number (Infinity and -Infinity too), "fro" or "nuc". */
export type NormOrder = number | string | null;

export interface NormOptions {
  readonly ord?: NormOrder;
  readonly axis?: Axis;
  readonly keepdims?: boolean;
}

type Along = { readonly axis: Axis; readonly keepdims: boolean };

/** The square root of the sum of squares. */
const euclidean = (x: NDArray, along: Along): NDArray => {
  const squares = isComplex(x.dtype) ? real(mul(x, conj(x))) : mul(x, x);
  return sqrt(sum(squares, along));
};

const realOf = (dtype: DType): DType =>
  dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;

function vector(x: NDArray, ord: NormOrder, along: Along): NDArray {
  if (ord === null || ord === 2) return euclidean(x, along);
  if (ord === Infinity) return max(absolute(x), { ...along, initial: 0 });
  if (ord === -Infinity) return min(absolute(x), along);
  if (ord === 0) return sum(ne(x, constLike(x, 0)), { ...along, dtype: realOf(x.dtype) });
  if (ord === 1) return sum(absolute(x), along);
  if (typeof ord === "string") {
    throw new RematValueError(`Invalid order '${ord}' for vector norm. Use a number, Infinity or -Infinity.`);
  }
  const size = absolute(x);
  return pow(sum(pow(size, constLike(size, ord)), along), constLike(size, 1 / ord));
}

function matrix(x: NDArray, ord: NormOrder, [rows, columns]: readonly number[], keepdims: boolean): NDArray {
  if (ord === null || ord === "f" || ord === "fro") return euclidean(x, { axis: [rows, columns], keepdims });
  const after = (axis: number, gone: number): number => (!keepdims && axis > gone ? axis - 1 : axis);
  const sums = (axis: number): NDArray => sum(absolute(x), { axis, keepdims });
  switch (ord) {
    case 1:
      return max(sums(rows), { axis: after(columns, rows), keepdims, initial: 0 });
    case -1:
      return min(sums(rows), { axis: after(columns, rows), keepdims });
    case Infinity:
      return max(sums(columns), { axis: after(rows, columns), keepdims, initial: 0 });
    case -Infinity:
      return min(sums(columns), { axis: after(rows, columns), keepdims });
    case 2:
    case -2:
    case "nuc": {
      const s = svdvalsOf(moveaxis(x, [rows, columns], [-2, -1]));
      const y =
        ord === "nuc" ? sum(s, { axis: -1 }) : ord === 2 ? max(s, { axis: -1, initial: 0 }) : min(s, { axis: -1 });
      return keepdims ? expanded(y, [rows, columns]) : y;
    }
    default:
      throw new RematValueError(
        `Invalid order '${String(ord)}' for matrix norm. Use "fro", 1, -1, Infinity or -Infinity.`,
      );
  }
}

/**
 * The norm of a vector (one axis), a matrix (two axes), or of all elements.
 *
 *     np.linalg.norm(x), np.linalg.norm(x, { axis: 1 }), np.linalg.norm(x, 1)
 */
export function norm(
  x: ArrayLike,
  ord?: NormOrder | NormOptions,
  axis?: Axis | NormOptions,
  keepdims?: boolean | NormOptions,
): NDArray {
  const given = named<NormOptions>(["ord", "axis", "keepdims"], [ord, axis, keepdims]);
  const { ord: order = null, axis: along = null, keepdims: keeps = false } = given;
  return jitted(
    "norm",
    keyOf(String(order), along, keeps),
    (array) => {
      const [a] = promoteDtypesInexact(array);
      if (along === null && order === null) return euclidean(a, { axis: null, keepdims: keeps });
      const axes =
        along === null
          ? range(a.ndim)
          : (typeof along === "number" ? [along] : along).map((i) => canonicalAxis(i, a.ndim));
      if (axes.length === 1) return vector(a, order, { axis: axes, keepdims: keeps });
      if (axes.length === 2) return matrix(a, order, axes, keeps);
      throw new RematValueError(
        `Improper number of axes for norm: axis=${tupleText(axes)}. Pass one axis to compute a vector-norm, or two axes to compute a ` +
          "matrix-norm.",
      );
    },
    [toArray(x, "norm")],
  );
}

/** The norm of the last two axes. */
export const matrixNorm = (
  x: ArrayLike,
  options: { readonly keepdims?: boolean; readonly ord?: NormOrder } = {},
): NDArray => norm(x, { ord: options.ord ?? "fro", keepdims: options.keepdims, axis: [-2, -1] });

/** The vector norm over the given axes. */
export function vectorNorm(x: ArrayLike, options: NormOptions = {}): NDArray {
  return vector(toArray(x, "vector_norm"), options.ord ?? 2, {
    axis: options.axis ?? null,
    keepdims: options.keepdims ?? false,
  });
}

export * from "./linalgDecompositions.ts";
export * from "./linalgSolve.ts";
export { matmul, matrixTranspose, tensordot, vecdot };

/** The cross product of vectors of three elements. */
export function cross(x1: ArrayLike, x2: ArrayLike, options: { readonly axis?: number } = {}): NDArray {
  const { axis = -1 } = options;
  const sizes = [x1, x2].map((x) => toArray(x, "cross").shape.at(axis));
  if (sizes.some((n) => n !== 3)) {
    throw new RematValueError(
      "Both input arrays must be (arrays of) 3-dimensional vectors, but they have " +
        `x1.shape[axis]=${sizes[0]} and x2.shape[axis]=${sizes[1]}.`,
    );
  }
  return crossOf(x1, x2, { axis });
}

/** All products of an element of one vector with one of another. */
export function outer(x1: ArrayLike, x2: ArrayLike): NDArray {
  const ranks = [x1, x2].map((x) => toArray(x, "outer").ndim);
  if (ranks.some((n) => n !== 1)) {
    throw new RematValueError(
      `Input arrays must be one-dimensional, but they are x1.ndim=${ranks[0]} x2.ndim=${ranks[1]}.`,
    );
  }
  return outerOf(x1, x2);
}

/** The diagonals of matrices. */
export const diagonal = (x: ArrayLike, options: { readonly offset?: number } = {}): NDArray =>
  diagonalOf(x, { offset: options.offset ?? 0, axis1: -2, axis2: -1 });

/** The traces of matrices. */
export const trace = (
  x: ArrayLike,
  options: { readonly offset?: number; readonly dtype?: DType | null } = {},
): NDArray => traceOf(x, { offset: options.offset ?? 0, axis1: -2, axis2: -1, dtype: options.dtype });

/** A square matrix multiplied with itself, n times in all; with a negative n its inverse. */
export function matrixPower(a: ArrayLike, n: number): NDArray {
  return jitted(
    "matrix_power",
    keyOf(n),
    (x) => {
      if (x.ndim < 2) {
        throw new RematTypeError(`${x.ndim}-dimensional array given. Array must be at least two-dimensional.`);
      }
      if (x.shape.at(-2) !== x.shape.at(-1)) {
        throw new RematTypeError(`Last 2 dimensions of the array must be square: the shape is ${tupleText(x.shape)}.`);
      }
      if (!Number.isInteger(n)) throw new RematTypeError(`exponent must be an integer, got ${n}.`);
      if (n < 0) return matrixPowerOf(inv(x), -n);
      if (n === 0) return broadcastTo(eye(x.shape.at(-2)!, { dtype: x.dtype }), x.shape);
      return matrixPowerOf(x, n);
    },
    [a],
  );
}

/** Of an exponent that is at least one. */
function matrixPowerOf(x: NDArray, n: number): NDArray {
  if (n === 1) return x;
  if (n <= 3) return n === 2 ? matmul(x, x) : matmul(matmul(x, x), x);
  let power: NDArray | null = null;
  let result: NDArray | null = null;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    power = power === null ? x : matmul(power, power);
    if (left % 2 === 1) result = result === null ? power : matmul(result, power);
  }
  return result!;
}

/** How much a matrix stretches some vectors more than others: by singular values, or by a norm `p` of it and its inverse. */
export function cond(x: ArrayLike, p: NormOrder = null): NDArray {
  return jitted(
    "cond",
    keyOf(String(p)),
    (a) => {
      if (a.ndim < 2) {
        throw new RematValueError(
          `jnp.linalg.cond: input array must be at least 2D; got arr.shape=${tupleText(a.shape)}.`,
        );
      }
      if (a.shape.slice(-2).includes(0)) {
        throw new RematValueError(
          `jnp.linalg.cond: input array must not be empty; got arr.shape=${tupleText(a.shape)}.`,
        );
      }
      if (p === null || p === 2) {
        const s = svdvalsOf(a);
        return divide(getitem(s, "...", 0), getitem(s, "...", -1));
      }
      let r: NDArray;
      if (p === -2) {
        const s = svdvalsOf(a);
        r = divide(getitem(s, "...", -1), getitem(s, "...", 0));
      } else {
        if (a.shape.at(-1) !== a.shape.at(-2)) {
          throw new RematValueError(
            `jnp.linalg.cond: for p=${String(p)}, array must be square; got arr.shape=${tupleText(a.shape)}.`,
          );
        }
        const along = { ord: p, axis: [-2, -1] };
        r = multiply(norm(a, along), norm(inv(a), along));
      }
      const unknown = isnan(r);
      return where(bitwiseAnd(unknown, logicalNot(any(isnan(a), { axis: [-2, -1] }))), Infinity, r);
    },
    [x],
  );
}

/** The product of several matrices (the first and last may be vectors), in the cheapest order. */
export function multiDot(arrays: readonly ArrayLike[], options: { readonly precision?: PrecisionLike } = {}): NDArray {
  const xs = arrays.map((x, i) => toArray(x, "multi_dot", i));
  if (xs.length < 2) throw new RematValueError(`multi_dot requires at least two arrays; got len(arrays)=${xs.length}.`);
  const letters = range(xs.length + 1).map((i) => String.fromCharCode(97 + i));
  const last = xs.length - 1;
  const terms = xs.map((x, i) => {
    if (x.ndim === 1 && i === 0) return letters[1];
    return x.ndim === 1 && i === last ? letters[i] : letters[i] + letters[i + 1];
  });
  if (xs.some((x, i) => x.ndim !== 2 && !(x.ndim === 1 && (i === 0 || i === last)))) {
    throw new RematValueError(
      "multi_dot: input arrays must all be two-dimensional, except for the first and last array which may be 1 or 2 dimensional. Got " +
        `array shapes [${xs.map((x) => tupleText(x.shape)).join(", ")}].`,
    );
  }
  const output = (xs[0].ndim === 2 ? letters[0] : "") + (xs[last].ndim === 2 ? letters[last + 1] : "");
  return einsum(`${terms.join(",")}->${output}`, ...xs, { precision: options.precision });
}
