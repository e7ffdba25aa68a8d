/** Runs kernels; where there is no room for what they make, the error says so, and for what. */
import { isAllocationFailure } from "../../core/allocation.ts";
import type { ConcreteArray } from "../../core/array.ts";
import type { ShapedArray } from "../../core/aval.ts";
import { OutOfMemoryError } from "../../errors.ts";
import type { Kernel } from "./kernel.ts";

const sized = (avals: readonly ShapedArray[]): string =>
  avals.map((a) => `${a.toString()} of ${String(a.nbytes)} bytes`).join(", ");

/** @throws OutOfMemoryError, in place of the error of JavaScript's that says so. */
export function guarded(name: string, kernel: Kernel): Kernel {
  return (args, outs, params) => {
    try {
      return kernel(args, outs, params);
    } catch (cause) {
      if (!isAllocationFailure(cause)) throw cause;
      const from = args.map((a: ConcreteArray) => a.aval);
      throw new OutOfMemoryError(
        `${name} was to make ${sized(outs)}${from.length === 0 ? "" : ` from ${sized(from)}`}, and the system gives no more memory (${cause.message}).\n` +
          "Checkpoint more of the program, work on smaller batches, or free memory elsewhere.",
        { cause },
      );
    }
  };
}
