/** `pad`: elements around an array, constant, repeated, mirrored, or computed from those at the edge. */
import type { NDArray } from "../core/array.ts";
import { isInteger } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError, UnsupportedError } from "../errors.ts";
import { mul, sub } from "../primitives/arithmetic.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { convertElementType } from "../primitives/convert.ts";
import { concatenated } from "../primitives/join.ts";
import { padded, slicedAlong, type PaddingOfAxis } from "../primitives/pad.ts";
import { squeezed } from "../primitives/shape.ts";
import { asarray, toArray, type ArrayLike } from "./asarray.ts";
import { filledWith, linspace } from "./creation.ts";
import { getitem } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { repeat } from "./repeating.ts";
import { keyOf, named } from "./options.ts";
import { max, mean, min } from "./reductions.ts";
import { round } from "./rounding.ts";
import { broadcastTo, flip } from "./shape.ts";

export type PadMode =
  "constant" | "edge" | "empty" | "linear_ramp" | "maximum" | "mean" | "minimum" | "reflect" | "symmetric" | "wrap";

/** One number for all sides, a pair for all axes, or a pair for each axis. */
export type PadWidth = number | readonly number[] | readonly (readonly number[])[];

export interface PadOptions {
  readonly mode?: PadMode;
  /** In mode "constant": a number, a pair (before, after), or a pair for each axis. */
  readonly constantValues?: ArrayLike;
  /** In mode "linear_ramp": where the ramp starts. */
  readonly endValues?: PadWidth;
  /** In the modes that compute: how many elements at the edge count; all by default. */
  readonly statLength?: PadWidth | null;
  /** In the mirroring modes, "odd" continues the slope. */
  readonly reflectType?: "even" | "odd";
}

type Pair = readonly [number, number];

/** A pair for each axis. */
function pairs(value: PadWidth, ndim: number, name: string): Pair[] {
  const pair = (a: number, b: number): Pair[] => range(ndim).map(() => [a, b]);
  if (typeof value === "number") return pair(value, value);
  if (value.every((x) => typeof x === "number")) {
    const flat = value;
    if (flat.length === 1) return pair(flat[0], flat[0]);
    if (flat.length === 2) return pair(flat[0], flat[1]);
  } else {
    const rows = value;
    if (rows.some((r) => typeof r === "number" || r.length !== rows[0].length)) {
      throw new RematTypeError(`\`${name}\` entries must be the same shape: ${JSON.stringify(value)}.`);
    }
    if (rows.length === 1 && rows[0].length === 2) return pair(rows[0][0], rows[0][1]);
    if (rows.length === ndim && rows[0].length === 2) return rows.map(([a, b]) => [a, b]);
  }
  const shape = Array.isArray(value[0]) ? [value.length, (value[0] as readonly number[]).length] : [value.length];
  throw new RematValueError(
    `np.pad: ${name} with nd=${ndim} has unsupported shape ${tupleText(shape)}. Valid shapes are (${ndim}, 2), (1, 2), (2,), (1,), or ().`,
  );
}

/**
 * Puts elements around an array.
 *
 *     np.pad(x, 1)                                   // one zero on each side of each axis
 *     np.pad(x, [[1, 0], [0, 2]], { mode: "edge" })
 */
export function pad(array: ArrayLike, padWidth: PadWidth, mode?: PadMode | PadOptions, options?: PadOptions): NDArray {
  const given = named<PadOptions>(["mode"], [mode, options]);
  const { mode: how = "constant", reflectType = "even" } = given;
  const x = toArray(array, "pad");
  const widths = pairs(padWidth, x.ndim, "pad_width");
  if (widths.flat().some((w) => !Number.isInteger(w)))
    throw new RematTypeError("`pad_width` must be of integral type.");
  if (widths.flat().some((w) => w < 0)) {
    throw new RematValueError(`index can't contain negative values: pad_width is ${tupleText(widths.map(tupleText))}.`);
  }
  const body = (a: NDArray, ...xs: readonly NDArray[]): NDArray =>
    a.ndim === 0 ? a : padBy(a, widths, rebuild(xs), how, given, reflectType);
  const { leaves, rebuild } = constants(given.constantValues ?? 0);
  const key = keyOf(widths, how, given.endValues ?? null, given.statLength ?? null, reflectType, leaves.length);
  return jitted("_pad", key, body, [x, ...leaves]);
}

/** A list of constants is a list of operands, put together inside. */
function constants(value: ArrayLike): {
  leaves: readonly NDArray[];
  rebuild: (xs: readonly NDArray[]) => NDArray;
} {
  if (!Array.isArray(value)) return { leaves: [toArray(value, "pad", 1)], rebuild: (xs) => asarray(xs[0]) };
  const leaves: NDArray[] = [];
  type Places = number | readonly Places[];
  const placesOf = (x: ArrayLike): Places => {
    if (Array.isArray(x)) return (x as readonly ArrayLike[]).map(placesOf);
    leaves.push(toArray(x, "pad", 1));
    return leaves.length - 1;
  };
  const places = placesOf(value);
  const fill = (p: Places, xs: readonly NDArray[]): ArrayLike =>
    typeof p === "number" ? xs[p] : p.map((q) => fill(q, xs) as NDArray);
  return { leaves, rebuild: (xs) => asarray(fill(places, xs)) };
}

function padBy(
  x: NDArray,
  widths: readonly Pair[],
  constant: NDArray,
  mode: PadMode,
  options: Partial<PadOptions>,
  reflectType: "even" | "odd",
): NDArray {
  switch (mode) {
    case "constant":
      return constantPad(x, widths, constant);
    case "wrap":
      return widths.reduce((a, w, axis) => wrapPad(a, w, axis), x);
    case "reflect":
    case "symmetric":
      return widths.reduce((a, w, axis) => mirrorPad(a, w, axis, mode, reflectType), x);
    case "edge":
      return widths.reduce((a, [low, high], axis) => {
        if (isEmpty(a, [low, high], axis, mode)) return a;
        const n = a.shape[axis];
        const before = repeat(slicedAlong(a, 0, 1, axis), low, axis);
        return concatenated([before, a, repeat(slicedAlong(a, n - 1, n, axis), high, axis)], axis);
      }, x);
    case "linear_ramp":
      return pairs(options.endValues ?? 0, x.ndim, "end_values").reduce(
        (a, ends, axis) => rampPad(a, widths[axis], ends, axis),
        x,
      );
    case "maximum":
    case "minimum":
    case "mean":
      return statPad(x, widths, options.statLength ?? null, mode);
    case "empty":
      return widths.reduce((a, [low, high], axis) => {
        const room = (n: number): NDArray => filledWith(a.shape.with(axis, n), literal(0, a.dtype), a.dtype);
        return concatenated([room(low), a, room(high)], axis);
      }, x);
    default:
      throw new UnsupportedError(`Unimplemented padding mode '${String(mode)}' for np.pad.`);
  }
}

/** True if there is nothing to repeat; an error if something has to be. */
function isEmpty(x: NDArray, [low, high]: Pair, axis: number, mode: string): boolean {
  if (x.shape[axis] > 0) return false;
  if (low > 0 || high > 0) {
    throw new RematValueError(
      `Cannot apply '${mode}' padding to empty axis: axis ${axis} of shape ${tupleText(x.shape)}.`,
    );
  }
  return true;
}

function constantPad(x: NDArray, widths: readonly Pair[], constant: NDArray): NDArray {
  const value = convertElementType(constant, x.dtype, x.weakType);
  const all = widths.map(([low, high]): PaddingOfAxis => [low, high, 0]);
  if (value.ndim === 0) return padded(x, value, all);
  const last = value.shape[value.ndim - 1];
  if (value.ndim === 1 && last === 1) return padded(x, squeezed(value, [0]), all);
  if (value.ndim === 1 && last !== 2) {
    throw new RematValueError(
      `np.pad: constant_values has unsupported shape ${tupleText(value.shape)}. If the shape is 1D or 2D, the last dimension must be of ` +
        "size 1 or 2.",
    );
  }
  const each = broadcastTo(value, [x.ndim, 2]);
  let out = x;
  widths.forEach(([low, high], axis) => {
    const only = (l: number, h: number): PaddingOfAxis[] =>
      range(x.ndim).map((i) => (i === axis ? [l, h, 0] : [0, 0, 0]));
    if (low !== 0) out = padded(out, getitem(each, axis, 0), only(low, 0));
    if (high !== 0) out = padded(out, getitem(each, axis, 1), only(0, high));
  });
  return out;
}

function wrapPad(x: NDArray, [low, high]: Pair, axis: number): NDArray {
  if (isEmpty(x, [low, high], axis, "wrap")) return x;
  const n = x.shape[axis];
  const parts: NDArray[] = [];
  if (low % n > 0) parts.push(slicedAlong(x, n - (low % n), n, axis));
  for (let k = Math.floor(low / n) + Math.floor(high / n) + 1; k > 0; k--) parts.push(x);
  if (high % n > 0) parts.push(slicedAlong(x, 0, high % n, axis));
  return concatenated(parts, axis);
}

function mirrorPad(
  x: NDArray,
  widths: Pair,
  axis: number,
  mode: "reflect" | "symmetric",
  type: "even" | "odd",
): NDArray {
  const n = x.shape[axis];
  if (isEmpty(x, widths, axis, mode) || (widths[0] === 0 && widths[1] === 0)) return x;
  // Reflection leaves the edge out, so that it does not stand twice.
  const offset = mode === "reflect" && n > 1 ? 1 : 0;
  const grow = (start: NDArray, width: number, before: boolean): NDArray => {
    let out = start;
    const end = (a: NDArray): NDArray =>
      before ? slicedAlong(a, 0, 1, axis) : slicedAlong(a, a.shape[axis] - 1, a.shape[axis], axis);
    let edge = end(out);
    for (let left = width; left > 0;) {
      const now = Math.min(left, n - offset);
      left -= now;
      const size = out.shape[axis];
      const stop = mode === "symmetric" || n === 1 ? size : size - 1;
      const piece = before
        ? slicedAlong(out, offset, offset + now, axis)
        : slicedAlong(out, size - now - offset, stop, axis);
      let mirrored = flip(piece, axis);
      if (type === "odd") {
        mirrored = sub(mul(literal(2, edge.dtype), edge), mirrored);
        if (n > 1) edge = end(mirrored);
      }
      out = concatenated(before ? [mirrored, out] : [out, mirrored], axis);
    }
    return out;
  };
  return grow(grow(x, widths[0], true), widths[1], false);
}

function rampPad(x: NDArray, [low, high]: Pair, [first, last]: Pair, axis: number): NDArray {
  const n = x.shape[axis];
  const [start, stop] = [slicedAlong(x, 0, 1, axis), slicedAlong(x, n - 1, n, axis)];
  const ramp = (from: number, to: NDArray, num: number): NDArray =>
    convertElementType(
      linspace(from, squeezed(to, [axis]), { num, endpoint: false, dtype: x.dtype, axis }),
      x.dtype,
      x.weakType,
    );
  const before = ramp(first, start, low);
  return concatenated([before, x, flip(ramp(last, stop, high), axis)], axis);
}

function statPad(
  x: NDArray,
  widths: readonly Pair[],
  length: PadWidth | null,
  mode: "maximum" | "minimum" | "mean",
): NDArray {
  const stat = { maximum: max, minimum: min, mean }[mode];
  const lengths = length === null ? null : pairs(length, x.ndim, "stat_length");
  return widths.reduce((a, [low, high], axis) => {
    const n = a.shape[axis];
    let before: NDArray;
    let after: NDArray;
    if (lengths === null) {
      before = stat(a, { axis, keepdims: true });
      after = before;
    } else {
      const [l, h] = lengths[axis].map((k) => Math.min(k, n));
      if (l === 0 || h === 0) {
        throw new RematValueError(
          `stat_length of 0 yields no value for padding: ${tupleText(lengths.map(tupleText))}.`,
        );
      }
      before = slicedAlong(a, 0, l, axis);
      after = slicedAlong(a, n - h, n, axis);
      before = stat(before, { axis, keepdims: true });
      after = stat(after, { axis, keepdims: true });
    }
    if (isInteger(a.dtype)) [before, after] = [round(before), round(after)];
    const fit = (y: NDArray): NDArray => convertElementType(y, a.dtype, a.weakType);
    const [first, last] = [fit(before), fit(after)];
    return concatenated([repeat(first, low, axis), a, repeat(last, high, axis)], axis);
  }, x);
}
