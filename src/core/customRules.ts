/**
 * What becomes of a call of a function with derivative rules of its own: differentiation calls the rule; where programs are written down, the call is an
 * equation that holds the function and the rules, each of which is staged when something asks for it. Such calls carry these functions with them
 * (`rules` in `custom.ts`), so that the traces don't need them where there is no such call.
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { CustomJvpCall, CustomJvpRules, CustomVjpCall, CustomVjpRules } from "./custom.ts";
import { customLinear } from "./customLinear.ts";
import type { DualTrace } from "./dual.ts";
import { currentTrace, withTrace, type Trace } from "./interpreter.ts";
import type { JvpTrace } from "./jvp.ts";
import type { ClosedJaxpr, Jaxpr, Params } from "./jaxpr.ts";
import { linearizeRule, type LinearizeTrace } from "./linearize.ts";
import { SplitTrace } from "./partial.ts";
import type { JvpResult, Tangent } from "./primitive.ts";
import { constsToInputs, stage, stageFlat, type StageTrace } from "./stage.ts";
import { instantiate } from "./zeros.ts";

/** A forward rule as a program: primals and nonzero tangents in, primals and nonzero tangents out. */
export interface StagedJvpRule {
  readonly closed: ClosedJaxpr<NDArray>;
  /** Which output tangents are not zero. */
  readonly nonzero: readonly boolean[];
}

function stageJvpRule(call: CustomJvpCall, avals: readonly ShapedArray[], zeros: readonly boolean[]): StagedJvpRule {
  const tangentAvals = avals.filter((_, i) => !zeros[i]).map((a) => a.toTangent());
  const { closed, extra } = stage(
    [...avals, ...tangentAvals],
    (args) => {
      let next = avals.length;
      const tangents = zeros.map((zero) => (zero ? null : args[next++]));
      const outs = call.jvp(args.slice(0, avals.length), tangents);
      const some = outs.tangents.filter((t) => t !== null);
      return { outs: [...outs.primals, ...some], extra: outs.tangents.map((t) => t !== null) };
    },
    null,
    true,
  );
  return { closed, nonzero: extra };
}

/** A reverse rule's forward half as a program: operands in, residuals and outputs out. */
export interface StagedFwdRule {
  readonly closed: ClosedJaxpr<NDArray>;
  readonly numResiduals: number;
}

/** The parameters of the equation of a call whose function has become `jaxpr`; its constants are the first operands. */
function customVjpParams(call: CustomVjpCall, avals: readonly ShapedArray[], jaxpr: Jaxpr): Params {
  const rules = new Map<string, StagedFwdRule>();
  return {
    call_jaxpr: constsToInputs(jaxpr),
    name: call.name,
    fwd: call.fwdName,
    bwd: call.bwdName,
    fwd_rule: (perturbed: readonly boolean[]): StagedFwdRule => {
      const key = perturbed.join();
      let rule = rules.get(key);
      if (rule === undefined) rules.set(key, (rule = stageFwdRule(call, avals, perturbed)));
      return rule;
    },
    bwd_rule: call.bwd,
    num_consts: jaxpr.constvars.length,
    symbolic_zeros: call.symbolicZeros,
  };
}

function stageFwdRule(
  call: CustomVjpCall,
  avals: readonly ShapedArray[],
  perturbed: readonly boolean[],
): StagedFwdRule {
  const { closed, extra } = stage(
    avals,
    (args) => {
      const { outs, residuals } = call.fwd(args, perturbed);
      return { outs: [...residuals, ...outs], extra: residuals.length };
    },
    null,
    true,
  );
  return { closed, numResiduals: extra };
}

function stageCustomJvp(trace: StageTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
  const tracers = args.map((x) => trace.tracerOf(x));
  const avals = tracers.map((t) => t.aval);
  const { jaxpr, consts } = stageFlat(call.fun, avals, { name: call.name, tracedFor: "custom_jvp" });
  const rules = new Map<string, StagedJvpRule>();
  const params = {
    call_jaxpr: constsToInputs(jaxpr),
    name: call.name,
    jvp: call.jvpName,
    jvp_rule: (zeros: readonly boolean[]): StagedJvpRule => {
      const key = zeros.join();
      let rule = rules.get(key);
      if (rule === undefined) rules.set(key, (rule = stageJvpRule(call, avals, zeros)));
      return rule;
    },
    num_consts: consts.length,
    symbolic_zeros: call.symbolicZeros,
  };
  return trace.emit(call.primitive, [...consts.map((c) => trace.tracerOf(c)), ...tracers], params, jaxpr.outAvals);
}

function stageCustomVjp(trace: StageTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
  const tracers = args.map((x) => trace.tracerOf(x));
  const avals = tracers.map((t) => t.aval);
  const { jaxpr, consts } = stageFlat(call.fun, avals, { name: call.name, tracedFor: "custom_vjp" });
  const params = customVjpParams(call, avals, jaxpr);
  return trace.emit(call.primitive, [...consts.map((c) => trace.tracerOf(c)), ...tracers], params, jaxpr.outAvals);
}

/** The call stays one for later. What it can compute without operands is a call of its own, as in JAX. */
function splitCustomVjp(trace: SplitTrace, call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
  const avals = args.map((x) => x.aval);
  let body: Jaxpr | null = null;
  const known = (): readonly NDArray[] => {
    const inner = new SplitTrace(currentTrace());
    const inputs = avals.map((aval) => inner.newArg(aval));
    const program = inner.finish(
      withTrace(inner, () => call.fun(inputs)),
      { name: call.name, tracedFor: "custom_vjp" },
    );
    inner.live = false;
    body = program.jaxpr;
    return program.consts;
  };
  const residuals = trace.parent.customVjp({ ...call, fun: known }, []);
  const params = customVjpParams(call, avals, body as unknown as Jaxpr);
  return trace.writeDown(call.primitive, [...residuals, ...args], params, (body as unknown as Jaxpr).outAvals);
}

/** The rule with the zeros that it asks for. */
const forwardRule = (call: CustomJvpCall, primals: readonly NDArray[], tangents: readonly Tangent[]): JvpResult =>
  call.jvp(
    primals,
    call.symbolicZeros ? tangents : tangents.map((t, i) => instantiate(t, primals[i].aval.toTangent())),
  );

function pushCustomJvp(trace: JvpTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
  const { primals, tangents, constant } = trace.unwrapAll(args);
  if (constant) return trace.parent.customJvp(call, primals);
  const outs = withTrace(trace.parent, () => forwardRule(call, primals, tangents));
  return outs.primals.map((x, i) => trace.wrap(x, outs.tangents[i]));
}

function linearizeCustomJvp(trace: LinearizeTrace, call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
  const { primals, tangents, constant } = trace.unwrapAll(args);
  if (constant) return trace.parent.customJvp(call, primals);
  const nonzero = tangents.map((t) => t !== null);
  const rule = (ps: readonly NDArray[], ts: readonly Tangent[]): JvpResult => forwardRule(call, ps, ts);
  const result = withTrace(trace.parent, () => linearizeRule(rule, nonzero, primals));
  return trace.finish(result, tangents);
}

/** The forward half of a reverse rule, and what the tangents are in a trace of their own. */
function differentiateCustomVjp(
  trace: DualTrace,
  tangentTrace: Trace,
  call: CustomVjpCall,
  args: readonly NDArray[],
): readonly NDArray[] {
  const { primals, tangents, constant } = trace.unwrapAll(args);
  if (constant) return trace.parent.customVjp(call, primals);
  const perturbed = tangents.map((t) => t !== null);
  const { outs, residuals } = withTrace(trace.parent, () => call.fwd(primals, perturbed));
  const ts = withTrace(tangentTrace, () => customLinear(call, residuals, tangents, outs));
  return outs.map((x, i) => trace.wrap(x, ts[i]));
}

export const customJvpRules: CustomJvpRules = {
  push: pushCustomJvp,
  linearize: linearizeCustomJvp,
  stage: stageCustomJvp,
};

export const customVjpRules: CustomVjpRules = {
  push: (trace, call, args) => differentiateCustomVjp(trace, trace.parent, call, args),
  linearize: (trace, call, args) => differentiateCustomVjp(trace, trace.tangentTrace, call, args),
  stage: stageCustomVjp,
  split: splitCustomVjp,
};
