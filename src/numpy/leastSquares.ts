/** Least squares by the singular values of the matrix. */
import type { NDArray } from "../core/array.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { integerPow } from "../primitives/arithmetic.ts";
import { tupleText } from "../primitives/axes.ts";
import { reshaped } from "../primitives/shape.ts";
import { array, type ArrayLike } from "./asarray.ts";
import { finfo } from "./floats.ts";
import { getitem, slice } from "./indexing.ts";
import { jittedAll } from "./jitted.ts";
import { exact, svd } from "./linalgDecompositions.ts";
import { norm } from "./norms.ts";
import { bitwiseAnd, greater, greaterEqual } from "./logic.ts";
import { keyOf } from "./options.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { sum } from "./reductions.ts";
import { matrixTranspose } from "./shape.ts";
import { conj, divide, multiply, subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

/**
 * The x that makes the sum of squares of a x - b least: `[x, residuals, rank, s]`. Singular values below `rcond` times the largest count as zero.
 */
export function lstsq(
  a: ArrayLike,
  b: ArrayLike,
  rcond: number | null = null,
): [x: NDArray, residuals: NDArray, rank: NDArray, s: NDArray] {
  const [x, residuals, rank, s] = jittedAll(
    "_lstsq",
    keyOf(rcond),
    (p, q) => {
      const [m, r] = promoteDtypesInexact(p, q);
      if (m.shape[0] !== r.shape[0]) {
        throw new RematValueError(
          `Leading dimensions of input arrays must match: got ${tupleText(m.shape)} and ${tupleText(r.shape)}.`,
        );
      }
      if (m.ndim !== 2) throw new RematTypeError(`${m.ndim}-dimensional array given. Array must be two-dimensional.`);
      const rhs = r.ndim === 1 ? getitem(r, slice(), null) : r;
      if (rhs.ndim !== 2) {
        throw new RematTypeError(`${r.ndim}-dimensional array given. Array must be one or two-dimensional.`);
      }
      const eps = finfo(m.dtype).eps;
      const limit = rcond === null ? eps * Math.max(...m.shape) : rcond < 0 ? eps : rcond;
      const [u, sizes, vt] = svd(m, { fullMatrices: false });
      const positive = greater(sizes, 0);
      const large = greaterEqual(sizes, multiply(array(limit, sizes.dtype), getitem(sizes, 0)));
      const mask = bitwiseAnd(positive, large);
      const rank = sum(mask);
      const safe = where(mask, sizes, 1);
      const inverse = getitem(where(mask, divide(1, safe), 0), slice(), null);
      const ub = exact(matrixTranspose(conj(u)), rhs);
      const solution = exact(matrixTranspose(conj(vt)), multiply(inverse, ub));
      const gap = subtract(rhs, exact(m, solution));
      const rest = integerPow(norm(gap, { axis: 0 }), 2);
      return [r.ndim === 1 ? reshaped(solution, [solution.size]) : solution, rest, rank, sizes];
    },
    [a, b],
  );
  return [x, residuals, rank, s];
}
