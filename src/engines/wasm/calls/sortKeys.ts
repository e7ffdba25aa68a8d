/** What elements are sorted by: whole numbers whose order is that of the elements, of 32 bits or, for those of 64 bits, of as many. */
import { dtypes, type DType } from "../../../core/dtype.ts";
import { loadSplat } from "../code/lanes.ts";
import { formOf, isSigned, type VectorCode } from "../code/vectorCode.ts";
import type { Local } from "../encode/function.ts";

export const hasKey = (dtype: DType): boolean => {
  const { kind } = dtypes[dtype];
  return kind === "float" || kind === "int" || kind === "uint" || kind === "bool";
};

export const isWide = (dtype: DType): boolean => dtypes[dtype].bytes === 8;

/** Pushes the key of the element at an address. */
export type PushKey = (address: Local) => void;

/** A key of 64 bits; see `keyOf` for the order. */
function wideKeyOf({ f }: VectorCode, dtype: DType, total: boolean): PushKey {
  const SIGN = -(2n ** 63n);
  if (formOf(dtype) !== "f64")
    return (address) => {
      f.get(address).mem("i64.load");
      if (isSigned(dtype)) f.i64(SIGN).op("i64.xor");
    };
  const [x, bits] = [f.local("f64"), f.local("i64")];
  return (address) => {
    f.get(address).mem("f64.load").tee(x);
    if (!total) f.f64(0).op("f64.add");
    f.op("i64.reinterpret_f64").set(bits);
    if (!total) f.i64(-1n);
    f.get(bits).i64(-1n).op("i64.xor").get(bits).i64(SIGN).op("i64.or");
    f.get(bits).i64(0n).op("i64.lt_s", "select");
    if (!total) f.get(x).get(x).op("f64.ne", "select");
  };
}

/** In numerical order, -0 equal to 0 and all NaN last; or in the total order of the bits, -0 before 0 and NaN at the ends by its sign. */
export function keyOf(c: VectorCode, dtype: DType, total: boolean): PushKey {
  const { f } = c;
  if (isWide(dtype)) return wideKeyOf(c, dtype, total);
  const bits = f.local("i32");
  if (formOf(dtype) !== "f32")
    return (address) => {
      loadSplat(c, dtype, address, 0);
      f.lane("i32x4.extract_lane", 0);
      if (isSigned(dtype)) f.i32(-(2 ** 31)).op("i32.xor");
    };
  return (address) => {
    loadSplat(c, dtype, address, 0);
    const x = c.keep();
    f.get(x);
    if (!total) f.get(c.f32(0)).op("f32x4.add");
    f.lane("i32x4.extract_lane", 0).set(bits);
    f.get(bits)
      .i32(-1)
      .op("i32.xor")
      .get(bits)
      .i32(-(2 ** 31))
      .op("i32.or");
    f.get(bits).i32(0).op("i32.lt_s", "select");
    if (total) return;
    f.i32(-1).get(x).lane("f32x4.extract_lane", 0).get(x).lane("f32x4.extract_lane", 0).op("f32.ne").set(bits);
    // The operands of select stand the other way round.
    const key = f.local("i32");
    const last = f.local("i32");
    f.set(last).set(key);
    f.get(last).get(key).get(bits).op("select");
  };
}
