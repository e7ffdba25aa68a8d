/** The public names of numpy. */
export { at, type IndexedArray, type UpdateOptions } from "./at.ts";
export * from "./choosing.ts";
export * from "./windows.ts";
export * from "./contractions.ts";
export * from "./creation.ts";
export * from "./cumulative.ts";
export * from "./diagonals.ts";
export * from "./einsum.ts";
export * from "./floats.ts";
export { getitem, slice, Slice, type GetOptions, type Index } from "./indexing.ts";
export * from "./joining.ts";
export * from "./repeating.ts";
export * from "./logic.ts";
export {
  argwhere,
  bincount,
  compress,
  extract,
  flatnonzero,
  nonzero,
  ravelMultiIndex,
  unravelIndex,
  type BincountOptions,
  type CompressOptions,
  type NonzeroOptions,
} from "./nonzero.ts";
export * from "./piecewise.ts";
export * from "./reductions.ts";
export * from "./rounding.ts";
export { where } from "./selection.ts";
export * from "./shape.ts";
export * from "./searching.ts";
export * from "./sets.ts";
export * from "./sorting.ts";
export * from "./statistics.ts";
export * from "./take.ts";
export * from "./ufuncs.ts";
export * from "./where.ts";
export { array, asarray } from "./asarray.ts";
export { broadcastShapes, promoteTypes, resultType } from "./promote.ts";
export * from "./padding.ts";
export * from "./signal.ts";
export * as fft from "./fft.ts";
export * as linalg from "./linalg.ts";
export * from "./quantiles.ts";
export * from "./calculus.ts";
export * from "./covariance.ts";
export * from "./interpolation.ts";
export * from "./grids.ts";
export { packbits, unpackbits, type BitOrder, type PackOptions, type UnpackOptions } from "./bits.ts";
export * from "./histograms.ts";
export * from "./indexSets.ts";
export * from "./insertion.ts";
export * from "./inspection.ts";
export * from "./polynomials.ts";
export { trimZeros, type TrimOptions } from "./trimming.ts";
export * from "./vectorize.ts";
export * from "./fitting.ts";
