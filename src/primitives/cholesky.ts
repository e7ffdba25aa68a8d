/**
 * `cholesky`: the lower triangular L with L Lᴴ = a, of a positive definite matrix of which the lower triangle is read. Its derivative solves with
 * L from both sides, halves the diagonal of what comes out, and multiplies with L again.
 */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import { RematValueError } from "../errors.ts";
import { add, div } from "./arithmetic.ts";
import { tupleText } from "./axes.ts";
import { constLike } from "./broadcasting.ts";
import {
  checkMatrices,
  exactProduct,
  identityMatrix,
  lowerTriangle,
  symmetrized,
  withAxesInFront,
} from "./matrices.ts";
import { batchedInFront } from "./shape.ts";
import { solveTriangular } from "./triangularSolve.ts";

/** The lower triangle with half its diagonal. */
function halved(x: NDArray): NDArray {
  const lower = lowerTriangle(x);
  const scale = add(constLike(x, 1), identityMatrix(x.dtype, x.shape.at(-1)!));
  return div(lower, withAxesInFront(scale, lower.ndim - 2));
}

export const choleskyP: Primitive = {
  name: "cholesky",
  type([a]) {
    checkMatrices("cholesky", [a], [2]);
    const shape = a.shape.slice(-2);
    if (shape[0] !== shape[1]) {
      throw new RematValueError(`The input to cholesky must be a square matrix. Got shape ${tupleText(shape)}.`);
    }
    return [a];
  },
  jvp([a], [t], params) {
    const L = lowerTriangle(bind1(choleskyP, [a], params));
    if (t === null) return { primals: [L], tangents: [null] };
    const right = solveTriangular(L, t, { transpose_a: true, conjugate_a: true, lower: true });
    const both = solveTriangular(L, right, { left_side: true, lower: true });
    return { primals: [L], tangents: [exactProduct(L, halved(both))] };
  },
  batch: (size, [a], [dim], params: Params) => ({
    outs: [bind1(choleskyP, [batchedInFront(a, dim, size)], params)],
    dims: [0],
  }),
};

export const choleskyPrimitives = [choleskyP] as const;

/** The Cholesky factor, of the mean of the matrix and its conjugate transpose if `symmetrize`. */
export const choleskyFactor = (a: NDArray, symmetrize: boolean): NDArray =>
  lowerTriangle(bind1(choleskyP, [symmetrize ? symmetrized(a) : a], {}));
