/** Sliding products of sequences, and products that spread or cross their operands. */
import type { NDArray } from "../core/array.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { mul } from "../primitives/arithmetic.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { zerosLike } from "../primitives/broadcasting.ts";
import { conj } from "../primitives/complex.ts";
import { convolved } from "../primitives/conv.ts";
import { canonicalPrecision } from "../primitives/precision.ts";
import { expanded, reshaped } from "../primitives/shape.ts";
import { isComplex } from "../core/dtype.ts";
import { array, type ArrayLike } from "./asarray.ts";
import type { ProductOptions } from "./contractions.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { keyOf, named } from "./options.ts";
import { promoteDtypes, promoteDtypesInexact } from "./promote.ts";
import { flip, moveaxis } from "./shape.ts";
import { multiply, subtract } from "./ufuncs.ts";

/** Which part of the sliding product: all places that overlap, as many as the longer operand has, or only full overlaps. */
export type ConvolveMode = "full" | "same" | "valid";

export interface ConvolveOptions extends ProductOptions {
  readonly mode?: ConvolveMode;
}

function sliding(
  op: "convolve" | "correlate",
  a: NDArray,
  v: NDArray,
  mode: ConvolveMode,
  options: ProductOptions,
): NDArray {
  const preferred = options.preferredElementType ?? null;
  const key = keyOf(mode, op, options.precision ?? null, preferred);
  return jitted(
    "_conv",
    key,
    (first, second) => {
      if (first.ndim !== 1 || second.ndim !== 1) {
        throw new RematValueError(
          `${op}() only support 1-dimensional inputs, got shapes ${tupleText(first.shape)} and ${tupleText(second.shape)}.`,
        );
      }
      let [x, y] = preferred === null ? promoteDtypesInexact(first, second) : promoteDtypes(first, second);
      if (x.size === 0 || y.size === 0) {
        throw new RematValueError(
          `${op}: inputs cannot be empty, got shapes ${tupleText(x.shape)} and ${tupleText(y.shape)}.`,
        );
      }
      const swapped = x.size < y.size;
      if (op === "correlate" && isComplex(y.dtype)) y = conj(y);
      if (swapped) [x, y] = [y, x];
      if (op === "convolve") y = flip(y);
      const n = y.size;
      const half = Math.floor(n / 2);
      if (!["full", "same", "valid"].includes(mode)) {
        throw new RematValueError(`mode must be one of ['full', 'same', 'valid'], got ${mode}.`);
      }
      const low = { valid: 0, same: half, full: n - 1 }[mode];
      const high = { valid: 0, same: n - half - 1, full: n - 1 }[mode];
      const spec = [0, 1, 2];
      const out = convolved(expanded(x, [0, 1]), expanded(y, [0, 1]), {
        window_strides: [1],
        padding: [[low, high]],
        lhs_dilation: [1],
        rhs_dilation: [1],
        dimension_numbers: { lhs_spec: spec, rhs_spec: spec, out_spec: spec },
        feature_group_count: 1,
        batch_group_count: 1,
        precision: canonicalPrecision(options.precision),
        preferred_element_type: preferred === null ? null : canonicalDType(preferred),
        out_sharding: null,
      });
      return getitem(out, 0, 0, op === "correlate" && swapped ? slice(null, null, -1) : slice(null));
    },
    [a, v],
  );
}

const slider =
  (op: "convolve" | "correlate", usual: ConvolveMode) =>
  (a: ArrayLike, v: ArrayLike, mode?: ConvolveMode | ConvolveOptions, options?: ConvolveOptions): NDArray => {
    const { mode: part = usual, ...rest } = named<ConvolveOptions>(["mode"], [mode, options]);
    const key = keyOf(part, rest.precision ?? null, rest.preferredElementType ?? null);
    return jitted(op, key, (x, y) => sliding(op, x, y, part, rest), [a, v]);
  };

type Slider = (a: ArrayLike, v: ArrayLike, mode?: ConvolveMode | ConvolveOptions, options?: ConvolveOptions) => NDArray;

/** The convolution of two sequences. */
export const convolve: Slider = slider("convolve", "full");
/** The correlation of two sequences: the convolution with the second one not reversed. */
export const correlate: Slider = slider("correlate", "valid");

/** The Kronecker product: the second array repeated, times each element of the first. */
export function kron(a: ArrayLike, b: ArrayLike): NDArray {
  return jitted(
    "kron",
    "",
    (first, second) => {
      const [p, q] = promoteDtypes(first, second);
      const ndim = Math.max(p.ndim, q.ndim);
      const full = (x: NDArray): NDArray => (x.ndim < ndim ? expanded(x, range(ndim - x.ndim)) : x);
      const [x, y] = [full(p), full(q)];
      const wide = expanded(
        x,
        range(ndim).map((i) => 2 * i + 1),
      );
      const other = expanded(
        y,
        range(ndim).map((i) => 2 * i),
      );
      return reshaped(
        mul(wide, other),
        x.shape.map((d, i) => d * y.shape[i]),
      );
    },
    [a, b],
  );
}

export interface CrossOptions {
  readonly axisa?: number;
  readonly axisb?: number;
  readonly axisc?: number;
  /** All three at once. */
  readonly axis?: number | null;
}

/** The cross product of vectors of two or three elements. */
export function cross(
  a: ArrayLike,
  b: ArrayLike,
  axisa?: number | CrossOptions,
  axisb?: number | CrossOptions,
  axisc?: number | CrossOptions,
  axis?: number | null | CrossOptions,
): NDArray {
  const given = named<CrossOptions>(["axisa", "axisb", "axisc", "axis"], [axisa, axisb, axisc, axis]);
  const all = given.axis ?? null;
  const [first, second, third] = [all ?? given.axisa ?? -1, all ?? given.axisb ?? -1, all ?? given.axisc ?? -1];
  return jitted(
    "cross",
    keyOf(first, second, third),
    (p, q) => {
      const [x, y] = [moveaxis(p, first, -1), moveaxis(q, second, -1)];
      const [m, n] = [x.shape[x.ndim - 1], y.shape[y.ndim - 1]];
      if (![2, 3].includes(m) || ![2, 3].includes(n)) {
        throw new RematValueError(`Dimension must be either 2 or 3 for cross product, got ${m} and ${n}.`);
      }
      const at = (z: NDArray, i: number): NDArray => getitem(z, "...", i);
      if (m === 2 && n === 2) return subtract(multiply(at(x, 0), at(y, 1)), multiply(at(x, 1), at(y, 0)));
      const [x0, x1] = [at(x, 0), at(x, 1)];
      const x2 = m === 3 ? at(x, 2) : zerosLike(x0);
      const [y0, y1] = [at(y, 0), at(y, 1)];
      const y2 = n === 3 ? at(y, 2) : zerosLike(y0);
      const parts = [
        subtract(multiply(x1, y2), multiply(x2, y1)),
        subtract(multiply(x2, y0), multiply(x0, y2)),
        subtract(multiply(x0, y1), multiply(x1, y0)),
      ];
      return moveaxis(array(parts), 0, third);
    },
    [a, b],
  );
}
