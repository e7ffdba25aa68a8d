/** Powers and cube roots, in float64. */
import type { VectorMath, VectorMath2 } from "./context.ts";
import { choose, exp64, inDouble, log64, withSign64 } from "./double.ts";

/** exp(y log |x|), with C's special values. */
export const pow: VectorMath2 = (c, x, y) => {
  const { f } = c;
  inDouble(c, [x, y], ([base, exponent]) => {
    f.get(base).op("f64x2.abs");
    log64(c, c.keep());
    f.get(exponent).op("f64x2.mul");
    exp64(c, c.keep());
  });
  const magnitude = c.keep();
  const one = c.f32(1);
  const infinity = c.f32(Infinity);
  f.get(y).op("f32x4.floor").get(y).op("f32x4.eq");
  const whole = c.keep();
  // Half of an odd number is no whole one; all of 2^24 and more are even.
  f.get(y).get(c.f32(0.5)).op("f32x4.mul");
  const half = c.keep();
  f.get(half).op("f32x4.floor").get(half).op("f32x4.ne").get(whole).op("v128.and");
  f.get(x).get(c.f32(-0)).op("v128.and", "v128.and").get(magnitude).op("v128.xor");
  const signed = c.keep();
  // A finite number below 0 has no real power that is not whole.
  f.get(x).get(c.f32(0)).op("f32x4.lt").get(x).get(c.f32(-Infinity)).op("f32x4.gt", "v128.and");
  f.get(whole).op("v128.andnot");
  const undefinedThere = c.keep();
  choose(c, undefinedThere, c.f32(NaN), signed);
  const value = c.keep();
  f.get(y).get(c.f32(0)).op("f32x4.eq").get(x).get(one).op("f32x4.eq", "v128.or");
  f.get(x).op("f32x4.abs").get(one).op("f32x4.eq").get(y).op("f32x4.abs").get(infinity).op("f32x4.eq");
  f.op("v128.and", "v128.or");
  choose(c, c.keep(), one, value);
};

/** A first guess from a third of the exponent, then Halley's method, which triples the digits. */
export const cbrt: VectorMath = (c, x) => {
  const { f } = c;
  inDouble(c, [x], ([wide]) => {
    f.get(wide).op("f64x2.abs");
    const a = c.keep();
    // The upper half of a float64, as an integer, is nearly 2^20 log2 of it.
    f.get(a)
      .get(a)
      .shuffle32(1, 3, 1, 3)
      .op("f64x2.convert_low_i32x4_s")
      .get(c.f64(1 / 3))
      .op("f64x2.mul");
    f.get(c.f64(0x2a9f7893)).op("f64x2.add", "i32x4.trunc_sat_f64x2_s_zero", "i64x2.extend_low_i32x4_s");
    f.i32(32).op("i64x2.shl");
    let t = c.keep();
    for (let i = 0; i < 3; i++) {
      f.get(t).get(t).op("f64x2.mul").get(t).op("f64x2.mul");
      const cube = c.keep();
      f.get(a).get(a).op("f64x2.add").get(cube).op("f64x2.add").get(t).op("f64x2.mul");
      f.get(cube).get(cube).op("f64x2.add").get(a).op("f64x2.add", "f64x2.div");
      t = c.keep();
    }
    // Zero, infinity and NaN are their own roots.
    f.get(t).get(a);
    f.get(a).get(c.f64(0)).op("f64x2.gt").get(a).get(c.f64(Infinity)).op("f64x2.lt", "v128.and", "v128.bitselect");
    withSign64(c, c.keep(), wide);
  });
};
