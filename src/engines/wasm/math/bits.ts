/** Operations on the representation of float32: the next number, and fewer bits. */
import type { VectorMath, VectorMath2 } from "./context.ts";
import { choose, inDouble } from "./double.ts";

/** The next number from x toward y. */
export const nextafter: VectorMath2 = (c, x, y) => {
  const { f } = c;
  const zero = c.f32(0);
  // Away from 0 the bits grow by one, toward it they shrink.
  f.get(y).get(x).op("f32x4.gt").get(x).get(zero).op("f32x4.gt", "v128.xor").get(c.i32(1)).op("v128.or");
  f.get(x).op("i32x4.add");
  const stepped = c.keep();
  f.get(y).get(c.f32(-0)).op("v128.and").get(c.i32(1)).op("v128.or");
  f.get(stepped).get(x).get(zero).op("f32x4.eq", "v128.bitselect");
  const next = c.keep();
  f.get(y).get(next);
  f.get(x).get(y).op("f32x4.eq").get(y).get(y).op("f32x4.ne", "v128.or", "v128.bitselect");
  const found = c.keep();
  f.get(x).get(x).op("f32x4.ne");
  f.get(y).get(y).op("f32x4.eq", "v128.and");
  choose(c, c.keep(), x, found);
};

/** x with fewer bits: the mantissa rounded to even, infinite above the range, zero below the normal numbers. */
export const reducePrecision =
  (exponentBits: number, mantissaBits: number): VectorMath =>
  (c, x) => {
    const { f } = c;
    if (exponentBits >= 8 && mantissaBits >= 23) {
      f.get(x);
      return;
    }
    const bias = 2 ** (exponentBits - 1) - 1;
    const dropped = 52 - mantissaBits;
    inDouble(c, [x], ([wide]) => {
      f.get(wide);
      if (dropped > 0) {
        // Half of the last place that is kept, less one where the last bit is even: what carries does so into the exponent, rightly.
        f.get(wide).i32(dropped).op("i64x2.shr_u").get(c.i64(1n)).op("v128.and");
        f.get(c.i64(2n ** BigInt(dropped - 1) - 1n)).op("i64x2.add", "i64x2.add");
        f.get(c.i64(-(2n ** BigInt(dropped)))).op("v128.and");
      }
      const rounded = c.keep();
      f.get(rounded).op("f64x2.abs");
      const magnitude = c.keep();
      f.get(wide).get(c.f64(-0)).op("v128.and");
      const signBit = c.keep();
      f.get(signBit).get(c.f64(Infinity)).op("v128.or").get(rounded);
      f.get(magnitude)
        .get(c.f64(2 ** (bias + 1)))
        .op("f64x2.ge", "v128.bitselect");
      const bounded = c.keep();
      f.get(magnitude)
        .get(c.f64(2 ** (1 - bias)))
        .op("f64x2.lt");
      choose(c, c.keep(), signBit, bounded);
      const value = c.keep();
      // Infinities and NaN are themselves.
      f.get(value).get(wide).get(wide).op("f64x2.abs").get(c.f64(Infinity)).op("f64x2.lt", "v128.bitselect");
    });
  };
