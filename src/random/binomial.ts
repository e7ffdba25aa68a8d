/**
 * The binomial distribution: the number of successes in `n` trials. Few expected successes are counted by inversion (sums of geometric
 * numbers), many are drawn by transformed rejection (Hörmann: The generation of binomial random variates, 1993).
 */
import type { NDArray } from "../core/array.ts";
import { floatBits, type DType } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { scan, whileLoop } from "../lax/loops.ts";
import { array, float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { getitem } from "../numpy/indexing.ts";
import {
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  equal,
  greater,
  greaterEqual,
  isinf,
  less,
  lessEqual,
} from "../numpy/logic.ts";
import { keyOf } from "../numpy/options.ts";
import { clip } from "../numpy/piecewise.ts";
import { broadcastShapes, promoteDtypesInexact } from "../numpy/promote.ts";
import { any } from "../numpy/reductions.ts";
import {
  absolute,
  add,
  ceil,
  floor,
  log,
  log1p,
  multiply,
  negative,
  sqrt,
  subtract,
  trueDivide,
} from "../numpy/ufuncs.ts";
import { stretched, where } from "../numpy/where.ts";
import { constLike, fullLike } from "../primitives/broadcasting.ts";
import { clamp, ne, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { accumulated, cumsum } from "../primitives/cumulative.ts";
import { jitCall } from "../primitives/jit.ts";
import { filled, movedAxis } from "../primitives/shape.ts";
import { elements } from "../lax/slicing.ts";
import { splitTyped, typedKey } from "./keys.ts";
import { sampleArguments, type SampleArguments } from "./normal.ts";
import { checkShape, floatDType, unitUniform, type Shape } from "./uniform.ts";

const STIRLING_TAIL = [
  0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
  0.0138761288230707, 0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
];

/** What Stirling's formula lacks of log k!. */
function stirlingTail(given: NDArray): NDArray {
  const table = array(STIRLING_TAIL, { dtype: given.dtype });
  const small = lessEqual(given, 9);
  const k = clamp(constLike(given, 0), given, constLike(given, 9));
  const square = multiply(add(k, 1), add(k, 1));
  const inner = subtract(float(1 / 360), trueDivide(float(1 / 1260), square));
  const series = trueDivide(subtract(float(1 / 12), trueDivide(inner, square)), add(k, 1));
  const index = convertElementType(floor(k), "int32");
  return select(small, getitem(table, index), series);
}

type Loop = [step: NDArray, a: NDArray, b: NDArray, key: NDArray];

const loop = (running: (state: Loop) => NDArray, step: (state: Loop) => Loop, start: Loop): Loop =>
  whileLoop(running as never, step as never, start);

function byInversion(key: NDArray, count: NDArray, prob: NDArray, shape: Shape, dtype: DType, limit: number): NDArray {
  const failure = log1p(negative(prob));
  const step = ([i, number, total, k]: Loop): Loop => {
    const [sub, next] = elements(splitTyped(k));
    const counted = select(lessEqual(total, count), add(number, 1), number);
    const u = unitUniform(sub, shape, prob.dtype);
    const trials = ceil(trueDivide(log(u), failure));
    const sum = add(total, trials);
    return [add(i, 1), counted, sum, next];
  };
  const running = ([i, , total]: Loop): NDArray =>
    bitwiseAnd(any(lessEqual(total, count)), less(i, literal(limit, dtype)));
  const zero = filled(shape, 0, prob.dtype);
  const [, number] = loop(running, step, [toArray(0), zero, filled(shape, 0, prob.dtype), key]);
  return convertElementType(subtract(number, 1), dtype);
}

function byRejection(key: NDArray, count: NDArray, prob: NDArray, shape: Shape, dtype: DType, limit: number): NDArray {
  const c = float;
  const deviation = sqrt(multiply(multiply(count, prob), subtract(1, prob)));
  const b = add(c(1.15), multiply(c(2.53), deviation));
  const a = add(add(c(-0.0873), multiply(c(0.0248), b)), multiply(c(0.01), prob));
  const centre = add(multiply(count, prob), c(0.5));
  const vR = subtract(c(0.92), trueDivide(c(4.2), b));
  const r = trueDivide(prob, subtract(1, prob));
  const alpha = multiply(add(c(2.83), trueDivide(c(5.1), b)), deviation);
  const m = floor(multiply(add(count, 1), prob));
  const step = ([i, out, accepted, k0]: Loop): Loop => {
    const [next, sub0, sub1] = elements(splitTyped(k0, 3));
    const u0 = unitUniform(sub0, shape, prob.dtype);
    const v0 = unitUniform(sub1, shape, prob.dtype);
    const u = subtract(u0, c(0.5));
    const us = subtract(c(0.5), absolute(u));
    const accept1 = bitwiseAnd(greaterEqual(us, c(0.07)), lessEqual(v0, vR));
    const slope = add(trueDivide(multiply(2, a), us), b);
    const k = floor(add(multiply(slope, u), centre));
    const reject = bitwiseOr(less(k, 0), greater(k, count));
    const v = log(trueDivide(multiply(v0, alpha), add(trueDivide(a, multiply(us, us)), b)));
    const rest = (x: NDArray): NDArray => add(subtract(count, x), 1);
    const first = multiply(add(m, c(0.5)), log(trueDivide(add(m, 1), multiply(r, rest(m)))));
    const second = multiply(add(count, 1), log(trueDivide(rest(m), rest(k))));
    const sum = add(first, second);
    const third = multiply(add(k, c(0.5)), log(trueDivide(multiply(r, rest(k)), add(k, 1))));
    const upToM = add(add(sum, third), stirlingTail(m));
    const both = add(upToM, stirlingTail(subtract(count, m)));
    const less1 = subtract(both, stirlingTail(k));
    const bound = subtract(less1, stirlingTail(subtract(count, k)));
    const accept2 = lessEqual(v, bound);
    const accept = bitwiseOr(accept1, bitwiseAnd(bitwiseNot(reject), accept2));
    const chosen = select(accept, k, out);
    const done = bitwiseOr(accepted, accept);
    return [add(i, 1), chosen, done, next];
  };
  const running = ([i, , accepted]: Loop): NDArray =>
    bitwiseAnd(any(bitwiseNot(accepted)), less(i, literal(limit, dtype)));
  const start: Loop = [toArray(0), filled(shape, -1, prob.dtype), filled(shape, false, "bool"), key];
  return convertElementType(loop(running, step, start)[1], dtype);
}

/** The greatest finite number of a float dtype. */
function greatest(dtype: DType): number {
  const [exponent, mantissa] = floatBits[dtype]!;
  return (2 - 2 ** -mantissa) * 2 ** (2 ** (exponent - 1) - 1);
}

function binomialOf(key: NDArray, n: NDArray, p: NDArray, asked: Shape | null, dtype: DType): NDArray {
  const sample = (k: NDArray, n0: NDArray, p0: NDArray): NDArray[] => {
    if (asked !== null) checkShape("binomial", asked, n0.shape, p0.shape);
    const shape = asked ?? broadcastShapes(n0.shape, p0.shape);
    const [promoted] = promoteDtypesInexact(p0);
    const trials = stretched(convertElementType(n0, promoted.dtype), shape);
    const prob = stretched(promoted, shape);
    const isSmall = less(prob, float(0.5));
    const q0 = select(isSmall, prob, subtract(float(1), prob));
    const noCount = bitwiseOr(ne(trials, trials), less(trials, float(0)));
    const infinite = isinf(trials);
    const qIsNaN = ne(q0, q0);
    const qNegative = less(q0, float(0));
    // the stand-in keeps the type of a host number where the probability is one
    const some = q0.weakType ? stretched(float(0.01), shape) : fullLike(q0, 0.01);
    const q = select(bitwiseOr(qIsNaN, qNegative), some, q0);
    const inverts = bitwiseOr(noCount, lessEqual(multiply(trials, q), float(10)));
    const count = floor(trials);
    const countInversion = select(inverts, count, fullLike(count, 0));
    const countRejection = select(inverts, fullLike(count, 1e4), count);
    const qRejection = select(inverts, fullLike(q, 0.5), q);
    const limit = greatest(dtype);
    const inverted = byInversion(k, countInversion, q, shape, dtype, limit);
    const rejected = byRejection(k, countRejection, qRejection, shape, dtype, limit);
    const drawn = select(inverts, inverted, rejected);
    const invalid = bitwiseOr(bitwiseOr(qNegative, qIsNaN), noCount);
    const valid = select(invalid, fullLike(drawn, NaN), drawn);
    const finite = select(bitwiseAnd(infinite, bitwiseNot(invalid)), fullLike(valid, Infinity), valid);
    const asDrawn = bitwiseOr(bitwiseOr(bitwiseOr(isSmall, noCount), qIsNaN), infinite);
    return [select(asDrawn, finite, subtract(convertElementType(count, dtype), finite))];
  };
  return jitCall("_binomial", keyOf(asked, dtype), sample, [key, n, p], true)[0];
}

/** The number of successes in `n` trials of probability `p`, as a float. */
export function binomial(key: ArrayLike, n: ArrayLike, p: ArrayLike, ...options: SampleArguments): NDArray {
  const { shape, dtype } = sampleArguments(options);
  const k = typedKey("binomial", key);
  return binomialOf(k, toArray(n, "binomial", 1), toArray(p, "binomial", 2), shape, floatDType("binomial", dtype));
}

/** The numbers of each outcome in `n` trials, whose probabilities `p` lie along the last axis. */
export function multinomial(
  key: ArrayLike,
  n: ArrayLike,
  p: ArrayLike,
  options: { readonly shape?: Shape | null; readonly dtype?: DType } = {},
): NDArray {
  const k = typedKey("multinomial", key);
  const dtype = floatDType("multinomial", options.dtype);
  const [trials0, prob0] = promoteDtypesInexact(toArray(n, "multinomial", 1), toArray(p, "multinomial", 2));
  const shape = options.shape ?? prob0.shape;
  const trials = stretched(trials0, shape.slice(0, -1));
  const prob = movedAxis(stretched(prob0, shape), shape.length - 1, 0);
  const remaining = accumulated(cumsum, prob, 0, true);
  const ratios = trueDivide(prob, where(equal(remaining, 0), 1, remaining));
  const keys = splitTyped(k, ratios.shape[0]);
  const step = (rest: NDArray, [ratio, sub]: readonly NDArray[]): [NDArray, NDArray] => {
    const drawn = binomialOf(sub, rest, clip(ratio, 0, 1), null, rest.dtype);
    return [subtract(rest, drawn), drawn];
  };
  const [, counts] = scan(step as never, trials, [ratios, keys]) as unknown as [NDArray, NDArray];
  return convertElementType(movedAxis(counts, 0, counts.ndim - 1), dtype);
}
