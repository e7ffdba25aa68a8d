/**
 * Arithmetic: sums, products, quotients, integer powers, extrema. The operations on two arrays broadcast dimensions of size 1 and rank 0, and
 * their rules sum the cotangents of what was stretched.
 */
import type { NDArray } from "../core/array.ts";
import { dtypes, isComplex, isInteger } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { DTypeError } from "../errors.ts";
import { avalOf, bilinear, isLinear, jvpByOperand, zeroJvp } from "./algebra.ts";
import { broadcastToResult, constLike, onesLike, unbroadcast, zeroOf, zerosLike, fullLike } from "./broadcasting.ts";
import { eq, ge, select } from "./comparison.ts";
import { conj, real } from "./complex.ts";
import { convertElementType } from "./convert.ts";
import { anything, checkUnary, floats, inexact, nary, numbers, unary } from "./nary.ts";
import { neg } from "./neg.ts";

export { neg, negP } from "./neg.ts";

const binary =
  (primitive: Primitive, params: Params = {}) =>
  (x: NDArray, y: NDArray): NDArray =>
    bind1(primitive, [x, y], params);

export const signP: Primitive = unary("sign", numbers, (self) => ({ cheap: true, jvp: zeroJvp(self) }));
export const squareP: Primitive = unary("square", numbers, (self) => ({
  cheap: true,
  jvp: jvpByOperand(self, [(t, _y, [x]) => mul(t, mul(constLike(x, 2), x))]),
}));

export const sign = (x: NDArray): NDArray => bind1(signP, [x], {});
export const square = (x: NDArray): NDArray => bind1(squareP, [x], {});

const realDType = (dtype: NDArray["dtype"]) =>
  dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;

export const absP: Primitive = unary("abs", ["signedinteger", "floating", "complexfloating"], (self) => ({
  cheap: true,
  result: ([dtype]) => realDType(dtype),
  jvp: jvpByOperand(self, [
    (t, y, [x]) => {
      if (!isComplex(x.dtype)) {
        const positive = ge(x, zeroOf(x));
        return select(positive, t, neg(t));
      }
      return real(mul(t, div(conj(x), replaceZero(convertElementType(y, x.dtype)))));
    },
  ]),
}));
export const abs = (x: NDArray): NDArray => bind1(absP, [x], {});

/** The array with ones in place of its zeros. */
export const replaceZero = (x: NDArray): NDArray => select(eq(x, constLike(x, 0)), onesLike(x), x);

/** The tangents of a sum or a difference: one term is broadcast to the result, two are combined by the operation itself. */
const additiveJvp =
  (self: () => Primitive, right: (t: NDArray) => NDArray): NonNullable<Primitive["jvp"]> =>
  (primals, [dx, dy]) => {
    const out = bind1(self(), primals, {});
    let tangent: Tangent = null;
    if (dx !== null && dy !== null) tangent = bind1(self(), [dx, dy], {});
    else if (dx !== null) tangent = broadcastToResult(out.shape, dx);
    else if (dy !== null) tangent = broadcastToResult(out.shape, right(dy));
    return { primals: [out], tangents: [tangent] };
  };

export const addP: Primitive = nary("add", [numbers, numbers], (self) => ({
  cheap: true,
  jvp: additiveJvp(self, (t) => t),
  transpose: ([ct], [x, y]) => [unbroadcast(avalOf(x), ct!), unbroadcast(avalOf(y), ct!)],
}));
export const subP: Primitive = nary("sub", [numbers, numbers], (self) => ({
  cheap: true,
  jvp: additiveJvp(self, neg),
  transpose: ([ct], [x, y]) => [unbroadcast(avalOf(x), ct!), unbroadcast(avalOf(y), neg(ct!))],
}));

export const mulP: Primitive = nary("mul", [numbers, numbers], (self) => ({
  cheap: true,
  print: () => [],
  ...bilinear(
    self,
    (ct, x, y) => unbroadcast(avalOf(x), mul(ct, y as NDArray)),
    (ct, x, y) => unbroadcast(avalOf(y), mul(x as NDArray, ct)),
  ),
}));

export const divP: Primitive = nary("div", [numbers, numbers], (self) => ({
  jvp: jvpByOperand(self, [(t, _out, [, y]) => div(t, y), (t, _out, [x, y]) => mul(mul(neg(t), x), integerPow(y, -2))]),
  transpose: ([ct], [x, y]) => [isLinear(x) ? unbroadcast(x.aval, div(ct!, y as NDArray)) : null, null],
  domain: [
    [-2, 2],
    [0.5, 3],
  ],
}));

export const add: (x: NDArray, y: NDArray) => NDArray = binary(addP);
export const sub: (x: NDArray, y: NDArray) => NDArray = binary(subP);
export const mul: (x: NDArray, y: NDArray) => NDArray = binary(mulP, { out_dtype: null });
export const div: (x: NDArray, y: NDArray) => NDArray = binary(divP);

/** How much of a tangent an extremum passes on: all where `x` is the extremum `z`, half where `y` is too, nothing elsewhere. */
const share = (x: NDArray, z: NDArray, y: NDArray): NDArray =>
  div(select(eq(x, z), onesLike(z), zerosLike(z)), select(eq(y, z), fullLike(z, 2), onesLike(z)));

const extremum = (name: string): Primitive =>
  nary(name, [anything, anything], (self) => ({
    cheap: true,
    jvp: jvpByOperand(self, [(t, z, [x, y]) => mul(t, share(x, z, y)), (t, z, [x, y]) => mul(t, share(y, z, x))]),
  }));

export const maxP: Primitive = extremum("max");
export const minP: Primitive = extremum("min");
export const max: (x: NDArray, y: NDArray) => NDArray = binary(maxP);
export const min: (x: NDArray, y: NDArray) => NDArray = binary(minP);

export type IntegerPowParams = { readonly y: number };
export const integerPowP: Primitive<IntegerPowParams> = unary<IntegerPowParams>("integer_pow", numbers, (self) => ({
  cheap: true,
  jvp: jvpByOperand(self, [
    (t, _out, [x], { y }) => {
      if (y === 0) return zerosLike(t);
      if (y === 1) return t;
      if (y === 2) return mul(t, mul(constLike(x, y), x));
      return mul(t, mul(constLike(x, y), integerPow(x, y - 1)));
    },
  ]),
  type([x], { y }) {
    checkUnary("integer_pow", numbers, x.dtype);
    if (y < 0 && isInteger(x.dtype)) {
      throw new DTypeError(
        `Integers cannot be raised to negative powers, got integer_pow(${x.toLongString()}, ${y}).\nConvert the base with x.astype("float32").`,
      );
    }
    return [x];
  },
}));
export const integerPow = (x: NDArray, y: number): NDArray => bind1(integerPowP, [x], { y });

export const atan2P: Primitive = nary("atan2", [inexact, inexact], (self) => ({
  jvp: jvpByOperand(self, [
    (t, _z, [x, y]) => mul(t, div(y, add(square(x), square(y)))),
    (t, _z, [x, y]) => mul(t, div(neg(x), add(square(x), square(y)))),
  ]),
}));
export const nextafterP: Primitive = nary("nextafter", [floats, floats], () => ({}));
export const atan2: (x: NDArray, y: NDArray) => NDArray = binary(atan2P);
export const nextafter: (x: NDArray, y: NDArray) => NDArray = binary(nextafterP);

/** The upper half of the product of integers. */
export const mulhiP: Primitive = nary("mulhi", [["integer"], ["integer"]], (self) => ({ jvp: zeroJvp(self) }));
export const mulhi: (x: NDArray, y: NDArray) => NDArray = binary(mulhiP);

/** True for the dtypes without a sign. */
export const isUnsigned = (x: NDArray): boolean => dtypes[x.dtype].kind === "uint";

export const arithmeticPrimitives = [
  signP,
  squareP,
  absP,
  addP,
  subP,
  mulP,
  divP,
  maxP,
  minP,
  integerPowP,
  atan2P,
  nextafterP,
  mulhiP,
] as const;
