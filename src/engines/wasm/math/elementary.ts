/**
 * Vector mathematics for float32: four lanes at once, products and sums only (no fused ones), so that the bits are the same on every machine. Each
 * function is within 2 units in the last place of the exact value, over the whole range; NaN, infinities, signed zeros and subnormal numbers
 * included.
 *
 * The polynomials are those of S. Moshier's Cephes library (single precision): the figures are its, the code is not. Arguments of sine and cosine are
 * reduced in float64 (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980); the largest ones take JavaScript's functions.
 */
import type { Local } from "../encode/function.ts";
import { polynomial, type MathContext, type VectorMath } from "./context.ts";

/** Pushes the vector on the stack times 2 to the power of the integers in `n`, in two steps, so that no factor overflows. */
function scaled(c: MathContext, n: Local): void {
  const { f } = c;
  const half = c.temp();
  f.get(n).i32(1).op("i32x4.shr_s").set(half);
  f.get(half).get(c.i32(127)).op("i32x4.add").i32(23).op("i32x4.shl", "f32x4.mul");
  f.get(n).get(half).op("i32x4.sub").get(c.i32(127)).op("i32x4.add").i32(23).op("i32x4.shl", "f32x4.mul");
}

const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440054690583e-4;
const EXP = [5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.987569915e-4];

/** n = the nearest integer to x / ln 2, as a float and as an integer, and r = x - n ln 2. */
export function reduceExp(c: MathContext, x: Local): { readonly n: Local; readonly whole: Local; readonly r: Local } {
  const { f } = c;
  f.get(x).get(c.f32(Math.LOG2E)).op("f32x4.mul", "f32x4.nearest");
  const n = c.keep();
  f.get(x).get(n).get(c.f32(LN2_HIGH)).op("f32x4.mul", "f32x4.sub");
  f.get(n).get(c.f32(LN2_LOW)).op("f32x4.mul", "f32x4.sub");
  const r = c.keep();
  f.get(n).op("i32x4.trunc_sat_f32x4_s");
  return { n, whole: c.keep(), r };
}

/** Pushes exp(r) - 1 for |r| <= ln 2 / 2. */
export function expm1Small(c: MathContext, r: Local): void {
  polynomial(c, r, EXP);
  c.f.get(r).op("f32x4.mul").get(r).op("f32x4.mul").get(r).op("f32x4.add");
}

/** Pushes x held between two bounds; NaN stays. */
function between(c: MathContext, x: Local, low: number, high: number): Local {
  c.f.get(x).get(c.f32(high)).op("f32x4.pmin").get(c.f32(low)).op("f32x4.pmax");
  return c.keep();
}

const exp: VectorMath = (c, x) => {
  const { r, whole } = reduceExp(c, between(c, x, -104, 89));
  expm1Small(c, r);
  c.f.get(c.f32(1)).op("f32x4.add");
  scaled(c, whole);
};

const exp2: VectorMath = (c, x) => {
  const { f } = c;
  const held = between(c, x, -151, 129);
  f.get(held).op("f32x4.nearest");
  const n = c.keep();
  f.get(held).get(n).op("f32x4.sub").get(c.f32(Math.LN2)).op("f32x4.mul");
  const r = c.keep();
  expm1Small(c, r);
  f.get(c.f32(1)).op("f32x4.add");
  f.get(n).op("i32x4.trunc_sat_f32x4_s");
  const whole = c.keep();
  scaled(c, whole);
};

/** 2^n (exp(r) - 1) + (2^n - 1). */
const expm1: VectorMath = (c, x) => {
  const { f } = c;
  const { r, whole } = reduceExp(c, between(c, x, -30, 89));
  expm1Small(c, r);
  const small = c.keep();
  // 2^127 times 2: no single factor is infinite.
  f.get(whole).get(c.i32(1)).op("i32x4.sub").get(c.i32(127)).op("i32x4.add").i32(23).op("i32x4.shl");
  const half = c.keep();
  f.get(small).get(half).op("f32x4.mul").get(half).get(c.f32(0.5)).op("f32x4.sub", "f32x4.add");
  const value = c.keep();
  f.get(value).get(value).op("f32x4.add");
  // Zeros keep their sign.
  const sum = c.keep();
  f.get(x).get(sum).get(x).get(c.f32(0)).op("f32x4.eq", "v128.bitselect");
};

const LOG = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
  1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
];

/** Pushes log(x) for x that are normal or subnormal numbers, 0, infinite or NaN; what is below 0 gives NaN. */
const log: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x)
    .get(c.f32(2 ** -126))
    .op("f32x4.lt");
  const tiny = c.keep();
  f.get(x)
    .get(c.f32(2 ** 23))
    .op("f32x4.mul")
    .get(x)
    .get(tiny)
    .op("v128.bitselect");
  const normal = c.keep();
  // x = m 2^e with sqrt(1/2) <= m < sqrt(2).
  const offset = 0x3f3504f3;
  f.get(normal).get(c.i32(offset)).op("i32x4.sub").i32(23).op("i32x4.shr_s");
  const e = c.keep();
  f.get(normal).get(e).i32(23).op("i32x4.shl", "i32x4.sub").get(c.f32(1)).op("f32x4.sub");
  const m = c.keep();
  f.get(e).get(tiny).get(c.i32(23)).op("v128.and", "i32x4.sub", "f32x4.convert_i32x4_s");
  const power = c.keep();
  f.get(m).get(m).op("f32x4.mul");
  const z = c.keep();
  polynomial(c, m, LOG);
  f.get(m).op("f32x4.mul").get(z).op("f32x4.mul");
  f.get(power).get(c.f32(LN2_LOW)).op("f32x4.mul", "f32x4.add");
  f.get(z).get(c.f32(0.5)).op("f32x4.mul", "f32x4.sub");
  f.get(m).op("f32x4.add");
  f.get(power).get(c.f32(LN2_HIGH)).op("f32x4.mul", "f32x4.add");
  const y = c.keep();
  specialLog(c, x, y);
};

/** Pushes y, but log's values at 0, below it, at infinity and NaN. */
function specialLog(c: MathContext, x: Local, y: Local): void {
  const { f } = c;
  f.get(c.f32(-Infinity));
  f.get(x).get(c.f32(NaN));
  f.get(x).get(c.f32(0)).op("f32x4.ge").get(x).get(x).op("f32x4.ne", "v128.or", "v128.bitselect");
  f.get(y);
  // Finite positive numbers have their value, 0 has -Infinity, and all others have Infinity or NaN, which are themselves.
  f.get(x).get(c.f32(0)).op("f32x4.gt").get(x).get(c.f32(Infinity)).op("f32x4.lt", "v128.and");
  const ordinary = c.keep();
  const value = c.keep();
  const other = c.keep();
  f.get(value).get(other).get(ordinary).op("v128.bitselect");
  f.get(x).get(c.f32(0)).op("f32x4.eq", "v128.bitselect");
}

/** With u = 1 + x: log(u) and what the rounding of u lost. */
const log1p: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x).get(c.f32(1)).op("f32x4.add");
  const u = c.keep();
  log(c, u);
  f.get(x).get(u).get(c.f32(1)).op("f32x4.sub", "f32x4.sub").get(u).op("f32x4.div");
  const lost = c.keep();
  const whole = c.keep();
  // Where u is infinite or 0 nothing was lost that counts.
  f.get(whole).get(lost).op("f32x4.add").get(whole);
  f.get(u).get(c.f32(0)).op("f32x4.gt").get(u).get(c.f32(Infinity)).op("f32x4.lt", "v128.and", "v128.bitselect");
  const value = c.keep();
  f.get(x).get(value).get(u).get(c.f32(1)).op("f32x4.eq", "v128.bitselect");
};

const TANH = [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3];

/** A polynomial near 0, and 1 - 2 / (exp(2x) + 1) beyond. */
const tanh: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x).op("f32x4.abs");
  const magnitude = c.keep();
  f.get(x).get(x).op("f32x4.mul");
  const z = c.keep();
  polynomial(c, z, TANH);
  f.get(z).op("f32x4.mul").get(x).op("f32x4.mul").get(x).op("f32x4.add");
  const near = c.keep();
  f.get(magnitude).get(magnitude).op("f32x4.add").get(c.f32(40)).op("f32x4.pmin");
  const twice = c.keep();
  const { r, whole } = reduceExp(c, twice);
  expm1Small(c, r);
  f.get(c.f32(1)).op("f32x4.add");
  // The power of two is between 1 and 2^58: one factor is enough.
  f.get(whole).get(c.i32(127)).op("i32x4.add").i32(23).op("i32x4.shl", "f32x4.mul");
  const e = c.keep();
  f.get(c.f32(1)).get(c.f32(2)).get(e).get(c.f32(1)).op("f32x4.add", "f32x4.div", "f32x4.sub");
  const far = c.keep();
  f.get(far).get(near).get(magnitude).get(c.f32(0.625)).op("f32x4.ge", "v128.bitselect");
  // Zeros keep their sign too.
  f.get(x).get(c.f32(-0)).op("v128.and", "v128.or");
};

/** With t = exp(-|x|): 1 / (1 + t), or t / (1 + t) below 0; what the rounding of t lost counts too, by the derivative. */
const logistic: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x).op("f32x4.abs", "f32x4.neg").get(c.f32(-104)).op("f32x4.pmax");
  const minus = c.keep();
  const { r, whole } = reduceExp(c, minus);
  expm1Small(c, r);
  const small = c.keep();
  f.get(small).get(c.f32(1)).op("f32x4.add");
  const rounded = c.keep();
  f.get(rounded);
  scaled(c, whole);
  const t = c.keep();
  f.get(x).get(c.f32(0)).op("f32x4.lt");
  const negative = c.keep();
  f.get(t).get(c.f32(1)).get(negative).op("v128.bitselect");
  f.get(t).get(c.f32(1)).op("f32x4.add", "f32x4.div");
  const q = c.keep();
  // lost / rounded, roughly; its sign follows that of x.
  f.get(small).get(rounded).get(c.f32(1)).op("f32x4.sub", "f32x4.sub");
  f.get(c.f32(2)).get(rounded).op("f32x4.sub", "f32x4.mul");
  f.get(c.f32(-0)).get(negative).op("v128.andnot", "v128.xor");
  const lost = c.keep();
  f.get(q).get(q).get(q).op("f32x4.mul", "f32x4.sub").get(lost).op("f32x4.mul").get(q).op("f32x4.add");
};

const SIN = [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4];
const COS = [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5];
const TWO_OVER_PI = 2 / Math.PI;
/** pi / 2: its first 33 bits, so that a product with 20 bits is exact, and the rest. */
const HALF_PI_HIGH = 1.57079632673412561417;
const HALF_PI_LOW = 6.07710050650619224932e-11;
const LARGEST = 2 ** 20;

/** sin(x + quarter pi/2). */
const sine =
  (name: "sin" | "cos", quarter: 0 | 1): VectorMath =>
  (c, x) => {
    const { f } = c;
    const { r, n } = reduceAngle(c, x);
    const q = c.temp();
    f.get(n).get(c.i32(quarter)).op("i32x4.add").set(q);
    f.get(r).get(r).op("f32x4.mul");
    const z = c.keep();
    polynomial(c, z, SIN);
    f.get(z).op("f32x4.mul").get(r).op("f32x4.mul").get(r).op("f32x4.add");
    const s = c.keep();
    polynomial(c, z, COS);
    f.get(z).op("f32x4.mul").get(z).op("f32x4.mul");
    f.get(z).get(c.f32(0.5)).op("f32x4.mul", "f32x4.sub").get(c.f32(1)).op("f32x4.add");
    const k = c.keep();
    f.get(k).get(s).get(q).i32(31).op("i32x4.shl").i32(31).op("i32x4.shr_s", "v128.bitselect");
    f.get(q).get(c.i32(2)).op("v128.and").i32(30).op("i32x4.shl", "v128.xor");
    const value = c.keep();
    if (name === "sin") {
      // Zeros keep their sign.
      f.get(x).get(value).get(x).get(c.f32(0)).op("f32x4.eq", "v128.bitselect").set(value);
    }
    byHostWhereLarge(c, x, value, name);
  };

/** The nearest multiple of pi / 2, by its number, and what is left. */
function reduceAngle(c: MathContext, x: Local): { readonly r: Local; readonly n: Local } {
  const { f } = c;
  const half = (): { readonly rest: Local; readonly count: Local } => {
    f.op("f64x2.promote_low_f32x4");
    const wide = c.keep();
    f.get(wide).get(c.f64(TWO_OVER_PI)).op("f64x2.mul", "f64x2.nearest");
    const count = c.keep();
    f.get(wide).get(count).get(c.f64(HALF_PI_HIGH)).op("f64x2.mul", "f64x2.sub");
    f.get(count).get(c.f64(HALF_PI_LOW)).op("f64x2.mul", "f64x2.sub", "f32x4.demote_f64x2_zero");
    return { rest: c.keep(), count };
  };
  f.get(x);
  const low = half();
  if (c.wide) {
    f.get(low.count).op("i32x4.trunc_sat_f64x2_s_zero");
    return { r: low.rest, n: c.keep() };
  }
  f.get(x).get(x).shuffle32(2, 3, 2, 3);
  const high = half();
  f.get(low.rest).get(high.rest).shuffle32(0, 1, 4, 5);
  const r = c.keep();
  f.get(low.count).op("i32x4.trunc_sat_f64x2_s_zero").get(high.count).op("i32x4.trunc_sat_f64x2_s_zero");
  f.shuffle32(0, 1, 4, 5);
  return { r, n: c.keep() };
}

/** Pushes the value; lanes of large arguments are computed anew, if there are any. */
export function byHostWhereLarge(c: MathContext, x: Local, value: Local, name: string): void {
  const { f } = c;
  f.get(x).op("f32x4.abs").get(c.f32(LARGEST)).op("f32x4.ge");
  const large = c.keep();
  f.get(large).op("v128.any_true");
  f.if(() => {
    for (let lane = 0; lane < c.lanes; lane++) {
      f.get(large).lane("i32x4.extract_lane", lane);
      f.if(() => {
        f.get(value).get(x).lane("f32x4.extract_lane", lane).op("f64.promote_f32");
        f.call(c.host(name)).op("f32.demote_f64").lane("f32x4.replace_lane", lane).set(value);
      });
    }
  });
  f.get(value);
}

export const elementary = {
  exp,
  exp2,
  expm1,
  log,
  log1p,
  tanh,
  logistic,
  sin: sine("sin", 0),
  cos: sine("cos", 1),
} as const satisfies Record<string, VectorMath>;
