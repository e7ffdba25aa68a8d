/**
 * Axes and permutations: what every shape operation computes with before it touches an array. Axes given by users may be negative
 * (counted from the end); in the parameters of primitives they never are.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { RematValueError } from "../errors.ts";

/** A shape or a list of axes as Python writes a tuple: `(2, 3)`, `(2,)`, `()`. */
export function tupleText(xs: readonly unknown[]): string {
  return xs.length === 1 ? `(${String(xs[0])},)` : `(${xs.map(String).join(", ")})`;
}

/** Shapes in a row: `(2, 3), (4,)`. */
export const shapesText = (avals: readonly ShapedArray[]): string => avals.map((a) => tupleText(a.shape)).join(", ");

/** Counts a negative axis from the end. */
export function canonicalAxis(axis: number, ndim: number): number {
  if (!Number.isInteger(axis) || axis < -ndim || axis >= ndim) {
    throw new RematValueError(
      `axis ${axis} is out of bounds for array of dimension ${ndim}: give an axis from ${-ndim} to ${ndim - 1}.`,
    );
  }
  return axis < 0 ? axis + ndim : axis;
}

/** Several axes, or all of them for null. */
export function canonicalAxes(axis: number | readonly number[] | null | undefined, ndim: number): number[] {
  if (axis === null || axis === undefined) return range(ndim);
  if (typeof axis === "number") return [canonicalAxis(axis, ndim)];
  const axes = axis.map((a) => canonicalAxis(a, ndim));
  if (new Set(axes).size !== axes.length) {
    throw new RematValueError(`repeated axis: ${tupleText(axes)}: name each axis once.`);
  }
  return axes;
}

export function range(n: number, start = 0): number[] {
  const out: number[] = [];
  for (let i = 0; i < n; i++) out.push(start + i);
  return out;
}

/** The indices that sort a list; equal elements keep their order. */
export const argsort = (xs: readonly number[]): number[] => range(xs.length).sort((i, j) => xs[i] - xs[j]);

/** The list without the elements at the given places. */
export const without = <T>(xs: readonly T[], places: readonly number[]): T[] =>
  xs.filter((_, i) => !places.includes(i));

/** The list with one element more at `place`. */
export const inserted = <T>(xs: readonly T[], place: number, x: T): T[] => [
  ...xs.slice(0, place),
  x,
  ...xs.slice(place),
];

/** The axes below `ndim` that are in none of the lists. */
export function remaining(ndim: number, ...lists: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  for (let i = 0; i < ndim; i++) if (!lists.some((list) => list.includes(i))) out.push(i);
  return out;
}

export const isIdentity = (permutation: readonly number[]): boolean => permutation.every((p, i) => p === i);

/** Where axes move when an array gets a batch axis at `dim`. */
export const bumped = (axes: readonly number[], dim: number): number[] => axes.map((a) => (a >= dim ? a + 1 : a));

export const sameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);

/** False for host scalars, which a call that does nothing still has to turn into arrays. */
export const isArray = (x: NDArray): boolean => !(x instanceof ConcreteArray && x.literal);
