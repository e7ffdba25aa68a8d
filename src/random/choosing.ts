/** Random orders, random elements, and categories drawn by their log-probabilities. */
import type { NDArray } from "../core/array.ts";
import { isInteger } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { asarray, index, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { arange, zeros } from "../numpy/creation.ts";
import { argmax, cumsum } from "../numpy/cumulative.ts";
import { getitem, slice } from "../numpy/indexing.ts";
import { keyOf, named } from "../numpy/options.ts";
import { promoteDtypesInexact } from "../numpy/promote.ts";
import { searchsorted } from "../numpy/searching.ts";
import { take } from "../numpy/take.ts";
import { add, log, multiply, subtract } from "../numpy/ufuncs.ts";
import { canonicalAxis, inserted, range, tupleText, without } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { jitCall } from "../primitives/jit.ts";
import { bitsOf } from "../primitives/random.ts";
import { expanded, movedAxis, reshaped } from "../primitives/shape.ts";
import { sortedTogether, topOf } from "../primitives/sort.ts";
import { gumbelMode, gumbelOf } from "./distributions.ts";
import { splitTyped, typedKey } from "./keys.ts";
import { checkShape, randint, unitUniform, type Shape } from "./uniform.ts";

/**
 * A random order along an axis, by sorting with random numbers as keys. Keys may be equal by chance, so it is done several times for large
 * arrays: until a tie in all rounds is unlikely.
 */
function shuffled(key: NDArray, given: NDArray, axis: number): NDArray {
  const sample = (k0: NDArray, x0: NDArray): NDArray[] => {
    const rounds = Math.ceil((3 * Math.log(Math.max(1, x0.size))) / Math.log(2 ** 32 - 1));
    let [k, x] = [k0, x0];
    for (let i = 0; i < rounds; i++) {
      const [next, sub] = elements(splitTyped(k));
      k = next;
      x = sortedTogether([bitsOf(sub, 32, x.shape), x], axis)[1];
    }
    return [x];
  };
  return jitCall("_shuffle", keyOf(axis), sample, [key, given])[0];
}

export interface PermutationOptions {
  readonly axis?: number;
  /** Shuffles each vector along the axis by itself, instead of whole slices. */
  readonly independent?: boolean;
}

function permuted(key: NDArray, x: NDArray, axis: number, independent: boolean): NDArray {
  if (independent || x.ndim === 1) return shuffled(key, x, axis);
  const order = shuffled(key, arange(x.shape[axis]), 0);
  return take(x, order, axis, { uniqueIndices: true });
}

/**
 * The numbers below `x`, or the slices of an array along an axis, in random order.
 *
 *     random.permutation(key, 5) // a permutation of 0, 1, 2, 3, 4
 */
export function permutation(
  key: ArrayLike,
  x: ArrayLike,
  ...options: readonly (number | PermutationOptions | undefined)[]
): NDArray {
  const { axis = 0, independent = false } = named<PermutationOptions>(["axis"], options);
  const k = typedKey("permutation", key);
  const given = toArray(x, "permutation", 1);
  const along = canonicalAxis(axis, given.ndim === 0 ? 1 : given.ndim);
  if (given.ndim > 0) return permuted(k, given, along, independent);
  if (!isInteger(given.dtype)) {
    throw new RematTypeError(
      `permutation: x must be an integer or at least 1-dimensional, got ${given.aval.toLongString()}.`,
    );
  }
  return shuffled(k, arange(index(given)), along);
}

export interface ChoiceOptions {
  readonly shape?: Shape;
  /** False draws no element twice. */
  readonly replace?: boolean;
  /** The probabilities of the elements: equal by default. */
  readonly p?: ArrayLike | null;
  readonly axis?: number;
  readonly mode?: "low" | "high" | null;
}

/**
 * Random elements of an array along an axis, or random numbers below `a`.
 *
 *     random.choice(key, np.arange(10), [3], { replace: false })
 */
export function choice(
  key: ArrayLike,
  a: ArrayLike,
  ...options: readonly (Shape | boolean | ChoiceOptions | undefined)[]
): NDArray {
  const {
    shape = [],
    replace = true,
    p = null,
    axis: given = 0,
    mode,
  } = named<ChoiceOptions>(["shape", "replace", "p", "axis"], options);
  const k = typedKey("choice", key);
  const arr = asarray(a);
  const scalar = arr.ndim === 0;
  const axis = scalar ? 0 : canonicalAxis(given, arr.ndim);
  const count = scalar ? index(a as number | NDArray) : arr.shape[axis];
  const draws = shape.reduce((n, d) => n * d, 1);
  if (draws === 0) return zeros(shape, { dtype: arr.dtype });
  if (count <= 0)
    throw new RematValueError("a must be greater than 0 unless no samples are taken: there is nothing to choose from.");
  if (!replace && draws > count) {
    throw new RematValueError(
      `Cannot take a larger sample (size ${draws}) than population (size ${count}) when 'replace=False'. Draw with replacement.`,
    );
  }
  const outShape = scalar ? shape : [...arr.shape.slice(0, axis), ...shape, ...arr.shape.slice(axis + 1)];
  const chosen = (places: NDArray): NDArray => (scalar ? places : take(arr, places, axis));
  if (p === null && replace) return reshaped(chosen(randint(k, shape, 0, count)), outShape);
  if (p === null) {
    const all = permutation(k, scalar ? count : arr, { axis });
    const window = getitem(all, ...range(axis).map(() => slice(null)), slice(draws));
    return reshaped(window, outShape);
  }
  const [probabilities] = promoteDtypesInexact(asarray(p));
  if (probabilities.ndim !== 1 || probabilities.shape[0] !== count) {
    throw new RematValueError(
      "p must be None or a 1D vector with the same size as a.shape[axis]. " +
        `p has shape ${tupleText(probabilities.shape)} and a.shape[axis] is ${count}.`,
    );
  }
  const int = canonicalDType("int64");
  if (replace) {
    const cumulative = cumsum(probabilities);
    const total = getitem(cumulative, -1);
    const r = multiply(total, subtract(1, unitUniform(k, shape, cumulative.dtype)));
    return reshaped(chosen(convertElementType(searchsorted(cumulative, r), int)), outShape);
  }
  // the greatest of log p plus Gumbel noise are a sample without replacement
  const noise = gumbelOf(k, [count], probabilities.dtype, gumbelMode(mode));
  const scores = add(noise, log(probabilities));
  const places = convertElementType(topOf(scores, draws, 0)[1], int);
  return reshaped(chosen(places), outShape);
}

export interface CategoricalOptions {
  readonly axis?: number;
  readonly shape?: Shape | null;
  /** False draws no category twice. */
  readonly replace?: boolean;
  readonly mode?: "low" | "high" | null;
}

/**
 * Categories drawn with probabilities softmax(logits) along an axis (the last one).
 *
 *     random.categorical(key, np.log([0.1, 0.9]))
 */
export function categorical(
  key: ArrayLike,
  logits: ArrayLike,
  ...options: readonly (number | CategoricalOptions | undefined)[]
): NDArray {
  const given = named<CategoricalOptions>(["axis", "shape"], options);
  const { axis: wanted = -1, replace = true } = given;
  const k = typedKey("categorical", key);
  const x = asarray(logits);
  const axis = canonicalAxis(wanted, x.ndim);
  const batch = without(x.shape, [axis]);
  const shape = given.shape ?? batch;
  if (given.shape !== undefined && given.shape !== null) checkShape("categorical", shape, batch);
  const prefix = shape.slice(0, shape.length - batch.length);
  const mode = gumbelMode(given.mode);
  if (replace) {
    const own = inserted(shape.slice(shape.length - batch.length), axis, x.shape[axis]);
    const noise = gumbelOf(k, [...prefix, ...own], x.dtype, mode);
    return argmax(add(noise, expanded(x, range(prefix.length))), axis - x.ndim);
  }
  const noisy = add(x, gumbelOf(k, x.shape, x.dtype, mode));
  const count = prefix.reduce((n, d) => n * d, 1);
  if (count > x.shape[axis]) {
    throw new RematValueError(
      `Number of samples without replacement (${count}) cannot exceed number of categories (${x.shape[axis]}). Draw with replacement.`,
    );
  }
  const [, indices] = topOf(movedAxis(noisy, axis, x.ndim - 1), count, x.ndim - 1);
  return reshaped(indices, shape, [indices.ndim - 1, ...range(indices.ndim - 1)]);
}
