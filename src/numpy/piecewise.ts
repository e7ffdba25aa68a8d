/** Functions put together of pieces: clipping, replacing, and those whose formula needs care at some points. */
import type { NDArray } from "../core/array.ts";
import { isComplex, isInexact, type DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import * as p from "../primitives/arithmetic.ts";
import { constLike, onesLike } from "../primitives/broadcasting.ts";
import * as b from "../primitives/comparison.ts";
import { complex, imag, real } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import * as e from "../primitives/elementwise.ts";
import { logAddExp, logAddExp2 } from "../primitives/logAddExp.ts";
import { asarray, float, toArray, type ArrayLike } from "./asarray.ts";
import { inlined, jitted } from "./jitted.ts";
import { equal, isnan, isneginf, isposinf } from "./logic.ts";
import { promoteArgsInexact, promoteDtypesInexact } from "./promote.ts";
import { add, maximum, minimum, multiply } from "./ufuncs.ts";
import { where } from "./where.ts";

export interface ClipOptions {
  readonly min?: ArrayLike | null;
  readonly max?: ArrayLike | null;
}

/** Whether an argument of `clip` is its options and not a bound. */
export const isClipOptions: (x: unknown) => x is ClipOptions = (x): x is ClipOptions =>
  typeof x === "object" && x !== null && !Array.isArray(x) && Object.getPrototypeOf(x) === Object.prototype;

/**
 * Keeps the elements between two bounds; null for a bound that does not exist.
 *
 *     np.clip(x, 0, 1), np.clip(x, { min: 0 })
 */
export function clip(
  arr: ArrayLike,
  min?: ArrayLike | ClipOptions | null,
  max?: ArrayLike | ClipOptions | null,
): NDArray {
  const options = isClipOptions(min) ? min : isClipOptions(max) ? max : {};
  const low = (isClipOptions(min) ? undefined : min) ?? options.min ?? null;
  const high = (isClipOptions(max) ? undefined : max) ?? options.max ?? null;
  const lowIsNamed = low !== null && (isClipOptions(min) || min === undefined || min === null);
  const highIsNamed = high !== null && (isClipOptions(min) || isClipOptions(max));
  // operands given by name come last and in the order of their names, so that an upper bound goes before a lower one
  const highFirst = lowIsNamed && highIsNamed;
  const operands = (highFirst ? [arr, high, low] : [arr, low, high]).filter((x): x is ArrayLike => x !== null);
  return jitted(
    "clip",
    `${low !== null} ${high !== null} ${highFirst}`,
    (x, ...bounds) => {
      if ([x, ...bounds].some((t) => isComplex(t.dtype))) {
        throw new RematValueError(
          "Clip received a complex value either through the input or the min/max keywords. Complex values have no ordering and cannot be " +
            `clipped; the dtypes are ${[x, ...bounds].map((t) => t.dtype).join(", ")}.\nConvert to a real value with np.real or np.imag.`,
        );
      }
      let out = x;
      if (low !== null) out = maximum(highFirst ? bounds[1] : bounds[0], out);
      if (high !== null) out = minimum(highFirst ? bounds[0] : bounds.at(-1)!, out);
      return out;
    },
    operands,
  );
}

const largest: Readonly<Partial<Record<DType, number>>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
};

export interface NanToNumOptions {
  readonly nan?: ArrayLike;
  readonly posinf?: ArrayLike | null;
  readonly neginf?: ArrayLike | null;
}

/** Replaces NaN by zero (or `nan`) and the infinities by the largest finite numbers (or `posinf` and `neginf`). */
export function nanToNum(x: ArrayLike, options: NanToNumOptions = {}): NDArray {
  const names = (["nan", "posinf", "neginf"] as const).filter((n) => options[n] !== undefined && options[n] !== null);
  return jitted(
    "nan_to_num",
    names.join(),
    (x, ...values) => {
      if (!isInexact(x.dtype)) return x;
      const given = Object.fromEntries(names.map((n, i) => [n, values[i]])) as {
        nan?: NDArray;
        posinf?: NDArray;
        neginf?: NDArray;
      };
      const passed = { ...given, nan: given.nan ?? float(0) };
      if (isComplex(x.dtype)) return complex(nanToNum(real(x), passed), nanToNum(imag(x), passed));
      const { dtype } = x;
      const as = (value: ArrayLike) => asarray(value, { dtype });
      const big = literal(largest[dtype]!, dtype);
      const small = literal(-largest[dtype]!, dtype);
      let out = where(isnan(x), given.nan === undefined ? as(0) : as(given.nan), x);
      out = where(isposinf(out), given.posinf === undefined ? as(big) : as(given.posinf), out);
      out = where(isneginf(out), given.neginf === undefined ? as(small) : as(given.neginf), out);
      return out;
    },
    [x, ...names.map((n) => options[n]!)],
  );
}

/** sqrt(x1^2 + x2^2) without overflow. */
export const hypot = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "hypot",
    "",
    (x1, x2) => {
      let [x, y] = promoteArgsInexact("hypot", x1, x2) as [NDArray, NDArray];
      if (isComplex(x.dtype)) {
        throw new RematValueError(
          `np.hypot is not well defined for complex-valued inputs, got ${x.dtype}.\nPlease convert to real values first, such as by using np.abs(x).`,
        );
      }
      [x, y] = [p.abs(x), p.abs(y)];
      const infinite = b.bitwiseOr(isposinf(x), isposinf(y));
      [x, y] = [maximum(x, y), minimum(x, y)];
      const isZero = equal(x, 0);
      const ratio = p.div(y, where(equal(x, 0), onesLike(x), x));
      const out = where(isZero, x, multiply(x, e.sqrt(add(1, p.square(ratio)))));
      return where(infinite, constLike(out, Infinity), out);
    },
    [x1, x2],
  );

/** 0 for negative numbers, 1 for positive ones, `x2` at zero. */
export const heaviside = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  jitted(
    "heaviside",
    "",
    (x1, x2) => {
      const [x, y] = promoteDtypesInexact(x1, x2) as [NDArray, NDArray];
      const zero = constLike(x, 0);
      const below = b.lt(x, zero);
      const above = b.gt(x, zero);
      const atZero = where(b.ne(x, x), x, y);
      return where(below, zero, where(above, constLike(x, 1), atZero));
    },
    [x1, x2],
  );

/** The Maclaurin coefficient of sinc(x / pi) at its k-th derivative: what the function is at zero, for all orders of differentiation. */
function sincAtZero(k: number, x: NDArray): NDArray {
  return customJvpCall(
    "_sinc_maclaurin",
    (x) => [k % 2 === 1 ? multiply(x, 0) : add(multiply(x, 0), constLike(x, (-1) ** (k / 2) / (k + 1)))],
    ([x], [t]) => [[sincAtZero(k, x)], [multiply(sincAtZero(k + 1, x), t!)]],
    [x],
    { jvpName: "_sinc_maclaurin_jvp" },
  )[0];
}

/** sin(pi x) / (pi x). */
export const sinc = (x: ArrayLike): NDArray =>
  jitted(
    "sinc",
    "",
    (given) => {
      const [x] = promoteDtypesInexact(given) as [NDArray];
      const isZero = b.eq(x, constLike(x, 0));
      const scaled = p.mul(constLike(x, Math.PI), x);
      const safe = where(isZero, constLike(x, 1), scaled);
      return where(isZero, sincAtZero(0, scaled), p.div(e.sin(safe), safe));
    },
    [x],
  );

/** log(exp(x1) + exp(x2)) without overflow. */
export const logaddexp = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  inlined("logaddexp", (x, y) => logAddExp(...(promoteArgsInexact("logaddexp", x, y) as [NDArray, NDArray])), [x1, x2]);
/** log2(2^x1 + 2^x2) without overflow. */
export const logaddexp2 = (x1: ArrayLike, x2: ArrayLike): NDArray =>
  inlined("logaddexp2", (x, y) => logAddExp2(...(promoteArgsInexact("logaddexp2", x, y) as [NDArray, NDArray])), [
    x1,
    x2,
  ]);

/** The array with another dtype. Complex numbers lose their imaginary part; for booleans, zero is false. */
export function astype(x: ArrayLike, dtype: DType): NDArray {
  const a = toArray(x, "astype");
  const source = dtype === "bool" && isComplex(a.dtype) ? b.ne(a, constLike(a, 0)) : a;
  return convertElementType(source, canonicalDType(dtype));
}
