/**
 * `checkpoint`: a function whose intermediate values are recomputed in the backward pass instead of being kept, except where a policy says so.
 *
 * The function is staged to a jaxpr, and the call becomes one equation, `remat2`; what differentiation makes of it is in
 * `primitives/remat.ts`.
 */
import { passFor } from "./argNames.ts";
import { bind } from "./core/interpreter.ts";
import type { Policy } from "./core/policy.ts";
import { constsToInputs } from "./core/stage.ts";
import { traceArgs } from "./api/stage.ts";
import { SplitArgs, TraceCache } from "./api/traceCache.ts";
import type { AnyFunction } from "./api/flat.ts";
import { remat as rematP } from "./primitives/remat.ts";
import { RematTypeError, RematValueError, UnsupportedError, describe } from "./errors.ts";
import { broadcastPrefix, unflatten } from "./tree.ts";

/** A flag for each argument, or for each leaf of it: containers that match a prefix of the arguments. */
export type FlagTree = boolean | readonly FlagTree[] | { readonly [key: string]: FlagTree };

export interface CheckpointOptions {
  /** What may be saved; by default nothing but the arguments. See `checkpointPolicies`. */
  readonly policy?: Policy | null;
  /**
   * Keeps the compiler from merging the recomputation with the forward pass, which would undo it. True by default; inside `scan` it may be
   * false. An array of flags says it for each argument.
   */
  readonly preventCse?: boolean | readonly FlagTree[];
  /** Arguments that are not traced: the function sees their values. Negative numbers count from the end. */
  readonly staticArgnums?: number | readonly number[];
  /** Removed from JAX; giving it is an error that says what to use. */
  readonly concrete?: boolean;
}

const programs = new WeakMap<AnyFunction, TraceCache>();

/**
 * Wraps a function so that differentiating it keeps little: only the arguments, or what the policy lets be saved.
 *
 * Values and gradients are those of the function itself, bit for bit. Also usable as a method decorator, `@checkpoint` or
 * `@checkpoint({ policy })`.
 *
 * @throws ConcretizationTypeError where the function needs the value of an argument that is not static.
 * @example
 * const layer = checkpoint((w: NDArray, x: NDArray) => np.sin(np.dot(w, x)), { policy: checkpointPolicies.dotsSaveable });
 */
export function checkpoint<F extends AnyFunction>(f: F, options?: CheckpointOptions): F;
export function checkpoint<F extends AnyFunction>(method: F, context: ClassMethodDecoratorContext): F;
export function checkpoint(
  options: CheckpointOptions,
): <F extends AnyFunction>(method: F, context?: ClassMethodDecoratorContext) => F;
export function checkpoint(target: unknown, second: unknown = {}): unknown {
  if (typeof target === "function") {
    const isDecorator = typeof second === "object" && second !== null && "kind" in second;
    return isDecorator
      ? wrapMethod(target as AnyFunction, {})
      : wrap(target as AnyFunction, second as CheckpointOptions);
  }
  if (typeof target === "object" && target !== null) {
    const options = target as CheckpointOptions;
    checkOptions(options);
    return (method: AnyFunction, context?: ClassMethodDecoratorContext) =>
      context === undefined ? wrap(method, options) : wrapMethod(method, options);
  }
  throw new RematTypeError(`checkpoint takes a function (or the options of a decorator); got ${describe(target)}.`);
}

/** Another name of `checkpoint`. */
export const remat: typeof checkpoint = checkpoint;

function checkOptions(options: CheckpointOptions): void {
  if (options.concrete !== undefined) {
    throw new UnsupportedError(
      "checkpoint was given `concrete`. The `concrete` option to `jax.checkpoint` was deprecated in JAX v0.8.2, and removed in JAX v0.10.0. In its " +
        "place please use `static_argnums` (here: staticArgnums); for details refer to " +
        "https://docs.jax.dev/en/latest/jep/11830-new-remat-checkpoint.html.",
    );
  }
  const cse: unknown = options.preventCse === undefined ? true : options.preventCse;
  // A string is a sequence to JAX, which finds out at the call that it has the wrong length.
  if (typeof cse !== "boolean" && typeof cse !== "string" && !Array.isArray(cse)) {
    throw new RematTypeError(
      `checkpoint's preventCse: prevent_cse must be a bool or tuple of bools, got ${describe(cse)}. Give true, false, or one flag for each argument.`,
    );
  }
}

function wrap(f: AnyFunction, options: CheckpointOptions): AnyFunction {
  checkOptions(options);
  const wrapped = (...args: readonly unknown[]): unknown => callCheckpointed(f, f, options, args);
  return passFor(wrapped, f);
}

/** A method: `this` stays what it is, and is no argument. */
function wrapMethod(method: AnyFunction, options: CheckpointOptions): AnyFunction {
  const bound = new WeakMap<object, AnyFunction>();
  function wrapped(this: object, ...args: readonly unknown[]): unknown {
    let own = bound.get(this);
    if (own === undefined) {
      own = passFor((method as unknown as (...args: unknown[]) => unknown).bind(this), method);
      bound.set(this, own);
    }
    return callCheckpointed(own, method, options, args);
  }
  return passFor(wrapped as unknown as AnyFunction, method);
}

function callCheckpointed(
  f: AnyFunction,
  original: AnyFunction,
  options: CheckpointOptions,
  args: readonly unknown[],
): unknown {
  const statics = staticPlaces(options.staticArgnums ?? [], args.length);
  const split = new SplitArgs(original, args, statics);
  let cache = programs.get(f);
  if (cache === undefined) programs.set(f, (cache = new TraceCache()));
  const traced = cache.of(split, () => traceArgs(f, split, args, "checkpoint / remat"));
  const { consts, jaxpr } = traced.closed;
  const outs = bind(rematP, [...consts, ...split.leaves], {
    jaxpr: constsToInputs(jaxpr),
    prevent_cse: operandFlags(options.preventCse ?? true, consts.length, args, statics),
    differentiated: false,
    policy: options.policy ?? null,
  });
  return unflatten(traced.resultTree, outs);
}

function staticPlaces(argnums: unknown, count: number): number[] {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  if (!Array.isArray(list) || !list.every((i) => typeof i === "number" && Number.isInteger(i))) {
    throw new RematTypeError(
      "the `static_argnums` argument to `jax.checkpoint` / `jax.remat` (staticArgnums) must be an int, tuple of ints or, bool, but got value " +
        `${JSON.stringify(argnums)}. Give the positions of the arguments that are not traced.`,
    );
  }
  const places = list as number[];
  if (!places.every((i) => i >= -count && i < count)) {
    throw new RematValueError(
      "the `static_argnums` argument to `jax.checkpoint` / `jax.remat` (staticArgnums) can only take integer values greater than or equal to " +
        `\`-len(args)\` and less than \`len(args)\`, but got (${places.join(", ")}${places.length === 1 ? "," : ""}), while \`len(args)\` = ${count}. ` +
        "Name arguments that are passed.",
    );
  }
  return places.map((i) => (i < 0 ? i + count : i));
}

function operandFlags(
  cse: boolean | readonly FlagTree[],
  numConsts: number,
  args: readonly unknown[],
  statics: readonly number[],
): boolean | readonly boolean[] {
  if (typeof cse === "boolean") return cse;
  if (typeof cse === "string") {
    throw new RematValueError(
      `checkpoint's preventCse is the string '${String(cse)}': pytree structure error: different lengths of tuple at key path broadcast_prefix prefix_tree: as a sequence of flags it has length ` +
        `${(cse as string).length}, but the arguments have length ${args.length}. Give true, false, or one flag for each argument.`,
    );
  }
  const dynamic = args.filter((_, i) => !statics.includes(i));
  const flags = broadcastPrefix(cse, dynamic);
  for (const flag of flags) {
    if (typeof flag !== "boolean") {
      throw new RematTypeError(`checkpoint's preventCse must have a boolean for each argument; got ${describe(flag)}.`);
    }
  }
  return [...Array.from({ length: numConsts }, () => false), ...(flags as boolean[])];
}
