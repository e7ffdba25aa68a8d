/**
 * Schedules: hyperparameters as functions of the number of updates made so far. A count may be a host number or an array, traced ones
 * included; what comes is an array, in float32.
 */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import { float } from "../numpy/asarray.ts";
import * as np from "../numpy/index.ts";
import {
  add,
  less,
  lessEqual,
  logicalAnd,
  maximum,
  minimum,
  multiply as mul,
  power,
  subtract as sub,
  trueDivide as div,
  where,
} from "../numpy/index.ts";
import type { Scalar, Schedule } from "./base.ts";
import { oneMinus } from "./moments.ts";

const minus = (x: Scalar, y: Scalar): Scalar => (typeof x === "number" && typeof y === "number" ? x - y : sub(x, y));
const over = (x: Scalar, y: Scalar): Scalar => (typeof x === "number" && typeof y === "number" ? x / y : div(x, y));

/** Always the same value. */
export const constantSchedule =
  (value: Scalar): Schedule =>
  () =>
    value;

/**
 * From `initValue` to `endValue` within `transitionSteps`, which begin after `transitionBegin`: what is left of the way falls as a power of the
 * time left. Without steps it stays at `initValue`.
 */
export function polynomialSchedule(
  initValue: Scalar,
  endValue: Scalar,
  exponent: Scalar,
  transitionSteps: number,
  options: { readonly transitionBegin?: number } = {},
): Schedule {
  if (transitionSteps <= 0) return constantSchedule(initValue);
  const begin = Math.max(options.transitionBegin ?? 0, 0);
  return (count) => {
    const step = np.clip(sub(count, begin), 0, transitionSteps);
    const left = sub(1, div(step, transitionSteps));
    return add(mul(minus(initValue, endValue), power(left, exponent)), endValue);
  };
}

/** A straight line from `initValue` to `endValue`. */
export const linearSchedule = (
  initValue: Scalar,
  endValue: Scalar,
  transitionSteps: number,
  options: { readonly transitionBegin?: number } = {},
): Schedule => polynomialSchedule(initValue, endValue, 1, transitionSteps, options);

/** The boundaries and what follows them, in order. */
export type BoundariesAndScales = Readonly<Record<number, number>> | ReadonlyMap<number, number>;

function sortedBoundaries(given: BoundariesAndScales, name: string): (readonly [boundary: number, scale: number])[] {
  const entries = given instanceof Map ? [...(given as ReadonlyMap<number, number>)] : Object.entries(given);
  const sorted = entries.map(([k, v]) => [Number(k), Number(v)] as const).sort(([a], [b]) => a - b);
  const bad = sorted.find(([, scale]) => !(scale >= 0));
  if (bad !== undefined) {
    throw new RematValueError(
      `\`${name}\` expects non-negative scale factors, got ${bad[1]} at step ${bad[0]}. A scale multiplies the value before it.`,
    );
  }
  return sorted;
}

/** Constant between boundaries: at each of them the value is multiplied by its scale. */
export function piecewiseConstantSchedule(initValue: Scalar, boundariesAndScales: BoundariesAndScales = {}): Schedule {
  const boundaries = sortedBoundaries(boundariesAndScales, "piecewiseConstantSchedule");
  return (count) =>
    boundaries.reduce<Scalar>((value, [boundary, scale]) => {
      const isBefore = maximum(float(0), np.sign(sub(boundary, count)));
      return add(mul(value, isBefore), mul(mul(sub(1, isBefore), scale), value));
    }, initValue);
}

export interface ExponentialDecayOptions {
  readonly transitionBegin?: number;
  /** Whether the exponent moves by whole numbers. */
  readonly staircase?: boolean;
  /** Where the decay (or growth) ends. */
  readonly endValue?: Scalar | null;
}

/** `initValue decayRate^(count / transitionSteps)` */
export function exponentialDecay(
  initValue: Scalar,
  transitionSteps: number,
  decayRate: number,
  options: ExponentialDecayOptions = {},
): Schedule {
  if (transitionSteps <= 0 || decayRate === 0) return constantSchedule(initValue);
  const { staircase = false, endValue = null } = options;
  const begin = Math.max(options.transitionBegin ?? 0, 0);
  const bound = decayRate < 1 ? maximum : minimum;
  return (count) => {
    const step = sub(count, begin);
    const exact = div(step, transitionSteps);
    const exponent = staircase ? np.floor(exact) : exact;
    const value = where(lessEqual(step, 0), initValue, mul(initValue, power(float(decayRate), exponent)));
    return endValue === null ? value : bound(value, endValue);
  };
}

const countAsFloat = (count: Scalar): NDArray => (typeof count === "number" ? float(count) : count);

/** Half a cosine from `initValue` to `alpha initValue` within `decaySteps` (Loshchilov & Hutter 2016). */
export function cosineDecaySchedule(
  initValue: Scalar,
  decaySteps: number,
  options: { readonly alpha?: Scalar; readonly exponent?: number } = {},
): Schedule {
  if (!(decaySteps > 0)) {
    throw new RematValueError(
      `The cosineDecaySchedule requires positive decaySteps, got decaySteps=${decaySteps}. Give the number of steps until the end.`,
    );
  }
  const { alpha = 0, exponent = 1 } = options;
  return (count) => {
    const step = minimum(countAsFloat(count), float(decaySteps));
    const cosine = mul(0.5, add(1, np.cos(div(mul(Math.PI, step), decaySteps))));
    return mul(initValue, add(mul(oneMinus(alpha), power(cosine, float(exponent))), alpha));
  };
}

/** One schedule after another: each begins, with a count of 0, at its boundary. */
export function joinSchedules(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  if (schedules.length === 0) {
    throw new RematValueError(
      "joinSchedules was given no schedules. Give at least one, and a boundary before each other one.",
    );
  }
  return (step) =>
    boundaries
      .slice(0, schedules.length - 1)
      .reduce<Scalar>(
        (value, boundary, i) => where(less(step, boundary), value, schedules[i + 1](minus(step, boundary))),
        schedules[0](step),
      );
}

/** A line to `peakValue`, and there it stays. */
export const warmupConstantSchedule = (initValue: Scalar, peakValue: Scalar, warmupSteps: number): Schedule =>
  linearSchedule(initValue, peakValue, warmupSteps);

/** A line to `peakValue`, then a cosine to `endValue`; `decaySteps` counts both. */
export function warmupCosineDecaySchedule(
  initValue: Scalar,
  peakValue: Scalar,
  warmupSteps: number,
  decaySteps: number,
  options: { readonly endValue?: Scalar; readonly exponent?: number } = {},
): Schedule {
  const { endValue = 0, exponent = 1 } = options;
  const alpha = peakValue === 0 ? 0 : over(endValue, peakValue);
  return joinSchedules(
    [
      linearSchedule(initValue, peakValue, warmupSteps),
      cosineDecaySchedule(peakValue, decaySteps - warmupSteps, { alpha, exponent }),
    ],
    [warmupSteps],
  );
}

/** A line to `peakValue`, then exponential decay. */
export const warmupExponentialDecaySchedule = (
  initValue: Scalar,
  peakValue: Scalar,
  warmupSteps: number,
  transitionSteps: number,
  decayRate: number,
  options: ExponentialDecayOptions = {},
): Schedule =>
  joinSchedules(
    [
      linearSchedule(initValue, peakValue, warmupSteps),
      exponentialDecay(peakValue, transitionSteps, decayRate, options),
    ],
    [warmupSteps],
  );

/** One cycle of warmup and cosine, by the names of the parameters of `warmupCosineDecaySchedule`. */
export interface CosineCycle {
  readonly initValue: Scalar;
  readonly peakValue: Scalar;
  readonly warmupSteps: number;
  readonly decaySteps: number;
  readonly endValue?: Scalar;
  readonly exponent?: number;
}

/** Warmup and cosine decay again and again (SGDR, Loshchilov & Hutter 2016). */
export function sgdrSchedule(cosineKwargs: Iterable<CosineCycle>): Schedule {
  const cycles = [...cosineKwargs];
  let end = 0;
  const ends = cycles.map((cycle) => (end += cycle.decaySteps));
  return joinSchedules(
    cycles.map((c) => warmupCosineDecaySchedule(c.initValue, c.peakValue, c.warmupSteps, c.decaySteps, c)),
    ends.slice(0, -1),
  );
}

const interpolations = {
  linear: (start: NDArray, end: NDArray, x: NDArray): NDArray => add(mul(sub(end, start), x), start),
  cosine: (start: NDArray, end: NDArray, x: NDArray): NDArray =>
    add(end, mul(div(sub(start, end), 2), add(np.cos(mul(Math.PI, x)), 1))),
} as const;

/** Like `piecewiseConstantSchedule`, but on the way between boundaries instead of jumping at them. */
export function piecewiseInterpolateSchedule(
  interpolateType: "linear" | "cosine",
  initValue: number,
  boundariesAndScales: BoundariesAndScales = {},
): Schedule {
  if (!Object.hasOwn(interpolations, interpolateType)) {
    throw new RematValueError(
      `\`interpolateType\` must be either 'cosine' or 'linear', got ${String(interpolateType)}. It says how to go from boundary to boundary.`,
    );
  }
  const interpolate = interpolations[interpolateType];
  const boundaries = sortedBoundaries(boundariesAndScales, "piecewiseInterpolateSchedule");
  const bounds = [0, ...boundaries.map(([boundary]) => boundary)];
  const factors = [initValue, ...boundaries.map(([, scale]) => scale)];
  const last = bounds.length - 1;
  return (count) => {
    const at = np.array(bounds, "int32");
    const values = np.cumprod(np.array(factors, "float32"));
    const [starts, ends] = [np.take(at, np.arange(last)), np.take(at, np.arange(1, last + 1))];
    const [from, to] = [np.take(values, np.arange(last)), np.take(values, np.arange(1, last + 1))];
    const isWithin = logicalAnd(lessEqual(starts, count), less(count, ends));
    const way = div(sub(count, starts), maximum(sub(ends, starts), 1));
    const within = np.dot(np.astype(isWithin, "float32"), interpolate(from, to, way));
    return add(within, mul(lessEqual(bounds[last], count), np.take(values, last)));
  };
}

/** Up to `peakValue`, down to where it began, and down further, along lines (Smith & Topin 2018). */
export function linearOnecycleSchedule(
  transitionSteps: number,
  peakValue: number,
  options: {
    readonly pctStart?: number;
    readonly pctFinal?: number;
    readonly divFactor?: number;
    readonly finalDivFactor?: number;
  } = {},
): Schedule {
  const { pctStart = 0.3, pctFinal = 0.85, divFactor = 25, finalDivFactor = 1e4 } = options;
  requireSteps(transitionSteps, "linearOnecycleSchedule");
  return piecewiseInterpolateSchedule(
    "linear",
    peakValue / divFactor,
    new Map([
      [Math.trunc(pctStart * transitionSteps), divFactor],
      [Math.trunc(pctFinal * transitionSteps), 1 / divFactor],
      [transitionSteps, 1 / finalDivFactor],
    ]),
  );
}

/** Up to `peakValue` and down again, along cosines. */
export function cosineOnecycleSchedule(
  transitionSteps: number,
  peakValue: number,
  options: { readonly pctStart?: number; readonly divFactor?: number; readonly finalDivFactor?: number } = {},
): Schedule {
  const { pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
  requireSteps(transitionSteps, "cosineOnecycleSchedule");
  return piecewiseInterpolateSchedule(
    "cosine",
    peakValue / divFactor,
    new Map([
      [Math.trunc(pctStart * transitionSteps), divFactor],
      [Math.trunc(transitionSteps), 1 / (divFactor * finalDivFactor)],
    ]),
  );
}

function requireSteps(transitionSteps: number, name: string): void {
  if (transitionSteps > 0) return;
  throw new RematValueError(
    `A ${name} was set with a non-positive \`transitionSteps\`: ${transitionSteps}. Give the number of steps of the cycle.`,
  );
}
