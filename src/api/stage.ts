/** Staging functions of nested values: `jit`, `makeJaxpr`, `evalShape`, `closureConvert`. */
import { argNames, functionName, passFor } from "../argNames.ts";
import { NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import {
  engineOf,
  type CompileProgress,
  type Engine,
  type KernelCost,
  type MemoryBudget,
  type OffloadOptions,
  type RunOptions,
} from "../core/engine.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { Tracer } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { parameterNames } from "../parameters.ts";
import { report } from "../report.ts";
import { stage } from "../core/stage.ts";
import { isInexact } from "../core/dtype.ts";
import { lowerJaxpr } from "../compile/lower.ts";
import { bindJit } from "../primitives/jit.ts";
import { describe, InvalidLeafError, RematTypeError, RematValueError, StaticArgumentError } from "../errors.ts";
import { flatten, unflatten, type MapTree } from "../tree.ts";
import { isHostScalar, SplitArgs, TraceCache, type Traced } from "./traceCache.ts";
import {
  callPure,
  canonicalArgnums,
  debugOf,
  flattenResult,
  leafArray,
  requireFunction,
  type AnyFunction,
} from "./flat.ts";

export interface JitOptions {
  /** Arguments that are not traced: their value is part of the program, and each new value makes a new one. */
  readonly staticArgnums?: number | readonly number[];
  /** The same, by the names of the function's parameters. */
  readonly staticArgnames?: string | readonly string[];
  /** Write the body down in place of the call when the call itself is staged. */
  readonly inline?: boolean;
  /** Arguments that the caller doesn't need any more: results may take their memory. */
  readonly donateArgnums?: number | readonly number[];
  /** The engine that runs the program, by its name or itself; the current one by default. */
  readonly engine?: string | Engine;
  /** The most memory that a run may take: bytes, or a text such as "64MiB". Values are recomputed where they don't fit. */
  readonly memory?: MemoryBudget;
  /**
   * Where values go that policies offload: ordinary memory, or with `disk` a file in that directory. If this is given (`true` for ordinary
   * memory), plans within a budget (`memory`) may offload where that costs less than recomputing; `bandwidth` (bytes a second) tells what it costs.
   */
  readonly offload?: boolean | OffloadOptions;
  /** What each kernel costs, for the plan that keeps `memory`: seconds; a model of floating-point operations and bytes by default. */
  readonly cost?: KernelCost;
  /** Is told how far compilation is. */
  readonly onProgress?: (progress: CompileProgress) => void;
}

function resolveStatics(f: AnyFunction, options: JitOptions, args: readonly unknown[]): number[] {
  const statics = namedStatics(f, options, args);
  for (const i of statics) {
    if (!(args[i] instanceof NDArray) || isHostScalar(args[i])) continue;
    throw new StaticArgumentError(
      `jit's static argument ${i} is an array of type ${args[i].aval.toLongString()}: Non-hashable static arguments are not supported, because each new ` +
        "value of a static argument makes a new program.\nPass a number, string or other plain value, or let the array be traced.",
    );
  }
  return statics;
}

function namedStatics(f: AnyFunction, options: JitOptions, args: readonly unknown[]): number[] {
  const byNumber =
    options.staticArgnums === undefined
      ? []
      : canonicalArgnums("jit's staticArgnums", options.staticArgnums, args.length);
  if (options.staticArgnames === undefined) return byNumber;
  const wanted = new Set(
    typeof options.staticArgnames === "string" ? [options.staticArgnames] : options.staticArgnames,
  );
  const parameters = parameterNames(f);
  const invalid = parameters === null ? [] : [...wanted].filter((name) => !parameters.includes(name));
  if (invalid.length > 0) {
    throw new RematValueError(
      `jitted function has invalid argnames {${invalid.join(", ")}} in staticArgnames. Function does not accept these args: ` +
        `${functionName(f)} has the parameters ${parameters!.join(", ") || "()"}.`,
    );
  }
  const names = args.map(
    (_, i) =>
      argNames(
        f,
        args.map((__, j) => (j === i ? 0 : null)),
      )[0],
  );
  return [...new Set([...byNumber, ...names.flatMap((name, i) => (wanted.has(name) ? [i] : []))])];
}

/** Traces `f` on the types of the arguments. */
export function traceArgs(f: AnyFunction, split: SplitArgs, args: readonly unknown[], tracedFor: string): Traced {
  const name = functionName(f);
  const { closed, extra } = stage(
    split.leaves.map((x) => x.aval),
    function traceBoundary(leaves) {
      const { leaves: outs, treedef } = flattenResult(
        callPure(f, split.rebuild(leaves), tracedFor, split.statics),
        name,
        tracedFor,
      );
      return { outs, extra: treedef };
    },
    debugOf(f, args, tracedFor, split.statics),
  );
  return { closed, resultTree: extra };
}

const programs = new WeakMap<AnyFunction, TraceCache>();
const NO_STATICS: readonly number[] = [];

function cacheOf(f: AnyFunction): TraceCache {
  let cache = programs.get(f);
  if (cache === undefined) programs.set(f, (cache = new TraceCache()));
  return cache;
}

/**
 * Stages a function: it is traced once for each combination of argument types, and runs as one program.
 *
 * @throws ConcretizationTypeError where the function needs the value of an argument that is not static.
 * @example
 * const step = jit((w: NDArray, x: NDArray) => np.tanh(np.dot(w, x)));
 */
export function jit<F extends AnyFunction>(f: F, options: JitOptions = {}): F {
  requireFunction(f, "jit");
  const name = functionName(f);
  const hasStatics = options.staticArgnums !== undefined || options.staticArgnames !== undefined;
  const jitted = (...args: readonly unknown[]): unknown => {
    const split = new SplitArgs(f, args, hasStatics ? resolveStatics(f, options, args) : NO_STATICS);
    const traced = cacheOf(f).of(split, () => traceArgs(f, split, args, "jit"));
    const run = runOptions(options, args, split.statics);
    return unflatten(traced.resultTree, bindJit(name, traced.closed, split.leaves, options.inline ?? false, run));
  };
  return passFor(jitted, f) as unknown as F;
}

/**
 * The program that `jit(f)` runs on these arguments, the same object each time; so what is found out about it (plans, say) is found out once.
 *
 * @internal
 */
export function jitProgram(f: AnyFunction, args: readonly unknown[]): ClosedJaxpr<NDArray> {
  requireFunction(f, "jit");
  const split = new SplitArgs(f, args, []);
  return cacheOf(f).of(split, () => traceArgs(f, split, args, "jit")).closed;
}

function runOptions(options: JitOptions, args: readonly unknown[], statics: readonly number[]): RunOptions | undefined {
  const { engine, memory, offload, cost, onProgress, donateArgnums } = options;
  const asEver = engine === undefined && memory === undefined && cost === undefined && onProgress === undefined;
  if (asEver && offload === undefined && donateArgnums === undefined) return undefined;
  return {
    ...(offload === undefined || offload === false ? {} : { offload: checkOffload("jit", offload) }),
    ...(engine === undefined ? {} : { engine: engineOf(engine) }),
    ...(memory === undefined ? {} : { memory }),
    ...(cost === undefined ? {} : { cost }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(donateArgnums === undefined ? {} : { donated: donatedLeaves(donateArgnums, args, statics) }),
  };
}

/** Where offloaded values go, checked; `true` stands for ordinary memory. */
export function checkOffload(caller: string, offload: true | OffloadOptions): OffloadOptions {
  if (offload === true) return {};
  const given: Readonly<Record<string, unknown>> | null = offload as never;
  const { disk, bandwidth } = given ?? {};
  const somewhere = typeof disk === "string" && disk !== "";
  const fast = typeof bandwidth === "number" && bandwidth > 0;
  if ((somewhere || disk === undefined) && (fast || bandwidth === undefined) && (somewhere || fast)) return offload;
  const bad = somewhere && !fast ? `a bandwidth of ${describe(bandwidth)}` : describe(offload);
  throw new RematTypeError(
    `${caller}'s offload option takes true (ordinary memory), a directory, { disk: "/path" }, and how many bytes a second are copied, { bandwidth: 10e9 }; ` +
      `got ${bad}.\nGive one of them or both, or leave it out.`,
  );
}

/** For each flat argument whether it is donated. */
function donatedLeaves(
  argnums: number | readonly number[],
  args: readonly unknown[],
  statics: readonly number[],
): boolean[] {
  const given = new Set(canonicalArgnums("jit's donateArgnums", argnums, args.length));
  return args.flatMap((x, i) =>
    statics.includes(i) ? [] : new Array<boolean>(flatten(x).leaves.length).fill(given.has(i)),
  );
}

/** A stand-in for an array of which only the type matters, as `evalShape` takes and gives. */
export class ShapeDType {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly weakType: boolean;
  constructor(shape: Shape, dtype: DType, weakType = false) {
    this.shape = shape;
    this.dtype = dtype;
    this.weakType = weakType;
  }
}

const abstractLeaf = (x: unknown): ShapedArray | null => {
  if (x instanceof ShapeDType) return new ShapedArray(x.shape, x.dtype, x.weakType);
  return leafArray(x, "asWritten")?.aval ?? null;
};

function traceAbstract(
  f: AnyFunction,
  args: readonly unknown[],
  statics: readonly number[],
  tracedFor: string,
): Traced {
  const isStatic = new Set(statics);
  const { leaves, treedef } = flatten(args.filter((_, i) => !isStatic.has(i)));
  const avals = leaves.map((x, i) => {
    const aval = abstractLeaf(x);
    if (aval === null) throw new InvalidLeafError(argNames(f, args, {}, statics)[i] ?? `args[${i}]`, x);
    return aval;
  });
  const name = functionName(f);
  const { closed, extra } = stage(
    avals,
    (flat) => {
      const dynamic = unflatten(treedef, flat) as readonly unknown[];
      let next = 0;
      const all = args.map((x, i) => (isStatic.has(i) ? x : dynamic[next++]));
      const { leaves: outs, treedef: resultTree } = flattenResult(
        callPure(f, all, tracedFor, statics),
        name,
        tracedFor,
      );
      return { outs, extra: resultTree };
    },
    debugOf(f, args, tracedFor, statics),
  );
  return { closed, resultTree: extra };
}

/**
 * The program of a function, as data that prints as JAX prints it. Arguments are example values; only their types matter.
 *
 * @example
 * console.log(String(makeJaxpr((x: NDArray) => np.sin(x))(np.zeros([3]))));
 * // { lambda ; a:f32[3]. let b:f32[3] = sin a in (b,) }
 */
export function makeJaxpr<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: { readonly staticArgnums?: number | readonly number[] } = {},
): (...args: { [K in keyof A]: A[K] | (A[K] extends NDArray ? number | ShapeDType : never) }) => ClosedJaxpr<NDArray> {
  requireFunction(f, "makeJaxpr");
  report();
  return (...args) => {
    const statics = canonicalArgnums("makeJaxpr's staticArgnums", options.staticArgnums ?? [], args.length);
    return traceAbstract(f, args, statics, "make_jaxpr").closed;
  };
}

/**
 * The program of a function as an engine sees it: calls are inlined, and what `checkpoint` recomputes stands behind an `optimization_barrier`, so
 * that it is not merged with the forward pass.
 *
 * @example
 * String(lower(grad(checkpoint((x: NDArray) => np.sin(np.sin(x)))))(0.5));
 */
export function lower<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: { readonly staticArgnums?: number | readonly number[] } = {},
): ReturnType<typeof makeJaxpr<A>> {
  const make = makeJaxpr(f, options);
  return (...args) => lowerJaxpr(make(...args));
}

/**
 * The types of a function's results without running it: the result's structure with a `ShapeDType` for each array.
 *
 * @example
 * evalShape((x: NDArray) => np.dot(x, x), new ShapeDType([3], "float32")); // ShapeDType { shape: [], dtype: "float32" }
 */
export function evalShape<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...args: { [K in keyof A]: A[K] | (A[K] extends NDArray ? number | ShapeDType : unknown) }
): MapTree<R, ShapeDType> {
  const { closed, resultTree } = traceAbstract(f, args, [], "eval_shape");
  const shapes = closed.outAvals.map((a) => new ShapeDType(a.shape, a.dtype, a.weakType));
  return unflatten(resultTree, shapes) as MapTree<R, ShapeDType>;
}

/**
 * Turns what a function closes over into arguments, so that custom rules can differentiate by it: gives a function that takes them after its own
 * arguments, and their values. Only floating-point tracers are hoisted; other constants stay.
 */
export function closureConvert<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...examples: A
): [converted: (...args: readonly unknown[]) => R, consts: NDArray[]] {
  const { closed, resultTree } = traceAbstract(f, examples, [], "closure_convert");
  const hoisted = closed.consts.map((c) => c instanceof Tracer && isInexact(c.dtype));
  const consts = closed.consts.filter((_, i) => hoisted[i]);
  const structure = flatten(examples).treedef;
  const converted = (...args: readonly unknown[]): R => {
    const own = args.slice(0, args.length - consts.length);
    const given = args.slice(args.length - consts.length) as NDArray[];
    const { leaves, treedef } = flatten(own);
    if (!treedef.equals(structure)) {
      throw new RematTypeError(
        `a converted closure was called with arguments of another structure: expected ${String(structure)}, got ${String(treedef)}.`,
      );
    }
    let next = 0;
    const all = closed.consts.map((c, i) => (hoisted[i] ? given[next++] : c));
    return unflatten(resultTree, evalJaxpr(closed.jaxpr, all, leaves as NDArray[])) as R;
  };
  return [converted, consts];
}
