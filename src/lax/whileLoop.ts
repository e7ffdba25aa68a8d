/** Loops of unknown length: `whileLoop`, on nested values. */
import type { NDArray } from "../core/array.ts";
import { bind } from "../core/interpreter.ts";
import { merge, partition } from "../core/zip.ts";
import { traceBody, type TracedBody } from "../api/traceBody.ts";
import { RematTypeError, describe } from "../errors.ts";
import { dce } from "../passes/dce.ts";
import { close, forwardedInputs, moveInputs, pruneClosedOutputs } from "../passes/rewrite.ts";
import { bindOnlineLoop } from "../primitives/onlineLoop.ts";
import { whileP } from "../primitives/while.ts";
import { tupleDef, unflatten } from "../tree.ts";
import { carryError, checkCarry, flattenOperand, promoteWeak, type Traced, type Tree } from "./loopCarry.ts";
import { checkedSlots } from "./loopCheckpoint.ts";

export interface WhileLoopOptions {
  /** Makes the loop differentiable in reverse mode: some of its states are kept, those in between are computed again. */
  readonly checkpoint?: "online";
  /** How many states are kept at a time, that of the start among them. */
  readonly slots?: number;
}

/**
 * A loop of unknown length: `body` is applied to the value as long as `cond` gives true. Differentiable in forward mode; in reverse mode, too, with
 * `{ checkpoint: "online", slots }`.
 *
 * Then the value is stored on the way in that many slots, and what is stored gives way to later values, so that at any time what is kept suits a loop
 * that ends there (`schedules.online`). The backward pass takes no more than the slots and what one step needs. Counted up to 1000 steps and 16
 * slots, at most 9/7 of the steps are run that a known length takes (`scan` with `{ checkpoint: { slots } }`). For loops of up to 2^31 / slots steps.
 * Derivatives of any order can be taken, by forward and reverse mode. A reverse derivative of a reverse one has loops of values and tangents, with states
 * twice as large, in as many slots. Only reverse mode over forward mode over reverse mode is not possible.
 *
 * @throws ScheduleError if there is no slot.
 * @throws RematTypeError if `cond` does not return a boolean scalar. @throws CarryTypeError if the value changes its type.
 * @example
 * lax.whileLoop((x: NDArray) => np.less(x, 100), (x: NDArray) => x.mul(2), 1); // 128
 */
export function whileLoop<C extends Tree>(
  cond: (value: Traced<C>) => NDArray | boolean,
  body: (value: Traced<C>) => unknown,
  init: C,
  options: WhileLoopOptions = {},
): Traced<C> {
  const slots = onlineSlots("whileLoop", options);
  const start = flattenOperand(init, "whileLoop's init");
  const argTree = tupleDef([start.treedef]);
  const trace = (leaves: readonly NDArray[]): { test: TracedBody; step: TracedBody } => {
    const avals = leaves.map((x) => x.aval);
    const test = traceBody(cond, argTree, avals, "while_cond");
    const step = traceBody(body, argTree, avals, "while_body");
    checkPredicate(test);
    return { test, step };
  };
  let traced = trace(start.leaves);
  if (traced.step.resultTree.numLeaves !== start.leaves.length) {
    throw carryError("while_loop body", body, start, traced.step.resultTree, []);
  }
  const init2 = promoteWeak(start.leaves, traced.step.closed.outAvals);
  if (init2.some((x, i) => x !== start.leaves[i])) traced = trace(init2);
  const { test, step } = traced;
  checkCarry("while_loop body", body, { ...start, leaves: init2 }, step.resultTree, step.closed.outAvals);
  return unflatten(step.resultTree, bindWhile(test, step, init2, slots)) as Traced<C>;
}

function checkPredicate(test: TracedBody): void {
  const { outAvals } = test.closed;
  const what = "whileLoop's condition: cond_fun must return a boolean scalar, but got ";
  if (test.resultTree.kind !== "leaf") throw new RematTypeError(`${what}pytree ${String(test.resultTree)}.`);
  if (outAvals[0].ndim > 0 || outAvals[0].dtype !== "bool") {
    throw new RematTypeError(
      `${what}output type(s) [${outAvals[0].toLongString()}]. Compare, or reduce with np.all or np.any.`,
    );
  }
}

/** The slots of a loop that can be reversed, or null. */
export function onlineSlots(loop: string, { checkpoint, slots }: WhileLoopOptions): number | null {
  if (checkpoint === undefined && slots === undefined) return null;
  if (checkpoint !== "online") {
    throw new RematTypeError(
      `${loop}'s checkpoint is ${describe(checkpoint)}. Give { checkpoint: "online", slots: 8 }, or neither for a loop without reverse mode.`,
    );
  }
  return checkedSlots(`${loop}'s checkpoint`, slots);
}

function bindWhile(
  test: TracedBody,
  step: TracedBody,
  init: readonly NDArray[],
  slots: number | null,
): readonly NDArray[] {
  const forwarded = forwardedInputs(step.closed.jaxpr);
  const changes = init.map((_, i) => forwarded[i] !== step.consts.length + i);
  // What the body does not change and the condition does not read is a constant of the body.
  const pruned = dce(test.closed.jaxpr, [true], [...test.consts.map(() => true), ...changes]);
  const constant = pruned.usedIn.slice(test.consts.length).map((used) => !used);
  let condJaxpr = test.closed;
  let bodyJaxpr = step.closed;
  let bodyConsts = step.consts;
  let carry: readonly NDArray[] = init;
  let fixed: NDArray[] = [];
  if (constant.includes(true)) {
    condJaxpr = close(pruned.jaxpr);
    bodyJaxpr = pruneClosedOutputs(
      bodyJaxpr,
      constant.map((c) => !c),
    );
    bodyJaxpr = moveInputs(bodyJaxpr, [...bodyConsts.map(() => false), ...constant], true);
    [carry, fixed] = partition(constant, init);
    bodyConsts = [...fixed, ...bodyConsts];
  }
  const operands = [...test.consts, ...bodyConsts, ...carry];
  const params = {
    cond_nconsts: test.consts.length,
    cond_jaxpr: condJaxpr,
    body_nconsts: bodyConsts.length,
    body_jaxpr: bodyJaxpr,
  };
  const outs = slots === null ? bind(whileP, operands, params) : bindOnlineLoop(operands, params, slots);
  return merge(constant, outs, fixed);
}
