/** How a loop inside a checkpointed function is split by the policy: its known half becomes a `closed_call` of a loop, its other half a loop for later. */
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import { ClosedJaxpr, Var, type Eqn } from "../core/jaxpr.ts";
import type { Policy } from "../core/policy.ts";
import type { Primitive, SplitResult } from "../core/primitive.ts";
import { stage } from "../core/stage.ts";
import { partition, split } from "../core/zip.ts";
import { partialEval } from "../passes/partialEval.ts";
import { moveInputs } from "../passes/rewrite.ts";
import { unzip } from "../passes/unzip.ts";
import { carryFixpoint, count, repeat, stackedAval } from "./carry.ts";
import { closedCall } from "./closedCall.ts";
import type { ScanParams } from "./scan.ts";

/** Inside a checkpointed function: the body is split by the policy, and what it saves is stacked, unless it is the same in every step. */
export function splitScanByPolicy(
  scan: Primitive,
  policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const params = eqn.params as ScanParams;
  const { jaxpr, num_consts, num_carry, length } = params;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const [constUk, initUk, xsUk] = split(unknownIn, num_consts, num_carry);
  const { carry: carryUk, result: parts } = carryFixpoint(initUk, (carry) => {
    const unknown = [...constUk, ...carry, ...xsUk];
    const result = partialEval(
      jaxpr.jaxpr,
      unknown,
      unknown.map(() => true),
      [...carry, ...repeat(false, numYs)],
      true,
      policy,
    );
    return { out: result.unknownOut.slice(0, num_carry), result };
  });
  const all = [...constUk, ...carryUk, ...xsUk];
  const { numResiduals } = parts;
  const known = new ClosedJaxpr(parts.known, jaxpr.consts);
  const staged = new ClosedJaxpr(parts.staged, jaxpr.consts);
  const residualAvals = staged.inAvals.slice(0, numResiduals);
  const stackedLast = moveInputs(staged, repeat(true, numResiduals), false);
  const numConstKnown = constUk.length - count(constUk);
  const numKnownOut = known.jaxpr.outvars.length - numResiduals;
  const numKnownIn = known.jaxpr.invars.length;
  const hoisting = unzip(
    known,
    [...repeat(false, numConstKnown), ...repeat(true, numKnownIn - numConstKnown)],
    [...repeat(true, numKnownOut), ...repeat(false, numResiduals)],
  );
  const stackedRes = hoisting.unknownOut.slice(numKnownOut);
  const body = moveInputs(stackedLast, [...all.map(() => false), ...stackedRes.map((s) => !s)], true);
  const [intensiveAvals, extensiveAvals] = partition(stackedRes, residualAvals);
  const intensive = intensiveAvals.map((a) => new Var(a));
  const extensive = extensiveAvals.map((a) => new Var(stackedAval(a, length)));
  const knownIns = eqn.invars.filter((_, i) => !all[i]);
  const numCarryKnown = carryUk.length - count(carryUk);
  const { closed: call } = stage(
    knownIns.map((x) => x.aval),
    (xs) => {
      const [consts, rest] = split(xs, numConstKnown);
      const hoisted = evalJaxpr(hoisting.known.jaxpr, hoisting.known.consts, consts);
      const [residuals, loopConsts] = split(hoisted, intensive.length);
      const outs = bind(scan, [...loopConsts, ...rest], {
        ...params,
        jaxpr: hoisting.unknown,
        num_consts: loopConsts.length,
        num_carry: numCarryKnown,
      });
      return { outs: [...residuals, ...outs], extra: null };
    },
    jaxpr.jaxpr.debug,
  );
  const knownEqn: Eqn = {
    primitive: closedCall,
    invars: knownIns,
    outvars: [...intensive, ...eqn.outvars.filter((_, i) => !parts.unknownOut[i]), ...extensive],
    params: { call_jaxpr: call },
    source: eqn.source,
  };
  const stagedEqn: Eqn = {
    ...eqn,
    invars: [...intensive, ...eqn.invars, ...extensive],
    outvars: eqn.outvars.filter((_, i) => parts.availableOut[i]),
    params: { ...params, jaxpr: body, num_consts: intensive.length + num_consts },
  };
  const needed = eqn.invars.filter((x, i): x is Var => x instanceof Var && !availableIn[i]);
  return {
    known: knownEqn,
    staged: stagedEqn,
    unknownOut: parts.unknownOut,
    availableOut: parts.availableOut,
    residuals: [...needed, ...intensive, ...extensive],
  };
}
