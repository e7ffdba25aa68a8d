/**
 * Gather and scatter in full generality, as XLA has them. Indexing (`np.getitem`, `np.at`, `np.take`) is what most programs need; these are
 * for those who know the dimension numbers.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import { applied } from "../numpy/at.ts";
import { asarray, type ArrayLike } from "../numpy/asarray.ts";
import { indexArray } from "../numpy/indexParsing.ts";
import { gathered, scatterAdded, scatterSubtracted, type GatherOptions } from "../primitives/gather.ts";
import { gatherDims, scatterDims, type ScatterDimensionNumbers } from "../primitives/gatherDimensions.ts";
import { replaced, scatterMaximum, scatterMinimum, scatterMultiplied } from "../primitives/scatter.ts";
import { filled } from "../primitives/shape.ts";
import type { ScatterOptions } from "../primitives/scatterRules.ts";

export type { GatherDimensionNumbers, ScatterDimensionNumbers } from "../primitives/gatherDimensions.ts";
export type { GatherOptions } from "../primitives/gather.ts";
export type { ScatterOptions } from "../primitives/scatterRules.ts";

type GatherDims = Parameters<typeof gatherDims>[0];
type ScatterDims = Parameters<typeof scatterDims>[0];

/**
 * Reads one window of `operand` for each index vector along the last axis of `startIndices`.
 *
 *     // rows 0 and 2
 *     lax.gather(x, [[0], [2]], { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] }, [1, 3])
 */
export const gather = (
  operand: ArrayLike,
  startIndices: ArrayLike,
  dimensionNumbers: GatherDims,
  sliceSizes: Shape,
  options: GatherOptions = {},
): NDArray =>
  gathered(asarray(operand), asarray(indexArray(startIndices)), gatherDims(dimensionNumbers), [...sliceSizes], options);

/**
 * Applies a function to the elements that the index vectors name: windows of `updateShape`. An element that is named several times is changed as often.
 * It has no derivative, as in JAX.
 */
export const scatterApply = (
  operand: ArrayLike,
  scatterIndices: ArrayLike,
  func: (x: NDArray) => NDArray,
  dimensionNumbers: ScatterDims,
  options: ScatterOptions & { readonly updateShape?: Shape } = {},
): NDArray => {
  const indices = asarray(indexArray(scatterIndices));
  const unused = filled(options.updateShape ?? indices.shape.slice(0, -1), 0, asarray(operand).dtype);
  return applied(func)(asarray(operand), indices, unused, scatterDims(dimensionNumbers), options);
};

export type Scatter = (
  operand: ArrayLike,
  scatterIndices: ArrayLike,
  updates: ArrayLike,
  dimensionNumbers: ScatterDims,
  options?: ScatterOptions,
) => NDArray;

const scattering =
  (op: (x: NDArray, i: NDArray, u: NDArray, d: ScatterDimensionNumbers, o?: ScatterOptions) => NDArray): Scatter =>
  (operand, scatterIndices, updates, dimensionNumbers, options) =>
    op(asarray(operand), asarray(indexArray(scatterIndices)), asarray(updates), scatterDims(dimensionNumbers), options);

/** Replaces the windows of `operand` that the index vectors name. */
export const scatter: Scatter = scattering(replaced);
/** Adds updates to the windows of `operand` that the index vectors name. */
export const scatterAdd: Scatter = scattering(scatterAdded);
/** Subtracts updates. */
export const scatterSub: Scatter = scattering(scatterSubtracted);
/** Multiplies by updates. */
export const scatterMul: Scatter = scattering(scatterMultiplied);
/** Takes the minimum with updates. */
export const scatterMin: Scatter = scattering(scatterMinimum);
/** Takes the maximum with updates. */
export const scatterMax: Scatter = scattering(scatterMaximum);
