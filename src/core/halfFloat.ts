/**
 * The 16-bit floats by their bits: IEEE binary16 (`float16`) and the upper half of a float32 (`bfloat16`), rounded to nearest, ties to
 * even.
 */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The bits of the bfloat16 nearest to `x`. The number is rounded to float32 first, as hardware does. */
export function toBfloat16(x: number): number {
  f32[0] = x;
  const bits = u32[0];
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBfloat16(bits: number): number {
  u32[0] = bits << 16;
  return f32[0];
}

/** The bits of the float16 nearest to `x`. */
export function toFloat16(x: number): number {
  f32[0] = x;
  // Rounded twice, a number just beside the middle of two float16 would be taken for the middle: an odd last bit keeps it beside.
  if (f32[0] !== x && Math.abs(x) < 65536) {
    if (Math.abs(f32[0]) > Math.abs(x)) u32[0] -= 1;
    u32[0] |= 1;
  }
  const bits = u32[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: a multiple of 2^-24.
    const scaled = Math.abs(x) * 2 ** 24;
    return sign | roundToEven(scaled);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function roundToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
