/** Products of groups of rows, each with a right operand of its own. */
import { sizeOf } from "../../core/aval.ts";
import { isComplex } from "../../core/dtype.ts";
import { UnsupportedError } from "../../errors.ts";
import { remaining } from "../../primitives/axes.ts";
import { raggedMode, type RaggedDotParams } from "../../primitives/raggedDot.ts";
import type { Kernel } from "./kernel.ts";
import { numbersOf, stored } from "./numbers.ts";
import { stridesOf } from "./shape.ts";

/** Visits all places of a box, its last axis fastest. */
function* places(shape: readonly number[]): Generator<number[]> {
  const at = shape.map(() => 0);
  for (let n = sizeOf(shape); n > 0; n--) {
    yield at;
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
}

const offset = (at: readonly number[], axes: readonly number[], strides: readonly number[]): number =>
  axes.reduce((sum, axis, i) => sum + at[i] * strides[axis], 0);

const raggedDot: Kernel = ([lhs, rhs, groups], [out], params) => {
  const dims = (params as RaggedDotParams).ragged_dot_dimension_numbers;
  const [[lc, rc], [lb, rb]] = dims.dotDimensionNumbers;
  if (isComplex(lhs.dtype)) {
    throw new UnsupportedError(`ragged_dot_general of ${lhs.dtype} is not computed. Take real and imaginary parts.`);
  }
  const [ls, rs] = [stridesOf(lhs.shape), stridesOf(rhs.shape)];
  const group = dims.rhsGroupDimensions;
  const [lk, rk] = [remaining(lhs.ndim, lc, lb), remaining(rhs.ndim, rc, rb, group)];
  const sizesAt = (axes: readonly number[], shape: readonly number[]): number[] => axes.map((d) => shape[d]);
  const [batch, kept, others] = [sizesAt(lb, lhs.shape), sizesAt(lk, lhs.shape), sizesAt(rk, rhs.shape)];
  const inner = sizesAt(lc, lhs.shape);
  const [a, b, sizes] = [numbersOf(lhs), numbersOf(rhs), groups.data];
  const count = groups.shape.at(-1)!;
  const [axis] = dims.lhsRaggedDimensions;
  const mode = raggedMode(dims);
  const result = new Float64Array(out.size);
  const block = sizeOf(batch) * sizeOf(kept) * sizeOf(others);

  /** To which group an element of the ragged axis belongs; none beyond the last. */
  const groupOf = (element: number, batchAt: number): number => {
    const first = groups.ndim > 1 ? batchAt * count : 0;
    let end = 0;
    for (let g = 0; g < count; g++) {
      end += Number(sizes[first + g]);
      if (element < end) return g;
    }
    return -1;
  };

  let place = 0;
  let batchAt = 0;
  for (const n of places(batch)) {
    for (const i of places(kept)) {
      const own = mode === "kept" ? groupOf(i[lk.indexOf(axis)], batchAt) : 0;
      for (const j of places(others)) {
        const here = place++;
        if (own < 0) continue;
        const left = offset(n, lb, ls) + offset(i, lk, ls);
        const right = offset(n, rb, rs) + offset(j, rk, rs) + (group.length > 0 ? own * rs[group[0]] : 0);
        for (const c of places(inner)) {
          const product = a[left + offset(c, lc, ls)] * b[right + offset(c, rc, rs)];
          if (mode !== "contracting") result[here] += product;
          else {
            const g = groupOf(c[lc.indexOf(axis)], batchAt);
            if (g >= 0) result[g * block + here] += product;
          }
        }
      }
    }
    batchAt++;
  }
  return [stored(result, out.dtype)];
};

export const raggedKernels = { ragged_dot_general: raggedDot } as const satisfies Record<string, Kernel>;
