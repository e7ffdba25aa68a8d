/** Vector mathematics of float32, by the names of the primitives. */
import type { VectorMath, VectorMath2 } from "./context.ts";
import { angles, atan2 } from "./angles.ts";
import { tan } from "./circular.ts";
import { elementary } from "./elementary.ts";
import { hyperbolic } from "./hyperbolic.ts";
import { cbrt, pow } from "./power.ts";
import { special } from "./special.ts";

export type { MathContext, VectorMath, VectorMath2 } from "./context.ts";

export const vectorMath: Readonly<Record<string, VectorMath>> = {
  ...elementary,
  ...hyperbolic,
  ...angles,
  ...special,
  tan,
  cbrt,
};

/** Those of two operands. */
export const vectorMath2: Readonly<Record<string, VectorMath2>> = { pow, atan2 };

/** Whether a primitive of float32 is a long stretch of instructions. */
export const isLong = (name: string): boolean => Object.hasOwn(vectorMath, name) || Object.hasOwn(vectorMath2, name);
