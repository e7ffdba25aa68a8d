/** The names of `linalg`: decompositions, solvers and norms have files of their own; products and traces stand here. */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { range, tupleText } from "../primitives/axes.ts";
import type { PrecisionLike } from "../primitives/precision.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { vecdot } from "./calculus.ts";
import { matmul, outer as outerOf, tensordot } from "./contractions.ts";
import { eye } from "./creation.ts";
import { diagonal as diagonalOf, trace as traceOf } from "./diagonals.ts";
import { einsum } from "./einsum.ts";
import { jitted } from "./jitted.ts";
import { inv } from "./linalgSolve.ts";
import { keyOf } from "./options.ts";
import { broadcastTo, matrixTranspose } from "./shape.ts";
import { cross as crossOf } from "./signal.ts";

export * from "./linalgDecompositions.ts";
export * from "./leastSquares.ts";
export * from "./linalgSolve.ts";
export * from "./norms.ts";
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
