/**
 * Adafactor's memory (Shazeer & Stern 2018): of the running squares of a matrix only the means of rows and columns are kept, whose product
 * stands for the whole.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  expandDims,
  mean,
  multiply as mul,
  power,
  subtract as sub,
  trueDivide as div,
  zeros,
} from "../numpy/index.ts";
import { float } from "../numpy/asarray.ts";
import { flatten, flattenUpTo, unflatten } from "../tree.ts";
import { arraysOf, requireParams, type ArrayTree, type GradientTransformation, type Scalar } from "./base.ts";
import { absSq, oneMinus, safeIncrement, zeroCount } from "./moments.ts";

/** Means of rows and columns, or all squares for arrays that are not factored; an array of one zero stands for what is not kept. */
export type FactoredState = {
  readonly count: NDArray;
  readonly vRow: ArrayTree;
  readonly vCol: ArrayTree;
  readonly v: ArrayTree;
};

export interface FactoredRmsOptions {
  /** Whether to factor at all. */
  readonly factored?: boolean;
  /** The exponent of the decay, or what `decayRateFn` takes. */
  readonly decayRate?: Scalar;
  /** Steps made before, when training goes on. */
  readonly stepOffset?: Scalar;
  /** Only arrays whose second-largest dimension is at least this are factored. */
  readonly minDimSizeToFactor?: number;
  /** Added to the squares. */
  readonly epsilon?: Scalar;
  readonly decayRateFn?: (step: NDArray, decayRate: Scalar) => NDArray;
}

/** 1 - (step + 1)^-exponent */
const decayRatePow = (step: NDArray, exponent: Scalar): NDArray =>
  sub(
    1,
    power(np.array(add(step, 1), "float32"), typeof exponent === "number" ? float(-exponent) : np.negative(exponent)),
  );

/** The second-largest and the largest dimension, if both are large enough. */
function factoredDims(shape: Shape, factored: boolean, minDimSize: number): readonly [number, number] | null {
  if (!factored || shape.length < 2) return null;
  const order = shape.map((_, i) => i).sort((i, j) => shape[i] - shape[j] || i - j);
  const [second, largest] = order.slice(-2);
  return shape[second] < minDimSize ? null : [second, largest];
}

interface Moments {
  readonly vRow: NDArray;
  readonly vCol: NDArray;
  readonly v: NDArray;
}

const without = (shape: Shape, axis: number): number[] => shape.filter((_, i) => i !== axis);

/** Over the root of running squares that are kept factored. */
export function scaleByFactoredRms(options: FactoredRmsOptions = {}): GradientTransformation<FactoredState> {
  const { factored = true, decayRate = 0.8, stepOffset = 0, minDimSizeToFactor = 128, epsilon = 1e-30 } = options;
  const decayRateFn = options.decayRateFn ?? decayRatePow;

  const initial = ({ shape, dtype }: NDArray): Moments => {
    const dims = factoredDims(shape, factored, minDimSizeToFactor);
    if (dims === null) return { vRow: zeros([1], dtype), vCol: zeros([1], dtype), v: zeros(shape, dtype) };
    const [d1, d0] = dims;
    return { vRow: zeros(without(shape, d0), dtype), vCol: zeros(without(shape, d1), dtype), v: zeros([1], dtype) };
  };

  const next = (
    grad: NDArray,
    old: Moments,
    { shape, dtype }: NDArray,
    step: NDArray,
  ): Moments & { update: NDArray } => {
    const decay = decayRateFn(sub(step, stepOffset), decayRate);
    const [noRow, noCol, none] = [zeros([1], dtype), zeros([1], dtype), zeros([1], dtype)];
    const dims = factoredDims(shape, factored, minDimSizeToFactor);
    const squares = add(absSq(grad), epsilon);
    const average = (v: NDArray, now: () => NDArray): NDArray =>
      np.astype(add(mul(decay, v), mul(oneMinus(decay), now())), dtype);
    if (dims === null) {
      const v = average(old.v, () => squares);
      return { update: mul(grad, power(v, -0.5)), vRow: noRow, vCol: noCol, v };
    }
    const [d1, d0] = dims;
    const vRow = average(old.vRow, () => mean(squares, d0));
    const vCol = average(old.vCol, () => mean(squares, d1));
    const rowMean = mean(vRow, { axis: d1 > d0 ? d1 - 1 : d1, keepdims: true });
    const rowFactor = power(div(vRow, rowMean), -0.5);
    const colFactor = power(vCol, -0.5);
    const update = mul(mul(grad, expandDims(rowFactor, d0)), expandDims(colFactor, d1));
    return { update, vRow, vCol, v: none };
  };

  return {
    init(params) {
      const { treedef } = flatten(params);
      const moments = arraysOf(params).map(initial);
      const tree = (key: keyof Moments): ArrayTree =>
        unflatten(
          treedef,
          moments.map((m) => m[key]),
        ) as ArrayTree;
      return { count: zeroCount(), vRow: tree("vRow"), vCol: tree("vCol"), v: tree("v") };
    },
    update<P>(updates: P, state: FactoredState, params?: unknown) {
      const { treedef } = flatten(updates);
      const parts = (tree: unknown): NDArray[] => flattenUpTo(updates, tree) as NDArray[];
      const [vRow, vCol, v] = [parts(state.vRow), parts(state.vCol), parts(state.v)];
      const like = arraysOf(parts(requireParams(params, "scaleByFactoredRms")));
      const results = arraysOf(updates).map((g, i) =>
        next(g, { vRow: vRow[i], vCol: vCol[i], v: v[i] }, like[i], state.count),
      );
      const tree = (key: keyof Moments | "update"): ArrayTree =>
        unflatten(
          treedef,
          results.map((r) => r[key]),
        ) as ArrayTree;
      const nextState = { count: safeIncrement(state.count), vRow: tree("vRow"), vCol: tree("vCol"), v: tree("v") };
      return [tree("update") as P, nextState];
    },
  };
}
