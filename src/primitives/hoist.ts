/** Taking out of a loop what is the same in every step, and putting its residuals back together afterwards. */
import type { NDArray } from "../core/array.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { currentTrace, withTrace } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { SplitTrace } from "../core/partial.ts";
import { merge } from "../core/zip.ts";
import { close, constsToInputs } from "../passes/rewrite.ts";

export interface Hoisted {
  readonly loop: ClosedJaxpr<NDArray>;
  readonly consts: readonly NDArray[];
  /** For each residual: computed in front of the loop. */
  readonly which: readonly boolean[];
  readonly residuals: readonly NDArray[];
}

/** Computes now, in the current trace, all of the body that depends on constants only. */
export function hoist(jaxpr: ClosedJaxpr<NDArray>, consts: readonly NDArray[], numResiduals: number): Hoisted {
  const trace = new SplitTrace(currentTrace());
  const others = jaxpr.inAvals.slice(consts.length).map((a) => trace.newArg(a));
  const outs = withTrace(trace, () => evalJaxpr(jaxpr.jaxpr, jaxpr.consts, [...consts, ...others]));
  const numOut = outs.length - numResiduals;
  const residuals = outs.slice(numOut);
  const which = residuals.map((r) => trace.isKnown(r));
  const program = trace.finish([...outs.slice(0, numOut), ...residuals.filter((_, i) => !which[i])], jaxpr.jaxpr.debug);
  trace.live = false;
  return {
    loop: close(constsToInputs(program.jaxpr)),
    consts: program.consts,
    which,
    residuals: residuals.filter((_, i) => which[i]),
  };
}

/**
 * Which residuals are stacked along the loop: those that the loop gives out and that could not be hoisted, and those that are slices of xs.
 * `firstXs` is the place of the first xs among constants and inputs.
 */
export function stackedResiduals(
  forwarded: readonly (number | null)[],
  which: readonly boolean[],
  firstXs: number,
): boolean[] {
  let next = 0;
  return forwarded.map((from) => (from === null ? !which[next++] : from >= firstXs));
}

/** The residuals in order, from the loop's stacked ones, the hoisted ones and the forwarded inputs. */
export function completeResiduals(
  forwarded: readonly (number | null)[],
  inputs: readonly NDArray[],
  which: readonly boolean[],
  stacked: readonly NDArray[],
  hoisted: readonly NDArray[],
): NDArray[] {
  const own = merge(which, stacked, hoisted);
  let next = 0;
  return forwarded.map((from) => (from === null ? own[next++] : inputs[from]));
}
