/** The greatest and least elements of arrays, where hardware may answer approximately. Here the answers are exact. */
import type { NDArray } from "../core/array.ts";
import { isFloat } from "../core/dtype.ts";
import { DTypeError } from "../errors.ts";
import { arrayOf } from "../numpy/options.ts";
import type { ArrayLike } from "../numpy/asarray.ts";
import { canonicalAxis } from "../primitives/axes.ts";
import { neg } from "../primitives/neg.ts";
import { topOf } from "../primitives/sort.ts";

export interface ApproximateOptions {
  readonly reductionDimension?: number;
}

function operandOf(operand: ArrayLike, name: string): NDArray {
  const x = arrayOf(operand, name);
  if (!isFloat(x.dtype)) {
    throw new DTypeError(`operand must be a floating type: ${name} got ${x.dtype}. Convert it, or use lax.topK.`);
  }
  return x;
}

/**
 * The k greatest elements along an axis, the greatest first, and their indices.
 *
 *     lax.approxMaxK(np.array([1, 3, 2]), 2) // [[3, 2], [1, 2]]
 */
export function approxMaxK(
  operand: ArrayLike,
  k: number,
  { reductionDimension = -1 }: ApproximateOptions = {},
): readonly [values: NDArray, indices: NDArray] {
  const x = operandOf(operand, "approx_max_k");
  const [values, indices] = topOf(x, k, canonicalAxis(reductionDimension, x.ndim));
  return [values, indices];
}

/** The k least elements along an axis, the least first, and their indices. */
export function approxMinK(
  operand: ArrayLike,
  k: number,
  { reductionDimension = -1 }: ApproximateOptions = {},
): readonly [values: NDArray, indices: NDArray] {
  const x = operandOf(operand, "approx_min_k");
  const [values, indices] = topOf(neg(x), k, canonicalAxis(reductionDimension, x.ndim));
  return [neg(values), indices];
}
