/** Products of groups of rows with one matrix for each group. */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import { canonicalDType } from "../core/scalar.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import type { ProductOptions } from "../numpy/contractions.ts";
import { canonicalPrecision } from "../primitives/precision.ts";
import { raggedDotP, type RaggedDotDimensionNumbers } from "../primitives/raggedDot.ts";

export type { RaggedDotDimensionNumbers } from "../primitives/raggedDot.ts";

/** A product with groups, all axes spelled out. */
export function raggedDotGeneral(
  lhs: ArrayLike,
  rhs: ArrayLike,
  groupSizes: ArrayLike,
  raggedDotDimensionNumbers: RaggedDotDimensionNumbers,
  options: ProductOptions = {},
): NDArray {
  const name = "ragged_dot_general";
  const preferred = options.preferredElementType ?? null;
  return bind1(raggedDotP, [toArray(lhs, name), toArray(rhs, name, 1), toArray(groupSizes, name, 2)], {
    group_offset: null,
    out_sharding: null,
    precision: canonicalPrecision(options.precision),
    preferred_element_type: preferred === null ? null : canonicalDType(preferred),
    ragged_dot_dimension_numbers: raggedDotDimensionNumbers,
  });
}

/**
 * Multiplies the rows of `lhs` (m × k), the first `groupSizes[0]` with the first matrix of `rhs` (g × k × n), the next `groupSizes[1]` with the second, and so
 * on. Rows beyond the last group are zero.
 *
 *     lax.raggedDot(tokens, experts, np.array([3, 5], "int32"))
 */
export const raggedDot = (
  lhs: ArrayLike,
  rhs: ArrayLike,
  groupSizes: ArrayLike,
  options: ProductOptions = {},
): NDArray =>
  raggedDotGeneral(
    lhs,
    rhs,
    groupSizes,
    {
      dotDimensionNumbers: [[[1], [1]], [[], []]], // prettier-ignore
      lhsRaggedDimensions: [0],
      rhsGroupDimensions: [0],
    },
    options,
  );
