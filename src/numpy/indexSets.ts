/** The indices of diagonals, triangles and masks, as index arrays for each axis. */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import type { ArrayLike } from "./asarray.ts";
import { ones } from "./creation.ts";
import { diagIndices, shape, trilIndices, triuIndices } from "./grids.ts";
import { nonzero } from "./nonzero.ts";
import { named } from "./options.ts";

type KArgument = number | { readonly k?: number };

function matrixShape(name: string, arr: ArrayLike): readonly number[] {
  const sizes = shape(arr);
  if (sizes.length === 2) return sizes;
  throw new RematValueError(`Only 2-D inputs are accepted: np.${name} got shape (${sizes.join(", ")}).`);
}

const kOf = (k: KArgument | undefined): number => named<{ k: number }>(["k"], [k]).k ?? 0;

/** The indices at and below the k-th diagonal of a matrix. */
export function trilIndicesFrom(arr: ArrayLike, k?: KArgument): readonly [NDArray, NDArray] {
  const [n, m] = matrixShape("trilIndicesFrom", arr);
  return trilIndices(n, kOf(k), m);
}

/** The indices at and above the k-th diagonal of a matrix. */
export function triuIndicesFrom(arr: ArrayLike, k?: KArgument): readonly [NDArray, NDArray] {
  const [n, m] = matrixShape("triuIndicesFrom", arr);
  return triuIndices(n, kOf(k), m);
}

/** The indices of the main diagonal of an array whose axes have one size. */
export function diagIndicesFrom(arr: ArrayLike): readonly NDArray[] {
  const sizes = shape(arr);
  if (sizes.length < 2) {
    throw new RematValueError(`input array must be at least 2-d, got shape (${sizes.join(", ")}).`);
  }
  if (sizes.some((n) => n !== sizes[0])) {
    throw new RematValueError(`All dimensions of input must be of equal length, got shape (${sizes.join(", ")}).`);
  }
  return diagIndices(sizes[0], sizes.length);
}

export interface MaskIndicesOptions {
  /** The second argument of the function. */
  readonly k?: number;
  /** The number of places to return: needed while tracing. */
  readonly size?: number | null;
}

/**
 * The indices of an n by n matrix that a function such as `np.triu` leaves.
 *
 *     np.maskIndices(2, np.triu) // [[0, 0, 1], [0, 1, 1]]
 */
export function maskIndices(
  n: number,
  maskFunc: (matrix: NDArray, k: number) => ArrayLike,
  k?: number | MaskIndicesOptions,
  options?: MaskIndicesOptions,
): readonly [NDArray, NDArray] {
  const given = named<MaskIndicesOptions>(["k"], [k, options]);
  const [rows, columns] = nonzero(maskFunc(ones([n, n]), given.k ?? 0), { size: given.size ?? null });
  return [rows, columns];
}
