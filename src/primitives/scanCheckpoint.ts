/**
 * `scan` with a bounded number of states kept for the backward pass. Its forward pass stores the carry of a few steps; its linear part is the loop
 * itself with tangents, given the stored states beside its operands; and transposing that gives one loop over the steps in reverse which, before each
 * step, runs forward to it from the latest stored state. So the least number of steps for the slots is recomputed, and what is alive at a time is
 * the stored states and the residuals of one step.
 *
 * Derivatives of the backward pass itself are those of the ordinary one, which stacks residuals.
 */
import type { NDArray } from "../core/array.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import { ClosedJaxpr, Var, type Eqn } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";
import type { SplitTrace } from "../core/partial.ts";
import type { LinearizeResult, PartialTrace, Primitive, SplitResult } from "../core/primitive.ts";
import { stageFlat } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";
import { merge, split } from "../core/zip.ts";
import { dce } from "../passes/dce.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { partialEval } from "../passes/partialEval.ts";
import { pruneClosedOutputs, separateConsts } from "../passes/rewrite.ts";
import { unzip, type Unzipped } from "../passes/unzip.ts";
import { firstCheckpoints } from "../schedules/binomial.ts";
import { scatterResults } from "./callRules.ts";
import { carryFixpoint, count, repeat } from "./carry.ts";
import { select } from "./comparison.ts";
import { bindCustomJvp } from "./customJvp.ts";
import type { ScanParams } from "./scan.ts";
import { constantArray, int, rowAt, withRow } from "./stagedLoops.ts";
import { emptyRows, usableSlots } from "./storedStates.ts";

/** The slots of a loop that keeps few states, or null for one that stacks residuals. */
export const slotsOf = (params: ScanParams): number | null =>
  params.checkpoint_slots === undefined
    ? null
    : usableSlots(Math.min(params.checkpoint_slots, Math.max(1, params.length)), params.length);

/** The loop without stored states among its operands. */
export function withoutRows<T>(
  args: readonly T[],
  params: ScanParams,
): { readonly args: readonly T[]; readonly params: ScanParams } {
  const rows = params.checkpoint_rows ?? [];
  if (rows.length === 0) return { args, params };
  const { jaxpr, consts } = params.jaxpr;
  const body = new ClosedJaxpr(jaxpr.replace({ invars: jaxpr.invars.slice(rows.length), debug: null }), consts);
  const { checkpoint_rows: _, ...rest } = params;
  return {
    args: args.slice(rows.length),
    params: { ...rest, jaxpr: body, num_consts: params.num_consts - rows.length },
  };
}

/**
 * The steps before which the forward pass stores the carry. It runs to the end, and nothing is at hand when the backward pass begins: so this is the
 * schedule of a chain that has one step more, the one that takes the loop's result.
 */
export const storedSteps = (length: number, slots: number): number[] =>
  firstCheckpoints(length + 1, slots).filter((step) => step < length);

const withRows = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/** Linearization: the loop now, with a few of its states; the loop with tangents later, to be transposed with their help. */
export function linearizeCheckpointed(
  scan: Primitive<ScanParams>,
  nonzero: readonly boolean[],
  given: readonly NDArray[],
  givenParams: ScanParams,
): LinearizeResult {
  const { args: primals, params } = withoutRows(given, givenParams);
  const dropped = given.length - primals.length;
  const { jaxpr, num_consts, num_carry, length } = params;
  const nz = nonzero.slice(dropped);
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const [constNz, initNz, xsNz] = split(nz, num_consts, num_carry);
  const { carry: carryNz, result } = carryFixpoint(initNz, (carry) => {
    const program = jvpJaxpr(jaxpr, [...constNz, ...carry, ...xsNz], [...carry, ...repeat(false, numYs)]);
    return { out: program.nonzeroOut.slice(0, num_carry), result: program };
  });
  const all = [...constNz, ...carryNz, ...xsNz];
  const slots = slotsOf(params) as number;
  const [, init] = split(primals, num_consts, num_carry);
  const stored = Math.min(slots, length);
  const { outs, rows } =
    stored > 1 ? storingScan(scan, primals, params, slots) : { outs: bind(scan, primals, params), rows: [] };
  return {
    primals: outs,
    nonzero: result.nonzeroOut,
    linear(tangents) {
      const ts = tangents.slice(dropped);
      const dots = all.flatMap((t, i) => (t ? [instantiate(ts[i], primals[i].aval.toTangent())] : []));
      const [constsDot, initDot, xsDot] = split(dots, count(constNz), count(carryNz));
      const [consts, , xs] = split(primals, num_consts, num_carry);
      const body = tangentBody(result.closed, params, [constNz, carryNz, xsNz], result.nonzeroOut, rows);
      const results = bind(scan, [...rows, ...consts, ...constsDot, ...init, ...initDot, ...xs, ...xsDot], {
        ...params,
        jaxpr: body,
        num_consts: rows.length + num_consts + constsDot.length,
        num_carry: num_carry + initDot.length,
        ...(rows.length === 0 ? {} : { checkpoint_rows: rows.map((_, i) => i) }),
      });
      const [, carryDot, , ysDot] = split(results, num_carry, initDot.length, numYs);
      return scatterResults(result.nonzeroOut, [...carryDot, ...ysDot]);
    },
  };
}

/** The body with tangents: `[rows, consts, consts', carry, carry', xs, xs']` to `[carry, carry', ys, ys']`. */
function tangentBody(
  closed: ClosedJaxpr<NDArray>,
  params: ScanParams,
  [constNz, carryNz, xsNz]: readonly (readonly boolean[])[],
  nonzeroOut: readonly boolean[],
  rows: readonly NDArray[],
): ClosedJaxpr<NDArray> {
  const { num_consts, num_carry } = params;
  const key = `${flags(constNz)}/${flags(carryNz)}/${flags(xsNz)}/${rows.map((r) => r.aval.key).join()}`;
  return withRows.get(closed, key, () => {
    const { invars, outvars } = closed.jaxpr;
    const numPrimal = constNz.length + carryNz.length + xsNz.length;
    const [consts, carry, xs, constsDot, carryDot, xsDot] = split(
      invars,
      num_consts,
      num_carry,
      numPrimal - num_consts - num_carry,
      count(constNz),
      count(carryNz),
    );
    const [carryOut, ys, carryDotOut, ysDot] = split(outvars, num_carry, nonzeroOut.length - num_carry, count(carryNz));
    return new ClosedJaxpr(
      closed.jaxpr.replace({
        invars: [...rows.map((r) => new Var(r.aval)), ...consts, ...constsDot, ...carry, ...carryDot, ...xs, ...xsDot],
        outvars: [...carryOut, ...carryDotOut, ...ys, ...ysDot],
        debug: null,
      }),
      closed.consts,
    );
  });
}

const storing = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/** The loop, and the states that the schedule stores in its first sweep. */
function storingScan(
  scan: Primitive<ScanParams>,
  args: readonly NDArray[],
  params: ScanParams,
  slots: number,
): { readonly outs: readonly NDArray[]; readonly rows: readonly NDArray[] } {
  const { jaxpr, length, num_consts, num_carry } = params;
  const outAvals = scan.type([], params);
  const program = storing.get(jaxpr, `${slots}/${length}/${String(params.reverse)}/${num_consts}/${num_carry}`, () =>
    stageFlat(
      (xs) => storeOnTheWay(scan, xs, params, slots),
      args.map((x) => x.aval),
      jaxpr.jaxpr.debug,
    ),
  );
  const run = (xs: readonly NDArray[]): readonly NDArray[] => evalJaxpr(program.jaxpr, program.consts, xs);
  const results = bindCustomJvp(
    {
      name: "scan_checkpointed",
      jvpName: "jvp",
      symbolicZeros: true,
      fun: run,
      jvp: (primals, tangents) => {
        const pushed = (scan.jvp as NonNullable<typeof scan.jvp>)(primals, tangents, params);
        const states = run(primals).slice(outAvals.length);
        // Nothing but the backward pass reads the states, and its derivative is that of the pass without them.
        return {
          primals: [...pushed.primals, ...states],
          tangents: [...pushed.tangents, ...states.map(() => null)],
        };
      },
    },
    args,
  );
  return { outs: results.slice(0, outAvals.length), rows: results.slice(outAvals.length) };
}

function storeOnTheWay(
  scan: Primitive<ScanParams>,
  args: readonly NDArray[],
  params: ScanParams,
  slots: number,
): readonly NDArray[] {
  const { jaxpr, length, num_consts, num_carry, reverse } = params;
  const [consts, init, xs] = split(args, num_consts, num_carry);
  const steps = storedSteps(length, slots);
  const place = Array.from({ length }, () => 0);
  const stores = Array.from({ length }, () => 0);
  steps.slice(1).forEach((step, i) => {
    const at = reverse ? length - 1 - step : step;
    place[at] = i;
    stores[at] = 1;
  });
  const rows = emptyRows(
    init.map((x) => x.aval),
    slots,
  );
  const inAvals = jaxpr.inAvals;
  const [constAvals, carryAvals, xAvals] = split(inAvals, num_consts, num_carry);
  const rowAvals = rows.map((r) => r.aval);
  const index = int(0).aval;
  const flag = constantArray([0], "bool").aval.update({ shape: [] });
  const staged = stageFlat(
    (values) => {
      const [cs, carry, buffers, [at, store], slices] = split(values, num_consts, num_carry, rows.length, 2);
      const outs = evalJaxpr(jaxpr.jaxpr, jaxpr.consts, [...cs, ...carry, ...slices]);
      const kept = buffers.map((b, i) => withRow(b, at, select(store, carry[i], rowAt(b, at))));
      return [...outs.slice(0, num_carry), ...kept, ...outs.slice(num_carry)];
    },
    [...constAvals, ...carryAvals, ...rowAvals, index, flag, ...xAvals],
    jaxpr.jaxpr.debug,
  );
  const { checkpoint_slots: _, ...plain } = params;
  const outs = bind(
    scan,
    [
      ...staged.consts,
      ...consts,
      ...init,
      ...rows,
      constantArray(place, "int32"),
      constantArray(stores, "bool"),
      ...xs,
    ],
    {
      ...plain,
      jaxpr: separateConsts(staged),
      num_consts: staged.consts.length + num_consts,
      num_carry: num_carry + rows.length,
    },
  );
  const [carry, states, ys] = split(outs, num_carry, rows.length);
  return [...carry, ...ys, ...states];
}

/** A loop whose operands are known in part runs its known part now, and all of it again later. */
export function splitCheckpointed(
  scan: Primitive<ScanParams>,
  trace: PartialTrace,
  given: readonly NDArray[],
  givenParams: ScanParams,
): readonly NDArray[] {
  const { args, params } = withoutRows(given, givenParams);
  const unknown = args.map((x) => !trace.isKnown(x));
  if (!unknown.includes(true)) return bind(scan, args, params);
  const { all, parts } = splitBody(params, unknown);
  const staged = (trace as SplitTrace).writeDown(scan, given, givenParams, scan.type([], params));
  if (!all.includes(false) || !parts.unknownOut.includes(false)) return staged;
  const numKnown = parts.unknownOut.length - count(parts.unknownOut);
  const body = pruneClosedOutputs(
    parts.known,
    parts.known.jaxpr.outvars.map((_, i) => i < numKnown),
  );
  const [constUk, carryUk] = split(all, params.num_consts, params.num_carry);
  const outs = bind(
    scan,
    args.filter((_, i) => !all[i]),
    {
      ...params,
      jaxpr: body,
      num_consts: constUk.length - count(constUk),
      num_carry: carryUk.length - count(carryUk),
    },
  );
  return merge(
    parts.unknownOut,
    outs,
    staged.filter((_, i) => parts.unknownOut[i]),
  );
}

/** The body split into what does not depend on unknown operands and what does; which operands are unknown once the carry has spread it. */
export function splitBody(
  params: ScanParams,
  unknown: readonly boolean[],
): { readonly all: readonly boolean[]; readonly parts: Unzipped } {
  const { jaxpr, num_consts, num_carry } = params;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const [constUk, initUk, xsUk] = split(unknown, num_consts, num_carry);
  const { carry, result } = carryFixpoint(initUk, (spread) => {
    const parts = unzip(jaxpr, [...constUk, ...spread, ...xsUk], [...spread, ...repeat(false, numYs)]);
    return { out: parts.unknownOut.slice(0, num_carry), result: parts };
  });
  return { all: [...constUk, ...carry, ...xsUk], parts: result };
}

/** Inside a checkpointed function: no policy saves anything of it, since the slots say what is kept. */
export function splitCheckpointedByPolicy(
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const { params, args } = withoutRows(eqn.invars, eqn.params as ScanParams);
  const { jaxpr, num_consts, num_carry } = params;
  const numYs = jaxpr.jaxpr.outvars.length - num_carry;
  const [constUk, initUk, xsUk] = split(unknownIn.slice(eqn.invars.length - args.length), num_consts, num_carry);
  const { carry: carryUk, result: parts } = carryFixpoint(initUk, (carry) => {
    const unknown = [...constUk, ...carry, ...xsUk];
    const force = [...carry, ...repeat(false, numYs)];
    const result = partialEval(jaxpr.jaxpr, unknown, repeat(true, unknown.length), force, true, () => false);
    return { out: result.unknownOut.slice(0, num_carry), result };
  });
  const all = [...constUk, ...carryUk, ...xsUk];
  const residuals = eqn.invars.filter((x, i): x is Var => x instanceof Var && !availableIn[i]);
  const numKnown = parts.unknownOut.length - count(parts.unknownOut);
  const body = dce(parts.known, [...repeat(true, numKnown), ...repeat(false, parts.numResiduals)], true).jaxpr;
  const known: Eqn = {
    ...eqn,
    invars: args.filter((_, i) => !all[i]),
    outvars: eqn.outvars.filter((_, i) => !parts.unknownOut[i]),
    params: {
      ...params,
      jaxpr: new ClosedJaxpr(body, jaxpr.consts),
      num_consts: constUk.length - count(constUk),
      num_carry: carryUk.length - count(carryUk),
    },
  };
  return {
    known: numKnown === 0 ? null : known,
    staged: eqn,
    unknownOut: parts.unknownOut,
    availableOut: parts.unknownOut.map(() => true),
    residuals,
  };
}
