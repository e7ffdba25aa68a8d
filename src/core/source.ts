/**
 * Where in the user's code an equation came from: `file:line:column (function)`, as residual listings print it. How a place is read from the stack is
 * in `stack.ts`. While a pass replays the equations of a jaxpr, `withSource` hands the equation's own place on, so that derivatives point at the
 * line they are derivatives of.
 */
import { reporting } from "./reporting.ts";

/** A place in the user's code. Columns are 0-based as in JAX; `name` is `<module>` outside of functions, `<lambda>` without a name. */
export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly name: string;
}

/** A captured place. */
export interface Source {
  /** The innermost frame outside of this library, or null if there is none. */
  readonly frame: Frame | null;
  /** `file:line:column (name)`, or an empty string where nothing is known. A column of 0 is left out. */
  toString(): string;
}

/** The place of what no line of the user's code asked for. */
export const NOWHERE: Source = { frame: null, toString: () => "" };

/** The entry points of the library mark the stack: frames outside of the innermost mark belong to the caller of a transformation. */
let replayed: Source | null | undefined;

/** The place of the call being made now. */
export function captureSource(): Source | null {
  return replayed === undefined ? reporting().place() : replayed;
}

/** Runs `fn` as if every call in it was made at `source`. `undefined` returns to looking at the stack. */
export function withSource<T>(source: Source | null | undefined, fn: () => T): T {
  const saved = replayed;
  replayed = source;
  try {
    return fn();
  } finally {
    replayed = saved;
  }
}

/** Sets the replayed place and returns the previous one: `withSource` for loops that cannot afford a closure. */
export function swapSource(source: Source | null | undefined): Source | null | undefined {
  const saved = replayed;
  replayed = source;
  return saved;
}

/** Frames of functions whose name ends so end the search for the user's place. */
export const TRACE_BOUNDARY = "traceBoundary";
