/**
 * Keys of the random number generator. There is no hidden state: a function of randomness takes a key, and the same key gives the same
 * numbers. New keys are made by `split` and `foldIn`; one that was used should not be used again.
 *
 * Keys come in two forms. `key(seed)` makes an array of the dtype `key<fry>`; `PRNGKey(seed)` makes the two uint32 words that it consists
 * of, as older programs do. All functions take both, and `split` and `foldIn` return the form that they were given.
 */
import { NDArray } from "../core/array.ts";
import { isInteger, type DType } from "../core/dtype.ts";
import { canonicalDType, isHostScalar, literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { asarray, type ArrayLike } from "../numpy/asarray.ts";
import { named } from "../numpy/options.ts";
import { tupleText } from "../primitives/axes.ts";
import {
  bitsOf,
  foldedIn,
  seededKey,
  splitKey,
  unwrappedKey,
  wrappedKey,
  type RandomBitsParams,
} from "../primitives/random.ts";

/** A seed: the lower 32 bits count (64 with `enableX64`). */
function seeded(name: string, seed: ArrayLike): NDArray {
  if (seed instanceof NDArray && seed.dtype === "key<fry>") {
    throw new RematTypeError(
      `random.${name} accepts a scalar seed, but was given a PRNG key. Use it as it is, or random.foldIn.`,
    );
  }
  const given =
    isHostScalar(seed) && typeof seed !== "boolean" ? literal(BigInt(wholeSeed(seed)), canonicalDType("int64")) : seed;
  const x = asarray(given);
  if (x.ndim > 0) {
    throw new RematTypeError(
      `random.${name} accepts a scalar seed, but was given an array of shape ${tupleText(x.shape)} != (). Use jax.vmap for batching: ` +
        "vmap(random.key)(seeds).",
    );
  }
  if (!isInteger(x.dtype)) {
    throw new RematTypeError(`PRNG key seed must be an integer; got ${x.aval.toLongString()}. Round it first.`);
  }
  return seededKey(x);
}

function wholeSeed(seed: number | bigint): number | bigint {
  if (typeof seed === "number" && !Number.isInteger(seed)) {
    throw new RematTypeError(`PRNG key seed must be an integer; got ${seed}. Round it first.`);
  }
  return seed;
}

/** A key made of a seed, as an array of dtype `key<fry>`. */
export const key = (seed: ArrayLike): NDArray => seeded("key", seed);

/** A key made of a seed, as two uint32 words. */
export const PRNGKey = (seed: ArrayLike): NDArray => unwrappedKey(seeded("PRNGKey", seed));

/** The key in the form of its dtype. Samplers take a single key: `vmap` samples for several. */
export function typedKey(name: string, given: ArrayLike, allowBatched = false): NDArray {
  if (isHostScalar(given)) {
    throw new RematTypeError(
      `unexpected PRNG key type ${typeof given} in random.${name}: make a key by random.key(${String(given)}).`,
    );
  }
  const x = asarray(given);
  const k = x.dtype === "key<fry>" ? x : wrappedKey(x);
  if (!allowBatched && k.ndim > 0) {
    throw new RematValueError(
      `random.${name} accepts a single key, but was given a key array of shape ${tupleText(k.shape)} != (). Use jax.vmap for batching.`,
    );
  }
  return k;
}

/** Gives a key back in the form in which another was given. */
const inFormOf = (given: ArrayLike, k: NDArray): NDArray =>
  given instanceof NDArray && given.dtype === "key<fry>" ? k : unwrappedKey(k);

/** Splits a key, in its dtype's form, into new ones. */
export const splitTyped = (k: NDArray, num: number | readonly number[] = 2): NDArray =>
  splitKey(k, typeof num === "number" ? [num] : num);

/**
 * New keys made of one: an array of `num` of them, or of the shape `num`.
 *
 *     const [a, b] = random.split(key)
 */
export function split(
  key: ArrayLike,
  num: number | readonly number[] | { readonly num?: number | readonly number[] } = 2,
): NDArray {
  const count = typeof num === "object" && "num" in num ? (num.num ?? 2) : (num as number | readonly number[]);
  return inFormOf(key, splitTyped(typedKey("split", key), count));
}

/** A new key made of a key and a number, such as the number of a step. */
export function foldIn(key: ArrayLike, data: ArrayLike): NDArray {
  const k = typedKey("foldIn", key);
  const x = asarray(data, { dtype: "uint32" });
  if (x.ndim > 0) {
    throw new RematTypeError(
      `random.foldIn accepts a scalar, but was given an array of shape ${tupleText(x.shape)} != (). Use jax.vmap for batching.`,
    );
  }
  return inFormOf(key, foldedIn(k, x));
}

/** The words of keys: two uint32 numbers each, along a new last axis. */
export const keyData = (keys: ArrayLike): NDArray => unwrappedKey(typedKey("keyData", keys, true));

/** Keys made of their words. */
export const wrapKeyData = (keyBits: ArrayLike): NDArray => wrappedKey(asarray(keyBits));

/** The name of the generator of keys. */
export function keyImpl(keys: ArrayLike): string {
  typedKey("keyImpl", keys, true);
  return "threefry2x32";
}

/** The same keys again. */
export const clone = (key: ArrayLike): NDArray => asarray(key);

export interface BitsOptions {
  readonly shape?: readonly number[];
  readonly dtype?: DType;
}

/** Uniformly distributed bits as unsigned integers, 32 of them unless `dtype` is another unsigned type. */
export function bits(
  key: ArrayLike,
  ...options: readonly (readonly number[] | DType | BitsOptions | undefined)[]
): NDArray {
  const { shape = [], dtype = "uint64" } = named<BitsOptions>(["shape", "dtype"], options);
  const canonical = canonicalDType(dtype);
  if (!canonical.startsWith("uint")) {
    throw new RematValueError(
      `dtype argument to \`bits\` must be an unsigned int dtype, got ${dtype}. Take uint8, uint16 or uint32.`,
    );
  }
  const width = Number(canonical.slice("uint".length)) as RandomBitsParams["bit_width"];
  return bitsOf(typedKey("bits", key), width, shape);
}
