/** Slices at places that index vectors name, one for each of several axes. */
import type { NDArray } from "../core/array.ts";
import { array, asarray, type ArrayLike } from "../numpy/asarray.ts";
import { indexArray } from "../numpy/indexParsing.ts";
import { remainder } from "../numpy/rounding.ts";
import { range } from "../primitives/axes.ts";
import { gathered } from "../primitives/gather.ts";
import { gatherDims } from "../primitives/gatherDimensions.ts";
import { concatenated } from "../primitives/join.ts";
import { expanded } from "../primitives/shape.ts";

/**
 * The slices of `src` at the indices along `axes`, which go away. Indices count from the end if they are negative, and are taken modulo the size.
 *
 *     lax.indexTake(np.array([[1, 2], [3, 4]]), [[0, 1], [1, 0]], [0, 1]) // [2, 3]
 */
export function indexTake(src: ArrayLike, idxs: readonly ArrayLike[], axes: readonly number[]): NDArray {
  const x = asarray(src);
  const vectors = concatenated(
    idxs.map((i) => expanded(asarray(indexArray(i)), [1])),
    1,
  );
  const sizes = array(
    axes.map((axis) => x.shape[axis]),
    { dtype: vectors.dtype },
  );
  const indices = remainder(vectors, expanded(sizes, range(vectors.ndim - 1)));
  const dims = gatherDims({
    offsetDims: range(x.ndim - vectors.shape[1], 1),
    collapsedSliceDims: [...axes],
    startIndexMap: [...axes],
  });
  return gathered(
    x,
    indices,
    dims,
    x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n)),
  );
}
