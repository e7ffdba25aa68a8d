/**
 * How many states a loop keeps for its backward pass: from the words and numbers that users give to a number of slots.
 *
 * Within one step everything that its reversal needs may be kept; what the slots bound is how many states of the carry are kept between steps.
 */
import type { NDArray } from "../core/array.ts";
import { isInexact } from "../core/dtype.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { parseBytes } from "../bytes.ts";
import { BudgetError, RematTypeError, ScheduleError, describe } from "../errors.ts";
import { linearizeJaxpr } from "../passes/linearize.ts";
import { logSlots, sqrtSlots } from "../schedules/simple.ts";

/**
 * What a loop keeps for its backward pass: `"all"` residuals of all steps (the default); `"none"` but the start, which takes n (n - 1) / 2 steps more;
 * `"sqrt"`, about √(2n) states, so that no step is run more than twice before its reversal; `"binomial"`, about log2(n) states; so many `slots`; or as
 * many as fit into a `memory`, together with the residuals of one step. In all but the first the least possible number of steps is run again.
 */
export type ScanCheckpoint =
  "all" | "none" | "sqrt" | "binomial" | { readonly slots: number } | { readonly memory: number | string };

/** The slots, or null for a loop that stacks the residuals of all steps. */
export function scanSlots(
  checkpoint: ScanCheckpoint | undefined,
  length: number,
  body: ClosedJaxpr<NDArray>,
  numConsts: number,
  numCarry: number,
): number | null {
  switch (checkpoint) {
    case undefined:
    case "all":
      return null;
    case "none":
      return 1;
    case "sqrt":
      return sqrtSlots(length);
    case "binomial":
      return logSlots(length);
  }
  if (typeof checkpoint === "object" && checkpoint !== null) {
    if ("slots" in checkpoint) return checkedSlots("scan's checkpoint", checkpoint.slots);
    if ("memory" in checkpoint) return slotsWithin(checkpoint.memory, length, body, numConsts, numCarry);
  }
  throw new RematTypeError(
    `scan's checkpoint is ${describe(checkpoint)}. Give "all", "none", "sqrt", "binomial", { slots: 8 } or { memory: "16MiB" }.`,
  );
}

/** A number of slots that can be. */
export function checkedSlots(what: string, slots: unknown): number {
  if (typeof slots !== "number" || !Number.isInteger(slots) || slots < 1) {
    throw new ScheduleError(
      `${what} was given ${describe(slots)} for its slots. The state at the start takes one: give an integer of at least 1.`,
    );
  }
  return slots;
}

function slotsWithin(
  memory: number | string,
  length: number,
  body: ClosedJaxpr<NDArray>,
  numConsts: number,
  numCarry: number,
): number {
  const budget = parseBytes(memory, "scan's checkpoint.memory");
  const inAvals = body.inAvals;
  const carried = inAvals.slice(numConsts, numConsts + numCarry).reduce((sum, a) => sum + a.nbytes, 0);
  const nonzero = inAvals.map((a) => isInexact(a.dtype));
  const inst = body.outAvals.map((a, i) => i < numCarry && isInexact(a.dtype));
  const { primal, numResidualsOut } = linearizeJaxpr(body, nonzero, { inst, isVjp: true });
  const residuals = primal.outAvals
    .slice(primal.outAvals.length - numResidualsOut)
    .reduce((sum, a) => sum + a.nbytes, 0);
  // One state is at hand while the others are in their slots.
  const fixed = residuals + carried;
  if (budget < fixed + carried) {
    throw new BudgetError(
      `scan's checkpoint was asked to stay within ${budget} bytes, and needs at least ${fixed + carried}: the carry takes ${carried} bytes, once at ` +
        `the start and once at hand, and the residuals of one step take ${residuals}. Give { memory: ${fixed + carried} } or more.`,
      fixed + carried,
      [
        { name: "residuals of one step", bytes: residuals },
        { name: "the carry at the start", bytes: carried },
        { name: "the carry at hand", bytes: carried },
      ],
    );
  }
  if (carried === 0) return Math.max(1, length);
  return Math.max(1, Math.min(length, Math.floor((budget - fixed) / carried)));
}
