/** How a symbolic zero becomes an array: a scalar zero, repeated where the type has a rank. */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { filled } from "./shape.ts";

/** Zeros of the given type in the current trace: `broadcast_in_dim 0.0`, or the literal itself for rank 0. */
export const makeZeros = (aval: ShapedArray): NDArray => filled(aval.shape, 0, aval.dtype, aval.weakType);
