/**
 * Threefry-2x32 in vectors: four positions are enciphered at once (Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", 2011). Element i of
 * an array of bits is the cipher of its position i under the key.
 */
import { dtypes } from "../../../core/dtype.ts";
import { storeVector } from "../code/lanes.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { Local } from "../encode/function.ts";
import type { CallCode } from "./callCode.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;

/** The ciphers of four positions, given by their lower words; the upper ones are 0. */
function encipher(c: VectorCode, keys: readonly Local[], position: Local): [Local, Local] {
  const { f } = c;
  const [a, b] = [c.temp(), c.temp()];
  f.get(keys[0]).set(a);
  f.get(position).get(keys[1]).op("i32x4.add").set(b);
  for (let i = 0; i < 5; i++) {
    for (const r of ROTATIONS[i % 2]) {
      f.get(a).get(b).op("i32x4.add").set(a);
      f.get(b)
        .i32(r)
        .op("i32x4.shl")
        .get(b)
        .i32(32 - r)
        .op("i32x4.shr_u", "v128.or")
        .get(a)
        .op("v128.xor")
        .set(b);
    }
    f.get(a)
      .get(keys[(i + 1) % 3])
      .op("i32x4.add")
      .set(a);
    f.get(b)
      .get(keys[(i + 2) % 3])
      .op("i32x4.add")
      .get(c.i32(i + 1))
      .op("i32x4.add")
      .set(b);
  }
  return [a, b];
}

/** The words of the key at an address, in all lanes, and the word that follows from them. */
function keyWords(c: VectorCode, key: Local): Local[] {
  const { f } = c;
  const [k0, k1] = [0, 4].map((offset) => {
    f.get(key).mem("v128.load32_splat", offset, 2);
    return c.keep();
  });
  f.get(k0).get(k1).op("v128.xor").get(c.i32(PARITY)).op("v128.xor");
  return [k0, k1, c.keep()];
}

/** Writes the bits of each key's stream; `pairs` says in which order both words of a cipher are kept, null that they are one word by exclusive or. */
const stream =
  (pairs: "words" | "number" | null): CallCode["emit"] =>
  ({ f, step, addresses: [keys, out], host }) => {
    const [{ size: count }] = step.inAvals;
    const [{ dtype, size }] = step.outAvals;
    const { bytes } = dtypes[dtype];
    const each = size / count;
    const c = new VectorCode(f, false, host);
    const [key, to, n, j] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    f.get(keys).set(key).get(out).set(to);
    const four = (lanes: number, words: readonly Local[]): void => {
      f.get(j)
        .op("i32x4.splat")
        .get(c.bytes(new Uint8Array(Int32Array.of(0, 1, 2, 3).buffer)))
        .op("i32x4.add");
      const [a, b] = encipher(c, words, c.keep());
      if (pairs === null) {
        f.get(a).get(b).op("v128.xor");
        storeVector(c, dtype, c.keep(), to, 0, lanes, bytes);
      } else {
        const [low, high] = pairs === "words" ? [a, b] : [b, a];
        f.get(low).get(high).shuffle32(0, 4, 1, 5);
        const first = c.keep();
        f.get(low).get(high).shuffle32(2, 6, 3, 7);
        const halves = [first, c.keep()];
        for (let lane = 0; lane < lanes; lane++)
          f.get(to)
            .get(halves[lane >> 1])
            .memLane("v128.store64_lane", lane & 1, 8 * lane);
      }
      f.get(to)
        .i32(lanes * bytes)
        .op("i32.add")
        .set(to);
    };
    f.forRange(n, 0, count, 1, () => {
      const words = keyWords(c, key);
      const full = each - (each % 4);
      if (full > 0)
        f.forRange(j, 0, full, 4, () => {
          four(4, words);
        });
      if (full < each) {
        f.i32(full).set(j);
        four(each - full, words);
      }
      f.get(key).i32(8).op("i32.add").set(key);
    });
  };

export const randomBits: CallCode = {
  fits: (_eqn, [keys]) => keys.dtype === "key<fry>",
  emit(context) {
    stream(context.step.outAvals[0].dtype === "uint64" ? "number" : null)(context);
  },
};

export const randomSplit: CallCode = { fits: (_eqn, [keys]) => keys.dtype === "key<fry>", emit: stream("words") };

/** Of one key and one number. */
export const randomFoldIn: CallCode = {
  fits: (_eqn, [key, data]) => key.size === 1 && data.size === 1 && (data.dtype === "uint32" || data.dtype === "int32"),
  emit({ f, addresses: [key, data, out], host }) {
    const c = new VectorCode(f, false, host);
    const words = keyWords(c, key);
    f.get(data).mem("v128.load32_splat", 0, 2);
    const [a, b] = encipher(c, words, c.keep());
    f.get(a).get(b).shuffle32(0, 4, 1, 5);
    const pair = c.keep();
    f.get(out).get(pair).memLane("v128.store64_lane", 0, 0);
  },
};
