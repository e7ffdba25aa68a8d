/** Loads and stores of one vector of elements, as each dtype lies in memory and in registers. */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { Local } from "../encode/function.ts";
import { bfloat16Bits, float16Bits, fromBfloat16, fromFloat16 } from "../math/halves.ts";
import { formOf, isSigned, type VectorCode } from "./vectorCode.ts";

/** Whether loops know how to move elements of this dtype. */
export const isMovable = (dtype: DType): boolean => {
  const { kind } = dtypes[dtype];
  return kind !== "complex" && kind !== "float0";
};

/** Leaves the elements from the address on (in local `address`, plus `offset` bytes) as a vector on the stack. */
export function loadVector(c: VectorCode, dtype: DType, address: Local, offset: number): void {
  const { f } = c;
  const { bytes } = dtypes[dtype];
  f.get(address);
  if (bytes === 8) {
    f.mem("v128.load", offset, 2);
    return;
  }
  if (bytes === 4) {
    if (c.wide) f.mem("v128.load64_zero", offset, 2);
    else f.mem("v128.load", offset, 2);
    return;
  }
  const signed = isSigned(dtype);
  if (bytes === 2) {
    if (c.wide) f.mem("v128.load32_zero", offset, 1);
    else f.mem("v128.load64_zero", offset, 1);
  } else {
    if (c.wide) f.mem("i32.load16_u", offset, 0).op("i32x4.splat");
    else f.mem("v128.load32_zero", offset, 0);
    f.op(signed ? "i16x8.extend_low_i8x16_s" : "i16x8.extend_low_i8x16_u");
  }
  f.op(signed ? "i32x4.extend_low_i16x8_s" : "i32x4.extend_low_i16x8_u");
  decode(c, dtype);
}

/** From what lies in memory, widened to 32 bits, to what lies in registers. Booleans in memory are 0 and 1. */
function decode(c: VectorCode, dtype: DType): void {
  if (dtype === "float16") fromFloat16(c, c.keep());
  if (dtype === "bfloat16") fromBfloat16(c, c.keep());
  if (dtype !== "bool") return;
  if (c.wide) c.f.op("i64x2.extend_low_i32x4_u", "i64x2.neg");
  else c.f.op("i32x4.neg");
}

/** One element, in all lanes. */
export function loadSplat(c: VectorCode, dtype: DType, address: Local, offset: number): void {
  const { f } = c;
  f.get(address);
  switch (dtypes[dtype].bytes) {
    case 8:
      f.mem("v128.load64_splat", offset, 2);
      return;
    case 4:
      f.mem("v128.load32_splat", offset, 2);
      return;
    case 2:
      f.mem(isSigned(dtype) ? "i32.load16_s" : "i32.load16_u", offset, 0).op("i32x4.splat");
      decode(c, dtype);
      return;
    default:
      f.mem(isSigned(dtype) ? "i32.load8_s" : "i32.load8_u", offset, 0).op("i32x4.splat");
      decode(c, dtype);
  }
}

/**
 * Elements that lie `step` bytes apart, of which the one of the lowest address is at `offset`. Only the first `count` lanes are read: others may
 * lie outside of memory.
 */
export function loadStrided(
  c: VectorCode,
  dtype: DType,
  address: Local,
  offset: number,
  step: number,
  count: number,
): void {
  const { f } = c;
  const { bytes } = dtypes[dtype];
  const at = (lane: number): number => offset + (step < 0 ? (lane - (c.lanes - 1)) * step : lane * step);
  const out = c.temp();
  for (let lane = 0; lane < count; lane++) {
    if (bytes === 8) f.get(address).get(out).memLane("v128.load64_lane", lane, at(lane));
    else if (bytes === 4) f.get(address).get(out).memLane("v128.load32_lane", lane, at(lane));
    else {
      f.get(out).get(address);
      if (bytes === 2) f.mem(isSigned(dtype) ? "i32.load16_s" : "i32.load16_u", at(lane), 0);
      else f.mem(isSigned(dtype) ? "i32.load8_s" : "i32.load8_u", at(lane), 0);
      f.lane("i32x4.replace_lane", lane);
    }
    f.set(out);
  }
  f.get(out);
  decode(c, dtype);
}

/** Stores the first `count` lanes of `x`, `step` bytes apart, from the address on. */
export function storeVector(
  c: VectorCode,
  dtype: DType,
  x: Local,
  address: Local,
  offset: number,
  count: number,
  step: number,
): void {
  const { f } = c;
  const { bytes } = dtypes[dtype];
  const dense = step === bytes;
  if (bytes >= 4) {
    if (dense && count === c.lanes) {
      f.get(address).get(x);
      if (bytes === 4 && c.wide) f.memLane("v128.store64_lane", 0, offset);
      else f.mem("v128.store", offset, 2);
      return;
    }
    const name = bytes === 8 ? "v128.store64_lane" : "v128.store32_lane";
    for (let lane = 0; lane < count; lane++)
      f.get(address)
        .get(x)
        .memLane(name, lane, offset + lane * step);
    return;
  }
  const packed = packedLanes(c, dtype, x);
  if (dense && count === c.lanes) {
    const size = bytes * c.lanes;
    f.get(address).get(packed);
    f.memLane(size === 2 ? "v128.store16_lane" : size === 4 ? "v128.store32_lane" : "v128.store64_lane", 0, offset);
    return;
  }
  const name = bytes === 2 ? "v128.store16_lane" : "v128.store8_lane";
  for (let lane = 0; lane < count; lane++)
    f.get(address)
      .get(packed)
      .memLane(name, lane, offset + lane * step);
}

/** The lanes side by side in the lowest bytes, as they lie in memory. */
function packedLanes(c: VectorCode, dtype: DType, x: Local): Local {
  const { f } = c;
  const { bytes } = dtypes[dtype];
  if (dtype === "float16") float16Bits(c, x);
  else if (dtype === "bfloat16") bfloat16Bits(c, x);
  else if (dtype === "bool")
    f.get(x)
      .get(c.wide ? c.i64(1n) : c.i32(1))
      .op("v128.and");
  else f.get(x);
  const stored = c.keep();
  const apart = formOf(dtype) === "mask" && c.wide ? 8 : 4;
  const picks = Array.from({ length: 16 }, (_, i) => {
    const lane = Math.floor(i / bytes);
    return lane < c.lanes ? lane * apart + (i % bytes) : 0;
  });
  f.get(stored).get(stored).shuffle(picks);
  return c.keep();
}
