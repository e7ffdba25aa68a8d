/**
 * Every error of the library, each a class of its own. A message has three parts: what was asked, what came, and what to do. Where JAX
 * raises an error for the same mistake, `jaxClass` names JAX's class, and the message holds every shape, dtype, name and number of JAX's.
 */
import type { NDArray } from "./core/array.ts";

/** The base of all errors of this library. */
export class RematError extends Error {
  /** The class that JAX raises in the same place. */
  readonly jaxClass: string = "Exception";
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** A value of the wrong kind: JAX's `TypeError`. */
export class RematTypeError extends RematError {
  override readonly jaxClass: string = "TypeError";
}

/** A value of the right kind that cannot be used: JAX's `ValueError`. */
export class RematValueError extends RematError {
  override readonly jaxClass: string = "ValueError";
}

/** A padding of a name that does not exist. */
export class UnknownPaddingError extends RematError {
  override readonly jaxClass: string = "RuntimeError";
}

/** An index, or an axis of an index, that an array does not have: JAX's `IndexError`. */
export class RematIndexError extends RematError {
  override readonly jaxClass: string = "IndexError";
}

/** Shapes that do not fit each other or the operation (a `TypeError` in JAX's primitives). */
export class ShapeError extends RematTypeError {}

/** A dtype that the operation does not take. */
export class DTypeError extends RematTypeError {}

/** A collective operation speaks of a mapped axis that has no such name: JAX's `NameError`. */
export class UnboundAxisNameError extends RematError {
  override readonly jaxClass: string = "NameError";
  constructor(name: string, asker: string) {
    super(
      `Found an unbound axis name: ${name}. To fix this, please call ${asker} under \`vmap\` with \`axisName: ${JSON.stringify(name)}\`: ` +
        "only a function that is mapped can speak of its mapped axis.",
    );
  }
}

/** Something that has no rule, such as the derivative of an operation without one. */
export class NotDifferentiableError extends RematError {
  override readonly jaxClass: string = "NotImplementedError";
}

/** A feature that exists in JAX and not here, or that JAX has removed. */
export class UnsupportedError extends RematError {
  override readonly jaxClass: string = "NotImplementedError";
}

/** The concrete value of a tracer was needed, and it has none. */
export class ConcretizationTypeError extends RematTypeError {
  override readonly jaxClass: string = "ConcretizationTypeError";
}

/** A tracer was used as the condition of host control flow. */
export class TracerBoolConversionError extends ConcretizationTypeError {
  override readonly jaxClass: string = "TracerBoolConversionError";
}

/** A tracer was used as a host integer, such as an index. */
export class TracerIntegerConversionError extends RematTypeError {
  override readonly jaxClass: string = "TracerIntegerConversionError";
}

/** A tracer was used as a host array. */
export class TracerArrayConversionError extends RematTypeError {
  override readonly jaxClass: string = "TracerArrayConversionError";
}

/** A tracer was used after its transformation had ended. */
export class UnexpectedTracerError extends RematError {
  override readonly jaxClass: string = "UnexpectedTracerError";
}

/** An index by a traced boolean mask, whose result has no shape known in advance. */
export class NonConcreteBooleanIndexError extends RematError {
  override readonly jaxClass: string = "NonConcreteBooleanIndexError";
}

/** A graph that cannot be planned: a size, a time, an edge or a file that makes no sense. */
export class PlanGraphError extends RematValueError {}

/** A picture cannot be drawn: a package or a document is missing. */
export class PlotError extends RematError {
  constructor(message: string, options?: ErrorOptions) {
    super(message);
    if (options !== undefined && "cause" in options) this.cause = options.cause;
  }
}

/** No plan keeps memory within the budget. */
export class BudgetError extends RematError {
  /** The smallest peak of any plan that was found, in bytes. */
  readonly smallest: number;
  /** What is in memory at that peak, largest first. */
  readonly holders: readonly BudgetHolder[];
  constructor(message: string, smallest: number, holders: readonly BudgetHolder[]) {
    super(message);
    this.smallest = smallest;
    this.holders = holders;
  }
}

/** One value, workspace or other holder of memory that stands in the way of a budget. */
export interface BudgetHolder {
  readonly name: string;
  readonly bytes: number;
}

/** A bug in this library: an invariant does not hold. */
export class InternalError extends RematError {
  override readonly jaxClass: string = "AssertionError";
}

/** A program that is not well typed: `check` found it, and some pass made it. */
export class JaxprTypeError extends InternalError {}

/** Checks an invariant of the library itself. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InternalError(`internal error of remat, please report it: ${what}`);
}

export type ConcretizationKind = "number" | "string" | "json" | "bool" | "int" | "float" | "item";

/** The error for a tracer whose concrete value was asked for. What it says is in `core/unknown.ts`, where messages are wanted in full. */
export function concretizationError(
  x: NDArray & { explain?: (kind: ConcretizationKind) => string },
  kind: ConcretizationKind,
): ConcretizationTypeError {
  const message = x.explain?.(kind) ?? `the value of an array (${kind}) was asked for, and it is not known.`;
  return kind === "bool" ? new TracerBoolConversionError(message) : new ConcretizationTypeError(message);
}

/** A checkpoint policy answered something that is not an answer. */
export class PolicyAnswerError extends RematTypeError {
  constructor(answer: unknown) {
    super(
      "a checkpoint policy was asked whether a value may be saved. Value returned by a remat policy should be a bool or " +
        "`Recompute`, `Saveable` or `Offloadable(...)`. " +
        `Got ${describe(answer)}.\nReturn true or false, Saveable, Recompute, or new Offloadable(src, dst).`,
    );
  }
}

/** A checkpoint policy that is not a function. */
export class PolicyTypeError extends RematTypeError {
  constructor(policy: unknown) {
    super(
      `a checkpoint policy was asked what may be saved, and it is not a function but ${describe(policy)}: the object is not callable.\n` +
        "Give a member of checkpointPolicies, called if it is a maker (saveOnlyTheseNames('a')), or a function (primitive, avals, params) => boolean.",
    );
  }
}

/** An argument that is static and cannot be: its value cannot tell programs apart. */
export class StaticArgumentError extends RematValueError {}

/** A function changed its arguments while it was traced. */
export class MutatedArgumentError extends RematTypeError {
  constructor(name: string, tracedFor: string, argument: string) {
    super(
      `the function ${name}, traced for ${tracedFor}, changed its argument ${argument} in place. It is given a copy while it is traced, so the change ` +
        "would be lost.\nReturn a new array or object instead, for example { ...params, w: newW } or [...xs, x].",
    );
  }
}

/** A value and its type, for messages. */
export function describe(x: unknown): string {
  if (x === null) return "null";
  if (x === undefined) return "undefined";
  if (typeof x === "function") return `the function ${x.name || "<lambda>"}`;
  if (typeof x === "string") return `'${x}' of type string`;
  if (typeof x === "object") return `an object of class ${x.constructor?.name ?? "Object"}`;
  return `${String(x)} of type ${typeof x}`;
}

/** An argument holds something that is neither an array nor a host scalar. */
export class InvalidLeafError extends RematTypeError {
  constructor(name: string, value: unknown) {
    super(
      `an argument must be an array, a number, a boolean, or a nested structure of them. Argument '${name}' is ${describe(value)}, which ` +
        "is not a valid JAX type.\nPass it as a static argument (staticArgnums), close over it, or convert it with np.array.",
    );
  }
}

/** A traced function returned something that is neither an array nor a host scalar. */
export class FunctionResultError extends RematTypeError {
  constructor(name: string, tracedFor: string, path: string, value: unknown, options?: ErrorOptions) {
    const where = path === "" ? "" : ` at output component ${path}`;
    const advice =
      value === undefined
        ? "It has no return statement on this path: return arrays, or null for nothing."
        : value instanceof Promise
          ? "It is async: a function that is transformed must compute its result at once, without await."
          : options?.cause instanceof RematError
            ? options.cause.message
            : "Return arrays, numbers, or nested arrays, objects and Maps of them.";
    super(
      `the function ${name}, traced for ${tracedFor}, returned ${describe(value)}${where}, which is not a valid JAX type.\n${advice}`,
    );
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

/** An argument number that the call does not have. */
export class FunctionArgumentError extends RematValueError {
  constructor(what: string, argnum: number, count: number) {
    super(
      `${what} names the argument ${argnum}, and the call has ${count} positional arguments: it must be an integer of at least -${count} and ` +
        `less than ${count}. Name an argument that is passed.`,
    );
  }
}

/** Tangents whose structure is not that of the primals. */
export class TangentTreeError extends RematTypeError {
  constructor(primals: { toString(): string }, tangents: { toString(): string }) {
    super(
      "jvp was given tangents of another structure: primal and tangent arguments to jax.jvp must have the same tree structure; primals have tree " +
        `structure ${String(primals)} whereas tangents have tree structure ${String(tangents)}.`,
    );
  }
}

/** A cotangent whose structure is not that of the function's result. */
export class CotangentTreeError extends RematValueError {
  constructor(name: string, expected: { toString(): string }, got: { toString(): string }) {
    super(
      `unexpected tree structure. The cotangent given to the VJP of ${name} must have the structure of its result: expected ` +
        `${String(expected)}, got ${String(got)}. Give one cotangent for each array of the result, in the same containers.`,
    );
  }
}

/** A cotangent whose shape or dtype is not that of the function's result. */
export class CotangentTypeError extends RematValueError {
  constructor(got: string, output: { toLongString(): string; toTangent(): { toLongString(): string } }) {
    super(
      `a cotangent has the wrong type: unexpected JAX type (e.g. shape/dtype) for argument to VJP function: got ${got}, but expected ` +
        `${output.toTangent().toLongString()} because the corresponding output of the differentiated function had JAX type ` +
        `${output.toLongString()}.`,
    );
  }
}

/** A function that was to return `[value, aux]` did not. */
export class AuxiliaryResultError extends RematTypeError {
  constructor(name: string, result: unknown) {
    super(
      `${name} was differentiated with hasAux: expected function with aux output to return a two-element tuple, but got ${describe(result)}. ` +
        "Return [value, aux].",
    );
  }
}

/** A gradient was asked for of something that is not a scalar. */
export class GradientShapeError extends RematTypeError {
  constructor(output: unknown) {
    const shape = (output as { shape?: readonly number[] } | null)?.shape;
    const came =
      shape === undefined
        ? `Output was ${describe(output)}`
        : `Output had shape: (${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
    super(
      `a gradient needs a scalar value: Gradient only defined for scalar-output functions. ${came}.\nSum it (np.sum), or use jacrev, jacfwd ` +
        "or vjp.",
    );
  }
}

/** A dtype that has no gradient. */
export class GradientDTypeError extends RematTypeError {}

/** An axis that vmap cannot map. */
export class VmapAxisError extends RematValueError {}

/** A policy that cannot be made, or that does not fit where it is used. */
export class PolicyError extends RematValueError {}

/** A loop whose body changes the type of what it carries. */
export class CarryTypeError extends RematTypeError {}

/** Branches whose results differ in type. */
export class BranchTypeError extends RematTypeError {}

/** A custom derivative rule that is missing, or gives something that does not fit its function. */
export class CustomRuleError extends RematTypeError {
  override readonly jaxClass: string;
  constructor(message: string, jaxClass = "TypeError") {
    super(message);
    this.jaxClass = jaxClass;
  }
}

/** Reverse-mode differentiation through a loop of unknown length. */
export class WhileReverseError extends RematValueError {
  constructor() {
    super(
      "reverse-mode differentiation was asked for of a loop of unknown length: Reverse-mode differentiation does not work for lax.while_loop or " +
        "lax.fori_loop with dynamic start/stop values. Try using lax.scan, or using fori_loop with static start/stop.\n" +
        'Or give the loop { checkpoint: "online", slots: 8 }. If it has that: its reverse derivative can be differentiated in forward mode ' +
        "(jvp, jacfwd), or in reverse mode again (grad, vjp), but not in reverse mode after forward mode; take reverse derivatives first.",
    );
  }
}

/** A function with a reverse rule closes over a value that is differentiated: the rule says nothing about that. */
export class CustomVjpClosureError extends RematError {
  override readonly jaxClass: string = "CustomVJPException";
}

/** A program needs more memory than there is, or than it may take. Thrown before anything runs. */
export class OutOfMemoryError extends RematError {
  override readonly jaxClass: string = "XlaRuntimeError";
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message);
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

/** Values could not be offloaded to a directory: it can't be written to, is full, or there are no files at all. */
export class OffloadError extends RematError {
  /** The directory. */
  readonly path: string;
  constructor(message: string, path: string, options?: { readonly cause?: unknown }) {
    super(message);
    this.path = path;
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

/** An engine was asked for by a name that none has. */
export class UnknownEngineError extends RematValueError {
  constructor(name: string, known: readonly string[]) {
    super(
      `setEngine: there is no engine named "${name}"; there are ${known.map((k) => `"${k}"`).join(", ") || "none"}.\n` +
        "Give one of these names, or an engine of your own.",
    );
  }
}

/** A number of threads that is none. */
export class ThreadCountError extends RematValueError {
  constructor(came: unknown) {
    super(
      `a wasm engine was asked for with threads = ${String(came)}: threads are counted in whole numbers from 1 to 64.\n` +
        "Give the number of cores that it may use, for example navigator.hardwareConcurrency.",
    );
  }
}

/** A helping thread broke off in the middle of a program. */
export class EngineThreadError extends InternalError {
  constructor(cause: string) {
    super(
      `a program was run by several threads, and one of them broke off (${cause}).\nThe results are lost; run with one thread to find out more, and report this as a bug.`,
    );
  }
}

/** An amount of memory that is none. */
export class MemoryBudgetError extends RematValueError {
  constructor(asked: string, came: string) {
    super(
      `${asked} was given as ${came}: that is no amount of memory.\nGive a number of bytes that isn't negative, or text such as "4KiB", "64MiB" or "1.5GB".`,
    );
  }
}

/** A schedule of checkpoints that cannot be: no slots, a length that is none, an option that does not exist. */
export class ScheduleError extends RematValueError {}
