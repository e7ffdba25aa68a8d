/**
 * Pseudo-random bits as a function of a key: the same key always gives the same bits, on every engine. Keys are arrays of a dtype of their
 * own; `random_split` and `random_fold_in` make new ones, `random_bits` is what all distributions are made of, and `random_wrap` and
 * `random_unwrap` see a key as the two words it consists of.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, 2011), used as a
 * function of key and position, so that every element can be computed by itself.
 */
import type { NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import { DTypeError, RematTypeError } from "../errors.ts";
import { zeroJvp } from "./algebra.ts";
import { tupleText } from "./axes.ts";
import { batchBroadcasting, batchUnary, broadcastEqualRank } from "./nary.ts";
import { movedAxis, repeatedAt } from "./shape.ts";

/** The generators there are. */
export type PrngImpl = "fry";
export type ImplParams = { readonly impl: PrngImpl };

const keyType = (shape: Shape): ShapedArray => new ShapedArray(shape, "key<fry>");

/** Refuses what is not an array of keys. */
function requireKey(name: string, x: ShapedArray): void {
  if (x.dtype === "key<fry>") return;
  throw new RematTypeError(
    `${name} takes key array operand, got keys.dtype=${x.dtype}. Make keys by random.key(seed).`,
  );
}

/** A primitive that makes keys or bits: without derivative, and vectorized over leading axes. */
const source = <P extends Params>(name: string, type: Primitive<P>["type"]): Primitive<P> => {
  const primitive: Primitive<P> = {
    name,
    type,
    jvp: zeroJvp(() => primitive),
    batch: batchUnary(() => primitive),
  };
  return primitive;
};

export const randomSeed: Primitive<ImplParams> = source<ImplParams>("random_seed", ([seeds]) => [keyType(seeds.shape)]);

export const randomUnwrap: Primitive = source("random_unwrap", ([keys]) => {
  requireKey("random_unwrap", keys);
  return [new ShapedArray([...keys.shape, 2], "uint32")];
});

export const randomWrap: Primitive<ImplParams> = {
  ...source<ImplParams>("random_wrap", ([words]) => {
    const advice = "A key consists of two uint32 words: make keys by random.key(seed) or random.PRNGKey(seed).";
    if (words.ndim < 1) {
      throw new RematTypeError(
        `JAX encountered invalid PRNG key data: expected key_data.ndim >= 1; got ndim=${words.ndim}. ${advice}`,
      );
    }
    if (words.shape.at(-1) !== 2) {
      throw new RematTypeError(
        "JAX encountered invalid PRNG key data: expected key_data.shape to end with (2,); " +
          `got shape=${tupleText(words.shape)} for impl=fry. ${advice}`,
      );
    }
    if (words.dtype !== "uint32" && words.dtype !== "float0") {
      throw new RematTypeError(
        `JAX encountered invalid PRNG key data: expected key_data.dtype = uint32; got dtype=${words.dtype}. ${advice}`,
      );
    }
    return [keyType(words.shape.slice(0, -1))];
  }),
  // the axis of the two words has to stay the last one
  batch: (_size, [words], [dim], params) => ({
    outs: [bind1(randomWrap, [dim === null ? repeatedAt(words, 1, 0) : movedAxis(words, dim, 0)], params)],
    dims: [0],
  }),
};

export type SplitKeyParams = { readonly shape: Shape };

export const randomSplit: Primitive<SplitKeyParams> = source<SplitKeyParams>("random_split", ([keys], { shape }) => {
  requireKey("random_split", keys);
  return [keyType([...keys.shape, ...shape])];
});

export const randomFoldIn: Primitive = {
  ...source("random_fold_in", ([keys, data]) => {
    requireKey("random_fold_in", keys);
    return [keyType(broadcastEqualRank("random_fold_in", [keys.shape, data.shape]))];
  }),
  batch: batchBroadcasting(() => randomFoldIn),
};

export type RandomBitsParams = { readonly bit_width: 8 | 16 | 32 | 64; readonly shape: Shape };

export const randomBits: Primitive<RandomBitsParams> = source<RandomBitsParams>(
  "random_bits",
  ([keys], { bit_width: width, shape }) => {
    requireKey("random_bits", keys);
    return [new ShapedArray([...keys.shape, ...shape], `uint${width}` as DType)];
  },
);

export const threefry2x32: Primitive = {
  name: "threefry2x32",
  type(avals) {
    if (avals.some((a) => a.dtype !== "uint32")) {
      throw new DTypeError(
        `Arguments to threefry2x32 must have uint32 type, got ${avals.map((a) => a.toLongString()).join(", ")}. Convert them first.`,
      );
    }
    const shape = broadcastEqualRank(
      "threefry2x32",
      avals.map((a) => a.shape),
    );
    const out = new ShapedArray(shape, "uint32");
    return [out, out];
  },
};

export const randomPrimitives = [
  randomSeed,
  randomUnwrap,
  randomWrap,
  randomSplit,
  randomFoldIn,
  randomBits,
  threefry2x32,
] as const;

export const seededKey = (seeds: NDArray): NDArray => bind1(randomSeed, [seeds], { impl: "fry" });
export const unwrappedKey = (keys: NDArray): NDArray => bind1(randomUnwrap, [keys], {});
export const wrappedKey = (words: NDArray): NDArray => bind1(randomWrap, [words], { impl: "fry" });
export const splitKey = (keys: NDArray, shape: Shape): NDArray => bind1(randomSplit, [keys], { shape });
export const foldedIn = (keys: NDArray, data: NDArray): NDArray => bind1(randomFoldIn, [keys, data], {});
export const bitsOf = (keys: NDArray, width: RandomBitsParams["bit_width"], shape: Shape): NDArray =>
  bind1(randomBits, [keys], { bit_width: width, shape } satisfies RandomBitsParams);
