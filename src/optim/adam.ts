/**
 * Transformations that keep moments of the gradients: Adam (Kingma & Ba 2014) and what came of it. Each takes gradients to steps of about
 * unit size; a learning rate, with the sign of descent, comes after.
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  greaterEqual,
  multiply as mul,
  power,
  sign,
  sqrt,
  subtract as sub,
  trueDivide as div,
  where,
} from "../numpy/index.ts";
import {
  cast,
  castLike,
  fullLike,
  mapTree,
  zerosLike,
  type ArrayTree,
  type GradientTransformation,
  type Scalar,
} from "./base.ts";
import {
  absSq,
  asFloat,
  biasCorrection,
  oneMinus,
  safeIncrement,
  updateInfinityMoment,
  updateMoment,
  updateMomentPerElemNorm,
  zeroCount,
} from "./moments.ts";

/** The number of updates, and the averages of the gradients and of their squares. */
export type ScaleByAdamState = { readonly count: NDArray; readonly mu: ArrayTree; readonly nu: ArrayTree };
export type ScaleByAmsgradState = ScaleByAdamState & { readonly nuMax: ArrayTree };
export type ScaleByLionState = { readonly count: NDArray; readonly mu: ArrayTree };
export type ScaleByAdanState = {
  readonly m: ArrayTree;
  readonly v: ArrayTree;
  readonly n: ArrayTree;
  readonly g: ArrayTree;
  readonly t: NDArray;
};

export interface MomentOptions {
  /** Decay of the average of gradients. */
  readonly b1?: Scalar;
  /** Decay of the average of squared gradients. */
  readonly b2?: Scalar;
  /** Added to the root, against division by zero. */
  readonly eps?: Scalar;
}

export interface AdamOptions extends MomentOptions {
  /** Added below the root, for derivatives through the update. */
  readonly epsRoot?: Scalar;
  /** The dtype of the average of gradients, if not theirs. */
  readonly muDtype?: DType | null;
  /** Nesterov's momentum (Dozat 2016). */
  readonly nesterov?: boolean;
}

/** The average of gradients without its bias, looking one step ahead for Nesterov's momentum. */
function correctedMean<P>(updates: P, mu: ArrayTree, b1: Scalar, count: NDArray, nesterov: boolean): ArrayTree {
  if (!nesterov) return biasCorrection(mu, b1, count);
  const ahead = biasCorrection(mu, b1, safeIncrement(count));
  return mapTree((m, g) => add(mul(b1, m), mul(oneMinus(b1), g)), ahead, biasCorrection(updates, b1, count));
}

const ratio = <P>(mean: ArrayTree, variance: ArrayTree, eps: Scalar, epsRoot: Scalar): P =>
  mapTree((m, v) => div(m, add(sqrt(add(v, epsRoot)), eps)), mean, variance) as P;

const initMoments = (params: unknown, muDtype: DType | null = null): ScaleByAdamState => ({
  count: zeroCount(),
  mu: zerosLike(params, muDtype),
  nu: zerosLike(params),
});

/** Adam: the mean of gradients over the root of the mean of their squares, both without bias. */
export function scaleByAdam(options: AdamOptions = {}): GradientTransformation<ScaleByAdamState> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0, muDtype = null, nesterov = false } = options;
  return {
    init: (params) => initMoments(params, muDtype),
    update<P>(updates: P, state: ScaleByAdamState) {
      const mu = updateMoment(updates, state.mu, b1, 1);
      const nu = updateMomentPerElemNorm(updates, state.nu, b2);
      const count = safeIncrement(state.count);
      const mean = correctedMean(updates, mu, b1, count, nesterov);
      const steps = ratio<P>(mean, biasCorrection(nu, b2, count), eps, epsRoot);
      return [steps, { count, mu: cast(mu, muDtype), nu: castLike(nu, state.nu) }];
    },
  };
}

export interface AmsgradOptions extends Omit<AdamOptions, "nesterov"> {
  readonly biasCorrectionMu?: boolean;
  readonly biasCorrectionNu?: boolean;
}

/** AMSGrad: Adam whose mean of squares never falls (Reddi et al. 2018). */
export function scaleByAmsgrad(options: AmsgradOptions = {}): GradientTransformation<ScaleByAmsgradState> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0, muDtype = null } = options;
  const { biasCorrectionMu = true, biasCorrectionNu = true } = options;
  return {
    init: (params) => ({ ...initMoments(params, muDtype), nuMax: zerosLike(params) }),
    update<P>(updates: P, state: ScaleByAmsgradState) {
      const mu = updateMoment(updates, state.mu, b1, 1);
      const nu = updateMomentPerElemNorm(updates, state.nu, b2);
      const count = safeIncrement(state.count);
      const mean = biasCorrectionMu ? biasCorrection(mu, b1, count) : mu;
      const variance = biasCorrectionNu ? biasCorrection(nu, b2, count) : nu;
      const nuMax = mapTree((a, b) => np.maximum(a, b), state.nuMax, variance);
      return [ratio<P>(mean, nuMax, eps, epsRoot), { count, mu: cast(mu, muDtype), nu, nuMax }];
    },
  };
}

/** Adamax: Adam with the largest gradient in place of the mean of squares. */
export function scaleByAdamax(options: MomentOptions = {}): GradientTransformation<ScaleByAdamState> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8 } = options;
  return {
    init: (params) => initMoments(params),
    update<P>(updates: P, state: ScaleByAdamState) {
      const count = safeIncrement(state.count);
      const mu = updateMoment(updates, state.mu, b1, 1);
      const nu = updateInfinityMoment(updates, state.nu, b2, eps);
      return [mapTree((m, v) => div(m, v), biasCorrection(mu, b1, count), nu) as P, { count, mu, nu }];
    },
  };
}

export interface BeliefOptions extends MomentOptions {
  readonly epsRoot?: Scalar;
  readonly nesterov?: boolean;
}

/** AdaBelief: Adam with the variance around the mean in place of the mean of squares (Zhuang et al. 2020). */
export function scaleByBelief(options: BeliefOptions = {}): GradientTransformation<ScaleByAdamState> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-16, epsRoot = 1e-16, nesterov = false } = options;
  return {
    init: (params) => initMoments(params),
    update<P>(updates: P, state: ScaleByAdamState) {
      const mu = updateMoment(updates, state.mu, b1, 1);
      const surprise = mapTree((g, m) => sub(g, m), updates, mu);
      const nu = mapTree((v) => add(v, epsRoot), updateMomentPerElemNorm(surprise, state.nu, b2));
      const count = safeIncrement(state.count);
      const mean = correctedMean(updates, mu, b1, count, nesterov);
      const steps = mapTree((m, v) => div(m, add(sqrt(v), eps)), mean, biasCorrection(nu, b2, count)) as P;
      return [steps, { count, mu, nu }];
    },
  };
}

export interface YogiOptions extends MomentOptions {
  readonly epsRoot?: Scalar;
  readonly initialAccumulatorValue?: Scalar;
}

/** Yogi: Adam whose mean of squares changes by bounded steps (Zaheer et al. 2018). */
export function scaleByYogi(options: YogiOptions = {}): GradientTransformation<ScaleByAdamState> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-3, epsRoot = 0, initialAccumulatorValue = 1e-6 } = options;
  const initial = (params: unknown): ArrayTree => fullLike(params, initialAccumulatorValue);
  return {
    init: (params) => ({ count: zeroCount(), mu: initial(params), nu: initial(params) }),
    update<P>(updates: P, state: ScaleByAdamState) {
      const mu = updateMoment(updates, state.mu, b1, 1);
      const nu = mapTree(
        (g, v) => sub(v, mul(mul(oneMinus(b2), sign(sub(v, absSq(g)))), absSq(g))),
        updates as ArrayTree,
        state.nu,
      );
      const count = safeIncrement(state.count);
      const steps = ratio<P>(biasCorrection(mu, b1, count), biasCorrection(nu, b2, count), eps, epsRoot);
      return [steps, { count, mu, nu }];
    },
  };
}

export interface RadamOptions extends BeliefOptions {
  /** The length of the approximated average from which on the variance is used. */
  readonly threshold?: Scalar;
}

/** RAdam: Adam that leaves the variance aside until it is known well enough (Liu et al. 2020). */
export function scaleByRadam(options: RadamOptions = {}): GradientTransformation<ScaleByAdamState> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0, threshold = 5, nesterov = false } = options;
  const limit = typeof b2 === "number" ? 2 / (1 - b2) - 1 : sub(div(2, oneMinus(b2)), 1);
  const limits = typeof limit === "number" ? (limit - 4) * (limit - 2) : mul(sub(limit, 4), sub(limit, 2));
  return {
    init: (params) => initMoments(params),
    update<P>(updates: P, state: ScaleByAdamState) {
      const mu = updateMoment(updates, state.mu, b1, 1);
      const nu = updateMomentPerElemNorm(updates, state.nu, b2);
      const count = safeIncrement(state.count);
      const b2t = power(asFloat(b2), count);
      const length = sub(limit, div(mul(mul(2, count), b2t), sub(1, b2t)));
      const mean = correctedMean(updates, mu, b1, count, nesterov);
      const variance = biasCorrection(nu, b2, count);
      const factor = sqrt(div(mul(mul(sub(length, 4), sub(length, 2)), limit), mul(limits, length)));
      const rectified = mapTree(
        (m, v) => div(mul(np.astype(factor, m.dtype), m), add(sqrt(add(v, epsRoot)), eps)),
        mean,
        variance,
      );
      const steps = mapTree((r, m) => where(greaterEqual(length, threshold), r, m), rectified, mean) as P;
      return [steps, { count, mu, nu }];
    },
  };
}

export interface LionOptions {
  readonly b1?: Scalar;
  readonly b2?: Scalar;
  readonly muDtype?: DType | null;
  /** The step for a mean `x`: its sign, tanh(smoothBeta x), or `x` itself below 1 and its sign above. */
  readonly mode?: "hard" | "smooth" | "refined";
  readonly smoothBeta?: Scalar;
}

/** Lion: the sign of a mean of gradients (Chen et al. 2023). */
export function scaleByLion(options: LionOptions = {}): GradientTransformation<ScaleByLionState> {
  const { b1 = 0.9, b2 = 0.99, muDtype = null, mode = "hard", smoothBeta = 1 } = options;
  if (!["hard", "smooth", "refined"].includes(mode)) {
    throw new RematValueError(
      `scaleByLion was asked for steps of the kind ${String(mode)}: Unknown lion mode: ${String(mode)}. ` +
        'It needs to be one of ["hard", "smooth", "refined"].',
    );
  }
  const step = (x: NDArray): NDArray =>
    mode === "hard"
      ? sign(x)
      : mode === "smooth"
        ? np.tanh(mul(smoothBeta, x))
        : where(np.less(np.abs(x), 1), x, sign(x));
  return {
    init: (params) => ({ count: zeroCount(), mu: zerosLike(params, muDtype) }),
    update(updates, state) {
      const steps = mapTree((g, m) => step(add(mul(oneMinus(b1), g), mul(b1, m))), updates, state.mu);
      const mu = cast(updateMoment(updates, state.mu, b2, 1), muDtype);
      return [steps, { count: safeIncrement(state.count), mu }];
    },
  };
}

export interface AdanOptions extends MomentOptions {
  readonly b3?: Scalar;
  readonly epsRoot?: Scalar;
}

/** Adan: moments of the gradient, of its change, and of both together (Xie et al. 2022). */
export function scaleByAdan(options: AdanOptions = {}): GradientTransformation<ScaleByAdanState> {
  const { b1 = 0.98, b2 = 0.92, b3 = 0.99, eps = 1e-8, epsRoot = 0 } = options;
  return {
    init: (params) => ({
      m: zerosLike(params),
      v: zerosLike(params),
      n: zerosLike(params),
      g: zerosLike(params),
      t: zeroCount(),
    }),
    update<P>(updates: P, state: ScaleByAdanState) {
      const isFirst = np.equal(state.t, 0);
      const change = mapTree((g, old) => where(isFirst, np.zerosLike(g), sub(g, old)), updates, state.g);
      const m = updateMoment(updates, state.m, b1, 1);
      const v = updateMoment(change, state.v, b2, 1);
      const both = mapTree((g, d) => add(g, mul(oneMinus(b2), d)), updates, change);
      const n = updateMomentPerElemNorm(both, state.n, b3);
      const t = safeIncrement(state.t);
      const steps = mapTree(
        (m, v, n) => div(add(m, mul(oneMinus(b2), v)), add(sqrt(add(n, epsRoot)), eps)),
        biasCorrection(m, b1, t),
        biasCorrection(v, b2, t),
        biasCorrection(n, b3, t),
      ) as P;
      return [steps, { m, v, n, g: updates as ArrayTree, t }];
    },
  };
}
