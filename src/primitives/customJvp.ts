/** `custom_jvp_call`: a call of a function with a forward derivative rule of its own, as an equation. */
import type { NDArray } from "../core/array.ts";
import type { CustomJvpCall } from "../core/custom.ts";
import { customJvpRules, type StagedJvpRule } from "../core/customRules.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { currentTrace } from "../core/interpreter.ts";
import { ClosedJaxpr, type Eqn, type Jaxpr, type Params } from "../core/jaxpr.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { dce } from "../passes/dce.ts";
import { backwardPass } from "../passes/transpose.ts";

export interface CustomJvpParams extends Params {
  readonly name: string;
  readonly call_jaxpr: Jaxpr;
  /** The rule's name. */
  readonly jvp: string;
  /** The rule as a program, for tangents that are zero where `zeros` is true. */
  readonly jvp_rule: (zeros: readonly boolean[]) => StagedJvpRule;
  readonly num_consts: number;
  readonly symbolic_zeros: boolean;
}

export const customJvpP: Primitive<CustomJvpParams> = {
  name: "custom_jvp_call",
  type: (_avals, { call_jaxpr }) => call_jaxpr.outAvals,
  rebind: (args, params) => currentTrace().customJvp(callOf(params), args),
  // Only a linear function meets this: its rule is not needed any more.
  transpose: (cts, args, { call_jaxpr }) => backwardPass(call_jaxpr, [], args, cts),
  dce: dceCall,
  print({ name, call_jaxpr, jvp, num_consts, symbolic_zeros }) {
    return [
      ["name", name],
      ["call_jaxpr", call_jaxpr],
      ["jvp", jvp],
      ...(num_consts > 0 ? [["num_consts", num_consts] as const] : []),
      ["symbolic_zeros", symbolic_zeros],
    ];
  },
};

/** The call that an equation stands for. Its first operands are what the function closed over. */
function callOf(params: CustomJvpParams): CustomJvpCall {
  const { num_consts: n } = params;
  return {
    primitive: customJvpP,
    rules: customJvpRules,
    name: params.name,
    jvpName: params.jvp,
    symbolicZeros: params.symbolic_zeros,
    fun: (args) => evalJaxpr(params.call_jaxpr, [], args),
    jvp(primals, tangents) {
      const ts = tangents.slice(n);
      const { closed, nonzero } = params.jvp_rule(ts.map((t) => t === null));
      const outs = evalJaxpr(closed.jaxpr, closed.consts, [...primals.slice(n), ...ts.filter((t) => t !== null)]);
      let next = nonzero.length;
      return {
        primals: outs.slice(0, nonzero.length),
        tangents: nonzero.map((nz): Tangent => (nz ? outs[next++] : null)),
      };
    },
  };
}

function dceCall(usedOut: readonly boolean[], eqn: Eqn): { usedIn: readonly boolean[]; eqn: Eqn | null } {
  if (!usedOut.includes(true)) return { usedIn: eqn.invars.map(() => false), eqn: null };
  const params = eqn.params as CustomJvpParams;
  const usedIn = eqn.invars.map(() => true);
  const rules = new Map<string, StagedJvpRule>();
  const pruned: CustomJvpParams = {
    ...params,
    // All inputs stay: the rule may need those that the function itself does not.
    call_jaxpr: dce(params.call_jaxpr, usedOut, true).jaxpr,
    jvp_rule(zeros) {
      const key = zeros.join();
      let rule = rules.get(key);
      if (rule === undefined) {
        const { closed, nonzero } = params.jvp_rule(zeros);
        const usedTangents = usedOut.filter((_, i) => nonzero[i]);
        const { jaxpr } = dce(closed.jaxpr, [...usedOut, ...usedTangents], true);
        rule = { closed: new ClosedJaxpr(jaxpr, closed.consts), nonzero: nonzero.filter((_, i) => usedOut[i]) };
        rules.set(key, rule);
      }
      return rule;
    },
  };
  return { usedIn, eqn: { ...eqn, outvars: eqn.outvars.filter((_, i) => usedOut[i]), params: pruned } };
}

/** Calls a function of flat values that has a forward rule, in the current trace. */
export const bindCustomJvp = (
  call: Omit<CustomJvpCall, "primitive" | "rules">,
  args: readonly NDArray[],
): readonly NDArray[] => currentTrace().customJvp({ ...call, primitive: customJvpP, rules: customJvpRules }, args);

/** Calls a function of the library with a forward rule. */
export function customJvpCall(
  name: string,
  fn: (...xs: NDArray[]) => readonly NDArray[],
  rule: (primals: NDArray[], tangents: Tangent[]) => [primals: NDArray[], tangents: Tangent[]],
  args: readonly NDArray[],
  options: { readonly jvpName?: string; readonly symbolicZeros?: boolean } = {},
): readonly NDArray[] {
  return bindCustomJvp(
    {
      name,
      jvpName: options.jvpName ?? "jvp",
      symbolicZeros: options.symbolicZeros ?? false,
      fun: (xs) => fn(...xs),
      jvp(primals, tangents) {
        const [ps, ts] = rule([...primals], [...tangents]);
        return { primals: ps, tangents: ts };
      },
    },
    args,
  );
}
