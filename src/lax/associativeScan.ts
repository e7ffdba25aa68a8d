/** `associativeScan` on nested values. */
import type { NDArray } from "../core/array.ts";
import { leafArray } from "../api/flat.ts";
import { RematTypeError, describe } from "../errors.ts";
import { associativeScanFlat } from "../primitives/associativeScan.ts";
import { flatten, unflatten } from "../tree.ts";

export interface AssociativeScanOptions {
  /** From the last element to the first. */
  readonly reverse?: boolean;
  /** The axis along which elements follow each other; 0 by default. */
  readonly axis?: number;
}

/**
 * All prefixes of a sequence combined by an associative function, in parallel: element k of the result combines the first k + 1 elements.
 *
 * @example
 * lax.associativeScan((a: NDArray, b: NDArray) => a.mul(b), np.array([1, 2, 3])); // [1, 2, 6]
 */
export function associativeScan<P>(f: (left: P, right: P) => P, elems: P, options: AssociativeScanOptions = {}): P {
  if (typeof f !== "function")
    throw new RematTypeError(`lax.associative_scan: f argument should be callable; got ${describe(f)}.`);
  const { leaves, treedef } = flatten(elems);
  const arrays = leaves.map((x) => {
    const leaf = leafArray(x, "asWritten");
    if (leaf === null) throw new RematTypeError(`associativeScan's elems must hold arrays; got ${describe(x)}.`);
    return leaf;
  });
  const combine = (left: readonly NDArray[], right: readonly NDArray[]): readonly NDArray[] =>
    flatten(f(unflatten(treedef, left) as P, unflatten(treedef, right) as P)).leaves as NDArray[];
  const axis = options.axis ?? 0;
  const outs = associativeScanFlat(combine, arrays, options.reverse ?? false, axis < 0 ? axis + arrays[0].ndim : axis);
  return unflatten(treedef, outs) as P;
}
