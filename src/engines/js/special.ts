/**
 * The special functions in float64, by series where these converge fast and by continued fractions or asymptotic series elsewhere. Most
 * are good to a few units in the last place of float64; their speed has not been a concern.
 */
import type { ConcreteArray } from "../../core/array.ts";
import { BERNOULLI, LANCZOS } from "../../primitives/gammaSeries.ts";
import { erfInvSingle } from "./erfInv.ts";
import type { Kernel } from "./kernel.ts";
import { numberRoom, placeAt, placesOf, runBinary, runUnary } from "./lanes.ts";
import { numbersOf, stored } from "./numbers.ts";

const EPSILON = 2 ** -53;
const TINY = 1e-300;

/** The sum of terms that shrink in the end. */
function series(first: number, next: (term: number, n: number) => number): number {
  let sum = first;
  let term = first;
  for (let n = 1; n < 10000; n++) {
    term = next(term, n);
    sum += term;
    if (Math.abs(term) <= Math.abs(sum) * EPSILON) break;
  }
  return sum;
}

/** Lentz's evaluation of the continued fraction b0 + a1/(b1 + a2/(b2 + ...)). */
function continuedFraction(b0: number, a: (n: number) => number, b: (n: number) => number): number {
  let value = b0 === 0 ? TINY : b0;
  let c = value;
  let d = 0;
  for (let n = 1; n < 10000; n++) {
    d = b(n) + a(n) * d;
    c = b(n) + a(n) / c;
    d = 1 / (d === 0 ? TINY : d);
    if (c === 0) c = TINY;
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) <= EPSILON) break;
  }
  return value;
}

export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 2.2) return Math.sign(x) * (1 - erfc(a));
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * series(x, (term, n) => (term * 2 * x * x) / (2 * n + 1));
}

export function erfc(x: number): number {
  if (x < 2.2) return 1 - erf(x);
  if (x > 27) return 0;
  const fraction = continuedFraction(
    x,
    (n) => n / 2,
    () => x,
  );
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((acc, c) => acc * x + c, 0);

/** A first guess by Giles's polynomials, then Newton's method. */
export function erfInv(y: number): number {
  if (Math.abs(y) >= 1) return Math.abs(y) === 1 ? y * Infinity : NaN;
  const w = -Math.log((1 - y) * (1 + y));
  let x =
    y *
    (w < 5
      ? polynomial(
          [
            2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
            0.246640727, 1.50140941,
          ],
          w - 2.5,
        )
      : polynomial(
          [
            -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
            1.00167406, 2.83297682,
          ],
          Math.sqrt(w) - 3,
        ));
  for (let i = 0; i < 3; i++) {
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
    // Near the ends the difference of complements keeps the digits.
    const error = Math.abs(y) < 0.9 ? erf(x) - y : Math.sign(y) * (1 - Math.abs(y) - erfc(Math.abs(x)));
    if (slope === 0) break;
    x -= error / (slope + error * x);
  }
  return x;
}

/** log |gamma(x)|, by Lanczos's approximation, and by reflection for x < 1/2. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (!Number.isFinite(x)) return Infinity;
  if (x <= 0 && Number.isInteger(x)) return Infinity;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x);
  if (x === 1 || x === 2) return 0;
  const z = x - 1;
  const sum = LANCZOS.reduce((acc, c, i) => acc + c / (z + i + 1), 0.99999999999980993);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

export function digamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return NaN;
  if (x < 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let [y, sum] = [x, 0];
  for (; y < 12; y++) sum -= 1 / y;
  let term = 0;
  for (let k = BERNOULLI.length - 1; k >= 0; k--) term = (term + BERNOULLI[k] / (2 * k + 2)) / (y * y);
  return sum + Math.log(y) - 0.5 / y - term;
}

/** Hurwitz's zeta function: the sum of (q + n)^-s, by Euler and Maclaurin. */
export function zeta(s: number, q: number): number {
  if (s === 1) return Infinity;
  if (s < 1 || Number.isNaN(s) || Number.isNaN(q)) return NaN;
  if (q <= 0) {
    if (Number.isInteger(q)) return Infinity;
    if (!Number.isInteger(s)) return NaN;
  }
  let sum = 0;
  let y = q;
  for (let n = 0; n < 12 || y < 12; n++, y++) sum += y ** -s;
  sum += y ** (1 - s) / (s - 1) + 0.5 * y ** -s;
  let factor = s * y ** (-s - 1);
  for (let k = 0; k < BERNOULLI.length; k++) {
    const term = (BERNOULLI[k] / factorial(2 * k + 2)) * factor;
    sum += term;
    if (Math.abs(term) < Math.abs(sum) * EPSILON) break;
    factor *= ((s + 2 * k + 1) * (s + 2 * k + 2)) / (y * y);
  }
  return sum;
}

function factorial(n: number): number {
  let product = 1;
  for (let k = 2; k <= n; k++) product *= k;
  return product;
}

/** The m-th derivative of digamma. */
export function polygamma(m: number, x: number): number {
  if (m === 0) return digamma(x);
  if (m < 0 || !Number.isInteger(m)) return NaN;
  return (m % 2 === 0 ? -1 : 1) * Math.exp(lgamma(m + 1)) * zeta(m + 1, x);
}

/** x^a e^-x / gamma(a) */
const gammaDensity = (a: number, x: number): number => Math.exp(a * Math.log(x) - x - lgamma(a));
const igammaSeries = (a: number, x: number): number =>
  (gammaDensity(a, x) / a) * series(1, (term, n) => (term * x) / (a + n));
const igammacFraction = (a: number, x: number): number =>
  gammaDensity(a, x) /
  continuedFraction(
    x + 1 - a,
    (n) => -n * (n - a),
    (n) => x + 2 * n + 1 - a,
  );

const outside = (a: number, x: number): boolean => !(x >= 0) || !(a >= 0) || (a === 0 && x === 0);

/** The regularized lower incomplete gamma function. */
export function igamma(a: number, x: number): number {
  if (outside(a, x)) return NaN;
  if (x === 0) return 0;
  if (x === Infinity || a === 0) return 1;
  return x > 1 && x > a ? 1 - igammacFraction(a, x) : igammaSeries(a, x);
}

/** The regularized upper incomplete gamma function. */
export function igammac(a: number, x: number): number {
  if (outside(a, x)) return NaN;
  if (x === Infinity || a === 0) return 0;
  if (x === 0) return 1;
  return x < 1 || x < a ? 1 - igammaSeries(a, x) : igammacFraction(a, x);
}

/** The derivative of `igamma` by its first operand, term by term in its series. */
export function igammaGradA(a: number, x: number): number {
  if (!(x >= 0) || !(a > 0)) return NaN;
  if (x === 0 || x === Infinity) return 0;
  let [term, sum, harmonic, slope] = [1 / a, 1 / a, 1 / a, -1 / (a * a)];
  for (let n = 1; n < 10000; n++) {
    term *= x / (a + n);
    harmonic += 1 / (a + n);
    sum += term;
    slope -= term * harmonic;
    if (n > x && term * harmonic <= Math.abs(slope) * EPSILON) break;
  }
  return gammaDensity(a, x) * (sum * (Math.log(x) - digamma(a)) + slope);
}

/** The regularized incomplete beta function, by the continued fraction that converges faster. */
export function betainc(a: number, b: number, x: number): number {
  if (Number.isNaN(a + b + x) || a < 0 || b < 0 || x < 0 || x > 1) return NaN;
  if ((a === 0 && b === 0) || (a === Infinity && b === Infinity)) return NaN;
  if (a === 0 || b === Infinity) return x === 0 ? 0 : 1;
  if (b === 0 || a === Infinity) return x === 1 ? 1 : 0;
  if (x === 0 || x === 1) return x;
  if (x > (a + 1) / (a + b + 2)) return 1 - betainc(b, a, 1 - x);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - (lgamma(a) + lgamma(b) - lgamma(a + b))) / a;
  const numerator = (n: number): number => {
    if (n === 1) return 1;
    const m = Math.floor((n - 1) / 2);
    if (n % 2 === 1) return (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    return (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
  };
  return front * continuedFraction(0, numerator, () => 1);
}

/** The modified Bessel functions of order 0 and 1, times e^-|x|. */
export function besselIe(order: 0 | 1, x: number): number {
  const a = Math.abs(x);
  const sign = order === 1 && x < 0 ? -1 : 1;
  if (a <= 30) {
    const first = order === 0 ? 1 : a / 2;
    return sign * Math.exp(-a) * series(first, (term, n) => (term * a * a) / (4 * n * (n + order)));
  }
  const sum = series(1, (term, n) => (-term * (4 * order * order - (2 * n - 1) ** 2)) / (n * 8 * a));
  return (sign * sum) / Math.sqrt(2 * Math.PI * a);
}

const unary =
  (name: string, fn: (x: number) => number): Kernel =>
  ([x], [out]) => [runUnary(name, { float: fn }, x, out)];
const binary =
  (name: string, fn: (x: number, y: number) => number): Kernel =>
  ([x, y], [out]) => [runBinary(name, { float: fn }, x, y, out)];

const betaincKernel: Kernel = (args, [out]) => {
  const places = args.map((x) => placesOf(x.shape, out.shape));
  const data = args.map((x: ConcreteArray) => numbersOf(x));
  const result = numberRoom(out.dtype, out.size);
  for (let i = 0; i < out.size; i++) {
    const [a, b, x] = data.map((d, k) => d[placeAt(places[k], i)]);
    result[i] = betainc(a, b, x);
  }
  return [stored(result, out.dtype)];
};

/** In float32 as XLA rounds, on which normal random numbers depend. */
const erfInvKernel: Kernel = (args, outAvals, params) =>
  args[0].dtype === "float32"
    ? [Float32Array.from(args[0].data as Float32Array, erfInvSingle)]
    : unary("erf_inv", erfInv)(args, outAvals, params);

export const specialKernels = {
  erf: unary("erf", erf),
  erfc: unary("erfc", erfc),
  erf_inv: erfInvKernel,
  lgamma: unary("lgamma", lgamma),
  digamma: unary("digamma", digamma),
  bessel_i0e: unary("bessel_i0e", (x) => besselIe(0, x)),
  bessel_i1e: unary("bessel_i1e", (x) => besselIe(1, x)),
  igamma: binary("igamma", igamma),
  igammac: binary("igammac", igammac),
  igamma_grad_a: binary("igamma_grad_a", igammaGradA),
  polygamma: binary("polygamma", polygamma),
  zeta: binary("zeta", zeta),
  regularized_incomplete_beta: betaincKernel,
} as const;
