/**
 * Linearization of a program: one program for the primals and the residuals, one for the tangents that takes the residuals. Residuals that are
 * inputs of the program are not given out again but forwarded.
 */
import type { NDArray } from "../core/array.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { withTrace } from "../core/interpreter.ts";
import { ClosedJaxpr } from "../core/jaxpr.ts";
import { LinearizeTrace, pruneProgram } from "../core/linearize.ts";
import { Memo, flags } from "../core/memo.ts";
import { withSource } from "../core/source.ts";
import { StageTrace } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";
import { close, constsToInputs } from "./rewrite.ts";

export interface LinearProgram {
  /** Inputs to primal outputs, then residuals that are not forwarded. */
  readonly primal: ClosedJaxpr<NDArray>;
  readonly numResidualsOut: number;
  /** Which outputs have a tangent. */
  readonly nonzeroOut: readonly boolean[];
  /** For each residual: its place among constants and inputs of the program, or null if `primal` gives it out. */
  readonly forwarded: readonly (number | null)[];
  /** Residuals and nonzero tangents to nonzero output tangents. */
  readonly tangent: ClosedJaxpr<NDArray>;
}

const cache = new Memo<ClosedJaxpr<NDArray>, LinearProgram>();

export function linearizeJaxpr(
  jaxpr: ClosedJaxpr<NDArray>,
  nonzero: readonly boolean[],
  options: { inst?: readonly boolean[]; allowForward?: readonly boolean[]; isVjp: boolean },
): LinearProgram {
  const inst = options.inst ?? jaxpr.jaxpr.outvars.map(() => false);
  const allow = options.allowForward ?? [...jaxpr.consts, ...jaxpr.jaxpr.invars].map(() => true);
  const key = `${flags(nonzero)}/${flags(inst)}/${flags(allow)}/${String(options.isVjp)}`;
  return cache.get(jaxpr, key, () => linearizeUncached(jaxpr, nonzero, inst, allow, options.isVjp));
}

function linearizeUncached(
  jaxpr: ClosedJaxpr<NDArray>,
  nonzero: readonly boolean[],
  inst: readonly boolean[],
  allow: readonly boolean[],
  isVjp: boolean,
): LinearProgram {
  const debug = jaxpr.jaxpr.debug;
  const primalTrace = new StageTrace(debug);
  const tangentTrace = new StageTrace(debug, true);
  const trace = new LinearizeTrace(primalTrace, tangentTrace, isVjp);
  const primalsIn: NDArray[] = [];
  const args = jaxpr.inAvals.map((aval, i) => {
    const primal = primalTrace.newArg(aval);
    primalsIn.push(primal);
    return trace.wrap(primal, nonzero[i] ? tangentTrace.newArg(aval.toTangent()) : null);
  });
  const pairs = withSource(undefined, () => withTrace(trace, () => evalJaxpr(jaxpr.jaxpr, jaxpr.consts, args))).map(
    (x) => trace.unwrap(x),
  );
  const outAvals = jaxpr.outAvals;
  // Zeros that are asked for do not depend on tangents: they are residuals.
  const outTangents = withTrace(trace, () =>
    pairs.map(([, t], i) => (inst[i] ? instantiate(t, outAvals[i].toTangent()) : t)),
  );
  const staged = tangentTrace.finish(outTangents.filter((t) => t !== null));
  tangentTrace.close();
  const { jaxpr: tangentJaxpr, residuals } = pruneProgram(staged.jaxpr, staged.consts);
  const index = new Map<NDArray, number>();
  [...jaxpr.consts, ...primalsIn].forEach((x, i) => {
    if (allow[i]) index.set(x, i);
  });
  const forwarded = residuals.map((r) => index.get(r) ?? null);
  const residualsOut = residuals.filter((_, i) => forwarded[i] === null);
  const primal = primalTrace.finish([...pairs.map(([p]) => p), ...residualsOut]);
  primalTrace.close();
  trace.live = false;
  const pruned = pruneProgram(primal.jaxpr, primal.consts);
  return {
    primal: new ClosedJaxpr(pruned.jaxpr, pruned.residuals),
    numResidualsOut: residualsOut.length,
    nonzeroOut: outTangents.map((t) => t !== null),
    forwarded,
    tangent: close(constsToInputs(tangentJaxpr)),
  };
}
