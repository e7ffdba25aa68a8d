/** Eigenvalues of any square matrix, and the forms on the way to them; systems and updates of special matrices. All work on the last two axes. */
import type { NDArray } from "../core/array.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import { UnsupportedError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { add } from "../primitives/arithmetic.ts";
import { eigP } from "../primitives/eig.ts";
import { lowerTriangle, swapped } from "../primitives/matrices.ts";
import { hessenbergP, schurP, tridiagonalP } from "../primitives/matrixForms.ts";
import { choleskyUpdateP, ormqrP, symmetricProductP } from "../primitives/matrixUpdates.ts";
import { tridiagonalSolveP } from "../primitives/tridiagonalSolve.ts";

export interface EigOptions {
  readonly computeLeftEigenvectors?: boolean;
  readonly computeRightEigenvectors?: boolean;
  /** Lets the vectors be differentiated: only where eigenvalues are distinct and every vector has one largest component. */
  readonly enableEigvecDerivs?: boolean;
}

/**
 * Eigenvalues, and left and right eigenvectors as columns, of a square matrix: `[w, vl, vr]`, without those that are not asked for. All are complex.
 *
 * @example
 * lax.linalg.eig(np.array([[0, 1], [-1, 0]]))[0]; // [i, -i]
 */
export const eig = (x: ArrayLike, options: EigOptions = {}): NDArray[] => [
  ...bind(eigP, [toArray(x, "lax.linalg.eig")], {
    compute_left_eigenvectors: options.computeLeftEigenvectors ?? true,
    compute_right_eigenvectors: options.computeRightEigenvectors ?? true,
    enable_eigvec_derivs: options.enableEigvecDerivs ?? false,
    implementation: null,
  }),
];

/** A Hessenberg form with Householder reflectors below its subdiagonal, and their factors: `[a, taus]`. */
export function hessenberg(a: ArrayLike): [a: NDArray, taus: NDArray] {
  const [form, taus] = bind(hessenbergP, [toArray(a, "lax.linalg.hessenberg")], {});
  return [form, taus];
}

export interface SchurOptions {
  readonly computeSchurVectors?: boolean;
  /** Not there, here as in JAX. */
  readonly sortEigVals?: boolean;
}

/** x = q t qᴴ with a (quasi-)triangular t: `[t, q]`, or t alone in a list without `computeSchurVectors`. */
export function schur(x: ArrayLike, options: SchurOptions = {}): NDArray[] {
  if (options.sortEigVals === true) {
    throw new UnsupportedError(
      "schur with sortEigVals: The sort feature of LAPACK's gees routine is not implemented. Leave it out.",
    );
  }
  return [
    ...bind(schurP, [toArray(x, "lax.linalg.schur")], {
      compute_schur_vectors: options.computeSchurVectors ?? true,
      select_callable: null,
      sort_eig_vals: false,
    }),
  ];
}

/** A symmetric (Hermitian) matrix made tridiagonal: the matrix with its reflectors, diagonal, subdiagonal, and the reflectors' factors. */
export function tridiagonal(
  a: ArrayLike,
  options: { readonly lower?: boolean } = {},
): [a: NDArray, d: NDArray, e: NDArray, taus: NDArray] {
  const [form, d, e, taus] = bind(tridiagonalP, [toArray(a, "lax.linalg.tridiagonal")], {
    lower: options.lower ?? true,
  });
  return [form, d, e, taus];
}

/** Solves with the tridiagonal matrix of the diagonals dl (below; its first element is not read), d and du (above; its last is not read). */
export function tridiagonalSolve(
  dl: ArrayLike,
  d: ArrayLike,
  du: ArrayLike,
  b: ArrayLike,
  options: { readonly perturbSingular?: boolean } = {},
): NDArray {
  const name = "lax.linalg.tridiagonalSolve";
  const args = [toArray(dl, name), toArray(d, name, 1), toArray(du, name, 2), toArray(b, name, 3)];
  return bind1(tridiagonalSolveP, args, { perturb_singular: options.perturbSingular ?? false });
}

export interface SymmetricProductOptions {
  readonly alpha?: number;
  readonly beta?: number;
  /** Copies the lower triangle of the result to the upper one. */
  readonly symmetrizeOutput?: boolean;
}

/** α a aᵀ + β c. */
export function symmetricProduct(a: ArrayLike, c: ArrayLike, options: SymmetricProductOptions = {}): NDArray {
  const name = "lax.linalg.symmetricProduct";
  const { alpha = 1, beta = 0 } = options;
  const out = bind1(symmetricProductP, [toArray(a, name), toArray(c, name, 1)], { alpha, beta });
  if (options.symmetrizeOutput !== true) return out;
  const upper = swapped(lowerTriangle(out, -1));
  return add(lowerTriangle(out), upper);
}

/** The upper factor of RᵀR + w wᵀ. */
export const choleskyUpdate = (r: ArrayLike, w: ArrayLike): NDArray =>
  bind1(choleskyUpdateP, [toArray(r, "lax.linalg.choleskyUpdate"), toArray(w, "lax.linalg.choleskyUpdate", 1)], {});

export interface OrmqrOptions {
  /** q c rather than c q. */
  readonly left?: boolean;
  /** Uses the (conjugate) transpose of q. */
  readonly transpose?: boolean;
}

/** The product of c and the orthogonal matrix q that Householder reflectors make (as `geqrf` gives them), without making q. */
export function ormqr(a: ArrayLike, taus: ArrayLike, c: ArrayLike, options: OrmqrOptions = {}): NDArray {
  const name = "lax.linalg.ormqr";
  return bind1(ormqrP, [toArray(a, name), toArray(taus, name, 1), toArray(c, name, 2)], {
    left: options.left ?? true,
    transpose: options.transpose ?? false,
  });
}
