/**
 * The real Schur form by the QR algorithm with double shifts (Francis: The QR transformation, 1961), as LAPACK's dlahqr takes its steps: where blocks are
 * split off, and in which order, decides the order of eigenvalues. Blocks of 2 × 2 that remain are made to have equal elements on their diagonal.
 */
const EPS = 2 ** -52;
const TINY = 2 ** -1022 / EPS;
const signed = (size: number, of: number): number => (of < 0 || Object.is(of, -0) ? -Math.abs(size) : Math.abs(size));

type Four = [a: number, b: number, c: number, d: number];

/** The rotation that makes a 2 × 2 block triangular, or gives it equal diagonal elements, and what becomes of the block. */
export function standardBlock(a: number, b: number, c: number, d: number): { block: Four; cs: number; sn: number } {
  if (c === 0) return { block: [a, b, c, d], cs: 1, sn: 0 };
  if (b === 0) return { block: [d, -c, 0, a], cs: 0, sn: 1 };
  if (a - d === 0 && signed(1, b) !== signed(1, c)) return { block: [a, b, c, d], cs: 1, sn: 0 };
  const difference = a - d;
  let p = 0.5 * difference;
  const larger = Math.max(Math.abs(b), Math.abs(c));
  const smaller = Math.min(Math.abs(b), Math.abs(c)) * signed(1, b) * signed(1, c);
  const scale = Math.max(Math.abs(p), larger);
  let z = (p / scale) * p + (larger / scale) * smaller;
  if (z >= 4 * EPS) {
    z = p + signed(Math.sqrt(scale) * Math.sqrt(z), p);
    const tau = Math.hypot(c, z);
    return { block: [d + z, b - c, 0, d - (larger / z) * smaller], cs: z / tau, sn: c / tau };
  }
  const sigma = b + c;
  p = 0.5 * difference;
  const tau = Math.hypot(sigma, difference);
  let cs = Math.sqrt(0.5 * (1 + Math.abs(sigma) / tau));
  let sn = -(p / (tau * cs)) * signed(1, sigma);
  const [aa, bb, cc, dd] = [a * cs + b * sn, -a * sn + b * cs, c * cs + d * sn, -c * sn + d * cs];
  const block: Four = [aa * cs + cc * sn, bb * cs + dd * sn, -aa * sn + cc * cs, -bb * sn + dd * cs];
  const mean = 0.5 * (block[0] + block[3]);
  [block[0], block[3]] = [mean, mean];
  if (block[2] === 0) return { block, cs, sn };
  if (block[1] === 0) return { block: [mean, -block[2], 0, mean], cs: -sn, sn: cs };
  if (signed(1, block[1]) === signed(1, block[2])) {
    // Two real eigenvalues after all.
    const [sab, sac] = [Math.sqrt(Math.abs(block[1])), Math.sqrt(Math.abs(block[2]))];
    const q = signed(sab * sac, block[2]);
    const t = 1 / Math.sqrt(Math.abs(block[1] + block[2]));
    const [cs1, sn1] = [sab * t, sac * t];
    [cs, sn] = [cs * cs1 - sn * sn1, cs * sn1 + sn * cs1];
    return { block: [mean + q, block[1] - block[2], 0, mean - q], cs, sn };
  }
  return { block, cs, sn };
}

/** The reflector of two or three numbers: v (its first element is 1), τ and what becomes of the first number. */
function smallReflector(x: readonly number[]): { v: number[]; tau: number; beta: number } {
  const [alpha, ...rest] = x;
  const below = Math.hypot(...rest);
  if (below === 0) return { v: [1, ...rest.map(() => 0)], tau: 0, beta: alpha };
  const beta = -signed(Math.hypot(alpha, below), alpha);
  return { v: [1, ...rest.map((y) => y / (alpha - beta))], tau: (beta - alpha) / beta, beta };
}

interface Shifts {
  readonly r1: number;
  readonly r2: number;
  readonly i1: number;
  readonly i2: number;
}

function shiftsOf([a, b, c, d]: Four): Shifts {
  const s = Math.abs(a) + Math.abs(b) + Math.abs(c) + Math.abs(d);
  if (s === 0) return { r1: 0, r2: 0, i1: 0, i2: 0 };
  const [h11, h12, h21, h22] = [a / s, b / s, c / s, d / s];
  const mean = (h11 + h22) / 2;
  const det = (h11 - mean) * (h22 - mean) - h12 * h21;
  const root = Math.sqrt(Math.abs(det));
  if (det >= 0) return { r1: mean * s, r2: mean * s, i1: root * s, i2: -root * s };
  const [first, second] = [mean + root, mean - root];
  const near = (Math.abs(first - h22) <= Math.abs(second - h22) ? first : second) * s;
  return { r1: near, r2: near, i1: 0, i2: 0 };
}

/**
 * Makes the Hessenberg matrix h quasi-triangular; the columns of z go along. False if it does not converge. What is smaller than `eps` beside its
 * neighbours counts as zero: with the precision of the result there are as many steps as LAPACK takes, and so the same signs.
 */
export function realSchur(h: Float64Array, z: Float64Array, n: number, eps: number): boolean {
  const at = (i: number, j: number): number => h[i * n + j];
  const size = (i: number, j: number): number => Math.abs(h[i * n + j]);
  for (let i = 2; i < n; i++) for (let j = 0; j < i - 1; j++) h[i * n + j] = 0;

  const negligible = (k: number): boolean => {
    if (size(k, k - 1) <= TINY * n) return true;
    let near = size(k - 1, k - 1) + size(k, k);
    if (near === 0) {
      if (k >= 2) near += size(k - 1, k - 2);
      if (k + 1 < n) near += size(k + 1, k);
    }
    if (size(k, k - 1) > eps * near) return false;
    const [lower, upper] = [size(k, k - 1), size(k - 1, k)];
    const [ab, ba] = [Math.max(lower, upper), Math.min(lower, upper)];
    const apart = Math.abs(at(k - 1, k - 1) - at(k, k));
    const [aa, bb] = [Math.max(size(k, k), apart), Math.min(size(k, k), apart)];
    const s = aa + ab;
    return ba * (ab / s) <= Math.max(TINY * n, eps * (bb * (aa / s)));
  };

  /** Rotates or reflects rows, then columns, by a reflector at k. */
  const apply = (v: readonly number[], tau: number, k: number, last: number): void => {
    for (let j = k; j < n; j++) {
      let s = 0;
      v.forEach((x, i) => (s += x * at(k + i, j)));
      v.forEach((x, i) => (h[(k + i) * n + j] -= s * tau * x));
    }
    for (const [m, rows] of [
      [h, last + 1],
      [z, n],
    ] as const) {
      for (let i = 0; i < rows; i++) {
        let s = 0;
        v.forEach((x, c) => (s += x * m[i * n + k + c]));
        v.forEach((x, c) => (m[i * n + k + c] -= s * tau * x));
      }
    }
  };

  const sweep = (l: number, i: number, { r1, r2, i1, i2 }: Shifts): void => {
    let m = i - 2;
    let start: number[];
    for (; ; m--) {
      const sub = size(m + 1, m);
      const s = Math.abs(at(m, m) - r2) + Math.abs(i2) + sub;
      const scaled = at(m + 1, m) / s;
      const v = [
        scaled * at(m, m + 1) + (at(m, m) - r1) * ((at(m, m) - r2) / s) - i1 * (i2 / s),
        scaled * (at(m, m) + at(m + 1, m + 1) - r1 - r2),
        scaled * at(m + 2, m + 1),
      ];
      const whole = Math.abs(v[0]) + Math.abs(v[1]) + Math.abs(v[2]);
      start = v.map((x) => x / whole);
      if (m === l) break;
      const around = size(m - 1, m - 1) + size(m, m) + size(m + 1, m + 1);
      if (size(m, m - 1) * (Math.abs(start[1]) + Math.abs(start[2])) <= eps * Math.abs(start[0]) * around) break;
    }
    for (let k = m; k < i; k++) {
      const count = Math.min(3, i - k + 1);
      const x = k > m ? Array.from({ length: count }, (_, r) => at(k + r, k - 1)) : start.slice(0, count);
      const { v, tau, beta } = smallReflector(x);
      if (k > m) {
        h[k * n + k - 1] = beta;
        for (let r = 1; r < count; r++) h[(k + r) * n + k - 1] = 0;
      } else if (m > l) h[k * n + k - 1] *= 1 - tau;
      apply(v, tau, k, Math.min(k + 3, i));
    }
  };

  for (let i = n - 1; i >= 0;) {
    let l = 0;
    let tries = 0;
    for (; tries <= 30 * Math.max(10, n); tries++) {
      let k = i;
      while (k > l && !negligible(k)) k--;
      l = k;
      if (l > 0) h[l * n + l - 1] = 0;
      if (l >= i - 1) break;
      const round = tries + 1;
      let corner: Four = [at(i - 1, i - 1), at(i - 1, i), at(i, i - 1), at(i, i)];
      if (round % 10 === 0) {
        const bottom = round % 20 === 0;
        const s = bottom ? size(i, i - 1) + size(i - 1, i - 2) : size(l + 1, l) + size(l + 2, l + 1);
        const base = 0.75 * s + (bottom ? at(i, i) : at(l, l));
        corner = [base, -0.4375 * s, s, base];
      }
      sweep(l, i, shiftsOf(corner));
    }
    if (l < i - 1) return false;
    if (l === i - 1) {
      const { block, cs, sn } = standardBlock(at(l, l), at(l, i), at(i, l), at(i, i));
      const turn = (m: Float64Array, p: number, q: number): void => {
        [m[p], m[q]] = [cs * m[p] + sn * m[q], cs * m[q] - sn * m[p]];
      };
      for (let j = i + 1; j < n; j++) turn(h, l * n + j, i * n + j);
      for (let r = 0; r < l; r++) turn(h, r * n + l, r * n + i);
      for (let r = 0; r < n; r++) turn(z, r * n + l, r * n + i);
      [h[l * n + l], h[l * n + i], h[i * n + l], h[i * n + i]] = block;
    }
    i = l - 1;
  }
  return true;
}
