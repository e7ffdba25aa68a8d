/** The equations of a program in the order in which they run. */
import type { NDArray } from "../core/array.ts";
import type { ClosedJaxpr, Eqn } from "../core/jaxpr.ts";
import { Memo } from "../core/memo.ts";
import { flattenJaxpr, type Flat } from "./lower.ts";
import { scheduled } from "./schedule.ts";

/** A flat program, and its equations in the order in which they run. */
export interface OrderedProgram {
  readonly flat: Flat;
  readonly eqns: readonly Eqn[];
}

const ordered = new Memo<ClosedJaxpr<NDArray>, OrderedProgram>();

/** The flat program of a jaxpr, what is recomputed as late as it can be. */
export const orderedProgram = (closed: ClosedJaxpr<NDArray>): OrderedProgram =>
  ordered.get(closed, "", () => {
    const program = flattenJaxpr(closed);
    return { flat: program, eqns: scheduled(program) };
  });
