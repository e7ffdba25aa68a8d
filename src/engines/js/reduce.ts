/**
 * Reductions: the axes that go away are brought to the end, so that every result is a fold over a stretch of elements. Products of
 * floats are kept in double precision and rounded once; sums have an order of their own.
 */
import { ConcreteArray } from "../../core/array.ts";
import type { ShapedArray } from "../../core/aval.ts";
import { dtypes, isComplex } from "../../core/dtype.ts";
import { evalJaxpr } from "../../core/evalJaxpr.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../core/halfFloat.ts";
import { evalTrace, withTrace } from "../../core/interpreter.ts";
import { readElement, writeElement } from "../../core/scalar.ts";
import { remaining } from "../../primitives/axes.ts";
import type { CumulativeParams } from "../../primitives/cumulative.ts";
import type { ArgParams, ReduceParams } from "../../primitives/reduce.ts";
import type { AxesParams } from "../../primitives/shape.ts";
import type { Kernel } from "./kernel.ts";
import { orderedSum } from "./orderedSum.ts";
import { bigsOf, isBig, numbersOf, stored } from "./numbers.ts";
import { paired, partsOf } from "./parts.ts";
import { permuted, stridesOf } from "./shape.ts";

/** The array with the given axes last. */
function withAxesLast(x: ConcreteArray, axes: readonly number[]): ConcreteArray {
  const order = [...remaining(x.ndim, axes), ...axes.toSorted((a, b) => a - b)];
  return order.every((a, i) => a === i) ? x : new ConcreteArray(x.aval, permuted(x, order));
}

interface Fold {
  readonly start: number;
  readonly step: (acc: number, x: number) => number;
  readonly bigStart: bigint;
  readonly bigStep: (acc: bigint, x: bigint) => bigint;
}

const bigFold = (fold: Fold, values: readonly bigint[], at: number, n: number): bigint => {
  let acc = fold.bigStart;
  for (let i = at; i < at + n; i++) acc = fold.bigStep(acc, values[i]);
  return acc;
};

/** A kernel that folds each stretch of elements to one. */
const folding =
  (fold: Fold): Kernel =>
  ([operand], [out], params) => {
    const x = withAxesLast(operand, (params as AxesParams).axes);
    const dtype = out.dtype;
    const count = out.size;
    const n = count === 0 ? 0 : x.size / count;
    if (isBig(dtype)) {
      const values = bigsOf(x);
      const result = new dtypes[dtype].storage(count) as BigInt64Array;
      for (let r = 0; r < count; r++) result[r] = BigInt.asIntN(64, bigFold(fold, values, r * n, n));
      return [result];
    }
    const values = numbersOf(x);
    const result = new Float64Array(count);
    for (let r = 0; r < count; r++) {
      let acc = fold.start;
      for (let i = r * n; i < (r + 1) * n; i++) acc = fold.step(acc, values[i]);
      result[r] = acc;
    }
    return [stored(result, dtype)];
  };

const fold = (
  start: number,
  step: (acc: number, x: number) => number,
  bigStart: bigint,
  bigStep: (acc: bigint, x: bigint) => bigint,
): Fold => ({ start, step, bigStart, bigStep });

const sumFold = fold(
  0,
  (a, x) => a + x,
  0n,
  (a, x) => a + x,
);
const sumReals = folding(sumFold);

const reduceSum: Kernel = (args, outs, params) => {
  const { dtype } = outs[0];
  if (dtypes[dtype].kind === "float") return [orderedSum(args[0], outs[0], (params as AxesParams).axes)];
  if (!isComplex(dtype)) return sumReals(args, outs, params);
  // The parts of complex numbers are added like numbers of their own.
  const [re, im] = partsOf(args[0]).map((part) =>
    orderedSum(part, outs[0].update({ dtype: part.dtype }), (params as AxesParams).axes),
  );
  return [paired(re as Float64Array, im as Float64Array, dtype)];
};

const isInt32 = (aval: ShapedArray): boolean => dtypes[aval.dtype].kind === "int" || dtypes[aval.dtype].kind === "uint";

const productOfFloats = folding(
  fold(
    1,
    (a, x) => a * x,
    1n,
    (a, x) => a * x,
  ),
);
const productOfInts = folding(fold(1, Math.imul, 1n, (a, x) => a * x));

const reduceProd: Kernel = (args, outs, params) => {
  if (!isComplex(outs[0].dtype)) return (isInt32(outs[0]) ? productOfInts : productOfFloats)(args, outs, params);
  const x = withAxesLast(args[0], (params as AxesParams).axes);
  const values = x.data as Float64Array;
  const count = outs[0].size;
  const n = count === 0 ? 0 : x.size / count;
  const result = new Float64Array(2 * count);
  for (let r = 0; r < count; r++) {
    let [re, im] = [1, 0];
    for (let i = r * n; i < (r + 1) * n; i++) {
      const [a, b] = [values[2 * i], values[2 * i + 1]];
      [re, im] = [re * a - im * b, re * b + im * a];
    }
    result[2 * r] = re;
    result[2 * r + 1] = im;
  }
  return [stored(result, outs[0].dtype)];
};

/** NaN wins, as in NumPy, and 0 is larger than -0. */
const larger = (a: number, x: number): number => Math.max(a, x);
const smaller = (a: number, x: number): number => Math.min(a, x);
const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 64n - 1n;

/** Complex numbers are in order of their real parts, and of their imaginary parts where those are equal. */
function complexExtremum(
  operand: ConcreteArray,
  out: ShapedArray,
  { axes }: AxesParams,
  sign: 1 | -1,
): Float32Array | Float64Array {
  const x = withAxesLast(operand, axes);
  const values = x.data;
  const n = out.size === 0 ? 0 : x.size / out.size;
  const result = new dtypes[out.dtype].storage(2 * out.size) as Float64Array;
  for (let r = 0; r < out.size; r++) {
    let [re, im] = [-sign * Infinity, -sign * Infinity];
    for (let i = r * n; i < (r + 1) * n; i++) {
      const [a, b] = [Number(values[2 * i]), Number(values[2 * i + 1])];
      if (a === re ? sign * b > sign * im : sign * a > sign * re || a !== a) [re, im] = [a, b];
    }
    result[2 * r] = re;
    result[2 * r + 1] = im;
  }
  return result;
}

/** Maxima and minima of integers start at the bounds of the dtype, which matters for empty stretches only. */
const extremum =
  (step: (a: number, x: number) => number, bigStep: (a: bigint, x: bigint) => bigint, sign: 1 | -1): Kernel =>
  (args, outs, params) => {
    const { kind, bytes } = dtypes[outs[0].dtype];
    if (kind === "complex") return [complexExtremum(args[0], outs[0], params as AxesParams, sign)];
    const bits = 8 * bytes;
    const low = kind === "int" ? -(2 ** (bits - 1)) : kind === "uint" || kind === "bool" ? 0 : -Infinity;
    const high =
      kind === "int" ? 2 ** (bits - 1) - 1 : kind === "uint" ? 2 ** bits - 1 : kind === "bool" ? 1 : Infinity;
    return folding(
      fold(
        sign > 0 ? low : high,
        step,
        sign > 0 ? (kind === "uint" ? 0n : LOWEST) : kind === "uint" ? HIGHEST : -LOWEST - 1n,
        bigStep,
      ),
    )(args, outs, params);
  };

const reduceMax = extremum(larger, (a, x) => (x > a ? x : a), 1);
const reduceMin = extremum(smaller, (a, x) => (x < a ? x : a), -1);

/** The first place of the largest (or smallest) element; NaN counts as the largest (smallest). */
const argument =
  (better: (x: number | bigint, best: number | bigint) => boolean): Kernel =>
  ([operand], [out], params) => {
    const x = withAxesLast(operand, (params as ArgParams).axes);
    const values: ArrayLike<number | bigint> = isBig(x.dtype) ? bigsOf(x) : numbersOf(x);
    const n = out.size === 0 ? 0 : x.size / out.size;
    const result = dtypes[out.dtype].storage;
    const places = new result(out.size);
    for (let r = 0; r < out.size; r++) {
      let best = 0;
      for (let i = 1; i < n; i++) {
        const [v, b] = [values[r * n + i], values[r * n + best]];
        if (b !== b) break;
        if (v !== v || better(v, b)) best = i;
      }
      writeElement(places, out.dtype, r, best);
    }
    return [places];
  };

/** Any function of the jaxpr's, applied element after element. */
const reduce: Kernel = (args, outs, params) => {
  const { dimensions, jaxpr } = params as ReduceParams;
  const half = args.length / 2;
  const xs = args.slice(0, half).map((x) => withAxesLast(x, dimensions));
  const results = outs.map((aval) => new dtypes[aval.dtype].storage(aval.size * dtypes[aval.dtype].lanes));
  const count = outs[0].size;
  const n = count === 0 ? 0 : xs[0].size / count;
  const at = (x: ConcreteArray, i: number): ConcreteArray => {
    const { lanes } = dtypes[x.dtype];
    return new ConcreteArray(x.aval.update({ shape: [] }), x.data.slice(i * lanes, (i + 1) * lanes));
  };
  for (let r = 0; r < count; r++) {
    let acc = args.slice(half);
    for (let i = r * n; i < (r + 1) * n; i++) {
      const next = [...acc, ...xs.map((x) => at(x, i))];
      acc = withTrace(evalTrace(), () => evalJaxpr(jaxpr.jaxpr, jaxpr.consts, next)) as ConcreteArray[];
    }
    acc.forEach((x, k) => writeElement(results[k], outs[k].dtype, r, readElement(x.data, x.dtype, 0)));
  }
  return results;
};

/** A running fold along an axis. */
const running =
  (fold: Fold): Kernel =>
  ([x], [out], params) => {
    const { axis, reverse } = params as CumulativeParams;
    const n = x.shape[axis];
    const stride = stridesOf(x.shape)[axis];
    const size = out.size;
    const walk = <T>(values: ArrayLike<T>, start: T, step: (acc: T, x: T) => T, result: { [i: number]: T }): void => {
      for (let line = 0; line < size / n; line++) {
        const first = Math.floor(line / stride) * stride * n + (line % stride);
        let acc = start;
        for (let k = 0; k < n; k++) {
          const i = first + (reverse ? n - 1 - k : k) * stride;
          acc = step(acc, values[i]);
          result[i] = acc;
        }
      }
    };
    if (n === 0) return [x.data];
    if (isBig(out.dtype)) {
      const result = new dtypes[out.dtype].storage(size) as BigInt64Array;
      const wrapped = out.dtype === "uint64" ? BigInt.asUintN : BigInt.asIntN;
      walk(bigsOf(x), fold.bigStart, (a, v) => wrapped(64, fold.bigStep(a, v)), result);
      return [result];
    }
    const result = new Float64Array(size);
    // Half precision is rounded at each place, as in JAX: otherwise one result would not follow from the one before it.
    const step: Fold["step"] =
      out.dtype === "float16"
        ? (a, v) => fromFloat16(toFloat16(fold.step(a, v)))
        : out.dtype === "bfloat16"
          ? (a, v) => fromBfloat16(toBfloat16(fold.step(a, v)))
          : fold.step;
    walk(numbersOf(x) as ArrayLike<number>, fold.start, step, result);
    return [stored(result, out.dtype)];
  };

const runningComplex =
  (step: (re: number, im: number, a: number, b: number) => [number, number], start: number): Kernel =>
  ([x], [out], params) => {
    const { axis, reverse } = params as CumulativeParams;
    const n = x.shape[axis];
    const stride = stridesOf(x.shape)[axis];
    const values = x.data as Float64Array;
    const result = new Float64Array(2 * out.size);
    for (let line = 0; n > 0 && line < out.size / n; line++) {
      const first = Math.floor(line / stride) * stride * n + (line % stride);
      let [re, im] = [start, 0];
      for (let k = 0; k < n; k++) {
        const i = first + (reverse ? n - 1 - k : k) * stride;
        [re, im] = step(re, im, values[2 * i], values[2 * i + 1]);
        result[2 * i] = re;
        result[2 * i + 1] = im;
      }
    }
    return [stored(result, out.dtype)];
  };

const byKind =
  (floats: Kernel, ints: Kernel, complex: Kernel): Kernel =>
  (args, outs, params) =>
    (isComplex(outs[0].dtype) ? complex : isInt32(outs[0]) ? ints : floats)(args, outs, params);

const logAddExp = (a: number, x: number): number => {
  if (a === -Infinity) return x;
  if (x === -Infinity) return a;
  const high = Math.max(a, x);
  return high === Infinity ? Infinity : high + Math.log1p(Math.exp(-Math.abs(a - x)));
};

const noBig = (): never => {
  throw new RangeError("cumlogsumexp takes floats");
};

export const reduceKernels = {
  reduce_sum: reduceSum,
  reduce_prod: reduceProd,
  reduce_max: reduceMax,
  reduce_min: reduceMin,
  reduce_and: folding(
    fold(
      -1,
      (a, x) => a & x,
      -1n,
      (a, x) => a & x,
    ),
  ),
  reduce_or: folding(
    fold(
      0,
      (a, x) => a | x,
      0n,
      (a, x) => a | x,
    ),
  ),
  reduce_xor: folding(
    fold(
      0,
      (a, x) => a ^ x,
      0n,
      (a, x) => a ^ x,
    ),
  ),
  argmax: argument((x, best) => x > best),
  argmin: argument((x, best) => x < best),
  reduce,
  cumsum: byKind(
    running(sumFold),
    running(sumFold),
    runningComplex((re, im, a, b) => [re + a, im + b], 0),
  ),
  cumprod: byKind(
    running(
      fold(
        1,
        (a, x) => a * x,
        1n,
        (a, x) => a * x,
      ),
    ),
    running(fold(1, Math.imul, 1n, (a, x) => a * x)),
    runningComplex((re, im, a, b) => [re * a - im * b, re * b + im * a], 1),
  ),
  cummax: running(fold(-Infinity, larger, LOWEST, (a, x) => (x > a ? x : a))),
  cummin: running(fold(Infinity, smaller, HIGHEST, (a, x) => (x < a ? x : a))),
  cumlogsumexp: running(fold(-Infinity, logAddExp, 0n, noBig)),
} as const satisfies Record<string, Kernel>;
