/**
 * `while`: a loop whose number of steps is not known in advance. Forward mode pushes tangents through it; reverse mode cannot, because the values of
 * an unknown number of steps cannot be stored in advance. Its operands are `[condition consts, body consts, carry]`.
 */
import type { NDArray } from "../core/array.ts";
import { matchAxis } from "../core/axes.ts";
import { bind } from "../core/interpreter.ts";
import { ClosedJaxpr, Var, type Eqn, type Params } from "../core/jaxpr.ts";
import type { SplitTrace } from "../core/partial.ts";
import { nothingSaveable, type Policy } from "../core/policy.ts";
import type {
  BatchBody,
  BatchResult,
  JvpResult,
  PartialTrace,
  Primitive,
  SplitResult,
  Tangent,
} from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import { merge, split } from "../core/zip.ts";
import { WhileReverseError } from "../errors.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { partialEval } from "../passes/partialEval.ts";
import { pruneClosedOutputs, reorder } from "../passes/rewrite.ts";
import { unzip } from "../passes/unzip.ts";
import { scatterResults } from "./callRules.ts";
import { carryFixpoint, count, interleave, repeat } from "./carry.ts";

export interface WhileParams extends Params {
  readonly cond_jaxpr: ClosedJaxpr<NDArray>;
  readonly cond_nconsts: number;
  readonly body_jaxpr: ClosedJaxpr<NDArray>;
  readonly body_nconsts: number;
}

export const whileP: Primitive<WhileParams> = {
  name: "while",
  type: (_avals, { body_jaxpr }) => body_jaxpr.outAvals,
  jvp: jvpWhile,
  batchesBody: true,
  batch: batchWhile,
  partialEval: splitWhile,
  split: splitWhileByPolicy,
  transposesZeros: true,
  transpose() {
    throw new WhileReverseError();
  },
};

const bindWhile = (args: readonly NDArray[], params: WhileParams): readonly NDArray[] => bind(whileP, args, params);

function jvpWhile(primals: readonly NDArray[], tangents: readonly Tangent[], params: WhileParams): JvpResult {
  return pushThroughLoop(primals, tangents, params, bindWhile);
}

/** The loop of values and tangents; which `run` runs, maybe as another loop. */
export function pushThroughLoop(
  primals: readonly NDArray[],
  tangents: readonly Tangent[],
  params: WhileParams,
  run: (args: readonly NDArray[], params: WhileParams) => readonly NDArray[],
): JvpResult {
  const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = params;
  const [, bodyNz, initNz] = split(
    tangents.map((t) => t !== null),
    cond_nconsts,
    body_nconsts,
  );
  const { carry, result } = carryFixpoint(initNz, (nz) => {
    const program = jvpJaxpr(body_jaxpr, [...bodyNz, ...nz], nz);
    return { out: program.nonzeroOut, result: program };
  });
  const [condConsts, bodyConsts, init] = split(primals, cond_nconsts, body_nconsts);
  const [, bodyDots, initDots] = split(tangents, cond_nconsts, body_nconsts);
  const bodyDot = bodyDots.filter((t) => t !== null);
  const initDot = initDots.flatMap((t, i) => (carry[i] ? [instantiate(t, init[i].aval.toTangent())] : []));
  const body = reorder(
    result.closed,
    interleave([body_nconsts, init.length], [bodyDot.length, initDot.length]),
    interleave([init.length], [initDot.length]),
  );
  const cond = new ClosedJaxpr<NDArray>(
    cond_jaxpr.jaxpr.replace({ invars: [...cond_jaxpr.jaxpr.invars, ...initDot.map((t) => new Var(t.aval))] }),
    cond_jaxpr.consts,
  );
  const outs = run([...condConsts, ...bodyConsts, ...bodyDot, ...init, ...initDot], {
    cond_jaxpr: cond,
    cond_nconsts,
    body_jaxpr: body,
    body_nconsts: body_nconsts + bodyDot.length,
  });
  return { primals: outs.slice(0, init.length), tangents: scatterResults(carry, outs.slice(init.length)) };
}

function batchWhile(
  size: number,
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  params: WhileParams,
  batchBody: BatchBody,
): BatchResult {
  const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = params;
  const [condDims, bodyDims, initDims] = split(dims, cond_nconsts, body_nconsts);
  const axis = (batched: readonly boolean[], at = 0): (number | null)[] => batched.map((b) => (b ? at : null));
  const isBatched = (ds: readonly (number | null)[]): boolean[] => ds.map((d) => d !== null);
  const { carry } = carryFixpoint(isBatched(initDims), (batched) => {
    const { dims: out } = batchBody(body_jaxpr, size, axis([...isBatched(bodyDims), ...batched]), batched);
    return { out: isBatched(out), result: null };
  });
  const predicate = batchBody(cond_jaxpr, size, axis([...isBatched(condDims), ...carry]), [false]);
  // With a batched predicate the loop runs until all are done, so everything it carries must be batched.
  const everything = predicate.dims[0] !== null;
  const carried = everything ? carry.map(() => true) : carry;
  // The axes of a predicate that is batched already stay in front.
  const at = everything ? 0 : cond_jaxpr.outAvals[0].ndim;
  const carryDims = axis(carried, at);
  const body = batchBody(body_jaxpr, size, [...bodyDims, ...carryDims], carried, at);
  const cond = batchBody(cond_jaxpr, size, [...condDims, ...carryDims], [everything]);
  const consts = args.slice(0, cond_nconsts + body_nconsts);
  const init = args
    .slice(cond_nconsts + body_nconsts)
    .map((x, i) => (carried[i] ? matchAxis(size, initDims[i], at, x) : x));
  const outs = bindWhile([...consts, ...init], { ...params, cond_jaxpr: cond.closed, body_jaxpr: body.closed });
  return { outs, dims: carryDims };
}

/** Runs the known part now; what is unknown runs the whole loop again later. */
function splitWhile(trace: PartialTrace, args: readonly NDArray[], params: WhileParams): readonly NDArray[] {
  const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = params;
  const unknown = args.map((x) => !trace.isKnown(x));
  const [condUk, bodyUk, initUk] = split(unknown, cond_nconsts, body_nconsts);
  const { carry: carryUk, result: body } = carryFixpoint(initUk, (carry) => {
    const parts = unzip(body_jaxpr, [...bodyUk, ...carry], carry);
    return { out: parts.unknownOut, result: parts };
  });
  const cond = unzip(cond_jaxpr, [...condUk, ...carryUk]);
  const later = (): readonly NDArray[] => (trace as SplitTrace).writeDown(whileP, args, params, body_jaxpr.outAvals);
  if (!unknown.includes(true)) return bindWhile(args, params);
  if (cond.unknownOut[0] || !unknown.includes(false)) return later();
  const known = [...condUk, ...bodyUk, ...carryUk];
  const numKnownOut = carryUk.length - count(carryUk);
  const knownBody = pruneClosedOutputs(
    body.known,
    body.known.jaxpr.outvars.map((_, i) => i < numKnownOut),
  );
  const outs = bindWhile(
    args.filter((_, i) => !known[i]),
    {
      cond_jaxpr: cond.known,
      cond_nconsts: condUk.length - count(condUk),
      body_jaxpr: knownBody,
      body_nconsts: bodyUk.length - count(bodyUk),
    },
  );
  return merge(
    carryUk,
    outs,
    later().filter((_, i) => carryUk[i]),
  );
}

/** No policy can save anything here: how many values there would be is not known. */
function splitWhileByPolicy(
  _policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = eqn.params as WhileParams;
  const [condUk, bodyUk, initUk] = split(unknownIn, cond_nconsts, body_nconsts);
  const { carry: carryUk, result: body } = carryFixpoint(initUk, (carry) => {
    const unknown = [...bodyUk, ...carry];
    const parts = partialEval(body_jaxpr.jaxpr, unknown, repeat(true, unknown.length), carry, true, nothingSaveable);
    return { out: parts.unknownOut, result: parts };
  });
  const residuals = eqn.invars.filter((x, i): x is Var => x instanceof Var && !availableIn[i]);
  const all = carryUk.map(() => true);
  const condUnknown = [...condUk, ...carryUk];
  const cond = partialEval(
    cond_jaxpr.jaxpr,
    condUnknown,
    repeat(true, condUnknown.length),
    false,
    true,
    nothingSaveable,
  );
  if (cond.unknownOut[0]) return { known: null, staged: eqn, unknownOut: all, availableOut: all, residuals };
  const unknown = [...condUk, ...bodyUk, ...carryUk];
  const known: Eqn = {
    ...eqn,
    invars: eqn.invars.filter((_, i) => !unknown[i]),
    outvars: eqn.outvars.filter((_, i) => !carryUk[i]),
    params: {
      cond_jaxpr: new ClosedJaxpr(cond.known, cond_jaxpr.consts),
      cond_nconsts: condUk.length - count(condUk),
      body_jaxpr: new ClosedJaxpr(body.known, body_jaxpr.consts),
      body_nconsts: bodyUk.length - count(bodyUk),
    },
  };
  return { known, staged: eqn, unknownOut: carryUk, availableOut: all, residuals };
}
