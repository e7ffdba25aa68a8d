/** `custom_vjp_call`: a call of a function with a reverse derivative rule of its own, as an equation. */
import type { NDArray } from "../core/array.ts";
import type { CustomVjpCall } from "../core/custom.ts";
import { customVjpRules, type StagedFwdRule } from "../core/customRules.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { currentTrace } from "../core/interpreter.ts";
import { ClosedJaxpr, type Eqn, type Jaxpr, type Params } from "../core/jaxpr.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { zeros } from "../core/zeros.ts";
import { dce } from "../passes/dce.ts";
import { CustomVjpClosureError } from "../errors.ts";

export interface CustomVjpParams extends Params {
  readonly name: string;
  readonly call_jaxpr: Jaxpr;
  /** The names of the rule's halves. */
  readonly fwd: string;
  readonly bwd: string;
  readonly fwd_rule: (perturbed: readonly boolean[]) => StagedFwdRule;
  readonly bwd_rule: CustomVjpCall["bwd"];
  readonly num_consts: number;
  readonly symbolic_zeros: boolean;
}

export const customVjpP: Primitive<CustomVjpParams> = {
  name: "custom_vjp_call",
  type: (_avals, { call_jaxpr }) => call_jaxpr.outAvals,
  rebind: (args, params) => currentTrace().customVjp(callOf(params), args),
  dce: dceCall,
  print({ name, call_jaxpr, fwd, bwd, num_consts, symbolic_zeros }) {
    return [
      ["name", name],
      ["bwd", bwd],
      ["call_jaxpr", call_jaxpr],
      ["fwd", fwd],
      ...(num_consts > 0 ? [["num_consts", num_consts] as const] : []),
      ["symbolic_zeros", symbolic_zeros],
    ];
  },
};

function callOf(params: CustomVjpParams): CustomVjpCall {
  const { num_consts: n } = params;
  return {
    primitive: customVjpP,
    rules: customVjpRules,
    name: params.name,
    fwdName: params.fwd,
    bwdName: params.bwd,
    symbolicZeros: params.symbolic_zeros,
    fun: (args) => evalJaxpr(params.call_jaxpr, [], args),
    fwd(args, perturbed) {
      if (perturbed.slice(0, n).includes(true)) {
        throw new CustomVjpClosureError(
          `a derivative of the function ${params.name}, which has a custom reverse rule, was asked for by a value that it closes over. ` +
            "Detected differentiation of a custom_vjp function with respect to a closed-over value: the rule only covers explicit arguments. " +
            "Pass the value as an argument, and adapt the fwd and bwd rules.",
        );
      }
      const { closed, numResiduals } = params.fwd_rule(perturbed.slice(n));
      const outs = evalJaxpr(closed.jaxpr, closed.consts, args.slice(n));
      return { residuals: outs.slice(0, numResiduals), outs: outs.slice(numResiduals) };
    },
    bwd: (residuals, cts) => [...Array.from({ length: n }, () => null), ...params.bwd_rule(residuals, cts)],
  };
}

function dceCall(usedOut: readonly boolean[], eqn: Eqn): { usedIn: readonly boolean[]; eqn: Eqn | null } {
  if (!usedOut.includes(true)) return { usedIn: eqn.invars.map(() => false), eqn: null };
  const params = eqn.params as CustomVjpParams;
  const usedIn = eqn.invars.map(() => true);
  const outAvals = params.call_jaxpr.outAvals;
  const pruned: CustomVjpParams = {
    ...params,
    call_jaxpr: dce(params.call_jaxpr, usedOut, true).jaxpr,
    fwd_rule(perturbed) {
      const { closed, numResiduals } = params.fwd_rule(perturbed);
      const keep = [...Array.from({ length: numResiduals }, () => true), ...usedOut];
      return { closed: new ClosedJaxpr(dce(closed.jaxpr, keep, true).jaxpr, closed.consts), numResiduals };
    },
    bwd_rule(residuals, cts) {
      let next = 0;
      const all = usedOut.map((used, i): Tangent => {
        if (used) return cts[next++];
        return params.symbolic_zeros ? null : zeros(outAvals[i].toTangent());
      });
      return params.bwd_rule(residuals, all);
    },
  };
  return { usedIn, eqn: { ...eqn, outvars: eqn.outvars.filter((_, i) => usedOut[i]), params: pruned } };
}

/** Calls a function of flat values that has a reverse rule, in the current trace. */
export const bindCustomVjp = (
  call: Omit<CustomVjpCall, "primitive" | "rules">,
  args: readonly NDArray[],
): readonly NDArray[] => currentTrace().customVjp({ ...call, primitive: customVjpP, rules: customVjpRules }, args);
