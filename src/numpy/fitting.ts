/** Polynomials through points, by least squares. */
import type { NDArray } from "../core/array.ts";
import { inexactDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import type { ArrayLike } from "./asarray.ts";
import { vander } from "./calculus.ts";
import { finfo } from "./floats.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { lstsq } from "./leastSquares.ts";
import { arrayOf, keyOf } from "./options.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { sum } from "./reductions.ts";
import { transpose } from "./shape.ts";
import { multiply, sqrt, trueDivide } from "./ufuncs.ts";

export interface PolyfitOptions {
  /** Singular values below this times the largest count as zero. */
  readonly rcond?: number | null;
  /** A weight for each point. */
  readonly w?: ArrayLike | null;
}

/**
 * The polynomial of degree `deg` that fits points best; of several rows of ys if `y` is a matrix.
 *
 *     np.polyfit([0, 1, 2], [1, 3, 5], 1) // [2, 1]
 */
export function polyfit(
  x: ArrayLike,
  y: ArrayLike,
  deg: number,
  { rcond = null, w = null }: PolyfitOptions = {},
): NDArray {
  if (!Number.isInteger(deg)) throw new RematTypeError(`deg must be int, got ${deg}.`);
  if (deg < 0) throw new RematValueError(`expected deg >= 0, got ${deg}.`);
  const body = (places: NDArray, values: NDArray, ...more: NDArray[]): NDArray => {
    requireVectors(places, values);
    const limit = rcond ?? places.shape[0] * finfo(inexactDType(places.dtype)).eps;
    let left = vander(places, deg + 1);
    let right = values;
    if (more.length > 0) {
      const [weights] = promoteDtypesInexact(more[0]);
      if (weights.ndim !== 1) throw new RematTypeError(`expected a 1-d array for weights, got ndim ${weights.ndim}.`);
      if (weights.shape[0] !== values.shape[0]) {
        throw new RematTypeError(
          `expected w and y to have the same length, got ${weights.shape[0]} and ${values.shape[0]}.`,
        );
      }
      const column = (): NDArray => getitem(weights, slice(null), null);
      left = multiply(left, column());
      right = multiply(right, right.ndim === 2 ? column() : weights);
    }
    const scale = sqrt(sum(multiply(left, left), 0));
    left = trueDivide(left, getitem(scale, null, slice(null)));
    const [c] = lstsq(left, right, limit);
    return c.ndim > 1 ? transpose(trueDivide(transpose(c), getitem(scale, null, slice(null)))) : trueDivide(c, scale);
  };
  const operands = [x, y, ...(w === null ? [] : [w])].map((a, i) => arrayOf(a, "polyfit", i));
  return jitted("polyfit", keyOf(deg, rcond, w !== null), body, operands);
}

function requireVectors(x: NDArray, y: NDArray): void {
  if (x.ndim !== 1) throw new RematTypeError(`expected 1D vector for x, got ndim ${x.ndim}.`);
  if (x.shape[0] === 0) throw new RematTypeError("expected non-empty vector for x, got one of size 0.");
  if (y.ndim < 1 || y.ndim > 2) throw new RematTypeError(`expected 1D or 2D array for y, got ndim ${y.ndim}.`);
  if (x.shape[0] !== y.shape[0]) {
    throw new RematTypeError(`expected x and y to have same length, got ${x.shape[0]} and ${y.shape[0]}.`);
  }
}
