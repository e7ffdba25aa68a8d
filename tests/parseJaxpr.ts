/**
 * Reads JAX's text of a jaxpr back into a `Jaxpr`, for tests: printing what was read must give the text again. Parameters stay text,
 * except for jaxprs and tuples of jaxprs. The operations of such a jaxpr have names only: they print, and do nothing else.
 *
 * Variables of equal names are one variable, but for the bodies of `jit`: there the names that JAX lent from the call belong to variables
 * of their own, so that the printer has to lend them again.
 */
import { ConcreteArray } from "../src/core/array.ts";
import { ShapedArray } from "../src/core/aval.ts";
import { dtypes, isFloat, type DType } from "../src/core/dtype.ts";
import { ClosedJaxpr, DropVar, Jaxpr, Literal, Var, type Atom, type Eqn } from "../src/core/jaxpr.ts";
import type { Primitive } from "../src/core/primitive.ts";
import { Verbatim, type PrintedParam } from "../src/core/print.ts";
import { allocate, literal, readElement, type Element } from "../src/core/scalar.ts";

interface NameNode {
  readonly name: string;
  readonly type: string | null;
}
interface JaxprNode {
  readonly constvars: readonly NameNode[];
  readonly invars: readonly NameNode[];
  readonly eqns: readonly EqnNode[];
  readonly outvars: readonly NameNode[];
}
type ParamNode = string | JaxprNode | { readonly reference: string } | readonly ParamNode[];
interface EqnNode {
  readonly outvars: readonly NameNode[];
  readonly primitive: string;
  readonly params: readonly (readonly [key: string, value: ParamNode])[];
  readonly invars: readonly NameNode[];
}

/** Reads the text of a jaxpr, shared definitions included. */
export function parseJaxpr(text: string): Jaxpr {
  const { top, shared } = new Reader(text).toplevel();
  return new Builder(shared).build(top, new Map());
}

const TYPE = String.raw`\w+(?:<\w+>)*\[[\d,]*\]`;
const BINDER = new RegExp(String.raw`([a-z_]+)(?::(${TYPE}))?`, "y");
const ATOM = new RegExp(String.raw`(\(b'',\)|\([^)\s]*\)|\[\.\.\.\]|[-+.\w]+)(?::(${TYPE}))?`, "y");
const LITERAL_START = /^(?:[-(\d[]|inf:|nan:|True:|False:)/;

class Reader {
  readonly #text: string;
  #at = 0;
  readonly #shared = new Set<string>();

  constructor(text: string) {
    this.#text = text;
  }

  toplevel(): { top: JaxprNode; shared: Map<string, JaxprNode> } {
    for (const m of this.#text.matchAll(/^let (\w+) = \{/gm)) this.#shared.add(m[1]);
    const shared = new Map<string, JaxprNode>();
    while (this.#accept(/let (\w+) = /y)) {
      const name = this.#last[1];
      shared.set(name, this.#jaxpr());
      this.#expect(/\s*in\n/y);
    }
    const top = this.#jaxpr();
    if (this.#at !== this.#text.length) this.#fail("the end");
    return { top, shared };
  }

  #last!: RegExpExecArray;

  #accept(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return false;
    this.#last = match;
    this.#at = pattern.lastIndex;
    return true;
  }

  #expect(pattern: RegExp): void {
    if (!this.#accept(pattern)) this.#fail(String(pattern));
  }

  #fail(wanted: string): never {
    throw new Error(`${wanted} expected at ${JSON.stringify(this.#text.slice(this.#at, this.#at + 60))}`);
  }

  #binders(): NameNode[] {
    const out: NameNode[] = [];
    while (this.#accept(BINDER)) {
      out.push({ name: this.#last[1], type: this.#last[2] ?? null });
      this.#accept(/\s+/y);
    }
    return out;
  }

  #jaxpr(): JaxprNode {
    this.#expect(/\{ lambda\s+/y);
    const constvars = this.#binders();
    this.#expect(/;\s+/y);
    const invars = this.#binders();
    this.#expect(/\. let\s+/y);
    const eqns: EqnNode[] = [];
    while (!this.#accept(/in \(/y)) {
      eqns.push(this.#eqn());
      this.#accept(/;?\s*/y);
    }
    const outvars: NameNode[] = [];
    while (!this.#accept(/\s*\) \}/y)) {
      this.#accept(/\s+/y);
      outvars.push(this.#atom());
      this.#accept(/,/y);
    }
    return { constvars, invars, eqns, outvars };
  }

  #atom(): NameNode {
    this.#expect(ATOM);
    return { name: this.#last[1], type: this.#last[2] ?? null };
  }

  #eqn(): EqnNode {
    const start = this.#at;
    let outvars = this.#binders();
    if (!this.#accept(/= /y)) {
      this.#at = start;
      outvars = [];
    }
    this.#expect(/[\w-]+/y);
    const primitive = this.#last[0];
    const params: [string, ParamNode][] = [];
    if (this.#accept(/\[\s*/y)) {
      while (!this.#accept(/\]/y)) {
        this.#expect(/(\w+)=/y);
        const key = this.#last[1];
        params.push([key, this.#value()]);
        this.#accept(/\s+/y);
      }
    }
    this.#expect(/ /y);
    const invars: NameNode[] = [];
    while (!this.#accept(/(?=;|\s*in \()/y)) {
      this.#accept(/\s*/y);
      const rest = this.#text.slice(this.#at, this.#at + 120);
      // What follows is the next equation: a binder with its type, or the name of an operation with parameters.
      if (!LITERAL_START.test(rest) && /^[\w-]+[:[]/.test(rest)) break;
      invars.push(this.#atom());
    }
    return { outvars, primitive, params, invars };
  }

  #value(): ParamNode {
    if (this.#accept(/(?=\{ lambda)/y)) return this.#jaxpr();
    if (this.#accept(/\(\s*(?=\{ lambda)/y) || this.#acceptReferences()) {
      const items: ParamNode[] = [];
      while (!this.#accept(/\s*\)/y)) {
        this.#accept(/\s+/y);
        items.push(this.#value());
      }
      return items;
    }
    const m = /^\w+/.exec(this.#text.slice(this.#at, this.#at + 80));
    const start = this.#at;
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at];
      if (depth === 0 && (/\s/.test(c) || c === "]" || c === ")")) break;
      if ("([{<".includes(c)) depth++;
      if (")]}>".includes(c)) depth--;
    }
    const text = this.#text.slice(start, this.#at);
    return m !== null && m[0] === text && this.#shared.has(text) ? { reference: text } : text;
  }

  /** A tuple that begins with the name of a shared jaxpr. */
  #acceptReferences(): boolean {
    const m = /^\(\s*(\w+)[\s)]/.exec(this.#text.slice(this.#at, this.#at + 80));
    if (m === null || !this.#shared.has(m[1])) return false;
    this.#at++;
    return true;
  }
}

type Scope = Map<string, Var>;

const printedOf = new WeakMap<object, readonly PrintedParam[]>();
const primitives = new Map<string, Primitive>();

function primitiveNamed(name: string): Primitive {
  let primitive = primitives.get(name);
  if (primitive === undefined) {
    primitive = {
      name,
      type: () => {
        throw new Error("a parsed operation has a name only");
      },
      print: (params) => printedOf.get(params)!,
    };
    primitives.set(name, primitive);
  }
  return primitive;
}

/** The parameters of these operations that hold references when they look like one. */
const JAXPR_KEYS = /(?:^|_)jaxpr$|^branches$/;

class Builder {
  readonly #shared: ReadonlyMap<string, JaxprNode>;
  readonly #built = new Map<string, ClosedJaxpr>();
  readonly #global: Scope = new Map();

  constructor(shared: ReadonlyMap<string, JaxprNode>) {
    this.#shared = shared;
  }

  /** `call` is the equation of a `jit` whose body this is. */
  build(node: JaxprNode, scope: Scope, call: EqnNode | null = null): Jaxpr {
    const lent: Scope = new Map(scope);
    const dropped = new Dropped(node, call);
    if (call !== null) {
      for (const [inner, outer] of [...pairs(node.invars, call.invars), ...pairs(node.outvars, call.outvars)]) {
        if (inner.name === outer.name && outer.name !== "_" && !isLiteral(inner)) lent.delete(inner.name);
      }
      for (const [inner, outer] of [...pairs(node.invars, call.invars), ...pairs(node.outvars, call.outvars)]) {
        if (inner.name === outer.name && outer.name !== "_" && !isLiteral(inner) && inner.name !== "") {
          own(lent, inner.name, typeOf(inner, outer));
        }
      }
    }
    const bind = (v: NameNode): Var => (v.name === "_" ? dropped.bind(v.type!) : this.#variable(lent, v.name, v.type));
    const read = (v: NameNode): Atom => {
      if (isLiteral(v)) return literalOf(v.name, v.type!);
      return v.name === "_" ? dropped.read() : this.#variable(lent, v.name, null);
    };
    const constvars = node.constvars.map(bind);
    const invars = node.invars.map(bind);
    const eqns = node.eqns.map((eqn): Eqn => {
      const outvars = eqn.outvars.map(bind);
      return { ...this.#eqn(eqn, lent), outvars, invars: eqn.invars.map(read), source: null };
    });
    return new Jaxpr(constvars, invars, eqns, node.outvars.map(read));
  }

  #variable(scope: Scope, name: string, type: string | null): Var {
    let v = scope.get(name) ?? this.#global.get(name);
    if (v === undefined) {
      if (type === null) throw new Error(`${name} is used before it is bound`);
      v = new Var(avalOf(type));
      this.#global.set(name, v);
    }
    return v;
  }

  #eqn(eqn: EqnNode, scope: Scope): Pick<Eqn, "primitive" | "params"> {
    const jit = eqn.primitive === "jit" ? eqn : null;
    const value = (key: string, node: ParamNode): unknown => {
      if (typeof node === "string") return key === "name" ? node : new Verbatim(node);
      if (isList(node)) return node.map((item) => value(key, item));
      if ("reference" in node) return JAXPR_KEYS.test(key) ? this.#reference(node.reference) : node.reference;
      return new ClosedJaxpr(this.build(node, scope, jit), []);
    };
    const printed = eqn.params.map(([key, node]) => [key, value(key, node)] as const);
    // A walk over jaxprs meets the condition of a loop before its body.
    const ordered = printed.filter(([key]) => key === "cond_jaxpr");
    ordered.push(...printed.filter(([key]) => key !== "cond_jaxpr"));
    const params = Object.fromEntries(ordered);
    printedOf.set(params, printed);
    return { primitive: primitiveNamed(eqn.primitive), params };
  }

  #reference(name: string): ClosedJaxpr {
    let jaxpr = this.#built.get(name);
    if (jaxpr === undefined) {
      jaxpr = new ClosedJaxpr(this.build(this.#shared.get(name)!, new Map()), []);
      this.#built.set(name, jaxpr);
    }
    return jaxpr;
  }
}

/** The variables that print as `_` in one jaxpr: real ones if JAX lent them the name, dropped ones otherwise. */
class Dropped {
  readonly #wanted: string[] = [];
  readonly #bound: Var[] = [];
  #read = 0;

  constructor(node: JaxprNode, call: EqnNode | null) {
    if (call === null) return;
    for (const [inner, outer] of pairs(node.outvars, call.outvars)) {
      if (inner.name === "_" && outer.name === "_") this.#wanted.push(outer.type!);
    }
    for (const [inner, outer] of pairs(node.invars, call.invars)) {
      if (inner.name === "_" && outer.name === "_") this.#wanted.push(inner.type!);
    }
  }

  bind(type: string): Var {
    const i = this.#wanted.indexOf(type);
    if (i < 0) return new DropVar(avalOf(type));
    this.#wanted.splice(i, 1);
    const v = new Var(avalOf(type));
    this.#bound.push(v);
    return v;
  }

  /** Any of them reads the same, but each of them should be read. */
  read(): Var {
    if (this.#bound.length === 0) throw new Error("_ is used before it is bound");
    return this.#bound[this.#read++ % this.#bound.length];
  }
}

function own(scope: Scope, name: string, type: string): void {
  if (!scope.has(name)) scope.set(name, new Var(avalOf(type)));
}

const pairs = (a: readonly NameNode[], b: readonly NameNode[]): [NameNode, NameNode][] =>
  a.length === b.length ? a.map((x, i) => [x, b[i]]) : [];

const isLiteral = (v: NameNode): boolean =>
  !/^[a-z_]+$/.test(v.name) || (v.type !== null && /^(?:inf|nan)$/.test(v.name));

const isList = (node: ParamNode): node is readonly ParamNode[] => Array.isArray(node);

const typeOf = (inner: NameNode, outer: NameNode): string => (inner.type ?? outer.type)!;

function avalOf(type: string): ShapedArray {
  const m = /^(.+?)(<host>)?\[([\d,]*)\]$/.exec(type)!;
  const dtype = (Object.keys(dtypes) as DType[]).find((d) => dtypes[d].short === m[1]);
  if (dtype === undefined) throw new Error(`unknown type ${type}`);
  const shape = m[3] === "" ? [] : m[3].split(",").map(Number);
  return new ShapedArray(shape, dtype, false, m[2] === undefined ? "device" : "host");
}

function literalOf(text: string, type: string): Literal {
  const aval = avalOf(type);
  if (text === "[...]") return new Literal(new ConcreteArray(aval, allocate(aval)), aval);
  const element = elementOf(text, aval.dtype);
  const rounded = literal(element, aval.dtype);
  // A number that the dtype would round was a host scalar, which JAX shows unrounded.
  const host =
    typeof element === "number" && isFloat(aval.dtype) && readElement(rounded.data, aval.dtype, 0) !== element;
  return new Literal(host ? new ConcreteArray(aval, rounded.data, true, element) : rounded, aval);
}

function elementOf(text: string, dtype: DType): Element {
  if (text === "True" || text === "False") return text === "True";
  if (dtype.startsWith("complex")) {
    const m = /^\(?(?:(.*?[^e]))??([+-]?[^+-]*(?:e[+-]\d+)?)j\)?$/.exec(text)!;
    return { re: m[1] === undefined ? 0 : number(m[1]), im: number(m[2]) };
  }
  if (dtype === "int64" || dtype === "uint64") return BigInt(text);
  return dtype === "float0" ? 0 : number(text);
}

const number = (text: string): number => {
  const m = /^([+-]?)inf$/.exec(text);
  return m === null ? Number(text) : m[1] === "-" ? -Infinity : Infinity;
};
