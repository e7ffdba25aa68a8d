/** Decompositions of matrices, and what follows from singular values: pseudo-inverses, ranks, condition numbers, least squares. */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import * as lax from "../lax/linalg.ts";
import { tupleText, range } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import { HIGHEST, conjugated, swapped } from "../primitives/matrices.ts";
import { counted } from "../primitives/iota.ts";
import { expanded, reversed } from "../primitives/shape.ts";
import { sorted } from "../primitives/sort.ts";
import { sort } from "../lax/sort.ts";
import { array, toArray, type ArrayLike } from "./asarray.ts";
import { matmul } from "./contractions.ts";
import { empty } from "./creation.ts";
import { finfo } from "./floats.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted, jittedAll } from "./jitted.ts";
import { greater } from "./logic.ts";
import { keyOf } from "./options.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { max, sum } from "./reductions.ts";
import { takeAlongAxis } from "./take.ts";
import { matrixTranspose } from "./shape.ts";
import { abs, add, conj, divide, multiply, negative, sign, subtract } from "./ufuncs.ts";
import { where } from "./where.ts";

const inexact = (x: NDArray): NDArray => promoteDtypesInexact(x)[0];

export interface CholeskyOptions {
  /** The upper triangular factor U with Uᴴ U = a. */
  readonly upper?: boolean;
  readonly symmetrizeInput?: boolean;
}

/** The Cholesky factor of positive definite matrices, NaN for others. */
export const cholesky = (a: ArrayLike, options: CholeskyOptions = {}): NDArray =>
  jitted(
    "cholesky",
    keyOf(options.upper ?? false, options.symmetrizeInput ?? true),
    (x) => {
      const L = lax.cholesky(inexact(x), { symmetrizeInput: options.symmetrizeInput ?? true });
      return options.upper === true ? conjugated(swapped(L)) : L;
    },
    [a],
  );

/** Eigenvalues and right eigenvectors, as columns, of any square matrices: `[w, v]`, both complex. */
export function eig(a: ArrayLike): [eigenvalues: NDArray, eigenvectors: NDArray] {
  const [w, v] = lax.eig(inexact(toArray(a, "eig")), { computeLeftEigenvectors: false });
  return [w, v];
}

/** The eigenvalues of any square matrices, complex, in the order in which the QR algorithm finds them. */
export const eigvals = (a: ArrayLike): NDArray =>
  jitted(
    "eigvals",
    "",
    (x) => lax.eig(inexact(x), { computeLeftEigenvectors: false, computeRightEigenvectors: false })[0],
    [a],
  );

export interface EighOptions {
  readonly UPLO?: "L" | "U" | null;
  readonly symmetrizeInput?: boolean;
}

/** Ascending eigenvalues, and eigenvectors as columns, of symmetric matrices: `[w, v]`. */
export function eigh(a: ArrayLike, options: EighOptions = {}): [eigenvalues: NDArray, eigenvectors: NDArray] {
  const { UPLO = null, symmetrizeInput = true } = options;
  if (UPLO !== null && UPLO !== "L" && UPLO !== "U") {
    throw new RematValueError(`UPLO must be one of None, 'L', or 'U', got ${String(UPLO)}.`);
  }
  const [w, v] = jittedAll(
    "eigh",
    keyOf(UPLO, symmetrizeInput),
    (x) => lax.eigh(inexact(x), { lower: UPLO !== "U", symmetrizeInput }).reverse(),
    [a],
  );
  return [w, v];
}

/** Ascending eigenvalues of symmetric matrices. */
export const eigvalsh = (a: ArrayLike, options: EighOptions = {}): NDArray =>
  jitted(
    "eigvalsh",
    keyOf(options.UPLO ?? "L", options.symmetrizeInput ?? true),
    (x) => eigh(inexact(x), { UPLO: options.UPLO ?? "L", symmetrizeInput: options.symmetrizeInput })[0],
    [a],
  );

export interface SvdOptions {
  /** Square matrices of vectors (the default), or as many vectors as there are singular values. */
  readonly fullMatrices?: boolean;
  readonly computeUv?: boolean;
  /** The matrices are hermitian: their eigenvalues tell all. */
  readonly hermitian?: boolean;
}

/** a = u diag(s) vh with descending s: `[u, s, vh]`, or s alone without `computeUv`. */
export function svd(a: ArrayLike, options: SvdOptions & { readonly computeUv: false }): NDArray;
export function svd(a: ArrayLike, options?: SvdOptions): [u: NDArray, s: NDArray, vh: NDArray];
export function svd(a: ArrayLike, options: SvdOptions = {}): NDArray | [NDArray, NDArray, NDArray] {
  const { fullMatrices = true, computeUv = true, hermitian = false } = options;
  const [u, s, vh] = jittedAll(
    "svd",
    keyOf(fullMatrices, computeUv, hermitian),
    (x) =>
      hermitian
        ? bySpectrum(inexact(x), computeUv)
        : computeUv
          ? lax.svd(inexact(x), { fullMatrices })
          : [lax.svd(inexact(x), { fullMatrices, computeUv: false })],
    [a],
  );
  return computeUv ? [u, s, vh] : u;
}

/** Of a hermitian matrix: its eigenvalues in the order of their size, with the signs in the right vectors. */
function bySpectrum(a: NDArray, computeUv: boolean): NDArray[] {
  const [v, w] = lax.eigh(a);
  const size = abs(w);
  const last = w.ndim - 1;
  if (!computeUv) return [reversed(sorted(size, last), [last])];
  const turns = sign(w);
  const [s, places, signs] = sort([size, counted("uint32", size.shape, last), turns], { dimension: -1, numKeys: 1 });
  const [descending, order, turned] = [s, places, signs].map((x) => reversed(x, [last])) as [NDArray, NDArray, NDArray];
  const across = (x: NDArray): NDArray => getitem(x, "...", null, slice(null));
  const u = takeAlongAxis(v, across(order), { axis: -1 });
  return [u, descending, adjoint(multiply(u, convertElementType(across(turned), u.dtype)))];
}

/** Descending singular values. */
export const svdvals = (x: ArrayLike): NDArray => svd(x, { computeUv: false });

export type QrMode = "reduced" | "complete" | "r" | "full" | "raw";

/** a = q r: `[q, r]`, r alone in mode "r", Householder reflectors (transposed) and their factors in mode "raw". */
export function qr(a: ArrayLike, mode: "r"): NDArray;
export function qr(a: ArrayLike, mode?: QrMode): [q: NDArray, r: NDArray];
export function qr(a: ArrayLike, mode: QrMode = "reduced"): NDArray | [NDArray, NDArray] {
  if (!["reduced", "complete", "r", "full", "raw"].includes(mode)) {
    throw new RematValueError(`Unsupported QR decomposition mode '${String(mode)}'. Use "reduced" or "complete".`);
  }
  const outs = jittedAll(
    "qr",
    keyOf(mode),
    (x) => {
      if (mode === "raw") {
        const [reflectors, taus] = lax.geqrf(inexact(x));
        return [swapped(reflectors), taus];
      }
      const [q, r] = lax.qr(inexact(x), { fullMatrices: mode === "complete" });
      return mode === "r" ? [r] : [q, r];
    },
    [a],
  );
  return mode === "r" ? outs[0] : [outs[0], outs[1]];
}

/** The Moore-Penrose pseudo-inverses; singular values up to `rtol` times the largest count as zero. */
export const pinv = (a: ArrayLike, rtol: number | null = null): NDArray => pseudoInverse(toArray(a, "pinv"), rtol);

export const exact = (x: NDArray, y: NDArray): NDArray => matmul(x, y, { precision: HIGHEST });
const adjoint = (x: NDArray): NDArray => conj(matrixTranspose(x));

function pseudoInverse(a: NDArray, rtol: number | null): NDArray {
  return customJvpCall(
    "_pinv",
    (x) => [
      jitted(
        "_pinv",
        keyOf(rtol),
        (given) => {
          const y = inexact(given);
          const [m, n] = y.shape.slice(-2);
          if (m === 0 || n === 0) return empty([...y.shape.slice(0, -2), n, m], { dtype: y.dtype });
          const limit =
            rtol === null ? multiply(10 * Math.max(m, n), array(finfo(y.dtype).eps, y.dtype)) : array(rtol, y.dtype);
          const [u, s, vh] = svd(conj(y), { fullMatrices: false });
          const cut = multiply(
            expanded(getitem(limit, "...", null), range(s.ndim - 1)),
            getitem(s, "...", slice(0, 1)),
          );
          const kept = convertElementType(where(greater(s, cut), s, Infinity), u.dtype);
          const right = matrixTranspose(vh);
          const scaled = divide(matrixTranspose(u), getitem(kept, "...", null));
          return convertElementType(exact(right, scaled), y.dtype);
        },
        [x],
      ),
    ],
    ([x], [t]) => {
      const dx = t!;
      const p = pinv(x, rtol);
      const [m, n] = x.shape.slice(-2);
      if (m >= n) {
        const s = exact(exact(p, adjoint(p)), adjoint(dx));
        const r = exact(exact(adjoint(dx), adjoint(p)), p);
        let dp = add(exact(negative(exact(p, dx)), p), s);
        dp = subtract(dp, exact(exact(s, x), p));
        return [[p], [subtract(add(dp, r), exact(exact(p, x), r))]];
      }
      const s = exact(p, exact(adjoint(p), adjoint(dx)));
      const r = exact(adjoint(dx), exact(adjoint(p), p));
      let dp = add(exact(negative(p), exact(dx, p)), s);
      dp = subtract(dp, exact(s, exact(x, p)));
      return [[p], [subtract(add(dp, r), exact(p, exact(x, r)))]];
    },
    [a],
    { jvpName: "_pinv_jvp" },
  )[0];
}

/** How many singular values are larger than `rtol` (by default a small multiple of the largest). */
export const matrixRank = (M: ArrayLike, rtol: number | null = null): NDArray =>
  jitted(
    "matrix_rank",
    keyOf(rtol),
    (given) => {
      const x = inexact(given);
      if (x.ndim < 2) throw new RematValueError(`matrix_rank takes matrices: got shape ${tupleText(x.shape)}.`);
      const s = svd(x, { fullMatrices: false, computeUv: false });
      if (rtol !== null) return sum(greater(s, expanded(array(rtol, s.dtype), [0])), { axis: -1 });
      const size = array(Math.max(...x.shape.slice(-2)), s.dtype);
      const limit = multiply(multiply(max(s, { axis: -1 }), size), array(finfo(s.dtype).eps, s.dtype));
      return sum(greater(s, expanded(limit, [limit.ndim])), { axis: -1 });
    },
    [M],
  );
