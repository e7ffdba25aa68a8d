/**
 * The wasm engine: compiles programs to WebAssembly with fused SIMD kernels, in an arena that is laid out before anything runs. What it has no
 * code for is performed by the engine that it stands on.
 */
import { isAllocationFailure } from "../../core/allocation.ts";
import { ConcreteArray, type NDArray } from "../../core/array.ts";
import type { ShapedArray } from "../../core/aval.ts";
import type { TypedArray } from "../../core/dtype.ts";
import type { Engine, OffloadOptions, RunOptions } from "../../core/engine.ts";
import { ClosedJaxpr, Jaxpr, Var, type Params } from "../../core/jaxpr.ts";
import { identity } from "../../core/memo.ts";
import type { Primitive } from "../../core/primitive.ts";
import { compileWithin } from "../../compile/budget.ts";
import { compileProgram, type Compiled, type CompilingEngine } from "../../compile/compile.ts";
import type { Target } from "../../compile/target.ts";
import { parseBudget } from "../../bytes.ts";
import { Arena } from "./arena.ts";
import { HostMemory, type HostUse } from "./hostMemory.ts";
import { Instance, noRoom } from "./instance.ts";
import { pairVectors } from "./pairedVectors.ts";
import { hasFused } from "./runtime/index.ts";
import { wasmTarget } from "./target.ts";
import { canShareMemory } from "./threads/worker.ts";
import { ThreadCountError } from "../../errors.ts";

export interface WasmEngine extends CompilingEngine {
  /** How many threads work on a program. */
  readonly threads: number;
  /** How many pieces of programs other threads than the calling one have done. */
  helped(): number;
  /** The most bytes of the arena that any run has taken. */
  highWater(): number;
  /** The host memory that the last run took. */
  host(): HostUse;
  /** The memory of all programs; the arena of the one that runs begins at `ARENA`. */
  memory(): WebAssembly.Memory;
}

export { ARENA } from "./arena.ts";

const EAGER_CACHE = 4096;

export interface WasmOptions {
  /**
   * "exact" (the default) rounds each product and each sum, so that the bits are the same on every machine; "fast" fuses them in products of
   * matrices where the machine can, which other machines may round otherwise. In both a recomputed value has the bits of the saved one.
   */
  readonly mode?: "exact" | "fast";
  /**
   * How many threads work on a program, this one included: 1 by default, up to 64. Helpers are workers that start when there is something large enough to
   * share, and don't keep the process alive. The bits are the same for any number; workspace of products and convolutions grows with it. Where
   * threads can't share memory (a page that isn't `crossOriginIsolated`, Node before 20.16) there is one.
   */
  readonly threads?: number;
  /**
   * Bits of a vector: 128 by default, what WebAssembly has. With 256, V8 (Node 24 and newer, on x64 with AVX2) is told to join pairs of vectors,
   * by which large products and convolutions take little more than half the time, with the same bits. It is an experimental flag of V8 that holds
   * for the whole process from then on (`--experimental-wasm-revectorize`), so it is for who wants it. On processors without AVX2 it slows products
   * down.
   */
  readonly vectorBits?: 128 | 256;
}

/** A wasm engine that leaves to `reference` what it has no code for. */
export function createWasm(
  reference: Engine,
  { mode = "exact", threads: asked = 1, vectorBits = 128 }: WasmOptions = {},
): WasmEngine {
  if (!Number.isInteger(asked) || asked < 1 || asked > 64) throw new ThreadCountError(asked);
  const threads = canShareMemory() ? asked : 1;
  const target = wasmTarget(threads);
  const products = { fast: mode === "fast" && hasFused(), paired: vectorBits === 256 };
  if (products.paired) pairVectors();
  let arena: Arena | null = null;
  /** Memory is made when the first program needs it. */
  const memory = (): Arena => (arena ??= new Arena(threads, products));
  const host = new HostMemory();
  const programs = new WeakMap<ClosedJaxpr<NDArray>, Map<string, Instance>>();
  const eager = new Map<string, Instance | null>();
  let running = false;

  const instanceOf = (closed: ClosedJaxpr<NDArray>, options: RunOptions): Instance => {
    const spills = options.memory !== undefined && options.offload !== undefined;
    const key = `${String(options.memory)} ${options.donated?.join() ?? ""}${spills ? ` offload ${String(options.offload.bandwidth ?? options.offload.disk !== undefined)}` : ""}${options.cost === undefined ? "" : ` cost ${String(identity(options.cost))}`}`;
    let instances = programs.get(closed);
    if (instances === undefined) programs.set(closed, (instances = new Map<string, Instance>()));
    let instance = instances.get(key);
    if (instance === undefined) {
      const compiled = compileFor(closed, target, options);
      options.onProgress?.({ phase: "code", done: 0 });
      instance = new Instance(compiled, options.donated ?? [], memory(), host, reference);
      options.onProgress?.({ phase: "code", done: 1 });
      instances.set(key, instance);
    }
    return instance;
  };

  const eagerInstance = (
    primitive: Primitive,
    args: readonly ConcreteArray[],
    outAvals: readonly ShapedArray[],
    params: Params,
  ): Instance | null => {
    const key = `${primitive.name}(${args.map((a) => a.aval.key).join()})${paramsKey(params)}`;
    let instance = eager.get(key);
    if (instance === undefined) {
      if (eager.size >= EAGER_CACHE) eager.clear();
      instance = compileEager(primitive, args, outAvals, params);
      eager.set(key, instance);
    }
    return instance;
  };

  /** Null for equations that the reference engine performs as a whole. */
  const compileEager = (
    primitive: Primitive,
    args: readonly ConcreteArray[],
    outAvals: readonly ShapedArray[],
    params: Params,
  ): Instance | null => {
    const invars = args.map((a) => new Var(a.aval));
    const outvars = outAvals.map((a) => new Var(a));
    const jaxpr = new Jaxpr([], invars, [{ primitive, invars, outvars, params, source: null }], outvars);
    const compiled = compileProgram(new ClosedJaxpr<NDArray>(jaxpr, []), target);
    const { steps } = compiled.program.body;
    if (steps.length === 1 && steps[0].kind === "call" && steps[0].routine === "reference") return null;
    return new Instance(compiled, [], memory(), host, reference);
  };

  const run = (instance: Instance, args: readonly ConcreteArray[], offload?: OffloadOptions): TypedArray[] => {
    running = true;
    try {
      return instance.run(args, offload);
    } catch (error) {
      throw isAllocationFailure(error) ? noRoom(instance, error) : error;
    } finally {
      running = false;
    }
  };

  return {
    name: "wasm",
    target,
    threads,
    apply(primitive, args, outAvals, params) {
      // A reference kernel that evaluates a program of its own, while a program runs; and arrays that users hold are in host memory already.
      if (running || primitive.name === "device_put") return reference.apply(primitive, args, outAvals, params);
      if (primitive.name === "jit") {
        const closed = params.jaxpr as ClosedJaxpr<NDArray>;
        const options = (params.run as RunOptions | undefined) ?? {};
        return run(instanceOf(closed, options), args, options.offload);
      }
      const instance = eagerInstance(primitive, args, outAvals, params);
      return instance === null ? reference.apply(primitive, args, outAvals, params) : run(instance, args);
    },
    compile: (closed, options = {}) => instanceOf(closed, options).compiled,
    helped: () => arena?.pool?.helped ?? 0,
    highWater: () => arena?.highWater ?? 0,
    host: () => host.use,
    memory: () => memory().memory,
  };
}

/** Within the budget, if there is one: as it is where that fits, which takes no search. */
function compileFor(closed: ClosedJaxpr<NDArray>, target: Target, options: RunOptions): Compiled {
  const { memory, ...rest } = options;
  if (memory === undefined) return compileProgram(closed, target, options);
  const asItIs = compileProgram(closed, target, rest);
  const { size } = asItIs.layout;
  return size <= parseBudget(memory, size) ? asItIs : compileWithin(closed, target, memory, options).compiled;
}

/** Parameters as text; programs and functions by identity. */
function paramsKey(params: Params): string {
  return JSON.stringify(params, (_key, value: unknown) => {
    if (value instanceof ClosedJaxpr || value instanceof Jaxpr || typeof value === "function")
      return `#${String(identity(value))}`;
    if (value instanceof ConcreteArray) return `#${String(identity(value))}`;
    if (typeof value === "bigint") return `${String(value)}n`;
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
      return `#${Object.is(value, -0) ? "-0" : String(value)}`;
    return value;
  });
}
