/**
 * Puts a js engine together from tables of kernels, one for each family of primitives. The engine with all of them is `js`; an app that has to be small
 * names those it needs, and a bundler drops the others.
 */
import type { Engine } from "../../core/engine.ts";
import { kernelOf, type KernelTable } from "./interpret.ts";
import { guarded } from "./guarded.ts";
import type { Kernel } from "./kernel.ts";

/** The kernels of a family, by the names of their primitives. Those that run programs need a way to find the kernels of the equations inside. */
export type KernelFamily =
  Readonly<Record<string, Kernel>> | ((table: KernelTable) => Readonly<Record<string, Kernel>>);

/**
 * A js engine that knows the given families. A primitive of any other family is an `UnsupportedError` that names it.
 *
 *     setEngine(createJs(elementwiseKernels, arithmeticKernels, convertKernels, shapeKernels));
 */
export function createJs(...families: readonly KernelFamily[]): Engine {
  const kernels = new Map<string, Kernel>();
  const table: KernelTable = (name) => kernels.get(name);
  for (const family of families) {
    const rows = typeof family === "function" ? family(table) : family;
    for (const [name, kernel] of Object.entries(rows)) kernels.set(name, guarded(name, kernel));
  }
  return {
    name: "js",
    apply: (primitive, args, outAvals, params) =>
      kernelOf(primitive.name, args[0]?.dtype, table)(args, outAvals, params),
  };
}
