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
import { batchBackward, batchFlat, type MappedAxis } from "../core/batch.ts";
import { customLinear } from "../core/customLinear.ts";
import { isInexact } from "../core/dtype.ts";
import { asFunction, evalJaxpr } from "../core/evalJaxpr.ts";
import { bind, currentTrace, withTrace } from "../core/interpreter.ts";
import { ClosedJaxpr, DropVar, Literal, Var, type Atom, type Eqn, type Jaxpr, type Params } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { SplitTrace } from "../core/partial.ts";
import { everythingSaveable, type Policy } from "../core/policy.ts";
import type { BatchBody, JvpResult, PartialTrace, Primitive, SplitResult, Tangent } from "../core/primitive.ts";
import { constsToInputs, stage } from "../core/stage.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { close } from "../passes/rewrite.ts";
import { dce } from "../passes/dce.ts";
import { CustomVjpClosureError } from "../errors.ts";
import { scatterResults } from "./callRules.ts";
import { jit } from "./jit.ts";

type Values = readonly NDArray[];

/** What the forward pass gives: the outputs, what is kept, and how to go on from there. */
interface Forward {
  readonly outs: Values;
  readonly kept: Values;
  readonly rem: (kept: Values, args: Values) => Rematerialized;
}

/** What the backward pass starts with: the outputs again, the residuals, and the reverse rule for them. */
interface Rematerialized {
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
    const { consts, batched } = batchParams({ size, axisName }, dims, params, batchBody);
    const outs = bind(customRemat, [...consts, ...args], batched);
    return { outs, dims: outs.map(() => 0) };
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
    const { consts, batched } = batchParams({ size, axisName }, all, params, batchBody);
    const nonzero = [...consts.map(() => false), ...params.nonzero];
    const outs = bind(customRematJvp, [...consts, ...front], jvpParams(batched, nonzero));
    return { outs, dims: outs.map(() => 0) };
  },
  partialEval: splitNow,
  split: splitByPolicy,
};

const canHaveTangent = (aval: ShapedArray): boolean => isInexact(aval.dtype);
const tangentAvals = (jaxpr: Jaxpr): ShapedArray[] => jaxpr.outAvals.filter(canHaveTangent).map((a) => a.toTangent());

function jvpParams(
  { name, call_jaxpr, fwd, rem, bwd, rule, num_consts }: CustomRematParams,
  nonzero: readonly boolean[],
): CustomRematJvpParams {
  const pushed = (): Jaxpr =>
    constsToInputs(jvpJaxpr(close(call_jaxpr), nonzero, call_jaxpr.outAvals.map(canHaveTangent)).closed.jaxpr);
  return { name, call_jaxpr, fwd, rem, bwd, rule, num_consts, nonzero, pushed };
}

function pushTangents(args: Values, params: CustomRematJvpParams): JvpResult {
  const outs = bind(customRematJvp, args, params);
  const { outAvals } = params.call_jaxpr;
  return {
    primals: outs.slice(0, outAvals.length),
    tangents: scatterResults(outAvals.map(canHaveTangent), outs.slice(outAvals.length)),
  };
}

/** The parameters of the call on a batch. All outputs are batched, in front, whatever the rules make of them. */
function batchParams(
  mapped: MappedAxis,
  dims: readonly (number | null)[],
  params: CustomRematParams,
  batchBody: BatchBody,
): { readonly consts: Values; readonly batched: CustomRematParams } {
  const all = params.call_jaxpr.outvars.map(() => true);
  const { closed } = batchBody(close(params.call_jaxpr), mapped.size, dims, all);
  const own = dims.slice(params.num_consts);
  return {
    consts: closed.consts,
    batched: {
      ...params,
      call_jaxpr: constsToInputs(closed.jaxpr),
      num_consts: params.num_consts + closed.consts.length,
      rule: batchRule(mapped, own, params.rule),
    },
  };
}

function batchRule(mapped: MappedAxis, dims: readonly (number | null)[], rule: CustomRematRule): CustomRematRule {
  const { size, axisName } = mapped;
  /** Runs what gives outputs and other values on the batch. */
  const run = <T extends { readonly outs: Values }>(
    fn: (xs: Values) => T,
    others: (result: T) => Values,
    args: Values,
    argDims: readonly (number | null)[],
  ) => {
    let inner: T | null = null;
    const { outs, dims: outDims } = batchFlat(
      (xs) => {
        inner = fn(xs);
        return [...inner.outs, ...others(inner)];
      },
      size,
      args,
      argDims,
      axisName,
    );
    const result = inner as unknown as T;
    const n = result.outs.length;
    return {
      result,
      outs: outs.slice(0, n).map((x, i) => matchAxis(size, outDims[i], 0, x)),
      others: outs.slice(n),
      otherDims: outDims.slice(n),
    };
  };
  return (policy, args, perturbed) => {
    const forward = run(
      (xs) => rule(policy, xs, perturbed),
      (r) => r.kept,
      args,
      dims,
    );
    return {
      outs: forward.outs,
      kept: forward.others,
      rem(kept, xs) {
        const n = kept.length;
        const again = run(
          (ys) => forward.result.rem(ys.slice(0, n), ys.slice(n)),
          (r) => r.residuals,
          [...kept, ...xs],
          [...forward.otherDims, ...dims],
        );
        return {
          outs: again.outs,
          residuals: again.others,
          bwd: (residuals, cts) =>
            batchBackward(
              again.result,
              mapped,
              residuals,
              again.otherDims,
              cts,
              cts.map(() => 0),
              dims,
            ),
        };
      },
    };
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
