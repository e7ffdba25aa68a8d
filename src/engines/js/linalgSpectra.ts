/**
 * Decompositions into orthogonal matrices: QR by Householder reflectors, eigenvalues of symmetric matrices by the implicit QL and QR algorithm on
 * a tridiagonal form, singular values by rotations of pairs of columns until all are orthogonal (one-sided Jacobi). In doubles, rounded once.
 */
import type { EighParams } from "../../primitives/eigh.ts";
import type { QrParams } from "../../primitives/qr.ts";
import type { SvdParams } from "../../primitives/svd.ts";
import { complexEigh, complexGeqrf, complexHouseholderProduct, complexQr, complexSvd } from "./complexSpectra.ts";
import type { Kernel } from "./kernel.ts";
import { batchOf, byKind, doublesOf, matricesOf } from "./linalg.ts";
import { stored } from "./numbers.ts";
import { symmetricEigen } from "./symmetricEigen.ts";

/** Reflectors below the upper triangle, in place; returns their factors. */
function reflect(a: Float64Array, m: number, n: number): Float64Array {
  const taus = new Float64Array(Math.min(m, n));
  for (let k = 0; k < taus.length; k++) {
    let below = 0;
    for (let i = k + 1; i < m; i++) below = Math.hypot(below, a[i * n + k]);
    if (below === 0) continue;
    const alpha = a[k * n + k];
    const beta = alpha >= 0 ? -Math.hypot(alpha, below) : Math.hypot(alpha, below);
    taus[k] = (beta - alpha) / beta;
    for (let i = k + 1; i < m; i++) a[i * n + k] /= alpha - beta;
    a[k * n + k] = beta;
    for (let j = k + 1; j < n; j++) {
      let s = a[k * n + j];
      for (let i = k + 1; i < m; i++) s += a[i * n + k] * a[i * n + j];
      s *= taus[k];
      a[k * n + j] -= s;
      for (let i = k + 1; i < m; i++) a[i * n + j] -= s * a[i * n + k];
    }
  }
  return taus;
}

/** The first `columns` columns of the product of the reflectors that stand in `a`, an m × n matrix. */
function multiplyOut(a: Float64Array, taus: Float64Array, m: number, n: number, columns: number): Float64Array {
  const q = new Float64Array(m * columns);
  for (let j = 0; j < columns; j++) q[j * columns + j] = 1;
  for (let k = taus.length - 1; k >= 0; k--) {
    for (let j = 0; j < columns; j++) {
      let s = q[k * columns + j];
      for (let i = k + 1; i < m; i++) s += a[i * n + k] * q[i * columns + j];
      s *= taus[k];
      q[k * columns + j] -= s;
      for (let i = k + 1; i < m; i++) q[i * columns + j] -= s * a[i * n + k];
    }
  }
  return q;
}

const qr: Kernel = (args, outs, params) => {
  // With pivoting real matrices take the steps of complex ones.
  if ((params as QrParams).pivoting) return complexQr(args, outs, params);
  const [[a], [outQ, outR]] = [args, outs];
  const [m, n] = a.shape.slice(-2);
  const columns = (params as QrParams).full_matrices ? m : Math.min(m, n);
  const count = batchOf(a, 2);
  const [qs, rs] = [new Float64Array(outQ.size), new Float64Array(outR.size)];
  matricesOf(doublesOf("qr", a), m * n, count).forEach((x, b) => {
    const taus = reflect(x, m, n);
    qs.set(multiplyOut(x, taus, m, n, columns), b * m * columns);
    for (let i = 0; i < columns; i++) {
      for (let j = i; j < n; j++) rs[b * columns * n + i * n + j] = x[i * n + j];
    }
  });
  return [stored(qs, outQ.dtype), stored(rs, outR.dtype)];
};

const geqrf: Kernel = ([a], [out]) => {
  const [m, n] = a.shape.slice(-2);
  const data = doublesOf("geqrf", a);
  const taus = matricesOf(data, m * n, batchOf(a, 2)).flatMap((x) => [...reflect(x, m, n)]);
  return [stored(data, out.dtype), stored(taus, out.dtype)];
};

const householderProduct: Kernel = ([a, taus], [out]) => {
  const [m, n] = a.shape.slice(-2);
  const count = batchOf(a, 2);
  const factors = matricesOf(doublesOf("householder_product", taus), taus.shape.at(-1)!, count);
  const data = doublesOf("householder_product", a);
  matricesOf(data, m * n, count).forEach((x, i) => x.set(multiplyOut(x, factors[i], m, n, n)));
  return [stored(data, out.dtype)];
};

const eigh: Kernel = ([a], [outV, outW], params) => {
  const n = a.shape.at(-1)!;
  const vectors = doublesOf("eigh", a);
  const values = new Float64Array(outW.size);
  matricesOf(vectors, n * n, batchOf(a, 2)).forEach((x, b) => {
    const { lower } = params as EighParams;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) {
        if (lower) x[j * n + i] = x[i * n + j];
        else x[i * n + j] = x[j * n + i];
      }
    values.set(symmetricEigen(x, n), b * n);
  });
  return [stored(vectors, outV.dtype), stored(values, outW.dtype)];
};

/** Rotates the columns of `a` (m × n, m ≥ n) and those of `v` until those of `a` are orthogonal. */
function orthogonalize(a: Float64Array, v: Float64Array, m: number, n: number): void {
  const rotate = (x: Float64Array, rows: number, p: number, q: number, c: number, s: number): void => {
    for (let i = 0; i < rows; i++) {
      const [xp, xq] = [x[i * n + p], x[i * n + q]];
      x[i * n + p] = c * xp - s * xq;
      x[i * n + q] = s * xp + c * xq;
    }
  };
  for (let sweep = 0; sweep < 60; sweep++) {
    let changed = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        let [pp, qq, pq] = [0, 0, 0];
        for (let i = 0; i < m; i++) {
          pp += a[i * n + p] ** 2;
          qq += a[i * n + q] ** 2;
          pq += a[i * n + p] * a[i * n + q];
        }
        if (!(Math.abs(pq) > 1e-15 * Math.sqrt(pp * qq))) continue;
        changed = true;
        const zeta = (qq - pp) / (2 * pq);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        rotate(a, m, p, q, c, c * t);
        rotate(v, n, p, q, c, c * t);
      }
    }
    if (!changed) return;
  }
}

/** Makes the columns from `known` on orthonormal to those before, where they are missing. */
function complete(u: Float64Array, m: number, columns: number, known: (j: number) => boolean): void {
  const done = Array.from({ length: columns }, (_, j) => j).filter(known);
  let next = 0;
  for (let j = 0; j < columns; j++) {
    if (known(j)) continue;
    for (; next < m; next++) {
      const x = new Float64Array(m);
      x[next] = 1;
      for (let pass = 0; pass < 2; pass++) {
        for (const k of done) {
          let s = 0;
          for (let i = 0; i < m; i++) s += u[i * columns + k] * x[i];
          for (let i = 0; i < m; i++) x[i] -= s * u[i * columns + k];
        }
      }
      const size = Math.hypot(...x);
      if (size < 1e-8) continue;
      for (let i = 0; i < m; i++) u[i * columns + j] = x[i] / size;
      done.push(j);
      next++;
      break;
    }
  }
}

interface Svd {
  readonly s: Float64Array;
  /** m × columnsU */
  readonly u: Float64Array;
  /** n × n, its columns are the right vectors */
  readonly v: Float64Array;
}

/** Of a matrix with at least as many rows as columns. */
function tallSvd(a: Float64Array, m: number, n: number, columns: number): Svd {
  const turned = new Float64Array(n * n);
  for (let i = 0; i < n; i++) turned[i * n + i] = 1;
  orthogonalize(a, turned, m, n);
  const sizes = Array.from({ length: n }, (_, j) => {
    let size = 0;
    for (let i = 0; i < m; i++) size = Math.hypot(size, a[i * n + j]);
    return size;
  });
  const order = sizes.map((_, j) => j).sort((i, j) => sizes[j] - sizes[i]);
  const s = Float64Array.from(order, (j) => sizes[j]);
  const [u, v] = [new Float64Array(m * columns), new Float64Array(n * n)];
  const tiny = 1e-14 * (s[0] ?? 0);
  order.forEach((from, j) => {
    for (let i = 0; i < n; i++) v[i * n + j] = turned[i * n + from];
    if (s[j] > tiny) for (let i = 0; i < m; i++) u[i * columns + j] = a[i * n + from] / s[j];
  });
  complete(u, m, columns, (j) => j < n && s[j] > tiny);
  return { s, u, v };
}

function transposed(x: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j];
  return out;
}

const svd: Kernel = ([a], [outS, outU, outV], params) => {
  const { compute_uv: vectors, full_matrices: whole } = params as SvdParams;
  const [m, n] = a.shape.slice(-2);
  const [ss, us, vs] = [outS, outU, outV].map((out) => new Float64Array(vectors || out === outS ? out.size : 0));
  const [long, short] = [Math.max(m, n), Math.min(m, n)];
  const columns = vectors && whole ? long : short;
  matricesOf(doublesOf("svd", a), m * n, batchOf(a, 2)).forEach((x, b) => {
    const broken = x.some((e) => !Number.isFinite(e));
    const { s, u, v } = tallSvd(m >= n ? x : transposed(x, m, n), long, short, columns);
    if (broken) for (const part of [s, u, v]) part.fill(NaN);
    ss.set(s, b * short);
    if (!vectors) return;
    // A wide matrix has the vectors of its transpose with left and right exchanged.
    const [left, right] = m >= n ? [u, transposed(v, short, short)] : [v, transposed(u, long, columns)];
    us.set(left, b * left.length);
    vs.set(right, b * right.length);
  });
  const s = stored(ss, outS.dtype);
  return vectors ? [s, stored(us, outU.dtype), stored(vs, outV.dtype)] : [s];
};

export const spectraKernels = {
  qr: byKind(qr, complexQr),
  geqrf: byKind(geqrf, complexGeqrf),
  householder_product: byKind(householderProduct, complexHouseholderProduct),
  eigh: byKind(eigh, complexEigh),
  svd: byKind(svd, complexSvd),
} as const satisfies Record<string, Kernel>;
