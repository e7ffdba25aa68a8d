/**
 * The error function, its complement and its inverse. erf is a polynomial near 0 and 1 - exp of one beyond; erfc is exp(-x^2) times a polynomial of
 * (x - 4) / (x + 4), after M. Shepherd and J. Laframboise (Chebyshev approximation of (1 + 2x) exp(x^2) erfc x, 1981), in float64. The fits were made for
 * this file. The inverse takes the polynomials of M. Giles (Approximating the erfinv function, 2010), each step rounded once, as XLA on CPU does.
 */
import type { Local } from "../encode/function.ts";
import { polynomial, polynomial64, type MathContext, type VectorMath } from "./context.ts";
import { choose, exp64, inDouble, log64 } from "./double.ts";
import { expm1Small, reduceExp } from "./elementary.ts";

/** erf(x) / x - 1 as a polynomial of x^2, for |x| < 0.92: 4e-10. */
const ERF_NEAR = [
  0.1283791666363767, -0.37612633725342689, 0.11283695347014223, -0.026859390211336499, 0.00520101247118049,
  -0.00081424806003518248, 8.3691583754285758e-5,
];
/** log(erfc(x)) for 0.92 <= x <= 4: 4e-11 of 1. */
const ERF_FAR = [
  0.00017590454684746276, -1.1295209753513056, -0.63333432887604205, -0.10829432306568909, 0.025128881510075785,
  -0.004174745980965424, 0.00043524130096836706, -2.1163950086868034e-5,
];

const erf: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x).get(x).op("f32x4.mul");
  const z = c.keep();
  polynomial(c, z, ERF_NEAR);
  f.get(x).op("f32x4.mul").get(x).op("f32x4.add");
  const near = c.keep();
  // From 4 on, 1 - erfc is 1 in float32.
  f.get(x).op("f32x4.abs");
  const magnitude = c.keep();
  f.get(magnitude).get(c.f32(4)).op("f32x4.pmin");
  const t = c.keep();
  polynomial(c, t, ERF_FAR);
  const { r, whole } = reduceExp(c, c.keep());
  f.get(c.f32(1));
  expm1Small(c, r);
  f.get(c.f32(1)).op("f32x4.add");
  // The power of two is at least 2^-24: one factor is enough.
  f.get(whole).get(c.i32(127)).op("i32x4.add").i32(23).op("i32x4.shl", "f32x4.mul", "f32x4.sub");
  f.get(x).get(c.f32(-0)).op("v128.and", "v128.or");
  const far = c.keep();
  f.get(magnitude).get(c.f32(0.92)).op("f32x4.lt");
  choose(c, c.keep(), near, far);
};

/** (1 + 2x) exp(x^2) erfc(x) as a polynomial of (x - 4) / (x + 4), for 0 <= x <= 11: 1.6e-10. */
const ERFC = [
  1.2329951188071595, -0.13962111821251891, 0.015379619398529575, 0.068097120118369612, -0.10103807455172149,
  0.093732433173449207, -0.066341329680964633, 0.037161490045189566, -0.016148321154544236, 0.0050950483970294313,
  -0.00082176783312256621, -0.00035481126860545039, 8.4917426120675912e-5,
];

const erfc: VectorMath = (c, x) => {
  const { f } = c;
  inDouble(c, [x], ([wide]) => {
    // From 11 on, it is 0 in float32.
    f.get(wide).op("f64x2.abs").get(c.f64(11)).op("f64x2.pmin");
    const t = c.keep();
    f.get(t).get(c.f64(4)).op("f64x2.sub").get(t).get(c.f64(4)).op("f64x2.add", "f64x2.div");
    const u = c.keep();
    f.get(t).get(t).op("f64x2.mul", "f64x2.neg");
    exp64(c, c.keep());
    polynomial64(c, u, ERFC);
    f.op("f64x2.mul").get(t).get(t).op("f64x2.add").get(c.f64(1)).op("f64x2.add", "f64x2.div");
    const value = c.keep();
    f.get(c.f64(2)).get(value).op("f64x2.sub");
    const mirrored = c.keep();
    f.get(wide).get(c.f64(0)).op("f64x2.lt");
    choose(c, c.keep(), mirrored, value);
  });
};

const CENTRE = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7,
  2.81022636e-8,
].map(Math.fround);
const TAIL = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558,
  -0.000200214257,
].map(Math.fround);

/** Pushes the polynomial with each step rounded to float32: a product of two floats is exact in float64. */
function fusedPolynomial(c: MathContext, x: Local, p: readonly number[]): void {
  const { f } = c;
  f.get(c.f64(p[p.length - 1]));
  for (let i = p.length - 2; i >= 0; i--) {
    f.get(x).op("f64x2.mul").get(c.f64(p[i])).op("f64x2.add");
    rounded(c);
  }
}

/** Rounds what is on the stack to float32. */
function rounded(c: MathContext): void {
  c.f.op("f32x4.demote_f64x2_zero", "f64x2.promote_low_f32x4");
}

/** Pushes log(1 + v) for -1 <= v <= 0. */
function log1p64(c: MathContext, v: Local): void {
  const { f } = c;
  f.get(v).get(c.f64(1)).op("f64x2.add");
  log64(c, c.keep());
  const far = c.keep();
  polynomial64(c, v, [1, -1 / 2, 1 / 3]);
  f.get(v).op("f64x2.mul");
  const near = c.keep();
  f.get(v)
    .get(c.f64(-(2 ** -16)))
    .op("f64x2.gt");
  choose(c, c.keep(), near, far);
}

const erfInv: VectorMath = (c, x) => {
  const { f } = c;
  inDouble(c, [x], ([wide]) => {
    f.get(wide).get(wide).op("f64x2.mul", "f64x2.neg");
    rounded(c);
    log1p64(c, c.keep());
    f.op("f64x2.neg");
    rounded(c);
    const w = c.keep();
    f.get(w).get(c.f64(2.5)).op("f64x2.sub");
    rounded(c);
    fusedPolynomial(c, c.keep(), CENTRE);
    const centre = c.keep();
    f.get(w).op("f64x2.sqrt");
    rounded(c);
    f.get(c.f64(3)).op("f64x2.sub");
    rounded(c);
    fusedPolynomial(c, c.keep(), TAIL);
    const tail = c.keep();
    f.get(w).get(c.f64(5)).op("f64x2.lt");
    choose(c, c.keep(), centre, tail);
    f.get(wide).op("f64x2.mul");
    const value = c.keep();
    f.get(wide).get(c.f64(Infinity)).op("f64x2.mul");
    const infinite = c.keep();
    f.get(wide).op("f64x2.abs").get(c.f64(1)).op("f64x2.eq");
    choose(c, c.keep(), infinite, value);
  });
};

export const special = { erf, erfc, erf_inv: erfInv } as const satisfies Record<string, VectorMath>;
