/** Reading arrays into plain values of JavaScript: what the methods `item` and `toJS` do. */
import type { NDArray } from "../core/array.ts";
import type { Element } from "../core/scalar.ts";
import { concretizationError } from "../errors.ts";
import { concreteValue } from "./asarray.ts";
import { nestedLists } from "./format.ts";

export { item } from "./asarray.ts";

/** Elements in nested lists, as deep as the array has dimensions. */
export type NestedElements = Element | readonly NestedElements[];

/**
 * The elements as nested lists of host values; one host value for rank 0.
 *
 * @throws ConcretizationTypeError for a traced array whose value is not known.
 */
export function toJS(x: NDArray): NestedElements {
  const value = concreteValue(x);
  if (value === null) throw concretizationError(x, "item");
  return nestedLists(value) as NestedElements;
}
