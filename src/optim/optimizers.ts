/**
 * Optimizers: chains of transformations by the names they are known under. Each takes a learning rate (a number or a schedule) and its
 * options, with Optax's defaults; its updates are to be added to the parameters.
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import * as np from "../numpy/index.ts";
import { ema, trace } from "./accumulation.ts";
import {
  scaleByAdam,
  scaleByAdamax,
  scaleByAdan,
  scaleByAmsgrad,
  scaleByBelief,
  scaleByLion,
  scaleByRadam,
  scaleByYogi,
  type AdamOptions,
  type AdanOptions,
  type AmsgradOptions,
  type BeliefOptions,
  type LionOptions,
  type MomentOptions,
  type RadamOptions,
  type ScaleByAdamState,
  type ScaleByAdanState,
  type ScaleByAmsgradState,
  type ScaleByLionState,
} from "./adam.ts";
import { addDecayedWeights, addNoise, type AddNoiseState, type WeightDecayState } from "./adding.ts";
import type { EmptyState, GradientTransformation, OptState, Scalar, ScalarOrSchedule } from "./base.ts";
import { identity } from "./base.ts";
import { clipByBlockRms } from "./clipping.ts";
import { chain, masked, type Mask, type MaskedState } from "./combining.ts";
import { scaleByFactoredRms } from "./factorized.ts";
import {
  scale,
  scaleByAdadelta,
  scaleByLearningRate,
  scaleByParamBlockRms,
  scaleByRms,
  scaleByRss,
  scaleBySign,
  scaleByStddev,
  scaleByTrustRatio,
  type LearningRateState,
  type RmsOptions,
  type ScaleByAdadeltaState,
  type ScaleByRmsState,
  type ScaleByRssState,
  type ScaleByStddevState,
} from "./scaling.ts";
import type { TraceState } from "./accumulation.ts";

type DecayState = WeightDecayState | MaskedState<WeightDecayState>;
type Optimizer<S extends OptState> = GradientTransformation<readonly [S, LearningRateState]>;
type DecayedOptimizer<S extends OptState> = GradientTransformation<readonly [S, DecayState, LearningRateState]>;

export interface WeightDecayOptions {
  readonly weightDecay?: ScalarOrSchedule;
  /** What decays: a tree of booleans, or a function from the parameters to one. */
  readonly mask?: Mask;
}

export interface SgdOptions {
  /** Decay of the sum of gradients; none if not given. */
  readonly momentum?: Scalar | null;
  readonly nesterov?: boolean;
  readonly accumulatorDtype?: DType | null;
}

/** Gradient descent, with momentum if wanted. */
export function sgd(
  learningRate: ScalarOrSchedule,
  options: SgdOptions = {},
): GradientTransformation<readonly [EmptyState | TraceState, LearningRateState]> {
  const { momentum = null } = options;
  const first = (momentum === null ? identity() : trace(momentum, options)) as GradientTransformation<
    EmptyState | TraceState
  >;
  return chain(first, scaleByLearningRate(learningRate));
}

/** Steps by the sign of the gradient. */
export const signSgd = (learningRate: ScalarOrSchedule): Optimizer<EmptyState> =>
  chain(scaleBySign(), scaleByLearningRate(learningRate));

/** Gradient descent with noise that fades. */
export const noisySgd = (
  learningRate: ScalarOrSchedule,
  options: { readonly eta?: Scalar; readonly gamma?: Scalar; readonly key?: NDArray | number } = {},
): Optimizer<AddNoiseState> =>
  chain(addNoise(options.eta ?? 0.01, options.gamma ?? 0.55, options.key ?? 0), scaleByLearningRate(learningRate));

/** Adam (Kingma & Ba 2014). */
export const adam = (learningRate: ScalarOrSchedule, options: AdamOptions = {}): Optimizer<ScaleByAdamState> =>
  chain(scaleByAdam(options), scaleByLearningRate(learningRate));

/** Adam with Nesterov's momentum (Dozat 2016). */
export const nadam = (
  learningRate: ScalarOrSchedule,
  options: Omit<AdamOptions, "nesterov"> = {},
): Optimizer<ScaleByAdamState> => adam(learningRate, { ...options, nesterov: true });

/** Adam with weight decay apart from the gradient (Loshchilov & Hutter 2017). */
export const adamw = (
  learningRate: ScalarOrSchedule,
  options: AdamOptions & WeightDecayOptions = {},
): DecayedOptimizer<ScaleByAdamState> =>
  chain(
    scaleByAdam(options),
    addDecayedWeights(options.weightDecay ?? 1e-4, options),
    scaleByLearningRate(learningRate),
  );

/** AdamW with Nesterov's momentum. */
export const nadamw = (
  learningRate: ScalarOrSchedule,
  options: Omit<AdamOptions, "nesterov"> & WeightDecayOptions = {},
): DecayedOptimizer<ScaleByAdamState> => adamw(learningRate, { ...options, nesterov: true });

/** Adamax (Kingma & Ba 2014). */
export const adamax = (learningRate: ScalarOrSchedule, options: MomentOptions = {}): Optimizer<ScaleByAdamState> =>
  chain(scaleByAdamax(options), scaleByLearningRate(learningRate));

/** Adamax with weight decay. */
export const adamaxw = (
  learningRate: ScalarOrSchedule,
  options: MomentOptions & WeightDecayOptions = {},
): DecayedOptimizer<ScaleByAdamState> =>
  chain(
    scaleByAdamax(options),
    addDecayedWeights(options.weightDecay ?? 1e-4, options),
    scaleByLearningRate(learningRate),
  );

/** AMSGrad (Reddi et al. 2018). */
export const amsgrad = (learningRate: ScalarOrSchedule, options: AmsgradOptions = {}): Optimizer<ScaleByAmsgradState> =>
  chain(scaleByAmsgrad(options), scaleByLearningRate(learningRate));

/** AdaBelief (Zhuang et al. 2020). */
export const adabelief = (learningRate: ScalarOrSchedule, options: BeliefOptions = {}): Optimizer<ScaleByAdamState> =>
  chain(scaleByBelief(options), scaleByLearningRate(learningRate));

/** RAdam (Liu et al. 2020). */
export const radam = (learningRate: ScalarOrSchedule, options: RadamOptions = {}): Optimizer<ScaleByAdamState> =>
  chain(scaleByRadam(options), scaleByLearningRate(learningRate));

/** Yogi (Zaheer et al. 2018). */
export const yogi = (learningRate: ScalarOrSchedule, options: MomentOptions = {}): Optimizer<ScaleByAdamState> =>
  chain(scaleByYogi(options), scaleByLearningRate(learningRate));

/** Adan (Xie et al. 2022). */
export const adan = (
  learningRate: ScalarOrSchedule,
  options: AdanOptions & WeightDecayOptions = {},
): DecayedOptimizer<ScaleByAdanState> =>
  chain(
    scaleByAdan({ epsRoot: 1e-8, ...options }),
    addDecayedWeights(options.weightDecay ?? 0, options),
    scaleByLearningRate(learningRate),
  );

/** Lion (Chen et al. 2023). */
export const lion = (
  learningRate: ScalarOrSchedule,
  options: Pick<LionOptions, "b1" | "b2" | "muDtype"> & WeightDecayOptions = {},
): DecayedOptimizer<ScaleByLionState> => {
  const { b1, b2, muDtype } = options;
  return chain(
    scaleByLion({ b1, b2, muDtype }),
    addDecayedWeights(options.weightDecay ?? 1e-3, options),
    scaleByLearningRate(learningRate),
  );
};

/** Adagrad (Duchi et al. 2011). */
export const adagrad = (
  learningRate: ScalarOrSchedule,
  options: { readonly initialAccumulatorValue?: Scalar; readonly eps?: Scalar } = {},
): Optimizer<ScaleByRssState> => chain(scaleByRss(options), scaleByLearningRate(learningRate));

/** Adadelta (Zeiler 2012). */
export const adadelta = (
  learningRate: ScalarOrSchedule | null = null,
  options: {
    readonly rho?: Scalar;
    readonly eps?: Scalar;
    readonly weightDecay?: ScalarOrSchedule;
    readonly weightDecayMask?: Mask;
  } = {},
): GradientTransformation<readonly [DecayState, ScaleByAdadeltaState, LearningRateState]> =>
  chain(
    addDecayedWeights(options.weightDecay ?? 0, { mask: options.weightDecayMask ?? null }),
    scaleByAdadelta(options),
    scaleByLearningRate(learningRate),
  );

export interface RmspropOptions extends RmsOptions {
  /** Less the mean of gradients: over the standard deviation. */
  readonly centered?: boolean;
  readonly momentum?: Scalar | null;
  readonly nesterov?: boolean;
}

/** RMSProp (Hinton 2012). */
export function rmsprop(
  learningRate: ScalarOrSchedule,
  options: RmspropOptions = {},
): GradientTransformation<readonly [ScaleByRmsState | ScaleByStddevState, LearningRateState, EmptyState | TraceState]> {
  const { centered = false, momentum = null, nesterov = false } = options;
  const first = (centered ? scaleByStddev(options) : scaleByRms(options)) as GradientTransformation<
    ScaleByRmsState | ScaleByStddevState
  >;
  const last = (momentum === null ? identity() : trace(momentum, { nesterov })) as GradientTransformation<
    EmptyState | TraceState
  >;
  return chain(first, scaleByLearningRate(learningRate), last);
}

export interface AdafactorOptions {
  readonly minDimSizeToFactor?: number;
  readonly decayRate?: Scalar;
  readonly decayOffset?: Scalar;
  readonly multiplyByParameterScale?: boolean;
  readonly clippingThreshold?: Scalar | null;
  readonly momentum?: Scalar | null;
  readonly dtypeMomentum?: DType;
  readonly weightDecayRate?: ScalarOrSchedule | null;
  readonly eps?: Scalar;
  readonly factored?: boolean;
  readonly weightDecayMask?: Mask;
}

/** Adafactor (Shazeer & Stern 2018): memory for rows and columns in place of matrices. */
export function adafactor(
  learningRate: ScalarOrSchedule | null = null,
  options: AdafactorOptions = {},
): GradientTransformation<readonly OptState[]> {
  const { minDimSizeToFactor = 128, decayRate = 0.8, decayOffset = 0, multiplyByParameterScale = true } = options;
  const { clippingThreshold = 1, momentum = null, dtypeMomentum = "float32", weightDecayRate = null } = options;
  const { eps = 1e-30, factored = true, weightDecayMask = null } = options;
  const parts: GradientTransformation[] = [
    scaleByFactoredRms({ factored, decayRate, stepOffset: decayOffset, minDimSizeToFactor, epsilon: eps }),
  ];
  if (clippingThreshold !== null) parts.push(clipByBlockRms(clippingThreshold));
  if (learningRate !== null) parts.push(scaleByLearningRate(learningRate, { flipSign: false }));
  if (multiplyByParameterScale) parts.push(scaleByParamBlockRms());
  if (momentum !== null) parts.push(ema(momentum, { debias: false, accumulatorDtype: dtypeMomentum }));
  if (weightDecayRate !== null) parts.push(addDecayedWeights(weightDecayRate, { mask: weightDecayMask }));
  parts.push(scale(-1));
  return chain(...parts);
}

/** LAMB (You et al. 2019). */
export const lamb = (
  learningRate: ScalarOrSchedule,
  options: Omit<AdamOptions, "muDtype" | "nesterov"> & WeightDecayOptions = {},
): GradientTransformation<readonly [ScaleByAdamState, DecayState, EmptyState, LearningRateState]> =>
  chain(
    scaleByAdam({ eps: 1e-6, ...options }),
    addDecayedWeights(options.weightDecay ?? 0, options),
    scaleByTrustRatio(),
    scaleByLearningRate(learningRate),
  );

export interface LarsOptions {
  readonly weightDecay?: ScalarOrSchedule;
  readonly weightDecayMask?: Mask;
  readonly trustCoefficient?: Scalar;
  readonly eps?: Scalar;
  readonly trustRatioMask?: Mask;
  readonly momentum?: Scalar;
  readonly nesterov?: boolean;
}

/** LARS (You et al. 2017). */
export const lars = (
  learningRate: ScalarOrSchedule,
  options: LarsOptions = {},
): GradientTransformation<readonly [DecayState, MaskedState<EmptyState>, LearningRateState, TraceState]> =>
  chain(
    addDecayedWeights(options.weightDecay ?? 0, { mask: options.weightDecayMask ?? true }),
    masked(
      scaleByTrustRatio({ trustCoefficient: options.trustCoefficient ?? 1e-3, eps: options.eps ?? 0 }),
      options.trustRatioMask ?? true,
    ),
    scaleByLearningRate(learningRate),
    trace(options.momentum ?? 0.9, { nesterov: options.nesterov ?? false }),
  );

/** Fromage (Bernstein et al. 2020): steps of a size relative to the weights. */
export function fromage(
  learningRate: ScalarOrSchedule,
  options: { readonly minNorm?: Scalar } = {},
): GradientTransformation<readonly [EmptyState, LearningRateState, DecayState]> {
  const damping = (rate: Scalar): Scalar =>
    typeof rate === "number"
      ? 1 / Math.sqrt(1 + rate * rate)
      : np.trueDivide(1, np.power(np.add(1, np.power(rate, 2)), 0.5));
  const damped = (rate: Scalar): Scalar => {
    const factor = damping(rate);
    return typeof rate === "number" && typeof factor === "number" ? rate * factor : np.multiply(factor, rate);
  };
  const decay = (rate: Scalar): Scalar => {
    const factor = damping(rate);
    return typeof factor === "number" ? factor - 1 : np.subtract(factor, 1);
  };
  const at = (f: (rate: Scalar) => Scalar): ScalarOrSchedule =>
    typeof learningRate === "function" ? (count) => f(learningRate(count)) : f(learningRate);
  return chain(
    scaleByTrustRatio({ minNorm: options.minNorm ?? 1e-6 }),
    scaleByLearningRate(at(damped)),
    addDecayedWeights(at(decay)),
  );
}
