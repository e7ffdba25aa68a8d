/** The same elements in another shape or order: reshaping, moving, adding and removing axes, repeating and flipping. */
import type { NDArray } from "../core/array.ts";
import { shapesEqual, sizeOf, type Shape } from "../core/aval.ts";
import { RematIndexError, RematTypeError, RematValueError } from "../errors.ts";
import { canonicalAxes, canonicalAxis, inserted, range, remaining, tupleText } from "../primitives/axes.ts";
import { jitCall } from "../primitives/jit.ts";
import { tiled } from "../primitives/join.ts";
import { expanded, reshaped, reversed, squeezed, transposed } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { canonicalShape, type ShapeLike } from "./creation.ts";
import { jitted } from "./jitted.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { broadcastShapes } from "./promote.ts";
import { stretchedTo } from "./stretching.ts";

/** A function of one array that JAX inlines: its equations are put in its place. */
export const inlined = (name: string, key: string, fn: (x: NDArray) => NDArray, a: ArrayLike): NDArray =>
  jitCall(name, key, (x) => [fn(x)], [toArray(a, name)], true)[0];

export interface OrderOptions {
  /** "C" (the last axis varies fastest) or "F" (the first does). */
  readonly order?: "C" | "F";
}

/**
 * The elements, in row-major order, in another shape. One size may be -1: it follows from the others.
 *
 *     np.reshape(np.arange(6), [2, -1])
 */
export function reshape(a: ArrayLike, shape: ShapeLike, order?: "C" | "F" | OrderOptions): NDArray {
  const x = arrayOf(a, "reshape");
  const sizes = resolved(x, canonicalShape(shape));
  const { order: wanted = "C" } = named<OrderOptions>(["order"], [order]);
  if (wanted === "C") return reshaped(x, sizes);
  const turned = reshaped(x, sizes.toReversed(), range(x.ndim).toReversed());
  return transposed(turned, range(turned.ndim).toReversed());
}

/** A shape with its -1 replaced. */
export function resolved(x: NDArray, sizes: readonly number[]): number[] {
  const unknown = sizes.indexOf(-1);
  const from = `cannot reshape array of shape ${tupleText(x.shape)} (size ${x.size}) into shape ${tupleText(sizes)}`;
  if (unknown < 0) {
    const size = sizeOf(sizes);
    if (size !== x.size) throw new RematTypeError(`${from} (size ${size}). A reshape keeps the number of elements.`);
    return [...sizes];
  }
  if (sizes.lastIndexOf(-1) !== unknown) {
    throw new RematTypeError(`can only specify one unknown axis size with a \`-1\` value, got ${tupleText(sizes)}.`);
  }
  const others = sizeOf(sizes.filter((_, i) => i !== unknown));
  if (others === 0 || x.size % others !== 0) {
    throw new RematTypeError(
      `${from} because the product of specified axis sizes (${others}) does not evenly divide ${x.size}.`,
    );
  }
  return sizes.with(unknown, x.size / others);
}

/** All elements along one axis. */
export const ravel = (a: ArrayLike, order?: "C" | "F" | OrderOptions): NDArray => {
  const { order: wanted = "C" } = named<OrderOptions>(["order"], [order]);
  return inlined("ravel", wanted, (x) => reshape(x, [x.size], wanted), a);
};

/** The axes in another order; reversed without one. */
export function transpose(
  a: ArrayLike,
  axes?: readonly number[] | null | { readonly axes?: readonly number[] | null },
): NDArray {
  const x = arrayOf(a, "transpose");
  const given = named<{ axes: readonly number[] | null }>(["axes"], [axes]).axes ?? null;
  return transposed(x, given === null ? range(x.ndim).toReversed() : given.map((i) => canonicalAxis(i, x.ndim)));
}

/** The axes in another order. */
export const permuteDims = (a: ArrayLike, axes: readonly number[]): NDArray =>
  transposed(arrayOf(a, "permute_dims"), axes);

/** The last two axes swapped. */
export function matrixTranspose(a: ArrayLike): NDArray {
  const x = arrayOf(a, "matrix_transpose");
  if (x.ndim < 2) {
    throw new RematValueError(`x must be at least two-dimensional for matrix_transpose; got ndim=${x.ndim}.`);
  }
  return transposed(x, [...range(x.ndim - 2), x.ndim - 1, x.ndim - 2]);
}

/** Two axes swapped. */
export const swapaxes = (a: ArrayLike, axis1: number, axis2: number): NDArray =>
  inlined(
    "swapaxes",
    keyOf(axis1, axis2),
    (x) => {
      const place = (axis: number): number => {
        if (axis >= -x.ndim && axis < x.ndim) return axis < 0 ? axis + x.ndim : axis;
        throw new RematIndexError(
          `index ${axis} is out of bounds for axis 0 with size ${x.ndim}: swapaxes was given axes ${axis1} and ${axis2} for an array of ` +
            `shape ${tupleText(x.shape)}.`,
        );
      };
      const [i, j] = [place(axis1), place(axis2)];
      return transposed(x, range(x.ndim).with(i, j).with(j, i));
    },
    a,
  );

/** Axes moved to other places, the others in order. */
export function moveaxis(
  a: ArrayLike,
  source: number | readonly number[],
  destination: number | readonly number[],
): NDArray {
  return inlined(
    "_moveaxis",
    keyOf(source, destination),
    (x) => {
      const list = (axes: number | readonly number[]): number[] =>
        (typeof axes === "number" ? [axes] : axes).map((i) => canonicalAxis(i, x.ndim));
      const [from, to] = [list(source), list(destination)];
      if (from.length !== to.length) {
        throw new RematValueError(
          `Inconsistent number of elements: ${from.length} vs ${to.length}. Give one destination for each source axis.`,
        );
      }
      const moves = to.map((place, i) => [place, from[i]] as const).toSorted((p, q) => p[0] - q[0] || p[1] - q[1]);
      let permutation = remaining(x.ndim, from);
      for (const [place, axis] of moves) permutation = inserted(permutation, place, axis);
      return transposed(x, permutation);
    },
    a,
  );
}

/** One axis moved before another place, in NumPy's old convention. */
export function rollaxis(a: ArrayLike, axis: number, start: number | { readonly start?: number } = 0): NDArray {
  const first = named<{ start: number }>(["start"], [start]).start ?? 0;
  return jitted(
    "rollaxis",
    keyOf(axis, first),
    (x) => {
      if (first < -x.ndim || first > x.ndim) {
        throw new RematValueError(`start=${first} must satisfy ${-x.ndim}<=start<=${x.ndim}.`);
      }
      const from = canonicalAxis(axis, x.ndim);
      const place = first < 0 ? first + x.ndim : first;
      return moveaxis(x, from, place > from ? place - 1 : place);
    },
    [a],
  );
}

type AxisArgument = number | readonly number[] | null | { readonly axis?: number | readonly number[] | null };
const axisOf = (axis: AxisArgument | undefined): number | readonly number[] | null =>
  named<{ axis: number | readonly number[] | null }>(["axis"], [axis]).axis ?? null;

/** The array without axes of size one: the given ones, or all. */
export function squeeze(a: ArrayLike, axis?: AxisArgument): NDArray {
  const given = axisOf(axis);
  return inlined(
    "_squeeze",
    keyOf(given),
    (x) => {
      const axes =
        given === null ? range(x.ndim).filter((i) => x.shape[i] === 1) : typeof given === "number" ? [given] : given;
      return squeezed(x, axes);
    },
    a,
  );
}

/** New axes of size one at the given places of the result. */
export const expandDims = (a: ArrayLike, axis: number | readonly number[]): NDArray =>
  expanded(arrayOf(a, "expand_dims"), typeof axis === "number" ? [axis] : axis);

/** The array stretched to a shape: leading axes are added, and axes of size one repeated. */
export const broadcastTo = (a: ArrayLike, shape: ShapeLike): NDArray =>
  stretchedTo(arrayOf(a, "broadcast_to"), canonicalShape(shape));

/** Arrays stretched to the shape that they have in common. */
export function broadcastArrays(...args: readonly ArrayLike[]): readonly NDArray[] {
  const arrays = args.map((x, i) => toArray(x, "broadcast_arrays", i));
  return jitCall(
    "_broadcast_arrays",
    "",
    (...xs) => {
      if (xs.length === 0 || xs.every((x) => shapesEqual(x.shape, xs[0].shape))) return xs;
      const shape: Shape = broadcastShapes(...xs.map((x) => x.shape));
      return xs.map((x) => broadcastTo(x, shape));
    },
    arrays,
    true,
  );
}

/** The elements in reverse order along the given axes, or all. */
export function flip(m: ArrayLike, axis?: AxisArgument): NDArray {
  const given = axisOf(axis);
  return jitted("_flip", keyOf(given), (x) => reversed(x, canonicalAxes(given, x.ndim)), [m]);
}

export const fliplr = (m: ArrayLike): NDArray => flip(m, 1);
export const flipud = (m: ArrayLike): NDArray => flip(m, 0);

export interface Rot90Options {
  readonly k?: number;
  readonly axes?: readonly [number, number];
}

/** The array turned by k right angles in the plane of two axes, from the first to the second. */
export function rot90(
  m: ArrayLike,
  k?: number | Rot90Options,
  axes?: readonly [number, number] | Rot90Options,
): NDArray {
  const given = named<Rot90Options>(["k", "axes"], [k, axes]);
  const turns = (((given.k ?? 1) % 4) + 4) % 4;
  const plane = given.axes ?? [0, 1];
  return jitted(
    "rot90",
    keyOf(given.k ?? 1, plane),
    (x) => {
      if (x.ndim < 2) {
        throw new RematValueError(
          "rot90 requires its first argument to have ndim at least two, but got first argument of shape " +
            `${tupleText(x.shape)}, which has ndim ${x.ndim}.`,
        );
      }
      const [i, j] = plane.map((a) => canonicalAxis(a, x.ndim));
      if (i === j) throw new RematValueError(`Axes must be different, got axes ${tupleText(plane)} for rot90.`);
      if (turns === 0) return x;
      if (turns === 2) return flip(flip(x, i), j);
      const swapped = range(x.ndim).with(i, j).with(j, i);
      return turns === 1 ? transpose(flip(x, j), swapped) : flip(transpose(x, swapped), j);
    },
    [m],
  );
}

/** The array repeated along each axis; more counts than axes add leading axes. */
export function tile(A: ArrayLike, reps: number | readonly number[]): NDArray {
  const x = arrayOf(A, "tile");
  const counts = typeof reps === "number" ? [reps] : reps;
  const all = [...new Array<number>(Math.max(0, x.ndim - counts.length)).fill(1), ...counts];
  return tiled(all.length > x.ndim ? expanded(x, range(all.length - x.ndim)) : x, all);
}

const atLeast = (name: string, fn: (x: NDArray) => NDArray): ((a: ArrayLike) => NDArray) => {
  return (a) => jitted(name, "", fn, [a]);
};

const leading =
  (n: number) =>
  (x: NDArray): NDArray =>
    x.ndim < n ? expanded(x, range(n - x.ndim)) : x;

/** Scalars become vectors of one element. */
export const atleast1d: (a: ArrayLike) => NDArray = atLeast("atleast_1d", leading(1));
/** Scalars and vectors become matrices of one row. */
export const atleast2d: (a: ArrayLike) => NDArray = atLeast("atleast_2d", leading(2));
/** Arrays of lower rank get axes of size one around them. */
export const atleast3d: (a: ArrayLike) => NDArray = atLeast("atleast_3d", (x) => {
  if (x.ndim >= 3) return x;
  return expanded(x, x.ndim === 0 ? [0, 1, 2] : x.ndim === 1 ? [0, 2] : [2]);
});
