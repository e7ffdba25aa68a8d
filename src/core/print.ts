/**
 * JAX's text of a jaxpr, byte for byte.
 *
 * Three things make it up. **Names**: one counter runs over the whole printout, `a` to `z`, `ba` to `bz` and on, and a variable is named
 * when it is first written down, so the order in which documents are built below is part of the format. **Sharing**: a jaxpr that occurs
 * more than once, or is long, is hoisted in front as `let name = ... in`. **Layout**: the documents of `pretty.ts`, 80 columns wide.
 *
 * This file knows jaxprs by their shape (types alone are imported), so that they can print themselves by it.
 */
import { isFloat } from "./dtype.ts";
import type { Atom, ClosedJaxpr, Eqn, Jaxpr, Literal, Params, Var } from "./jaxpr.ts";
import { brk, concat, group, join, layout, nest, nil, styled, text, toHtml, toText, type Doc } from "./pretty.ts";
import { FrozenSet, pyComplex, pyFloat, pyRepr, pyStr } from "./python.ts";
import { elementOf } from "./scalar.ts";

export { FrozenSet, PyFloat, PyList, Verbatim, pyFloat as floatText } from "./python.ts";

/** A parameter as it is printed. Arrays print as tuples, `null` as None, strings raw, the classes of `python.ts` as they say. */
export type PrintedParam = readonly [key: string, value: unknown];

export interface PrintOptions {
  /** The number of columns; 80 by default. */
  readonly width?: number;
  /** Colours the text by ANSI codes. */
  readonly color?: boolean;
  /** Notes at the end of each equation's line where in the user's code it came from. */
  readonly sourceInfo?: boolean;
  /** Names of variables: those inside are kept, those given in printing are added. */
  readonly names?: Map<Var, string>;
  /** False leaves the types of binders out. */
  readonly printShapes?: boolean;
  /** False prints every parameter of every equation, also those that primitives leave out. */
  readonly customPpEqnRules?: boolean;
}

/**
 * The text of a jaxpr, as `str(jaxpr)` gives it in JAX. Constants are shown as binders; their values are not.
 *
 * @example printJaxpr(makeJaxpr(np.sin)(np.ones(3))) // { lambda ; a:f32[3]. let b:f32[3] = sin a in (b,) }
 */
export function printJaxpr(jaxpr: Jaxpr | ClosedJaxpr, options: PrintOptions = {}): string {
  return toText(layout(toplevel(open(jaxpr), options), options.width ?? 80), options.color);
}

/** The same as HTML, to be put into a `<pre>`: keywords and types in colours that suit a light and a dark page. */
export function printJaxprHtml(jaxpr: Jaxpr | ClosedJaxpr, options: PrintOptions = {}): string {
  return toHtml(layout(toplevel(open(jaxpr), options), options.width ?? 80));
}

/** The text of one equation by itself: its variables are named from `a` on. */
export function printEqn(eqn: Eqn, options: PrintOptions = {}): string {
  return toText(layout(new Printer(options).eqn(eqn), options.width ?? 80), options.color).trimEnd();
}

/** Python's `str` of the value of a parameter: strings raw, but quoted inside of tuples; jaxprs by their text. */
export const printValue = (value: unknown): string => (isJaxprLike(value) ? printJaxpr(value) : pyStr(value));

/** Jaxprs are told by their shape. */
const isJaxpr = (x: unknown): x is Jaxpr => typeof x === "object" && x !== null && "eqns" in x && "constvars" in x;
const isClosedJaxpr = (x: unknown): x is ClosedJaxpr =>
  typeof x === "object" && x !== null && "jaxpr" in x && "consts" in x && isJaxpr(x.jaxpr);
const isJaxprLike = (x: unknown): x is Jaxpr | ClosedJaxpr => isJaxpr(x) || isClosedJaxpr(x);
const isLiteral = (atom: Atom): atom is Literal => "value" in atom;

const open = (jaxpr: Jaxpr | ClosedJaxpr): Jaxpr => (isClosedJaxpr(jaxpr) ? jaxpr.jaxpr : jaxpr);

function toplevel(jaxpr: Jaxpr, options: PrintOptions): Doc {
  const printer = new Printer(options);
  for (const v of unusedOutputs(jaxpr)) printer.give(v, "_");
  const shared = sharedJaxprs(jaxpr);
  for (const [inner, name] of shared) printer.share(inner, name);
  const docs: Doc[] = [];
  for (const [inner, name] of shared) docs.push(text(`let ${name} = `), printer.body(inner), text(" in"), brk());
  docs.push(printer.body(jaxpr));
  return concat(docs);
}

/** Outputs of equations that nothing reads; at the top level they print as `_`. */
function unusedOutputs(jaxpr: Jaxpr): Var[] {
  const used = new Set<Atom>(jaxpr.outvars);
  for (const eqn of jaxpr.eqns) for (const v of eqn.invars) used.add(v);
  return jaxpr.eqns.flatMap((eqn) => eqn.outvars.filter((v) => !used.has(v)));
}

/** A jaxpr below the top with more equations than this is hoisted even if it occurs once. */
const LONG = 10;

/**
 * The jaxprs that are hoisted, in the order in which a breadth-first walk meets them, with their names. A name is that of the first
 * equation that has one; numbers keep names apart.
 */
function sharedJaxprs(top: Jaxpr): [Jaxpr, string][] {
  const visits = new Map<Jaxpr, number>();
  const names = new Map<Jaxpr, string>();
  const queue = [top];
  for (let i = 0; i < queue.length; i++) {
    const jaxpr = queue[i];
    const visit = (visits.get(jaxpr) ?? 0) + 1;
    visits.set(jaxpr, visit);
    // Two visits say all there is to know; to look inside at each of them would take exponential time where sharing is nested.
    if (visit > 2) continue;
    for (const { params } of jaxpr.eqns) {
      // Custom rules have the name of their function among the parameters, where JAX has it in print only.
      const name = "jvp" in params || "bwd" in params ? null : params["name"];
      for (const inner of jaxprsIn(params)) {
        if (typeof name === "string" && !names.has(inner)) names.set(inner, name.replace(/^[<>]+|[<>]+$/g, ""));
        queue.push(inner);
      }
    }
  }
  const taken = new Map<string, number>();
  const shared: [Jaxpr, string][] = [];
  for (const [jaxpr, visit] of visits) {
    if (visit === 1 && (jaxpr === top || jaxpr.eqns.length <= LONG)) continue;
    let name = names.get(jaxpr) ?? "jaxpr";
    const count = taken.get(name) ?? 0;
    taken.set(name, count + 1);
    if (count > 0) {
      name += String(count);
      taken.set(name, (taken.get(name) ?? 0) + 1);
    }
    shared.push([jaxpr, name]);
  }
  return shared;
}

/** The jaxprs among parameters, in the order in which the equation has them. */
function* jaxprsIn(params: Params): Generator<Jaxpr> {
  for (const value of Object.values(params)) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) if (isJaxprLike(item)) yield open(item);
  }
}

/** The i-th name: letters as the digits of a number in base 26. */
function letters(i: number): string {
  let name = "";
  do {
    name = String.fromCharCode(97 + (i % 26)) + name;
    i = Math.floor(i / 26);
  } while (i > 0);
  return name;
}

const SPACE = text(" ");
/** Breaks only where the line is already full. */
const SOFT = group(brk());
const COMMA = text(",");
const NEXT_EQN = brk("; ");

/** Builds documents; what it remembers are the names. */
class Printer {
  readonly #names: Map<Var, string>;
  readonly #shared = new Map<Jaxpr, string>();
  readonly #taken = new Set<string>();
  readonly #options: PrintOptions;
  #counter = 0;

  constructor(options: PrintOptions) {
    this.#options = options;
    this.#names = options.names ?? new Map<Var, string>();
    for (const name of this.#names.values()) this.#taken.add(name);
  }

  give(v: Var, name: string): void {
    if (!this.#names.has(v)) this.#names.set(v, name);
  }

  share(jaxpr: Jaxpr, name: string): void {
    this.#shared.set(jaxpr, name);
    this.#taken.add(name);
  }

  #name(v: Var): string {
    if ("dropped" in v) return "_";
    let name = this.#names.get(v);
    if (name === undefined) {
      do name = letters(this.#counter++);
      while (this.#taken.has(name));
      this.#names.set(v, name);
    }
    return name;
  }

  #binders(vars: readonly Var[]): Doc {
    const typed = this.#options.printShapes ?? true;
    const docs = vars.map((v) => {
      const name = text(this.#name(v));
      return typed ? concat([name, styled("type", text(`:${v.aval.toString()}`))]) : name;
    });
    return nest(2, group(join(SOFT, docs)));
  }

  #atoms(atoms: readonly Atom[], separator: Doc): Doc {
    const docs = atoms.map((atom) => text(isLiteral(atom) ? literalText(atom) : this.#name(atom)));
    return nest(2, group(join(separator, docs)));
  }

  eqn(eqn: Eqn): Doc {
    const custom = this.#options.customPpEqnRules ?? true;
    if (custom && eqn.primitive.name === "jit") this.#lendToBody(eqn);
    const note = (this.#options.sourceInfo ?? false) ? sourceText(eqn) : null;
    const docs: Doc[] = [];
    if (eqn.outvars.length > 0) docs.push(this.#binders(eqn.outvars), text(" = ", note));
    docs.push(text(eqn.primitive.name), this.#params(custom ? printedParams(eqn) : allParams(eqn.params)), SPACE);
    docs.push(this.#atoms(eqn.invars, SOFT));
    return concat(docs);
  }

  /** A jitted function that is printed in place reads best with the names of the call: JAX lends them to it. */
  #lendToBody({ params, invars, outvars }: Eqn): void {
    const jaxpr = params["jaxpr"];
    if (!isJaxprLike(jaxpr)) return;
    const body = open(jaxpr);
    if (this.#shared.has(body)) return;
    this.#lend(body.invars, invars);
    this.#lend(body.outvars, outvars);
  }

  #lend(to: readonly Atom[], from: readonly Atom[]): void {
    if (to.length !== from.length) return;
    const lent = new Set<Var>();
    to.forEach((inner, i) => {
      const outer = from[i];
      if (isLiteral(outer) || isLiteral(inner) || lent.has(outer) || this.#names.has(inner)) return;
      lent.add(outer);
      this.#names.set(inner, this.#name(outer));
    });
  }

  #params(params: readonly PrintedParam[]): Doc {
    if (params.length === 0) return nil;
    const docs = params.map(([key, value]) => concat([text(`${key}=`), this.#value(value)]));
    return block("[", join(brk(), docs), "]");
  }

  #value(value: unknown): Doc {
    if (isJaxprLike(value)) return this.body(open(value), true);
    if (Array.isArray(value) && value.every(isJaxprLike)) {
      const bodies = value.map((jaxpr) => this.body(open(jaxpr), true));
      return block("(", join(brk(), bodies), ")");
    }
    // A frozenset that is a parameter has a rule of its own, by which the empty one prints otherwise than in Python.
    if (value instanceof FrozenSet) return text(`frozenset({${value.items.map(pyRepr).join(", ")}})`);
    return text(pyStr(value));
  }

  /** A jaxpr in full, or (as a parameter) its name if it was hoisted. */
  body(jaxpr: Jaxpr, byName = false): Doc {
    const name = byName ? this.#shared.get(jaxpr) : undefined;
    if (name !== undefined) return text(name);
    const constvars = this.#binders(jaxpr.constvars);
    const invars = this.#binders(jaxpr.invars);
    const eqns: Doc[] = [];
    for (const eqn of jaxpr.eqns) eqns.push(this.eqn(eqn));
    const outvars = this.#atoms(jaxpr.outvars, concat([COMMA, SOFT]));
    const inner = concat([
      text("{ "),
      styled("keyword", text("lambda ")),
      constvars,
      text("; "),
      invars,
      text(". "),
      styled("keyword", text("let")),
      nest(2, concat([brk(), join(NEXT_EQN, eqns)])),
      brk(),
      styled("keyword", text("in ")),
      text("("),
      outvars,
      text(jaxpr.outvars.length === 1 ? ",)" : ")"),
    ]);
    return group(concat([nest(2, inner), text(" }")]));
  }
}

/** Brackets around indented lines. */
const block = (opening: string, inner: Doc, closing: string): Doc =>
  group(concat([nest(2, concat([text(opening), brk(""), inner])), brk(""), text(closing)]));

const printedParams = (eqn: Eqn): readonly PrintedParam[] =>
  eqn.primitive.print === undefined ? allParams(eqn.params) : (eqn.primitive.print(eqn.params) ?? []);

const allParams = (params: Params): PrintedParam[] =>
  Object.keys(params)
    .sort()
    .map((key) => [key, params[key]]);

const sourceText = (eqn: Eqn): string => eqn.source?.toString() || "unknown";

/** A literal with its type: a number as Python prints it after rounding to the dtype, or as it stood in the user's code. */
function literalText({ value, aval }: Literal): string {
  return `${value.ndim > 0 ? "[...]" : elementText(value)}:${aval.toString()}`;
}

function elementText(value: Literal["value"]): string {
  if (value.dtype === "float0") return "(b'',)";
  if (value.host !== null) return pyFloat(value.host);
  const element = elementOf(value);
  if (typeof element === "object") return pyComplex(element.re, element.im);
  if (typeof element === "boolean") return element ? "True" : "False";
  return isFloat(value.dtype) ? pyFloat(Number(element)) : element.toString();
}
