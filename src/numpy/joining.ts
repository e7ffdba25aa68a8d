/** Arrays put together and taken apart. Operands that meet are promoted to one dtype. */
import { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import { canonicalAxis, range } from "../primitives/axes.ts";
import { jitCall } from "../primitives/jit.ts";
import { concatenated, splitted, stacked, unstacked } from "../primitives/join.ts";
import { broadcasted, reshaped } from "../primitives/shape.ts";
import { asarray, toArray, type ArrayLike } from "./asarray.ts";
import { jitted } from "./jitted.ts";
import { arrayOf, keyOf, named } from "./options.ts";
import { promoteDtypes } from "./promote.ts";
import { atleast1d, atleast2d, atleast3d, expandDims, ravel, transpose } from "./shape.ts";

export interface JoinOptions {
  /** The axis to join along; null flattens the arrays first. */
  readonly axis?: number | null;
  readonly dtype?: DType | null;
}

/** Several arrays, or one whose slices along the first axis are meant. */
export type Arrays = readonly ArrayLike[] | NDArray;

function operands(name: string, arrays: readonly ArrayLike[], dtype: DType | null | undefined): NDArray[] {
  const xs = arrays.map((x, i) => arrayOf(x, name, i));
  return dtype === null || dtype === undefined ? promoteDtypes(...xs) : xs.map((x) => asarray(x, { dtype }));
}

/**
 * The arrays one after another along an axis they have.
 *
 *     np.concatenate([x, y])      // along the first axis
 *     np.concatenate([x, y], 1)
 */
export function concatenate(arrays: Arrays, axis?: number | null | JoinOptions, options?: JoinOptions): NDArray {
  const given = { axis: 0, ...named<JoinOptions>(["axis"], [axis, options]) };
  if (arrays instanceof NDArray) return concatenateSlices(arrays, given);
  if (arrays.length === 0) throw new RematValueError("Need at least one array to concatenate: the list was empty.");
  if (given.axis === null) {
    return concatenate(
      arrays.map((x) => ravel(x)),
      { ...given, axis: 0 },
    );
  }
  const ndim = toArray(arrays[0], "concatenate").ndim;
  if (ndim === 0) {
    throw new RematValueError("Zero-dimensional arrays cannot be concatenated. Use np.stack, or np.atleast1d first.");
  }
  return concatenated(operands("concatenate", arrays, given.dtype), canonicalAxis(given.axis, ndim));
}

function concatenateSlices(array: NDArray, { axis, dtype }: JoinOptions): NDArray {
  const x = asarray(array, { dtype: dtype ?? null });
  if (x.ndim === 0 || x.shape[0] === 0) throw new RematValueError("Need at least one array to concatenate.");
  if (axis === null || axis === undefined) return reshaped(x, [x.size]);
  if (x.ndim === 1) throw new RematValueError("Zero-dimensional arrays cannot be concatenated. Use np.stack.");
  const along = canonicalAxis(axis, x.ndim - 1);
  const shape = [...x.shape.slice(1, along + 1), x.shape[0] * x.shape[along + 1], ...x.shape.slice(along + 2)];
  return reshaped(x, shape, [...range(along, 1), 0, ...range(x.ndim - along - 1, along + 1)]);
}

/** The same as `concatenate`. */
export const concat = (arrays: Arrays, axis?: number | null | JoinOptions): NDArray => concatenate(arrays, axis);

/** The arrays, of one shape, side by side along a new axis. */
export function stack(arrays: Arrays, axis?: number | JoinOptions, options?: JoinOptions): NDArray {
  const given = named<JoinOptions>(["axis"], [axis, options]);
  const place = given.axis ?? 0;
  if (arrays instanceof NDArray) {
    const along = canonicalAxis(place, arrays.ndim);
    return concatenate(expandDims(arrays, along + 1), { ...given, axis: along });
  }
  if (arrays.length === 0) throw new RematValueError("Need at least one array to stack: the list was empty.");
  return stacked(operands("stack", arrays, given.dtype), place);
}

const each = (arrays: Arrays): readonly ArrayLike[] => (arrays instanceof NDArray ? unstack(arrays) : arrays);
type DTypeArgument = DType | null | { readonly dtype?: DType | null };
const dtypeOf = (given: DTypeArgument | undefined): DType | null =>
  named<{ dtype: DType | null }>(["dtype"], [given]).dtype ?? null;

/** The arrays below each other, as rows if they are vectors. */
export const vstack = (arrays: Arrays, dtype?: DTypeArgument): NDArray =>
  concatenate(each(arrays).map(atleast2d), { axis: 0, dtype: dtypeOf(dtype) });

/** The arrays beside each other: along the second axis, or the only one. */
export function hstack(arrays: Arrays, dtype?: DTypeArgument): NDArray {
  const xs = each(arrays).map(atleast1d);
  return concatenate(xs, { axis: xs[0]?.ndim === 1 ? 0 : 1, dtype: dtypeOf(dtype) });
}

/** The arrays behind each other, along the third axis. */
export const dstack = (arrays: Arrays, dtype?: DTypeArgument): NDArray =>
  concatenate(each(arrays).map(atleast3d), { axis: 2, dtype: dtypeOf(dtype) });

/** Vectors as the columns of a matrix. */
export const columnStack = (arrays: Arrays): NDArray =>
  concatenate(
    each(arrays).map((x) => {
      const array = arrayOf(x, "column_stack");
      return array.ndim < 2 ? transpose(atleast2d(array)) : array;
    }),
    { axis: 1 },
  );

/** The slices of an array along an axis, which goes away. */
export function unstack(x: ArrayLike, axis?: number | { readonly axis?: number }): readonly NDArray[] {
  const along = named<{ axis: number }>(["axis"], [axis]).axis ?? 0;
  return jitCall("unstack", keyOf(along), (a) => unstacked(a, along), [toArray(x, "unstack")], true);
}

type Sections = number | readonly number[];

function splitBy(name: string, a: ArrayLike, sections: Sections, axis: number): readonly NDArray[] {
  const x = arrayOf(a, name);
  const along = canonicalAxis(axis, x.ndim);
  const n = x.shape[along];
  let sizes: number[];
  if (typeof sections === "number") {
    const [part, rest] = [Math.floor(n / sections), n % sections];
    if (rest !== 0 && name !== "array_split") {
      throw new RematValueError(
        `array split does not result in an equal division: rest is ${rest}, for ${sections} parts of an axis of size ${n}. ` +
          "Use np.arraySplit, or give the places to cut at.",
      );
    }
    sizes = range(sections).map((i) => part + (i < rest ? 1 : 0));
  } else {
    const cuts = [0, ...sections.map((i) => (i < 0 ? Math.max(0, i + n) : Math.min(i, n))), n];
    sizes = cuts.slice(1).map((cut, i) => cut - cuts[i]);
  }
  return splitted(x, sizes, along);
}

type AxisArgument = number | { readonly axis?: number };
const axisOf = (axis: AxisArgument | undefined): number => named<{ axis: number }>(["axis"], [axis]).axis ?? 0;

/** Cuts an array into equal parts, or at the given places, along an axis. */
export const split = (a: ArrayLike, indicesOrSections: Sections, axis?: AxisArgument): readonly NDArray[] =>
  splitBy("split", a, indicesOrSections, axisOf(axis));

/** Cuts an array into parts of nearly equal size along an axis. */
export const arraySplit = (a: ArrayLike, indicesOrSections: Sections, axis?: AxisArgument): readonly NDArray[] =>
  splitBy("array_split", a, indicesOrSections, axisOf(axis));

export const vsplit = (a: ArrayLike, indicesOrSections: Sections): readonly NDArray[] =>
  splitBy("vsplit", a, indicesOrSections, 0);
export const dsplit = (a: ArrayLike, indicesOrSections: Sections): readonly NDArray[] =>
  splitBy("dsplit", a, indicesOrSections, 2);
export const hsplit = (a: ArrayLike, indicesOrSections: Sections): readonly NDArray[] =>
  splitBy("hsplit", a, indicesOrSections, toArray(a, "hsplit").ndim === 1 ? 0 : 1);

/** One array after another; flattened without an axis. */
export function append(
  arr: ArrayLike,
  values: ArrayLike,
  axis?: number | null | { readonly axis?: number | null },
): NDArray {
  const along = named<{ axis: number | null }>(["axis"], [axis]).axis ?? null;
  return jitted(
    "append",
    keyOf(along),
    (x, y) => (along === null ? concatenate([ravel(x), ravel(y)], 0) : concatenate([x, y], along)),
    [arr, values],
  );
}

/** Nested lists of arrays. */
export type Blocks = ArrayLike | readonly Blocks[];

/** An array from nested lists of blocks: the innermost lists are joined along the last axis, those around them along the one before. */
export function block(arrays: Blocks): NDArray {
  const leaves: NDArray[] = [];
  const shapeOf = (x: Blocks): unknown => {
    if (Array.isArray(x)) return x.map(shapeOf);
    leaves.push(toArray(x as ArrayLike, "block"));
    return 0;
  };
  const key = keyOf(shapeOf(arrays));
  const body = (...xs: NDArray[]): NDArray => {
    let next = 0;
    const join = (x: Blocks): [NDArray, number] => {
      if (!Array.isArray(x)) return [xs[next++], 1];
      if (x.length === 0) throw new RematValueError("np.block does not allow empty list arguments.");
      const parts = (x as readonly Blocks[]).map(join);
      const depth = parts[0][1];
      if (parts.some(([, d]) => d !== depth)) throw new RematValueError("Mismatched list depths in np.block.");
      const rank = Math.max(depth, ...parts.map(([p]) => p.ndim));
      const full = parts.map(([p]) => (p.ndim < rank ? broadcasted(p, new Array<number>(rank - p.ndim).fill(1)) : p));
      return [concatenate(full, -depth), depth + 1];
    };
    return join(arrays)[0];
  };
  return jitted("block", key, body, leaves);
}
