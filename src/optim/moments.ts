/**
 * Running averages of gradients and the norms by which updates are scaled: the arithmetic that optimizers share.
 */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { float } from "../numpy/asarray.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  less,
  lessEqual,
  multiply as mul,
  power,
  sqrt,
  subtract as sub,
  trueDivide as div,
  where,
} from "../numpy/index.ts";
import { arraysOf, mapTree, type ArrayTree, type Scalar } from "./base.ts";

/** 1 - x, on the host if `x` is there: its double has more digits than the arrays. */
export const oneMinus = (x: Scalar): Scalar => (typeof x === "number" ? 1 - x : sub(1, x));

/** A count of updates, before the first. */
export const zeroCount = (): NDArray => np.zeros([], "int32");

/** The next count; the largest integer stays. */
export function safeIncrement(count: NDArray): NDArray {
  const largest = np.array(2 ** 31 - 1, "int32");
  return where(less(count, largest), add(count, np.array(1, "int32")), largest);
}

/** |x|², real also for complex `x`. */
export const absSq = (x: NDArray): NDArray => np.real(mul(np.conj(x), x));

/** `(1 - decay) g^order + decay m`: an exponential moving average of gradients, or of their powers. */
export const updateMoment = (updates: unknown, moments: unknown, decay: Scalar, order: 1 | 2): ArrayTree =>
  mapTree((g, m) => add(mul(oneMinus(decay), power(g, order)), mul(decay, m)), updates as ArrayTree, moments);

/** The average of |g|²: the same as `updateMoment` of order 2, but real for complex gradients. */
export const updateMomentPerElemNorm = (updates: unknown, moments: unknown, decay: Scalar): ArrayTree =>
  mapTree(
    (g, m) => add(mul(oneMinus(decay), isComplex(g.dtype) ? absSq(g) : power(g, 2)), mul(decay, m)),
    updates as ArrayTree,
    moments,
  );

/** `max(|g| + eps, decay m)` */
export const updateInfinityMoment = (updates: unknown, moments: unknown, decay: Scalar, eps: Scalar): ArrayTree =>
  mapTree((g, m) => np.maximum(add(np.abs(g), eps), mul(decay, m)), updates as ArrayTree, moments);

/** A host number that counts as a float, whatever its value. */
export const asFloat = (x: Scalar): NDArray => (typeof x === "number" ? float(x) : x);

/** An average that began at zero, without the pull toward zero: `m / (1 - decay^count)`. */
export function biasCorrection<P>(moment: P, decay: Scalar, count: NDArray): P {
  const correction = sub(1, power(asFloat(decay), count));
  return mapTree((m) => div(m, np.astype(correction, m.dtype)), moment);
}

/** Square root of the sum of |x|² over all elements of all arrays in a tree, as an array of rank 0. */
export const globalNorm = (tree: unknown): NDArray => np.array(sqrt(squaredNorm(tree)));

export const squaredNorm = (tree: unknown): NDArray =>
  arraysOf(tree)
    .map((x) => np.sum(add(np.square(np.real(x)), np.square(np.imag(x)))))
    .reduce((total, x) => add(total, x), np.asarray(0));

/** The norm of all elements, at least `minNorm`; its derivative is finite also where all of them are zero. */
export function safeNorm(x: NDArray, minNorm: Scalar): NDArray {
  const least = asFloat(minNorm);
  const norm = np.linalg.norm(x, { keepdims: true });
  const safe = where(lessEqual(norm, least), np.onesLike(x), x);
  const flat = np.squeeze(norm);
  const safeNorm = np.linalg.norm(safe);
  return where(lessEqual(flat, least), least, safeNorm);
}

/** The root of the mean of |x|², at least `minRms`; its derivative is finite also where all elements are zero. */
export function safeRootMeanSquares(x: NDArray, minRms: Scalar): NDArray {
  const least = asFloat(minRms);
  const rms = sqrt(np.mean(absSq(x)));
  const safe = where(lessEqual(rms, least), np.onesLike(x), x);
  return where(lessEqual(rms, least), least, sqrt(np.mean(absSq(safe))));
}
