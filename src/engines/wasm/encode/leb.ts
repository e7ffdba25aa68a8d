/** The number formats of WebAssembly: LEB128 integers, little-endian floats, names with their lengths. */

/** An unsigned LEB128 integer below 2^32. */
export function pushUnsigned(out: number[], n: number): void {
  let value = n >>> 0;
  while (value >= 0x80) {
    out.push((value & 0x7f) | 0x80);
    value >>>= 7;
  }
  out.push(value);
}

/** A signed LEB128 integer of 32 bits. */
export function pushSigned(out: number[], n: number): void {
  let value = n | 0;
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

/** A signed LEB128 integer of 64 bits. */
export function pushSigned64(out: number[], n: bigint): void {
  let value = BigInt.asIntN(64, n);
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

export function pushFloat32(out: number[], x: number): void {
  scratch.setFloat32(0, x, true);
  for (let i = 0; i < 4; i++) out.push(scratch.getUint8(i));
}

export function pushFloat64(out: number[], x: number): void {
  scratch.setFloat64(0, x, true);
  for (let i = 0; i < 8; i++) out.push(scratch.getUint8(i));
}

/** A loop, since a spread of long arrays overflows the stack. */
export function pushBytes(out: number[], bytes: ArrayLike<number>): void {
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i]);
}

const encoder = new TextEncoder();

export function pushName(out: number[], name: string): void {
  const bytes = encoder.encode(name);
  pushUnsigned(out, bytes.length);
  pushBytes(out, bytes);
}
