/**
 * Calls of functions with derivative rules of their own, as the traces see them. Each trace says what becomes of such a call: evaluation
 * runs the function, differentiation runs the rule, staging writes down an equation that holds both.
 */
import type { NDArray } from "./array.ts";
import type { JvpTrace } from "./jvp.ts";
import type { LinearizeTrace } from "./linearize.ts";
import type { SplitTrace } from "./partial.ts";
import type { Primitive, Tangent } from "./primitive.ts";
import type { StageTrace } from "./stage.ts";

/** What becomes of a call with a forward rule in the traces that differentiate, and in the one that writes programs down. */
export interface CustomJvpRules {
  push(trace: JvpTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[];
  linearize(trace: LinearizeTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[];
  stage(trace: StageTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[];
}

/** The same for a call with a reverse rule. */
export interface CustomVjpRules {
  push(trace: JvpTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
  linearize(trace: LinearizeTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
  stage(trace: StageTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
  /** Some operand is unknown. */
  split(trace: SplitTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
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
