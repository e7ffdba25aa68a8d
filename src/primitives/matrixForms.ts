/**
 * Matrices brought into simpler forms by orthogonal matrices from both sides: `hessenberg` (zeros below the first subdiagonal), `tridiagonal` (the same
 * of a symmetric matrix), `schur` (upper triangular, or of real matrices with 2 × 2 blocks on the diagonal). None of them has a derivative, as in JAX.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { bind } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { BatchResult, Primitive } from "../core/primitive.ts";
import { RematValueError } from "../errors.ts";
import { tupleText } from "./axes.ts";
import { checkMatrices, realDType, resultOf } from "./matrices.ts";
import { batchedInFront } from "./shape.ts";

function checkSquare(a: ShapedArray, name: string, say: (shape: string) => string, empty = true): void {
  checkMatrices(name, [a], [2]);
  const [m, n] = a.shape.slice(-2);
  if (m === n && (empty || n > 0)) return;
  throw new RematValueError(`${say(tupleText(a.shape.slice(-2)))}. Give as many rows as columns.`);
}

const inFront =
  <P extends Params>(self: () => Primitive<P>) =>
  (size: number, args: readonly NDArray[], dims: readonly (number | null)[], params: P): BatchResult => {
    const outs = bind(
      self(),
      args.map((x, i) => batchedInFront(x, dims[i], size)),
      params,
    );
    return { outs, dims: outs.map(() => 0) };
  };

export const hessenbergP: Primitive = {
  name: "hessenberg",
  type([a]) {
    checkSquare(
      a,
      "hessenberg",
      (shape) => `Argument to Hessenberg reduction must have shape [..., n, n], got shape ${shape}`,
    );
    return [a, resultOf(a, 2, [Math.max(a.shape.at(-1)! - 1, 0)])];
  },
  batch: inFront(() => hessenbergP),
};

export type TridiagonalParams = { readonly lower: boolean };

export const tridiagonalP: Primitive<TridiagonalParams> = {
  name: "tridiagonal",
  type([a]) {
    checkSquare(
      a,
      "tridiagonal",
      (shape) => `The input to tridiagonal must be a square matrix. Got shape ${shape}`,
      false,
    );
    const n = a.shape.at(-1)!;
    const real = realDType(a.dtype);
    return [a, resultOf(a, 2, [n], real), resultOf(a, 2, [n - 1], real), resultOf(a, 2, [n - 1])];
  },
  batch: inFront(() => tridiagonalP),
};

export type SchurParams = {
  readonly compute_schur_vectors: boolean;
  readonly select_callable: null;
  readonly sort_eig_vals: boolean;
};

export const schurP: Primitive<SchurParams> = {
  name: "schur",
  type([a], { compute_schur_vectors: vectors }) {
    checkSquare(a, "schur", (shape) => `The input to schur must be a square matrix. Got shape ${shape}`);
    return vectors ? [a, a] : [a];
  },
  batch: inFront(() => schurP),
};

export const formPrimitives = [hessenbergP, tridiagonalP, schurP] as const;
