/**
 * Transformations that scale updates: by a number or a schedule, by running squares of the gradients (RMSProp, Adagrad, Adadelta), or by
 * the size of what they belong to (LAMB's trust ratio, Adafactor's block).
 */
import type { NDArray } from "../core/array.ts";
import * as lax from "../lax/elementwise.ts";
import { float } from "../numpy/asarray.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  equal,
  greater,
  multiply as mul,
  sqrt,
  subtract as sub,
  trueDivide as div,
  where,
} from "../numpy/index.ts";
import {
  fullLike,
  mapTree,
  requireParams,
  identity,
  stateless,
  statelessWithTreeMap,
  zerosLike,
  type ArrayTree,
  type EmptyState,
  type GradientTransformation,
  type Scalar,
  type ScalarOrSchedule,
  type Schedule,
} from "./base.ts";
import {
  absSq,
  biasCorrection,
  globalNorm,
  safeIncrement,
  safeNorm,
  safeRootMeanSquares,
  updateMoment,
  updateMomentPerElemNorm,
  zeroCount,
} from "./moments.ts";

export type ScaleByScheduleState = { readonly count: NDArray };
export type ScaleByRssState = { readonly sumOfSquares: ArrayTree };
export type ScaleByRmsState = { readonly nu: ArrayTree } | { readonly count: NDArray; readonly nu: ArrayTree };
export type ScaleByStddevState =
  | { readonly mu: ArrayTree; readonly nu: ArrayTree }
  | { readonly count: NDArray; readonly mu: ArrayTree; readonly nu: ArrayTree };
export type ScaleByAdadeltaState = { readonly eG: ArrayTree; readonly eX: ArrayTree };

/** Updates times a number. */
export const scale = (stepSize: Scalar): GradientTransformation<EmptyState> =>
  statelessWithTreeMap((g) => mul(stepSize, g));

/** Updates times the value of a schedule. */
export const scaleBySchedule = (stepSizeFn: Schedule): GradientTransformation<ScaleByScheduleState> => ({
  init: () => ({ count: zeroCount() }),
  update(updates, state) {
    const stepSize = stepSizeFn(state.count);
    const scaled = mapTree((g) => mul(np.array(stepSize, g.dtype), g), updates);
    return [scaled, { count: safeIncrement(state.count) }];
  },
});

/** What `scaleByLearningRate` remembers: the count of a schedule, or nothing. */
export type LearningRateState = EmptyState | ScaleByScheduleState;

const signed = (x: Scalar, sign: number): Scalar => (typeof x === "number" ? sign * x : mul(sign, x));

/** Updates times minus the learning rate (its value, unless `flipSign` is false): descent. */
export function scaleByLearningRate(
  learningRate: ScalarOrSchedule | null,
  options: { readonly flipSign?: boolean } = {},
): GradientTransformation<LearningRateState> {
  if (learningRate === null) return identity();
  const sign = (options.flipSign ?? true) ? -1 : 1;
  if (typeof learningRate !== "function") return scale(signed(learningRate, sign));
  return scaleBySchedule((count) => signed(learningRate(count), sign));
}

/** The sign of each element. */
export const scaleBySign = (): GradientTransformation<EmptyState> => statelessWithTreeMap((g) => np.sign(g));

/** Over the root of the sum of all squares so far (Adagrad, Duchi et al. 2011). */
export function scaleByRss(
  options: { readonly initialAccumulatorValue?: Scalar; readonly eps?: Scalar } = {},
): GradientTransformation<ScaleByRssState> {
  const { initialAccumulatorValue = 0.1, eps = 1e-7 } = options;
  return {
    init: (params) => ({ sumOfSquares: fullLike(params, initialAccumulatorValue) }),
    update(updates, state) {
      const sumOfSquares = mapTree((g, t) => add(absSq(g), t), updates as ArrayTree, state.sumOfSquares);
      const steps = mapTree(
        (g, t) => mul(where(greater(t, 0), lax.rsqrt(add(t, eps)), float(0)), g),
        updates,
        sumOfSquares,
      );
      return [steps, { sumOfSquares }];
    },
  };
}

export interface RmsOptions {
  /** Decay of the average of squares. */
  readonly decay?: Scalar;
  readonly eps?: Scalar;
  /** What the average begins with. */
  readonly initialScale?: Scalar;
  /** Whether `eps` is added below the root. */
  readonly epsInSqrt?: boolean;
  readonly biasCorrection?: boolean;
}

const inverseRoot = (x: NDArray, eps: Scalar, epsInSqrt: boolean): NDArray =>
  epsInSqrt ? lax.rsqrt(add(x, eps)) : div(1, add(sqrt(x), eps));

/** Over the root of a mean of squares (RMSProp, Hinton 2012). */
export function scaleByRms(options: RmsOptions = {}): GradientTransformation<ScaleByRmsState> {
  const { decay = 0.9, eps = 1e-8, initialScale = 0, epsInSqrt = true, biasCorrection: corrected = false } = options;
  return {
    init(params) {
      const nu = fullLike(params, initialScale);
      return corrected ? { count: zeroCount(), nu } : { nu };
    },
    update(updates, state) {
      const nu = updateMomentPerElemNorm(updates, state.nu, decay);
      const count = "count" in state ? safeIncrement(state.count) : null;
      const variance = count === null ? nu : biasCorrection(nu, decay, count);
      const steps = mapTree((g, n) => mul(inverseRoot(n, eps, epsInSqrt), g), updates, variance);
      return [steps, count === null ? { nu } : { count, nu }];
    },
  };
}

/** Over the root of a running variance (centered RMSProp, Graves 2013). */
export function scaleByStddev(options: RmsOptions = {}): GradientTransformation<ScaleByStddevState> {
  const { decay = 0.9, eps = 1e-8, initialScale = 0, epsInSqrt = true, biasCorrection: corrected = false } = options;
  return {
    init(params) {
      const moments = { mu: zerosLike(params), nu: fullLike(params, initialScale) };
      return corrected ? { count: zeroCount(), ...moments } : moments;
    },
    update(updates, state) {
      const mu = updateMoment(updates, state.mu, decay, 1);
      const nu = updateMomentPerElemNorm(updates, state.nu, decay);
      const count = "count" in state ? safeIncrement(state.count) : null;
      const correct = (m: ArrayTree): ArrayTree => (count === null ? m : biasCorrection(m, decay, count));
      const steps = mapTree(
        (g, m, n) => mul(inverseRoot(sub(n, absSq(m)), eps, epsInSqrt), g),
        updates,
        correct(mu),
        correct(nu),
      );
      return [steps, count === null ? { mu, nu } : { count, mu, nu }];
    },
  };
}

/** Times the root of a mean of squared steps, over that of squared gradients (Adadelta, Zeiler 2012). */
export function scaleByAdadelta(
  options: { readonly rho?: Scalar; readonly eps?: Scalar } = {},
): GradientTransformation<ScaleByAdadeltaState> {
  const { rho = 0.9, eps = 1e-6 } = options;
  return {
    init: (params) => ({ eG: zerosLike(params), eX: zerosLike(params) }),
    update(updates, state) {
      const eG = updateMoment(updates, state.eG, rho, 2);
      const steps = mapTree(
        (g, now, before) => mul(div(sqrt(add(before, eps)), sqrt(add(now, eps))), g),
        updates,
        eG,
        state.eX,
      );
      return [steps, { eG, eX: updateMoment(steps, state.eX, rho, 2) }];
    },
  };
}

export interface TrustRatioOptions {
  readonly minNorm?: Scalar;
  readonly trustCoefficient?: Scalar;
  readonly eps?: Scalar;
}

/** Each update in the size of its parameter: times |param| / |update| (LARS and LAMB, You et al. 2017 and 2019). */
export function scaleByTrustRatio(options: TrustRatioOptions = {}): GradientTransformation<EmptyState> {
  const { minNorm = 0, trustCoefficient = 1, eps = 0 } = options;
  return stateless((updates, params) =>
    mapTree(
      (update, param) => {
        const paramNorm = safeNorm(param, minNorm);
        const updateNorm = safeNorm(update, minNorm);
        const ratio = div(mul(trustCoefficient, paramNorm), add(updateNorm, eps));
        const isZero = np.logicalOr(equal(paramNorm, 0), equal(updateNorm, 0));
        return mul(update, where(isZero, np.array(1, param.dtype), ratio));
      },
      updates,
      requireParams(params, "scaleByTrustRatio"),
    ),
  );
}

/** Times the norm of the parameter, which counts as at least `minScale`. */
export const scaleByParamBlockNorm = (minScale: Scalar = 1e-3): GradientTransformation<EmptyState> =>
  stateless((updates, params) =>
    mapTree((u, p) => mul(u, safeNorm(p, minScale)), updates, requireParams(params, "scaleByParamBlockNorm")),
  );

/** Times the root mean square of the parameter, which counts as at least `minScale`. */
export const scaleByParamBlockRms = (minScale: Scalar = 1e-3): GradientTransformation<EmptyState> =>
  stateless((updates, params) =>
    mapTree((u, p) => mul(u, safeRootMeanSquares(p, minScale)), updates, requireParams(params, "scaleByParamBlockRms")),
  );

/** Over the norm of all updates together. */
export function normalizeByUpdateNorm(
  options: { readonly scaleFactor?: Scalar; readonly eps?: Scalar } = {},
): GradientTransformation<EmptyState> {
  const { scaleFactor = 1, eps = 1e-6 } = options;
  return stateless((updates) => {
    const norm = div(add(globalNorm(updates), eps), scaleFactor);
    return mapTree((g) => div(g, norm), updates);
  });
}

/** Less their mean over all axes but the first, for updates of rank 2 and more (Yong et al. 2020). */
export const centralize = (): GradientTransformation<EmptyState> =>
  statelessWithTreeMap((g) =>
    g.ndim > 1 ? sub(g, np.mean(g, { axis: g.shape.slice(1).map((_, i) => i + 1), keepdims: true })) : g,
  );
