/** Triangles of complex matrices: Cholesky factors, triangular solutions, LU factors. */
import { abs, add, conj, div, mul, scale, sub } from "./complexMath.ts";
import { NAN, ZERO, complexParts, storedParts, type Matrix } from "./complexMatrix.ts";
import type { Kernel } from "./kernel.ts";
import type { Complex } from "./complexMath.ts";
import type { TriangularSolveParams } from "../../primitives/triangularSolve.ts";

function factorInPlace(a: Matrix, n: number): void {
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j][0];
    for (let k = 0; k < j; k++) d -= abs(a[j * n + k]) ** 2;
    if (!(d > 0)) {
      a.fill(NAN);
      return;
    }
    const root = Math.sqrt(d);
    a[j * n + j] = [root, 0];
    for (let i = j + 1; i < n; i++) {
      let s = a[i * n + j];
      for (let k = 0; k < j; k++) s = sub(s, mul(a[i * n + k], conj(a[j * n + k])));
      a[i * n + j] = scale(s, 1 / root);
    }
  }
}

export const complexCholesky: Kernel = ([a], [out]) => {
  const parts = complexParts(a, 2);
  for (const m of parts) factorInPlace(m, a.shape.at(-1)!);
  return [storedParts(parts, out.dtype)];
};

export const complexTriangularSolve: Kernel = ([a, b], [out], params) => {
  const p = params as TriangularSolveParams;
  const [rows, columns] = b.shape.slice(-2);
  const m = a.shape.at(-1)!;
  const as = complexParts(a, 2);
  const parts = complexParts(b, 2);
  parts.forEach((x, k) => {
    const stands = as[k];
    const given = (i: number, j: number): Complex => {
      const z = p.transpose_a ? stands[j * m + i] : stands[i * m + j];
      return p.conjugate_a ? conj(z) : z;
    };
    // x op(a) = b is op(a)ᵀ xᵀ = bᵀ
    const at = (i: number, j: number): Complex => (p.left_side ? given(i, j) : given(j, i));
    const place = (i: number, c: number): number => (p.left_side ? i * columns + c : c * columns + i);
    const forward = p.lower !== (p.left_side === p.transpose_a);
    for (let step = 0; step < m; step++) {
      const i = forward ? step : m - 1 - step;
      const [from, to] = forward ? [0, i] : [i + 1, m];
      for (let c = 0; c < (p.left_side ? columns : rows); c++) {
        let s = x[place(i, c)];
        for (let j = from; j < to; j++) s = sub(s, mul(at(i, j), x[place(j, c)]));
        x[place(i, c)] = p.unit_diagonal ? s : div(s, at(i, i));
      }
    }
  });
  return [storedParts(parts, out.dtype)];
};

const size1 = ([re, im]: Complex): number => Math.abs(re) + Math.abs(im);

function eliminate(a: Matrix, m: number, n: number, pivots: Int32Array): void {
  for (let k = 0; k < pivots.length; k++) {
    let best = k;
    for (let i = k + 1; i < m; i++) if (size1(a[i * n + k]) > size1(a[best * n + k])) best = i;
    pivots[k] = best;
    if (size1(a[best * n + k]) === 0) continue;
    if (best !== k) {
      for (let j = 0; j < n; j++) [a[k * n + j], a[best * n + j]] = [a[best * n + j], a[k * n + j]];
    }
    for (let i = k + 1; i < m; i++) {
      const factor = div(a[i * n + k], a[k * n + k]);
      a[i * n + k] = factor;
      for (let j = k + 1; j < n; j++) a[i * n + j] = sub(a[i * n + j], mul(factor, a[k * n + j]));
    }
  }
}

/** LU factors, given how pivots become a permutation. */
export const complexLu =
  (permutationOf: (pivots: Int32Array, size: number) => Int32Array): Kernel =>
  ([a], [out]) => {
    const [m, n] = a.shape.slice(-2);
    const k = Math.min(m, n);
    const parts = complexParts(a, 2);
    const pivots = new Int32Array(parts.length * k);
    const order = new Int32Array(parts.length * m);
    parts.forEach((x, i) => {
      const own = pivots.subarray(i * k, (i + 1) * k);
      eliminate(x, m, n, own);
      order.set(permutationOf(own, m), i * m);
    });
    return [storedParts(parts, out.dtype), pivots, order];
  };

/** Elimination with row swaps of a tridiagonal matrix, which fills a second diagonal above; the columns of b are solved along. */
export function solveTridiagonal(
  below: readonly Complex[],
  given: readonly Complex[],
  above: readonly Complex[],
  b: Matrix,
  columns: number,
  perturb: number | null,
): void {
  const n = given.length;
  const [d, du] = [[...given], [...above]];
  const dl = below.slice(1);
  const second: Complex[] = d.map(() => ZERO);
  const row = (i: number, c: number): number => i * columns + c;
  for (let i = 0; i < n - 1; i++) {
    if (size1(d[i]) >= size1(dl[i])) {
      if (size1(dl[i]) === 0) continue;
      const factor = div(dl[i], d[i]);
      d[i + 1] = sub(d[i + 1], mul(factor, du[i]));
      for (let c = 0; c < columns; c++) b[row(i + 1, c)] = sub(b[row(i + 1, c)], mul(factor, b[row(i, c)]));
    } else {
      const factor = div(d[i], dl[i]);
      const next = d[i + 1];
      d[i] = dl[i];
      d[i + 1] = sub(du[i], mul(factor, next));
      if (i < n - 2) {
        second[i] = du[i + 1];
        du[i + 1] = scale(mul(factor, du[i + 1]), -1);
      }
      du[i] = next;
      for (let c = 0; c < columns; c++) {
        const [upper, lower] = [b[row(i, c)], b[row(i + 1, c)]];
        b[row(i, c)] = lower;
        b[row(i + 1, c)] = sub(upper, mul(factor, lower));
      }
    }
  }
  if (perturb !== null) {
    const limit = perturb * [...d, ...du.slice(0, -1), ...second].reduce((s, z) => Math.max(s, abs(z)), 0);
    d.forEach((z, i) => {
      if (abs(z) < limit) d[i] = [z[0] < 0 ? -limit : limit, 0];
    });
  }
  if (d.some((z) => size1(z) === 0)) {
    b.fill(NAN);
    return;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < columns; c++) {
      let s = b[row(i, c)];
      if (i < n - 1) s = sub(s, mul(du[i], b[row(i + 1, c)]));
      if (i < n - 2) s = sub(s, mul(second[i], b[row(i + 2, c)]));
      b[row(i, c)] = div(s, d[i]);
    }
  }
}

const EPS = { float32: 2 ** -24, complex64: 2 ** -24 } as Readonly<Record<string, number>>;

export const tridiagonalSolve: Kernel = ([dl, d, du, b], [out], params) => {
  const bs = complexParts(b, 2);
  const [ls, ds, us] = [dl, d, du].map((x) => complexParts(x, 1));
  const perturb = params["perturb_singular"] === true ? (EPS[out.dtype] ?? 2 ** -53) : null;
  bs.forEach((x, k) => solveTridiagonal(ls[k], ds[k], us[k], x, b.shape.at(-1)!, perturb));
  return [storedParts(bs, out.dtype)];
};

export const symmetricProduct: Kernel = ([a, c], [out], params) => {
  const { alpha, beta } = params as { alpha: number; beta: number };
  const [m, n] = a.shape.slice(-2);
  const cs = complexParts(c, 2);
  const parts = complexParts(a, 2).map((x, k) =>
    Array.from({ length: m * m }, (_, at): Complex => {
      const [i, j] = [Math.floor(at / m), at % m];
      let s = ZERO;
      for (let l = 0; l < n; l++) s = add(s, mul(x[i * n + l], x[j * n + l]));
      return add(scale(s, alpha), scale(cs[k][at], beta));
    }),
  );
  return [storedParts(parts, out.dtype)];
};
