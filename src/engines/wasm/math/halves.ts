/**
 * The 16-bit floats in lanes of 32 bits. Kernels compute on them as float32 and round after each equation; a rounded number then becomes its 16 bits,
 * and comes back from them, exactly. NaN stays NaN.
 */
import type { Local } from "../encode/function.ts";
import type { MathContext, VectorMath } from "./context.ts";
import { choose } from "./double.ts";

/** From the bits of a float16 to float32. */
export const fromFloat16: VectorMath = (c, bits) => {
  const { f } = c;
  f.get(bits)
    .get(c.i32(0x7fff))
    .op("v128.and")
    .i32(13)
    .op("i32x4.shl")
    .get(c.f32(2 ** 112))
    .op("f32x4.mul");
  // The largest exponent is that of infinity and NaN.
  f.get(bits).get(c.i32(0x7c00)).op("v128.and").get(c.i32(0x7c00)).op("i32x4.eq");
  f.get(c.i32(0x7f800000)).op("v128.and", "v128.or");
  signOf16(c, bits);
};

function signOf16(c: MathContext, bits: Local): void {
  c.f.get(bits).get(c.i32(0x8000)).op("v128.and").i32(16).op("i32x4.shl", "v128.or");
}

/** The nearest float16 as a float32, ties to even. */
export const roundToFloat16: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x).op("f32x4.abs");
  const a = c.keep();
  f.get(a).i32(13).op("i32x4.shr_u").get(c.i32(1)).op("v128.and").get(a).op("i32x4.add");
  f.get(c.i32(0xfff)).op("i32x4.add").get(c.i32(-0x2000)).op("v128.and");
  const normal = c.keep();
  // Below the normal numbers they are multiples of 2^-24, the distance of neighbours from 1/2 on.
  f.get(a).get(c.f32(0.5)).op("f32x4.add").get(c.f32(0.5)).op("f32x4.sub").get(normal);
  f.get(a)
    .get(c.f32(2 ** -14))
    .op("f32x4.lt", "v128.bitselect");
  const finite = c.keep();
  f.get(c.f32(Infinity)).get(finite).get(finite).get(c.f32(65536)).op("f32x4.ge", "v128.bitselect");
  f.get(x).get(c.f32(-0)).op("v128.and", "v128.or");
  const rounded = c.keep();
  f.get(x).get(x).op("f32x4.eq");
  choose(c, c.keep(), rounded, x);
};

/** The bits of a float16 that is there as a float32. */
export const float16Bits: VectorMath = (c, x) => {
  const { f } = c;
  // Scaled so that the exponents of both formats begin at the same place; 2^16 has the bits of infinity then.
  f.get(x).op("f32x4.abs").get(c.f32(65536)).op("f32x4.min");
  f.get(c.f32(2 ** -112))
    .op("f32x4.mul")
    .i32(13)
    .op("i32x4.shr_u")
    .get(c.i32(0x7fff))
    .op("v128.and");
  f.get(x).i32(16).op("i32x4.shr_u").get(c.i32(0x8000)).op("v128.and", "v128.or");
};

/** From the bits of a bfloat16 to float32. */
export const fromBfloat16: VectorMath = (c, bits) => {
  c.f.get(bits).i32(16).op("i32x4.shl");
};

/** The nearest bfloat16 as a float32, ties to even. */
export const roundToBfloat16: VectorMath = (c, x) => {
  const { f } = c;
  f.get(x).i32(16).op("i32x4.shr_u").get(c.i32(1)).op("v128.and").get(c.i32(0x7fff)).op("i32x4.add");
  f.get(x).op("i32x4.add");
  // A NaN whose bits are all in the lower half would become infinite.
  f.get(x).get(c.i32(0x400000)).op("v128.or").get(x).get(x).op("f32x4.eq", "v128.bitselect");
  f.get(c.i32(-0x10000)).op("v128.and");
};

/** The bits of a bfloat16 that is there as a float32. */
export const bfloat16Bits: VectorMath = (c, x) => {
  c.f.get(x).i32(16).op("i32x4.shr_u");
};
