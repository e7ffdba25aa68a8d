/**
 * One current interpreter. Calling a primitive (`bind`) hands it to the current `Trace`; the bottom one evaluates, the others rewrite the
 * call into calls for the trace below them. A transformation makes a trace, wraps the inputs into its tracers, and runs the user's
 * function with the trace as the current one. (JAX calls this design "stackless".)
 */
import { NDArray } from "./array.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import type { Params } from "./jaxpr.ts";
import type { Primitive } from "./primitive.ts";
import { reporting } from "./reporting.ts";
import { captureSource } from "./source.ts";
import { concretizationError, InternalError, type ConcretizationKind } from "../errors.ts";

export abstract class Trace {
  /** Performs a primitive on values, some of which may be tracers of this trace; all others are constants to it. */
  abstract process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[];
  /** Turns a host scalar into an array of this trace (in a staged program: a literal). */
  abstract stageValue(value: NDArray): NDArray;
  /** Takes note of an operand before anything is computed from it: where programs are staged, constants stand in the order in which they come. */
  meet(_value: NDArray): void {}
  /** Performs a call of a function with a forward derivative rule. */
  abstract customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[];
  /** Performs a call of a function with a reverse derivative rule. */
  abstract customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[];
}

/** Stands for a value during a transformation. */
export abstract class Tracer extends NDArray {
  abstract readonly trace: Trace;

  /** The concrete array it stands for, if it is known (as under eager `grad`), else null. */
  concrete(): NDArray | null {
    return null;
  }

  /** The user's line that is running now. */
  place(): string {
    return String(captureSource() ?? "");
  }

  /** Says what is wrong with asking for its value, for error messages. */
  explain(kind: ConcretizationKind): string {
    return reporting().unknown(this, kind);
  }

  /** Says where the unknown value comes from, for error messages. */
  origin(): string {
    return "";
  }

  [Symbol.toPrimitive](hint: string): never {
    throw concretizationError(this, hint === "string" ? "string" : "number");
  }

  override toJSON(): never {
    throw concretizationError(this, "json");
  }
}

class NoTrace extends Trace {
  process(): never {
    throw new InternalError("nothing evaluates: import remat, or remat/autodiff and an engine");
  }
  stageValue(): never {
    return this.process();
  }
  customJvp(): never {
    return this.process();
  }
  customVjp(): never {
    return this.process();
  }
}

let current: Trace = new NoTrace();
let bottom: Trace = current;

/** The trace to which primitives go now. */
export const currentTrace = (): Trace => current;

/** The evaluating trace under all others. */
export const evalTrace = (): Trace => bottom;

/** Installs the evaluating trace; `core/eval.ts` does so. */
export function setEvalTrace(trace: Trace): void {
  if (current === bottom) current = trace;
  bottom = trace;
}

/** Runs `fn` with `trace` as the current one. */
export function withTrace<T>(trace: Trace, fn: () => T): T {
  const saved = current;
  current = trace;
  try {
    return fn();
  } finally {
    current = saved;
  }
}

/** Sets the current trace and returns the previous one: `withTrace` for loops that cannot afford a closure. */
export function swapTrace(trace: Trace): Trace {
  const saved = current;
  current = trace;
  return saved;
}

/** Calls a primitive in the current trace. */
export function bind(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
  return bindWith(current, primitive, args, params);
}

/** Calls a primitive that has one output. */
export function bind1(primitive: Primitive, args: readonly NDArray[], params: Params): NDArray {
  return bindWith(current, primitive, args, params)[0];
}

/** Calls a primitive in a given trace. */
export function bindWith(
  trace: Trace,
  primitive: Primitive,
  args: readonly NDArray[],
  params: Params,
): readonly NDArray[] {
  return primitive.bindWithTrace === undefined
    ? trace.process(primitive, args, params)
    : primitive.bindWithTrace(trace, args, params);
}
