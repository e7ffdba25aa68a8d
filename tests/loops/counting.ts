/** Counts how often kernels run, inside of loops too. */
import * as kernels from "../../src/engines/js/index.ts";
import { setEngine } from "../../src/index.ts";
import type { KernelFamily } from "../../src/engines/js/index.ts";

/** Runs `fn` by the reference engine, and counts the runs of one primitive's kernel. `fn` must trace its functions itself. */
export function runsOf<T>(primitive: string, fn: () => T): { readonly result: T; readonly runs: number } {
  let runs = 0;
  const { js: _, createJs, controlKernels, ...rest } = kernels;
  const families = Object.values(rest) as KernelFamily[];
  const own = Object.assign({}, ...families.map((f) => f)) as Record<string, kernels.Kernel>;
  const counted: kernels.Kernel = (args, avals, params) => {
    runs += 1;
    return own[primitive](args, avals, params);
  };
  const before = setEngine(createJs(...families, controlKernels, { [primitive]: counted }));
  try {
    return { result: fn(), runs };
  } finally {
    if (before !== null) setEngine(before);
  }
}
