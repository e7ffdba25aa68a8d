/**
 * `cond`: one of several programs of equal type, chosen by an integer. Its operands are `[index, operands...]`. Differentiation treats each branch
 * by itself; residuals of different branches share a place in the result if they have one type, and a branch that has none for a place gives room
 * without a value.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { batchInFront, matchAxis } from "../core/axes.ts";
import { asFunction, evalJaxpr } from "../core/evalJaxpr.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import { ClosedJaxpr, Var, type Eqn, type Params } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";
import { asConstant, type SplitTrace } from "../core/partial.ts";
import type { Policy } from "../core/policy.ts";
import {
  UndefinedPrimal,
  type BatchBody,
  type BatchResult,
  type JvpResult,
  type LinearizeResult,
  type Operand,
  type PartialTrace,
  type Primitive,
  type SplitResult,
  type Tangent,
} from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { stage } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";
import { merge } from "../core/zip.ts";
import { dce } from "../passes/dce.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { linearizeJaxpr } from "../passes/linearize.ts";
import { partialEval } from "../passes/partialEval.ts";
import { backwardPass } from "../passes/transpose.ts";
import { unzip } from "../passes/unzip.ts";
import { scatterResults } from "./callRules.ts";
import { count } from "./carry.ts";
import { eq, selectN } from "./comparison.ts";
import { stopGradient } from "./convert.ts";
import { empty2 } from "./iota.ts";
import { broadcasted, broadcastedInDim } from "./shape.ts";

export interface CondParams extends Params {
  readonly branches: readonly ClosedJaxpr<NDArray>[];
  /** For a choice by the platform: which platforms each branch is for; null for all others. */
  readonly branches_platforms?: readonly (readonly string[] | null)[];
}

export const cond: Primitive<CondParams> = {
  name: "cond",
  type: (_avals, { branches }) => branches[0].outAvals,
  jvp: jvpCond,
  linearize: linearizeCond,
  batchesBody: true,
  batch: batchCond,
  partialEval: splitCond,
  split: splitCondByPolicy,
  transposesZeros: true,
  transpose: transposeCond,
  dce: dceCond,
};

/** The same choice between other branches. */
const choosing = (params: CondParams, branches: readonly ClosedJaxpr<NDArray>[]): CondParams => ({
  ...params,
  branches,
});

const bindCond = (
  args: readonly NDArray[],
  params: CondParams,
  branches: readonly ClosedJaxpr<NDArray>[],
): readonly NDArray[] => bind(cond, args, choosing(params, branches));

/** True where it is true in any of the lists. */
const anyOf = (lists: readonly (readonly boolean[])[]): boolean[] => lists[0].map((_, i) => lists.some((l) => l[i]));

function jvpCond(primals: readonly NDArray[], tangents: readonly Tangent[], params: CondParams): JvpResult {
  const { branches } = params;
  const nonzero = tangents.slice(1).map((t) => t !== null);
  const nonzeroOut = anyOf(branches.map((b) => jvpJaxpr(b, nonzero).nonzeroOut));
  const pushed = branches.map((b) => jvpJaxpr(b, nonzero, nonzeroOut).closed);
  const outs = bindCond([...primals, ...tangents.slice(1).filter((t) => t !== null)], params, pushed);
  const n = nonzeroOut.length;
  return { primals: outs.slice(0, n), tangents: scatterResults(nonzeroOut, outs.slice(n)) };
}

interface Slots {
  /** The types of the shared places. */
  readonly avals: readonly ShapedArray[];
  /** For each branch, the place of each of its residuals. */
  readonly places: readonly (readonly number[])[];
}

/** Merges residuals by type: the k-th residual of a type in any branch shares a place with the k-th of that type in the others. */
function shareSlots(residuals: readonly (readonly ShapedArray[])[]): Slots {
  const place = new Map<string, number>();
  const avals: ShapedArray[] = [];
  const places = residuals.map((branch) => {
    const seen = new Map<string, number>();
    return branch.map((aval) => {
      const k = seen.get(aval.key) ?? 0;
      seen.set(aval.key, k + 1);
      const id = `${aval.key}#${k}`;
      let at = place.get(id);
      if (at === undefined) {
        at = avals.push(aval) - 1;
        place.set(id, at);
      }
      return at;
    });
  });
  return { avals, places };
}

const room = (aval: ShapedArray): NDArray =>
  broadcasted(bind1(empty2, [], { dtype: aval.dtype, memory_space: aval.memorySpace }), aval.shape);

/** Makes each branch give out all shared places after its own outputs. */
function joinOutputs(branches: readonly ClosedJaxpr<NDArray>[], slots: Slots, numOuts: number): ClosedJaxpr<NDArray>[] {
  return branches.map(
    (branch, b) =>
      stage(
        branch.inAvals,
        (args) => {
          const all = evalJaxpr(branch.jaxpr, branch.consts, args);
          const filled = slots.avals.map(room);
          slots.places[b].forEach((at, i) => (filled[at] = all[numOuts + i]));
          return { outs: [...all.slice(0, numOuts), ...filled], extra: null };
        },
        branch.jaxpr.debug,
      ).closed,
  );
}

/** Makes each branch take all shared places in front of its other inputs. */
function joinInputs(branches: readonly ClosedJaxpr<NDArray>[], slots: Slots): ClosedJaxpr<NDArray>[] {
  const shared = slots.avals.map((a) => new Var(a));
  return branches.map((branch, b) => {
    const { invars } = branch.jaxpr;
    const vars = [...shared];
    slots.places[b].forEach((at, i) => (vars[at] = invars[i]));
    return new ClosedJaxpr(
      branch.jaxpr.replace({ invars: [...vars, ...invars.slice(slots.places[b].length)], debug: null }),
      branch.consts,
    );
  });
}

function linearizeCond(
  nonzero: readonly boolean[],
  primals: readonly NDArray[],
  params: CondParams,
  isVjp: boolean,
): LinearizeResult {
  const { branches } = params;
  const perturbed = nonzero.slice(1);
  const noForward = (b: ClosedJaxpr<NDArray>): boolean[] => [...b.consts, ...b.jaxpr.invars].map(() => false);
  const linearized = (b: ClosedJaxpr<NDArray>, inst?: readonly boolean[]): ReturnType<typeof linearizeJaxpr> =>
    linearizeJaxpr(b, perturbed, { isVjp, allowForward: noForward(b), ...(inst === undefined ? {} : { inst }) });
  const nonzeroOut = anyOf(branches.map((b) => linearized(b).nonzeroOut));
  const programs = branches.map((b) => linearized(b, nonzeroOut));
  const numOuts = nonzeroOut.length;
  const slots = shareSlots(programs.map((p) => p.primal.outAvals.slice(numOuts)));
  const primalBranches = joinOutputs(
    programs.map((p) => p.primal),
    slots,
    numOuts,
  );
  const tangentBranches = joinInputs(
    programs.map((p) => p.tangent),
    slots,
  );
  const outs = bindCond(primals, params, primalBranches);
  const residuals = [primals[0], ...outs.slice(numOuts)];
  return {
    primals: outs.slice(0, numOuts),
    nonzero: nonzeroOut,
    linear: (tangents) =>
      scatterResults(
        nonzeroOut,
        bindCond([...residuals, ...tangents.slice(1).filter((t) => t !== null)], params, tangentBranches),
      ),
  };
}

function batchCond(
  size: number,
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  params: CondParams,
  batchBody: BatchBody,
): BatchResult {
  const { branches } = params;
  if (dims[0] !== null) return selectBranches(size, args, dims, branches, batchBody);
  const batched = dims.slice(1).map((d) => (d === null ? null : 0));
  const moved = args.map((x, i) => (dims[i] === null ? x : matchAxis(size, dims[i], 0, x)));
  const none = branches[0].jaxpr.outvars.map(() => false);
  const outBatched = anyOf(branches.map((b) => batchBody(b, size, batched, none).dims.map((d) => d !== null)));
  const programs = branches.map((b) => batchBody(b, size, batched, outBatched).closed);
  return { outs: bindCond(moved, params, programs), dims: outBatched.map((b) => (b ? 0 : null)) };
}

/** With a batched index all branches run, and each element takes the result of its own. */
function selectBranches(
  size: number,
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  branches: readonly ClosedJaxpr<NDArray>[],
  batchBody: BatchBody,
): BatchResult {
  const [index, ...operands] = args.map((x, i) => batchInFront(x, dims[i], size));
  const results = branches.map((branch, b) => {
    const program = batchBody(
      branch,
      size,
      operands.map(() => 0),
      branch.jaxpr.outvars.map(() => true),
    ).closed;
    const chosen = eq(index, literal(b, index.dtype, index.weakType));
    // Elements of other branches must not bring in NaN derivatives: no gradient flows through their operands.
    const guarded = operands.map((x) => selectFor(chosen, [stopGradient(x), x]));
    return asFunction(program)(guarded);
  });
  const outs = results[0].map((_, i) =>
    selectFor(
      index,
      results.map((r) => r[i]),
    ),
  );
  return { outs, dims: outs.map(() => 0) };
}

function selectFor(which: NDArray, cases: readonly NDArray[]): NDArray {
  const shape = cases[0].shape;
  const mask = which.ndim === shape.length ? which : broadcastedInDim(which, shape, [0]);
  return selectN(mask, ...cases);
}

function splitCond(trace: PartialTrace, args: readonly NDArray[], params: CondParams): readonly NDArray[] {
  const { branches } = params;
  const split = trace as SplitTrace;
  const [indexUnknown, ...unknown] = args.map((x) => !trace.isKnown(x));
  if (indexUnknown) return split.writeDown(cond, args, params, branches[0].outAvals);
  const unknownOut = anyOf(branches.map((b) => unzip(b, unknown).unknownOut));
  const parts = branches.map((b) => unzip(b, unknown, unknownOut));
  const numKnownOut = unknownOut.length - count(unknownOut);
  const slots = shareSlots(parts.map((p) => p.known.outAvals.slice(numKnownOut)));
  const known = joinOutputs(
    parts.map((p) => p.known),
    slots,
    numKnownOut,
  );
  const later = joinInputs(
    parts.map((p) => p.unknown),
    slots,
  );
  const outs = bindCond(
    args.filter((x) => trace.isKnown(x)),
    params,
    known,
  );
  const staged = split.writeDown(
    cond,
    [args[0], ...outs.slice(numKnownOut).map(asConstant), ...args.filter((x) => !trace.isKnown(x))],
    choosing(params, later),
    later[0].outAvals,
  );
  return merge<NDArray>(unknownOut, outs.slice(0, numKnownOut), staged);
}

function splitCondByPolicy(
  policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const params = eqn.params as CondParams;
  const { branches } = params;
  const [indexUnknown, ...unknown] = unknownIn;
  const needed = eqn.invars.filter((x, i): x is Var => x instanceof Var && !availableIn[i]);
  const all = eqn.outvars.map(() => true);
  if (indexUnknown) return { known: null, staged: eqn, unknownOut: all, availableOut: all, residuals: needed };
  const available = unknown.map(() => true);
  const unknownOut = anyOf(
    branches.map((b) => partialEval(b.jaxpr, unknown, available, false, true, policy).unknownOut),
  );
  const parts = branches.map((b) => partialEval(b.jaxpr, unknown, available, unknownOut, true, policy));
  const slots = shareSlots(parts.map((p) => p.staged.inAvals.slice(0, p.numResiduals)));
  const numKnownOut = unknownOut.length - count(unknownOut);
  const known = joinOutputs(
    parts.map((p, i) => new ClosedJaxpr(p.known, branches[i].consts)),
    slots,
    numKnownOut,
  );
  const staged = joinInputs(
    parts.map((p, i) => new ClosedJaxpr(p.staged, branches[i].consts)),
    slots,
  );
  const residuals = slots.avals.map((a) => new Var(a));
  return {
    known: {
      ...eqn,
      invars: eqn.invars.filter((_, i) => !unknownIn[i]),
      outvars: [...eqn.outvars.filter((_, i) => !unknownOut[i]), ...residuals],
      params: choosing(params, known),
    },
    staged: {
      ...eqn,
      invars: [eqn.invars[0], ...residuals, ...eqn.invars.slice(1)],
      params: choosing(params, staged),
    },
    unknownOut,
    availableOut: all,
    residuals: [...needed, ...residuals],
  };
}

function dceCond(usedOut: readonly boolean[], eqn: Eqn): { usedIn: readonly boolean[]; eqn: Eqn | null } {
  if (!usedOut.includes(true) && eqn.effectful !== true) return { usedIn: eqn.invars.map(() => false), eqn: null };
  const params = eqn.params as CondParams;
  const { branches } = params;
  const used = anyOf(branches.map((b) => dce(b.jaxpr, usedOut).usedIn));
  const usedIn = [true, ...used];
  return {
    usedIn,
    eqn: {
      ...eqn,
      invars: eqn.invars.filter((_, i) => usedIn[i]),
      outvars: eqn.outvars.filter((_, i) => usedOut[i]),
      params: choosing(
        params,
        branches.map((b) => new ClosedJaxpr(dce(b.jaxpr, usedOut, used).jaxpr, b.consts)),
      ),
    },
  };
}

interface TransposedBranch {
  readonly closed: ClosedJaxpr<NDArray>;
  readonly nonzero: readonly boolean[];
}

const transposes = new Memo<ClosedJaxpr<NDArray>, TransposedBranch>();

function transposeCond(cts: readonly Tangent[], args: readonly Operand[], params: CondParams): Tangent[] {
  const { branches } = params;
  const [index, ...operands] = args;
  const values = operands.filter((x) => !(x instanceof UndefinedPrimal)) as NDArray[];
  const inputs = [...values, ...cts.filter((ct) => ct !== null)];
  const transposed = (b: ClosedJaxpr<NDArray>, inst: readonly boolean[]): TransposedBranch =>
    transposeBranch(b, operands, cts, inputs, inst);
  const none = operands.map(() => false);
  const nonzero = anyOf(branches.map((b) => transposed(b, none).nonzero));
  const programs = branches.map((b) => transposed(b, nonzero).closed);
  return [null, ...scatterResults(nonzero, bindCond([index as NDArray, ...inputs], params, programs))];
}

function transposeBranch(
  branch: ClosedJaxpr<NDArray>,
  operands: readonly Operand[],
  cts: readonly Tangent[],
  inputs: readonly NDArray[],
  inst: readonly boolean[],
): TransposedBranch {
  const linear = operands.map((x) => x instanceof UndefinedPrimal);
  const numValues = linear.length - count(linear);
  const key =
    [linear, cts.map((ct) => ct !== null), inst].map(flags).join("/") + `/${inputs.map((x) => x.aval.key).join()}`;
  return transposes.get(branch, key, () => {
    const { closed, extra } = stage(
      inputs.map((x) => x.aval),
      (xs) => {
        let value = 0;
        let ct = numValues;
        const given = operands.map((x): Operand => (x instanceof UndefinedPrimal ? x : xs[value++]));
        const outCts = cts.map((c) => (c === null ? null : xs[ct++]));
        const results = backwardPass(branch.jaxpr, branch.consts, given, outCts);
        const outs = results.map((r, i) => (inst[i] ? instantiate(r, operands[i].aval.toTangent()) : r));
        return { outs: outs.filter((x) => x !== null), extra: outs.map((x) => x !== null) };
      },
      branch.jaxpr.debug,
    );
    return { closed, nonzero: extra };
  });
}
