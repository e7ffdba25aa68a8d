/**
 * Optimizers that look at curvature through past steps: `lbfgs` multiplies gradients by an approximation of the inverse Hessian, made of the last
 * differences of parameters and gradients (Nocedal & Wright, Numerical Optimization, algorithm 7.4); `sm3` keeps one number for each row and column of an
 * array in place of one for each element (Anil et al. 2019, "Memory-Efficient Adaptive Optimization").
 *
 * Not there is Optax's default line search of `lbfgs`: the learning rate, or a transformation given as `linesearch`, scales its steps. Its programs have
 * Optax's values, but not the order of its equations.
 */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import { rsqrt, stopGradient } from "../lax/elementwise.ts";
import { scan } from "../lax/scan.ts";
import * as np from "../numpy/index.ts";
import { add, multiply as mul, remainder, subtract as sub, trueDivide as div, where } from "../numpy/index.ts";
import {
  arraysOf,
  identity,
  mapTree,
  requireParams,
  zerosLike,
  type ArrayTree,
  type GradientTransformation,
  type Scalar,
  type ScalarOrSchedule,
} from "./base.ts";
import { chain } from "./combining.ts";
import { asFloat, globalNorm, oneMinus, safeIncrement, squaredNorm, updateMoment, zeroCount } from "./moments.ts";
import { flatten, unflatten } from "../tree.ts";
import { scaleByLearningRate } from "./scaling.ts";

export type ScaleBySm3State = { readonly mu: ArrayTree; readonly nu: ArrayTree };

export interface Sm3Options {
  readonly b1?: Scalar;
  readonly b2?: Scalar;
  readonly eps?: Scalar;
}

/** One array for each axis of each array of a tree. */
const perAxis = (tree: unknown, f: (x: NDArray) => NDArray[]): ArrayTree => {
  const { leaves, treedef } = flatten(tree);
  return unflatten(treedef, (leaves as NDArray[]).map((x) => f(x)) as never) as ArrayTree;
};

/** Momentum of gradients that are divided by the roots of bounds for their sums of squares, one for each row and column. */
export function scaleBySm3(options: Sm3Options = {}): GradientTransformation<ScaleBySm3State> {
  const { b1 = 0.9, b2 = 1, eps = 1e-8 } = options;
  const share = b2 === 1 ? 1 : oneMinus(b2);
  const others = (x: NDArray, axis: number): number[] => x.shape.map((_, d) => d).filter((d) => d !== axis);
  const bounds = (x: NDArray): NDArray[] => x.shape.map((_, d) => (x.ndim < 2 ? x : np.max(x, others(x, d))));
  return {
    init: (params) => ({
      mu: perAxis(params, (p) => p.shape.map((n) => np.zeros([n], p.dtype))),
      nu: zerosLike(params),
    }),
    update<P>(updates: P, state: ScaleBySm3State) {
      const grads = arraysOf(updates);
      const mus = flatten(state.mu).leaves as NDArray[];
      let next = 0;
      const sums = grads.map((g) => {
        if (g.ndim === 0) {
          throw new RematValueError(
            "sm3 keeps a number for each row and column, and got a gradient of rank 0, which has none. Mask such parameters, or give them an axis.",
          );
        }
        const wide = g.shape.map((n, d) =>
          np.reshape(
            mus[next++],
            g.shape.map((_, i) => (i === d ? n : 1)),
          ),
        );
        return add(
          mul(share, np.square(g)),
          mul(
            b2,
            wide.reduce((a, b) => np.minimum(a, b)),
          ),
        );
      });
      const scaled = grads.map((g, i) => mul(g, where(np.greater(sums[i], 0), rsqrt(add(sums[i], eps)), 0)));
      const { treedef } = flatten(updates);
      const nu = updateMoment(unflatten(treedef, scaled), state.nu, b1, 1);
      const mu = perAxis(unflatten(treedef, sums), bounds);
      return [nu as P, { mu, nu }];
    },
  };
}

/** SM3 with momentum: less memory than AdaGrad's for the same kind of steps. */
export const sm3 = (learningRate: ScalarOrSchedule, momentum: Scalar = 0.9): GradientTransformation =>
  chain(scaleBySm3({ b1: momentum }), scaleByLearningRate(learningRate));

export type ScaleByLbfgsState = {
  readonly count: NDArray;
  readonly params: ArrayTree;
  readonly updates: ArrayTree;
  readonly diffParamsMemory: ArrayTree;
  readonly diffUpdatesMemory: ArrayTree;
  readonly weightsMemory: NDArray;
};

export interface ScaleByLbfgsOptions {
  /** How many past steps are remembered. */
  readonly memorySize?: number;
  /** Starts from a multiple of the identity that fits the last step, rather than from the identity. */
  readonly scaleInitPrecond?: boolean;
}

const dot = (a: unknown, b: unknown): NDArray => {
  const others = arraysOf(b);
  return arraysOf(a)
    .map((x, i) => np.real(np.vdot(x, others[i], { precision: "highest" })))
    .reduce((x, y) => add(x, y));
};

/** Gradients multiplied by an approximation of the inverse Hessian. The first step is no longer than one. */
export function scaleByLbfgs(options: ScaleByLbfgsOptions = {}): GradientTransformation<ScaleByLbfgsState> {
  const { memorySize = 10, scaleInitPrecond = true } = options;
  if (!(memorySize >= 1)) {
    throw new RematValueError(
      `memory_size must be >= 1: scaleByLbfgs got memorySize ${memorySize}. Remember one step or more.`,
    );
  }
  return {
    init(params) {
      const memory = mapTree((p) => np.zeros([memorySize, ...p.shape], p.dtype), params as ArrayTree);
      return {
        count: zeroCount(),
        params: zerosLike(params),
        updates: zerosLike(params),
        diffParamsMemory: memory,
        diffUpdatesMemory: memory,
        weightsMemory: np.zeros([memorySize]),
      };
    },
    update<P>(updates: P, state: ScaleByLbfgsState, params?: unknown) {
      const known = requireParams(params, "scaleByLbfgs") as ArrayTree;
      const grads = updates as ArrayTree;
      const { count } = state;
      const at = remainder(count, memorySize);
      const before = remainder(sub(count, 1), memorySize);
      const later = np.greater(count, 0);
      const known0 = (x: NDArray): NDArray => where(later, x, np.zerosLike(x));
      const moved = mapTree((p, q) => sub(p, q), known, state.params);
      const turned = mapTree((g, h) => sub(g, h), grads, state.updates);
      const product = dot(turned, moved);
      const weight = known0(where(np.equal(product, 0), 0, div(1, product)));
      const diffParams = mapTree(known0, moved);
      const diffUpdates = mapTree(known0, turned);
      const written = (memory: NDArray, x: NDArray): NDArray => memory.at(before).set(x);
      const diffParamsMemory = mapTree(written, state.diffParamsMemory, diffParams);
      const diffUpdatesMemory = mapTree(written, state.diffUpdatesMemory, diffUpdates);
      const weightsMemory = written(state.weightsMemory, weight);
      let scaling: NDArray | null = null;
      if (scaleInitPrecond) {
        const length = squaredNorm(diffUpdates);
        const fitting = where(np.greater(length, 0), div(dot(diffUpdates, diffParams), length), 1);
        const norm = globalNorm(mapTree((g) => stopGradient(g), grads));
        scaling = where(later, fitting, np.minimum(1, div(1, norm)));
      }
      const out = preconditioned(
        grads,
        { diffParamsMemory, diffUpdatesMemory, weightsMemory },
        scaling,
        at,
        memorySize,
      );
      return [
        out as P,
        {
          count: safeIncrement(count),
          params: known,
          updates: grads,
          diffParamsMemory,
          diffUpdatesMemory,
          weightsMemory,
        },
      ];
    },
  };
}

type Memory = Pick<ScaleByLbfgsState, "diffParamsMemory" | "diffUpdatesMemory" | "weightsMemory">;

/** Two loops over what is remembered: from the last step to the first, and back. */
function preconditioned(
  updates: ArrayTree,
  { diffParamsMemory, diffUpdatesMemory, weightsMemory }: Memory,
  scaling: NDArray | null,
  at: NDArray,
  size: number,
): ArrayTree {
  const indices = remainder(add(at, np.arange(size)), size);
  const entry = (memory: ArrayTree, i: NDArray): ArrayTree => mapTree((x) => x.get(i), memory);
  const moved = (tree: ArrayTree, by: NDArray, along: ArrayTree): ArrayTree =>
    mapTree((x, d) => np.astype(add(x, mul(by, d)), x.dtype), tree, along);
  const back = (tree: ArrayTree, i: NDArray): [ArrayTree, NDArray] => {
    const alpha = mul(weightsMemory.get(i), dot(entry(diffParamsMemory, i), tree));
    return [moved(tree, np.negative(alpha), entry(diffUpdatesMemory, i)), alpha];
  };
  const forth = (tree: ArrayTree, [i, alpha]: readonly [NDArray, NDArray]): [ArrayTree, null] => {
    const beta = mul(weightsMemory.get(i), dot(entry(diffUpdatesMemory, i), tree));
    return [moved(tree, sub(alpha, beta), entry(diffParamsMemory, i)), null];
  };
  const [down, alphas] = scan(back as never, updates as never, indices, { reverse: true }) as unknown as [
    ArrayTree,
    NDArray,
  ];
  const scaled = scaling === null ? down : mapTree((x) => mul(scaling, x), down);
  return scan(forth as never, scaled as never, [indices, alphas] as never)[0];
}

export interface LbfgsOptions extends ScaleByLbfgsOptions {
  /** What scales the steps further, such as a line search; nothing by default (in Optax a zoom line search). */
  readonly linesearch?: GradientTransformation | null;
}

/** L-BFGS with steps of a given length: descent along gradients that are multiplied by an approximation of the inverse Hessian. */
export const lbfgs = (
  learningRate: ScalarOrSchedule | null = null,
  options: LbfgsOptions = {},
): GradientTransformation =>
  chain(
    scaleByLbfgs(options),
    learningRate === null ? scaleByLearningRate(1) : scaleByLearningRate(learningRate),
    options.linesearch ?? identity(),
  );

export type LookaheadState = { readonly fastState: ArrayTree; readonly stepsSinceSync: NDArray };

/** The parameters of `lookahead`: gradients are taken at the fast ones, the slow ones are to be used. */
export interface LookaheadParams<P> {
  readonly fast: P;
  readonly slow: P;
}

/** Fast and slow parameters that are the same, to start with. */
export const lookaheadParams = <P>(params: P): LookaheadParams<P> => ({ fast: params, slow: params });

export interface LookaheadOptions {
  /** Starts the fast optimizer anew whenever the slow parameters have moved. */
  readonly resetState?: boolean;
}

/**
 * Lookahead (Zhang et al. 2019): after every `syncPeriod` steps of a fast optimizer the slow parameters go a part of the way towards the fast
 * ones, which then start from there. Parameters are those of `lookaheadParams`; updates of gradients at `params.fast` are given for both.
 */
export function lookahead(
  fastOptimizer: GradientTransformation,
  syncPeriod: number,
  slowStepSize: Scalar,
  options: LookaheadOptions = {},
): GradientTransformation<LookaheadState> {
  if (!(syncPeriod >= 1)) {
    throw new RematValueError(
      `Synchronization period must be >= 1: lookahead got ${syncPeriod}. Make one fast step or more.`,
    );
  }
  return {
    init: (params) => ({
      fastState: fastOptimizer.init((params as Partial<LookaheadParams<unknown>>).fast ?? params),
      stepsSinceSync: zeroCount(),
    }),
    update<P>(updates: P, state: LookaheadState, params?: unknown, extraArgs = {}) {
      const { fast, slow } = requireParams(params, "lookahead") as LookaheadParams<ArrayTree>;
      const [steps, advanced] = fastOptimizer.update(updates as ArrayTree, state.fastState, fast, extraArgs);
      const sync = np.equal(state.stepsSinceSync, syncPeriod - 1);
      const apart = mapTree((f, u, s) => sub(add(f, u), s), fast, steps, slow);
      const part = (size: Scalar): NDArray => mul(asFloat(size), np.astype(sync, "float32"));
      const slowSteps = mapTree((d) => np.astype(mul(part(slowStepSize), d), d.dtype), apart);
      const fastSteps = mapTree(
        (u, d) => sub(u, np.astype(mul(part(oneMinus(slowStepSize)), d), d.dtype)),
        steps,
        apart,
      );
      const fastState =
        options.resetState === true
          ? mapTree((x, start) => where(sync, start, x), advanced, fastOptimizer.init(fast))
          : advanced;
      const stepsSinceSync = remainder(add(state.stepsSinceSync, 1), syncPeriod);
      return [{ fast: fastSteps, slow: slowSteps } as unknown as P, { fastState, stepsSinceSync }];
    },
  };
}
