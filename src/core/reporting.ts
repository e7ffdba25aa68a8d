/**
 * What the library can tell about programs: their text, the lines of the user's code that their equations came from, the names of its arguments. All of it
 * is for people to read, and an app that shows none of it should not have to load the code that makes it; in an app that is bundled and minified there
 * are no such lines and names anyway. So it is installed, by `report.ts`.
 */
import type { Tracer } from "./interpreter.ts";
import type { ClosedJaxpr, Jaxpr } from "./jaxpr.ts";
import type { Source } from "./source.ts";
import type { StageTracer } from "./stage.ts";
import type { ConcretizationKind } from "../errors.ts";

export type Program = Jaxpr | ClosedJaxpr;

/** A parameter of a function. */
export interface Parameter {
  /** Null if it is taken apart by a pattern. */
  readonly name: string | null;
  readonly rest: boolean;
}

/** Gives the parameters of a function, or null if they cannot be told. */
export type ParameterReader = (f: (...args: never) => unknown) => readonly Parameter[] | null;

export interface Reporting {
  /** JAX's text of a program, in colour or not. */
  text(program: Program, options?: { readonly color?: boolean }): string;
  /** The same as HTML, for a `<pre>`. */
  html(program: Program): string;
  /** The place in the user's code of the call being made now. */
  place(): Source | null;
  /** Says what was done with a value that is not known. */
  unknown(tracer: Tracer, kind: ConcretizationKind): string;
  /** Says on which inputs of its trace a value depends, or which lines brought constants into it. */
  origin(tracer: StageTracer): string;
  /** What the arguments of the user's function are called. */
  readonly parameters: ParameterReader;
}

const unprinted = (): string => "{ lambda ... } (report() makes programs print themselves)";

const unexplained = (x: Tracer, kind: ConcretizationKind): string =>
  `a traced array of type ${x.aval.toLongString()} was used as a host value (${kind}), and its value is not known while tracing.`;

let current: Reporting = {
  unknown: unexplained,
  text: unprinted,
  html: unprinted,
  place: () => null,
  origin: () => "",
  parameters: () => null,
};

export const reporting = (): Reporting => current;

export function setReporting(next: Reporting): void {
  current = next;
}
