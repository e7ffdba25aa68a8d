/** The remainder of a division, with the sign of the dividend. */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { jvpByOperand } from "./algebra.ts";
import { abs, div, mul, sign } from "./arithmetic.ts";
import { broadcastToResult } from "./broadcasting.ts";
import { floor } from "./elementwise.ts";
import { broadcastEqualRank, nary, reals } from "./nary.ts";
import { neg } from "./neg.ts";

export const remP: Primitive = nary("rem", [reals, reals], (self) => ({
  jvp: jvpByOperand(self, [
    (t, _out, [x, y]) => broadcastToResult(broadcastEqualRank("rem", [x.shape, y.shape]), t),
    (t, _out, [x, y]) => mul(neg(t), mul(sign(div(x, y)), floor(abs(div(x, y))))),
  ]),
}));

export const rem = (x: NDArray, y: NDArray): NDArray => bind1(remP, [x, y], {});
