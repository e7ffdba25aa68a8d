/** Values between samples, by straight lines. */
import type { NDArray } from "../core/array.ts";
import { floatBits, isComplex, type DType } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { abs } from "../primitives/arithmetic.ts";
import { tupleText } from "../primitives/axes.ts";
import { le } from "../primitives/comparison.ts";
import { sortedTogether } from "../primitives/sort.ts";
import type { ArrayLike } from "./asarray.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { concatenate } from "./joining.ts";
import { greater, less } from "./logic.ts";
import { keyOf, named } from "./options.ts";
import { clip } from "./piecewise.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { remainder } from "./rounding.ts";
import { searchsorted } from "./searching.ts";
import { absolute, add, multiply, subtract, trueDivide } from "./ufuncs.ts";
import { where } from "./where.ts";

export interface InterpOptions {
  /** What stands left of the samples: a value, or "extrapolate"; the first sample by default. */
  readonly left?: ArrayLike | "extrapolate" | null;
  readonly right?: ArrayLike | "extrapolate" | null;
  /** The period, if the samples are periodic. */
  readonly period?: ArrayLike | null;
}

/** Distances not larger than this count as none. */
function smallest(dtype: DType): number {
  const [, mantissa] = floatBits[dtype] ?? [8, 23];
  return 2 ** (-2 * mantissa);
}

/**
 * The piecewise linear function through the points (xp, fp), at x. `xp` must increase.
 *
 *     np.interp(2.5, [1, 2, 3], [3, 2, 0]) // 1
 */
export function interp(
  x: ArrayLike,
  xp: ArrayLike,
  fp: ArrayLike,
  left?: ArrayLike | "extrapolate" | null | InterpOptions,
  right?: ArrayLike | "extrapolate" | null | InterpOptions,
  period?: ArrayLike | null | InterpOptions,
): NDArray {
  const given = named<InterpOptions>(["left", "right", "period"], [left, right, period]);
  const [low, high, around] = [given.left ?? null, given.right ?? null, given.period ?? null];
  const operands = [low, high, around].filter((v): v is ArrayLike => v !== null && typeof v !== "string");
  const kind = (v: unknown): string => (v === null ? "none" : typeof v === "string" ? v : "array");
  for (const [name, v] of [
    ["left", low],
    ["right", high],
  ] as const) {
    if (typeof v === "string" && v !== "extrapolate") {
      throw new RematValueError(
        `the only valid string value of \`${name}\` is 'extrapolate', but got: '${String(v)}'.`,
      );
    }
  }
  return jitted(
    "_interp",
    keyOf(kind(low), kind(high), kind(around)),
    (a, places, values, ...more) => {
      let next = 0;
      const take = (v: unknown): NDArray | null => (kind(v) === "array" ? more[next++] : null);
      const [leftValue, rightValue, cycle] = [take(low), take(high), take(around)];
      if (places.ndim !== 1 || places.shape[0] !== values.shape[0] || values.ndim !== 1) {
        throw new RematValueError(
          `xp and fp must be one-dimensional arrays of equal size, got shapes ${tupleText(places.shape)} and ${tupleText(values.shape)}.`,
        );
      }
      let [at, samples] = promoteDtypesInexact(a, places);
      let [f] = promoteDtypesInexact(values);
      if (isComplex(at.dtype)) throw new RematValueError(`np.interp: complex x values not supported, got ${at.dtype}.`);
      if (cycle !== null) {
        const p = absolute(cycle);
        at = remainder(at, p);
        [samples, f] = sortedTogether([remainder(samples, p), f], 0);
        const [first, last] = [slice(null, 1), slice(-1, null)];
        samples = concatenate([subtract(getitem(samples, last), p), samples, add(getitem(samples, first), p)]);
        f = concatenate([getitem(f, last), f, getitem(f, first)]);
      }
      const i = clip(searchsorted(samples, at, { side: "right" }), 1, samples.shape[0] - 1);
      const before = (x: NDArray): NDArray => getitem(x, subtract(i, 1));
      const rise = subtract(getitem(f, i), before(f));
      const run = subtract(getitem(samples, i), before(samples));
      const delta = subtract(at, before(samples));
      const none = le(abs(run), literal(smallest(samples.dtype), samples.dtype));
      const start = before(f);
      const base = before(f);
      const slope = multiply(trueDivide(delta, where(none, 1, run)), rise);
      let out = where(none, start, add(base, slope));
      if (low !== "extrapolate") {
        const value = leftValue ?? getitem(f, 0);
        if (cycle === null) out = where(less(at, getitem(samples, 0)), value, out);
      }
      if (high !== "extrapolate") {
        const value = rightValue ?? getitem(f, -1);
        if (cycle === null) out = where(greater(at, getitem(samples, -1)), value, out);
      }
      return out;
    },
    [x, xp, fp, ...operands],
  );
}
