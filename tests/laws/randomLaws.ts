/** The laws of keys and random bits. */
import { random, type NDArray, type Primitive } from "../../src/index.ts";
import { primitives } from "../../src/primitives/index.ts";
import { call, type Instance, type Law } from "./law.ts";

const p = primitives as unknown as Readonly<Record<string, Primitive>>;
const one =
  (f: (...xs: NDArray[]) => NDArray): Instance["f"] =>
  (...xs) => [f(...xs)];

export const randomLaws = {
  random_seed: {
    draw: (s) => ({
      f: (x) => call(p.random_unwrap)(...call(p.random_seed, { impl: "fry" })(x)),
      args: [s.ints([], 0, 99)],
    }),
  },
  random_unwrap: { draw: (s) => ({ f: one((x) => random.keyData(random.key(x))), args: [s.ints([], 0, 99)] }) },
  random_wrap: {
    draw: (s) => ({
      f: (x) => call(p.random_unwrap)(...call(p.random_wrap, { impl: "fry" })(x)),
      args: [s.ints([2], 0, 99, "uint32")],
    }),
  },
  random_split: {
    draw(s) {
      const n = s.int(1, 3);
      return { f: one((x) => random.keyData(random.split(random.key(x), n))), args: [s.ints([], 0, 99)] };
    },
  },
  // the slope is that of the distribution, not of the sampler, which jumps where it rejects
  random_gamma: {
    draw(s) {
      const params = { log_space: s.flag() };
      return {
        f: (seed, a) => call(p.random_gamma, params)(random.key(seed), a),
        args: [s.ints([], 0, 99), s.floats([], 0.5, 3)],
      };
    },
  },
  random_fold_in: {
    draw: (s) => ({
      f: one((x, y) => random.keyData(random.foldIn(random.key(x), y))),
      args: [s.ints([], 0, 99), s.ints([], 0, 9)],
    }),
  },
  random_bits: {
    draw(s) {
      const dtype = s.pick(["uint8", "uint16", "uint32", "uint64"] as const);
      return { f: one((x) => random.bits(random.key(x), [3], dtype)), args: [s.ints([], 0, 99)] };
    },
  },
  threefry2x32: {
    notBatched: "JAX vectorizes keys, whose rules call it on whole arrays",
    draw(s) {
      const shape = s.shape(1, 2);
      return { f: call(p.threefry2x32), args: [0, 1, 2, 3].map(() => s.ints(shape, 0, 99, "uint32")) };
    },
  },
} as const satisfies Readonly<Record<string, Law>>;
