/**
 * Integer operations that SIMD lacks. Integers of fewer than 32 bits lie widened in lanes of 32, and results are to be wrapped to their width by the
 * caller; `bits` is that width. Quotients are XLA's: toward zero, -1 for a divisor of zero; the least number divided by -1 is itself.
 */
import type { Local } from "../encode/function.ts";
import type { MathContext } from "./context.ts";

export type IntegerMath = (c: MathContext, x: Local, signed: boolean, bits: number) => void;
export type IntegerMath2 = (c: MathContext, x: Local, y: Local, signed: boolean, bits: number) => void;

/** Pushes quotients of 32-bit numbers, by float64 division: it is never so near a whole number that rounding could pass it. */
function quotients32(c: MathContext, x: Local, y: Local, signed: boolean): void {
  const { f } = c;
  const half = (a: Local, b: Local): void => {
    for (const v of [a, b]) f.get(v).op(signed ? "f64x2.convert_low_i32x4_s" : "f64x2.convert_low_i32x4_u");
    f.op("f64x2.div", signed ? "i32x4.trunc_sat_f64x2_s_zero" : "i32x4.trunc_sat_f64x2_u_zero");
  };
  half(x, y);
  if (!c.wide) {
    f.get(x).get(x).shuffle32(2, 3, 2, 3);
    const upperX = c.keep();
    f.get(y).get(y).shuffle32(2, 3, 2, 3);
    const upperY = c.keep();
    half(upperX, upperY);
    f.shuffle32(0, 1, 4, 5);
  }
  const quotient = c.keep();
  const minusOne = c.i32(-1);
  f.get(minusOne);
  if (signed) {
    f.get(x).op("i32x4.neg").get(quotient).get(y).get(minusOne).op("i32x4.eq", "v128.bitselect");
  } else f.get(quotient);
  f.get(y).get(c.i32(0)).op("i32x4.eq", "v128.bitselect");
}

/** Each lane by itself: `emit` gets the scalars and leaves one. */
function byLane64(c: MathContext, args: readonly Local[], emit: (scalars: readonly Local[]) => void): void {
  const { f } = c;
  const out = c.temp();
  const scalars = args.map(() => f.local("i64"));
  for (let lane = 0; lane < 2; lane++) {
    args.forEach((a, i) => f.get(a).lane("i64x2.extract_lane", lane).set(scalars[i]));
    f.get(out);
    emit(scalars);
    f.lane("i64x2.replace_lane", lane).set(out);
  }
  f.get(out);
}

/** Pushes 1 for the divisors that the instruction cannot take, and the divisor else. */
function safeDivisor(c: MathContext, y: Local, signed: boolean): void {
  const { f } = c;
  f.i64(1n).get(y).get(y).op("i64.eqz");
  if (signed) f.get(y).i64(-1n).op("i64.eq", "i32.or");
  f.op("select");
}

export const div: IntegerMath2 = (c, x, y, signed, bits) => {
  const { f } = c;
  if (bits < 64) {
    quotients32(c, x, y, signed);
    return;
  }
  byLane64(c, [x, y], ([a, b]) => {
    f.i64(-1n);
    if (signed) f.i64(0n).get(a).op("i64.sub");
    f.get(a);
    safeDivisor(c, b, signed);
    f.op(signed ? "i64.div_s" : "i64.div_u");
    if (signed) f.get(b).i64(-1n).op("i64.ne").op("i32.eqz", "select");
    f.get(b).op("i64.eqz", "select");
  });
};

export const rem: IntegerMath2 = (c, x, y, signed, bits) => {
  const { f } = c;
  if (bits < 64) {
    // By zero, the quotient counts for nothing and x is left.
    f.get(x);
    quotients32(c, x, y, signed);
    f.get(y).op("i32x4.mul", "i32x4.sub");
    return;
  }
  byLane64(c, [x, y], ([a, b]) => {
    // The remainder by 1 stands for that by -1, too.
    f.get(a).get(a);
    safeDivisor(c, b, signed);
    f.op(signed ? "i64.rem_s" : "i64.rem_u")
      .get(b)
      .op("i64.eqz", "select");
  });
};

export const sign: IntegerMath = (c, x, signed, bits) => {
  const { f } = c;
  const p = bits < 64 ? "i32x4" : "i64x2";
  const zero = bits < 64 ? c.i32(0) : c.i64(0n);
  if (signed) f.get(x).get(zero).op(`${p}.lt_s`).get(x).get(zero).op(`${p}.gt_s`, `${p}.sub`);
  else f.get(x).get(zero).op(`${p}.ne`, `${p}.neg`);
};

/** Pushes x without the bits above its width. */
function own(c: MathContext, x: Local, bits: number): void {
  c.f.get(x);
  if (bits < 32) c.f.get(c.i32(2 ** bits - 1)).op("v128.and");
}

export const populationCount: IntegerMath = (c, x, _signed, bits) => {
  own(c, x, bits);
  c.f.op("i8x16.popcnt");
  // The product has the sum of all bytes in its highest one.
  if (bits < 64) c.f.get(c.i32(0x01010101)).op("i32x4.mul").i32(24).op("i32x4.shr_u");
  else c.f.get(c.i64(0x0101010101010101n)).op("i64x2.mul").i32(56).op("i64x2.shr_u");
};

export const clz: IntegerMath = (c, x, _signed, bits) => {
  const { f } = c;
  if (bits === 64) {
    byLane64(c, [x], ([a]) => {
      f.get(a).op("i64.clz");
    });
    return;
  }
  own(c, x, bits);
  const v = c.keep();
  const out = c.temp();
  for (let lane = 0; lane < c.lanes; lane++) {
    f.get(out).get(v).lane("i32x4.extract_lane", lane).op("i32.clz").lane("i32x4.replace_lane", lane).set(out);
  }
  f.get(out);
  if (bits < 32) f.get(c.i32(32 - bits)).op("i32x4.sub");
};

/** Lane by lane, since the amounts differ; an amount below 0 or of at least the width shifts everything out. */
export const shift =
  (kind: "shl" | "shr_s" | "shr_u"): IntegerMath2 =>
  (c, x, n, signed, bits) => {
    const { f } = c;
    const wide = bits === 64;
    const p = wide ? "i64" : "i32";
    const extract = wide ? "i64x2.extract_lane" : "i32x4.extract_lane";
    const constant = (value: number): void => {
      if (wide) f.i64(BigInt(value));
      else f.i32(value);
    };
    if (kind === "shr_u") own(c, x, bits);
    else f.get(x);
    // Arithmetically, an unsigned number is taken for the signed one of the same bits.
    if (kind === "shr_s" && !signed && bits < 32) {
      f.i32(32 - bits)
        .op("i32x4.shl")
        .i32(32 - bits)
        .op("i32x4.shr_s");
    }
    const from = c.keep();
    const out = c.temp();
    const amount = f.local(p);
    for (let lane = 0; lane < c.lanes; lane++) {
      f.get(n).lane(extract, lane).set(amount);
      f.get(out).get(from).lane(extract, lane).get(amount);
      if (kind === "shr_s") {
        constant(wide ? 63 : 31);
        f.get(amount);
        constant(bits);
        f.op(`${p}.lt_u`, "select", `${p}.shr_s`);
      } else {
        f.op(`${p}.${kind}`);
        constant(0);
        f.get(amount);
        constant(bits);
        f.op(`${p}.lt_u`, "select");
      }
      f.lane(wide ? "i64x2.replace_lane" : "i32x4.replace_lane", lane).set(out);
    }
    f.get(out);
  };

/** By the names of the primitives. */
export const integerMath: Readonly<Record<string, IntegerMath>> = { sign, population_count: populationCount, clz };
export const integerMath2: Readonly<Record<string, IntegerMath2>> = {
  div,
  rem,
  shift_left: shift("shl"),
  shift_right_arithmetic: shift("shr_s"),
  shift_right_logical: shift("shr_u"),
};
