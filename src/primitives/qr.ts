/**
 * `qr`: a = q r with orthonormal columns of q and an upper triangle r; `geqrf` gives the same as Householder reflectors below r and their factors,
 * and `householder_product` multiplies such reflectors out.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { JvpResult, Primitive } from "../core/primitive.ts";
import { RematValueError } from "../errors.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { tupleText } from "./axes.ts";
import { full } from "./broadcasting.ts";
import { concatenated } from "./join.ts";
import { corner, factored, luSolve } from "./lu.ts";
import {
  adjoint,
  columnsOf,
  checkMatrices,
  identityMatrix,
  lowerTriangle,
  matrixProduct as dot,
  realPart,
  resultOf,
  withAxesInFront,
} from "./matrices.ts";
import { convertElementType } from "./convert.ts";
import { batchedInFront } from "./shape.ts";
import { solveTriangular } from "./triangularSolve.ts";

export type QrParams = { readonly full_matrices: boolean; readonly pivoting: boolean; readonly use_magma: null };

export const qrP: Primitive<QrParams> = {
  name: "qr",
  type([a], { full_matrices: complete, pivoting }) {
    checkMatrices("qr", [a], [2]);
    const [m, n] = a.shape.slice(-2);
    const k = complete ? m : Math.min(m, n);
    const factors = [resultOf(a, 2, [m, k]), resultOf(a, 2, [k, n])];
    return pivoting ? [...factors, resultOf(a, 2, [n], "int32").stripWeakType()] : factors;
  },
  jvp([x], [given], params) {
    const [q, r, ...order] = bind(qrP, [x], params);
    const primals = [q, r, ...order];
    const result = (dq: NDArray, dr: NDArray): JvpResult => ({
      primals,
      tangents: [dq, dr, ...order.map(() => null)],
    });
    const t = params.pivoting ? columnsOf(given!, order[0]) : given!;
    const [m, n] = x.shape.slice(-2);
    if (m < n) return result(...wideTangents(q, r, params.pivoting ? columnsOf(x, order[0]) : x, t));
    const [thinQ, thinR] = params.full_matrices ? [corner(q, [0, m], [0, n]), corner(r, [0, n], [0, n])] : [q, r];
    const [dq, dr] = thinTangents(thinQ, thinR, t);
    if (!params.full_matrices || m === n) return result(dq, dr);
    return result(...completeTangents(q, thinQ, dq, dr));
  },
  batch(size, [a], [dim], params) {
    const outs = bind(qrP, [batchedInFront(a, dim, size)], params);
    return { outs, dims: outs.map(() => 0) };
  },
};

/** The tangents of q and r of a matrix that has at least as many rows as columns. */
function thinTangents(q: NDArray, r: NDArray, t: NDArray): [NDArray, NDArray] {
  const scaled = solveTriangular(r, t, {});
  const inner = dot(adjoint(q), scaled);
  const lower = lowerTriangle(inner, -1);
  const skew = sub(lower, adjoint(lower));
  const eye = withAxesInFront(identityMatrix(skew.dtype, r.shape.at(-1)!), inner.ndim - 2);
  const turn = add(skew, mul(eye, sub(inner, convertElementType(realPart(inner), inner.dtype))));
  const dq = add(dot(q, sub(turn, inner)), scaled);
  return [dq, dot(sub(inner, turn), r)];
}

/** More columns than rows: the first square part decides q, the others follow it. */
function wideTangents(q: NDArray, r: NDArray, x: NDArray, t: NDArray): [NDArray, NDArray] {
  const [m, n] = x.shape.slice(-2);
  const rest = corner(x, [0, m], [m, n]);
  const [first, second] = [corner(t, [0, m], [0, m]), corner(t, [0, m], [m, n])];
  const [dq, dr] = thinTangents(q, corner(r, [0, m], [0, m]), first);
  const others = add(dot(adjoint(dq), rest), dot(adjoint(q), second));
  return [dq, concatenated([dr, others], dr.ndim - 1)];
}

/** The tangents of the columns that complete q to a square matrix: those of a basis that turns along with the others. */
function completeTangents(q: NDArray, thin: NDArray, dq: NDArray, dr: NDArray): [NDArray, NDArray] {
  const [m, n] = thin.shape.slice(-2);
  const upper = corner(thin, [0, n], [0, n]);
  const below = corner(thin, [n, m], [0, n]);
  const complement = corner(q, [0, m], [n, m]);
  const [dUpper, dBelow] = [corner(dq, [0, n], [0, n]), corner(dq, [n, m], [0, n])];
  const eye = withAxesInFront(identityMatrix(upper.dtype, n), upper.ndim - 2);
  const [factors, , permutation] = factored(sub(upper, eye));
  const zh = luSolve(factors, permutation, adjoint(below), 2);
  const z = adjoint(zh);
  const along = dot(dq, zh);
  const across = dot(add(thin, dot(complement, z)), adjoint(sub(dBelow, dot(z, dUpper))));
  const whole = concatenated([dq, sub(along, across)], dq.ndim - 1);
  const rows = full([...dr.shape.slice(0, -2), m - n, n], 0, dr.dtype);
  return [whole, concatenated([dr, rows], dr.ndim - 2)];
}

export const geqrfP: Primitive = {
  name: "geqrf",
  type([a]) {
    checkMatrices("geqrf", [a], [2]);
    return [a, resultOf(a, 2, [Math.min(...a.shape.slice(-2))])];
  },
  batch: (size, [a], [dim], params) => ({ outs: bind(geqrfP, [batchedInFront(a, dim, size)], params), dims: [0, 0] }),
};

export const householderProductP: Primitive = {
  name: "householder_product",
  type([a, taus]: readonly ShapedArray[]) {
    checkMatrices("householder_product", [a, taus], [2, 1]);
    const [m, n] = a.shape.slice(-2);
    if (m < n) {
      throw new RematValueError(
        "The first argument to householder_product must have at least as many rows as columns, got shape " +
          `${tupleText(a.shape.slice(-2))}.`,
      );
    }
    if (taus.shape.at(-1)! > n) {
      throw new RematValueError(
        "The second argument to householder_product must not have more rows than the minimum of the first argument's rows and columns: " +
          `it has ${taus.shape.at(-1)!}, the first has shape ${tupleText(a.shape.slice(-2))}.`,
      );
    }
    return [a];
  },
  batch: (size, args, dims, params) => ({
    outs: [
      bind1(
        householderProductP,
        args.map((x, i) => batchedInFront(x, dims[i], size)),
        params,
      ),
    ],
    dims: [0],
  }),
};

export const qrPrimitives = [qrP, geqrfP, householderProductP] as const;

/** q and r, and with `pivoting` the order of the columns of which they are the factors; square q if `complete`. */
export const qrOf = (a: NDArray, complete: boolean, pivoting = false): NDArray[] => [
  ...bind(qrP, [a], { full_matrices: complete, pivoting, use_magma: null }),
];
