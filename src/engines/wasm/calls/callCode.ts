/**
 * Equations that are neither loop kernels nor routines of the runtime, but have code of their own in the program: a function of an argument block, which
 * holds the addresses of the operands and then of the results. Operands lie in row-major order.
 */
import type { ShapedArray } from "../../../core/aval.ts";
import type { Eqn } from "../../../core/jaxpr.ts";
import type { CallStep } from "../../../compile/program.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable } from "../encode/module.ts";
import type { HostFunction } from "../code/host.ts";

export interface CallContext {
  readonly f: FunctionBuilder;
  readonly step: CallStep;
  /** Addresses of the operands, results and workspace, in this order. */
  readonly addresses: readonly Local[];
  readonly host: (name: HostFunction) => Callable;
}

export interface CallCode {
  readonly fits: (eqn: Eqn, inAvals: readonly ShapedArray[]) => boolean;
  /** The result begins as a copy of the first operand, which the code changes; it isn't among the operands of the step then. */
  readonly updates?: true;
  /** Bytes that it needs while it runs. */
  readonly workspace?: (eqn: Eqn, inAvals: readonly ShapedArray[]) => number;
  readonly emit: (context: CallContext) => void;
}
