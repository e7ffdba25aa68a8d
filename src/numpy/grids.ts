/** Indices of grids and triangles, and what is known of an array on the host. */
import { NDArray } from "../core/array.ts";
import { isHostScalar } from "../core/scalar.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { broadcastedInDim } from "../primitives/shape.ts";
import { array, toArray, type ArrayLike } from "./asarray.ts";
import { arange, zerosLike } from "./creation.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { ravel, reshape, tile } from "./shape.ts";

/** The number of dimensions. */
export const ndim = (a: ArrayLike): number => toArray(a, "ndim").ndim;
/** The shape. */
export const shape = (a: ArrayLike): readonly number[] => toArray(a, "shape").shape;

/** The number of elements, of the array or along an axis. */
export function size(a: ArrayLike, axis?: number | null): number {
  const x = toArray(a, "size");
  return axis === null || axis === undefined ? x.size : x.shape.at(axis)!;
}

/** True for host numbers and arrays of rank 0. */
export const isscalar = (element: unknown): boolean =>
  element instanceof NDArray ? element.ndim === 0 : isHostScalar(element);

/** Vectors that broadcast to a grid, each along an axis of its own, for indexing with all their combinations. */
export function ix_(...args: readonly ArrayLike[]): readonly NDArray[] {
  const xs = args.map((x, i) => arrayOf(x, "ix", i));
  return xs.map((x, i) => {
    if (x.ndim !== 1) {
      throw new RematValueError(`Arguments to np.ix_ must be 1-dimensional, got shape ${tupleText(x.shape)}.`);
    }
    if (x.dtype === "bool")
      throw new UnsupportedError("Boolean arguments to np.ix_ are not implemented. Use np.nonzero.");
    const wide = xs.map((_, d) => (d === i ? x.shape[0] : 1));
    return broadcastedInDim(x, wide, [i]);
  });
}

/** The elements, repeated as often as needed, in another shape. */
export function resize(a: ArrayLike, newShape: number | readonly number[]): NDArray {
  const sizes = typeof newShape === "number" ? [newShape] : newShape;
  return jitted(
    "resize",
    keyOf(sizes),
    (x) => {
      if (sizes.some((d) => d < 0)) {
        throw new RematValueError(`all elements of \`new_shape\` must be non-negative, got ${tupleText(sizes)}.`);
      }
      const flat = ravel(x);
      const total = sizes.reduce((n, d) => n * d, 1);
      if (flat.size === 0 || total === 0) return zerosLike(flat, { shape: sizes });
      return reshape(getitem(tile(flat, Math.ceil(total / flat.size)), slice(null, total)), sizes);
    },
    [a],
  );
}

interface TriangleOptions {
  readonly k?: number;
  readonly m?: number | null;
}

type Places = readonly [NDArray, NDArray];

const triangle =
  (inside: (i: number, j: number, k: number) => boolean) =>
  (n: number, k?: number | TriangleOptions, m?: number | null | TriangleOptions): Places => {
    const given = named<TriangleOptions>(["k", "m"], [k, m]);
    const [offset, columns] = [given.k ?? 0, given.m ?? n];
    const pairs = range(n).flatMap((i) => range(columns).flatMap((j) => (inside(i, j, offset) ? [[i, j]] : [])));
    return [
      array(
        pairs.map(([i]) => i),
        { dtype: "int32" },
      ),
      array(
        pairs.map(([, j]) => j),
        { dtype: "int32" },
      ),
    ];
  };

type Triangle = (n: number, k?: number | TriangleOptions, m?: number | null | TriangleOptions) => Places;

/** The indices at and below the k-th diagonal of an n by m matrix. */
export const trilIndices: Triangle = triangle((i, j, k) => j - i <= k);
/** The indices at and above the k-th diagonal of an n by m matrix. */
export const triuIndices: Triangle = triangle((i, j, k) => j - i >= k);

/** The indices of the main diagonal of an array whose axes all have size n. */
export function diagIndices(n: number, ndims = 2): readonly NDArray[] {
  const line = arange(n);
  return range(ndims).map(() => line);
}
