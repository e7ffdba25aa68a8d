/** What the compiler asks of an engine: which equations its loop kernels can hold, and which routines it has. */
import type { ShapedArray } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import type { Eqn } from "../core/jaxpr.ts";
import type { View } from "./view.ts";

export interface Routine {
  readonly name: string;
  /** Whether the result begins as a copy of the first operand, which the routine changes: it isn't handed to the routine then. */
  readonly updates?: boolean;
  /** Whether operand `index` may lie in memory as this view says; else it is copied first. */
  readonly accepts: (index: number, view: View) => boolean;
  /** The order of the operand's dimensions in which a copy of it is always accepted. */
  readonly arrange: (index: number) => readonly number[];
  /** Bytes that it needs while it runs, for operands that lie so. */
  readonly workspace: (views: readonly View[]) => number;
}

export interface Target {
  /** Whether elements of this dtype can be moved and computed with in loops. */
  readonly movable: (dtype: DType) => boolean;
  /** Whether an elementwise equation can stand in a loop kernel. */
  readonly elementwise: (eqn: Eqn) => boolean;
  /** Whether a reduction can. */
  readonly reduction: (eqn: Eqn) => boolean;
  /** The routine for an equation that isn't a loop kernel; null: the reference kernel of its primitive. */
  readonly routine: (eqn: Eqn, inAvals: readonly ShapedArray[]) => Routine | null;
}
