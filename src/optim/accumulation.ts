/** Transformations that collect gradients over several steps: momentum, averages, and gradient accumulation. */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import { cond } from "../lax/conditionals.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  astype,
  equal,
  multiply as mul,
  remainder,
  subtract as sub,
  trueDivide as div,
  where,
} from "../numpy/index.ts";
import {
  arraysOf,
  cast,
  castLike,
  mapTree,
  zerosLike,
  type ArrayTree,
  type ExtraArgs,
  type GradientTransformation,
  type OptState,
  type Scalar,
} from "./base.ts";
import { biasCorrection, safeIncrement, updateMoment, zeroCount } from "./moments.ts";

export type TraceState = { readonly trace: ArrayTree };
export type EmaState = { readonly count: NDArray; readonly ema: ArrayTree };
export type ApplyEveryState = { readonly count: NDArray; readonly gradAcc: ArrayTree };

/** Momentum: `g + decay t`, where `t` is what it gave before; with Nesterov's, that once more. */
export function trace(
  decay: Scalar,
  options: { readonly nesterov?: boolean; readonly accumulatorDtype?: DType | null } = {},
): GradientTransformation<TraceState> {
  const { nesterov = false, accumulatorDtype = null } = options;
  const accumulate = (g: NDArray, t: NDArray): NDArray => add(g, mul(decay, t));
  return {
    init: (params) => ({ trace: zerosLike(params, accumulatorDtype) }),
    update<P>(updates: P, state: TraceState) {
      const sum = mapTree(accumulate, updates as ArrayTree, state.trace);
      const steps = nesterov ? mapTree(accumulate, updates, sum) : (sum as P);
      return [steps, { trace: cast(sum, accumulatorDtype) }];
    },
  };
}

/** An exponential moving average, `(1 - decay) g + decay m`, without the bias of its beginning unless `debias` is false. */
export function ema(
  decay: Scalar,
  options: { readonly debias?: boolean; readonly accumulatorDtype?: DType | null } = {},
): GradientTransformation<EmaState> {
  const { debias = true, accumulatorDtype = null } = options;
  return {
    init: (params) => ({ count: zeroCount(), ema: zerosLike(params, accumulatorDtype) }),
    update<P>(updates: P, state: EmaState) {
      const average = updateMoment(updates, state.ema, decay, 1);
      const count = safeIncrement(state.count);
      const steps = (debias ? biasCorrection(average, decay, count) : average) as P;
      return [steps, { count, ema: cast(average, accumulatorDtype) }];
    },
  };
}

/** Sums updates and gives them at every k-th step, zeros between. */
export function applyEvery(k: number = 1): GradientTransformation<ApplyEveryState> {
  return {
    init: (params) => ({ count: zeroCount(), gradAcc: zerosLike(params) }),
    update(updates, state) {
      const c = remainder(state.count, k);
      const goesOn = np.notEqual(c, 0);
      const gradAcc = mapTree((g, sum) => add(mul(goesOn, sum), g), updates as ArrayTree, state.gradAcc);
      const emit = equal(c, k - 1);
      const steps = mapTree((_, sum) => mul(emit, sum), updates, gradAcc);
      return [steps, { count: remainder(safeIncrement(state.count), k), gradAcc }];
    },
  };
}

export type MultiStepsState<S extends OptState = OptState> = {
  /** Gradients since the last update. */
  readonly miniStep: NDArray;
  /** Updates made. */
  readonly gradientStep: NDArray;
  readonly innerOptState: S;
  readonly accGrads: ArrayTree;
  readonly skipState: ArrayTree;
};

/** Whether to leave out a gradient (a boolean of rank 0), with anything one wants to find in the state's `skipState`. */
export type ShouldSkipUpdate = (
  updates: unknown,
  gradientStep: NDArray,
  params: unknown,
) => readonly [shouldSkip: NDArray, skipState: ArrayTree];

export interface MultiStepsOptions {
  /** The mean of the gradients (the default), or their sum. */
  readonly useGradMean?: boolean;
  readonly shouldSkipUpdateFn?: ShouldSkipUpdate;
  readonly accumulatorDtype?: DType;
}

/** A transformation that accumulates, and tells when it has made an update. */
export interface MultiSteps<S extends OptState> extends GradientTransformation<MultiStepsState<S>> {
  /** True (a boolean of rank 0) in the state right after the inner transformation has made an update. */
  hasUpdated(state: MultiStepsState<S>): NDArray;
}

/**
 * Gradient accumulation: the inner transformation gets the mean of k gradients, and its updates are given at every k-th step, zeros between. `k` is
 * a number, or a function of the updates made so far.
 *
 * @example
 * const tx = optim.multiSteps(optim.adam(1e-3), 4);
 */
export function multiSteps<S extends OptState>(
  inner: GradientTransformation<S>,
  everyKSchedule: number | ((gradientStep: NDArray) => Scalar),
  options: MultiStepsOptions = {},
): MultiSteps<S> {
  const { useGradMean = true, accumulatorDtype = "float32" } = options;
  const skip = options.shouldSkipUpdateFn ?? (() => [np.array(false), []] as const);
  const accumulate = (g: NDArray, sum: NDArray, n: NDArray): NDArray =>
    useGradMean ? add(sum, div(sub(g, sum), add(n, 1))) : add(g, sum);

  return {
    init(params) {
      const gradientStep = zeroCount();
      return {
        miniStep: zeroCount(),
        gradientStep,
        innerOptState: inner.init(params),
        accGrads: zerosLike(params, accumulatorDtype),
        skipState: skip(zerosLike(params), gradientStep, params)[1],
      };
    },

    update<P>(updates: P, state: MultiStepsState<S>, params: unknown = null, extraArgs: ExtraArgs = {}) {
      const k = typeof everyKSchedule === "number" ? everyKSchedule : everyKSchedule(state.gradientStep);
      const [shouldSkip, skipState] = skip(updates, state.gradientStep, params);
      if (shouldSkip.dtype !== "bool" || shouldSkip.ndim > 0) {
        throw new RematValueError(
          "multiSteps asked whether to skip a gradient: The `shouldSkipUpdateFn` function should return a boolean scalar array, but it returned an " +
            `array of dtype ${shouldSkip.dtype} and shape (${shouldSkip.shape.join(", ")}). Reduce it with np.any or np.all.`,
        );
      }

      type Step = [updates: P, state: MultiStepsState<S>];
      const take = (updates: P, state: MultiStepsState<S>, params: unknown): Step => {
        const sums = mapTree((g, sum) => accumulate(g, sum, state.miniStep), updates as ArrayTree, state.accGrads);
        const given = castLike(sums as P, updates);
        const [steps, innerState] = inner.update(given, state.innerOptState, params, extraArgs);
        const emit = equal(state.miniStep, typeof k === "number" ? k - 1 : sub(k, 1));
        const next: MultiStepsState<S> = {
          miniStep: remainder(safeIncrement(state.miniStep), k),
          gradientStep: add(mul(emit, safeIncrement(state.gradientStep)), mul(sub(1, emit), state.gradientStep)),
          innerOptState: mapTree(
            (old, now) => astype(where(emit, now, old), old.dtype),
            state.innerOptState,
            innerState,
          ),
          accGrads: mapTree((sum) => astype(mul(sub(1, emit), sum), accumulatorDtype), sums),
          skipState,
        };
        return [mapTree((step) => mul(emit, step), steps), next];
      };
      const leave = (updates: P, state: MultiStepsState<S>): Step => [
        mapTree((g) => np.zerosLike(g), updates),
        { ...state, skipState },
      ];
      return cond(shouldSkip, leave, take, updates, state, params);
    },

    hasUpdated: (state) => np.logicalAnd(equal(state.miniStep, 0), np.greater(state.gradientStep, 0)),
  };
}

/** Skips gradients with an infinity or NaN in them, for `multiSteps`. */
export const skipNotFinite: ShouldSkipUpdate = (updates) => {
  const numNotFinite = np.sum(np.array(arraysOf(updates).map((g) => np.sum(np.logicalNot(np.isfinite(g))))));
  const shouldSkip = np.greater(numNotFinite, 0);
  return [shouldSkip, { shouldSkip, numNotFinite }];
};

/** Skips gradients whose norm, squared, is not below a bound, for `multiSteps`. */
export const skipLargeUpdates =
  (maxSquaredNorm: Scalar): ShouldSkipUpdate =>
  (updates) => {
    const normSquared = np.sum(np.array(arraysOf(updates).map((g) => np.sum(np.power(g, 2)))));
    const shouldSkip = np.logicalNot(np.less(normSquared, maxSquaredNorm));
    return [shouldSkip, { shouldSkip, normSquared }];
  };
