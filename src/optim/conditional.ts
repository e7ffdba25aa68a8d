/** Transformations that act only sometimes, and such as hold parameters back. */
import type { NDArray } from "../core/array.ts";
import { cond } from "../lax/conditionals.ts";
import * as np from "../numpy/index.ts";
import { logicalOr, where } from "../numpy/index.ts";
import {
  arraysOf,
  mapTree,
  setToZero,
  type EmptyState,
  type ExtraArgs,
  type GradientTransformation,
  type OptState,
} from "./base.ts";
import { masked, partition, type Mask, type MaskedState, type PartitionState } from "./combining.ts";
import { safeIncrement, zeroCount } from "./moments.ts";
import { map } from "../tree.ts";

export type ConditionState<S extends OptState = OptState> = { readonly innerState: S; readonly step: NDArray };
export type ApplyIfFiniteState<S extends OptState = OptState> = {
  readonly notfiniteCount: NDArray;
  readonly lastFinite: NDArray;
  readonly totalNotfinite: NDArray;
  readonly innerState: S;
};

/** Whether to act, by the number of updates so far: a boolean of rank 0. */
export type ConditionFn = (step: NDArray, extraArgs: ExtraArgs) => NDArray | boolean;

const zeros = <P>(updates: P): P => mapTree((g) => np.zerosLike(g), updates);

function conditionally<S extends OptState>(
  inner: GradientTransformation<S>,
  shouldTransformFn: ConditionFn,
  forwardExtraArgs: boolean,
  otherwise: <P>(updates: P) => P,
): GradientTransformation<ConditionState<S>> {
  return {
    init: (params) => ({ innerState: inner.init(params), step: zeroCount() }),
    update<P>(updates: P, state: ConditionState<S>, params: unknown = null, extraArgs: ExtraArgs = {}) {
      const [steps, innerState] = cond(
        shouldTransformFn(state.step, forwardExtraArgs ? extraArgs : {}),
        (): [P, S] => inner.update(updates, state.innerState, params, extraArgs),
        (): [P, S] => [otherwise(updates), state.innerState],
      );
      return [steps, { innerState, step: safeIncrement(state.step) }];
    },
  };
}

/** The inner transformation where the condition holds; else updates stay as they are. */
export const conditionallyTransform = <S extends OptState>(
  inner: GradientTransformation<S>,
  shouldTransformFn: ConditionFn,
  options: { readonly forwardExtraArgs?: boolean } = {},
): GradientTransformation<ConditionState<S>> =>
  conditionally(inner, shouldTransformFn, options.forwardExtraArgs ?? false, (updates) => updates);

/** The inner transformation where the condition holds; else zeros. */
export const conditionallyMask = <S extends OptState>(
  inner: GradientTransformation<S>,
  shouldTransformFn: ConditionFn,
  options: { readonly forwardExtraArgs?: boolean } = {},
): GradientTransformation<ConditionState<S>> =>
  conditionally(inner, shouldTransformFn, options.forwardExtraArgs ?? false, zeros);

/**
 * The inner transformation as long as all updates are finite, zeros and an unchanged state otherwise; after more than `maxConsecutiveErrors`
 * failures in a row it lets them pass.
 */
export function applyIfFinite<S extends OptState>(
  inner: GradientTransformation<S>,
  maxConsecutiveErrors: number,
): GradientTransformation<ApplyIfFiniteState<S>> {
  return {
    init: (params) => ({
      notfiniteCount: zeroCount(),
      lastFinite: np.array(true),
      totalNotfinite: zeroCount(),
      innerState: inner.init(params),
    }),
    update<P>(updates: P, state: ApplyIfFiniteState<S>, params: unknown = null, extraArgs: ExtraArgs = {}) {
      const isFinite = np.all(np.array(arraysOf(updates).map((g) => np.all(np.isfinite(g)))));
      const count = where(isFinite, zeroCount(), safeIncrement(state.notfiniteCount));
      const [steps, innerState] = cond(
        logicalOr(isFinite, np.greater(count, maxConsecutiveErrors)),
        (): [P, S] => inner.update(updates, state.innerState, params, extraArgs),
        (): [P, S] => [zeros(updates), state.innerState],
      );
      const total = where(isFinite, state.totalNotfinite, safeIncrement(state.totalNotfinite));
      return [steps, { notfiniteCount: count, lastFinite: isFinite, totalNotfinite: total, innerState }];
    },
  };
}

/** Zeros for the leaves whose mask is true. */
export const freeze = (mask: Mask): GradientTransformation<MaskedState<EmptyState>> => masked(setToZero(), mask);

/** The optimizer for the leaves whose mask is false, zeros for those whose mask is true. */
export const selectiveTransform = (
  optimizer: GradientTransformation,
  options: { readonly freezeMask: Mask },
): GradientTransformation<PartitionState> =>
  partition({ train: optimizer, freeze: setToZero() }, () =>
    map((frozen: unknown) => (frozen === true ? "freeze" : "train"), options.freezeMask),
  );
