/** Decompositions of matrices and the systems of equations that they solve. All work on the last two axes; those in front are batches. */
import type { NDArray } from "../core/array.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { choleskyFactor } from "../primitives/cholesky.ts";
import { eigenOf } from "../primitives/eigh.ts";
import { factored, luPivotsToPermutationP, luSolve as solveFactored, type LuTransposition } from "../primitives/lu.ts";
import { geqrfP, householderProductP, qrOf } from "../primitives/qr.ts";
import { svdP } from "../primitives/svd.ts";
import { solveTriangular } from "../primitives/triangularSolve.ts";

/** The lower triangular L with L Lᴴ = x; NaN if x is not positive definite. Without `symmetrizeInput` only the lower triangle is read. */
export const cholesky = (x: ArrayLike, options: { readonly symmetrizeInput?: boolean } = {}): NDArray =>
  choleskyFactor(toArray(x, "lax.linalg.cholesky"), options.symmetrizeInput ?? true);

export interface TriangularSolveOptions {
  /** True solves op(a) x = b, false (the default) x op(a) = b. */
  readonly leftSide?: boolean;
  readonly lower?: boolean;
  readonly transposeA?: boolean;
  readonly conjugateA?: boolean;
  /** The diagonal of a is taken to be ones, and not read. */
  readonly unitDiagonal?: boolean;
}

/** Solves with a triangular matrix. `b` has the shape of the solution; it may be a vector. */
export const triangularSolve = (a: ArrayLike, b: ArrayLike, options: TriangularSolveOptions = {}): NDArray =>
  solveTriangular(toArray(a, "lax.linalg.triangularSolve"), toArray(b, "lax.linalg.triangularSolve", 1), {
    left_side: options.leftSide ?? false,
    lower: options.lower ?? false,
    transpose_a: options.transposeA ?? false,
    conjugate_a: options.conjugateA ?? false,
    unit_diagonal: options.unitDiagonal ?? false,
  });

/** P x = L U: `[lu, pivots, permutation]`, both triangles in one matrix. */
export const lu = (x: ArrayLike): [lu: NDArray, pivots: NDArray, permutation: NDArray] =>
  factored(toArray(x, "lax.linalg.lu"));

/** Solves with the results of `lu`: for x, its transpose (1) or its conjugate transpose (2). */
export const luSolve = (
  factors: ArrayLike,
  permutation: ArrayLike,
  b: ArrayLike,
  trans: LuTransposition = 0,
): NDArray =>
  solveFactored(
    toArray(factors, "lax.linalg.luSolve"),
    toArray(permutation, "lax.linalg.luSolve", 1),
    toArray(b, "lax.linalg.luSolve", 2),
    trans,
  );

/** The permutation that row swaps make together. */
export const luPivotsToPermutation = (pivots: ArrayLike, permutationSize: number): NDArray =>
  bind1(luPivotsToPermutationP, [toArray(pivots, "lax.linalg.luPivotsToPermutation")], {
    permutation_size: permutationSize,
  });

/**
 * x = q r: `[q, r]`; with `fullMatrices` (the default) q is square. With `pivoting` x[:, p] = q r with a descending diagonal of r: `[q, r, p]`.
 */
export function qr(
  x: ArrayLike,
  options?: { readonly pivoting?: false; readonly fullMatrices?: boolean },
): [q: NDArray, r: NDArray];
export function qr(
  x: ArrayLike,
  options: { readonly pivoting: boolean; readonly fullMatrices?: boolean },
): [q: NDArray, r: NDArray, p: NDArray];
export function qr(
  x: ArrayLike,
  options: { readonly pivoting?: boolean; readonly fullMatrices?: boolean } = {},
): NDArray[] {
  return qrOf(toArray(x, "lax.linalg.qr"), options.fullMatrices ?? true, options.pivoting);
}

/** The upper triangle r with Householder reflectors below it, and their factors. */
export function geqrf(a: ArrayLike): [a: NDArray, taus: NDArray] {
  const [out, taus] = bind(geqrfP, [toArray(a, "lax.linalg.geqrf")], {});
  return [out, taus];
}

/** The product of Householder reflectors. */
export const householderProduct = (a: ArrayLike, taus: ArrayLike): NDArray =>
  bind1(
    householderProductP,
    [toArray(a, "lax.linalg.householderProduct"), toArray(taus, "lax.linalg.householderProduct", 1)],
    {},
  );

export interface EighOptions {
  /** Which triangle is read if the input is not symmetrized. */
  readonly lower?: boolean;
  readonly symmetrizeInput?: boolean;
  readonly sortEigenvalues?: boolean;
  readonly subsetByIndex?: readonly [number, number] | null;
}

/** Eigenvectors (as columns) and ascending eigenvalues of a symmetric matrix: `[v, w]`. */
export const eigh = (x: ArrayLike, options: EighOptions = {}): [v: NDArray, w: NDArray] =>
  eigenOf(toArray(x, "lax.linalg.eigh"), {
    symmetrize: options.symmetrizeInput ?? true,
    lower: options.lower ?? true,
    sort_eigenvalues: options.sortEigenvalues ?? true,
    subset_by_index: options.subsetByIndex ?? null,
  });

export interface SvdOptions {
  readonly fullMatrices?: boolean;
  readonly computeUv?: boolean;
  readonly subsetByIndex?: readonly [number, number] | null;
}

/** x = u diag(s) vᴴ: `[u, s, vh]`, or s alone without `computeUv`. */
export function svd(x: ArrayLike, options: SvdOptions & { readonly computeUv: false }): NDArray;
export function svd(x: ArrayLike, options?: SvdOptions): [u: NDArray, s: NDArray, vh: NDArray];
export function svd(x: ArrayLike, options: SvdOptions = {}): NDArray | [NDArray, NDArray, NDArray] {
  const vectors = options.computeUv ?? true;
  const [s, u, vh] = bind(svdP, [toArray(x, "lax.linalg.svd")], {
    algorithm: null,
    compute_uv: vectors,
    full_matrices: options.fullMatrices ?? true,
    subset_by_index: options.subsetByIndex ?? null,
  });
  return vectors ? [u, s, vh] : s;
}
export * from "./matrixForms.ts";
