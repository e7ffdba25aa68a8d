/**
 * `whileLoop` that can be reversed: a loop of unknown length which, on its way forward, stores its state in a few slots, and replaces stored states as
 * `schedules/online.ts` says, so that what is kept suits a loop that ends at any step. The backward pass goes back through the steps by the binomial
 * schedule, from the latest stored state each. All of it is one program; what is alive at a time is the slots and the residuals of one step.
 *
 * The call is a `custom_remat`: forward mode differentiates the plain loop; reverse mode runs the loop with its stores, in a checkpointed region only
 * in the backward pass. A derivative of the backward pass in reverse mode again is not possible.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { isInexact } from "../core/dtype.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import { linearizeFlat } from "../core/linearize.ts";
import type { Policy } from "../core/policy.ts";
import type { Tangent } from "../core/primitive.ts";
import { constsToInputs, stageFlat } from "../core/stage.ts";
import { zeros } from "../core/zeros.ts";
import { merge, partition, split } from "../core/zip.ts";
import { Accumulator, backwardPass } from "../passes/transpose.ts";
import { add, div, max, mul, sub } from "./arithmetic.ts";
import { bitwiseAnd, bitwiseNot, bitwiseOr, eq, ge, gt, lt, select } from "./comparison.ts";
import { scatterResults } from "./callRules.ts";
import { accumulated, cumsum } from "./cumulative.ts";
import { customRemat, type CustomRematRule } from "./customRemat.ts";
import { concatenated } from "./join.ts";
import { minimumOver, orOver } from "./reduce.ts";
import { slicedAlong } from "./pad.ts";
import { broadcastedInDim } from "./shape.ts";
import { constantArray, int, rowAt, whileLoop, withRow } from "./stagedLoops.ts";
import { emptyStack, flatStack, popStep, stackOf, stateAt, type Chain, type Stack } from "./storedStates.ts";
import type { WhileParams } from "./while.ts";
import { whileP } from "./while.ts";

type Values = readonly NDArray[];

/** Runs `while` on `[condition consts, body consts, carry]`, with so many states kept for a backward pass. */
export function bindOnlineLoop(args: Values, params: WhileParams, slots: number): Values {
  const { jaxpr, consts } = stageFlat(
    (xs) => bind(whileP, xs, params),
    args.map((x) => x.aval),
    null,
  );
  const call = {
    name: "while_loop",
    fwd: "store_online",
    rem: "store_online",
    bwd: "reverse_online",
    call_jaxpr: constsToInputs(jaxpr),
    rule: onlineRule(params, slots),
    num_consts: consts.length,
  };
  return bind(customRemat, [...consts, ...args], call);
}

/** What the loop with stores gives beside its result: the number of steps, and the stored states. */
export interface Stored {
  readonly outs: Values;
  readonly kept: Values;
}

const keepsEverything = (policy: Policy): boolean => policy.json?.policy === "everythingSaveable";

function onlineRule(params: WhileParams, slots: number): CustomRematRule {
  const plain = (args: Values): Values => bind(whileP, args, params);
  return (policy, args, perturbed) => {
    const rem = (kept: Values, xs: Values) => {
      const { outs, kept: stored } = kept.length > 0 ? { outs: plain(xs), kept } : storing(params, slots, xs);
      return {
        outs,
        residuals: [...stored, ...xs],
        bwd: (residuals: Values, cts: readonly Tangent[]) => {
          const [found, operands] = split(residuals, stored.length);
          return reversing(params, slots, found, operands, cts, perturbed);
        },
      };
    };
    if (keepsEverything(policy)) return { ...storing(params, slots, args), rem };
    return { outs: plain(args), kept: [], rem };
  };
}

interface Parts {
  readonly condConsts: Values;
  readonly bodyConsts: Values;
  readonly carry: Values;
}

function partsOf({ cond_nconsts, body_nconsts }: WhileParams, args: Values): Parts {
  const [condConsts, bodyConsts, carry] = split(args, cond_nconsts, body_nconsts);
  return { condConsts, bodyConsts, carry };
}

/** A stack whose rows are reached by `places`: one state can give way to another in its row. */
function emptyOnline(states: readonly ShapedArray[], slots: number): Stack {
  const places = constantArray(
    Array.from({ length: slots }, (_, i) => i - 1),
    "int32",
  );
  return { ...emptyStack(states, slots), places };
}

/** The loop forward, with its stores: the number of steps, and the stack. */
export function storing(params: WhileParams, slots: number, args: Values): Stored {
  const { cond_jaxpr, body_jaxpr } = params;
  const { condConsts, bodyConsts, carry } = partsOf(params, args);
  const empty = emptyOnline(
    carry.map((x) => x.aval),
    slots,
  );
  const header = flatStack(empty).length;
  const outs = whileLoop(
    [...condConsts, ...bodyConsts],
    [int(0), ...flatStack(empty), ...carry],
    (consts, values) => {
      const state = values.slice(1 + header);
      return evalJaxpr(cond_jaxpr.jaxpr, cond_jaxpr.consts, [...consts.slice(0, condConsts.length), ...state])[0];
    },
    (consts, [step, ...rest]) => {
      const [stackValues, state] = split(rest, header);
      const stack = stackOf(stackValues, empty);
      const next = slots === 1 ? stack : stored(stack, slots, step, state);
      const after = evalJaxpr(body_jaxpr.jaxpr, body_jaxpr.consts, [...consts.slice(condConsts.length), ...state]);
      return [add(step, int(1)), ...flatStack(next), ...after];
    },
  );
  const [steps, ...rest] = outs;
  const [stackValues, result] = split(rest, header);
  return { outs: result, kept: [steps, ...stackValues] };
}

/** `storeOnline` of the schedule, on traced numbers and vectors with an entry for each slot. */
function stored(stack: Stack, slots: number, step: NDArray, state: Values): Stack {
  const spread = (x: NDArray): NDArray => broadcastedInDim(x, [slots], []);
  const index = entries(slots, (i) => i);
  const last = int(slots - 1);
  const full = ge(stack.top, last);
  const { least, keeps } = stepsBack(stack.steps, slots, step);
  const cheapest = minimumOver(least, [0]);
  const found = minimumOver(select(eq(least, spread(cheapest)), index, spread(last)), [0]);
  const stores = bitwiseAnd(gt(step, int(0)), bitwiseOr(bitwiseNot(full), lt(cheapest, keeps)));
  const top = select(bitwiseAnd(stores, bitwiseNot(full)), add(stack.top, int(1)), stack.top);
  const position = select(full, found, top);
  const places = stack.places as NDArray;
  const row = max(rowAt(places, position), int(0));
  /** Takes the entry at `position` out, and puts a new one at the top. */
  const replaced = (xs: NDArray, value: NDArray): NDArray => {
    const moved = select(lt(index, spread(position)), xs, rotated(xs));
    const put = select(eq(index, spread(top)), spread(value), select(gt(index, spread(top)), xs, moved));
    return select(spread(stores), put, xs);
  };
  return {
    top,
    steps: replaced(stack.steps, step),
    places: replaced(places, row),
    rows: stack.rows.map((x, i) => withRow(x, row, select(stores, state[i], rowAt(x, row)))),
  };
}

/**
 * The steps that it takes to reverse a chain that ends after `step`, if each of the stored states gives way to that of `step` (the start never does), and
 * if all of them are kept instead. The stack is full.
 */
function stepsBack(steps: NDArray, slots: number, step: NDArray): { readonly least: NDArray; readonly keeps: NDArray } {
  const next = withRow(rotated(steps), int(slots - 1), step);
  const gaps = sub(next, steps);
  // From the state before to the one after; nothing before the start.
  const before = withRow(rotated(steps, -1), int(0), rowAt(next, int(0)));
  const free = [
    ...Array.from({ length: slots }, (_, i) => slots - i),
    ...Array.from({ length: slots }, (_, i) => slots - i + 1),
    ...Array.from({ length: slots }, (_, i) => slots - i + 1),
    1,
  ];
  const toEnd = add(rowAt(gaps, int(slots - 1)), int(1));
  const lengths = concatenated([gaps, gaps, sub(next, before), broadcastedInDim(toEnd, [1], [])], 0);
  const costs = binomialSteps(lengths, free);
  const part = (at: number, size: number): NDArray => slicedAlong(costs, at, at + size, 0);
  const [own, later, merged] = [part(0, slots), part(slots, slots), part(2 * slots, slots)];
  const upTo = accumulated(cumsum, own, 0, false);
  const zero = entries(1, () => 0);
  // Before the state that comes before the one that gives way, and after that one.
  const head = slicedAlong(concatenated([zero, zero, upTo], 0), 0, slots, 0);
  const tail = sub(accumulated(cumsum, later, 0, true), later);
  const isStart = entries(slots, (i) => (i === 0 ? 1 : 0));
  const never = entries(slots, () => 2 ** 31 - 1);
  const least = select(
    gt(
      isStart,
      entries(slots, () => 0),
    ),
    never,
    add(add(head, merged), tail),
  );
  const beforeLast = sub(rowAt(upTo, int(slots - 1)), rowAt(own, int(slots - 1)));
  return { least, keeps: add(beforeLast, rowAt(costs, int(3 * slots))) };
}

/** `minimalSteps` for several chains: n steps with s slots take the sum of n - C(s + r, s) over all r for which it is positive. */
function binomialSteps(lengths: NDArray, slots: readonly number[]): NDArray {
  const size = slots.length;
  const free = entries(size, (i) => slots[i]);
  const [, , sum] = whileLoop(
    [lengths, free],
    [int(1), entries(size, () => 1), entries(size, () => 0)],
    ([n], [, reach]) => orOver(lt(reach, n), [0]),
    ([n, s], [r, reach, total]) => {
      const wide = broadcastedInDim(r, [size], []);
      const short = lt(reach, n);
      const further = add(reach, div(mul(reach, s), wide));
      const missing = select(
        short,
        sub(n, reach),
        entries(size, () => 0),
      );
      return [add(r, int(1)), select(short, further, reach), add(total, missing)];
    },
  );
  return sum;
}

const entries = (size: number, entry: (i: number) => number): NDArray =>
  constantArray(
    Array.from({ length: size }, (_, i) => entry(i)),
    "int32",
  );

/** The entries of a vector moved by one place towards the start, or towards the end; those that fall off come back. */
function rotated(xs: NDArray, by: 1 | -1 = 1): NDArray {
  const [n] = xs.shape;
  const at = by === 1 ? 1 : n - 1;
  return concatenated([slicedAlong(xs, at, n, 0), slicedAlong(xs, 0, at, 0)], 0);
}

/** The loop backwards: cotangents of all operands that can have one, null for the others. */
function reversing(
  params: WhileParams,
  slots: number,
  [steps, ...stackValues]: Values,
  args: Values,
  cts: readonly Tangent[],
  perturbed: readonly boolean[],
): readonly Tangent[] {
  const { body_jaxpr } = params;
  const { condConsts, bodyConsts, carry } = partsOf(params, args);
  const states = carry.map((x) => x.aval);
  const like = emptyOnline(states, slots);
  const run = (xs: Values): Values => evalJaxpr(body_jaxpr.jaxpr, body_jaxpr.consts, xs);
  // Tangents come in by constants and by the start; all of the carry may have one.
  const linear = [
    ...bodyConsts.map((x, i) => perturbed[condConsts.length + i] && isInexact(x.dtype)),
    ...states.map((a) => isInexact(a.dtype)),
  ];
  const [constLinear, carryLinear] = split(linear, bodyConsts.length);
  const start = bodyConsts.flatMap((x, i) => (constLinear[i] ? [zeros(x.aval.toTangent())] : []));
  const ends = carry.flatMap((x, i) => (carryLinear[i] ? [cts[i] ?? zeros(x.aval.toTangent())] : []));
  const chain: Chain = {
    slots,
    numStates: carry.length,
    advance: (consts, _step, state) => run([...consts, ...state]),
  };
  const outs = whileLoop(
    [...bodyConsts, ...carry],
    [steps, ...stackValues, ...start, ...ends],
    (_consts, [left]) => gt(left, int(0)),
    (outer, [left, ...rest]) => {
      const [consts, first] = split(outer, bodyConsts.length);
      const [stackNow, ctConsts, ctCarry] = split(rest, stackValues.length, start.length);
      const step = sub(left, int(1));
      const { state, stack } = stateAt(chain, consts, first, step, stackOf(stackNow, like));
      const [fixed, moving] = partition(linear, [...consts, ...state]);
      const program = linearizeFlat((xs) => run(merge(linear, fixed, xs)), moving, true, null);
      const sinks = moving.map((x, i) => new Accumulator(x.aval.toTangent(), ctConsts[i] ?? null));
      const given = scatterResults(carryLinear, ctCarry).filter((_, i) => program.nonzero[i]);
      backwardPass(program.jaxpr, program.residuals, sinks, given);
      const made = sinks.map((sink) => sink.value ?? zeros(sink.aval));
      return [step, ...flatStack(popStep(stack, step)), ...made];
    },
  );
  const [ctConsts, ctCarry] = split(outs.slice(1 + stackValues.length), start.length);
  return [
    ...condConsts.map(() => null),
    ...scatterResults(constLinear, ctConsts),
    ...scatterResults(carryLinear, ctCarry),
  ];
}
