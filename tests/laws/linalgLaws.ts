/** The laws of the primitives on matrices. Operands are drawn so that decompositions are unique and far from the places where they jump. */
import { lax, np, type NDArray } from "../../src/index.ts";
import { primitives as p } from "../../src/primitives/index.ts";
import { call, type Law } from "./law.ts";
import type { Sample } from "./sample.ts";

/** A matrix with a diagonal of distinct large entries. */
const dominant = (s: Sample, n: number): NDArray =>
  np.add(
    s.floats([n, n], -0.4, 0.4),
    np.diag(
      np.array(
        Array.from({ length: n }, (_, i) => 2 + 1.5 * i),
        "float64",
      ),
    ),
  );

const symmetric = (s: Sample, n: number): NDArray => {
  const x = dominant(s, n);
  return np.multiply(np.add(x, np.matrixTranspose(x)), 0.5);
};

/** Reads the operand as symmetric, so that differences of single elements stay in the domain. */
const symmetrized = (x: NDArray): NDArray => np.multiply(np.add(x, np.matrixTranspose(x)), 0.5);

export const linalgLaws = {
  cholesky: {
    smooth: [0],
    draw: (s) => ({
      f: (x) => [np.tril(call(p.cholesky)(symmetrized(x))[0])],
      args: [symmetric(s, s.int(1, 3))],
    }),
  },
  triangular_solve: {
    smooth: [0, 1],
    linear: [[1]],
    draw(s) {
      const [n, k, left] = [s.int(1, 3), s.int(1, 3), s.flag()];
      const params = {
        conjugate_a: false,
        left_side: left,
        lower: s.flag(),
        transpose_a: s.flag(),
        unit_diagonal: s.flag(),
      };
      return { f: call(p.triangular_solve, params), args: [dominant(s, n), s.floats(left ? [n, k] : [k, n])] };
    },
  },
  lu: {
    smooth: [0],
    draw: (s) => ({ f: (x) => [call(p.lu)(x)[0]], args: [dominant(s, s.int(1, 3))] }),
  },
  lu_pivots_to_permutation: {
    draw: (s) => ({
      f: call(p.lu_pivots_to_permutation, { permutation_size: 4 }),
      args: [s.ints([3], 0, 3)],
    }),
  },
  custom_linear_solve: {
    smooth: [0, 1],
    draw(s) {
      const n = s.int(1, 3);
      const solve = (a: NDArray, b: NDArray): NDArray =>
        lax.customLinearSolve(
          (x: NDArray) => np.multiply(a, x),
          b,
          (_, y) => np.divide(y, a),
          { transposeSolve: (_, y) => np.divide(y, a) },
        );
      return { f: (a, b) => [solve(a, b)], args: [s.nonzero([n]), s.floats([n])] };
    },
  },
  qr: {
    smooth: [0],
    draw: (s) => ({
      f: call(p.qr, { full_matrices: false, pivoting: false, use_magma: null }),
      args: [dominant(s, s.int(1, 3))],
    }),
  },
  geqrf: { draw: (s) => ({ f: call(p.geqrf), args: [dominant(s, s.int(1, 3))] }) },
  householder_product: {
    draw(s) {
      const n = s.int(1, 3);
      return { f: call(p.householder_product), args: [dominant(s, n), s.floats([n], 0.5, 1)] };
    },
  },
  eigh: {
    smooth: [0],
    draw: (s) => ({
      f: (x) =>
        call(p.eigh, { algorithm: null, lower: true, sort_eigenvalues: true, subset_by_index: null })(symmetrized(x)),
      args: [symmetric(s, s.int(1, 3))],
    }),
  },
  eig: {
    draw: (s) => ({
      f: (x) => {
        const params = { compute_left_eigenvectors: false, compute_right_eigenvectors: false };
        return [np.real(call(p.eig, { ...params, enable_eigvec_derivs: true, implementation: null })(x)[0])];
      },
      args: [dominant(s, s.int(1, 3))],
    }),
    smooth: [0],
  },
  hessenberg: { draw: (s) => ({ f: call(p.hessenberg), args: [dominant(s, s.int(1, 4))] }) },
  tridiagonal: {
    draw: (s) => ({ f: call(p.tridiagonal, { lower: s.flag() }), args: [symmetric(s, s.int(1, 4))] }),
  },
  schur: {
    draw: (s) => ({
      f: call(p.schur, { compute_schur_vectors: true, select_callable: null, sort_eig_vals: false }),
      args: [dominant(s, s.int(1, 3))],
    }),
  },
  tridiagonal_solve: {
    smooth: [0, 1, 2, 3],
    linear: [[3]],
    draw(s) {
      const [n, k] = [s.int(1, 4), s.int(1, 3)];
      return {
        f: call(p.tridiagonal_solve, { perturb_singular: false }),
        args: [s.floats([n], -1, 1), s.floats([n], 3, 5), s.floats([n], -1, 1), s.floats([n, k])],
      };
    },
  },
  symmetric_product: {
    draw(s) {
      const [m, n] = [s.int(1, 3), s.int(1, 3)];
      return { f: call(p.symmetric_product, { alpha: 2, beta: -1 }), args: [s.floats([m, n]), s.floats([m, m])] };
    },
  },
  // It has no batching rule, and so its operands are not handed to the laws one by one.
  cholesky_update: {
    draw(s) {
      const n = s.int(1, 3);
      const [r, w] = [np.triu(dominant(s, n)), s.floats([n])];
      return { f: (x) => [np.multiply(x, call(p.cholesky_update)(r, w)[0])], args: [s.floats([n, n])] };
    },
  },
  ormqr: {
    draw(s) {
      const [m, k, n] = [3, s.int(1, 3), s.int(1, 3)];
      const left = s.flag();
      return {
        f: call(p.ormqr, { left, transpose: s.flag() }),
        args: [s.floats([m, k]), s.floats([k], 0.5, 1), s.floats(left ? [m, n] : [n, m])],
      };
    },
  },
  svd: {
    smooth: [0],
    draw: (s) => ({
      f: call(p.svd, { algorithm: null, compute_uv: true, full_matrices: false, subset_by_index: null }),
      args: [dominant(s, s.int(1, 3))],
    }),
  },
} as const satisfies Record<string, Law>;
