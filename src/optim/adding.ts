/** Transformations that add to updates: decayed weights, noise. */
import type { NDArray } from "../core/array.ts";
import { add, multiply as mul, power, sqrt, trueDivide as div } from "../numpy/index.ts";
import { key as newKey, split } from "../random/index.ts";
import { normal } from "../random/index.ts";
import { flatten, unflatten } from "../tree.ts";
import {
  arraysOf,
  emptyState,
  mapTree,
  requireParams,
  type EmptyState,
  type GradientTransformation,
  type Scalar,
  type ScalarOrSchedule,
} from "./base.ts";
import { masked, type Mask, type MaskedState } from "./combining.ts";
import { safeIncrement, zeroCount } from "./moments.ts";

/** The count of a schedule, or nothing. */
export type WeightDecayState = EmptyState | { readonly count: NDArray };
export type AddNoiseState = { readonly count: NDArray; readonly rngKey: NDArray };

/**
 * Adds `weightDecay` times the parameters. Where the mask (a tree of booleans, or a function from parameters to one) is false, nothing is
 * added.
 */
export function addDecayedWeights(
  weightDecay: ScalarOrSchedule = 0,
  options: { readonly mask?: Mask } = {},
): GradientTransformation<WeightDecayState | MaskedState<WeightDecayState>> {
  const plain: GradientTransformation<WeightDecayState> = {
    init: () => (typeof weightDecay === "function" ? { count: zeroCount() } : emptyState),
    update(updates, state, params) {
      const known = requireParams(params, "addDecayedWeights");
      if (weightDecay === 0) return [updates, state];
      const count = "count" in state ? state.count : null;
      const next = count === null ? state : { count: safeIncrement(count) };
      const decay = typeof weightDecay === "function" ? weightDecay(count!) : weightDecay;
      return [mapTree((g, p) => add(g, mul(decay, p)), updates, known), next];
    },
  };
  const { mask = null } = options;
  return mask === null ? plain : masked(plain, mask);
}

/** Adds normal noise with variance `eta / count^gamma` (Neelakantan et al. 2015), drawn by a key or the key of a seed. */
export function addNoise(eta: Scalar, gamma: Scalar, key: NDArray | number): GradientTransformation<AddNoiseState> {
  return {
    init: () => ({ count: zeroCount(), rngKey: typeof key === "number" ? newKey(key) : key }),
    update(updates, state) {
      const count = safeIncrement(state.count);
      const deviation = sqrt(div(eta, power(count, gamma)));
      const [rngKey, sampleKey] = split(state.rngKey);
      const { treedef } = flatten(updates);
      const like = arraysOf(updates);
      const keys = [...split(sampleKey, Math.max(like.length, 1))];
      const noise = like.map((x, i) => normal(keys[i], { shape: x.shape, dtype: x.dtype }));
      const noisy = mapTree((g, n) => add(g, mul(deviation, n)), updates, unflatten(treedef, noise));
      return [noisy, { count, rngKey }];
    },
  };
}
