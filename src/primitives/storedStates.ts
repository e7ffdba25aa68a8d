/**
 * States of a loop that are kept in slots, as values of a program: a stack in the order of steps, and the way back to a state that is not kept. The
 * program runs the schedule of `schedules/binomial.ts`: it computes in the loop where the next checkpoint is best put, so its size does not depend
 * on the number of steps.
 *
 * The state at the start is not copied into a slot: it is an operand of the loop, and stays.
 */
import type { NDArray } from "../core/array.ts";
import { add, div, max, min, mul, sub } from "./arithmetic.ts";
import { eq, gt, lt, select } from "./comparison.ts";
import { zeros } from "../core/zeros.ts";
import { split } from "../core/zip.ts";
import type { ShapedArray } from "../core/aval.ts";
import { filled } from "./shape.ts";
import { int, rowAt, whileLoop, withRow } from "./stagedLoops.ts";

/** The place of the latest stored state in the stack, the steps of all, and their values: rows of arrays, without that of the start. */
export interface Stack {
  readonly top: NDArray;
  readonly steps: NDArray;
  /** For each state of the stack its row; where it is missing, they are in order. A state can so give way to another without the rest being moved. */
  readonly places?: NDArray;
  readonly rows: readonly NDArray[];
}

/** The stack as a list of values, and back: `stackOf(flatStack(stack), stack)`. */
export const flatStack = ({ top, steps, places, rows }: Stack): NDArray[] => [
  top,
  steps,
  ...(places === undefined ? [] : [places]),
  ...rows,
];
export function stackOf(values: readonly NDArray[], like: Pick<Stack, "places"> = {}): Stack {
  const [top, steps, ...rest] = values;
  return like.places === undefined ? { top, steps, rows: rest } : { top, steps, places: rest[0], rows: rest.slice(1) };
}

/** The row of a state in the stack that isn't the start. */
const rowOf = ({ places }: Stack, at: NDArray): NDArray => (places === undefined ? sub(at, int(1)) : rowAt(places, at));

/** Room for the states in all slots but that of the start. */
export const emptyRows = (state: readonly ShapedArray[], slots: number): NDArray[] =>
  slots === 1 ? [] : state.map((a) => zeros(a.update({ shape: [slots - 1, ...a.shape], weakType: false })));

/** The stack that holds the start alone. */
export const emptyStack = (state: readonly ShapedArray[], slots: number): Stack => ({
  top: int(0),
  steps: filled([slots], 0, "int32"),
  rows: emptyRows(state, slots),
});

/** With no more than these many slots the arithmetic of the schedule stays within int32. */
export const usableSlots = (slots: number, steps: number): number =>
  Math.max(1, Math.min(slots, Math.floor((2 ** 31 - 1) / Math.max(1, steps))));

/** `nextCheckpoint` of the binomial schedule, on traced numbers. */
function nextCheckpoint(steps: NDArray, slots: NDArray): NDArray {
  const outs = whileLoop(
    [steps, slots],
    [int(0), int(1), int(0), int(0), int(0)],
    ([steps], [, reach]) => lt(reach, steps),
    ([, slots], [r, reach, previous]) => {
      const next = add(r, int(1));
      const difference = div(mul(reach, slots), next);
      return [next, add(reach, difference), reach, previous, difference];
    },
  );
  const [, , , before, difference] = outs;
  return min(sub(steps, int(1)), max(max(int(1), before), sub(steps, difference)));
}

export interface Chain {
  /** The number of slots, that of the start among them. */
  readonly slots: number;
  readonly numStates: number;
  /** The state after `step`, from constants of the loop and the state before. */
  readonly advance: (consts: readonly NDArray[], step: NDArray, state: readonly NDArray[]) => readonly NDArray[];
}

/** The state that step `target` takes, computed from the latest stored one; on the way there, states are stored where the schedule wants them. */
export function stateAt(
  chain: Chain,
  consts: readonly NDArray[],
  first: readonly NDArray[],
  target: NDArray,
  stack: Stack,
): { readonly state: readonly NDArray[]; readonly stack: Stack } {
  const { slots, numStates } = chain;
  const from = rowAt(stack.steps, stack.top);
  const atStart = eq(stack.top, int(0));
  const row = max(rowOf(stack, stack.top), int(0));
  const stored = slots === 1 ? first : first.map((x, i) => select(atStart, x, rowAt(stack.rows[i], row)));
  const run = (runConsts: readonly NDArray[], at: NDArray, to: NDArray, state: readonly NDArray[]) =>
    whileLoop(
      [to, ...runConsts],
      [at, ...state],
      ([end], [step]) => lt(step, end),
      ([, ...cs], [step, ...xs]) => [add(step, int(1)), ...chain.advance(cs, step, xs)],
    ).slice(1);
  if (slots === 1) return { state: run(consts, from, target, stored), stack };
  const header = flatStack({ ...stack, rows: [] }).length;
  const outs = whileLoop(
    [target, ...consts],
    [from, ...flatStack(stack), ...stored],
    ([end], [at]) => lt(at, end),
    ([end, ...cs], [at, ...rest]) => {
      const [stackValues, state] = split(rest, header + numStates);
      const inner = stackOf(stackValues, stack);
      const { top, steps, rows } = inner;
      const left = sub(int(slots), top);
      const length = add(sub(end, at), int(1));
      const stores = gt(left, int(1));
      const jump = select(stores, nextCheckpoint(length, max(left, int(2))), sub(length, int(1)));
      const to = add(at, jump);
      const next = run(cs, at, to, state);
      // Where no slot is left the last one is written anew with what it holds.
      const pushed = select(stores, add(top, int(1)), top);
      const place = rowOf(inner, pushed);
      return [
        to,
        pushed,
        withRow(steps, pushed, select(stores, to, rowAt(steps, pushed))),
        ...(inner.places === undefined ? [] : [inner.places]),
        ...rows.map((x, i) => withRow(x, place, select(stores, next[i], rowAt(x, place)))),
        ...next,
      ];
    },
  );
  const [, ...rest] = outs;
  const [stackValues, state] = split(rest, header + numStates);
  return { state, stack: stackOf(stackValues, stack) };
}

/** The stack after step `step` has been reversed: its state goes if it is the latest. */
export function popStep(stack: Stack, step: NDArray): Stack {
  const done = eq(rowAt(stack.steps, stack.top), step);
  return { ...stack, top: select(done, max(sub(stack.top, int(1)), int(0)), stack.top) };
}
