/**
 * Triangles: Cholesky factors, triangular solutions and LU factors, as textbooks have them, in doubles and rounded once. Leading axes are loops.
 */
import type { ConcreteArray } from "../../core/array.ts";
import { isComplex, type TypedArray } from "../../core/dtype.ts";
import { UnsupportedError } from "../../errors.ts";
import type { TriangularSolveParams } from "../../primitives/triangularSolve.ts";
import { complexCholesky, complexLu, complexTriangularSolve } from "./complexTriangles.ts";
import type { Kernel } from "./kernel.ts";
import { numbersOf, stored } from "./numbers.ts";

/** One kernel for real operands, one for complex ones. */
export const byKind =
  (real: Kernel, complex: Kernel): Kernel =>
  (args, outs, params) =>
    (isComplex(args[0].dtype) ? complex : real)(args, outs, params);

/** The elements of an operand as doubles of its own. */
export function doublesOf(name: string, x: ConcreteArray): Float64Array {
  if (isComplex(x.dtype)) {
    throw new UnsupportedError(
      `${name} of complex matrices is not computed by this engine: the operand is ${x.aval.toLongString()}. Use real matrices.`,
    );
  }
  return Float64Array.from(numbersOf(x));
}

/** The matrices of an array, one after the other, as views of its elements. */
export function matricesOf(data: Float64Array, size: number, count: number): Float64Array[] {
  return Array.from({ length: count }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

export const batchOf = (x: ConcreteArray, rank: number): number =>
  x.shape.slice(0, x.ndim - rank).reduce((a, b) => a * b, 1);

/** The lower factor in place of the matrix; all NaN if the matrix is not positive definite. */
function choleskyInPlace(a: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j];
    for (let k = 0; k < j; k++) d -= a[j * n + k] ** 2;
    if (!(d > 0)) {
      a.fill(NaN);
      return;
    }
    const root = Math.sqrt(d);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = a[i * n + j];
      for (let k = 0; k < j; k++) s -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = s / root;
    }
  }
}

const cholesky: Kernel = ([a], [out]) => {
  const n = a.shape.at(-1)!;
  const data = doublesOf("cholesky", a);
  for (const m of matricesOf(data, n * n, batchOf(a, 2))) choleskyInPlace(m, n);
  return [stored(data, out.dtype)];
};

/** Solves op(a) x = b for the columns of b, which is m × n, in place. */
function substitute(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  lower: boolean,
  transposed: boolean,
  unit: boolean,
): void {
  const at = (i: number, j: number): number => (transposed ? a[j * m + i] : a[i * m + j]);
  const forward = lower !== transposed;
  for (let step = 0; step < m; step++) {
    const i = forward ? step : m - 1 - step;
    const [from, to] = forward ? [0, i] : [i + 1, m];
    for (let c = 0; c < n; c++) {
      let s = b[i * n + c];
      for (let k = from; k < to; k++) s -= at(i, k) * b[k * n + c];
      b[i * n + c] = unit ? s : s / at(i, i);
    }
  }
}

function flipped(x: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j];
  return out;
}

const triangularSolve: Kernel = ([a, b], [out], params) => {
  const { left_side: left, lower, transpose_a: transposed, unit_diagonal: unit } = params as TriangularSolveParams;
  const [rows, columns] = b.shape.slice(-2);
  const m = a.shape.at(-1)!;
  const count = batchOf(a, 2);
  const [as, data] = [matricesOf(doublesOf("triangular_solve", a), m * m, count), doublesOf("triangular_solve", b)];
  matricesOf(data, rows * columns, count).forEach((x, i) => {
    if (left) substitute(as[i], x, m, columns, lower, transposed, unit);
    else {
      // x op(a) = b is op(a)ᵀ xᵀ = bᵀ
      const y = flipped(x, rows, columns);
      substitute(as[i], y, m, rows, lower, !transposed, unit);
      x.set(flipped(y, columns, rows));
    }
  });
  return [stored(data, out.dtype)];
};

/** Both triangles in place of the matrix, and for each column the row that was swapped to the diagonal. */
function luInPlace(a: Float64Array, m: number, n: number, pivots: Int32Array): void {
  for (let k = 0; k < pivots.length; k++) {
    let best = k;
    for (let i = k + 1; i < m; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[best * n + k])) best = i;
    pivots[k] = best;
    if (a[best * n + k] === 0) continue;
    if (best !== k) {
      for (let j = 0; j < n; j++) [a[k * n + j], a[best * n + j]] = [a[best * n + j], a[k * n + j]];
    }
    for (let i = k + 1; i < m; i++) {
      const factor = a[i * n + k] / a[k * n + k];
      a[i * n + k] = factor;
      for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
}

/** What the row swaps make of 0, 1, 2, ... */
function permutationOf(pivots: ArrayLike<number>, size: number): Int32Array {
  const out = Int32Array.from({ length: size }, (_, i) => i);
  for (let k = 0; k < pivots.length; k++) [out[k], out[pivots[k]]] = [out[pivots[k]], out[k]];
  return out;
}

const lu: Kernel = ([a], [out]) => {
  const [m, n] = a.shape.slice(-2);
  const [count, k] = [batchOf(a, 2), Math.min(m, n)];
  const data = doublesOf("lu", a);
  const pivots = new Int32Array(count * k);
  const order = new Int32Array(count * m);
  matricesOf(data, m * n, count).forEach((x, i) => {
    const own = pivots.subarray(i * k, (i + 1) * k);
    luInPlace(x, m, n, own);
    order.set(permutationOf(own, m), i * m);
  });
  return [stored(data, out.dtype), pivots, order];
};

const luPivotsToPermutation: Kernel = ([pivots], [out]): readonly TypedArray[] => {
  const [k, size] = [pivots.shape.at(-1)!, out.shape.at(-1)!];
  const order = new Int32Array(out.size);
  const all = pivots.data as Int32Array;
  for (let i = 0; i < batchOf(pivots, 1); i++) {
    order.set(permutationOf(all.subarray(i * k, (i + 1) * k), size), i * size);
  }
  return [order];
};

export const linalgKernels = {
  cholesky: byKind(cholesky, complexCholesky),
  triangular_solve: byKind(triangularSolve, complexTriangularSolve),
  lu: byKind(lu, complexLu(permutationOf)),
  lu_pivots_to_permutation: luPivotsToPermutation,
} as const satisfies Record<string, Kernel>;
