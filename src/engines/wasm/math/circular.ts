/** The tangent: the quotient of sine and cosine in float64, so that it has no more than one rounding. */
import type { VectorMath } from "./context.ts";
import { polynomial64 } from "./context.ts";
import { choose, inDouble } from "./double.ts";
import { byHostWhereLarge } from "./elementary.ts";

/** sin(r) / r and cos(r) as polynomials of r^2, for |r| <= pi / 4: 5e-15. */
const SIN = [
  1, -0.1666666666663157, 0.0083333333252682234, -0.00019841263821158353, 2.755535738239785e-6, -2.4761625725459986e-8,
];
const COS = [
  1, -0.49999999999999481, 0.041666666666502995, -0.0013888888871710173, 2.4801579010498624e-5, -2.7555295418060155e-7,
  2.0633533831311149e-9,
];
/** pi / 2: its first 33 bits, so that products with 20 bits are exact, and the rest. */
const HALF_PI_HIGH = 1.57079632673412561417;
const HALF_PI_LOW = 6.07710050650619224932e-11;

export const tan: VectorMath = (c, x) => {
  const { f } = c;
  inDouble(c, [x], ([wide]) => {
    f.get(wide)
      .get(c.f64(2 / Math.PI))
      .op("f64x2.mul", "f64x2.nearest");
    const n = c.keep();
    f.get(wide).get(n).get(c.f64(HALF_PI_HIGH)).op("f64x2.mul", "f64x2.sub");
    f.get(n).get(c.f64(HALF_PI_LOW)).op("f64x2.mul", "f64x2.sub");
    const r = c.keep();
    f.get(r).get(r).op("f64x2.mul");
    const z = c.keep();
    polynomial64(c, z, SIN);
    f.get(r).op("f64x2.mul");
    const sin = c.keep();
    polynomial64(c, z, COS);
    const cos = c.keep();
    f.get(n).op("i32x4.trunc_sat_f64x2_s_zero", "i64x2.extend_low_i32x4_s");
    f.i32(63).op("i64x2.shl").i32(63).op("i64x2.shr_s");
    const odd = c.keep();
    f.get(cos).op("f64x2.neg");
    const turned = c.keep();
    choose(c, odd, turned, sin);
    choose(c, odd, sin, cos);
    f.op("f64x2.div");
    const value = c.keep();
    // Zeros keep their sign.
    f.get(wide).get(c.f64(0)).op("f64x2.eq");
    choose(c, c.keep(), wide, value);
  });
  byHostWhereLarge(c, x, c.keep(), "tan");
};
