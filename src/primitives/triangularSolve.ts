/**
 * `triangular_solve`: solves op(a) x = b, or x op(a) = b, for a triangular matrix a, of which the other triangle is not read. Linear in b; and
 * by a the derivative of a solution x is that of a linear equation: minus the solution for ∂a x.
 */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { InternalError, RematValueError } from "../errors.ts";
import { isLinear, jvpByOperand } from "./algebra.ts";
import { neg } from "./arithmetic.ts";
import { tupleText } from "./axes.ts";
import { conj } from "./complex.ts";
import { checkMatrices, exactProduct, lowerTriangle, swapped, upperTriangle } from "./matrices.ts";
import { batchedInFront, expanded, movedAxis, reshaped, squeezed } from "./shape.ts";

export type TriangularSolveParams = {
  readonly conjugate_a: boolean;
  readonly left_side: boolean;
  readonly lower: boolean;
  readonly transpose_a: boolean;
  readonly unit_diagonal: boolean;
};

export const triangularSolveP: Primitive<TriangularSolveParams> = {
  name: "triangular_solve",
  type([a, b], { left_side: left }) {
    checkMatrices("triangular_solve", [a, b], [2, 2]);
    const [as, bs] = [a.shape.slice(-2), b.shape.slice(-2)];
    if (as[0] !== as[1]) {
      throw new RematValueError(
        `The first input to triangular_solve must be a square matrix. Got shape ${tupleText(as)}.`,
      );
    }
    if (as[1] !== bs[left ? 0 : 1]) {
      throw new RematValueError(
        `Incompatible shapes for arguments to triangular_solve: ${tupleText(as)} and ${tupleText(bs)}. ` +
          `${left ? "The rows" : "The columns"} of b must be as many as those of a.`,
      );
    }
    return [a.update({ shape: [...a.shape.slice(0, -2), ...bs], weakType: a.weakType && b.weakType })];
  },
  jvp: jvpByOperand(
    () => triangularSolveP,
    [
      (t, x, [a, b], params) => {
        const { left_side: left, lower, unit_diagonal: unit } = params;
        const [m, n] = b.shape.slice(-2);
        let ta = lower ? lowerTriangle(t, unit ? -1 : 0) : upperTriangle(t, unit ? 1 : 0);
        ta = neg(ta);
        if (params.transpose_a) ta = swapped(ta);
        if (params.conjugate_a) ta = conj(ta);
        const inverse = (y: NDArray): NDArray => solveTriangular(a, y, params);
        // The smaller of the two products is the one that is made.
        if (left) return m > n ? inverse(exactProduct(ta, x)) : exactProduct(inverse(ta), x);
        return m < n ? inverse(exactProduct(x, ta)) : exactProduct(x, inverse(ta));
      },
      (t, _x, [a], params) => solveTriangular(a, t, params),
    ],
  ),
  transpose([ct], [a, b], params) {
    if (isLinear(a) || !isLinear(b)) throw new InternalError("triangular_solve is linear in its right-hand side only");
    return [null, solveTriangular(a, ct!, { ...params, transpose_a: !params.transpose_a })];
  },
  batch(size, [a, b], [da, db], params) {
    if (da !== null) {
      const out = solveTriangular(batchedInFront(a, da, size), batchedInFront(b, db, size), params);
      return { outs: [out], dims: [0] };
    }
    // One matrix for all: the batch becomes more right-hand sides.
    const axis = params.left_side ? b.ndim - 1 : b.ndim - 2;
    const y = movedAxis(b, db!, axis);
    const flat = reshaped(y, [
      ...y.shape.slice(0, axis - 1),
      y.shape[axis - 1] * y.shape[axis],
      ...y.shape.slice(axis + 1),
    ]);
    return { outs: [reshaped(solveTriangular(a, flat, params), y.shape)], dims: [axis] };
  },
};

export const triangularSolvePrimitives = [triangularSolveP] as const;

export interface TriangularSolve {
  readonly left_side?: boolean;
  readonly lower?: boolean;
  readonly transpose_a?: boolean;
  readonly conjugate_a?: boolean;
  readonly unit_diagonal?: boolean;
}

/** Solves with a triangular matrix; b may be a vector. */
export function solveTriangular(a: NDArray, b: NDArray, how: TriangularSolve): NDArray {
  const { left_side: left = false, lower = false, transpose_a: transpose = false, unit_diagonal: unit = false } = how;
  const single = b.ndim === a.ndim - 1;
  const rhs = single ? expanded(b, [left ? -1 : -2]) : b;
  const x = bind1(triangularSolveP, [a, rhs], {
    conjugate_a: (how.conjugate_a ?? false) && isComplex(a.dtype),
    left_side: left,
    lower,
    transpose_a: transpose,
    unit_diagonal: unit,
  });
  return single ? squeezed(x, [left ? -1 : -2]) : x;
}
