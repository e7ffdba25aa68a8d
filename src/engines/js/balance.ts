/**
 * Balancing, as LAPACK's gebal does before it looks for eigenvalues: rows and columns that isolate an eigenvalue are moved to the ends, and the others are
 * scaled by powers of two until they are about as long as each other (Parlett and Reinsch: Balancing a matrix, 1969; James, Langou and Lowery, 2014).
 */
import { abs, scale } from "./complexMath.ts";
import type { Matrix } from "./complexMatrix.ts";

export interface Balance {
  /** Pairs of rows and columns that were swapped, in order. */
  readonly swaps: readonly (readonly [number, number])[];
  /** What rows of right eigenvectors are multiplied with, and those of left ones divided by. */
  readonly factors: readonly number[];
}

const SMALLEST = 2 ** -1022 / 2 ** -53;

/** Balances in place; with `scaling` false rows and columns are moved only. */
export function balance(a: Matrix, n: number, scaling: boolean): Balance {
  const swaps: [number, number][] = [];
  let [low, high] = [0, n - 1];
  const zero = (i: number, j: number): boolean => a[i * n + j][0] === 0 && a[i * n + j][1] === 0;
  const swap = (p: number, q: number): void => {
    swaps.push([p, q]);
    for (let i = 0; i < n; i++) [a[i * n + p], a[i * n + q]] = [a[i * n + q], a[i * n + p]];
    for (let j = 0; j < n; j++) [a[p * n + j], a[q * n + j]] = [a[q * n + j], a[p * n + j]];
  };
  const alone = (place: number, byRow: boolean): boolean => {
    for (let k = byRow ? 0 : low; k <= high; k++) {
      if (k !== place && !(byRow ? zero(place, k) : zero(k, place))) return false;
    }
    return true;
  };
  for (let found = true; found;) {
    found = false;
    for (let i = high; i >= 0; i--) {
      if (!alone(i, true)) continue;
      if (i !== high) swap(i, high);
      found = true;
      if (high === 0) return { swaps, factors: new Array<number>(n).fill(1) };
      high--;
    }
  }
  for (let found = true; found;) {
    found = false;
    for (let j = low; j <= high; j++) {
      if (!alone(j, false)) continue;
      if (j !== low) swap(j, low);
      found = true;
      low++;
    }
  }
  const factors = new Array<number>(n).fill(1);
  for (let changed = scaling; changed;) {
    changed = false;
    for (let i = low; i <= high; i++) {
      let [c, r] = [0, 0];
      for (let k = low; k <= high; k++) {
        c = Math.hypot(c, abs(a[k * n + i]));
        r = Math.hypot(r, abs(a[i * n + k]));
      }
      if (c === 0 || r === 0) continue;
      const before = c + r;
      let f = 1;
      for (; c < r / 2 && f < 1 / SMALLEST; f *= 2) [c, r] = [c * 2, r / 2];
      for (; c / 2 >= r && f > SMALLEST; f /= 2) [c, r] = [c / 2, r * 2];
      if (c + r >= 0.95 * before) continue;
      factors[i] *= f;
      changed = true;
      for (let k = low; k < n; k++) a[i * n + k] = scale(a[i * n + k], 1 / f);
      for (let k = 0; k <= high; k++) a[k * n + i] = scale(a[k * n + i], f);
    }
  }
  return { swaps, factors };
}

/** Takes balancing back from a matrix whose columns are eigenvectors (or Schur vectors, where nothing was scaled). */
export function unbalance(v: Matrix, n: number, { swaps, factors }: Balance, left: boolean): void {
  for (let i = 0; i < n; i++) {
    const f = left ? 1 / factors[i] : factors[i];
    if (f !== 1) for (let j = 0; j < n; j++) v[i * n + j] = scale(v[i * n + j], f);
  }
  for (const [p, q] of [...swaps].reverse()) {
    for (let j = 0; j < n; j++) [v[p * n + j], v[q * n + j]] = [v[q * n + j], v[p * n + j]];
  }
}
