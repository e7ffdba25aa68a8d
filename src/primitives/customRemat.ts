/**
 * `custom_remat`: a call of a function that brings its own way to be checkpointed: what the forward pass keeps under a policy, how the backward pass
 * makes its residuals of that, and the reverse rule that reads them. JAX's `custom_remat` of 2026 is the model.
 *
 * Differentiation makes `custom_remat_jvp` of it, which still is the function with its plain derivative: forward mode runs that. Where known values
 * are split from tangents, the rules take over: by the policy inside of `checkpoint`, and as if everything were saved outside. So value and
 * gradient have the same bits inside and outside.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { matchAxis } from "../core/axes.ts";
import { customLinear } from "../core/customLinear.ts";
import { isInexact } from "../core/dtype.ts";
import { asFunction, evalJaxpr } from "../core/evalJaxpr.ts";
import { bind, currentTrace, withTrace } from "../core/interpreter.ts";
import { ClosedJaxpr, DropVar, Literal, Var, type Atom, type Eqn, type Jaxpr, type Params } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { SplitTrace } from "../core/partial.ts";
import { everythingSaveable, type Policy } from "../core/policy.ts";
import type { JvpResult, PartialTrace, Primitive, SplitResult, Tangent } from "../core/primitive.ts";
import { constsToInputs, stage, stageFlat } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { close } from "../passes/rewrite.ts";
import { dce } from "../passes/dce.ts";
import { CustomVjpClosureError } from "../errors.ts";
import { scatterResults } from "./callRules.ts";
import { batchParams } from "./customRematBatch.ts";
import { jit } from "./jit.ts";
import { slicedAlong } from "./pad.ts";
import { squeezed } from "./shape.ts";

type Values = readonly NDArray[];

/** What the forward pass gives: the outputs, what is kept, and how to go on from there. */
export interface Forward {
  readonly outs: Values;
  readonly kept: Values;
  readonly rem: (kept: Values, args: Values) => Rematerialized;
}

/** What the backward pass starts with: the outputs again, the residuals, and the reverse rule for them. */
export interface Rematerialized {
  readonly outs: Values;
  readonly residuals: Values;
  readonly bwd: (residuals: Values, cts: readonly Tangent[]) => readonly Tangent[];
}

/** The rules on flat values. `perturbed[i]`: a cotangent of argument i is asked for. */
export type CustomRematRule = (policy: Policy, args: Values, perturbed: readonly boolean[]) => Forward;

export interface CustomRematParams extends Params {
  readonly name: string;
  readonly call_jaxpr: Jaxpr;
  /** The names of the rules. */
  readonly fwd: string;
  readonly rem: string;
  readonly bwd: string;
  readonly rule: CustomRematRule;
  /** The first operands are what the function closes over; rules don't get them. */
  readonly num_consts: number;
  /** Forward mode, where it is not the plain derivative: outputs and their tangents, of what the rules get. */
  readonly push?: (primals: Values, tangents: readonly Tangent[]) => JvpResult;
  /** The rules' outputs are batched where those of the function are; without it, all of them are. */
  readonly same_batch?: boolean;
}

export interface CustomRematJvpParams extends CustomRematParams {
  /** Which operands have a tangent; those follow the operands. */
  readonly nonzero: readonly boolean[];
  /** Operands and tangents to outputs and the tangents of those outputs that can have one. */
  readonly pushed: () => Jaxpr;
}

const printed = ({ name, call_jaxpr, fwd, rem, bwd, num_consts }: CustomRematParams) =>
  [
    ["name", name],
    ["bwd", bwd],
    ["call_jaxpr", call_jaxpr],
    ["fwd", fwd],
    ...(num_consts > 0 ? [["num_consts", num_consts] as const] : []),
    ["rem", rem],
  ] as const;

export const customRemat: Primitive<CustomRematParams> = {
  name: "custom_remat",
  print: printed,
  type: (_avals, { call_jaxpr }) => call_jaxpr.outAvals,
  evaluate: (args, { call_jaxpr }) => evalJaxpr(call_jaxpr, [], args),
  jvp(primals, tangents, params) {
    const nonzero = tangents.map((t) => t !== null);
    return pushTangents([...primals, ...tangents.filter((t) => t !== null)], jvpParams(params, nonzero));
  },
  batch(size, args, dims, params, batchBody, axisName) {
    const { consts, batched, outDims } = batchParams({ size, axisName }, dims, params, batchBody);
    return { outs: bind(customRemat, [...consts, ...args], batched), dims: outDims };
  },
};

export const customRematJvp: Primitive<CustomRematJvpParams> = {
  name: "custom_remat_jvp",
  print: (params) => [...printed(params), ["nonzero", params.nonzero]],
  type: (_avals, { call_jaxpr }) => [...call_jaxpr.outAvals, ...tangentAvals(call_jaxpr)],
  evaluate: (args, params) => evalJaxpr(params.pushed(), [], args),
  // A derivative of the derivative is one of the function itself: the rules only know the first.
  jvp: (primals, tangents, params) => jvpFlat(asFunction(close(params.pushed())), currentTrace(), primals, tangents),
  batch(size, args, dims, params, batchBody, axisName) {
    const front = args.map((x, i) => matchAxis(size, dims[i], 0, x));
    const all = params.call_jaxpr.invars.map(() => 0);
    const { consts, batched } = batchParams({ size, axisName }, all, { ...params, same_batch: false }, batchBody);
    const nonzero = [...consts.map(() => false), ...params.nonzero];
    const outs = bind(customRematJvp, [...consts, ...front], jvpParams(batched, nonzero));
    // Results of what is not batched are the same in all examples, whatever their tangents are.
    const body = close(params.call_jaxpr);
    const never = body.outAvals.map(() => false);
    const natural = batchBody(body, size, dims.slice(0, body.inAvals.length), never).dims;
    const same = outs.map((_, i) => size > 0 && natural[i] === null);
    return {
      outs: outs.map((x, i) => (same[i] ? squeezed(slicedAlong(x, 0, 1, 0), [0]) : x)),
      dims: same.map((s) => (s ? null : 0)),
    };
  },
  partialEval: splitNow,
  split: splitByPolicy,
};

const canHaveTangent = (aval: ShapedArray): boolean => isInexact(aval.dtype);
const tangentAvals = (jaxpr: Jaxpr): ShapedArray[] => jaxpr.outAvals.filter(canHaveTangent).map((a) => a.toTangent());

function jvpParams(
  { name, call_jaxpr, fwd, rem, bwd, rule, num_consts, push, same_batch }: CustomRematParams,
  nonzero: readonly boolean[],
): CustomRematJvpParams {
  const pushed = (): Jaxpr =>
    push === undefined || nonzero.slice(0, num_consts).includes(true)
      ? constsToInputs(jvpJaxpr(close(call_jaxpr), nonzero, call_jaxpr.outAvals.map(canHaveTangent)).closed.jaxpr)
      : pushedBy(push, call_jaxpr, num_consts, nonzero);
  return { name, call_jaxpr, fwd, rem, bwd, rule, num_consts, push, same_batch, nonzero, pushed };
}

/** Operands and tangents to outputs and tangents, by a forward rule. */
function pushedBy(
  push: NonNullable<CustomRematParams["push"]>,
  { invars, outAvals }: Jaxpr,
  numConsts: number,
  nonzero: readonly boolean[],
): Jaxpr {
  const avals = invars.map((v) => v.aval);
  const { jaxpr } = stageFlat(
    (xs) => {
      const ts = scatterResults(nonzero, xs.slice(avals.length));
      const { primals, tangents } = push(xs.slice(numConsts, avals.length), ts.slice(numConsts));
      const made = outAvals.flatMap((a, i) => (canHaveTangent(a) ? [instantiate(tangents[i], a.toTangent())] : []));
      return [...primals, ...made];
    },
    [...avals, ...avals.flatMap((a, i) => (nonzero[i] ? [a.toTangent()] : []))],
    null,
  );
  return constsToInputs(jaxpr);
}

function pushTangents(args: Values, params: CustomRematJvpParams): JvpResult {
  const outs = bind(customRematJvp, args, params);
  const { outAvals } = params.call_jaxpr;
  return {
    primals: outs.slice(0, outAvals.length),
    tangents: scatterResults(outAvals.map(canHaveTangent), outs.slice(outAvals.length)),
  };
}

function refuseClosedOver({ name, num_consts, nonzero }: CustomRematJvpParams): void {
  if (!nonzero.slice(0, num_consts).includes(true)) return;
  throw new CustomVjpClosureError(
    `a derivative of the function ${name}, which has custom rules for remat, was asked for by a value that it closes over. ` +
      "The rules only cover explicit arguments. Pass the value as an argument, and adapt the fwd, rem and bwd rules.",
  );
}

/** Which of the arguments that the rules get have a tangent. */
const ownNonzero = ({ nonzero, num_consts }: CustomRematJvpParams): readonly boolean[] => nonzero.slice(num_consts);

/** The tangents of the outputs, by the reverse rule: a linear equation that can be transposed. */
function linearPart(
  params: CustomRematJvpParams,
  { residuals, bwd }: Rematerialized,
  tangents: Values,
  outs: Values,
): NDArray[] {
  let next = 0;
  const own = ownNonzero(params).map((nz): Tangent => (nz ? tangents[next++] : null));
  const ts = customLinear({ bwd, bwdName: params.bwd, symbolicZeros: false }, residuals, own, outs);
  return ts.filter((_, i) => canHaveTangent(outs[i].aval));
}

/** Splits known from unknown without a policy: everything is saved, which is what the rules are told. */
function splitNow(trace: PartialTrace, args: Values, params: CustomRematJvpParams): Values {
  const n = params.call_jaxpr.invars.length;
  const primals = args.slice(0, n);
  if (args.every((x) => trace.isKnown(x))) return bind(customRematJvp, args, params);
  if (!primals.every((x) => trace.isKnown(x))) {
    const outAvals = customRematJvp.type([], params);
    return (trace as SplitTrace).writeDown(customRematJvp, args, params, outAvals);
  }
  refuseClosedOver(params);
  const own = primals.slice(params.num_consts);
  const { closed, extra } = stage(
    own.map((x) => x.aval),
    (xs) => {
      const forward = params.rule(everythingSaveable, xs, ownNonzero(params));
      const again = forward.rem(forward.kept, xs);
      return { outs: [...forward.outs, ...again.residuals], extra: again };
    },
    null,
    true,
  );
  // What was written down for outputs that are made a second time goes again.
  const { jaxpr } = dce(
    closed.jaxpr,
    closed.jaxpr.outvars.map(() => true),
    true,
  );
  const results = evalJaxpr(jaxpr, closed.consts, own);
  const outs = results.slice(0, params.call_jaxpr.outvars.length);
  const again = { ...extra, residuals: results.slice(outs.length) };
  return [...outs, ...withTrace(trace, () => linearPart(params, again, args.slice(n), outs))];
}

/** Splits by a policy: the forward rule is told it, and what it keeps is saved. */
function splitByPolicy(
  policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const params = eqn.params as CustomRematJvpParams;
  const n = params.call_jaxpr.invars.length;
  const needed = eqn.invars.filter((x, i): x is Var => !(x instanceof Literal) && !availableIn[i]);
  const known = !unknownIn.includes(true);
  if (known || unknownIn.slice(0, n).includes(true)) {
    return {
      known: known ? eqn : null,
      staged: eqn,
      unknownOut: eqn.outvars.map(() => !known),
      availableOut: eqn.outvars.map(() => true),
      residuals: needed,
    };
  }
  refuseClosedOver(params);
  const operands = eqn.invars.slice(params.num_consts);
  const own = operands.slice(0, n - params.num_consts).map((x) => x.aval);
  const forward = stageForward(policy, own, params);
  const keptAvals = forward.closed.outAvals.slice(forward.numOut);
  const tangents = operands.slice(own.length).map((x) => x.aval);
  const { closed: later } = stage(
    [...keptAvals, ...own, ...tangents],
    (xs) => {
      const args = xs.slice(keptAvals.length, keptAvals.length + own.length);
      const again = forward.rem(xs.slice(0, keptAvals.length), args);
      const given = xs.slice(keptAvals.length + own.length);
      return { outs: [...again.outs, ...linearPart(params, again, given, again.outs)], extra: null };
    },
    null,
    true,
  );
  const outs = eqn.outvars.slice(0, forward.numOut);
  const kept = keptVars(forward.closed, outs, operands);
  const fresh = kept.filter((x): x is Var => x instanceof Var && !outs.includes(x) && !operands.includes(x));
  const isFresh = kept.map((x) => fresh.includes(x));
  return {
    known: {
      ...eqn,
      primitive: jit,
      invars: operands.slice(0, own.length),
      outvars: [...outs, ...fresh],
      params: { name: params.fwd, inline: true, jaxpr: withoutOutputs(forward.closed, forward.numOut, isFresh) },
    },
    staged: {
      ...eqn,
      primitive: jit,
      invars: [...kept, ...operands],
      params: { name: params.rem, inline: true, jaxpr: later },
    },
    unknownOut: eqn.outvars.map((_, i) => i >= forward.numOut),
    availableOut: eqn.outvars.map(() => true),
    // Operands among them are available, or needed anyway.
    residuals: [...needed, ...kept.filter((x): x is Var => x instanceof Var && !operands.includes(x))],
  };
}

interface StagedForward {
  readonly closed: ClosedJaxpr<NDArray>;
  readonly numOut: number;
  readonly rem: Forward["rem"];
}

function stageForward(policy: Policy, own: readonly ShapedArray[], params: CustomRematJvpParams): StagedForward {
  const { closed, extra } = stage(
    own,
    (xs) => {
      const { outs, kept, rem } = params.rule(policy, xs, ownNonzero(params));
      return { outs: [...outs, ...kept], extra: { numOut: outs.length, rem } };
    },
    null,
    true,
  );
  return { closed, ...extra };
}

/** What is kept, as values of the program around: operands and outputs stand for themselves. */
function keptVars({ jaxpr }: ClosedJaxpr<NDArray>, outs: readonly Var[], operands: readonly Atom[]): Atom[] {
  const places = new Map<Atom, Atom>(jaxpr.invars.map((v, i) => [v, operands[i]]));
  outs.forEach((v, i) => {
    const x = jaxpr.outvars[i];
    if (!(v instanceof DropVar) && !places.has(x)) places.set(x, v);
  });
  return jaxpr.outvars.slice(outs.length).map((x) => {
    const place = x instanceof Literal ? undefined : places.get(x);
    if (place !== undefined) return place;
    const v = new Var(x.aval);
    places.set(x, v);
    return v;
  });
}

function withoutOutputs(closed: ClosedJaxpr<NDArray>, numOut: number, keep: readonly boolean[]): ClosedJaxpr<NDArray> {
  const { jaxpr } = closed;
  const outvars = jaxpr.outvars.filter((_, i) => i < numOut || keep[i - numOut]);
  return new ClosedJaxpr(jaxpr.replace({ outvars }), closed.consts);
}
