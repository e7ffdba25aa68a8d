/**
 * Calls of functions with derivative rules of their own, as the traces see them. Each trace says what becomes of such a call: evaluation
 * runs the function, differentiation runs the rule, staging writes down an equation that holds both.
 */
import type { NDArray } from "./array.ts";
import type { SplitTrace } from "./partial.ts";
import type { Primitive, Tangent } from "./primitive.ts";
import type { StageTrace } from "./stage.ts";

/** How a call with a forward rule is written down. */
export interface CustomJvpRules {
  stage(trace: StageTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[];
}

/** How a call with a reverse rule is written down. */
export interface CustomVjpRules {
  stage(trace: StageTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
  /** Some operand is unknown. */
  split(trace: SplitTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
  /** The tangents of the outputs, in the tangent program: a call that can only be transposed. */
  linear(
    call: CustomVjpCall,
    residuals: readonly NDArray[],
    tangents: readonly Tangent[],
    outs: readonly NDArray[],
  ): readonly NDArray[];
}

/** A function with a forward rule. All values are flat. */
export interface CustomJvpCall {
  readonly primitive: Primitive;
  readonly rules: CustomJvpRules;
  /** The function's name, and the rule's. */
  readonly name: string;
  readonly jvpName: string;
  readonly fun: (args: readonly NDArray[]) => readonly NDArray[];
  /** Tangents are `null` for symbolic zeros, which only come if `symbolicZeros`. */
  readonly jvp: (
    primals: readonly NDArray[],
    tangents: readonly Tangent[],
  ) => { readonly primals: readonly NDArray[]; readonly tangents: readonly Tangent[] };
  readonly symbolicZeros: boolean;
}

/** A function with a reverse rule. All values are flat. */
export interface CustomVjpCall {
  readonly primitive: Primitive;
  readonly rules: CustomVjpRules;
  readonly name: string;
  readonly fwdName: string;
  readonly bwdName: string;
  readonly fun: (args: readonly NDArray[]) => readonly NDArray[];
  /** `perturbed[i]`: operand i has a tangent. */
  readonly fwd: (
    args: readonly NDArray[],
    perturbed: readonly boolean[],
  ) => { readonly outs: readonly NDArray[]; readonly residuals: readonly NDArray[] };
  /** One cotangent for each operand; `null` for zero. Cotangents that come in are `null` only if `symbolicZeros`. */
  readonly bwd: (residuals: readonly NDArray[], cts: readonly Tangent[]) => readonly Tangent[];
  readonly symbolicZeros: boolean;
}
