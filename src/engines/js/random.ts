/**
 * Threefry-2x32 and the primitives made of it. Element i of any array of bits is the cipher of its position i under the key, so nothing
 * depends on the order of computation.
 */
import type { TypedArray } from "../../core/dtype.ts";
import { readElement } from "../../core/scalar.ts";
import type { Kernel } from "./kernel.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;

/** Enciphers the pair (x0, x1) under the key (k0, k1): 20 rounds, a piece of the key added after every fourth. */
export function threefry(k0: number, k1: number, x0: number, x1: number, out: Uint32Array, at: number): void {
  const keys = [k0, k1, k0 ^ k1 ^ PARITY];
  let a = (x0 + k0) | 0;
  let b = (x1 + k1) | 0;
  for (let i = 0; i < 5; i++) {
    for (const r of ROTATIONS[i % 2]) {
      a = (a + b) | 0;
      b = ((b << r) | (b >>> (32 - r))) ^ a;
    }
    a = (a + keys[(i + 1) % 3]) | 0;
    b = (b + keys[(i + 2) % 3] + i + 1) | 0;
  }
  out[at] = a;
  out[at + 1] = b;
}

/** The ciphers of positions 0 to n - 1, as pairs of words. */
function stream(k0: number, k1: number, n: number): Uint32Array {
  const out = new Uint32Array(2 * n);
  for (let i = 0; i < n; i++) threefry(k0, k1, Math.floor(i / 2 ** 32), i >>> 0, out, 2 * i);
  return out;
}

const words = (x: TypedArray, i: number): [number, number] => [Number(x[2 * i]), Number(x[2 * i + 1])];

const randomSeed: Kernel = ([seeds]) => {
  const out = new Uint32Array(2 * seeds.size);
  const wide = seeds.dtype === "int64" || seeds.dtype === "uint64";
  for (let i = 0; i < seeds.size; i++) {
    const seed = BigInt.asUintN(64, BigInt(seeds.data[i]));
    out[2 * i] = wide ? Number(seed >> 32n) : 0;
    out[2 * i + 1] = Number(seed & 0xffffffffn);
  }
  return [out];
};

const randomSplit: Kernel = ([keys], [outAval]) => {
  const out = new Uint32Array(2 * outAval.size);
  const each = keys.size === 0 ? 0 : outAval.size / keys.size;
  for (let i = 0; i < keys.size; i++) out.set(stream(...words(keys.data, i), each), 2 * i * each);
  return [out];
};

const randomFoldIn: Kernel = ([keys, data], [outAval]) => {
  const out = new Uint32Array(2 * outAval.size);
  const keyAt = broadcastIndex(keys.shape, outAval.shape);
  const dataAt = broadcastIndex(data.shape, outAval.shape);
  for (let i = 0; i < outAval.size; i++) {
    threefry(...words(keys.data, keyAt(i)), 0, Number(readElement(data.data, data.dtype, dataAt(i))), out, 2 * i);
  }
  return [out];
};

/** Where element i of a result comes from in an operand of equal rank, or rank 0, that was broadcast to it. */
function broadcastIndex(shape: readonly number[], outShape: readonly number[]): (i: number) => number {
  if (shape.length === 0) return () => 0;
  return (i) => {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let axis = outShape.length - 1; axis >= 0; axis--) {
      const coordinate = rest % outShape[axis];
      rest = Math.floor(rest / outShape[axis]);
      if (shape[axis] !== 1) at += coordinate * stride;
      stride *= shape[axis];
    }
    return at;
  };
}

const randomBits: Kernel = ([keys], [outAval]) => {
  const each = keys.size === 0 ? 0 : outAval.size / keys.size;
  const n = outAval.size;
  const out = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array }[outAval.dtype as string];
  if (out === undefined) {
    const wide = new BigUint64Array(n);
    for (let i = 0; i < keys.size; i++) {
      const bits = stream(...words(keys.data, i), each);
      for (let j = 0; j < each; j++) wide[i * each + j] = (BigInt(bits[2 * j]) << 32n) | BigInt(bits[2 * j + 1]);
    }
    return [wide];
  }
  const narrow = new out(n);
  for (let i = 0; i < keys.size; i++) {
    const bits = stream(...words(keys.data, i), each);
    for (let j = 0; j < each; j++) narrow[i * each + j] = bits[2 * j] ^ bits[2 * j + 1];
  }
  return [narrow];
};

const threefryKernel: Kernel = (args, [outAval]) => {
  const at = args.map((x) => broadcastIndex(x.shape, outAval.shape));
  const first = new Uint32Array(outAval.size);
  const second = new Uint32Array(outAval.size);
  const pair = new Uint32Array(2);
  for (let i = 0; i < outAval.size; i++) {
    const [k0, k1, x0, x1] = args.map((x, j) => Number(x.data[at[j](i)]));
    threefry(k0, k1, x0, x1, pair, 0);
    first[i] = pair[0];
    second[i] = pair[1];
  }
  return [first, second];
};

/** A key is stored as its two words. */
const sameWords: Kernel = ([x]) => [x.data];

export const randomKernels = {
  random_seed: randomSeed,
  random_wrap: sameWords,
  random_unwrap: sameWords,
  random_split: randomSplit,
  random_fold_in: randomFoldIn,
  random_bits: randomBits,
  threefry2x32: threefryKernel,
} as const;
