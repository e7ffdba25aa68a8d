/**
 * Kernels of complex numbers: taking them apart, putting them together, and the functions of numbers in other tables (`complex sin` is what becomes of
 * `sin` where its operand is complex).
 */
import type { ConcreteArray } from "../../core/array.ts";
import type { ShapedArray } from "../../core/aval.ts";
import { isComplex, type TypedArray } from "../../core/dtype.ts";
import type { IntegerPowParams } from "../../primitives/arithmetic.ts";
import { power } from "./arithmetic.ts";
import { totalOrder } from "./comparison.ts";
import * as z from "./complexMath.ts";
import type { Complex } from "./complexMath.ts";
import type { Kernel } from "./kernel.ts";
import { numberRoom, placeAt, placesOf } from "./lanes.ts";
import { stored } from "./numbers.ts";
import { room } from "./shape.ts";

const part =
  (offset: 0 | 1): Kernel =>
  ([x], [out]) => {
    const result = room(out.dtype, out.size);
    for (let i = 0; i < out.size; i++) result[i] = x.data[2 * i + offset];
    return [result];
  };

const complex: Kernel = ([re, im], [out]) => {
  const result = room(out.dtype, out.size);
  const [pr, pi] = [placesOf(re.shape, out.shape), placesOf(im.shape, out.shape)];
  for (let i = 0; i < out.size; i++) {
    result[2 * i] = re.data[placeAt(pr, i)];
    result[2 * i + 1] = im.data[placeAt(pi, i)];
  }
  return [result];
};

const conj: Kernel = ([x], [out]) => {
  const result = room(out.dtype, out.size);
  const whole = isComplex(x.dtype);
  for (let i = 0; i < out.size; i++) {
    result[2 * i] = whole ? x.data[2 * i] : x.data[i];
    result[2 * i + 1] = whole ? -(x.data[2 * i + 1] as number) : 0;
  }
  return [result];
};

/** The elements of a result from a function of their places. */
function filled(out: ShapedArray, at: (i: number) => Complex | number | boolean): TypedArray {
  const n = out.size;
  if (!isComplex(out.dtype)) {
    const result = numberRoom(out.dtype, n);
    for (let i = 0; i < n; i++) result[i] = Number(at(i));
    return stored(result, out.dtype);
  }
  const result = room(out.dtype, n);
  for (let i = 0; i < n; i++) [result[2 * i], result[2 * i + 1]] = at(i) as Complex;
  return result;
}

const element = (x: ConcreteArray, i: number): Complex =>
  isComplex(x.dtype) ? [x.data[2 * i] as number, x.data[2 * i + 1] as number] : [Number(x.data[i]), 0];

const unary =
  (fn: (z: Complex) => Complex | number): Kernel =>
  ([x], [out]) => [filled(out, (i) => fn(element(x, i)))];

const binary =
  (fn: (z: Complex, w: Complex) => Complex | boolean): Kernel =>
  ([x, y], [out]) => {
    const px = placesOf(x.shape, out.shape);
    const py = placesOf(y.shape, out.shape);
    return [filled(out, (i) => fn(element(x, placeAt(px, i)), element(y, placeAt(py, i))))];
  };

const integerPow: Kernel = (args, outs, params) => {
  const { y } = params as IntegerPowParams;
  const fn = (v: Complex): Complex => {
    const p = power<Complex>(v, y, [1, 0], z.mul);
    return y < 0 ? z.div([1, 0], p) : p;
  };
  return unary(fn)(args, outs, params);
};

const lexicographicMax = (a: Complex, b: Complex): Complex => (a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]) ? a : b);
const lexicographicMin = (a: Complex, b: Complex): Complex => (a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1]) ? a : b);

const clamp: Kernel = ([low, x, high], [out]) => {
  const [pl, ph] = [placesOf(low.shape, out.shape), placesOf(high.shape, out.shape)];
  return [
    filled(out, (i) =>
      lexicographicMin(lexicographicMax(element(x, i), element(low, placeAt(pl, i))), element(high, placeAt(ph, i))),
    ),
  ];
};

export const complexKernels = {
  real: part(0),
  imag: part(1),
  complex,
  conj,
  "complex exp": unary(z.exp),
  "complex exp2": unary(z.exp2),
  "complex log": unary(z.log),
  "complex expm1": unary(z.expm1),
  "complex log1p": unary(z.log1p),
  "complex tanh": unary(z.tanh),
  "complex logistic": unary(z.logistic),
  "complex sin": unary(z.sin),
  "complex cos": unary(z.cos),
  "complex tan": unary(z.tan),
  "complex sqrt": unary(z.sqrt),
  "complex rsqrt": unary(z.rsqrt),
  "complex asin": unary(z.asin),
  "complex acos": unary(z.acos),
  "complex atan": unary(z.atan),
  "complex sinh": unary(z.sinh),
  "complex cosh": unary(z.cosh),
  "complex asinh": unary(z.asinh),
  "complex acosh": unary(z.acosh),
  "complex atanh": unary(z.atanh),
  "complex neg": unary(z.neg),
  "complex sign": unary(z.sign),
  "complex square": unary((x) => z.mul(x, x)),
  "complex abs": unary(z.abs),
  "complex integer_pow": integerPow,
  "complex add": binary(z.add),
  "complex add_any": binary(z.add),
  "complex sub": binary(z.sub),
  "complex mul": binary(z.mul),
  "complex div": binary(z.div),
  "complex max": binary(lexicographicMax),
  "complex min": binary(lexicographicMin),
  "complex pow": binary(z.pow),
  "complex atan2": binary(z.atan2),
  "complex clamp": clamp,
  "complex eq": binary((a, b) => a[0] === b[0] && a[1] === b[1]),
  "complex ne": binary((a, b) => a[0] !== b[0] || a[1] !== b[1]),
  "complex eq_to": binary((a, b) => totalOrder(a[0]) === totalOrder(b[0]) && totalOrder(a[1]) === totalOrder(b[1])),
} as const satisfies Record<string, Kernel>;
