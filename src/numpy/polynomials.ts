/** Polynomials as vectors of coefficients, the highest power first. */
import type { NDArray } from "../core/array.ts";
import { ConcretizationTypeError, RematValueError } from "../errors.ts";
import { scan } from "../lax/loops.ts";
import { complexDType, literal } from "../core/scalar.ts";
import { concatenated } from "../primitives/join.ts";
import { neg } from "../primitives/neg.ts";
import { filled } from "../primitives/shape.ts";
import { sortedTogether } from "../primitives/sort.ts";
import { array, concreteValue, float, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { arange, full, ones, zeros } from "./creation.ts";
import { argmin } from "./cumulative.ts";
import { diag } from "./diagonals.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { eigvals } from "./linalgDecompositions.ts";
import { equal, less } from "./logic.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { broadcastShapes, promoteDtypes, promoteDtypesInexact } from "./promote.ts";
import { all, prod } from "./reductions.ts";
import { roll } from "./repeating.ts";
import { atleast1d } from "./shape.ts";
import { convolve } from "./signal.ts";
import { trimZeros, trimZerosWithin } from "./trimming.ts";
import { add, maximum, multiply, negative, subtract, trueDivide } from "./ufuncs.ts";
import { where } from "./where.ts";
import { finfo } from "./floats.ts";

/**
 * The polynomial with the given roots, or with the eigenvalues of a square matrix as its roots.
 *
 *     np.poly([1, 2]) // [1, -3, 2]
 */
export function poly(seqOfZeros: ArrayLike): NDArray {
  return jitted(
    "poly",
    "",
    (given) => {
      const [inexact] = promoteDtypesInexact(given);
      let roots = atleast1d(inexact);
      if (roots.ndim === 2 && roots.shape[0] === roots.shape[1] && roots.shape[0] !== 0) {
        roots = eigvals(roots);
      }
      if (roots.ndim !== 1) {
        throw new RematValueError(
          `input must be 1d or non-empty square 2d array, got shape (${roots.shape.join(", ")}). Give a vector of roots.`,
        );
      }
      const { dtype } = roots;
      if (roots.shape[0] === 0) return ones([], { dtype });
      let out = ones([1], { dtype });
      for (let k = 0; k < roots.shape[0]; k++) {
        out = convolve(out, array([1, neg(getitem(roots, k))], { dtype }), "full");
      }
      return out;
    },
    [seqOfZeros],
  );
}

/** The eigenvalues of the companion matrix. */
const rootsWithoutZeros = (p: NDArray): NDArray =>
  jitted(
    "_roots_no_zeros",
    "",
    (c) => {
      const n = c.shape[0];
      if (n < 2) return array([], complexDType(c.dtype));
      const below = diag(ones([n - 2], { dtype: c.dtype }), -1);
      const first = trueDivide(negative(getitem(c, slice(1, null))), getitem(c, 0));
      return eigvals(at(below, 0, slice()).set(first));
    },
    [p],
  );

export interface RootsOptions {
  /** Leading zeros are taken off, which needs a known vector (the default); else as many roots are NaN. */
  readonly stripZeros?: boolean;
}

/**
 * The roots of a polynomial, complex numbers.
 *
 *     np.roots([1, -3, 2]) // [2, 1]
 */
export function roots(p: ArrayLike, options: RootsOptions = {}): NDArray {
  const [inexact] = promoteDtypesInexact(arrayOf(p, "roots"));
  const c = atleast1d(inexact);
  if (c.ndim !== 1) {
    throw new RematValueError(
      `Input must be a rank-1 array: np.roots got shape (${c.shape.join(", ")}). Give coefficients.`,
    );
  }
  const n = c.shape[0];
  if (n < 2) return array([], complexDType(c.dtype));
  const none = all(equal(c, 0));
  const leading = where(none, n, argmin(equal(c, 0)));
  if (options.stripZeros ?? true) {
    const known = concreteValue(leading);
    if (known === null) {
      throw new ConcretizationTypeError(
        "np.roots was given a traced array: how many leading zeros it has is not known. To use this within a JIT-compiled context, pass " +
          "{ stripZeros: false }; leading zeros then give roots that are NaN.",
      );
    }
    return rootsWithoutZeros(getitem(c, slice(Number(known.data[0]), null)));
  }
  return jitted(
    "_roots_with_zeros",
    "",
    (given, zeros) => {
      const safe = where(equal(zeros, n), float(1), given);
      const found = rootsWithoutZeros(roll(safe, negative(zeros)));
      const [, ordered] = sortedTogether([equal(found, 0), found], 0, 1);
      const kept = less(arange(n - 1), subtract(n - 1, zeros));
      return where(kept, ordered, literal({ re: NaN, im: NaN }, found.dtype, true));
    },
    [c, leading],
  );
}

export interface PolyvalOptions {
  /** How many steps of the loop are compiled as one. */
  readonly unroll?: number;
}

/**
 * The value of a polynomial at `x`, by Horner's rule: a scan over the coefficients.
 *
 *     np.polyval([1, -3, 2], 3) // 2
 */
export function polyval(p: ArrayLike, x: ArrayLike, { unroll = 16 }: PolyvalOptions = {}): NDArray {
  return jitted(
    "polyval",
    keyOf(unroll),
    (first, second) => {
      const [coefficients, place] = promoteDtypes(first, second);
      const shape = broadcastShapes(coefficients.shape.slice(1), place.shape);
      const start = filled(shape, 0, place.dtype);
      const step = (y: NDArray, c: NDArray): readonly [NDArray, null] => [add(multiply(y, place), c), null];
      return scan(step, start, coefficients, { unroll })[0];
    },
    [p, x],
  );
}

function sumOfPolynomials(a1: ArrayLike, a2: ArrayLike): NDArray {
  return jitted(
    "polyadd",
    "",
    (first, second) => {
      const [x, y] = promoteDtypes(first, second);
      return y.shape[0] <= x.shape[0] ? at(x, slice(-y.shape[0], null)).add(y) : at(y, slice(-x.shape[0], null)).add(x);
    },
    [a1, a2],
  );
}

/** The sum of two polynomials. */
export const polyadd = (a1: ArrayLike, a2: ArrayLike): NDArray => sumOfPolynomials(a1, a2);

/** The difference of two polynomials. */
export const polysub = (a1: ArrayLike, a2: ArrayLike): NDArray =>
  jitted(
    "polysub",
    "",
    (first, second) => {
      const [x, y] = promoteDtypes(first, second);
      return sumOfPolynomials(x, neg(y));
    },
    [a1, a2],
  );

export interface PolyintOptions {
  /** How often to integrate. */
  readonly m?: number;
  /** The constants of integration, one for all or one for each time. */
  readonly k?: ArrayLike | null;
}

/** The integral of a polynomial. */
export function polyint(p: ArrayLike, m?: number | PolyintOptions, k?: ArrayLike | null | PolyintOptions): NDArray {
  const given = named<PolyintOptions>(["m", "k"], [m, k]);
  const times = given.m ?? 1;
  const constants = given.k ?? null;
  if (times < 0) throw new RematValueError(`Order of integral must be positive (see polyder), got m=${times}.`);
  return jitted(
    "polyint",
    keyOf(times, constants !== null),
    (first, second) => {
      const [coefficients, fixed] = promoteDtypesInexact(first, second ?? arrayOf(0, "polyint"));
      let tail = atleast1d(fixed);
      if (tail.shape[0] === 1) tail = full([times], getitem(tail, 0));
      if (tail.ndim !== 1 || tail.shape[0] !== times) {
        throw new RematValueError(
          `k must be a scalar or a rank-1 array of length 1 or m, got shape (${tail.shape.join(", ")}) with m=${times}.`,
        );
      }
      if (times === 0) return coefficients;
      const { dtype } = coefficients;
      const powers = getitem(arange(coefficients.shape[0] + times, { dtype }), null);
      const grid = subtract(powers, getitem(arange(times, { dtype }), slice(null), null));
      const divisors = getitem(prod(maximum(1, grid), 0), slice(null, null, -1));
      return trueDivide(concatenated([coefficients, tail], 0), divisors);
    },
    constants === null ? [p] : [p, constants],
  );
}

/** The derivative of a polynomial, `m` times. */
export function polyder(p: ArrayLike, m?: number | { readonly m?: number }): NDArray {
  const times = named<{ m: number }>(["m"], [m]).m ?? 1;
  if (times < 0) throw new RematValueError(`Order of derivative must be positive, got m=${times}.`);
  return jitted(
    "polyder",
    keyOf(times),
    (given) => {
      const [coefficients] = promoteDtypesInexact(given);
      if (times === 0) return coefficients;
      const { dtype } = coefficients;
      const powers = getitem(arange(times, coefficients.shape[0], { dtype }), null);
      const factors = prod(subtract(powers, getitem(arange(times, { dtype }), slice(null), null)), 0);
      return multiply(getitem(coefficients, slice(null, -times)), getitem(factors, slice(null, null, -1)));
    },
    [p],
  );
}

export interface PolyOptions {
  /** Drops leading zeros first (of the remainder, for `polydiv`); needs known values. */
  readonly trimLeadingZeros?: boolean;
}

/** The product of two polynomials. */
export function polymul(a1: ArrayLike, a2: ArrayLike, { trimLeadingZeros = false }: PolyOptions = {}): NDArray {
  let [x, y] = promoteDtypesInexact(arrayOf(a1, "polymul"), arrayOf(a2, "polymul", 1));
  if (trimLeadingZeros && (x.shape[0] > 1 || y.shape[0] > 1)) [x, y] = [trimZeros(x, "f"), trimZeros(y, "f")];
  if (x.shape[0] === 0) x = zeros(1, { dtype: y.dtype });
  if (y.shape[0] === 0) y = zeros(1, { dtype: x.dtype });
  return convolve(x, y, "full");
}

/** The quotient of two polynomials, and the remainder, which is as long as the dividend. */
export function polydiv(
  u: ArrayLike,
  v: ArrayLike,
  { trimLeadingZeros = false }: PolyOptions = {},
): readonly [quotient: NDArray, remainder: NDArray] {
  const [dividend, divisor] = promoteDtypesInexact(arrayOf(u, "polydiv"), arrayOf(v, "polydiv", 1));
  const [m, n] = [dividend.shape[0] - 1, divisor.shape[0] - 1];
  const scale = trueDivide(float(1), getitem(divisor, 0));
  let quotient = zeros(Math.max(m - n + 1, 1), { dtype: dividend.dtype });
  let rest = dividend;
  for (let k = 0; k < m - n + 1; k++) {
    const d = multiply(scale, getitem(rest, k));
    quotient = at(quotient, k).set(d);
    rest = at(rest, slice(k, k + n + 1)).add(multiply(neg(d), divisor));
  }
  if (trimLeadingZeros) rest = trimZerosWithin(rest, Math.sqrt(finfo(rest.dtype).eps), "f");
  return [quotient, rest];
}
