/** Optimizers that look at more than one gradient at a time: NovoGrad's norms by layer, optimistic descent, and Polyak's step size. */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import { cond } from "../lax/conditionals.ts";
import * as nn from "../nn/activations.ts";
import { float, isArrayLike, toArray } from "../numpy/asarray.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  astype,
  multiply as mul,
  power,
  sqrt,
  subtract as sub,
  trueDivide as div,
  where,
} from "../numpy/index.ts";
import {
  cast,
  mapTree,
  requireParams,
  stateless,
  zerosLike,
  type ArrayTree,
  type EmptyState,
  type GradientTransformation,
  type Scalar,
  type ScalarOrSchedule,
} from "./base.ts";
import type { DType } from "../core/dtype.ts";
import type { MomentOptions } from "./adam.ts";
import { chain } from "./combining.ts";
import { asFloat, safeIncrement, squaredNorm, updateMoment, zeroCount } from "./moments.ts";
import { scaleByLearningRate, type LearningRateState } from "./scaling.ts";

export type ScaleByNovogradState = { readonly count: NDArray; readonly mu: ArrayTree; readonly nu: ArrayTree };
export type OptimisticGradientState = { readonly isInitialStep: NDArray; readonly previousGradient: ArrayTree };

export interface NovogradOptions extends MomentOptions {
  readonly epsRoot?: Scalar;
  readonly weightDecay?: Scalar;
  readonly muDtype?: DType | null;
}

/** Momentum of gradients that are divided by a running norm of their array (Ginsburg et al. 2019). */
export function scaleByNovograd(options: NovogradOptions = {}): GradientTransformation<ScaleByNovogradState> {
  const { b1 = 0.9, b2 = 0.25, eps = 1e-8, epsRoot = 0, weightDecay = 0, muDtype = null } = options;
  const squared = (g: NDArray): NDArray => power(np.linalg.norm(g), 2);
  const normed = (g: NDArray, p: NDArray, nu: NDArray): NDArray =>
    add(div(g, add(sqrt(add(nu, epsRoot)), eps)), mul(asFloat(weightDecay), p));
  return {
    init: (params) => ({
      count: zeroCount(),
      mu: zerosLike(params, muDtype),
      nu: mapTree((p) => np.zeros([], p.dtype), params as ArrayTree),
    }),
    update<P>(updates: P, state: ScaleByNovogradState, params?: unknown) {
      const grads = updates as ArrayTree;
      const known = requireParams(params, "scaleByNovograd") as ArrayTree;
      const count = safeIncrement(state.count);
      const nu: ArrayTree = cond(
        np.equal(count, 1),
        (g: ArrayTree, nu: ArrayTree): ArrayTree => mapTree((g, n) => astype(squared(g), n.dtype), g, nu),
        (g: ArrayTree, nu: ArrayTree): ArrayTree => updateMoment(mapTree(squared, g), nu, b2, 1),
        grads,
        state.nu,
      );
      const mu: ArrayTree = cond(
        np.equal(count, 1),
        (g: ArrayTree, p: ArrayTree, _: ArrayTree, nu: ArrayTree): ArrayTree => mapTree(normed, g, p, nu),
        (g: ArrayTree, p: ArrayTree, mu: ArrayTree, nu: ArrayTree): ArrayTree =>
          mapTree((m, u) => add(mul(b1, m), u), mu, mapTree(normed, g, p, nu)),
        grads,
        known,
        state.mu,
        nu,
      );
      const steps = cast(mu, muDtype);
      return [steps as P, { count, mu: steps, nu }];
    },
  };
}

/** NovoGrad. */
export const novograd = (
  learningRate: ScalarOrSchedule,
  options: Omit<NovogradOptions, "muDtype"> = {},
): GradientTransformation<readonly [ScaleByNovogradState, LearningRateState]> =>
  chain(scaleByNovograd({ eps: 1e-6, ...options }), scaleByLearningRate(learningRate));

export interface OptimisticOptions {
  readonly alpha?: Scalar;
  readonly beta?: Scalar;
}

/** `(alpha + beta) g - beta g'`, where g' is the gradient before (Mokhtari et al. 2019). */
export function scaleByOptimisticGradient(
  options: OptimisticOptions = {},
): GradientTransformation<OptimisticGradientState> {
  const { alpha = 1, beta = 1 } = options;
  const both = typeof alpha === "number" && typeof beta === "number" ? alpha + beta : add(alpha, beta);
  return {
    init: (params) => ({ isInitialStep: np.array(true), previousGradient: zerosLike(params) }),
    update(updates, state) {
      const steps = mapTree(
        (g, given) => {
          const before = where(state.isInitialStep, g, given);
          return sub(mul(both, g), mul(beta, before));
        },
        updates,
        state.previousGradient,
      );
      return [steps, { isInitialStep: np.array(false), previousGradient: updates as ArrayTree }];
    },
  };
}

/** Descent that expects the next gradient to differ from this one as this one does from the last. */
export const optimisticGradientDescent = (
  learningRate: ScalarOrSchedule,
  options: OptimisticOptions = {},
): GradientTransformation<readonly [OptimisticGradientState, LearningRateState]> =>
  chain(scaleByOptimisticGradient(options), scaleByLearningRate(learningRate));

export interface PolyakOptions {
  /** A lower bound of the loss. */
  readonly fMin?: Scalar;
  readonly eps?: Scalar;
  /** `sps+` lets the step be zero below the bound, where `sps` would go uphill. */
  readonly variant?: "sps" | "sps+";
}

/** Polyak's step size: `(value - fMin) / |g|²`, at most `maxLearningRate`. `update` needs the loss in its last argument: `{ value }`. */
export function scaleByPolyak(
  options: PolyakOptions & { readonly maxLearningRate?: Scalar } = {},
): GradientTransformation<EmptyState> {
  const { fMin = 0, maxLearningRate = 1, eps = 0, variant = "sps" } = options;
  return stateless((updates, _params, { value }) => {
    if (!isArrayLike(value)) {
      throw new RematValueError(
        "scaleByPolyak needs the value of the loss, and update was called without it. Call update(updates, state, params, { value }).",
      );
    }
    const norm = squaredNorm(updates);
    const gap = astype(np.array(sub(toArray(value), fMin)), norm.dtype);
    const positive = variant === "sps+" ? nn.relu(gap) : gap;
    const step = where(
      np.lessEqual(add(norm, eps), Number.EPSILON),
      float(0),
      np.minimum(div(positive, add(norm, eps)), maxLearningRate),
    );
    return mapTree((g) => mul(step, g), updates);
  });
}

/** Gradient descent by Polyak's step size (Loizou et al. 2021). */
export const polyakSgd = (
  options: PolyakOptions & { readonly maxLearningRate?: Scalar; readonly scaling?: ScalarOrSchedule } = {},
): GradientTransformation<readonly [LearningRateState, EmptyState]> =>
  chain(scaleByLearningRate(options.scaling ?? 1), scaleByPolyak(options));
