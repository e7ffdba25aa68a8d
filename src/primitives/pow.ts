/** Powers with an exponent that is an array. Those with a known integer are `integer_pow` in `arithmetic.ts`. */
import type { NDArray } from "../core/array.ts";
import { isInexact, isInteger } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { DTypeError } from "../errors.ts";
import { jvpByOperand } from "./algebra.ts";
import { mul, replaceZero, sub } from "./arithmetic.ts";
import { broadcastToResult, constLike, onesLike, zerosLike } from "./broadcasting.ts";
import { eq, select } from "./comparison.ts";
import { convertElementType } from "./convert.ts";
import { log } from "./elementwise.ts";
import { broadcastEqualRank, inexact, nary, numbers } from "./nary.ts";

export const powP: Primitive = nary("pow", [inexact, numbers], (self) => ({
  mixed: true,
  result([x, y]) {
    if (isInexact(x) && isInteger(y)) return x;
    if (x === y) return x;
    throw new DTypeError(
      "the first argument to pow must have an inexact dtype (float or complex), and the second argument must have an inexact or integer " +
        `dtype, and two inexact dtypes must match, but got ${x} and ${y} respectively.\nnp.power promotes its operands.`,
    );
  },
  jvp: jvpByOperand(self, [
    (t, _z, [x, y]) => mul(t, powSlope(x, y)),
    (t, z, [x, y]) => convertElementType(mul(t, mul(log(replaceZero(x)), z)), y.dtype),
  ]),
  domain: [
    [0.2, 3],
    [-2, 2],
  ],
}));

function powSlope(x: NDArray, y: NDArray): NDArray {
  if (!isInteger(y.dtype)) return mul(y, pow(x, sub(y, onesLike(y))));
  const f = convertElementType(y, x.dtype);
  const shape = broadcastOfAny(x, f);
  const [base, exponent] = [broadcastToResult(shape, x), broadcastToResult(shape, f)];
  return select(
    eq(exponent, constLike(exponent, 0)),
    zerosLike(exponent),
    mul(replaceZero(exponent), pow(base, sub(exponent, onesLike(exponent)))),
  );
}

const broadcastOfAny = (x: NDArray, y: NDArray): readonly number[] => broadcastEqualRank("pow", [x.shape, y.shape]);

export const pow = (x: NDArray, y: NDArray): NDArray => bind1(powP, [x, y], {});
