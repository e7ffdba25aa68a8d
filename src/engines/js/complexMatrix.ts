/**
 * Matrices of complex numbers, for kernels in which real ones are a special case: row after row, as pairs. Householder's reflectors are what most of
 * them are made of: H = 1 - τ v vᴴ takes a vector to a multiple of the first unit vector, and v starts with a one that is not kept. They are LAPACK's,
 * so that signs and phases are too.
 */
import type { ConcreteArray } from "../../core/array.ts";
import { dtypes, isComplex, type DType, type TypedArray } from "../../core/dtype.ts";
import { abs, add, conj, div, mul, scale, sub } from "./complexMath.ts";
import type { Complex } from "./complexMath.ts";
import { numbersOf, stored } from "./numbers.ts";

export type Matrix = Complex[];

export const ZERO: Complex = [0, 0];
export const ONE: Complex = [1, 0];

/** The matrices (or vectors) of an array, each of `size` elements. */
export function complexParts(x: ConcreteArray, rank: number): Matrix[] {
  const size = x.shape.slice(x.ndim - rank).reduce((a, b) => a * b, 1);
  const count = x.shape.slice(0, x.ndim - rank).reduce((a, b) => a * b, 1);
  const data = numbersOf(x);
  const paired = isComplex(x.dtype);
  return Array.from({ length: count }, (_, k) =>
    Array.from({ length: size }, (_, i): Complex => {
      const at = k * size + i;
      return paired ? [data[2 * at], data[2 * at + 1]] : [data[at], 0];
    }),
  );
}

/** Their elements as the storage of a dtype; real ones lose the imaginary parts. */
export function storedParts(parts: readonly (readonly Complex[])[], dtype: DType): TypedArray {
  const all = parts.flat();
  if (!isComplex(dtype)) return stored(all.map((z) => z[0]), dtype); // prettier-ignore
  const { storage } = dtypes[dtype];
  return new (storage as Float32ArrayConstructor)(all.flat());
}

export const identity = (n: number): Matrix =>
  Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? ONE : ZERO));

/** The columns of the product with the conjugate of one vector: Σ conj(v_i) a_ij. */
const alongRows = (a: Matrix, columns: number, v: readonly Complex[], top: number, j: number): Complex =>
  v.reduce<Complex>((s, x, i) => add(s, mul(conj(x), a[(top + i) * columns + j])), ZERO);

/** H a, for the reflector of v that acts on the rows from `top` on, and the columns from `first` on. */
export function reflectRows(a: Matrix, n: number, v: readonly Complex[], tau: Complex, top: number, first = 0): void {
  for (let j = first; j < n; j++) {
    const s = mul(tau, alongRows(a, n, v, top, j));
    v.forEach((x, i) => (a[(top + i) * n + j] = sub(a[(top + i) * n + j], mul(s, x))));
  }
}

/** a H, for the reflector of v that acts on the columns from `left` on. */
export function reflectColumns(
  a: Matrix,
  rows: number,
  n: number,
  v: readonly Complex[],
  tau: Complex,
  left: number,
): void {
  for (let i = 0; i < rows; i++) {
    let s = ZERO;
    v.forEach((x, k) => (s = add(s, mul(a[i * n + left + k], x))));
    s = mul(s, tau);
    v.forEach((x, k) => (a[i * n + left + k] = sub(a[i * n + left + k], mul(s, conj(x)))));
  }
}

export interface Reflector {
  readonly v: Complex[];
  readonly tau: Complex;
  /** What becomes of the first element, a real number unless nothing was to be done. */
  readonly beta: Complex;
}

/** The reflector of a vector. */
export function reflectorOf([alpha, ...rest]: readonly Complex[]): Reflector {
  const below = rest.reduce((s, z) => Math.hypot(s, z[0], z[1]), 0);
  if (below === 0 && alpha[1] === 0) return { v: [ONE, ...rest.map(() => ZERO)], tau: ZERO, beta: alpha };
  const size = Math.hypot(alpha[0], alpha[1], below);
  const beta = alpha[0] >= 0 ? -size : size;
  const divisor: Complex = [alpha[0] - beta, alpha[1]];
  return {
    v: [ONE, ...rest.map((z) => div(z, divisor))],
    tau: [(beta - alpha[0]) / beta, -alpha[1] / beta],
    beta: [beta, 0],
  };
}

/** The elements of a column from a row on. */
export const columnFrom = (a: Matrix, rows: number, n: number, top: number, j: number): Complex[] =>
  Array.from({ length: rows - top }, (_, i) => a[(top + i) * n + j]);

/** A vector divided by its length. */
export function normalized(x: readonly Complex[]): Complex[] {
  const size = x.reduce((s, z) => Math.hypot(s, z[0], z[1]), 0);
  return x.map((z) => scale(z, 1 / size));
}

/** Where the element of the largest absolute value stands. */
export function largestAt(x: readonly Complex[]): number {
  let best = 0;
  x.forEach((z, i) => {
    if (abs(z) > abs(x[best])) best = i;
  });
  return best;
}

export const isBroken = (a: readonly Complex[]): boolean =>
  a.some((z) => !Number.isFinite(z[0]) || !Number.isFinite(z[1]));
export const NAN: Complex = [NaN, NaN];
