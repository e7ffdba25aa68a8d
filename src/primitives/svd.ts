/**
 * `svd`: a = u diag(s) vᴴ with descending singular values. The outputs are s, u, vᴴ in this order, or s alone. The derivative is that of distinct
 * singular values that are not zero.
 */
import type { NDArray } from "../core/array.ts";
import { bind, currentTrace } from "../core/interpreter.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { tupleText } from "./axes.ts";
import { constLike } from "./broadcasting.ts";
import { eq } from "./comparison.ts";
import { convertElementType } from "./convert.ts";
import {
  HIGHEST,
  adjoint,
  checkMatrices,
  diagonalMatrix,
  diagonalOf,
  identityMatrix,
  matrixProduct,
  realDType,
  realPart,
  resultOf,
  swapped,
  withAxesInFront,
} from "./matrices.ts";
import { batchedInFront, expanded } from "./shape.ts";

export type SvdParams = {
  readonly algorithm: null;
  readonly compute_uv: boolean;
  readonly full_matrices: boolean;
  readonly subset_by_index: readonly [number, number] | null;
};

export const svdP: Primitive<SvdParams> = {
  name: "svd",
  type([a], { compute_uv: vectors, full_matrices: full, subset_by_index: subset }) {
    checkMatrices("svd", [a], [2]);
    const [m, n] = a.shape.slice(-2);
    const rank = Math.min(m, n);
    if (subset !== null && (subset[0] !== 0 || subset[1] !== rank)) {
      if (full) throw new RematValueError("full_matrices and subset_by_index cannot both be set.");
      throw new UnsupportedError(
        `svd of the singular values ${tupleText(subset)} of ${rank}: subset_by_index not implemented for CPU and GPU. Take all, and slice.`,
      );
    }
    const s = resultOf(a, 2, [rank], realDType(a.dtype));
    if (!vectors) return [s];
    return [s, resultOf(a, 2, [m, full ? m : rank]), resultOf(a, 2, [full ? n : rank, n])];
  },
  jvp([a], [t], params) {
    const [m, n] = a.shape.slice(-2);
    const [s, u, vt] = bind(svdP, [a], { ...params, full_matrices: false, compute_uv: true });
    if (params.compute_uv && params.full_matrices && m !== n) {
      throw new UnsupportedError(
        `Singular value decomposition JVP not implemented for full matrices: the operand has shape ${tupleText(a.shape)}. Give fullMatrices: false.`,
      );
    }
    const { ds, du, dvt } = tangents(t!, s, u, vt, params.compute_uv);
    const all: readonly Tangent[] = params.compute_uv ? [ds, du, dvt] : [ds];
    return { primals: params.compute_uv ? [s, u, vt] : [s], tangents: all };
  },
  batch(size, [a], [dim], params) {
    const outs = bind(svdP, [batchedInFront(a, dim, size)], params);
    return { outs, dims: outs.map(() => 0) };
  },
};

export const svdPrimitives = [svdP] as const;

interface SvdTangents {
  readonly ds: NDArray;
  readonly du: NDArray | null;
  readonly dvt: NDArray | null;
}

function tangents(t: NDArray, s: NDArray, u: NDArray, vt: NDArray, vectors: boolean): SvdTangents {
  const dot = (x: NDArray, y: NDArray): NDArray => matrixProduct(x, y, HIGHEST);
  const { dtype } = t;
  const [ut, v] = [adjoint(u), adjoint(vt)];
  const row = expanded(s, [-2]);
  const inner = dot(dot(ut, t), v);
  const ds = diagonalOf(realPart(inner));
  if (!vectors) return { ds, du: null, dvt: null };
  const one = (x: NDArray): NDArray => constLike(x, 1);
  const sum = add(row, swapped(row));
  const differences = mul(sum, sub(row, swapped(row)));
  // Ones on the diagonal keep the division from zero; they are taken off again.
  const ones = withAxesInFront(identityMatrix(s.dtype, s.shape.at(-1)!), differences.ndim - 2);
  const apart = add(differences, ones);
  const f = sub(div(one(apart), apart), ones);
  const right = mul(convertElementType(row, dtype), inner);
  const left = mul(swapped(convertElementType(row, dtype)), inner);
  const zero = convertElementType(eq(s, constLike(s, 0)), s.dtype);
  const safe = add(s, zero);
  const inverse = diagonalMatrix(sub(div(one(safe), safe), zero));
  const skew = sub(inner, adjoint(inner));
  // In JAX the half is converted where the known values are, and so is one of them.
  const half = currentTrace().stageValue(constLike(skew, 0.5));
  const turn = mul(mul(half, skew), convertElementType(inverse, dtype));
  const weights = (): NDArray => convertElementType(f, dtype);
  const leftWeights = weights();
  let du = dot(u, add(mul(leftWeights, add(right, adjoint(right))), turn));
  const rightWeights = weights();
  let dv = dot(v, mul(rightWeights, add(left, adjoint(left))));
  const [m, n] = t.shape.slice(-2);
  if (m > n) {
    const x = dot(t, v);
    du = add(du, div(sub(x, dot(u, dot(ut, x))), convertElementType(row, dtype)));
  }
  if (n > m) {
    const x = dot(adjoint(t), u);
    dv = add(dv, div(sub(x, dot(v, dot(vt, x))), convertElementType(row, dtype)));
  }
  return { ds, du, dvt: adjoint(dv) };
}
