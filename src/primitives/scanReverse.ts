/**
 * The backward pass of a `scan` that keeps few states: one loop over the steps in reverse which, before each step, runs forward to it from the latest
 * stored state. Its derivatives are those of the ordinary backward pass, which stacks residuals.
 */
import type { NDArray } from "../core/array.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";
import { UndefinedPrimal, type Operand, type Primitive, type Tangent } from "../core/primitive.ts";
import { stageFlat } from "../core/stage.ts";
import { instantiate, zeros } from "../core/zeros.ts";
import { merge, partition, split } from "../core/zip.ts";
import { dce } from "../passes/dce.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { close, constsToInputs, separateConsts } from "../passes/rewrite.ts";
import { Accumulator, backwardPass } from "../passes/transpose.ts";
import type { Unzipped } from "../passes/unzip.ts";
import { scatterResults } from "./callRules.ts";
import { count } from "./carry.ts";
import { sub } from "./arithmetic.ts";
import { bindCustomJvp } from "./customJvp.ts";
import { counted } from "./iota.ts";
import type { ScanParams } from "./scan.ts";
import { slotsOf, splitBody, storedSteps, withoutRows } from "./scanCheckpoint.ts";
import { constantArray, int, rowAt } from "./stagedLoops.ts";
import { emptyStack, flatStack, popStep, stackOf, stateAt, type Chain, type Stack } from "./storedStates.ts";

/** What a transposed loop is made of: which operands are linear, and the halves of the body. */
interface Halves {
  readonly linear: readonly boolean[];
  readonly parts: Unzipped;
}

const backward = new Memo<ClosedJaxpr<NDArray>, { scheduled: ClosedJaxpr<NDArray>; stacked: ClosedJaxpr<NDArray> }>();

/** The loop backwards, by the schedule. */
export function transposeCheckpointed(
  scan: Primitive<ScanParams>,
  cts: readonly Tangent[],
  args: readonly Operand[],
  params: ScanParams,
): Tangent[] {
  const rowsOf = params.checkpoint_rows ?? [];
  const rows = args.slice(0, rowsOf.length) as NDArray[];
  const operands = args.slice(rowsOf.length);
  const plain = withoutRows(args, params).params;
  // A tangent that starts at zero is known at first, and linear from then on.
  const { all: linear, parts } = splitBody(
    plain,
    operands.map((x) => x instanceof UndefinedPrimal),
  );
  const [values, lin] = partition(linear, operands) as [NDArray[], Operand[]];
  const [ctCarry, ctYs] = split(cts, params.num_carry);
  const outAvals = params.jaxpr.outAvals;
  const carryLin = linear.slice(plain.num_consts, plain.num_consts + plain.num_carry);
  const ctStart = ctCarry.flatMap((ct, i) => (carryLin[i] ? [instantiate(ct, outAvals[i].toTangent())] : []));
  const given = ctYs.filter((ct) => ct !== null);
  const inputs = [...rows, ...values, ...ctStart, ...given];
  const yCts = ctYs.map((ct) => ct !== null);
  const key = `${flags(linear)}/${flags(yCts)}/${rowsOf.join()}/${params.checkpoint_slots}/${params.length}/${String(params.reverse)}/${inputs.map((x) => x.aval.key).join()}`;
  const programs = backward.get(params.jaxpr, key, () => {
    const halves: Halves = { linear, parts };
    const avals = inputs.map((x) => x.aval);
    const make = (slots: number | null): ClosedJaxpr<NDArray> =>
      stageFlat(
        (xs) => {
          const [stored, rest] = split(xs, rows.length);
          const states = slots === null ? [] : stored;
          return slots === null
            ? reverseStacked(scan, rest, plain, halves, yCts)
            : reverseScheduled(scan, states, rest, plain, halves, yCts, slots);
        },
        avals,
        params.jaxpr.jaxpr.debug,
      );
    return { scheduled: make(slotsOf(params)), stacked: make(null) };
  });
  const run = (program: ClosedJaxpr<NDArray>) => (xs: readonly NDArray[]) =>
    evalJaxpr(program.jaxpr, program.consts, xs);
  const outs = bindCustomJvp(
    {
      name: "scan_backward",
      jvpName: "jvp",
      symbolicZeros: true,
      fun: run(programs.scheduled),
      jvp: (primals, tangents) => {
        const nonzero = tangents.map((t) => t !== null);
        const pushed = jvpJaxpr(programs.stacked, nonzero);
        const results = evalJaxpr(pushed.closed.jaxpr, pushed.closed.consts, [
          ...primals,
          ...tangents.filter((t) => t !== null),
        ]);
        const n = programs.stacked.jaxpr.outvars.length;
        return { primals: results.slice(0, n), tangents: scatterResults(pushed.nonzeroOut, results.slice(n)) };
      },
    },
    inputs,
  );
  return [
    ...rows.map(() => null),
    ...merge<Tangent>(
      linear,
      values.map(() => null),
      outs.slice(0, lin.length),
    ),
  ];
}

/** The parts of a loop's operands that the reverse sweep reads. */
interface Given {
  readonly consts: readonly NDArray[];
  readonly first: readonly NDArray[];
  readonly xs: readonly NDArray[];
  readonly ctCarry: readonly NDArray[];
  readonly ctYs: readonly NDArray[];
}

function givenParts(values: readonly NDArray[], params: ScanParams, { linear }: Halves): Given {
  const [constLin, carryLin, xsLin] = split(linear, params.num_consts, params.num_carry);
  const [consts, first, xs, ctCarry, ctYs] = split(
    values,
    constLin.length - count(constLin),
    carryLin.length - count(carryLin),
    xsLin.length - count(xsLin),
    count(carryLin),
  );
  return { consts, first, xs, ctCarry, ctYs };
}

/** Reverses one step: from what it took and the cotangents of what it made, `[consts', carry', xs']`. `residuals` come from the known half. */
function reverseStep(
  params: ScanParams,
  { linear, parts }: Halves,
  yCts: readonly boolean[],
  residuals: readonly NDArray[],
  ctConsts: readonly NDArray[],
  ctCarry: readonly NDArray[],
  ctYs: readonly NDArray[],
): NDArray[] {
  const numKnownIn = linear.length - count(linear);
  const avals = parts.unknown.inAvals.slice(parts.unknown.inAvals.length - (linear.length - numKnownIn));
  const accumulators = avals.map((a, i) => new Accumulator(a.toTangent(), i < ctConsts.length ? ctConsts[i] : null));
  let nextY = 0;
  let nextCarry = 0;
  const cts = parts.unknownOut.flatMap((unknown, i): Tangent[] => {
    const isY = i >= params.num_carry;
    const ct = isY ? (yCts[i - params.num_carry] ? ctYs[nextY++] : null) : unknown ? ctCarry[nextCarry++] : null;
    return unknown ? [ct] : [];
  });
  backwardPass(parts.unknown.jaxpr, parts.unknown.consts, [...residuals, ...accumulators], cts);
  return accumulators.map((a) => instantiate(a.value, a.aval));
}

/** All of what later steps of the reverse sweep need of a step. */
function residualsOf({ parts }: Halves, inputs: readonly NDArray[]): NDArray[] {
  const outs = evalJaxpr(parts.known.jaxpr, parts.known.consts, inputs);
  const own = outs.slice(parts.unknownOut.length - count(parts.unknownOut));
  let next = 0;
  const all = [...parts.known.consts, ...inputs];
  return parts.forwarded.map((from) => (from === null ? own[next++] : all[from]));
}

const linearConsts = (params: ScanParams, { linear }: Halves): NDArray[] =>
  params.jaxpr.inAvals.flatMap((a, i) => (i < params.num_consts && linear[i] ? [zeros(a.toTangent())] : []));

function reverseScheduled(
  scan: Primitive<ScanParams>,
  stored: readonly NDArray[],
  values: readonly NDArray[],
  params: ScanParams,
  halves: Halves,
  yCts: readonly boolean[],
  slots: number,
): readonly NDArray[] {
  const { length, reverse } = params;
  const given = givenParts(values, params, halves);
  const { consts, first, xs } = given;
  const ctConsts = linearConsts(params, halves);
  const numStates = first.length;
  const { known } = halves.parts;
  const forward = dce(
    known.jaxpr,
    known.jaxpr.outvars.map((_, i) => i < numStates),
  );
  const chain: Chain = {
    slots,
    numStates,
    advance: (cs, step, state) => {
      const [own, whole] = split(cs, consts.length);
      const at = reverse ? sub(int(length - 1), step) : step;
      // An x that no state depends on is not read.
      const inputs = [...own, ...state, ...whole].flatMap((x, i) =>
        forward.usedIn[i] ? [i < consts.length + numStates ? x : rowAt(x, at)] : [],
      );
      return evalJaxpr(forward.jaxpr, known.consts, inputs);
    },
  };
  const states = first.map((x) => x.aval);
  const stack: Stack =
    numStates === 0
      ? { top: int(0), steps: constantArray([0], "int32"), rows: [] }
      : stored.length === 0
        ? emptyStack(states, slots)
        : {
            top: int(storedSteps(length, slots).length - 1),
            steps: constantArray(padded(storedSteps(length, slots), slots), "int32"),
            rows: stored,
          };
  const stackValues = numStates === 0 ? [] : flatStack(stack);
  const carried = [...stackValues, ...ctConsts, ...given.ctCarry];
  const outer = [...consts, ...first, ...xs];
  const counter = counted("int32", [length], 0);
  const steps = reverse
    ? sub(
        constantArray(
          Array.from({ length }, () => length - 1),
          "int32",
        ),
        counter,
      )
    : counter;
  const slice = (x: NDArray) => x.aval.update({ shape: x.shape.slice(1) });
  const stacked = [steps, ...xs, ...given.ctYs];
  const staged = stageFlat(
    (vs) => {
      const [outerConsts, stackIn, ctConstsIn, ctCarryIn, [step], xSlices, ctYs] = split(
        vs,
        outer.length,
        stackValues.length,
        ctConsts.length,
        given.ctCarry.length,
        1,
        xs.length,
      );
      const [cs, start, whole] = split(outerConsts, consts.length, numStates);
      const reached = numStates === 0 ? null : stateAt(chain, [...cs, ...whole], start, step, stackOf(stackIn));
      const residuals = residualsOf(halves, [...cs, ...(reached?.state ?? []), ...xSlices]);
      const outs = reverseStep(params, halves, yCts, residuals, ctConstsIn, ctCarryIn, ctYs);
      return [...(reached === null ? [] : flatStack(popStep(reached.stack, step))), ...outs];
    },
    [...outer, ...carried].map((x) => x.aval).concat(stacked.map(slice)),
    params.jaxpr.jaxpr.debug,
  );
  const { checkpoint_slots: _, ...plain } = params;
  const outs = bind(scan, [...staged.consts, ...outer, ...carried, ...stacked], {
    ...plain,
    reverse: !reverse,
    jaxpr: separateConsts(staged),
    num_consts: staged.consts.length + outer.length,
    num_carry: carried.length,
  });
  return outs.slice(stackValues.length);
}

const padded = (steps: readonly number[], slots: number): number[] =>
  Array.from({ length: slots }, (_, i) => steps[i] ?? 0);

/** The ordinary backward pass: one loop forward that stacks residuals, one loop in reverse. What derivatives of the backward pass are made of. */
function reverseStacked(
  scan: Primitive<ScanParams>,
  values: readonly NDArray[],
  params: ScanParams,
  halves: Halves,
  yCts: readonly boolean[],
): readonly NDArray[] {
  const given = givenParts(values, params, halves);
  const { consts, first, xs } = given;
  const { known } = halves.parts;
  const numKnown = halves.parts.unknownOut.length - count(halves.parts.unknownOut);
  const { checkpoint_slots: _, ...plain } = params;
  const body = close(constsToInputs(known.jaxpr));
  const outs = bind(scan, [...known.consts, ...consts, ...first, ...xs], {
    ...plain,
    jaxpr: body,
    num_consts: known.consts.length + consts.length,
    num_carry: first.length,
  });
  const stackedResiduals = outs.slice(numKnown);
  const ctConsts = linearConsts(params, halves);
  const carried = [...ctConsts, ...given.ctCarry];
  const stacked = [...given.ctYs, ...stackedResiduals];
  const slice = (x: NDArray) => x.aval.update({ shape: x.shape.slice(1) });
  const staged = stageFlat(
    (vs) => {
      const [ctConstsIn, ctCarryIn, ctYs, residuals] = split(
        vs,
        ctConsts.length,
        given.ctCarry.length,
        given.ctYs.length,
      );
      return reverseStep(params, halves, yCts, residuals, ctConstsIn, ctCarryIn, ctYs);
    },
    carried.map((x) => x.aval).concat(stacked.map(slice)),
    params.jaxpr.jaxpr.debug,
  );
  return bind(scan, [...staged.consts, ...carried, ...stacked], {
    ...plain,
    reverse: !params.reverse,
    jaxpr: separateConsts(staged),
    num_consts: staged.consts.length,
    num_carry: carried.length,
  });
}
