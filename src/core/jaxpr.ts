/**
 * The intermediate representation: a jaxpr is a straight line of equations over typed variables, in JAX's sense and with JAX's
 * text (`print.ts`). All of it is frozen data; passes build new jaxprs. Variables are compared by identity.
 */
import type { ShapedArray } from "./aval.ts";
import type { ConcreteArray } from "./array.ts";
import type { Primitive } from "./primitive.ts";
import { reporting, type Program } from "./reporting.ts";
import type { Source } from "./source.ts";

export class Var {
  readonly aval: ShapedArray;
  constructor(aval: ShapedArray) {
    this.aval = aval;
  }
}

/** A variable that is never read; it prints as `_`. */
export class DropVar extends Var {
  readonly dropped = true;
}

/** A scalar constant written into the program. `value` is a rank-0 array. */
export class Literal {
  readonly value: ConcreteArray;
  readonly aval: ShapedArray;
  constructor(value: ConcreteArray, aval: ShapedArray) {
    this.value = value;
    this.aval = aval;
  }
}

export type Atom = Var | Literal;

/** Parameters of an equation. Values are plain data, jaxprs, or functions; `print.ts` says how each is printed. */
export type Params = Readonly<Record<string, unknown>>;

export interface Eqn {
  readonly primitive: Primitive;
  readonly invars: readonly Atom[];
  readonly outvars: readonly Var[];
  readonly params: Params;
  /** Where in the user's code the equation came from. */
  readonly source: Source | null;
  /** Runs for its effect: never removed as dead code. */
  readonly effectful?: boolean;
}

/** What is known of the function that a jaxpr was traced from, for messages and residual listings. */
export interface DebugInfo {
  /** The transformation that traced it: "jit", "checkpoint / remat", ... */
  readonly tracedFor: string;
  /** The function's name; `<lambda>` if it has none. */
  readonly name: string;
  /** A name for each flat input, with its path: `params['w']`. */
  readonly argNames?: readonly string[];
}

/** What prints as JAX's text. */
abstract class Printed {
  /** JAX's text of it. */
  toString(this: Program): string {
    return reporting().text(this);
  }

  /** `console.log` prints the text, in colour on a terminal. */
  [Symbol.for("nodejs.util.inspect.custom")](
    this: Program,
    _depth: number,
    options?: { readonly colors?: boolean },
  ): string {
    return reporting().text(this, { color: options?.colors ?? false });
  }

  /** Jupyter shows the text, in colour. */
  [Symbol.for("Jupyter.display")](this: Program): Readonly<Record<string, string>> {
    return {
      "text/plain": reporting().text(this),
      "text/html": `<pre>${reporting().html(this)}</pre>`,
    };
  }
}

export class Jaxpr extends Printed {
  readonly constvars: readonly Var[];
  readonly invars: readonly Var[];
  readonly eqns: readonly Eqn[];
  readonly outvars: readonly Atom[];
  readonly debug: DebugInfo | null;

  constructor(
    constvars: readonly Var[],
    invars: readonly Var[],
    eqns: readonly Eqn[],
    outvars: readonly Atom[],
    debug: DebugInfo | null = null,
  ) {
    super();
    this.constvars = constvars;
    this.invars = invars;
    this.eqns = eqns;
    this.outvars = outvars;
    this.debug = debug;
  }

  get inAvals(): ShapedArray[] {
    return this.invars.map((v) => v.aval);
  }

  get outAvals(): ShapedArray[] {
    return this.outvars.map((v) => v.aval);
  }

  replace(change: Partial<Pick<Jaxpr, "constvars" | "invars" | "eqns" | "outvars" | "debug">>): Jaxpr {
    return new Jaxpr(
      change.constvars ?? this.constvars,
      change.invars ?? this.invars,
      change.eqns ?? this.eqns,
      change.outvars ?? this.outvars,
      change.debug === undefined ? this.debug : change.debug,
    );
  }
}

/** A jaxpr with the values of its constvars. A const is usually a concrete array, and a tracer of an outer trace at times. */
export class ClosedJaxpr<C = unknown> extends Printed {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly C[];
  constructor(jaxpr: Jaxpr, consts: readonly C[]) {
    super();
    this.jaxpr = jaxpr;
    this.consts = consts;
  }

  get inAvals(): ShapedArray[] {
    return this.jaxpr.inAvals;
  }

  get outAvals(): ShapedArray[] {
    return this.jaxpr.outAvals;
  }
}

/** The jaxprs among the parameters of an equation, in the order of their keys. */
export function* jaxprsOf(params: Params): Generator<Jaxpr> {
  for (const key of Object.keys(params).sort()) {
    const value = params[key];
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item instanceof Jaxpr) yield item;
      else if (item instanceof ClosedJaxpr) yield item.jaxpr;
    }
  }
}
