/**
 * Quantiles of elements that have weights: the first element, in ascending order, at which the sum of the weights reaches the fraction that is asked
 * for. This is the inverse of the empirical distribution function ("inverted_cdf"); without weights all elements count the same.
 */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { max as maxOf, min as minOf, mul, sub } from "../primitives/arithmetic.ts";
import { canonicalAxes, range, sameList, tupleText } from "../primitives/axes.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { bitwiseNot, bitwiseOr, eq, lt, ne, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { slicedAlong } from "../primitives/pad.ts";
import { broadcastedInDim, expanded, reshaped, squeezed, transposed } from "../primitives/shape.ts";
import { cumsum } from "./cumulative.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { any, sum, type Axis } from "./reductions.ts";
import { takeAlongAxis } from "./take.ts";
import { where } from "./where.ts";

/** Array and weights of one dtype and one shape. */
export function fittedWeights(array: NDArray, given: NDArray, axis: Axis, method: string): [NDArray, NDArray] {
  if (isComplex(given.dtype)) throw new RematValueError(`Weights cannot be complex types, got ${given.dtype}.`);
  if (method !== "inverted_cdf") {
    throw new UnsupportedError(
      `np.quantile got weights and the method "${method}": ${method} doesn't support weights. Only method 'inverted_cdf' supports weights.`,
    );
  }
  const [x, weights] = promoteDtypesInexact(array, given) as [NDArray, NDArray];
  if (sameList(x.shape, weights.shape)) return [x, weights];
  if (axis === null) {
    throw new RematValueError(
      `Weights shape must match 'a' shape when axis is None: got ${tupleText(weights.shape)} and ${tupleText(x.shape)}. Give an axis.`,
    );
  }
  const axes = canonicalAxes(axis, x.ndim);
  const sizes = axes.map((d) => x.shape[d]);
  if (!sameList(weights.shape, sizes)) {
    throw new RematValueError(
      `Weights shape ${tupleText(weights.shape)} must match reduction axes ${tupleText(sizes)}. Give one weight for each place along them.`,
    );
  }
  return [x, broadcastedInDim(weights, x.shape, axes)];
}

/** Of the sorted array `a`, with weights in its order. */
export function invertedCdf(
  a: NDArray,
  q: NDArray,
  shares: NDArray | null,
  axis: number,
  keepdims: boolean,
  squashNans: boolean,
): NDArray {
  const weights = shares ?? fullLike(a, 1);
  const zeros = fullLike(weights, 0);
  const bad = bitwiseOr(lt(weights, zeros), ne(weights, weights));
  const missing = ne(a, a);
  const running = cumsum(select(bitwiseOr(bad, missing), zeros, weights), { axis });
  const n = a.shape[axis];
  const last = slicedAlong(running, n - 1, n, axis);
  const total = keepdims ? last : squeezed(last, [axis]);
  const wide = (x: NDArray): NDArray => expanded(x, range(q.ndim));
  const all = wide(total);
  const target = mul(reshaped(q, [...q.shape, ...total.shape.map(() => 1)]), all);
  const aligned = keepdims ? target : expanded(target, [axis + q.ndim]);
  const int = canonicalDType("int64");
  const index = sum(convertElementType(lt(wide(running), aligned), int), { axis: axis + q.ndim, keepdims });
  const valid = squashNans
    ? sum(bitwiseNot(missing), { axis, dtype: q.dtype, keepdims })
    : fullLike(convertElementType(total, q.dtype), n);
  const limit = wide(convertElementType(sub(valid, constLike(valid, 1)), int));
  const inside = maxOf(constLike(index, 0), minOf(index, limit));
  const places = keepdims ? squeezed(inside, [q.ndim + axis]) : inside;
  const chosen = takenAt(a, places, q.ndim, axis);
  const out = keepdims ? expanded(chosen, [q.ndim + axis]) : chosen;
  const none = eq(valid, fullLike(valid, 0));
  const badWeight = any(bad, { axis, keepdims });
  const hidden = bitwiseOr(badWeight, squashNans ? none : any(missing, { axis, keepdims }));
  return where(wide(hidden), fullLike(out, NaN), out);
}

/** The elements at places along an axis, for each of several levels. */
function takenAt(a: NDArray, places: NDArray, levels: number, axis: number): NDArray {
  if (levels === 0) return squeezed(takeAlongAxis(a, expanded(places, [axis]), { axis }), [axis]);
  const order = [...range(axis, levels), ...range(levels), ...range(places.ndim - levels - axis, levels + axis)];
  const back = range(order.length).map((d) => order.indexOf(d));
  return transposed(takeAlongAxis(a, transposed(places, order), { axis }), back);
}
