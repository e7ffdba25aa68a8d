/**
 * Orthogonal decompositions of complex matrices: QR, Hessenberg and tridiagonal forms by reflectors, eigenvalues of Hermitian matrices by way of a real
 * tridiagonal one, singular values by rotations of pairs of columns.
 */
import type { EighParams } from "../../primitives/eigh.ts";
import type { OrmqrParams } from "../../primitives/matrixUpdates.ts";
import type { SvdParams } from "../../primitives/svd.ts";
import { abs, add, conj, mul, scale, sub } from "./complexMath.ts";
import {
  NAN,
  ONE,
  ZERO,
  columnFrom,
  complexParts,
  isBroken,
  normalized,
  reflectColumns,
  reflectRows,
  reflectorOf,
  storedParts,
  type Matrix,
} from "./complexMatrix.ts";
import type { Kernel } from "./kernel.ts";
import type { Complex } from "./complexMath.ts";
import { stored } from "./numbers.ts";
import { symmetricEigen } from "./symmetricEigen.ts";

/** Swaps columns so that the longest of what remains comes next. */
function pivotColumn(a: Matrix, m: number, n: number, k: number, order: Int32Array): void {
  let [best, longest] = [k, -1];
  for (let j = k; j < n; j++) {
    const length = columnFrom(a, m, n, k, j).reduce((s, z) => Math.hypot(s, z[0], z[1]), 0);
    // Lengths that differ in their last bits are ties: the first one stays.
    if (length > longest * (1 + 1e-6)) [best, longest] = [j, length];
  }
  if (best === k) return;
  [order[k], order[best]] = [order[best], order[k]];
  for (let i = 0; i < m; i++) [a[i * n + k], a[i * n + best]] = [a[i * n + best], a[i * n + k]];
}

/** Reflectors below the upper triangle, in place; returns their factors. With `order` columns are swapped, and it tells how. */
function reflect(a: Matrix, m: number, n: number, order: Int32Array | null): Complex[] {
  return Array.from({ length: Math.min(m, n) }, (_, k) => {
    if (order !== null) pivotColumn(a, m, n, k, order);
    const { v, tau, beta } = reflectorOf(columnFrom(a, m, n, k, k));
    reflectRows(a, n, v, conj(tau), k, k + 1);
    v.forEach((x, i) => (a[(k + i) * n + k] = i === 0 ? beta : x));
    return tau;
  });
}

const reflectorAt = (a: Matrix, m: number, n: number, top: number, k: number): Complex[] => [
  ONE,
  ...columnFrom(a, m, n, top + 1, k),
];

/** The first `columns` columns of the product of the reflectors. */
function multiplyOut(a: Matrix, taus: readonly Complex[], m: number, n: number, columns: number): Matrix {
  const q = Array.from({ length: m * columns }, (_, i) => (i % columns === Math.floor(i / columns) ? ONE : ZERO));
  for (let k = taus.length - 1; k >= 0; k--) reflectRows(q, columns, reflectorAt(a, m, n, k, k), taus[k], k);
  return q;
}

export const complexQr: Kernel = ([a], outs, params) => {
  const [m, n] = a.shape.slice(-2);
  const columns = params["full_matrices"] === true ? m : Math.min(m, n);
  const orders: number[] = [];
  const [qs, rs]: Matrix[][] = [[], []];
  for (const x of complexParts(a, 2)) {
    const order = params["pivoting"] === true ? Int32Array.from({ length: n }, (_, j) => j) : null;
    const taus = reflect(x, m, n, order);
    qs.push(multiplyOut(x, taus, m, n, columns));
    rs.push(x.slice(0, columns * n).map((z, i) => (i % n < Math.floor(i / n) ? ZERO : z)));
    orders.push(...(order ?? []));
  }
  const factors = [storedParts(qs, outs[0].dtype), storedParts(rs, outs[1].dtype)];
  return outs.length === 3 ? [...factors, Int32Array.from(orders)] : factors;
};

export const complexGeqrf: Kernel = ([a], [out]) => {
  const [m, n] = a.shape.slice(-2);
  const parts = complexParts(a, 2);
  const taus = parts.map((x) => reflect(x, m, n, null));
  return [storedParts(parts, out.dtype), storedParts(taus, out.dtype)];
};

export const complexHouseholderProduct: Kernel = ([a, taus], [out]) => {
  const [m, n] = a.shape.slice(-2);
  const factors = complexParts(taus, 1);
  const parts = complexParts(a, 2).map((x, i) => multiplyOut(x, factors[i], m, n, n));
  return [storedParts(parts, out.dtype)];
};

/** c multiplied with the matrix of reflectors, from either side, or with its conjugate transpose. */
export const ormqr: Kernel = ([a, taus, c], [out], params) => {
  const { left, transpose } = params as OrmqrParams;
  const [m, n] = a.shape.slice(-2);
  const [rows, columns] = c.shape.slice(-2);
  const [as, ts, parts] = [complexParts(a, 2), complexParts(taus, 1), complexParts(c, 2)];
  parts.forEach((x, b) => {
    const order = ts[b].map((_, k) => k);
    if (left !== transpose) order.reverse();
    for (const k of order) {
      const v = reflectorAt(as[b], m, n, k, k);
      const tau = transpose ? conj(ts[b][k]) : ts[b][k];
      if (left) reflectRows(x, columns, v, tau, k);
      else reflectColumns(x, rows, columns, v, tau, k);
    }
  });
  return [storedParts(parts, out.dtype)];
};

/** A Hessenberg form with reflectors below it, in place. */
export function hessenbergInPlace(a: Matrix, n: number): Complex[] {
  return Array.from({ length: Math.max(n - 1, 0) }, (_, k) => {
    const { v, tau, beta } = reflectorOf(columnFrom(a, n, n, k + 1, k));
    reflectColumns(a, n, n, v, tau, k + 1);
    reflectRows(a, n, v, conj(tau), k + 1, k + 1);
    v.forEach((x, i) => (a[(k + 1 + i) * n + k] = i === 0 ? beta : x));
    return tau;
  });
}

export const hessenberg: Kernel = ([a], [out]) => {
  const parts = complexParts(a, 2);
  const taus = parts.map((x) => hessenbergInPlace(x, a.shape.at(-1)!));
  return [storedParts(parts, out.dtype), storedParts(taus, out.dtype)];
};

/** The orthogonal matrix of the reflectors below a Hessenberg or tridiagonal form, times a matrix. */
export function timesReflectors(a: Matrix, taus: readonly Complex[], n: number, z: Matrix): Matrix {
  for (let k = taus.length - 1; k >= 0; k--) reflectRows(z, n, reflectorAt(a, n, n, k + 1, k), taus[k], k + 1);
  return z;
}

interface Tridiagonal {
  readonly d: number[];
  readonly e: number[];
  readonly taus: Complex[];
}

/** A Hermitian matrix made tridiagonal from its lower triangle, which reflectors take the place of. */
function tridiagonalLower(a: Matrix, n: number): Tridiagonal {
  const whole = a.map((z, at): Complex => {
    const [i, j] = [Math.floor(at / n), at % n];
    return i === j ? [z[0], 0] : i > j ? z : conj(a[j * n + i]);
  });
  const e: number[] = [];
  const taus: Complex[] = [];
  for (let k = 0; k < n - 1; k++) {
    const { v, tau, beta } = reflectorOf(columnFrom(whole, n, n, k + 1, k));
    e.push(beta[0]);
    taus.push(tau);
    reflectRows(whole, n, v, conj(tau), k + 1, k + 1);
    const rest = Array.from({ length: n - 1 - k }, (_, i) => whole.slice((k + 1 + i) * n, (k + 2 + i) * n)).flat();
    reflectColumns(rest, n - 1 - k, n, v, tau, k + 1);
    rest.forEach((z, i) => (whole[(k + 1) * n + i] = z));
    v.forEach((x, i) => (whole[(k + 1 + i) * n + k] = i === 0 ? beta : x));
  }
  const d = Array.from({ length: n }, (_, i) => whole[i * n + i][0]);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = i === j ? [d[i], 0] : whole[i * n + j];
  return { d, e, taus };
}

/** Turns a matrix by half a circle: its last row and column first. */
const halfTurn = (a: readonly Complex[]): Matrix => [...a].reverse();

/** The same from the upper triangle: that of the matrix with rows and columns in reverse order, transposed twice. */
function tridiagonalUpper(a: Matrix, n: number): Tridiagonal {
  const turned = halfTurn(a);
  const { d, e, taus } = tridiagonalLower(turned, n);
  halfTurn(turned).forEach((z, at) => (a[at] = z));
  return { d: d.reverse(), e: e.reverse(), taus: taus.reverse() };
}

export const tridiagonal: Kernel = ([a], outs, params) => {
  const n = a.shape.at(-1)!;
  const parts = complexParts(a, 2);
  const forms = parts.map((x) => (params["lower"] === true ? tridiagonalLower(x, n) : tridiagonalUpper(x, n)));
  return [
    storedParts(parts, outs[0].dtype),
    stored(forms.flatMap((f) => f.d), outs[1].dtype), // prettier-ignore
    stored(forms.flatMap((f) => f.e), outs[2].dtype), // prettier-ignore
    storedParts(
      forms.map((f) => f.taus),
      outs[3].dtype,
    ),
  ];
};

export const complexEigh: Kernel = ([a], [outV, outW], params) => {
  const n = a.shape.at(-1)!;
  const values: number[] = [];
  const vectors = complexParts(a, 2).map((given) => {
    if (isBroken(given)) {
      values.push(...Array.from({ length: n }, () => NaN));
      return given.map(() => NAN);
    }
    const x = (params as EighParams).lower
      ? given
      : given.map((_, at) => conj(given[(at % n) * n + Math.floor(at / n)]));
    const { d, e, taus } = tridiagonalLower(x, n);
    const t = new Float64Array(n * n);
    d.forEach((y, i) => (t[i * n + i] = y));
    e.forEach((y, i) => (t[i * n + i + 1] = t[(i + 1) * n + i] = y));
    values.push(...symmetricEigen(t, n));
    return timesReflectors(
      x,
      taus,
      n,
      Array.from(t, (y): Complex => [y, 0]),
    );
  });
  return [storedParts(vectors, outV.dtype), stored(values, outW.dtype)];
};

/** Rotates pairs of columns of an m × n matrix until all are orthogonal; the columns of v, n × n, go along. */
function orthogonalize(columns: Complex[][], v: Complex[][]): void {
  const dot = (x: readonly Complex[], y: readonly Complex[]): Complex =>
    x.reduce<Complex>((s, z, i) => add(s, mul(conj(z), y[i])), ZERO);
  for (let sweep = 0, changed = true; changed && sweep < 60; sweep++) {
    changed = false;
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const [pp, qq] = [dot(columns[p], columns[p])[0], dot(columns[q], columns[q])[0]];
        const pq = dot(columns[p], columns[q]);
        const size = abs(pq);
        if (!(size > 1e-15 * Math.sqrt(pp * qq))) continue;
        changed = true;
        const phase = scale(pq, 1 / size);
        const zeta = (qq - pp) / (2 * size);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        for (const x of [columns, v]) {
          const [xp, xq] = [x[p], x[q].map((z) => mul(z, conj(phase)))];
          x[p] = xp.map((z, i) => sub(scale(z, c), scale(xq[i], c * t)));
          x[q] = xp.map((z, i) => add(scale(z, c * t), scale(xq[i], c)));
        }
      }
    }
  }
}

/** What of x is orthogonal to u. */
function without(x: readonly Complex[], u: readonly Complex[]): Complex[] {
  const s = u.reduce<Complex>((t, z, i) => add(t, mul(conj(z), x[i])), ZERO);
  return x.map((z, i) => sub(z, mul(s, u[i])));
}

/** Columns that are orthonormal to those that are there, up to `count` of length m. */
function completed(known: Complex[][], m: number, count: number): Complex[][] {
  const out = [...known];
  for (let next = 0; out.length < count && next < m; next++) {
    let x: Complex[] = Array.from({ length: m }, (_, i) => (i === next ? ONE : ZERO));
    for (const u of [...out, ...out]) x = without(x, u);
    if (Math.hypot(...x.flat()) > 1e-8) out.push(normalized(x));
  }
  return out;
}

/** The columns of a matrix, or if it is wide of its adjoint. */
const tallColumns = (x: Matrix, m: number, n: number): Complex[][] =>
  Array.from({ length: Math.min(m, n) }, (_, j) =>
    m >= n ? columnFrom(x, m, n, 0, j) : x.slice(j * n, (j + 1) * n).map(conj),
  );

export const complexSvd: Kernel = ([a], [outS, outU, outV], params) => {
  const { compute_uv: vectors, full_matrices: whole } = params as SvdParams;
  const [m, n] = a.shape.slice(-2);
  const [long, short] = [Math.max(m, n), Math.min(m, n)];
  const count = vectors && whole ? long : short;
  const values: number[] = [];
  const [us, vs]: Matrix[][] = [[], []];
  for (const x of complexParts(a, 2)) {
    // A wide matrix has the vectors of its adjoint with left and right exchanged.
    const columns = tallColumns(x, m, n);
    const turned = Array.from({ length: short }, (_, j) =>
      Array.from({ length: short }, (_, i) => (i === j ? ONE : ZERO)),
    );
    orthogonalize(columns, turned);
    const sizes = columns.map((c) => c.reduce((s, z) => Math.hypot(s, z[0], z[1]), 0));
    const order = sizes.map((_, j) => j).sort((i, j) => sizes[j] - sizes[i]);
    const factor = isBroken(x) ? NaN : 1;
    values.push(...order.map((j) => factor * sizes[j]));
    if (!vectors) continue;
    const sure = order.filter((j) => sizes[j] > 1e-14 * sizes[order[0]]).map((j) => normalized(columns[j]));
    const left = completed(sure, long, count);
    const right = order.map((j) => turned[j]);
    const [u, v] = m >= n ? [left, right] : [right, left];
    us.push(Array.from({ length: m * u.length }, (_, at) => u[at % u.length][Math.floor(at / u.length)]));
    vs.push(v.flatMap((y) => y.map(conj)));
  }
  const s = stored(values, outS.dtype);
  return vectors ? [s, storedParts(us, outU.dtype), storedParts(vs, outV.dtype)] : [s];
};
