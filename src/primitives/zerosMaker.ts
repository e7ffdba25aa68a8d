/** How a symbolic zero becomes an array: a scalar zero, repeated where the type has a rank. */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { bind1 } from "../core/interpreter.ts";
import { literal } from "../core/scalar.ts";
import { convertElementTypeP } from "./convert.ts";
import { broadcasted, filled } from "./shape.ts";

/**
 * Zeros of the given type in the current trace: `broadcast_in_dim 0.0`, or the scalar itself for rank 0. The scalar is a converted integer zero, as
 * in JAX: a value of the trace below where tangents are written down, and so a residual where a rule uses it.
 */
export function makeZeros(aval: ShapedArray): NDArray {
  const { shape, dtype, weakType } = aval;
  if (dtype === "float0") return filled(shape, 0, dtype, weakType);
  const params = { new_dtype: dtype, weak_type: weakType, sharding: null };
  return broadcasted(bind1(convertElementTypeP, [literal(0, dtype, weakType)], params), shape);
}
