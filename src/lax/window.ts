/** Reductions over sliding windows, as in pooling. */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { elementOf } from "../core/scalar.ts";
import { concreteValue, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { named } from "../numpy/options.ts";
import { dilated } from "../primitives/conv.ts";
import { extremes } from "../primitives/reduce.ts";
import * as w from "../primitives/window.ts";
import { paddingOf, type PaddingLike } from "./conv.ts";
import { add, max, min } from "./elementwise.ts";
import { initial, reductionJaxpr, type Computation } from "./reduce.ts";

export interface ReduceWindowOptions {
  readonly windowStrides?: readonly number[] | null;
  /** "VALID" (the default), "SAME", or pairs of (low, high). */
  readonly padding?: PaddingLike;
  readonly baseDilation?: readonly number[] | null;
  readonly windowDilation?: readonly number[] | null;
}

/** The reduction that a function of `lax` and an initial value amount to, if there is one. */
function known(computation: unknown, init: NDArray): Primitive<w.WindowParams> | null {
  const value = init.ndim === 0 ? concreteValue(init) : null;
  if (value === null) return null;
  const start = elementOf(value);
  const [low, high] = extremes(init.dtype);
  // eslint-disable-next-line eqeqeq -- a bigint may equal a number
  const is = (x: unknown): boolean => start == x;
  if (computation === add) return is(0) ? w.reduceWindowSum : null;
  if (computation === max) return is(low) ? w.reduceWindowMax : null;
  if (computation === min) return is(high) ? w.reduceWindowMin : null;
  return null;
}

/**
 * Reduces every window of an array by an associative function of scalars.
 *
 *     lax.reduceWindow(x, -Infinity, lax.max, [1, 1, 2, 2], [1, 1, 2, 2], "VALID") // max pooling
 */
export function reduceWindow(
  operand: ArrayLike,
  initValue: ArrayLike,
  computation: Computation,
  windowDimensions: readonly number[],
  windowStrides?: readonly number[] | null | ReduceWindowOptions,
  padding?: PaddingLike | ReduceWindowOptions,
  baseDilation?: readonly number[] | null | ReduceWindowOptions,
  windowDilation?: readonly number[] | null | ReduceWindowOptions,
): NDArray {
  const x = toArray(operand, "reduce_window");
  const init = initial(initValue, x);
  const given = named<ReduceWindowOptions>(
    ["windowStrides", "padding", "baseDilation", "windowDilation"],
    [windowStrides, padding, baseDilation, windowDilation],
  );
  const ones = windowDimensions.map(() => 1);
  const strides = given.windowStrides ?? ones;
  const wide = given.windowDilation ?? ones;
  const window = windowDimensions.map((d, i) => dilated(d, wide[i]));
  const params: w.WindowParams = {
    window_dimensions: [...windowDimensions],
    window_strides: [...strides],
    padding: paddingOf(x.shape, window, strides, given.padding ?? "VALID"),
    base_dilation: [...(given.baseDilation ?? ones)],
    window_dilation: [...wide],
  };
  const primitive = known(computation, init);
  if (primitive !== null) return bind1(primitive, [x], params);
  const { jaxpr, consts } = reductionJaxpr(computation, [init], true);
  return bind1(w.reduceWindow, [x, init], { ...params, jaxpr, consts });
}
