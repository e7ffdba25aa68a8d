/**
 * `scan`: a loop with a fixed number of steps over the leading axis of some operands, with a carry. Its operands are `[consts, carry, xs]`, the
 * body maps `[consts, carry, x]` to `[carry, y]`, and its results are the last carry and the stacked ys.
 *
 * Differentiation splits the loop into one that computes primals and stacks residuals, and one that runs over tangents. What does not change from
 * step to step is hoisted in front of the loop instead of being stacked.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { batchInFront, matchAxis } from "../core/axes.ts";
import { bind } from "../core/interpreter.ts";
import { ClosedJaxpr, type Eqn, type Params } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";
import { asConstant, type SplitTrace } from "../core/partial.ts";
import {
  UndefinedPrimal,
  type BatchBody,
  type BatchResult,
  type JvpResult,
  type LinearizeResult,
  type Operand,
  type PartialTrace,
  type Primitive,
  type Tangent,
} from "../core/primitive.ts";
import { stage } from "../core/stage.ts";
import { instantiate, zeros } from "../core/zeros.ts";
import { merge, partition, split } from "../core/zip.ts";
import { dce } from "../passes/dce.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { linearizeJaxpr } from "../passes/linearize.ts";
import { moveInputs, reorder } from "../passes/rewrite.ts";
import { Accumulator, backwardPass } from "../passes/transpose.ts";
import { unzip } from "../passes/unzip.ts";
import { scatterResults } from "./callRules.ts";
import { carryFixpoint, count, interleave, repeat, stackedAval } from "./carry.ts";
import {
  linearizeCheckpointed,
  slotsOf,
  splitCheckpointed,
  splitCheckpointedByPolicy,
  withoutRows,
} from "./scanCheckpoint.ts";
import { transposeCheckpointed } from "./scanReverse.ts";
import { splitScanByPolicy } from "./scanPolicy.ts";
import { completeResiduals, hoist, stackedResiduals } from "./hoist.ts";

export interface ScanParams extends Params {
  readonly jaxpr: ClosedJaxpr<NDArray>;
  readonly length: number;
  readonly num_carry: number;
  readonly num_consts: number;
  readonly reverse: boolean;
  readonly unroll: number;
  /** How many states are kept for the backward pass; absent for one that stacks the residuals of all steps. See `scanCheckpoint.ts`. */
  readonly checkpoint_slots?: number;
  /** The first constants are states that have been stored already: of which elements of the carry. The body does not read them. */
  readonly checkpoint_rows?: readonly number[];
}

export const scan: Primitive<ScanParams> = {
  name: "scan",
  type(_avals, { jaxpr, length, num_carry }) {
    const [carry, ys] = split(jaxpr.outAvals, num_carry);
    return [...carry, ...ys.map((a) => stackedAval(a, length))];
  },
  jvp: jvpScan,
  linearize: (nonzero, primals, params, isVjp) =>
    slotsOf(params) === null
      ? linearizeScan(nonzero, primals, params, isVjp)
      : linearizeCheckpointed(scan, nonzero, primals, params),
  batchesBody: true,
  batch: batchScan,
  partialEval: (trace, args, params) =>
    slotsOf(params) === null ? splitScan(trace, args, params) : splitCheckpointed(scan, trace, args, params),
  split: (policy, unknownIn, availableIn, eqn) =>
    slotsOf(eqn.params as ScanParams) === null
      ? splitScanByPolicy(scan, policy, unknownIn, availableIn, eqn)
      : splitCheckpointedByPolicy(unknownIn, availableIn, eqn),
  transposesZeros: true,
  transpose: (cts, args, params) =>
    slotsOf(params) === null ? transposeScan(cts, args, params) : transposeCheckpointed(scan, cts, args, params),
  dce: dceScan,
};

const bindScan = (args: readonly NDArray[], params: ScanParams): readonly NDArray[] => bind(scan, args, params);

const sliceAval = (aval: ShapedArray): ShapedArray => aval.update({ shape: aval.shape.slice(1) });

function jvpScan(operands: readonly NDArray[], dots: readonly Tangent[], operandParams: ScanParams): JvpResult {
  const { args: primals, params } = withoutRows(operands, operandParams);
  const tangents = dots.slice(operands.length - primals.length);
  const { jaxpr, num_consts, num_carry } = params;
  const numXs = jaxpr.jaxpr.invars.length - num_consts - num_carry;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const nonzero = tangents.map((t) => t !== null);
  const [constNz, initNz, xsNz] = split(nonzero, num_consts, num_carry);
  const { carry: carryNz, result } = carryFixpoint(initNz, (carry) => {
    const program = jvpJaxpr(jaxpr, [...constNz, ...carry, ...xsNz], [...carry, ...repeat(false, numYs)]);
    return { out: program.nonzeroOut.slice(0, num_carry), result: program };
  });
  const { closed, nonzeroOut } = result;
  const all = [...constNz, ...carryNz, ...xsNz];
  const given = tangents.map((t, i) => (all[i] ? instantiate(t, primals[i].aval.toTangent()) : null));
  const some = (xs: readonly Tangent[]): NDArray[] => xs.filter((t) => t !== null);
  const [consts, init, xs] = split(primals, num_consts, num_carry);
  const [constsDot, initDot, xsDot] = split(given, num_consts, num_carry).map(some);
  const numYsDot = count(nonzeroOut) - initDot.length;
  const interleaved = reorder(
    closed,
    interleave([num_consts, num_carry, numXs], [constsDot.length, initDot.length, xsDot.length]),
    interleave([num_carry, numYs], [initDot.length, numYsDot]),
  );
  const outs = bindScan([...consts, ...constsDot, ...init, ...initDot, ...xs, ...xsDot], {
    ...params,
    jaxpr: interleaved,
    num_consts: num_consts + constsDot.length,
    num_carry: num_carry + initDot.length,
  });
  const [carry, carryDot, ys, ysDot] = split(outs, num_carry, initDot.length, numYs);
  return { primals: [...carry, ...ys], tangents: scatterResults(nonzeroOut, [...carryDot, ...ysDot]) };
}

function linearizeScan(
  nonzero: readonly boolean[],
  primals: readonly NDArray[],
  params: ScanParams,
  isVjp: boolean,
): LinearizeResult {
  const { jaxpr, num_consts, num_carry } = params;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const [constNz, initNz, xsNz] = split(nonzero, num_consts, num_carry);
  const allowForward = [
    ...jaxpr.consts.map(() => true),
    ...primals.map((_, i) => i < num_consts || i >= num_consts + num_carry),
  ];
  const { carry: carryNz, result: program } = carryFixpoint(initNz, (carry) => {
    const result = linearizeJaxpr(jaxpr, [...constNz, ...carry, ...xsNz], {
      inst: [...carry, ...repeat(false, numYs)],
      allowForward,
      isVjp,
    });
    return { out: result.nonzeroOut.slice(0, num_carry), result };
  });
  const all = [...constNz, ...carryNz, ...xsNz];
  const [consts, carryAndXs] = split(primals, num_consts);
  const hoisted = hoist(program.primal, consts, program.numResidualsOut);
  const toMove = stackedResiduals(program.forwarded, hoisted.which, jaxpr.consts.length + num_consts + num_carry);
  const tangentBody = moveInputs(program.tangent, toMove, false);
  const outs =
    hoisted.loop.jaxpr.outvars.length === 0
      ? []
      : bindScan([...hoisted.consts, ...carryAndXs], {
          ...params,
          jaxpr: hoisted.loop,
          num_consts: hoisted.consts.length,
        });
  const numOut = jaxpr.jaxpr.outvars.length;
  const residuals = completeResiduals(
    program.forwarded,
    [...jaxpr.consts, ...primals],
    hoisted.which,
    outs.slice(numOut),
    hoisted.residuals,
  );
  return {
    primals: outs.slice(0, numOut),
    nonzero: program.nonzeroOut,
    linear(tangents) {
      const [intensive, extensive] = partition(toMove, residuals);
      const given = tangents.flatMap((t, i) => (all[i] ? [instantiate(t, primals[i].aval.toTangent())] : []));
      const results = bindScan([...intensive, ...given, ...extensive], {
        ...params,
        jaxpr: tangentBody,
        num_consts: intensive.length + count(constNz),
        num_carry: count(carryNz),
      });
      return scatterResults(program.nonzeroOut, results);
    },
  };
}

/** Splits a loop whose operands are known in part: as linearization does, with unknown in place of tangent. */
function splitScan(trace: PartialTrace, args: readonly NDArray[], params: ScanParams): readonly NDArray[] {
  const { jaxpr, length, num_consts, num_carry } = params;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const unknown = args.map((x) => !trace.isKnown(x));
  const [constUk, initUk, xsUk] = split(unknown, num_consts, num_carry);
  const forward = args.map((_, i) => i < num_consts || i >= num_consts + num_carry);
  const { carry: carryUk, result: parts } = carryFixpoint(initUk, (carry) => {
    const result = unzip(jaxpr, [...constUk, ...carry, ...xsUk], [...carry, ...repeat(false, numYs)], forward);
    return { out: result.unknownOut.slice(0, num_carry), result };
  });
  const all = [...constUk, ...carryUk, ...xsUk];
  const knownArgs = args.filter((_, i) => !all[i]);
  const numConstsKnown = num_consts - count(constUk);
  const numCarryKnown = num_carry - count(carryUk);
  const [consts, carryAndXs] = split(knownArgs, numConstsKnown);
  const hoisted = hoist(parts.known, consts, parts.numResidualsOut);
  const toMove = stackedResiduals(parts.forwarded, hoisted.which, jaxpr.consts.length + numConstsKnown + numCarryKnown);
  const unknownBody = moveInputs(parts.unknown, toMove, false);
  const outs =
    hoisted.loop.jaxpr.outvars.length === 0
      ? []
      : bindScan([...hoisted.consts, ...carryAndXs], {
          ...params,
          jaxpr: hoisted.loop,
          num_consts: hoisted.consts.length,
          num_carry: numCarryKnown,
        });
  const numKnownOut = parts.unknownOut.filter((u) => !u).length;
  const residuals = completeResiduals(
    parts.forwarded,
    [...jaxpr.consts, ...knownArgs],
    hoisted.which,
    outs.slice(numKnownOut),
    hoisted.residuals,
  );
  const [intensive, extensive] = partition(toMove, residuals);
  const [carryAvals, yAvals] = split(unknownBody.outAvals, count(carryUk));
  const staged = (trace as SplitTrace).writeDown(
    scan,
    [...intensive.map(asConstant), ...args.filter((_, i) => all[i]), ...extensive.map(asConstant)],
    { ...params, jaxpr: unknownBody, num_consts: intensive.length + count(constUk), num_carry: count(carryUk) },
    [...carryAvals, ...yAvals.map((a) => stackedAval(a, length))],
  );
  return merge<NDArray>(parts.unknownOut, outs.slice(0, numKnownOut), staged);
}

const transposed = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/**
 * The loop backwards. The operands are `[residuals, consts', carry', xs', stacked residuals]`, primed ones being linear. The cotangents of constants
 * add up in the carry.
 */
function transposeScan(cts: readonly Tangent[], args: readonly Operand[], params: ScanParams): Tangent[] {
  const { jaxpr, num_consts, num_carry, length } = params;
  const linear = args.map((x) => x instanceof UndefinedPrimal);
  const [constsLin, , xsLin] = split(linear, num_consts, num_carry);
  const numIres = num_consts - count(constsLin);
  const numXsDot = count(xsLin);
  const [ires, constsDot, carryDot, xsDot, eres] = split(args, numIres, num_consts - numIres, num_carry, numXsDot);
  const [ctCarry, ctYs] = split(cts, num_carry);
  const inAvals = jaxpr.inAvals;
  const outAvals = jaxpr.outAvals;
  const ctCarryInst = ctCarry.map((ct, i) => instantiate(ct, outAvals[i].toTangent()));
  const ctConsts = inAvals.slice(numIres, num_consts).map((a) => zeros(a.toTangent()));
  const stacked = [...ctYs.filter((ct) => ct !== null), ...(eres as NDArray[])];
  const carried = [...ctConsts, ...ctCarryInst];
  const inputs = [...(ires as NDArray[]), ...carried, ...stacked];
  const avals = [
    ...inputs.slice(0, numIres + carried.length).map((x) => x.aval),
    ...stacked.map((x) => sliceAval(x.aval)),
  ];
  const xsAvals = xsDot.map((x) => sliceAval(x.aval));
  const key = `${numIres}/${num_consts}/${num_carry}/${numXsDot}/${flags(ctYs.map((ct) => ct !== null))}/${avals.map((a) => a.key).join()}`;
  const body = transposed.get(jaxpr, key, () =>
    transposeBody(jaxpr, avals, {
      numIres,
      numConstsDot: constsDot.length,
      numCarry: num_carry,
      yCts: ctYs.map((ct) => ct !== null),
      xsAvals,
    }),
  );
  const outs = bindScan(inputs, {
    ...params,
    jaxpr: body,
    reverse: !params.reverse,
    length,
    num_consts: numIres,
    num_carry: constsDot.length + carryDot.length,
  });
  return [...ires.map(() => null), ...outs, ...eres.map(() => null)];
}

interface TransposeShape {
  readonly numIres: number;
  readonly numConstsDot: number;
  readonly numCarry: number;
  /** Which ys have a cotangent. */
  readonly yCts: readonly boolean[];
  readonly xsAvals: readonly ShapedArray[];
}

function transposeBody(
  jaxpr: ClosedJaxpr<NDArray>,
  avals: readonly ShapedArray[],
  shape: TransposeShape,
): ClosedJaxpr<NDArray> {
  return stage(
    avals,
    (xs) => {
      const numYs = count(shape.yCts);
      const [ires, ctConsts, ctCarry, ctYs, eres] = split(xs, shape.numIres, shape.numConstsDot, shape.numCarry, numYs);
      const accumulators = [
        ...ctConsts.map((ct) => new Accumulator(ct.aval, ct)),
        ...ctCarry.map((ct) => new Accumulator(ct.aval)),
        ...shape.xsAvals.map((a) => new Accumulator(a.toTangent())),
      ];
      let next = 0;
      const cts = [...ctCarry, ...shape.yCts.map((given): Tangent => (given ? ctYs[next++] : null))];
      backwardPass(jaxpr.jaxpr, jaxpr.consts, [...ires, ...accumulators, ...eres], cts);
      return { outs: accumulators.map((a) => instantiate(a.value, a.aval)), extra: null };
    },
    jaxpr.jaxpr.debug,
  ).closed;
}

function batchScan(
  size: number,
  given: readonly NDArray[],
  givenDims: readonly (number | null)[],
  givenParams: ScanParams,
  batchBody: BatchBody,
): BatchResult {
  const { args, params } = withoutRows(given, givenParams);
  const dims = givenDims.slice(given.length - args.length);
  const { jaxpr, num_consts, num_carry } = params;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const [constB, initB, xsB] = split(
    dims.map((d) => d !== null),
    num_consts,
    num_carry,
  );
  const { carry: carryB, result } = carryFixpoint(initB, (carry) => {
    const batched = [...constB, ...carry, ...xsB].map((b) => (b ? 0 : null));
    const program = batchBody(jaxpr, size, batched, [...carry, ...repeat(false, numYs)]);
    return { out: program.dims.slice(0, num_carry).map((d) => d !== null), result: program };
  });
  const moved = args.map((x, i) => {
    if (i < num_consts) return dims[i] === null ? x : matchAxis(size, dims[i], 0, x);
    if (i < num_consts + num_carry) return carryB[i - num_consts] ? batchInFront(x, dims[i], size) : x;
    return dims[i] === null ? x : matchAxis(size, dims[i], 1, x);
  });
  const outs = bindScan(moved, { ...params, jaxpr: result.closed });
  return { outs, dims: result.dims.map((d, i) => (d === null ? null : i < num_carry ? 0 : 1)) };
}

function dceScan(usedOut: readonly boolean[], eqn: Eqn): { usedIn: readonly boolean[]; eqn: Eqn | null } {
  if (!usedOut.includes(true) && eqn.effectful !== true) return { usedIn: eqn.invars.map(() => false), eqn: null };
  const params = eqn.params as ScanParams;
  const { jaxpr, num_consts, num_carry } = params;
  const numXs = jaxpr.jaxpr.invars.length - num_consts - num_carry;
  const usedYs = usedOut.slice(num_carry);
  const rows = params.checkpoint_rows ?? [];
  const { carry, result } = carryFixpoint(usedOut.slice(0, num_carry), (used) => {
    // A stored state goes with the element of the carry that it is of.
    const stored = rows.map((i) => used[i]);
    const pruned = dce(
      jaxpr.jaxpr,
      [...used, ...usedYs],
      [...stored, ...repeat(false, num_consts - rows.length), ...used, ...repeat(false, numXs)],
    );
    return { out: pruned.usedIn.slice(num_consts, num_consts + num_carry), result: pruned };
  });
  const kept = [...carry, ...usedYs];
  return {
    usedIn: result.usedIn,
    eqn: {
      ...eqn,
      invars: eqn.invars.filter((_, i) => result.usedIn[i]),
      outvars: eqn.outvars.filter((_, i) => kept[i]),
      params: {
        ...params,
        jaxpr: new ClosedJaxpr(result.jaxpr, jaxpr.consts),
        num_consts: count(result.usedIn.slice(0, num_consts)),
        num_carry: count(carry),
        ...(rows.length === 0
          ? {}
          : { checkpoint_rows: rows.filter((i) => carry[i]).map((i) => count(carry.slice(0, i))) }),
      },
    },
  };
}
