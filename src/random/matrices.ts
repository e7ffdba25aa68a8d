/** Random vectors and matrices that linear algebra makes: normal vectors of a given covariance, and orthogonal matrices. */
import type { NDArray } from "../core/array.ts";
import { isFloat, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { einsum } from "../numpy/einsum.ts";
import { cholesky, diagonal, eigh, qr, svd } from "../numpy/linalg.ts";
import { keyOf, named } from "../numpy/options.ts";
import { promoteDtypesInexact, broadcastShapes } from "../numpy/promote.ts";
import { matrixTranspose } from "../numpy/shape.ts";
import { add, multiply, sign, sqrt } from "../numpy/ufuncs.ts";
import { tupleText } from "../primitives/axes.ts";
import { jitCall } from "../primitives/jit.ts";
import { expanded } from "../primitives/shape.ts";
import { typedKey } from "./keys.ts";
import { normalOf } from "./normal.ts";
import { checkShape, type Shape } from "./uniform.ts";

export interface MultivariateNormalOptions {
  readonly shape?: Shape | null;
  readonly dtype?: DType | null;
  /** How the covariance is taken apart. */
  readonly method?: "cholesky" | "eigh" | "svd";
}

/** Normally distributed vectors with the given means and covariance matrices. */
export function multivariateNormal(
  key: ArrayLike,
  mean: ArrayLike,
  cov: ArrayLike,
  shape?: Shape | null | MultivariateNormalOptions,
  dtype?: DType | null | MultivariateNormalOptions,
  method?: "cholesky" | "eigh" | "svd" | MultivariateNormalOptions,
): NDArray {
  const options = named<MultivariateNormalOptions>(["shape", "dtype", "method"], [shape, dtype, method]);
  const how = options.method ?? "cholesky";
  const name = "multivariateNormal";
  const k = typedKey(name, key);
  const [mu, sigma] = promoteDtypesInexact(toArray(mean, name, 1), toArray(cov, name, 2));
  if (!["svd", "eigh", "cholesky"].includes(how)) {
    throw new RematValueError(
      `method must be one of {'svd', 'eigh', 'cholesky'}: random.${name} got '${String(how)}'.`,
    );
  }
  const wanted = canonicalDType(options.dtype ?? mu.dtype);
  if (!isFloat(wanted)) {
    throw new RematValueError(
      `dtype argument to \`multivariate_normal\` must be a float dtype, got ${wanted}. Take float32, or convert the samples.`,
    );
  }
  if (mu.ndim < 1) throw new RematValueError("multivariate_normal requires mean.ndim >= 1, got mean.ndim == 0");
  if (sigma.ndim < 2) {
    throw new RematValueError(`multivariate_normal requires cov.ndim >= 2, got cov.ndim == ${sigma.ndim}`);
  }
  const n = mu.shape.at(-1)!;
  if (sigma.shape.at(-1) !== n || sigma.shape.at(-2) !== n) {
    throw new RematValueError(
      `multivariate_normal requires cov.shape == (..., n, n) for n=${n}, but got cov.shape == ${tupleText(sigma.shape)}.`,
    );
  }
  const outer = [mu.shape.slice(0, -1), sigma.shape.slice(0, -2)] as const;
  const batch = options.shape ?? broadcastShapes(...outer);
  if (options.shape !== null && options.shape !== undefined) checkShape("normal", batch, ...outer);
  const sample = (bits: NDArray, center: NDArray, spread: NDArray): NDArray[] => {
    let factor: NDArray;
    if (how === "cholesky") factor = cholesky(spread);
    else {
      const [vectors, sizes] = how === "svd" ? svd(spread) : eigh(spread).reverse();
      factor = multiply(vectors, sqrt(expanded(sizes, [-2])));
    }
    const draws = normalOf(bits, [...batch, n], wanted);
    return [add(center, einsum("...ij,...j->...i", factor, draws))];
  };
  return jitCall("_multivariate_normal", keyOf(batch, options.shape == null, wanted, how), sample, [k, mu, sigma])[0];
}

export interface OrthogonalOptions {
  readonly shape?: Shape;
  readonly dtype?: DType | null;
  /** The number of columns; by default that of the rows. */
  readonly m?: number | null;
}

/** Matrices with n rows that are evenly distributed over the orthogonal (of complex dtypes unitary) ones, or over those with orthonormal rows or columns. */
export function orthogonal(
  key: ArrayLike,
  n: number,
  shape?: Shape | OrthogonalOptions,
  dtype?: DType | null | OrthogonalOptions,
  m?: number | null | OrthogonalOptions,
): NDArray {
  const options = named<OrthogonalOptions>(["shape", "dtype", "m"], [shape, dtype, m]);
  const columns = options.m ?? n;
  for (const size of [n, columns]) {
    if (!Number.isInteger(size) || size < 0) {
      throw new RematTypeError(`random.orthogonal takes sizes that are integers, got ${String(size)}.`);
    }
  }
  const batch = options.shape ?? [];
  const wanted = canonicalDType(options.dtype ?? "float64");
  const sample = (k: NDArray): NDArray[] => {
    const z = normalOf(k, [...batch, Math.max(n, columns), Math.min(n, columns)], wanted);
    const [q, r] = qr(z);
    // The signs make the distribution even (Mezzadri: How to generate random matrices from the classical compact groups, 2007).
    const x = multiply(q, expanded(sign(diagonal(r)), [-2]));
    return [n < columns ? matrixTranspose(x) : x];
  };
  return jitCall("_orthogonal", keyOf(n, columns, batch, wanted), sample, [typedKey("orthogonal", key)])[0];
}
