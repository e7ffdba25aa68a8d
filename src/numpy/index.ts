/** The public names of numpy. */
export * from "./at.ts";
export * from "./contractions.ts";
export * from "./creation.ts";
export * from "./diagonals.ts";
export * from "./indexing.ts";
export * from "./joining.ts";
export * from "./logic.ts";
export * from "./piecewise.ts";
export * from "./reductions.ts";
export * from "./rounding.ts";
export * from "./shape.ts";
export * from "./sorting.ts";
export * from "./take.ts";
export * from "./ufuncs.ts";
export * from "./where.ts";
export { array, asarray } from "./asarray.ts";
