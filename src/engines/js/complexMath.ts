/** Functions of a complex variable, on (re, im) pairs, by their formulas over the reals. Branch cuts are NumPy's. */
/** A complex number. */
export type Complex = readonly [re: number, im: number];

export const add = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];
export const sub = ([a, b]: Complex, [c, d]: Complex): Complex => [a - c, b - d];
export const mul = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
export const neg = ([a, b]: Complex): Complex => [-a, -b];
export const conj = ([a, b]: Complex): Complex => [a, -b];
export const abs = ([a, b]: Complex): number => Math.hypot(a, b);
export const scale = ([a, b]: Complex, s: number): Complex => [a * s, b * s];

/** Smith's quotient, which does not overflow where the result does not. */
export function div([a, b]: Complex, [c, d]: Complex): Complex {
  if (Math.abs(c) >= Math.abs(d)) {
    const r = d / c;
    const denominator = c + d * r;
    return [(a + b * r) / denominator, (b - a * r) / denominator];
  }
  const r = c / d;
  const denominator = c * r + d;
  return [(a * r + b) / denominator, (b * r - a) / denominator];
}

const one: Complex = [1, 0];
const timesI = ([a, b]: Complex): Complex => [-b, a];
const overI = ([a, b]: Complex): Complex => [b, -a];

export function exp([a, b]: Complex): Complex {
  const r = Math.exp(a);
  return b === 0 ? [r, b] : [r * Math.cos(b), r * Math.sin(b)];
}
export const log = (z: Complex): Complex => [Math.log(abs(z)), Math.atan2(z[1], z[0])];
export const exp2 = (z: Complex): Complex => exp(scale(z, Math.LN2));

export function expm1([a, b]: Complex): Complex {
  const half = Math.sin(b / 2);
  return [Math.expm1(a) * Math.cos(b) - 2 * half * half, Math.exp(a) * Math.sin(b)];
}
export const log1p = ([a, b]: Complex): Complex => [0.5 * Math.log1p(a * (2 + a) + b * b), Math.atan2(b, 1 + a)];

export const sin = ([a, b]: Complex): Complex => [Math.sin(a) * Math.cosh(b), Math.cos(a) * Math.sinh(b)];
export const cos = ([a, b]: Complex): Complex => [Math.cos(a) * Math.cosh(b), -Math.sin(a) * Math.sinh(b)];
export const sinh = ([a, b]: Complex): Complex => [Math.sinh(a) * Math.cos(b), Math.cosh(a) * Math.sin(b)];
export const cosh = ([a, b]: Complex): Complex => [Math.cosh(a) * Math.cos(b), Math.sinh(a) * Math.sin(b)];

export function tanh([a, b]: Complex): Complex {
  if (Math.abs(a) > 20) return [Math.sign(a), 4 * Math.sin(b) * Math.cos(b) * Math.exp(-2 * Math.abs(a))];
  const denominator = Math.cosh(2 * a) + Math.cos(2 * b);
  return [Math.sinh(2 * a) / denominator, Math.sin(2 * b) / denominator];
}
export const tan = (z: Complex): Complex => overI(tanh(timesI(z)));
export const logistic = (z: Complex): Complex => div(one, add(one, exp(neg(z))));

export function sqrt([a, b]: Complex): Complex {
  if (a === 0 && b === 0) return [0, b];
  const r = Math.sqrt((Math.abs(a) + Math.hypot(a, b)) / 2);
  if (a >= 0) return [r, b / (2 * r)];
  return [Math.abs(b) / (2 * r), b < 0 || Object.is(b, -0) ? -r : r];
}
export const rsqrt = (z: Complex): Complex => div(one, sqrt(z));

export function pow(z: Complex, w: Complex): Complex {
  if (w[0] === 0 && w[1] === 0) return one;
  if (z[0] === 0 && z[1] === 0) return [0, 0];
  return exp(mul(w, log(z)));
}

export const asinh = (z: Complex): Complex => log(add(z, mul(sqrt(sub(z, [0, 1])), sqrt(add(z, [0, 1])))));
export const acosh = (z: Complex): Complex => log(add(z, mul(sqrt(sub(z, one)), sqrt(add(z, one)))));
export const atanh = (z: Complex): Complex => scale(sub(log(add(one, z)), log(sub(one, z))), 0.5);
export const asin = (z: Complex): Complex => overI(asinh(timesI(z)));
export const atan = (z: Complex): Complex => overI(atanh(timesI(z)));
export function acos(z: Complex): Complex {
  const [re, im] = asin(z);
  return [Math.PI / 2 - re, -im];
}
export function sign(z: Complex): Complex {
  const r = abs(z);
  return r === 0 ? [0, 0] : [z[0] / r, z[1] / r];
}
/** atan2 of complex numbers, by its formula with logarithms. */
export function atan2(y: Complex, x: Complex): Complex {
  const r = sqrt(add(mul(x, x), mul(y, y)));
  return overI(log(div(add(x, timesI(y)), r)));
}
