/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder reflections make it tridiagonal, then rotations with implicit shifts make it
 * diagonal, from whichever end of a block has the smaller entries. The steps are LAPACK's, so that vectors come out with its signs.
 */
const EPS = 2 ** -53;
const withSign = (size: number, of: number): number => (of >= 0 ? Math.abs(size) : -Math.abs(size));

/** The rotation that takes (f, g) to (r, 0). */
function rotation(f: number, g: number): [c: number, s: number, r: number] {
  if (g === 0) return [1, 0, f];
  if (f === 0) return [0, withSign(1, g), Math.abs(g)];
  const r = withSign(Math.hypot(f, g), f);
  return [f / r, g / r, r];
}

/** The eigenvalues of [[a, b], [b, c]], the larger by size first, and its vector (cos, sin). */
function twoByTwo(a: number, b: number, c: number): [first: number, second: number, cos: number, sin: number] {
  const [sum, difference, twice] = [a + c, a - c, 2 * b];
  const root = Math.hypot(difference, twice);
  const [large, small] = Math.abs(a) > Math.abs(c) ? [a, c] : [c, a];
  const first = sum === 0 ? root / 2 : (sum + withSign(root, sum)) / 2;
  const second = sum === 0 ? -root / 2 : (large / first) * small - (b / first) * b;
  const sign1 = sum < 0 ? -1 : 1;
  const sign2 = difference >= 0 ? 1 : -1;
  const cs = difference + sign2 * root;
  let [cos, sin] = [1, 0];
  if (Math.abs(cs) > Math.abs(twice)) {
    const ct = -twice / cs;
    sin = 1 / Math.sqrt(1 + ct * ct);
    cos = ct * sin;
  } else if (twice !== 0) {
    const tn = -cs / twice;
    cos = 1 / Math.sqrt(1 + tn * tn);
    sin = tn * cos;
  }
  return sign1 === sign2 ? [first, second, -sin, cos] : [first, second, cos, sin];
}

/** The diagonal and the one beside it; the orthogonal matrix takes the place of `a`. */
function tridiagonal(a: Float64Array, n: number): [d: Float64Array, e: Float64Array] {
  const e = new Float64Array(Math.max(n - 1, 0));
  const taus = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    let below = 0;
    for (let i = k + 2; i < n; i++) below = Math.hypot(below, a[i * n + k]);
    const alpha = a[(k + 1) * n + k];
    e[k] = alpha;
    if (below === 0) continue;
    const beta = -withSign(Math.hypot(alpha, below), alpha);
    const tau = (beta - alpha) / beta;
    taus[k] = tau;
    e[k] = beta;
    for (let i = k + 2; i < n; i++) a[i * n + k] /= alpha - beta;
    const v = (i: number): number => (i === k + 1 ? 1 : a[i * n + k]);
    const w = new Float64Array(n);
    let dot = 0;
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < n; j++) w[i] += tau * a[i * n + j] * v(j);
      dot += w[i] * v(i);
    }
    for (let i = k + 1; i < n; i++) w[i] -= 0.5 * tau * dot * v(i);
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < n; j++) a[i * n + j] -= v(i) * w[j] + w[i] * v(j);
    }
  }
  const d = Float64Array.from({ length: n }, (_, i) => a[i * n + i]);
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    for (let j = k + 1; j < n; j++) {
      let s = q[(k + 1) * n + j];
      for (let i = k + 2; i < n; i++) s += a[i * n + k] * q[i * n + j];
      s *= taus[k];
      q[(k + 1) * n + j] -= s;
      for (let i = k + 2; i < n; i++) q[i * n + j] -= s * a[i * n + k];
    }
  }
  a.set(q);
  return [d, e];
}

/** Turns columns j and j + 1. */
function turn(z: Float64Array, n: number, j: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const x = z[i * n + j + 1];
    z[i * n + j + 1] = c * x - s * z[i * n + j];
    z[i * n + j] = s * x + c * z[i * n + j];
  }
}

const shift = (p: number, next: number, e: number, last: number): number => {
  const g = (next - p) / (2 * e);
  return last - p + e / (g + withSign(Math.hypot(g, 1), g));
};

/** Makes the block from `top` to `end` diagonal, working towards its end. */
function upwards(d: Float64Array, e: Float64Array, z: Float64Array, n: number, top: number, end: number): void {
  for (let l = top; l <= end;) {
    let m = l;
    while (m < end && !(e[m] ** 2 <= EPS * EPS * Math.abs(d[m]) * Math.abs(d[m + 1]) + 1e-300)) m++;
    if (m < end) e[m] = 0;
    if (m === l) l++;
    else if (m === l + 1) {
      const [first, second, c, s] = twoByTwo(d[l], e[l], d[l + 1]);
      turn(z, n, l, c, s);
      [d[l], d[l + 1], e[l]] = [first, second, 0];
      l += 2;
    } else {
      let [g, s, c, p] = [shift(d[l], d[l + 1], e[l], d[m]), 1, 1, 0];
      for (let i = m - 1; i >= l; i--) {
        const [f, b] = [s * e[i], c * e[i]];
        let r: number;
        [c, s, r] = rotation(g, f);
        if (i !== m - 1) e[i + 1] = r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        turn(z, n, i, c, -s);
      }
      d[l] -= p;
      e[l] = g;
    }
  }
}

/** The same from the other end. */
function downwards(d: Float64Array, e: Float64Array, z: Float64Array, n: number, top: number, end: number): void {
  for (let l = end; l >= top;) {
    let m = l;
    while (m > top && !(e[m - 1] ** 2 <= EPS * EPS * Math.abs(d[m]) * Math.abs(d[m - 1]) + 1e-300)) m--;
    if (m > top) e[m - 1] = 0;
    if (m === l) l--;
    else if (m === l - 1) {
      const [first, second, c, s] = twoByTwo(d[l - 1], e[l - 1], d[l]);
      turn(z, n, l - 1, c, s);
      [d[l - 1], d[l], e[l - 1]] = [first, second, 0];
      l -= 2;
    } else {
      let [g, s, c, p] = [shift(d[l], d[l - 1], e[l - 1], d[m]), 1, 1, 0];
      for (let i = m; i < l; i++) {
        const [f, b] = [s * e[i], c * e[i]];
        let r: number;
        [c, s, r] = rotation(g, f);
        if (i !== m) e[i - 1] = r;
        g = d[i] - p;
        r = (d[i + 1] - g) * s + 2 * c * b;
        p = s * r;
        d[i] = g + p;
        g = c * r - b;
        turn(z, n, i, c, s);
      }
      d[l] -= p;
      e[l - 1] = g;
    }
  }
}

/** The eigenvalues in ascending order; the vectors take the place of the matrix, as its columns. */
export function symmetricEigen(a: Float64Array, n: number): Float64Array {
  if (a.some((x) => !Number.isFinite(x))) {
    a.fill(NaN);
    return new Float64Array(n).fill(NaN);
  }
  const [d, e] = tridiagonal(a, n);
  for (let start = 0; start < n;) {
    let end = start;
    while (end < n - 1 && Math.abs(e[end]) > Math.sqrt(Math.abs(d[end])) * Math.sqrt(Math.abs(d[end + 1])) * EPS) end++;
    if (end < n - 1) e[end] = 0;
    if (Math.abs(d[end]) < Math.abs(d[start])) downwards(d, e, a, n, start, end);
    else upwards(d, e, a, n, start, end);
    start = end + 1;
  }
  for (let i = 0; i < n - 1; i++) {
    let least = i;
    for (let j = i + 1; j < n; j++) if (d[j] < d[least]) least = j;
    if (least === i) continue;
    [d[i], d[least]] = [d[least], d[i]];
    for (let r = 0; r < n; r++) [a[r * n + i], a[r * n + least]] = [a[r * n + least], a[r * n + i]];
  }
  return d;
}
