/** What a law needs to know of a primitive: how to draw operands and parameters, and what holds for it. */
import { bind } from "../../src/core/interpreter.ts";
import type { Params } from "../../src/core/jaxpr.ts";
import type { NDArray, Primitive } from "../../src/index.ts";
import type { Sample } from "./sample.ts";

/** One call, on operands. */
export interface Instance {
  readonly f: (...args: NDArray[]) => readonly NDArray[];
  readonly args: readonly NDArray[];
}

export interface Law {
  readonly draw: (s: Sample) => Instance;
  /** The operands by which derivatives are compared with differences. None: there is no derivative. */
  readonly smooth?: readonly number[];
  readonly modes?: readonly ("fwd" | "rev")[];
  /** Sets of operands in which the operation is linear together, the others being fixed. */
  readonly linear?: readonly (readonly number[])[];
  readonly tolerance?: number;
  readonly step?: number;
  /** Why the operation is not vectorized. */
  readonly notBatched?: string;
  /** Its derivative is zero by definition, whatever differences say. */
  readonly stopsGradients?: boolean;
}

/** A call of a primitive. */
export const call =
  (primitive: Primitive, params: Params = {}): Instance["f"] =>
  (...args) =>
    bind(primitive, args, params);

/** A law of an operation on arrays of one shape. */
export const elementwise = (
  primitive: Primitive,
  draws: readonly ((s: Sample, shape: readonly number[]) => NDArray)[],
  options: Omit<Law, "draw"> & { readonly params?: (s: Sample) => Params } = {},
): Law => ({
  ...options,
  draw(s) {
    const shape = s.shape();
    return { f: call(primitive, options.params?.(s) ?? {}), args: draws.map((draw) => draw(s, shape)) };
  },
});
