/**
 * The stores of an online loop, as values of a program: the loop that, on its way forward, keeps its state in a few slots and replaces stored states as
 * `schedules/online.ts` says. Which state gives way is worked out in the loop, from vectors with an entry for each slot.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { split } from "../core/zip.ts";
import { add, div, max, mul, sub } from "./arithmetic.ts";
import { bitwiseAnd, bitwiseNot, bitwiseOr, eq, ge, gt, lt, select } from "./comparison.ts";
import { accumulated, cumsum } from "./cumulative.ts";
import { concatenated } from "./join.ts";
import { slicedAlong } from "./pad.ts";
import { minimumOver, orOver } from "./reduce.ts";
import { broadcastedInDim } from "./shape.ts";
import { constantArray, int, rowAt, whileLoop, withRow } from "./stagedLoops.ts";
import { emptyStack, flatStack, stackOf, type Stack } from "./storedStates.ts";
import type { WhileParams } from "./while.ts";

type Values = readonly NDArray[];

/** What the loop with stores gives beside its result: the number of steps, and the stored states. */
export interface Stored {
  readonly outs: Values;
  readonly kept: Values;
}

interface Parts {
  readonly condConsts: Values;
  readonly bodyConsts: Values;
  readonly carry: Values;
}

export function partsOf({ cond_nconsts, body_nconsts }: WhileParams, args: Values): Parts {
  const [condConsts, bodyConsts, carry] = split(args, cond_nconsts, body_nconsts);
  return { condConsts, bodyConsts, carry };
}

/** A stack whose rows are reached by `places`: one state can give way to another in its row. */
export function emptyOnline(states: readonly ShapedArray[], slots: number): Stack {
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
