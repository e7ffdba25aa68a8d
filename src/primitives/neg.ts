/** The negative of a number: a file of its own, because both arithmetic and complex numbers are made with it. */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { linearJvp } from "./algebra.ts";
import { numbers, unary } from "./nary.ts";

export const negP: Primitive = unary("neg", numbers, (self) => ({
  cheap: true,
  jvp: linearJvp(self),
  transpose: ([ct]) => [neg(ct!)],
}));
export const neg = (x: NDArray): NDArray => bind1(negP, [x], {});
