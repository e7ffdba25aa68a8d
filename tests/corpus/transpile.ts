/**
 * Turns the program of a case (FORMAT.md §2) into JavaScript that calls this library as a user would: `jnp.sum(x, axis=0)` becomes
 * `np.sum(x, { axis: 0 })`. Functions keep the names of the case, so stack traces, jaxprs and residual listings speak of them.
 */
import signatures from "./signatures.json" with { type: "json" };
import { fields, isFields, isFunctionSpec, list, type Case, type Fields, type Json } from "./spec.ts";

/** The program cannot be expressed: an operation or form that the transpiler does not know. */
export class TranspileError extends Error {}

/** Names of the library that a program may use; variables of these names are renamed. */
const API =
  `np lax nn random scipy ops slice float int bool checkpoint checkpointPolicies checkpointName jit grad valueAndGrad vmap jacfwd jacrev
  hessian customJvp customVjp vjp vjpAux jvp linearize py remat consts inputs`.split(/\s+/);

const RESERVED = new Set([
  ...API,
  ...`break case catch class const continue debugger default delete do else export extends false finally for function if import in
  instanceof new null return super switch this throw true try typeof var void while with yield let static enum await implements
  package protected interface private public eval arguments undefined NaN Infinity`.split(/\s+/),
]);

const DTYPES = new Set(
  `float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool_ complex64 complex128`.split(
    /\s+/,
  ),
);

/** A name of the program as JavaScript can have it. */
export const identifier = (name: string): string => (RESERVED.has(name) ? `${name}$` : name);
const camel = (name: string): string => name.replace(/(?<=[^_])_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
const text = (s: string): string => JSON.stringify(s);

/** The source text of a script whose value is `(remat, py, consts, inputs) => ({ main, args })`. */
export function transpile(c: Case): string {
  return new Transpiler(c).script();
}

class Scope {
  readonly locals = new Set<string>();
  temporaries = 0;
}

class Transpiler {
  readonly #case: Case;
  #scope = new Scope();

  constructor(c: Case) {
    this.#case = c;
  }

  script(): string {
    const c = this.#case;
    const lines: string[] = [];
    const kwargs = Object.keys(c.kwargs ?? {}).sort();
    const positional = c.args ?? c.inputs.map((i) => i.name);
    const reordered = kwargs.length > 0 ? this.#orderOfMain(positional.length, kwargs) : null;
    for (const [name, spec] of Object.entries(c.functions)) {
      if (isFunctionSpec(spec)) {
        const order = reordered?.name === name ? reordered.params : undefined;
        lines.push(...this.#function(name, spec, `function ${identifier(name)}`, order));
        lines.push(...this.#naming(name, spec));
      } else {
        lines.push(`const ${identifier(name)} = ${this.#expr(spec)};`);
      }
    }
    lines.push(`const main$ = ${this.#expr(c.main)};`);
    const inputs = c.inputs.map((i) => identifier(i.name)).join(", ");
    const args = [...positional, ...kwargs.map((k) => c.kwargs![k]!)].map((e) => this.#expr(e));
    lines.push(
      `const args$ = (({ ${inputs} }) => [${args.join(", ")}])(inputs);`,
      `return { main: main$, args: args$ };`,
    );
    const consts = (c.consts ?? []).map((i) => identifier(i.name)).join(", ");
    const head = [`"use strict";`, `const { ${API.slice(0, -4).join(", ")} } = remat;`];
    if (consts !== "") head.push(`const { ${consts} } = consts;`);
    const temporaries = [...this.#scope.locals];
    if (temporaries.length > 0) head.push(`let ${temporaries.join(", ")};`);
    return ["(remat, py, consts, inputs) => {", ...indent([...head, ...lines]), "}", ""].join("\n");
  }

  /** Keyword arguments come last and sorted, as JAX flattens them: the parameters of the function below `main` in that order. */
  #orderOfMain(count: number, kwargs: readonly string[]): { name: string; params: string[] } | null {
    let e: Json | undefined = this.#case.main;
    while (isFields(e) && "apply" in e) e = e["fn"];
    const spec = typeof e === "string" ? this.#case.functions[e] : undefined;
    if (!isFunctionSpec(spec) || typeof e !== "string")
      throw new TranspileError(`keyword arguments of an unknown function`);
    const params = list(spec["params"]) as readonly string[];
    const order = [...params.slice(0, count), ...kwargs, ...params.slice(count).filter((p) => !kwargs.includes(p))];
    return { name: e, params: order };
  }

  // -------------------------------------------------------------------------------------------------------------- functions

  #function(name: string, spec: Fields, head: string, order?: readonly string[]): string[] {
    const saved = this.#scope;
    this.#scope = new Scope();
    const params = order ?? (list(spec["params"]) as readonly string[]);
    const defaults = fields(spec["defaults"]);
    const written = params.map((p) => identifier(p) + (p in defaults ? ` = ${this.#expr(defaults[p])}` : ""));
    const body = this.#block(list(spec["body"]));
    body.push(`return ${this.#expr(spec["returns"])};`);
    const locals = [...this.#scope.locals].filter((v) => !params.map(identifier).includes(v));
    this.#scope = saved;
    return [
      `${head}(${written.join(", ")}) {`,
      ...indent([...(locals.length > 0 ? [`let ${locals.join(", ")};`] : []), ...body]),
      "}",
    ];
  }

  /** Gives a renamed function, or one with renamed parameters, its names back. */
  #naming(name: string, spec: Fields): string[] {
    const params = list(spec["params"]) as readonly string[];
    if (![name, ...params].some((n) => RESERVED.has(n))) return [];
    return [`py.named(${identifier(name)}, ${text(name)}, ${text(`(${params.join(", ")})`)});`];
  }

  #block(statements: readonly Json[]): string[] {
    return statements.flatMap((s) => this.#statement(fields(s)));
  }

  #statement(s: Fields): string[] {
    if (typeof s["def"] === "string") {
      const name = s["def"];
      this.#scope.locals.add(identifier(name));
      const lines = this.#function(name, s, `${identifier(name)} = function ${identifier(name)}`);
      lines[lines.length - 1] += ";";
      return [...lines, ...this.#naming(name, s)];
    }
    if ("if" in s) {
      return [
        `if (bool(${this.#expr(s["if"])}).item()) {`,
        ...indent(this.#block(list(s["then"]))),
        "} else {",
        ...indent(this.#block(list(s["else"]))),
        "}",
      ];
    }
    const value = this.#expr("value" in s ? s["value"]! : s);
    return [`${this.#pattern(s["out"])} = ${value};`];
  }

  #pattern(p: Json): string {
    if (typeof p === "string") {
      this.#scope.locals.add(identifier(p));
      return identifier(p);
    }
    return `[${list(p).map((e) => this.#pattern(e)).join(", ")}]`; // prettier-ignore
  }

  // -------------------------------------------------------------------------------------------------------------- expressions

  #expr(e: Json): string {
    if (e === null || typeof e === "boolean") return String(e);
    if (typeof e === "number") return Object.is(e, -0) ? "0" : String(e);
    if (typeof e === "string") return e.includes(".") ? this.#operation(e) : identifier(e);
    if (Array.isArray(e)) return this.#tuple(e);
    const f = e as Fields;
    if ("call" in f) return this.#call(f);
    if ("apply" in f) return this.#apply(f);
    if ("float" in f) return this.#float(f["float"]);
    if ("str" in f) return text(f["str"] as string);
    if ("dtype" in f) return text(f["dtype"] === "bool_" ? "bool" : (f["dtype"] as string));
    if ("list" in f) return this.#tuple(list(f["list"]));
    if ("dict" in f) return this.#object(fields(f["dict"]));
    if ("ellipsis" in f) return `"..."`;
    if ("slice" in f) return this.#slice(list(f["slice"]));
    throw new TranspileError(`not an expression: ${JSON.stringify(e)}`);
  }

  #slice(parts: readonly Json[]): string {
    const given = parts.every((p) => p === null) ? [] : parts[2] === null ? parts.slice(0, 2) : parts;
    return `slice(${given.map((p) => this.#expr(p)).join(", ")})`;
  }

  #tuple(es: readonly Json[]): string {
    return `[${es.map((x) => this.#expr(x)).join(", ")}]`;
  }

  #object(d: Fields): string {
    const members = Object.entries(d).map(([k, v]) => `${/^[A-Za-z_]\w*$/.test(k) ? k : text(k)}: ${this.#expr(v)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }

  /** A host float; one with an integral value has to say so. */
  #float(v: Json): string {
    const number = Number(String(v).replace("inf", "Infinity"));
    const written = Object.is(number, -0) ? "-0" : String(number);
    return Number.isInteger(number) ? `float(${written})` : written;
  }

  /** The function that an operation's name stands for. */
  #operation(name: string): string {
    const parts = name.split(".");
    const last = parts.at(-1)!;
    if (parts[0] === "jnp" && DTYPES.has(last)) return text(last === "bool_" ? "bool" : last);
    if (name === "ad_checkpoint.checkpoint_name") return "checkpointName";
    const path = parts[0] === "jax" ? parts.slice(1) : parts[0] === "jnp" ? ["np", ...parts.slice(1)] : parts;
    return path.map((p, i) => (i === 0 ? p : camel(p))).join(".").replace(/^[a-z]+_[a-z_]+$/, camel); // prettier-ignore
  }

  #call(f: Fields): string {
    const target = f["call"]!;
    const args = list(f["args"]);
    const kwargs = fields(f["kwargs"]);
    if (target === "getitem") return this.#getitem(args[0], args[1]);
    if (typeof target === "string" && target.startsWith("at.")) {
      const [x, index, ...rest] = args;
      const more = [...rest.map((a) => this.#expr(a)), ...this.#options(kwargs)];
      return `np.at(${this.#expr(x)}, ${this.#index(index)}).${target.slice(3)}(${more.join(", ")})`;
    }
    if (typeof target === "string" && target.includes(".")) return this.#operationCall(target, args, kwargs);
    const callee = typeof target === "string" ? identifier(target) : this.#expr(target);
    const write = this.#differentiates(target) ? this.#number : this.#expr;
    if (Object.keys(kwargs).length === 0) return `${callee}(${args.map((a) => write.call(this, a)).join(", ")})`;
    return `${callee}(${this.#placed(this.#parametersOf(target), args, kwargs).join(", ")})`;
  }

  /** Where one differentiates, a JavaScript number is a float: an integer has to say so. */
  #number(e: Json): string {
    return typeof e === "number" ? `int(${e})` : this.#expr(e);
  }

  #differentiates(target: Json): boolean {
    const f = typeof target === "string" ? this.#case.functions[target] : target;
    return isFields(f) && /^(?:grad|value_and_grad|jacfwd|jacrev|hessian)$/.test(String(f["apply"]));
  }

  /** The parameters of a function of the program, also through transformations that keep them. */
  #parametersOf(target: Json): readonly string[] {
    let e: Json | undefined = target;
    while (isFields(e) && "apply" in e) e = e["fn"];
    const spec: Json | undefined = typeof e === "string" ? this.#case.functions[e] : undefined;
    if (isFunctionSpec(spec)) return list(spec["params"]) as readonly string[];
    if (isFields(spec)) return this.#parametersOf(spec);
    throw new TranspileError(`keyword arguments of a function that is not known: ${JSON.stringify(target)}`);
  }

  #placed(params: readonly string[], args: readonly Json[], kwargs: Fields): string[] {
    const out = args.map((a) => this.#expr(a));
    for (const [k, v] of Object.entries(kwargs)) {
      const at = params.indexOf(k);
      if (at < 0) throw new TranspileError(`no parameter ${k} among ${params.join(", ")}`);
      while (out.length < at) out.push("undefined");
      out[at] = this.#expr(v);
    }
    return out;
  }

  #options(kwargs: Fields): string[] {
    const entries = Object.entries(kwargs).map(([k, v]) => `${camel(k)}: ${this.#expr(v)}`);
    return entries.length === 0 ? [] : [`{ ${entries.join(", ")} }`];
  }

  #operationCall(target: string, args: readonly Json[], kwargs: Fields): string {
    if (target === "py.float" || target === "py.int" || target === "py.bool")
      return `${target.slice(3)}(${this.#expr(args[0])})`;
    if (target.startsWith("py.")) return `${target}(${args.map((a) => this.#expr(a)).join(", ")})`;
    if (target === "jax.vjp" && kwargs["has_aux"] === true)
      return `vjpAux(${args.map((a) => this.#expr(a)).join(", ")})`;
    if (target === "jnp.array" || target === "jnp.asarray") {
      const numbers = this.#numberArray(args, kwargs);
      if (numbers !== null) return `${this.#operation(target)}(${numbers})`;
    }
    const name = this.#operation(target);
    if (name.startsWith('"')) return `np.array(${this.#tuple(args).slice(1, -1)}, { dtype: ${name} })`;
    const signature: readonly string[] = (signatures as Record<string, readonly string[]>)[target] ?? [];
    const differentiates = /^jax\.(?:vjp|jvp|linearize)$/.test(target);
    const out = args.map((a) => (differentiates ? this.#number(a) : this.#expr(a)));
    const options: Record<string, Json> = {};
    for (const [k, v] of Object.entries(kwargs)) {
      const at = signature.indexOf(k);
      // no default: it has its place among the positional ones
      if (at >= 0 && !signature.slice(0, at).includes("*") && at >= args.length) out[at] = this.#expr(v);
      else options[k] = v;
    }
    for (let i = 0; i < out.length; i++) out[i] ??= "undefined";
    return `${name}(${[...out, ...this.#options(options)].join(", ")})`;
  }

  /** The arguments of `np.array` for nested host numbers: plain ones, which are floats here, and a dtype where all are integers. */
  #numberArray(args: readonly Json[], kwargs: Fields): string | null {
    const leaves: Json[] = [];
    const write = (e: Json): string | null => {
      const items = Array.isArray(e) ? e : isFields(e) && "list" in e ? list(e["list"]) : null;
      if (items !== null) {
        const parts = items.map(write);
        return parts.includes(null) ? null : `[${parts.join(", ")}]`;
      }
      if (typeof e === "number" || typeof e === "boolean") {
        leaves.push(e);
        return String(e);
      }
      if (isFields(e) && "float" in e) {
        leaves.push(e);
        return this.#float(e["float"]).replace(/^float\((.*)\)$/, "$1");
      }
      return null;
    };
    const first = args[0]!;
    if (!(Array.isArray(first) || (isFields(first) && "list" in first))) return null;
    const numbers = write(first);
    if (numbers === null) return null;
    const rest = args.slice(1).map((a) => this.#expr(a));
    const integers = leaves.some((v) => typeof v === "number") && !leaves.some(isFields);
    const dtype: Fields =
      !integers || rest.length > 0 || "dtype" in kwargs
        ? {}
        : { dtype: { dtype: this.#case.x64 === true ? "int64" : "int32" } };
    return [numbers, ...rest, ...this.#options({ ...kwargs, ...dtype })].join(", ");
  }

  // -------------------------------------------------------------------------------------------------------------- indexing

  #getitem(x: Json, index: Json): string {
    const written = this.#expr(x);
    if (isFields(index) && "str" in index) {
      const key = index["str"] as string;
      return /^[A-Za-z_]\w*$/.test(key) ? `${written}.${key}` : `${written}[${text(key)}]`;
    }
    const array = (v: string): string => `np.getitem(${v}, ${this.#index(index)})`;
    // only an integer selects a member of a tuple
    if (typeof index !== "number") return array(written);
    let v = written;
    let bind = "";
    if (typeof x !== "string") {
      v = `t${this.#scope.temporaries++}$`;
      this.#scope.locals.add(v);
      bind = `(${v} = ${written}), `;
    }
    const test = bind === "" ? `Array.isArray(${v})` : `(${bind}Array.isArray(${v}))`;
    return `(${test} ? ${v}.at(${index}) : ${array(v)})`;
  }

  #index(index: Json): string {
    return (Array.isArray(index) ? index : [index]).map((i: Json) => this.#expr(i)).join(", ");
  }

  // -------------------------------------------------------------------------------------------------------------- transformations

  #apply(f: Fields): string {
    const transform = f["apply"] as string;
    const fn = this.#expr(f["fn"]);
    const given = Object.entries(f).filter(([k]) => !["apply", "fn", "out"].includes(k));
    if (transform === "partial") {
      const params = this.#parametersOf(f["fn"]);
      return `py.partial(${fn}, ${JSON.stringify(params)}, ${this.#tuple(list(f["args"]))}, ${this.#object(fields(f["kwargs"]))})`;
    }
    const rules = transform === "custom_jvp" ? ["jvp"] : transform === "custom_vjp" ? ["fwd", "bwd"] : [];
    const options = given
      .filter(([k]) => !rules.includes(k))
      .map(([k, v]) => `${camel(k)}: ${k === "policy" ? this.#policy(v) : this.#expr(v)}`);
    const made = `${camel(transform)}(${[fn, ...(options.length > 0 ? [`{ ${options.join(", ")} }`] : [])].join(", ")})`;
    if (rules.length === 0) return made;
    const define = transform === "custom_jvp" ? "defjvp" : "defvjp";
    return `py.defined(${made}, (h) => h.${define}(${rules.map((r) => this.#expr(f[r])).join(", ")}))`;
  }

  #policy(p: Json): string {
    if (p === null) return "null";
    const f = fields(p);
    if ("raw" in f) return this.#expr(f["raw"]);
    if ("factory" in f) return `checkpointPolicies.${camel(f["factory"] as string)}`;
    const base =
      "custom" in f ? `py.${camel(f["custom"] as string)}` : `checkpointPolicies.${camel(f["name"] as string)}`;
    if (!("args" in f) && !("kwargs" in f)) return base;
    const args = list(f["args"]).map((a) => (isFields(a) ? this.#policy(a) : JSON.stringify(a)));
    const kwargs = Object.entries(fields(f["kwargs"])).map(([k, v]) => `${camel(k)}: ${JSON.stringify(v)}`);
    return `${base}(${[...args, ...(kwargs.length > 0 ? [`{ ${kwargs.join(", ")} }`] : [])].join(", ")})`;
  }
}

const indent = (lines: readonly string[]): string[] => lines.map((l) => "  " + l);
