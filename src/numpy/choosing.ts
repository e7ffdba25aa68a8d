/** Functions that choose by conditions or by size, and integer arithmetic by loops. */
import type { NDArray } from "../core/array.ts";
import { isComplex, isInteger, kindOf } from "../core/dtype.ts";
import { currentTrace } from "../core/interpreter.ts";
import { jvpFlat } from "../core/jvp.ts";
import { RematValueError } from "../errors.ts";
import { abs, mul } from "../primitives/arithmetic.ts";
import { canonicalAxis } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { selectN } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import { exp } from "../primitives/elementwise.ts";
import { rem } from "../primitives/rem.ts";
import { besselI0e } from "../primitives/special.ts";
import { whileLoop } from "../lax/loops.ts";
import { sliceInDim } from "../lax/slicing.ts";
import { asarray, float, toArray, type ArrayLike } from "./asarray.ts";
import { argmax, cumsum, diff } from "./cumulative.ts";
import { jitted } from "./jitted.ts";
import { concatenate, stack } from "./joining.ts";
import { bitwiseAnd, bitwiseOr, equal, greater, isnan, less, notEqual } from "./logic.ts";
import { promoteArgsInexact, promoteDtypes } from "./promote.ts";
import { any } from "./reductions.ts";
import { floorDivide, remainder } from "./rounding.ts";
import { broadcastArrays } from "./shape.ts";
import { absolute, add, multiply, negative, subtract, trueDivide } from "./ufuncs.ts";
import { where } from "./where.ts";

const chooser =
  (name: string, better: (x: NDArray, y: NDArray) => NDArray) =>
  (x1: ArrayLike, x2: ArrayLike): NDArray =>
    jitted(name, "", (x, y) => where(bitwiseOr(better(x, y), isnan(y)), x, y), [x1, x2]);

/** The larger of two numbers; the other one where one is NaN. */
export const fmax: (x1: ArrayLike, x2: ArrayLike) => NDArray = chooser("fmax", greater);
/** The smaller of two numbers; the other one where one is NaN. */
export const fmin: (x1: ArrayLike, x2: ArrayLike) => NDArray = chooser("fmin", less);

/** The elements of the first choice whose condition is true; those of `fallback` where none is. */
export function select(
  conditions: readonly ArrayLike[],
  choices: readonly ArrayLike[],
  fallback: ArrayLike | { readonly default?: ArrayLike } = 0,
): NDArray {
  if (conditions.length !== choices.length) {
    throw new RematValueError(
      `condlist must have length equal to choicelist (${conditions.length} vs ${choices.length}): give one choice for each condition.`,
    );
  }
  if (conditions.length === 0) throw new RematValueError("condlist must be non-empty: give at least one condition.");
  const isOptions = typeof fallback === "object" && "default" in fallback;
  const other = asarray(isOptions ? (fallback.default ?? 0) : (fallback as ArrayLike));
  const tests = conditions.map((c) => asarray(c));
  const cases = promoteDtypes(other, ...choices.map((c) => asarray(c)));
  const stacked = convertElementType(stack(broadcastArrays(false, ...tests)), "bool");
  const [which, ...all] = broadcastArrays(argmax(stacked, { axis: 0 }), ...cases);
  return selectN(which, ...all);
}

/** The greatest common divisor, by Euclid. */
export const gcd = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "gcd",
    "",
    (x1, x2) => {
      const promoted = promoteDtypes(x1, x2);
      requireIntegers("gcd", promoted[0]);
      const [a, b] = broadcastArrays(...promoted);
      const [divisor] = whileLoop(
        ([, y]: readonly NDArray[]) => any(notEqual(y, 0)),
        ([x, y]: readonly NDArray[]) => {
          const p = where(notEqual(y, 0), y, x);
          const q = where(notEqual(y, 0), rem(x, y), constLike(y, 0));
          return [where(less(p, q), q, p), where(less(p, q), p, q)];
        },
        [absolute(a), absolute(b)] as readonly NDArray[],
      ) as readonly NDArray[];
      return divisor;
    },
    [x1, x2],
  );

/** The least common multiple. */
export const lcm = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "lcm",
    "",
    (x1, x2) => {
      const [p, q] = promoteDtypes(x1, x2);
      const [a, b] = [absolute(p), absolute(q)];
      requireIntegers("lcm", a);
      const divisor = gcd(a, b);
      const none = equal(divisor, 0);
      return where(none, constLike(divisor, 0), multiply(a, floorDivide(b, divisor)));
    },
    [x1, x2],
  );

function requireIntegers(name: string, x: NDArray): void {
  if (!isInteger(x.dtype)) throw new RematValueError(`Arguments to np.${name} must be integers, got ${x.dtype}.`);
}

const scaledBessel = (x: NDArray): NDArray => {
  const magnitude = abs(x);
  return mul(exp(magnitude), besselI0e(magnitude));
};

/** The modified Bessel function of order 0, whose derivative at 0 is 0. */
export const i0 = (x: ArrayLike): NDArray =>
  jitted(
    "i0",
    "",
    (x) => {
      const [a] = promoteArgsInexact("i0", x);
      if (kindOf(a.dtype) !== "float")
        throw new RematValueError(`Unsupported input type to np.i0: ${a.dtype}. Take the real part.`);
      return customJvpCall(
        "_i0",
        (x) => [scaledBessel(x)],
        ([x], [t]) => {
          const { primals, tangents } = jvpFlat(([x]) => [scaledBessel(x)], currentTrace(), [x], [t]);
          return [[primals[0]], [where(equal(x, 0), float(0), tangents[0] ?? 0)]];
        },
        [a],
        { jvpName: "_i0_jvp" },
      )[0];
    },
    [x],
  );

export interface UnwrapOptions {
  /** Jumps smaller than this stay; half a period if none is given. */
  readonly discont?: ArrayLike | null;
  readonly axis?: number;
  readonly period?: ArrayLike;
}

/** Angles without their jumps by whole periods (2 pi unless given). */
export function unwrap(p: ArrayLike, options: UnwrapOptions = {}): NDArray {
  const { discont = null, axis = -1, period } = options;
  const operands: ArrayLike[] = [p];
  if (discont !== null) operands.push(discont);
  if (period !== undefined) operands.push(period);
  return jitted(
    "unwrap",
    `${axis} ${discont !== null} ${period !== undefined}`,
    (given, ...rest) => {
      const [x, cycle] = promoteDtypes(given, period === undefined ? toArray(2 * Math.PI) : rest[rest.length - 1]);
      if (isComplex(x.dtype)) throw new RematValueError(`np.unwrap does not support complex inputs, got ${x.dtype}.`);
      const along = canonicalAxis(axis, x.ndim);
      if (x.shape[along] === 0) return x;
      const limit = discont === null ? trueDivide(cycle, 2) : rest[0];
      const half = isInteger(x.dtype) ? floorDivide(cycle, 2) : trueDivide(cycle, 2);
      const steps = diff(x, { axis });
      const folded = subtract(remainder(add(steps, half), cycle), half);
      const atEdge = bitwiseAnd(equal(folded, negative(half)), greater(steps, 0));
      const jumps = where(atEdge, half, folded);
      const corrections = where(less(absolute(steps), limit), 0, subtract(jumps, steps));
      const first = sliceInDim(x, 0, 1, { axis: along });
      const others = sliceInDim(x, 1, null, { axis: along });
      return concatenate([first, add(others, cumsum(corrections, { axis }))], axis);
    },
    operands,
  );
}
