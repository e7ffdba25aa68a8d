/** Settings that JAX has as enumerations; here they are objects of the strings that functions take. */

/** How precise products are asked to be, for `precision`. */
export const Precision = Object.freeze({ DEFAULT: "default", HIGH: "high", HIGHEST: "highest" } as const);
export type Precision = (typeof Precision)[keyof typeof Precision];

/** What happens to indices outside of an array, for `mode`. */
export const GatherScatterMode = Object.freeze({
  CLIP: "clip",
  FILL_OR_DROP: "fill",
  PROMISE_IN_BOUNDS: "promise_in_bounds",
  ONE_HOT: "one_hot",
} as const);
export type GatherScatterMode = (typeof GatherScatterMode)[keyof typeof GatherScatterMode];
