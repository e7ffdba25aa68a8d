/** Conversions between dtypes in registers. Floats become integers by dropping their fraction; what is out of range saturates, NaN is 0. */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { Local } from "../encode/function.ts";
import type { LaneOp, PlainOp } from "../encode/opcodes.ts";
import { roundToBfloat16, roundToFloat16 } from "../math/halves.ts";
import { formOf, isSigned, type VectorCode } from "./vectorCode.ts";

const bitsOf = (dtype: DType): number => 8 * dtypes[dtype].bytes;

/** Rounds the float32 on the stack to a half, if the dtype is one: in registers it stays a float32. */
export function roundHalf(c: VectorCode, dtype: DType): void {
  if (dtype === "float16") roundToFloat16(c, c.keep());
  else if (dtype === "bfloat16") roundToBfloat16(c, c.keep());
}

/** Leaves the converted value on the stack; a half is yet to be rounded. */
export function convert(c: VectorCode, x: Local, from: DType, to: DType): void {
  const { f } = c;
  if (formOf(from) === "i64" && dtypes[to].kind === "float") {
    throughScalars(c, x, "i64x2.extract_lane", isSigned(from) ? "f64.convert_i64_s" : "f64.convert_i64_u");
    if (to === "float64") return;
    x = c.keep();
    from = "float64";
  }
  if (from === "float64" && to === "float16") x = withStickyBit(c, x);
  const [a, b] = [formOf(from), formOf(to)];
  f.get(x);
  if (b === "mask") {
    if (a === "f32") f.get(c.f32(0)).op("f32x4.ne");
    else if (a === "i32") f.get(c.i32(0)).op("i32x4.ne");
    else if (a === "f64") f.get(c.f64(0)).op("f64x2.ne");
    else if (a === "i64") f.get(c.i64(0n)).op("i64x2.ne");
    if (c.wide && (a === "f32" || a === "i32")) f.op("i64x2.extend_low_i32x4_s");
    return;
  }
  if (a === "mask") {
    if (b === "f64") f.get(c.f64(1)).op("v128.and");
    else if (b === "i64") f.get(c.i64(1n)).op("v128.and");
    else {
      if (c.wide) f.get(x).shuffle32(0, 2, 0, 2);
      f.get(b === "f32" ? c.f32(1) : c.i32(1)).op("v128.and");
    }
    return;
  }
  if (a === "f32") {
    if (b === "f64") f.op("f64x2.promote_low_f32x4");
    else if (b === "i64") toBig(c, to, () => f.op("f64x2.promote_low_f32x4"));
    else if (b === "i32" && bitsOf(to) === 32)
      f.op(isSigned(to) ? "i32x4.trunc_sat_f32x4_s" : "i32x4.trunc_sat_f32x4_u");
    else if (b === "i32") saturate(c, to, () => f.op("i32x4.trunc_sat_f32x4_s"));
    return;
  }
  if (a === "f64") {
    if (b === "f32") f.op("f32x4.demote_f64x2_zero");
    else if (b === "i64") toBig(c, to);
    else if (b === "i32" && bitsOf(to) === 32)
      f.op(isSigned(to) ? "i32x4.trunc_sat_f64x2_s_zero" : "i32x4.trunc_sat_f64x2_u_zero");
    else if (b === "i32") saturate(c, to, () => f.op("i32x4.trunc_sat_f64x2_s_zero"));
    return;
  }
  if (a === "i32") {
    if (b === "f32") f.op(isSigned(from) || bitsOf(from) < 32 ? "f32x4.convert_i32x4_s" : "f32x4.convert_i32x4_u");
    else if (b === "f64") f.op(isSigned(from) ? "f64x2.convert_low_i32x4_s" : "f64x2.convert_low_i32x4_u");
    else if (b === "i64") f.op(isSigned(from) ? "i64x2.extend_low_i32x4_s" : "i64x2.extend_low_i32x4_u");
    else narrow(c, to);
    return;
  }
  if (b === "i32") {
    f.get(x).shuffle32(0, 2, 0, 2);
    narrow(c, to);
  }
}

/** Both lanes of `x` by way of a scalar instruction. */
function throughScalars(c: VectorCode, x: Local, extract: LaneOp, op: PlainOp): void {
  const { f } = c;
  const replace = extract === "i64x2.extract_lane" ? "f64x2.replace_lane" : "i64x2.replace_lane";
  f.get(x).get(x).lane(extract, 0).op(op).lane(replace, 0);
  f.get(x).lane(extract, 1).op(op).lane(replace, 1);
}

/** The float on the stack as integers of 64 bits. */
function toBig(c: VectorCode, to: DType, promote: () => void = () => undefined): void {
  promote();
  throughScalars(c, c.keep(), "f64x2.extract_lane", isSigned(to) ? "i64.trunc_sat_f64_s" : "i64.trunc_sat_f64_u");
}

/** The float on the stack as narrow integers: what is out of their range goes to its nearest end. */
function saturate(c: VectorCode, to: DType, truncate: () => void): void {
  truncate();
  const bits = bitsOf(to);
  const [low, high] = isSigned(to) ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  c.f.get(c.i32(low)).op("i32x4.max_s").get(c.i32(high)).op("i32x4.min_s");
}

/**
 * A float64 with 24 bits, the last of which is set where bits were dropped: to round twice, by way of float32, would take a number just beside the
 * middle of two float16 for the middle.
 */
function withStickyBit(c: VectorCode, x: Local): Local {
  const { f } = c;
  const dropped = 2n ** 29n - 1n;
  f.get(x).get(c.i64(~dropped)).op("v128.and");
  f.get(x).get(c.i64(dropped)).op("v128.and").get(c.i64(0n)).op("i64x2.ne");
  f.get(c.i64(dropped + 1n)).op("v128.and", "v128.or");
  return c.keep();
}

/** Integers wrap to the width of the dtype. */
function narrow(c: VectorCode, to: DType): void {
  const bits = bitsOf(to);
  if (bits >= 32) return;
  if (isSigned(to))
    c.f
      .i32(32 - bits)
      .op("i32x4.shl")
      .i32(32 - bits)
      .op("i32x4.shr_s");
  else c.f.get(c.i32(2 ** bits - 1)).op("v128.and");
}
