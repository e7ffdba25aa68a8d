/**
 * How arguments with defaults are given: in one object at the end, `np.sum(x, { axis: 0 })`, or the first of them by position,
 * `np.sum(x, 0, { keepdims: true })`, or both.
 */
import { NDArray } from "../core/array.ts";
import { isArray } from "../primitives/axes.ts";
import { currentTrace } from "../core/interpreter.ts";
import { toArray, type ArrayLike } from "./asarray.ts";

/** True for an object of options: neither an array nor a list. */
export const isOptions = (x: unknown): x is object =>
  typeof x === "object" && x !== null && !Array.isArray(x) && !(x instanceof NDArray) && !ArrayBuffer.isView(x);

/** Gathers what was given by position, under the given names, and by name. `undefined` counts as not given. */
export function named<T extends object>(names: readonly (keyof T)[], given: readonly unknown[]): Partial<T> {
  const out: Record<PropertyKey, unknown> = {};
  let options: object = {};
  given.forEach((value, i) => {
    if (isOptions(value)) options = value;
    else if (value !== undefined && i < names.length) out[names[i]] = value;
  });
  for (const [key, value] of Object.entries(options)) if (value !== undefined) out[key] = value;
  return out as Partial<T>;
}

/** An operand as an array of the current trace: host scalars are staged, nested lists become arrays. */
export function arrayOf(x: ArrayLike, use: string, position = 0): NDArray {
  const array = toArray(x, use, position);
  return isArray(array) ? array : currentTrace().stageValue(array);
}

/** A cache key from plain values. */
export const keyOf = (...values: readonly unknown[]): string => JSON.stringify(values);
