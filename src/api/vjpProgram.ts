/**
 * Reverse mode on flat values: the value of a function, its residuals, and the backward program that takes them. The residuals are split as JAX
 * splits them: those that are arguments of the function (in their order), then all others (in the order of first use by the tangent program).
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import type { DebugInfo, Jaxpr } from "../core/jaxpr.ts";
import { linearizeFlat } from "../core/linearize.ts";
import { UndefinedPrimal, type Tangent } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import { backwardPass } from "../passes/transpose.ts";

export interface VjpProgram {
  readonly outs: readonly NDArray[];
  readonly outAvals: readonly ShapedArray[];
  readonly inAvals: readonly ShapedArray[];
  /** The linear program: tangents of all inputs to those of the outputs in `nonzero`. Its constvars are the residuals. */
  readonly jaxpr: Jaxpr;
  readonly nonzero: readonly boolean[];
  /** What is kept for the backward pass: used arguments, then other values. Each object once, unless it was passed more than once. */
  readonly residuals: readonly NDArray[];
  /** Cotangents of all inputs, from the residuals and the cotangents of all outputs. */
  readonly pullback: (residuals: readonly NDArray[], cts: readonly Tangent[]) => NDArray[];
  /** Takes the tangent off a value that came out of the function beside its result. */
  readonly strip: (x: NDArray) => NDArray;
}

/** Runs `fn` at `primals` and prepares its backward pass. */
export function vjpProgram(
  fn: (args: readonly NDArray[]) => readonly NDArray[],
  primals: readonly NDArray[],
  debug: DebugInfo | null,
): VjpProgram {
  const { outs, nonzero, jaxpr, residuals, strip } = linearizeFlat(fn, primals, true, debug);
  const argument = new Map<NDArray, number>(primals.map((p, i) => [p, i]));
  const usedArguments = new Set(residuals.filter((r) => argument.has(r)));
  const keptArguments = primals.flatMap((p, i) => (usedArguments.has(p) ? [i] : []));
  const place = new Map<number, number>(keptArguments.map((i, at) => [i, at]));
  const others: NDArray[] = [];
  const places = residuals.map((r) => {
    const i = argument.get(r);
    if (i !== undefined) return place.get(i) as number;
    return keptArguments.length + others.push(r) - 1;
  });
  const inAvals = primals.map((p) => p.aval);
  return {
    outs,
    outAvals: outs.map((x) => x.aval),
    inAvals,
    jaxpr,
    nonzero,
    residuals: [...keptArguments.map((i) => primals[i]), ...others],
    pullback(given, cts) {
      const consts = places.map((at) => given[at]);
      const linear = inAvals.map((aval) => new UndefinedPrimal(aval.toTangent()));
      const results = backwardPass(
        jaxpr,
        consts,
        linear,
        cts.filter((_, i) => nonzero[i]),
      );
      return results.map((ct, i) => instantiate(ct, inAvals[i].toTangent()));
    },
    strip,
  };
}
