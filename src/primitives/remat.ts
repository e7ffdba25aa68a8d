/**
 * `remat2`: a call whose inner values are not kept for the backward pass, except where its policy says so. Under differentiation the known part
 * runs at once, without its intermediate values being kept; the equation that remains for later holds both what is recomputed and the linear part.
 *
 * Chen et al., Training Deep Nets with Sublinear Memory Cost (2016); the rules are those of JAX's `jax.checkpoint`.
 */
import type { NDArray } from "../core/array.ts";
import { checkpointListener } from "../core/config.ts";
import { floatBits, isInexact } from "../core/dtype.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import { Var, type Atom, type Eqn, type Jaxpr, type Params } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";
import { asConstant, type SplitTrace } from "../core/partial.ts";
import { nothingSaveable, type Policy } from "../core/policy.ts";
import {
  UndefinedPrimal,
  type Operand,
  type PartialTrace,
  type Primitive,
  type SplitResult,
  type Tangent,
} from "../core/primitive.ts";
import { stage } from "../core/stage.ts";
import { merge } from "../core/zip.ts";
import { dce } from "../passes/dce.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { partialEval } from "../passes/partialEval.ts";
import { close, constsToInputs } from "../passes/rewrite.ts";
import { backwardPass } from "../passes/transpose.ts";
import { unzip } from "../passes/unzip.ts";
import { scatterResults } from "./callRules.ts";
import { reducePrecisionP } from "./convert.ts";

export interface RematParams extends Params {
  readonly jaxpr: Jaxpr;
  readonly policy: Policy | null;
  /** Whether recomputation may not be merged with the forward pass; one flag for all operands, or one for each. */
  readonly prevent_cse: boolean | readonly boolean[];
  readonly differentiated: boolean;
  /** Which operands are cotangents (or tangents): what depends on them isn't a recomputation. Not printed. */
  readonly cotangent?: readonly boolean[];
}

export const remat: Primitive<RematParams> = {
  name: "remat2",
  print: ({ differentiated, jaxpr, policy, prevent_cse }) => [
    ["differentiated", differentiated],
    ["jaxpr", jaxpr],
    ["policy", policy],
    ["prevent_cse", prevent_cse],
  ],
  type: (_avals, { jaxpr }) => jaxpr.outAvals,
  evaluate: (args, { jaxpr }) => evalJaxpr(jaxpr, [], args),
  jvp(primals, tangents, params) {
    const { closed, nonzeroOut } = jvpJaxpr(
      close(params.jaxpr),
      tangents.map((t) => t !== null),
    );
    const given = tangents.filter((t) => t !== null);
    const outs = bind(remat, [...closed.consts, ...primals, ...given], {
      ...params,
      jaxpr: constsToInputs(closed.jaxpr),
      prevent_cse: extendFlags(params.prevent_cse, closed.consts.length, given.length),
      ...cotangents(params, (flags) => [
        ...closed.consts.map(() => false),
        ...flags,
        ...flags.filter((_, i) => tangents[i] !== null),
      ]),
    });
    const n = params.jaxpr.outvars.length;
    return { primals: outs.slice(0, n), tangents: scatterResults(nonzeroOut, outs.slice(n)) };
  },
  batchesBody: true,
  batch(size, args, dims, params, batchBody) {
    const front = params.jaxpr.outvars.map(() => false);
    const { closed, dims: outDims } = batchBody(close(params.jaxpr), size, dims, front);
    const outs = bind(remat, [...closed.consts, ...args], {
      ...params,
      jaxpr: constsToInputs(closed.jaxpr),
      prevent_cse: prependFlags(params.prevent_cse, closed.consts.length),
      ...cotangents(params, (flags) => [...closed.consts.map(() => false), ...flags]),
    });
    return { outs, dims: outDims };
  },
  partialEval: (trace, args, params) => splitNow(trace, args, params),
  split: splitByPolicy,
  transposesZeros: true,
  transpose: (cts, args, params) => transposeRemat(cts, args, params),
  dce(usedOut, eqn) {
    if (!usedOut.includes(true) && eqn.effectful !== true) return { usedIn: eqn.invars.map(() => false), eqn: null };
    const params = eqn.params as RematParams;
    const { jaxpr, usedIn } = dce(params.jaxpr, usedOut);
    return {
      usedIn,
      eqn: {
        ...eqn,
        invars: eqn.invars.filter((_, i) => usedIn[i]),
        outvars: eqn.outvars.filter((_, i) => usedOut[i]),
        params: {
          ...params,
          jaxpr,
          prevent_cse: selectFlags(params.prevent_cse, usedIn),
          ...cotangents(params, (flags) => flags.filter((_, i) => usedIn[i])),
        },
      },
    };
  },
};

/** The marks of cotangents among other operands, if there were any. */
const cotangents = (
  { cotangent }: RematParams,
  change: (flags: readonly boolean[]) => readonly boolean[],
): { readonly cotangent?: readonly boolean[] } => (cotangent === undefined ? {} : { cotangent: change(cotangent) });

type Flags = boolean | readonly boolean[];

const isPerOperand = (x: Flags): x is readonly boolean[] => typeof x !== "boolean";
const selectFlags = (x: Flags, keep: readonly boolean[]): Flags => (isPerOperand(x) ? x.filter((_, i) => keep[i]) : x);
const prependFlags = (x: Flags, n: number): Flags =>
  isPerOperand(x) ? [...Array.from({ length: n }, () => false), ...x] : x;
const extendFlags = (x: Flags, before: number, after: number): Flags => {
  const front = prependFlags(x, before);
  return isPerOperand(front) ? [...front, ...Array.from({ length: after }, () => true)] : front;
};

/** Splits a call whose operands are known in part: computes the known half now, and writes one equation down for the rest. */
function splitNow(trace: PartialTrace, args: readonly NDArray[], params: RematParams): readonly NDArray[] {
  const split = trace as SplitTrace;
  const unknownIn = args.map((x) => !trace.isKnown(x));
  const parts = partialEval(
    params.jaxpr,
    unknownIn,
    args.map(() => true),
    false,
    false,
    params.policy ?? nothingSaveable,
  );
  const wanted = parts.unknownOut.filter((_, i) => parts.availableOut[i]);
  const staged = dce(parts.staged, wanted);
  const usedResiduals = staged.usedIn.slice(0, parts.numResiduals);
  const usedArgs = staged.usedIn.slice(parts.numResiduals);
  const numKnown = parts.known.outvars.length - parts.numResiduals;
  const known = dce(parts.known, [...parts.known.outvars.slice(0, numKnown).map(() => true), ...usedResiduals]);
  const numResiduals = usedResiduals.filter(Boolean).length;
  const knownArgs = args.filter((_, i) => !unknownIn[i]).filter((_, i) => known.usedIn[i]);
  const outs = evalJaxpr(roundResiduals(known.jaxpr, numResiduals), [], knownArgs);
  const residuals = outs.slice(numKnown);
  checkpointListener()?.({
    inputs: args.filter((_, i) => usedArgs[i] && !unknownIn[i]).map((x) => x.aval),
    known: known.jaxpr,
    numResiduals,
  });
  const cse = params.prevent_cse;
  const stagedOuts = split.writeDown(
    remat,
    [...residuals.map(asConstant), ...args.filter((_, i) => usedArgs[i])],
    {
      ...params,
      jaxpr: staged.jaxpr,
      differentiated: true,
      prevent_cse: isPerOperand(cse) ? [...residuals.map(() => true), ...cse.filter((_, i) => usedArgs[i])] : cse,
      cotangent: [...residuals.map(() => false), ...unknownIn.filter((_, i) => usedArgs[i])],
    },
    staged.jaxpr.outAvals,
  );
  return merge<NDArray>(parts.unknownOut, outs.slice(0, numKnown), stagedOuts);
}

const rounded = new Memo<Jaxpr, Jaxpr>();

/**
 * Rounds saved values to their own precision where the forward pass goes on to use them, so that an engine with excess precision gives the
 * same value to both passes.
 */
function roundResiduals(jaxpr: Jaxpr, numResiduals: number): Jaxpr {
  return rounded.get(jaxpr, String(numResiduals), () => {
    const used = new Set<Atom>(jaxpr.eqns.flatMap((e) => e.invars));
    const residuals = new Set(jaxpr.outvars.slice(jaxpr.outvars.length - numResiduals));
    const toRound = [...residuals].filter(
      (v): v is Var =>
        v instanceof Var && isInexact(v.aval.dtype) && used.has(v) && floatBits[v.aval.dtype] !== undefined,
    );
    if (toRound.length === 0) return jaxpr;
    const raw = new Map(toRound.map((v) => [v, new Var(v.aval)]));
    // The rounding of a later residual comes first where several are made in one place.
    const order = new Map(toRound.map((v, i) => [v, i]));
    const roundings = (vars: readonly Var[], source: Eqn["source"]): Eqn[] =>
      vars
        .filter((v) => raw.has(v))
        .sort((a, b) => (order.get(b) as number) - (order.get(a) as number))
        .map((v) => ({
          primitive: reducePrecisionP,
          invars: [raw.get(v) as Var],
          outvars: [v],
          params: roundingParams(v),
          source,
        }));
    const rename = (v: Var): Var => raw.get(v) ?? v;
    const eqns = roundings(jaxpr.invars, null);
    for (const eqn of jaxpr.eqns) {
      if (eqn.outvars.some((v) => raw.has(v)) && !isRounding(eqn)) {
        eqns.push({ ...eqn, outvars: eqn.outvars.map(rename) }, ...roundings(eqn.outvars, eqn.source));
      } else {
        eqns.push(eqn);
      }
    }
    return jaxpr.replace({ invars: jaxpr.invars.map(rename), eqns });
  });
}

function roundingParams(v: Var): Params {
  const [exponent_bits, mantissa_bits] = floatBits[v.aval.dtype] as readonly [number, number];
  return { exponent_bits, mantissa_bits };
}

/** True if the equation already rounds its output to its own precision. */
function isRounding(eqn: Eqn): boolean {
  if (eqn.primitive !== (reducePrecisionP as Primitive)) return false;
  const params = roundingParams(eqn.outvars[0]);
  return eqn.params.exponent_bits === params.exponent_bits && eqn.params.mantissa_bits === params.mantissa_bits;
}

/** The rule for a checkpointed call inside a checkpointed function: split by the outer policy. */
function splitByPolicy(
  policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const params = eqn.params as RematParams;
  const parts = partialEval(params.jaxpr, unknownIn, availableIn, false, false, policy);
  const residuals = parts.staged.invars.slice(0, parts.numResiduals).map((v) => new Var(v.aval));
  const knownOuts = eqn.outvars.filter((_, i) => !parts.unknownOut[i]);
  const cse = params.prevent_cse;
  const known: Eqn = {
    ...eqn,
    invars: eqn.invars.filter((_, i) => !unknownIn[i]),
    outvars: [...knownOuts, ...residuals],
    params: {
      ...params,
      jaxpr: parts.known,
      prevent_cse: selectFlags(
        cse,
        unknownIn.map((u) => !u),
      ),
      ...cotangents(params, (flags) => flags.filter((_, i) => !unknownIn[i])),
    },
  };
  const staged: Eqn = {
    ...eqn,
    invars: [...residuals, ...eqn.invars.filter((_, i) => availableIn[i])],
    outvars: eqn.outvars.filter((_, i) => parts.availableOut[i]),
    params: {
      ...params,
      jaxpr: parts.staged,
      prevent_cse: stagedFlags(cse, residuals.length, availableIn),
      differentiated: true,
      cotangent: [...residuals.map(() => false), ...unknownIn.filter((_, i) => availableIn[i])],
    },
  };
  const needed = eqn.invars.filter((x, i): x is Var => x instanceof Var && !availableIn[i]);
  return {
    known,
    staged,
    unknownOut: parts.unknownOut,
    availableOut: parts.availableOut,
    residuals: [...needed, ...residuals],
  };
}

const stagedFlags = (cse: Flags, numResiduals: number, availableIn: readonly boolean[]): Flags =>
  isPerOperand(cse)
    ? [...Array.from({ length: numResiduals }, () => true), ...cse.filter((_, i) => availableIn[i])]
    : cse;

interface Transposed {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly NDArray[];
  readonly nonzero: readonly boolean[];
}

const transposed = new Memo<Jaxpr, Transposed>();

/** Recompute what does not depend on linear operands, then run the rest backwards: all in one new body. */
function transposeRemat(cts: readonly Tangent[], args: readonly Operand[], params: RematParams): Tangent[] {
  const linear = args.map((x) => x instanceof UndefinedPrimal);
  const values = args.filter((x) => !(x instanceof UndefinedPrimal)) as NDArray[];
  const given = cts.filter((ct) => ct !== null);
  const key = `${flags(linear)}/${flags(cts.map((ct) => ct !== null))}`;
  const { jaxpr, consts, nonzero } = transposed.get(params.jaxpr, key, () =>
    transposeUncached(params.jaxpr, linear, cts),
  );
  const cse = params.prevent_cse;
  const cotangent = [...consts, ...values].map(() => false).concat(given.map(() => true));
  const outs = bind(remat, [...consts, ...values, ...given], {
    ...params,
    jaxpr,
    cotangent,
    prevent_cse: isPerOperand(cse)
      ? [...consts.map(() => false), ...cse.filter((_, i) => !linear[i]), ...given.map(() => true)]
      : cse,
  });
  return merge<Tangent>(
    linear,
    values.map(() => null),
    scatterResults(nonzero, outs),
  );
}

function transposeUncached(jaxpr: Jaxpr, linear: readonly boolean[], cts: readonly Tangent[]): Transposed {
  const inAvals = jaxpr.inAvals;
  const valueAvals = inAvals.filter((_, i) => !linear[i]);
  const ctAvals = jaxpr.outAvals.filter((_, i) => cts[i] !== null).map((a) => a.toTangent());
  const { closed, extra } = stage(
    [...valueAvals, ...ctAvals],
    (args) => {
      const parts = unzip(close(jaxpr), linear, false);
      const residuals = evalJaxpr(parts.known.jaxpr, parts.known.consts, args.slice(0, valueAvals.length));
      const numKnown = parts.unknownOut.filter((u) => !u).length;
      let next = valueAvals.length;
      const outCts = cts.map((ct) => (ct === null ? null : args[next++]));
      const linearAvals = parts.unknown.inAvals.slice(residuals.length - numKnown);
      const operands = [...residuals.slice(numKnown), ...linearAvals.map((a) => new UndefinedPrimal(a.toTangent()))];
      const unknownCts = outCts.filter((_, i) => parts.unknownOut[i]);
      const results = backwardPass(parts.unknown.jaxpr, parts.unknown.consts, operands, unknownCts);
      const inCts = results.slice(residuals.length - numKnown);
      return { outs: inCts.filter((ct) => ct !== null), extra: inCts.map((ct) => ct !== null) };
    },
    jaxpr.debug,
  );
  return { jaxpr: constsToInputs(closed.jaxpr), consts: closed.consts, nonzero: extra };
}
