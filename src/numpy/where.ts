/** Choosing between arrays, element by element. */
import type { NDArray } from "../core/array.ts";
import { shapesEqual, type Shape } from "../core/aval.ts";
import { RematValueError } from "../errors.ts";
import { range } from "../primitives/axes.ts";
import { zeroOf } from "../primitives/broadcasting.ts";
import { ne, select } from "../primitives/comparison.ts";
import { broadcastedInDim } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { jitted } from "./jitted.ts";
import { broadcastShapes, promoteDtypes } from "./promote.ts";

/** Stretches an array to a shape that it broadcasts to. */
export function stretched(x: NDArray, shape: Shape): NDArray {
  if (shapesEqual(x.shape, shape)) return x;
  return broadcastedInDim(x, shape, range(x.ndim, shape.length - x.ndim));
}

/** Arrays stretched to one shape. */
export function stretchedTogether(xs: readonly NDArray[]): NDArray[] {
  const first = xs[0];
  if (xs.every((x) => shapesEqual(x.shape, first.shape))) return [...xs];
  const shape = broadcastShapes(...xs.map((x) => x.shape));
  return xs.map((x) => stretched(x, shape));
}

function choose(condition: NDArray, x: NDArray, y: NDArray): NDArray {
  const pred = condition.dtype === "bool" ? condition : ne(condition, zeroOf(condition));
  const [a, b] = promoteDtypes(x, y) as [NDArray, NDArray];
  if (pred.ndim === 0) {
    const [yes, no] = stretchedTogether([a, b]) as [NDArray, NDArray];
    return yes.size === 0 ? yes : select(pred, yes, no);
  }
  const [which, yes, no] = stretchedTogether([pred, a, b]) as [NDArray, NDArray, NDArray];
  return yes.size === 0 ? yes : select(which, yes, no);
}

/**
 * The elements of `x` where the condition is true (or not zero), those of `y` elsewhere. All three broadcast; `x` and `y` are promoted.
 *
 *     np.where(x.greater(0), x, 0)
 */
export function where(condition: ArrayLike, x: ArrayLike, y: ArrayLike): NDArray {
  if (x === undefined || y === undefined || x === null || y === null) {
    throw new RematValueError(
      `Either both or neither of the x and y arguments should be provided to np.where, got ${String(x)} and ${String(y)}.\n` +
        "The places of true elements are found by np.nonzero(condition).",
    );
  }
  return jitted("_where", "", choose, [toArray(condition, "where", 0), toArray(x, "where", 1), toArray(y, "where", 2)]);
}
