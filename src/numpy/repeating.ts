/**
 * Elements several times, and elements moved around the ends of an axis. Both need to know something of the result in advance: `repeat` how
 * long it is, `roll` nothing, but shifts that are known give slices instead of a window at a computed place.
 */
import type { NDArray } from "../core/array.ts";
import { literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { dynamicSliceInDim, elements } from "../lax/slicing.ts";
import { max, sub } from "../primitives/arithmetic.ts";
import { canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { concatenated } from "../primitives/join.ts";
import { slicedAlong } from "../primitives/pad.ts";
import { broadcastedInDim, filled, reshaped } from "../primitives/shape.ts";
import { array, concreteValue, toArray, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { filledWith } from "./creation.ts";
import { cumsum } from "./cumulative.ts";
import { jitted } from "./jitted.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { remainder } from "./rounding.ts";
import { broadcastTo, ravel, reshape } from "./shape.ts";
import { take } from "./take.ts";
import { subtract } from "./ufuncs.ts";

export interface RepeatOptions {
  readonly axis?: number | null;
  /** The length of the result along the axis. With it the counts may be computed: what is too much is cut off, the last element fills up. */
  readonly totalRepeatLength?: number | null;
}

/**
 * Each element (or slice along an axis) several times; one count, or one for each. The counts must be known, unless the total length is given.
 *
 *     np.repeat(x, 2), np.repeat(x, [1, 2, 1], { axis: 0 })
 *     np.repeat(x, counts, { totalRepeatLength: 4 })
 */
export function repeat(
  a: ArrayLike,
  repeats: ArrayLike,
  axis?: number | null | RepeatOptions,
  options?: RepeatOptions,
): NDArray {
  const given = named<RepeatOptions>(["axis"], [axis, options]);
  const x = given.axis === null || given.axis === undefined ? ravel(arrayOf(a, "repeat")) : arrayOf(a, "repeat");
  const along = canonicalAxis(given.axis ?? 0, x.ndim);
  const size = x.shape[along];
  const asked = toArray(repeats, "repeat", 1);
  const total = given.totalRepeatLength ?? null;
  if (total !== null) return repeatedByCounts(x, broadcastTo(ravel(asked), [size]), along, total);
  const counts = concreteValue(asked);
  if (counts === null) {
    throw new RematTypeError(
      "When jit-compiling np.repeat, the total number of repeats must be static. Give `repeats` as host numbers, or `totalRepeatLength`.",
    );
  }
  if (counts.ndim === 0) {
    const n = Number(counts.data[0]);
    const shape = x.shape.toSpliced(along + 1, 0, n);
    const kept = range(shape.length).filter((i) => i !== along + 1);
    return reshape(broadcastedInDim(x, shape, kept), x.shape.with(along, size * n));
  }
  const list = Array.from(counts.data as Iterable<number | bigint>, Number);
  const each = list.length === 1 ? range(size).map(() => list[0]) : list;
  if (each.length !== size) {
    throw new RematValueError(
      `Incompatible shapes for broadcasting: shapes=[(${list.length},), (${size},)]: np.repeat takes one count for each of the ` +
        `${size} slices of an array of shape ${tupleText(x.shape)}.`,
    );
  }
  const sum = each.reduce((m, n) => m + n, 0);
  return repeatedByCounts(x, array(each, { dtype: "int32" }), along, sum);
}

/** Marks where in the result each slice begins; the number of marks up to a place then tells which slice is there. */
function repeatedByCounts(x: NDArray, counts: NDArray, along: number, total: number): NDArray {
  if (total === 0) return filledWith(x.shape.with(along, 0), toArray(0), x.dtype);
  if (x.shape[along] === 0) return x;
  const starts = cumsum(at(roll(counts, 1), 0).set(0));
  const marks = at(filled([total], 0, "int32"), starts).add(1);
  return take(x, subtract(cumsum(marks), 1), { axis: along });
}

/** The elements shifted along an axis, those that fall off the end put back at the start; without an axis, of the flattened array. */
export function roll(
  a: ArrayLike,
  shift: ArrayLike,
  axis?: number | readonly number[] | null | { readonly axis?: number | readonly number[] | null },
): NDArray {
  const x = arrayOf(a, "roll");
  const given = named<{ axis: number | readonly number[] | null }>(["axis"], [axis]).axis ?? null;
  if (given === null) return reshaped(roll(ravel(x), shift, 0), x.shape);
  const axes = (typeof given === "number" ? [given] : given).map((i) => canonicalAxis(i, x.ndim));
  const asked = toArray(shift, "roll", 1);
  const known = concreteValue(asked);
  const count = asked.ndim === 0 ? 1 : asked.size;
  const n = Math.max(axes.length, count);
  if ((axes.length !== n && axes.length !== 1) || (count !== n && count !== 1)) {
    throw new RematValueError(
      `np.roll: ${count} shifts and ${axes.length} axes do not match. Give one shift for each axis.`,
    );
  }
  const eachAxis = range(n).map((k) => axes[axes.length === 1 ? 0 : k]);
  if (known === null) return jitted("_roll_dynamic", keyOf(eachAxis), (y, s) => rolledBy(y, s, eachAxis), [x, asked]);
  const shifts = Array.from(known.data as Iterable<number | bigint>, Number);
  return jitted(
    "_roll_static",
    keyOf(shifts, axes),
    (whole) => {
      let out = whole;
      for (const [k, along] of eachAxis.entries()) {
        const size = out.shape[along];
        if (size === 0) continue;
        const start = (((-shifts[shifts.length === 1 ? 0 : k] % size) + size) % size) + 0;
        out = concatenated([slicedAlong(out, start, size, along), slicedAlong(out, 0, start, along)], along);
      }
      return out;
    },
    [x],
  );
}

/** Rolls by shifts that are not known: a window of two copies of the array, one after the other. */
function rolledBy(x: NDArray, shift: NDArray, axes: readonly number[]): NDArray {
  let out = x;
  for (const [k, by] of elements(broadcastTo(shift, [axes.length])).entries()) {
    const along = axes[k];
    const size = literal(out.shape[along], "int32");
    const steps = remainder(convertElementType(by, "int32"), max(size, literal(1, "int32")));
    const twice = concatenated([out, out], along);
    out = dynamicSliceInDim(twice, sub(size, steps), out.shape[along], { axis: along });
  }
  return out;
}
