/**
 * The Schur form of complex matrices by the QR algorithm with Wilkinson's shift, and eigenvectors of triangular and quasi-triangular matrices by
 * substitution. Vectors have the phases that LAPACK's start with.
 */
import { abs, add, conj, div, mul, scale, sqrt, sub } from "./complexMath.ts";
import { ONE, ZERO, columnFrom, identity, largestAt, normalized, type Matrix } from "./complexMatrix.ts";
import { balance, unbalance, type Balance } from "./balance.ts";
import { hessenbergInPlace, timesReflectors } from "./complexSpectra.ts";
import type { Complex } from "./complexMath.ts";
import { realSchur } from "./realSchur.ts";

export interface Schur {
  readonly balanced: Balance;
  /** (Quasi-)triangular, n × n. */
  readonly t: Matrix;
  readonly q: Matrix;
}

const cabs1 = ([re, im]: Complex): number => Math.abs(re) + Math.abs(im);

/** Turns rows p, q of a matrix from column `from` on by the rotation that takes (x, y) to (r, 0), and the same columns of both matrices back. */
function rotate(t: Matrix, q: Matrix, n: number, p: number, x: Complex, y: Complex, last: number): void {
  const r = Math.hypot(x[0], x[1], y[0], y[1]);
  if (r === 0) return;
  const [c, s] = [scale(x, 1 / r), scale(y, 1 / r)];
  for (let j = 0; j < n; j++) {
    const [a, b] = [t[p * n + j], t[(p + 1) * n + j]];
    t[p * n + j] = add(mul(conj(c), a), mul(conj(s), b));
    t[(p + 1) * n + j] = sub(mul(c, b), mul(s, a));
  }
  for (const [m, rows] of [
    [t, last + 1],
    [q, n],
  ] as const) {
    for (let i = 0; i < rows; i++) {
      const [a, b] = [m[i * n + p], m[i * n + p + 1]];
      m[i * n + p] = add(mul(c, a), mul(s, b));
      m[i * n + p + 1] = sub(mul(conj(c), b), mul(conj(s), a));
    }
  }
}

/** The eigenvalue of the last 2 × 2 block that is nearer to its last element. */
function wilkinson(t: Matrix, n: number, i: number): Complex {
  const [a, b] = [t[(i - 1) * n + i - 1], t[(i - 1) * n + i]];
  const [c, d] = [t[i * n + i - 1], t[i * n + i]];
  const half = scale(sub(a, d), 0.5);
  const product = mul(b, c);
  if (cabs1(product) === 0) return d;
  let root = sqrt(add(mul(half, half), product));
  if (half[0] * root[0] + half[1] * root[1] < 0) root = scale(root, -1);
  return sub(d, div(product, add(half, root)));
}

function triangularize(t: Matrix, q: Matrix, n: number, eps: number): boolean {
  for (let i = n - 1, tries = 0; i > 0;) {
    let l = i;
    while (l > 0) {
      const near = cabs1(t[(l - 1) * n + l - 1]) + cabs1(t[l * n + l]);
      if (cabs1(t[l * n + l - 1]) <= Math.max(eps * near, 1e-290)) break;
      l--;
    }
    if (l > 0) t[l * n + l - 1] = ZERO;
    if (l === i) {
      [i, tries] = [i - 1, 0];
      continue;
    }
    if (++tries > 300) return false;
    const shift =
      tries % 10 === 0 ? ([0.75 * abs(t[i * n + i - 1]) + t[i * n + i][0], 0] as const) : wilkinson(t, n, i);
    let [x, y] = [sub(t[l * n + l], shift), t[(l + 1) * n + l]];
    for (let k = l; k < i; k++) {
      rotate(t, q, n, k, x, y, Math.min(k + 2, i));
      if (k > l) t[(k + 1) * n + k - 1] = ZERO;
      if (k + 2 <= i) [x, y] = [t[(k + 1) * n + k], t[(k + 2) * n + k]];
    }
  }
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) t[i * n + j] = ZERO;
  return true;
}

/** t and q with q t qᴴ = the balanced matrix; null if it does not converge. Of a real matrix both are real. */
export function schurOf(a: Matrix, n: number, real: boolean, eps: number, scaling: boolean): Schur | null {
  const balanced = balance(a, n, scaling);
  const taus = hessenbergInPlace(a, n);
  const q = timesReflectors(a, taus, n, identity(n));
  for (let i = 2; i < n; i++) for (let j = 0; j < i - 1; j++) a[i * n + j] = ZERO;
  if (!real) return triangularize(a, q, n, eps) ? { balanced, t: a, q } : null;
  const [h, z] = [a, q].map((m) => Float64Array.from(m, ([re]) => re));
  if (!realSchur(h, z, n, eps)) return null;
  const complexes = (m: Float64Array): Matrix => Array.from(m, (x): Complex => [x, 0]);
  return { balanced, t: complexes(h), q: complexes(z) };
}

/** Where 2 × 2 blocks begin. */
const blocksOf = (t: Matrix, n: number): boolean[] =>
  Array.from({ length: n }, (_, i) => i + 1 < n && cabs1(t[(i + 1) * n + i]) !== 0);

/** The eigenvalues: of a block with equal diagonal elements, the one with positive imaginary part first. */
export function valuesOf(t: Matrix, n: number): Complex[] {
  const begins = blocksOf(t, n);
  const out: Complex[] = [];
  for (let i = 0; i < n; i++) {
    if (!begins[i]) out.push(t[i * n + i]);
    else {
      const [b, c] = [t[i * n + i + 1][0], t[(i + 1) * n + i][0]];
      const im = Math.sqrt(Math.abs(b)) * Math.sqrt(Math.abs(c));
      out.push([t[i * n + i][0], im], [t[(i + 1) * n + i + 1][0], -im]);
      i++;
    }
  }
  return out;
}

/** Solves (t - w) x = r in row(s) i, and i + 1 of a block, for what x has there. */
function solveRows(t: Matrix, n: number, i: number, block: boolean, w: Complex, r: readonly Complex[]): Complex[] {
  const EPS = 2 ** -52;
  const safe = (z: Complex): Complex => (cabs1(z) < EPS * EPS ? [EPS * Math.max(cabs1(w), EPS), 0] : z);
  if (!block) return [div(r[0], safe(sub(t[i * n + i], w)))];
  const [a, b] = [sub(t[i * n + i], w), t[i * n + i + 1]];
  const [c, d] = [t[(i + 1) * n + i], sub(t[(i + 1) * n + i + 1], w)];
  const det = safe(sub(mul(a, d), mul(b, c)));
  return [div(sub(mul(d, r[0]), mul(b, r[1])), det), div(sub(mul(a, r[1]), mul(c, r[0])), det)];
}

/** The eigenvector of t to its j-th value, of length n; zero below. */
function vectorOf(t: Matrix, n: number, j: number, w: Complex, begins: readonly boolean[]): Complex[] {
  const x: Complex[] = Array.from({ length: n }, () => ZERO);
  let top = j;
  if (begins[j]) {
    const [b, c] = [t[j * n + j + 1][0], t[(j + 1) * n + j][0]];
    if (Math.abs(b) >= Math.abs(c)) [x[j], x[j + 1]] = [ONE, [0, w[1] / b]];
    else
      [x[j], x[j + 1]] = [
        [-w[1] / c, 0],
        [0, 1],
      ];
    top = j + 1;
  } else x[j] = ONE;
  for (let i = j - 1; i >= 0; i--) {
    const block = i > 0 && begins[i - 1];
    if (block) i--;
    const rows = block ? [i, i + 1] : [i];
    const right = rows.map((r) => {
      let s = ZERO;
      for (let k = i + rows.length; k <= top; k++) s = sub(s, mul(t[r * n + k], x[k]));
      return s;
    });
    solveRows(t, n, i, block, w, right).forEach((z, k) => (x[i + k] = z));
  }
  return x;
}

const transposedAround = (t: Matrix, n: number): Matrix =>
  t.map((_, at) => t[(n - 1 - (at % n)) * n + (n - 1 - Math.floor(at / n))]);

/** Of length one, with a largest component that is real. */
function settled(x: readonly Complex[], real: boolean, complexInput: boolean): Complex[] {
  const unit = normalized(x);
  if (real) return unit;
  const k = largestAt(unit);
  const size = abs(unit[k]);
  // LAPACK turns vectors of complex matrices to a positive component, and of real ones to one of the sign that its real part had.
  const phase = scale(conj(unit[k]), (complexInput || unit[k][0] >= 0 ? 1 : -1) / size);
  return unit.map((z, i): Complex => (i === k ? [mul(z, phase)[0], 0] : mul(z, phase)));
}

/** The matrix with the eigenvectors of q t qᴴ as columns; the left ones x with xᴴ a = w xᴴ if `left`. */
export function eigenvectors(
  { t, q, balanced }: Schur,
  values: readonly Complex[],
  n: number,
  left: boolean,
  real: boolean,
): Matrix {
  const begins = blocksOf(t, n);
  const out: Matrix = Array.from({ length: n * n }, () => ZERO);
  // The left vectors are the right ones of tᴴ, which upside down is upper triangular as t is.
  const turned = left ? transposedAround(real ? t : t.map(conj), n) : t;
  const turnedBegins = left ? blocksOf(turned, n) : begins;
  for (let j = 0; j < n; j++) {
    const pair = begins[j];
    let x: Complex[];
    if (!left) x = vectorOf(t, n, j, values[j], begins);
    else {
      const place = pair ? n - 2 - j : n - 1 - j;
      x = vectorOf(turned, n, place, conj(values[j]), turnedBegins).reverse();
      if (pair) {
        // LAPACK's phase: the one component of the block is real, the other imaginary.
        const [b, c] = [t[j * n + j + 1][0], t[(j + 1) * n + j][0]];
        const target: Complex = Math.abs(b) >= Math.abs(c) ? [values[j][1] / b, 0] : [1, 0];
        const factor = div(target, x[j]);
        x = x.map((z) => mul(z, factor));
      }
    }
    const back = Array.from({ length: n }, (_, i) => {
      let s = ZERO;
      for (let k = 0; k < n; k++) s = add(s, mul(q[i * n + k], x[k]));
      return s;
    });
    back.forEach((z, i) => (out[i * n + j] = z));
    if (pair) j++;
  }
  unbalance(out, n, balanced, left);
  for (let j = 0; j < n; j++) {
    const pair = begins[j];
    const vector = settled(columnFrom(out, n, n, 0, j), real && !pair, !real);
    vector.forEach((z, i) => (out[i * n + j] = z));
    if (pair) vector.forEach((z, i) => (out[i * n + j + 1] = conj(z)));
    if (pair) j++;
  }
  return out;
}
