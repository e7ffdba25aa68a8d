/** Elements put into arrays: between others, on the diagonal, or chosen from several arrays. */
import { NDArray } from "../core/array.ts";
import { isInteger } from "../core/dtype.ts";
import { readElement } from "../core/scalar.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { canonicalAxis, range } from "../primitives/axes.ts";
import { array, asarray, concreteValue, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { sparseIndices } from "./calculus.ts";
import { arange, full, ones, zerosLike } from "./creation.ts";
import { diagIndices } from "./grids.ts";
import { getitem, slice, Slice } from "./indexing.ts";
import { indexArray, sliceBounds, sliceLength } from "./indexParsing.ts";
import { less } from "./logic.ts";
import { nonzero, shapeDependsOn } from "./nonzero.ts";
import { arrayOf, named } from "./options.ts";
import { clip } from "./piecewise.ts";
import { broadcastShapes } from "./promote.ts";
import { remainder } from "./rounding.ts";
import { broadcastArrays, moveaxis, ravel, tile } from "./shape.ts";
import { argsort } from "./sorting.ts";
import { add } from "./ufuncs.ts";
import { where } from "./where.ts";

/**
 * An array with values inserted before the given places of an axis (of the flattened array without one).
 *
 *     np.insert([1, 2, 3], 1, 9) // [1, 9, 2, 3]
 */
export function insert(
  arr: ArrayLike,
  obj: ArrayLike | Slice,
  values: ArrayLike,
  axis?: number | null | { readonly axis?: number | null },
): NDArray {
  const given = named<{ axis: number | null }>(["axis"], [axis]).axis ?? null;
  const whole = arrayOf(arr, "insert");
  const a = given === null ? ravel(whole) : whole;
  const along = canonicalAxis(given ?? 0, a.ndim);
  const n = a.shape[along];
  let places = placesOf(obj, n);
  let inserted = array(values, { ndmin: a.ndim, dtype: a.dtype, copy: false });
  if (places.size === 1) {
    const place = getitem(ravel(places), 0);
    if (places.ndim === 0) inserted = moveaxis(inserted, 0, along);
    places = full([inserted.shape[along]], place);
  }
  const [count] = broadcastShapes(places.shape, [inserted.shape[along]]);
  const out = zerosLike(a, { shape: a.shape.with(along, n + count) });
  places = clip(where(less(places, 0), add(places, n), places), 0, n);
  const targets = at(places, argsort(places)).add(arange(count, { dtype: places.dtype }));
  const isOld = at(ones(n + count, { dtype: "bool" }), targets).set(false);
  const [old] = nonzero(isOld, { size: n });
  const before = range(along).map(() => slice(null));
  return at(at(out, ...before, targets).set(inserted), ...before, old).set(a);
}

function placesOf(obj: ArrayLike | Slice, size: number): NDArray {
  if (obj instanceof Slice) {
    const bounds = sliceBounds(obj, size);
    return arange(bounds.start, bounds.start + sliceLength(bounds) * bounds.step, bounds.step);
  }
  const places = asarray(indexArray(obj));
  if (places.ndim > 1) {
    throw new RematValueError(
      `jnp.insert(): obj must be a slice, a one-dimensional array, or a scalar; got shape (${places.shape.join(", ")}).`,
    );
  }
  if (isInteger(places.dtype)) return places;
  if (places.size === 0 && !(obj instanceof NDArray)) return asarray(places, { dtype: "int32" });
  throw new RematValueError(`jnp.insert(): index array must be integer typed; got ${places.dtype}.`);
}

export interface ChooseOptions {
  /** What happens to indices outside: "raise" (needs known ones), "wrap" or "clip". */
  readonly mode?: "raise" | "wrap" | "clip";
}

/**
 * At every place the element of that one of the choices which `a` names there. All broadcast.
 *
 *     np.choose([0, 1, 0], [[1, 2, 3], [10, 20, 30]]) // [1, 20, 3]
 */
export function choose(a: ArrayLike, choices: readonly ArrayLike[] | NDArray, options: ChooseOptions = {}): NDArray {
  const { mode = "raise" } = options;
  const which = arrayOf(indexArray(a), "choose");
  const given = choices instanceof NDArray ? range(choices.shape[0]).map((i) => getitem(choices, i)) : choices;
  const arrays = given.map((x, i) => arrayOf(x, "choose", i + 1));
  if (!isInteger(which.dtype)) throw new RematValueError(`\`a\` array must be integer typed, got ${which.dtype}.`);
  const n = arrays.length;
  let index = which;
  if (mode === "wrap") index = remainder(which, n);
  else if (mode === "clip") index = clip(which, 0, n - 1);
  else if (mode === "raise") requireWithin(which, n);
  else throw new RematValueError(`mode='${String(mode)}' not understood. Must be 'raise', 'wrap', or 'clip'`);
  const [places, ...full] = broadcastArrays(index, ...arrays);
  return getitem(array(full), places, ...sparseIndices(places.shape));
}

function requireWithin(which: NDArray, n: number): void {
  const known = concreteValue(which);
  if (known === null) {
    throw shapeDependsOn(
      which,
      "The error occurred because jnp.choose was jit-compiled with mode='raise'. Use mode='wrap' or mode='clip' instead.",
    );
  }
  for (let i = 0; i < known.size; i++) {
    const value = Number(readElement(known.data, known.dtype, i));
    if (value < 0 || value >= n) {
      throw new RematValueError(`invalid entry in choice array: ${value}, and there are ${n} choices.`);
    }
  }
}

export interface FillDiagonalOptions {
  /** Only false is possible. */
  readonly wrap?: boolean;
  /** Arrays never change: only false is possible, and it need not be given. */
  readonly inplace?: boolean;
}

/** A new array with a value, or the elements of a vector by turns, on the main diagonal. */
export function fillDiagonal(a: ArrayLike, val: ArrayLike, options: FillDiagonalOptions = {}): NDArray {
  if (options.inplace === true) throw new UnsupportedError("JAX arrays are immutable, must use inplace=False");
  if (options.wrap === true) throw new UnsupportedError("wrap=True is not implemented, must use wrap=False");
  const x = arrayOf(a, "fill_diagonal");
  const value = arrayOf(val, "fill_diagonal", 1);
  if (x.ndim < 2) throw new RematValueError(`array must be at least 2-d, got shape (${x.shape.join(", ")}).`);
  if (x.ndim > 2 && x.shape.some((d) => d !== x.shape[0])) {
    throw new RematValueError(`All dimensions of input must be of equal length, got shape (${x.shape.join(", ")}).`);
  }
  const n = Math.min(...x.shape);
  return at(x, ...diagIndices(n, x.ndim)).set(value.ndim === 0 ? value : repeatedTo(ravel(value), n));
}

function repeatedTo(x: NDArray, size: number): NDArray {
  return x.size === size ? x : getitem(tile(x, Math.ceil(size / x.size)), slice(null, size));
}
