/**
 * Mathematics of float32 in float64: where a function loses digits by cancellation, or is met too seldom for a float32 algorithm of its own, its two
 * halves are computed with twice the digits and rounded once. The building blocks here are good to 12 digits or more, which is beyond what float32
 * can tell: results are the correctly rounded ones but for one in thousands. Their polynomials are minimax fits made for this file.
 */
import type { Local } from "../encode/function.ts";
import { polynomial64, type MathContext } from "./context.ts";

/** Pushes the float32 vector of `emit`'s float64 values; `emit` gets two lanes of each argument at a time, promoted. */
export function inDouble(c: MathContext, args: readonly Local[], emit: (args: readonly Local[]) => void): void {
  const { f } = c;
  emit(args.map((a) => (f.get(a).op("f64x2.promote_low_f32x4"), c.keep())));
  f.op("f32x4.demote_f64x2_zero");
  if (c.wide) return;
  emit(args.map((a) => (f.get(a).get(a).shuffle32(2, 3, 2, 3).op("f64x2.promote_low_f32x4"), c.keep())));
  f.op("f32x4.demote_f64x2_zero").shuffle32(0, 1, 4, 5);
}

/** Pushes `yes` where `mask` has ones, else `no`. */
export function choose(c: MathContext, mask: Local, yes: Local, no: Local): void {
  c.f.get(yes).get(no).get(mask).op("v128.bitselect");
}

/** Pushes |magnitude| with the sign of `sign`. */
export function withSign64(c: MathContext, magnitude: Local, sign: Local): void {
  c.f.get(magnitude).get(sign).get(c.f64(-0)).op("v128.and", "v128.xor");
}

/** (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: 1.2e-12. */
const EXP = [
  0.50000000004272175, 0.16666666784505658, 0.041666664403483633, 0.0083332817937684687, 0.0013889197315518194,
  0.00019908946580038807, 2.4708221799591245e-5,
];

/** Pushes exp(x); beyond the range of float32 it is held so far out that it still becomes 0 or infinite there. */
export function exp64(c: MathContext, x: Local): void {
  const { f } = c;
  f.get(x).get(c.f64(700)).op("f64x2.pmin").get(c.f64(-700)).op("f64x2.pmax");
  const held = c.keep();
  f.get(held).get(c.f64(Math.LOG2E)).op("f64x2.mul", "f64x2.nearest");
  const n = c.keep();
  f.get(held).get(n).get(c.f64(Math.LN2)).op("f64x2.mul", "f64x2.sub");
  const r = c.keep();
  polynomial64(c, r, [1, 1, ...EXP]);
  f.get(n).op("i32x4.trunc_sat_f64x2_s_zero").get(c.i32(1023)).op("i32x4.add", "i64x2.extend_low_i32x4_s");
  f.i32(52).op("i64x2.shl", "f64x2.mul");
}

/** (log((1 + s) / (1 - s)) / 2s - 1) / s^2 as a polynomial of s^2, for factors of up to sqrt(2): 1.9e-16. */
const LOG = [
  0.33333333333293583, 0.200000000261455, 0.1428570856371282, 0.11111685915058107, 0.090618191640519806,
  0.084099340893554279,
];

/** Pushes log(x) of a number that is no subnormal float64: -Infinity for 0, NaN below it. */
export function log64(c: MathContext, x: Local): void {
  const { f } = c;
  // x = m 2^e with sqrt(1/2) <= m < sqrt(2); the exponent stands in the upper halves of the lanes.
  f.get(x).get(x).shuffle32(1, 3, 1, 3).get(c.i32(0x3fe6a09e)).op("i32x4.sub").i32(20).op("i32x4.shr_s");
  const e = c.keep();
  f.get(x).get(e).op("i64x2.extend_low_i32x4_s").i32(52).op("i64x2.shl", "i64x2.sub");
  const m = c.keep();
  const one = c.f64(1);
  f.get(m).get(one).op("f64x2.sub").get(m).get(one).op("f64x2.add", "f64x2.div");
  const s = c.keep();
  f.get(s).get(s).op("f64x2.mul");
  const z = c.keep();
  polynomial64(c, z, LOG);
  f.get(z).op("f64x2.mul").get(s).op("f64x2.mul").get(s).op("f64x2.add");
  const half = c.keep();
  f.get(e).op("f64x2.convert_low_i32x4_s").get(c.f64(Math.LN2)).op("f64x2.mul");
  f.get(half).get(half).op("f64x2.add", "f64x2.add");
  const value = c.keep();
  f.get(x).get(c.f64(0)).op("f64x2.gt").get(x).get(c.f64(Infinity)).op("f64x2.lt", "v128.and");
  const ordinary = c.keep();
  // What else: infinity and NaN are themselves, 0 has -Infinity, and what is below has 0/0.
  f.get(x).get(c.f64(0)).op("f64x2.eq");
  const zero = c.keep();
  f.get(c.f64(-Infinity)).get(x).get(x).op("f64x2.sqrt", "f64x2.add").get(zero).op("v128.bitselect");
  const special = c.keep();
  choose(c, ordinary, value, special);
}

/** (atan(t) / t - 1) / t^2 as a polynomial of t^2, for t up to tan(pi / 8): 2.7e-14. */
const ATAN = [
  -0.33333333331694468, 0.19999999685231467, -0.14285693576414918, 0.11110449511225819, -0.090791315071722305,
  0.075684966067730305, -0.058908980563128967, 0.030892301834422243,
];

/** Pushes the angle of the point (x, y), in (-pi, pi]. */
export function atan2In64(c: MathContext, y: Local, x: Local): void {
  const { f } = c;
  const one = c.f64(1);
  f.get(x).op("f64x2.abs");
  const ax = c.keep();
  f.get(y).op("f64x2.abs");
  const ay = c.keep();
  f.get(ax).get(ay).op("f64x2.min");
  const small = c.keep();
  f.get(ax).get(ay).op("f64x2.max");
  const large = c.keep();
  // Of equal magnitudes the quotient is 1, of two infinite ones too; of two zeros it is 0.
  f.get(one).get(large).get(c.f64(0)).op("f64x2.gt", "v128.and");
  f.get(small).get(large).op("f64x2.div");
  f.get(small).get(large).op("f64x2.eq", "v128.bitselect");
  const t = c.keep();
  f.get(t)
    .get(c.f64(Math.SQRT2 - 1))
    .op("f64x2.gt");
  const far = c.keep();
  // atan(t) = pi/4 + atan((t - 1) / (t + 1)).
  f.get(t).get(one).op("f64x2.sub").get(t).get(one).op("f64x2.add", "f64x2.div");
  const turned = c.keep();
  choose(c, far, turned, t);
  const s = c.keep();
  f.get(s).get(s).op("f64x2.mul");
  const z = c.keep();
  polynomial64(c, z, ATAN);
  f.get(z).op("f64x2.mul").get(s).op("f64x2.mul").get(s).op("f64x2.add");
  f.get(c.f64(Math.PI / 4))
    .get(far)
    .op("v128.and", "f64x2.add");
  const angle = c.keep();
  f.get(c.f64(Math.PI / 2))
    .get(angle)
    .op("f64x2.sub")
    .get(angle)
    .get(ay)
    .get(ax)
    .op("f64x2.gt", "v128.bitselect");
  const upper = c.keep();
  // The sign bit of x, so that -0 counts as negative.
  f.get(c.f64(Math.PI)).get(upper).op("f64x2.sub").get(upper);
  f.get(x).i32(63).op("i64x2.shr_s", "v128.bitselect");
  const value = c.keep();
  withSign64(c, value, y);
}
