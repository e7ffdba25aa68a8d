/**
 * Linearization: runs a function at a point, and writes down its derivative there as a linear program of the tangents. Primal values are
 * computed at once, in the trace below; tangents are staged. The constants of the tangent program are the residuals: what reverse mode
 * keeps in memory.
 */
import type { NDArray } from "./array.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import { evalJaxpr } from "./evalJaxpr.ts";
import { DualTrace } from "./dual.ts";
import { bindWith, currentTrace, type Trace, withTrace } from "./interpreter.ts";
import { noDerivative } from "./jvp.ts";
import type { Atom, DebugInfo, Jaxpr, Params } from "./jaxpr.ts";
import { pruneEquations } from "./liveness.ts";
import { SplitTrace } from "./partial.ts";
import type { JvpResult, LinearizeResult, Primitive, Tangent } from "./primitive.ts";
import { captureSource, withSource } from "./source.ts";
import { StageTrace } from "./stage.ts";
import { RematValueError } from "../errors.ts";

export class LinearizeTrace extends DualTrace {
  readonly tangentTrace: StageTrace;
  readonly isVjp: boolean;

  constructor(parent: Trace, tangentTrace: StageTrace, isVjp: boolean) {
    super(parent);
    this.tangentTrace = tangentTrace;
    this.isVjp = isVjp;
  }

  process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
    const { primals, tangents, constant } = this.unwrapAll(args);
    if (constant) return bindWith(this.parent, primitive, primals, params);
    const nonzero = tangents.map((t) => t !== null);
    return withSource(captureSource(), () => {
      const result = withTrace(this.parent, () =>
        primitive.linearize !== undefined
          ? primitive.linearize(nonzero, primals, params, this.isVjp)
          : linearizeByJvp(primitive, nonzero, primals, params),
      );
      return this.finish(result, tangents);
    });
  }

  /** The outputs of what has been linearized, with the tangents written down. */
  finish(result: LinearizeResult, tangents: readonly Tangent[]): NDArray[] {
    const outs = withTrace(this.tangentTrace, () => result.linear(tangents));
    return result.primals.map((x, i) => this.wrap(x, outs[i]));
  }

  stageValue(value: NDArray): NDArray {
    const [primal, tangent] = this.unwrap(value);
    return this.wrap(this.parent.stageValue(primal), tangent === null ? null : this.tangentTrace.stageValue(tangent));
  }

  override meet(value: NDArray): void {
    this.parent.meet(this.unwrap(value)[0]);
  }

  customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.rules.linearize(this, call, args);
  }

  customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.rules.linearize(this, call, args);
  }
}

function linearizeByJvp(
  primitive: Primitive,
  nonzero: readonly boolean[],
  primals: readonly NDArray[],
  params: Params,
): LinearizeResult {
  const jvp = primitive.jvp;
  if (jvp === undefined) throw noDerivative(primitive);
  return linearizeRule((ps, ts) => jvp(ps, ts, params), nonzero, primals);
}

/**
 * Linearizes a jvp rule: runs it in the current trace with unknown tangents, so that everything that does not depend on them is computed now,
 * and gives the rest as a function of the tangents.
 */
export function linearizeRule(
  rule: (primals: readonly NDArray[], tangents: readonly Tangent[]) => JvpResult,
  nonzero: readonly boolean[],
  primals: readonly NDArray[],
): LinearizeResult {
  const trace = new SplitTrace(currentTrace());
  const perturbed = primals.map((p, i) => nonzero[i] && p.aval.toTangent().dtype !== "float0");
  const args = primals.map((p, i) => (perturbed[i] ? trace.newArg(p.aval.toTangent()) : null));
  const result = withTrace(trace, () => rule(primals, args));
  if (result.primals.some((p) => !trace.isKnown(p))) {
    throw new RematValueError(
      "a linearization was asked for, and a primal output depends on a tangent: Linearization failed to produce known values for all output " +
        "primals. This happens when what is differentiated has no reverse-mode derivative; use forward mode (jvp, jacfwd) instead.",
    );
  }
  const unknown = result.tangents.map((t) => t !== null && !trace.isKnown(t));
  const outs = result.tangents.filter((_, i) => unknown[i]) as NDArray[];
  const replay = trace.replay(outs) ?? prunedReplay(trace, outs);
  trace.live = false;
  return {
    primals: result.primals,
    nonzero: unknown,
    linear(tangents) {
      const replayed = replay(tangents.filter((_, i) => perturbed[i]) as NDArray[]);
      let next = 0;
      return unknown.map((isUnknown) => (isUnknown ? replayed[next++] : null));
    },
  };
}

function prunedReplay(trace: SplitTrace, outs: readonly NDArray[]): (values: readonly NDArray[]) => NDArray[] {
  const { jaxpr, consts } = trace.finish(outs, null);
  const pruned = jaxpr.replace({ eqns: pruneEquations(jaxpr.eqns, jaxpr.outvars) });
  return (values) => evalJaxpr(pruned, consts, values);
}

export interface Linearized {
  readonly outs: readonly NDArray[];
  /** Which outputs have a tangent; the linear program gives only those. */
  readonly nonzero: readonly boolean[];
  /** From one tangent for each input to the tangents of the outputs; its constvars stand for the residuals. */
  readonly jaxpr: Jaxpr;
  readonly residuals: readonly NDArray[];
}

/** Runs `fn` at `primals` and writes its derivative down. `aux` is passed through, with tangents taken off. */
export function linearizeFlat(
  fn: (args: readonly NDArray[]) => readonly NDArray[],
  primals: readonly NDArray[],
  isVjp: boolean,
  debug: DebugInfo | null,
): Linearized & { strip: (x: NDArray) => NDArray } {
  const parent = currentTrace();
  const tangentTrace = new StageTrace(debug, true);
  const trace = new LinearizeTrace(parent, tangentTrace, isVjp);
  try {
    const args = primals.map((p) => trace.wrap(p, tangentTrace.newArg(p.aval.toTangent())));
    const pairs = withTrace(trace, () => fn(args)).map((x) => trace.unwrap(x));
    const nonzero = pairs.map(([, t]) => t !== null);
    const tangents = pairs.flatMap(([, t]) => (t === null ? [] : [t]));
    const { jaxpr, consts } = tangentTrace.finish(tangents);
    const pruned = pruneProgram(jaxpr, consts);
    return { outs: pairs.map(([p]) => p), nonzero, ...pruned, strip: (x) => trace.unwrap(x)[0] };
  } finally {
    trace.live = false;
    tangentTrace.close();
  }
}

/** Dead-code elimination that keeps all inputs and drops constants that are not used any more. */
export function pruneProgram(jaxpr: Jaxpr, consts: readonly NDArray[]): { jaxpr: Jaxpr; residuals: NDArray[] } {
  const needed = new Set<Atom>();
  const eqns = pruneEquations(jaxpr.eqns, jaxpr.outvars, needed);
  const kept = jaxpr.constvars.map((v) => needed.has(v));
  return {
    jaxpr: jaxpr.replace({ eqns, constvars: jaxpr.constvars.filter((_, i) => kept[i]) }),
    residuals: consts.filter((_, i) => kept[i]),
  };
}
