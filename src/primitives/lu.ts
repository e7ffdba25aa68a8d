/**
 * `lu`: P a = L U by partial pivoting, both triangles in one matrix (the diagonal of L is one and not kept), with the row swaps and the permutation
 * that they make together; `lu_pivots_to_permutation` makes the one of the other. The derivative splits L⁻¹ P ∂a U⁻¹ into its triangles.
 */
import type { NDArray } from "../core/array.ts";
import { batchFlat } from "../core/batch.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { DTypeError, RematValueError } from "../errors.ts";
import { add } from "./arithmetic.ts";
import { range, tupleText } from "./axes.ts";
import { counted } from "./iota.ts";
import { jitCall } from "./jit.ts";
import {
  HIGHEST,
  checkMatrices,
  checkRanks,
  identityMatrix,
  lowerTriangle,
  matrixProduct,
  resultOf,
  rowsOf,
  upperTriangle,
} from "./matrices.ts";
import { padded, sliced } from "./pad.ts";
import { batchedInFront, broadcastedInDim, expanded, reshaped, squeezed } from "./shape.ts";
import { sortedTogether } from "./sort.ts";
import { solveTriangular } from "./triangularSolve.ts";

export const luP: Primitive = {
  name: "lu",
  type([a]) {
    checkMatrices("lu", [a], [2]);
    const [m, n] = a.shape.slice(-2);
    const int = resultOf(a, 2, [Math.min(m, n)], "int32").stripWeakType();
    return [a, int, resultOf(int, 1, [m])];
  },
  jvp([a], [t], params) {
    const [lu, pivots, permutation] = bind(luP, [a], params);
    const primals = [lu, pivots, permutation];
    if (t === null) return { primals, tangents: [null, null, null] };
    const dot = overLeading(a.ndim - 2, luTangent, [lu, t, permutation]);
    return { primals, tangents: [dot, null, null] };
  },
  batch: (size, [a], [dim], params) => ({
    outs: bind(luP, [batchedInFront(a, dim, size)], params),
    dims: [0, 0, 0],
  }),
};

/** Maps a function over n leading axes of all of its operands. */
export function overLeading(n: number, fn: (...xs: readonly NDArray[]) => NDArray, args: readonly NDArray[]): NDArray {
  if (n === 0) return fn(...args);
  const [size] = args[0].shape;
  const { outs, dims } = batchFlat(
    (xs) => [overLeading(n - 1, fn, xs)],
    size,
    args,
    args.map(() => 0),
  );
  return batchedInFront(outs[0], dims[0], size);
}

/** The matrix itself where a slice of it is all of it. */
export const corner = (x: NDArray, rows: readonly [number, number], columns: readonly [number, number]): NDArray => {
  const [m, n] = x.shape.slice(-2);
  if (rows[0] === 0 && rows[1] === m && columns[0] === 0 && columns[1] === n) return x;
  const outer = x.shape.slice(0, -2);
  return sliced(x, [...outer.map(() => 0), rows[0], columns[0]], [...outer, rows[1], columns[1]]);
};

function luTangent(lu: NDArray, t: NDArray, permutation: NDArray): NDArray {
  const [m, n] = t.shape;
  const k = Math.min(m, n);
  const zero = literal(0, lu.dtype);
  const lower = padded(lowerTriangle(corner(lu, [0, m], [0, k]), -1), zero, [
    [0, 0, 0],
    [0, m - k, 0],
  ]);
  const l = add(lower, identityMatrix(t.dtype, m));
  const rest = padded(identityMatrix(t.dtype, n - k), zero, [
    [k, 0, 0],
    [k, 0, 0],
  ]);
  const upper = padded(upperTriangle(corner(lu, [0, k], [0, n])), zero, [
    [0, n - k, 0],
    [0, 0, 0],
  ]);
  const u = add(upper, rest);
  const left = solveTriangular(l, rowsOf(t, permutation), { left_side: true, lower: true, unit_diagonal: true });
  const both = solveTriangular(u, left, {});
  const dl = matrixProduct(l, lowerTriangle(both, -1), HIGHEST);
  return add(dl, matrixProduct(upperTriangle(both), u, HIGHEST));
}

export type PivotsParams = { readonly permutation_size: number };

export const luPivotsToPermutationP: Primitive<PivotsParams> = {
  name: "lu_pivots_to_permutation",
  type([pivots], { permutation_size: size }) {
    if (pivots.dtype !== "int32") {
      throw new DTypeError(
        `lu_pivots_to_permutation does not accept dtype ${pivots.dtype}. Accepted dtypes are subtypes of int32.`,
      );
    }
    checkRanks("lu_pivots_to_permutation", [pivots], [1]);
    const n = pivots.shape.at(-1)!;
    if (size < n) {
      throw new RematValueError(
        `Output permutation size ${size} has to exceed the trailing dimension of the pivots. Got pivots size ${n}.`,
      );
    }
    return [resultOf(pivots, 1, [size])];
  },
  batch: (size, [pivots], [dim], params) => ({
    outs: [bind1(luPivotsToPermutationP, [batchedInFront(pivots, dim, size)], params)],
    dims: [0],
  }),
};

export const luPrimitives = [luP, luPivotsToPermutationP] as const;

/** How a factorization is used: for a, its transpose, or its conjugate transpose. */
export type LuTransposition = 0 | 1 | 2;

function solveFactored(lu: NDArray, permutation: NDArray, b: NDArray, trans: LuTransposition): NDArray {
  const m = lu.shape[0];
  let x = reshaped(b, [m, b.shape.slice(1).reduce((p, q) => p * q, 1)]);
  if (trans === 0) {
    x = rowsOf(x, permutation);
    x = solveTriangular(lu, x, { left_side: true, lower: true, unit_diagonal: true });
    x = solveTriangular(lu, x, { left_side: true });
  } else {
    const how = { left_side: true, transpose_a: true, conjugate_a: trans === 2 };
    x = solveTriangular(lu, x, how);
    x = solveTriangular(lu, x, { ...how, lower: true, unit_diagonal: true });
    const [, order] = sortedTogether([permutation, counted("int32", [permutation.shape[0]], 0)], 0, 1);
    x = rowsOf(x, order);
  }
  return reshaped(x, b.shape);
}

const stretchedInFront = (x: NDArray, batch: readonly number[], rank: number): NDArray => {
  const shape = [...batch, ...x.shape.slice(x.ndim - rank)];
  return broadcastedInDim(x, shape, range(x.ndim, shape.length - x.ndim));
};

/** Solves with a factorization, one for each matrix of a batch; b may be vectors. */
export function luSolve(lu: NDArray, permutation: NDArray, b: NDArray, trans: LuTransposition): NDArray {
  const body = (factors: NDArray, order: NDArray, right: NDArray): NDArray => {
    const [rows, columns] = factors.shape.slice(-2);
    if (factors.ndim < 2 || rows !== columns) {
      throw new RematValueError(
        `last two dimensions of LU decomposition must be equal, got shape ${tupleText(factors.shape)}.`,
      );
    }
    if (right.ndim < 1) throw new RematValueError(`b matrix must have rank >= 1, got shape ${tupleText(right.shape)}.`);
    const vector = factors.ndim === right.ndim + 1;
    const at = vector ? -1 : -2;
    if (right.shape.at(at) !== columns) {
      throw new RematValueError(
        `When LU decomposition matrix and b ${vector ? "have the same number of dimensions" : "different numbers of dimensions"}, last axis of ` +
          `LU decomposition matrix (shape ${tupleText(factors.shape)}) and ${vector ? "" : "second to last axis of "}b array (shape ` +
          `${tupleText(right.shape)}) must match.`,
      );
    }
    const rhs = vector ? expanded(right, [-1]) : right;
    const outer = [factors.shape.slice(0, -2), order.shape.slice(0, -1), rhs.shape.slice(0, -2)];
    const batch = outer.reduce((a, c) => (c.length > a.length ? c : a));
    const x = overLeading(batch.length, (f, p, r) => solveFactored(f, p, r, trans), [
      stretchedInFront(factors, batch, 2),
      stretchedInFront(order, batch, 1),
      stretchedInFront(rhs, batch, 2),
    ]);
    return vector ? squeezed(x, [-1]) : x;
  };
  return jitCall("_lu_solve", String(trans), (f, p, r) => [body(f, p, r)], [lu, permutation, b])[0];
}

/** Both triangles in one matrix, the row swaps, and the permutation. */
export function factored(a: NDArray): [lu: NDArray, pivots: NDArray, permutation: NDArray] {
  const [lu, pivots, permutation] = bind(luP, [a], {});
  return [lu, pivots, permutation];
}
