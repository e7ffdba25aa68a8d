/**
 * Operations along named axes, once batching has replaced the names: reductions. What moves values between the slices of a named axis never gets
 * here, because `vmap` is the only map there is, and leaves nothing of it.
 */
import { InternalError } from "../../errors.ts";
import type { Kernel } from "./kernel.ts";
import { reduceKernels } from "./reduce.ts";

const unmapped: Kernel = () => {
  throw new InternalError("an operation along a named axis was to be computed outside of the map that has the name");
};

export const collectiveKernels = {
  psum: reduceKernels.reduce_sum,
  pmax: reduceKernels.reduce_max,
  pmin: reduceKernels.reduce_min,
  axis_index: unmapped,
  ppermute: unmapped,
  pbroadcast: unmapped,
  all_gather: unmapped,
  reduce_scatter: unmapped,
  all_to_all: unmapped,
} as const satisfies Record<string, Kernel>;
