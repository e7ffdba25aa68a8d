/**
 * What computes: an engine performs one primitive on concrete arrays. `engines/js` is the reference; one engine is the default, and
 * which one is a setting of the process.
 */
import type { ConcreteArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { TypedArray } from "./dtype.ts";
import type { Eqn, Params, Var } from "./jaxpr.ts";
import type { Primitive } from "./primitive.ts";
import { InternalError, UnknownEngineError } from "../errors.ts";

export interface Engine {
  readonly name: string;
  /** The elements of each output (of type `outAvals[i]`); must not write to the operands' buffers, may share them. */
  apply(
    primitive: Primitive,
    args: readonly ConcreteArray[],
    outAvals: readonly ShapedArray[],
    params: Params,
  ): readonly TypedArray[];
}

let engine: Engine | null = null;

export const currentEngine = (): Engine => {
  if (engine === null) throw new InternalError("no engine is installed: import remat, or call setEngine");
  return engine;
};

const known = new Map<string, Engine>();

/** Makes an engine known by its name. */
export function registerEngine(added: Engine): void {
  known.set(added.name, added);
}

/** An engine by its name. */
export function engineOf(nameOrEngine: string | Engine): Engine {
  if (typeof nameOrEngine !== "string") return nameOrEngine;
  const found = known.get(nameOrEngine);
  if (found === undefined) throw new UnknownEngineError(nameOrEngine, [...known.keys()]);
  return found;
}

/**
 * Chooses the engine that evaluates from now on: an engine, or the name of one ("wasm", "js").
 *
 * @returns the engine that was chosen before.
 * @throws UnknownEngineError for a name that no engine has.
 */
export function setEngine(next: string | Engine): Engine | null {
  const before = engine;
  engine = engineOf(next);
  return before;
}

/** How a compiled call runs: not part of the program, and not printed. */
export interface RunOptions {
  readonly engine?: Engine;
  /** The most bytes that a run may take. */
  readonly memory?: MemoryBudget;
  /** Where values go that are offloaded; within a budget plans may offload if it is given. */
  readonly offload?: OffloadOptions;
  /** For each flat argument, whether its place in the arena may be written to. */
  readonly donated?: readonly boolean[];
  /** What a kernel of the program costs, for plans within a budget; by default a model tells. */
  readonly cost?: KernelCost;
  /** Is told how far the compilation of a program is. */
  readonly onProgress?: (progress: CompileProgress) => void;
}

/** A kernel: equations that run together, and which of their variables others read. */
export interface Kernel {
  readonly eqns: readonly Eqn[];
  readonly outputs: readonly Var[];
  /** Floating-point operations, and bytes that are read and written, by the model. */
  readonly flops: number;
  readonly bytes: number;
}

/** Seconds that a kernel takes. */
export type KernelCost = (kernel: Kernel) => number;

/** Where values go that policies or plans offload: ordinary memory, unless a directory is named. */
export interface OffloadOptions {
  /**
   * A directory (made if it isn't there): they go to a file in it, which is gone when the run ends. Only where there are files, so not in browsers.
   * What passes from one compiled program to another, as residuals of an eager `grad` do, stays in memory.
   */
  readonly disk?: string;
  /**
   * Bytes a second that are copied, each way: what plans reckon a value costs that leaves and comes back. By default 10e9, and 2e9 with `disk`, which is
   * what was measured (`compile/spill.ts`).
   */
  readonly bandwidth?: number;
}

/** Bytes, or a text with a unit: "64MiB", "1.5 GB". */
export type MemoryBudget = number | string;

export interface CompileProgress {
  readonly phase: "order" | "fuse" | "layout" | "plan" | "code";
  /** From 0 to 1. */
  readonly done: number;
}
