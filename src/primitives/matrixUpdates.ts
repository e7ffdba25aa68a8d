/**
 * Products that update a matrix: `symmetric_product` is α a aᵀ + β c, `cholesky_update` the factor of RᵀR + w wᵀ from R, `ormqr` a matrix multiplied with
 * the orthogonal matrix of Householder reflectors that is never made. None of them has a derivative, as in JAX.
 */
import { bind1 } from "../core/interpreter.ts";
import { PyFloat } from "../core/print.ts";
import type { Primitive } from "../core/primitive.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { tupleText } from "./axes.ts";
import { checkMatrices } from "./matrices.ts";
import { batchedInFront } from "./shape.ts";

export type SymmetricProductParams = { readonly alpha: number; readonly beta: number };

export const symmetricProductP: Primitive<SymmetricProductParams> = {
  name: "symmetric_product",
  type([a, c]) {
    checkMatrices("symmetric_product", [a, c], [2, 2]);
    const [as, cs] = [a.shape.slice(-2), c.shape.slice(-2)];
    if (as[0] !== cs[1] || cs[0] !== cs[1]) {
      throw new RematValueError(
        "symmetric_update expects a rectangular matrix of shape (m, n) and a square matrix of shape (n, n). Got shapes " +
          `${tupleText(as)} and ${tupleText(cs)}.`,
      );
    }
    return [c];
  },
  batch: (size, args, dims, params) => ({
    outs: [bind1(symmetricProductP, args.map((x, i) => batchedInFront(x, dims[i], size)), params)], // prettier-ignore
    dims: [0],
  }),
  print: ({ alpha, beta }) => [
    ["alpha", new PyFloat(alpha)],
    ["beta", new PyFloat(beta)],
  ],
};

export const choleskyUpdateP: Primitive = {
  name: "cholesky_update",
  type([r, w]) {
    checkMatrices("cholesky_update", [r, w], [2, 1]);
    const [rs, ws] = [r.shape.slice(-2), w.shape.slice(-1)];
    if (rs[0] !== rs[1] || ws[0] !== rs[1]) {
      throw new RematValueError(
        "Rank-1 update to Cholesky decomposition takes a square matrix and a vector of the same size as input. Got shapes " +
          `${tupleText(rs)} and ${tupleText(ws)} instead.`,
      );
    }
    return [r];
  },
  batch() {
    throw new UnsupportedError(
      "vmap of cholesky_update: Batching rule for 'cholesky_update' not implemented, here as in JAX. Use lax.map.",
    );
  },
};

export type OrmqrParams = { readonly left: boolean; readonly transpose: boolean };

export const ormqrP: Primitive<OrmqrParams> = {
  name: "ormqr",
  type([a, taus, c], { left }) {
    checkMatrices("ormqr", [a, taus, c], [2, 1, 2]);
    const [as, cs] = [a.shape.slice(-2), c.shape.slice(-2)];
    if (cs[left ? 0 : 1] !== as[0]) {
      throw new RematValueError(
        `ormqr with left=${left ? "True" : "False"} expects c to have the same number of ${left ? "rows" : "columns"} as the Householder matrix a` +
          `${left ? "" : " has rows"}. Got a shape ${tupleText(as)} and c shape ${tupleText(cs)}.`,
      );
    }
    return [c];
  },
  batch: (size, args, dims, params) => ({
    outs: [bind1(ormqrP, args.map((x, i) => batchedInFront(x, dims[i], size)), params)], // prettier-ignore
    dims: [0],
  }),
};

export const updatePrimitives = [symmetricProductP, choleskyUpdateP, ormqrP] as const;
