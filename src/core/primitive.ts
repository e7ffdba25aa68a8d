/**
 * A primitive is one record: its name, its typing rule and its rules under each transformation, all in one place. Everything the
 * library can do with an operation is in its record; how an engine computes it is in that engine.
 *
 * In rules, `null` is a symbolic zero (a tangent or cotangent that is known to be zero and never materialised) or, in batching, an
 * operand without a batch axis.
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { ClosedJaxpr, Eqn, Jaxpr, Params, Var } from "./jaxpr.ts";
import type { PrintedParam } from "./print.ts";
import type { Policy } from "./policy.ts";
import type { Trace } from "./interpreter.ts";

export type Tangent = NDArray | null;

/** A linear operand in a transpose rule: what is known of it is its type. */
export class UndefinedPrimal {
  readonly aval: ShapedArray;
  constructor(aval: ShapedArray) {
    this.aval = aval;
  }
}

/** Symbolic zero, value or (in transpose rules) linear operand. */
export type Operand = NDArray | UndefinedPrimal;

export interface JvpResult {
  readonly primals: readonly NDArray[];
  readonly tangents: readonly Tangent[];
}

export interface LinearizeResult {
  readonly primals: readonly NDArray[];
  /** Which outputs have a tangent. */
  readonly nonzero: readonly boolean[];
  /** Runs in the tangent trace: tangents of the inputs to tangents of the outputs. */
  readonly linear: (tangents: readonly Tangent[]) => readonly Tangent[];
}

export interface BatchResult {
  readonly outs: readonly NDArray[];
  readonly dims: readonly (number | null)[];
}

/** Vectorizes a program: `batchJaxpr` of `core/batch.ts`. */
export type BatchBody = (
  jaxpr: ClosedJaxpr<NDArray>,
  size: number,
  dims: readonly (number | null)[],
  front: "asIs" | readonly boolean[],
  axis?: number,
) => { readonly closed: ClosedJaxpr<NDArray>; readonly dims: readonly (number | null)[] };

/** A split of one equation by a policy: see `passes/partialEval.ts`. */
export interface SplitResult {
  readonly known: Eqn | null;
  readonly staged: Eqn | null;
  readonly unknownOut: readonly boolean[];
  readonly availableOut: readonly boolean[];
  readonly residuals: readonly Var[];
}

export interface Primitive<P extends Params = Params> {
  /** As JAX prints it: `dot_general`. */
  readonly name: string;
  /** The types of the outputs. The only place where shape and dtype errors of the operation are thrown. */
  type(avals: readonly ShapedArray[], params: P): readonly ShapedArray[];
  /** Pushes tangents forward. Absent: not differentiable. */
  jvp?(primals: readonly NDArray[], tangents: readonly Tangent[], params: P): JvpResult;
  /** Replaces the linearization that follows from `jvp`. Runs in the primal trace. */
  linearize?(nonzero: readonly boolean[], primals: readonly NDArray[], params: P, isVjp: boolean): LinearizeResult;
  /**
   * Cotangents of the linear operands (those that are `UndefinedPrimal`); anything for the others. It is called only with some nonzero
   * cotangent, unless `transposesZeros`.
   */
  transpose?(
    cts: readonly Tangent[],
    args: readonly Operand[],
    params: P,
    outAvals: readonly ShapedArray[],
  ): readonly Tangent[];
  readonly transposesZeros?: boolean;
  /**
   * Batches over one axis of each operand; `dims[i]` is null if operand i is not batched. `batchBody` does the same to a program that the
   * parameters hold: it comes with the call, so that a primitive with a body needs vectorization only where something is vectorized. `axisName`
   * is the name of the axis, if it has one.
   */
  batch?(
    size: number,
    args: readonly NDArray[],
    dims: readonly (number | null)[],
    params: P,
    batchBody: BatchBody,
    axisName: string | null,
  ): BatchResult;
  /** The names of the mapped axes that a call speaks of: it is batched by its rule where one of them is, whatever its operands. */
  axisNames?(params: P): readonly unknown[];
  /** For primitives whose params hold a jaxpr: the rule makes the body anew even where no operand is batched, as JAX's do. */
  readonly batchesBody?: boolean;
  /** Elementwise on operands of equal shape: batching, fusing and dead-code rules follow. */
  readonly elementwise?: boolean;
  /** An elementwise operation of an instruction or two: compiled programs compute it again rather than keep its result. */
  readonly cheap?: boolean;

  /** For primitives whose params hold a jaxpr: splits known from unknown operands without a policy. */
  partialEval?(trace: PartialTrace, args: readonly NDArray[], params: P): readonly NDArray[];
  /** For primitives whose params hold a jaxpr: splits an equation by a policy. */
  split?(policy: Policy, unknownIn: readonly boolean[], availableIn: readonly boolean[], eqn: Eqn): SplitResult;
  /** Dead-code elimination inside: which operands are still used, and the equation that remains. */
  dce?(usedOut: readonly boolean[], eqn: Eqn): { readonly usedIn: readonly boolean[]; readonly eqn: Eqn | null };
  /** While staging: outputs that are merely operands (index) or null; and whether an equation is still needed. */
  forward?(
    avals: readonly ShapedArray[],
    params: P,
    outAvals: readonly ShapedArray[],
  ): readonly (number | null)[] | null;
  /** While staging: folds a call on literals to literals, or null. */
  fold?(args: readonly (NDArray | null)[], params: P): readonly NDArray[] | null;
  /** Replaces the ordinary call (`bind`) by something that depends on the trace. */
  bindWithTrace?(trace: Trace, args: readonly NDArray[], params: P): readonly NDArray[];
  /** Performs an equation again, where its stored params are not those of `bind` (custom rules hold functions). */
  rebind?(args: readonly NDArray[], params: P): readonly NDArray[];
  /** The printed parameters, in order. Default: all of them by name. Return null for none. */
  print?(params: P): readonly PrintedParam[];
  /** Evaluates a call outside of any transformation, where that is not the engine's business: operands may be handed on as they are. */
  evaluate?(args: readonly NDArray[], params: P): readonly NDArray[];
  /** True if a call has an effect. */
  effectful?(params: P): boolean;
  /** Where tests may sample operands: an open interval, or one for each operand. */
  readonly domain?: Domain | readonly Domain[];
}

export type Domain = readonly [low: number, high: number];

/** The trace that splits known from unknown values (`core/partial.ts`), as rules see it. */
export interface PartialTrace extends Trace {
  isKnown(x: NDArray): boolean;
  readonly parent: Trace;
}

export type { Jaxpr };
