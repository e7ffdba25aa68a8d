/** Runs one case and compares what this library makes of it with what JAX made of it, section by section. */
import vm from "node:vm";

import { RematError } from "../../src/errors.ts";
import { ClosedJaxpr, jaxprsOf, type Jaxpr } from "../../src/core/jaxpr.ts";
import { api, makePy, remat } from "./runtime.ts";
import { compareTexts, missingFacts, normalise, type Agreement } from "./text.ts";
import { isFields, type ArraySpec, type Case, type Fields, type Json } from "./spec.ts";
import { identifier, transpile } from "./transpile.ts";
import { difference, inputOf, treeOf } from "./values.ts";

export interface Outcome {
  readonly section: string;
  readonly passed: boolean;
  /** How far a text agrees; for numbers `exact` means close enough. `threw` is for an exception where none was expected. */
  readonly agreement: Agreement | "threw";
  /** What is wrong, in one line. */
  readonly reason?: string;
  readonly expected?: string;
  readonly got?: string;
}

type AnyFunction = (...args: unknown[]) => unknown;

interface Program {
  readonly main: AnyFunction;
  readonly args: readonly unknown[];
}

function load(c: Case): Program {
  const script = new vm.Script(transpile(c), { filename: "<case>" });
  const values = (specs: readonly ArraySpec[]): Record<string, unknown> =>
    Object.fromEntries(specs.map((s) => [identifier(s.name), inputOf(s, remat.float, remat.int)]));
  const make = script.runInThisContext() as (...args: unknown[]) => Program;
  return make(api, makePy(), values(c.consts ?? []), values(c.inputs));
}

const INLINED = new Set(["jit", "remat2", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call"]);

function count(jaxpr: Jaxpr, inlined: boolean, total: Record<string, number> = {}): Record<string, number> {
  for (const eqn of jaxpr.eqns) {
    const name = eqn.primitive.name;
    if (!(inlined && INLINED.has(name))) total[name] = (total[name] ?? 0) + 1;
    for (const inner of jaxprsOf(eqn.params)) count(inner, inlined, total);
  }
  return total;
}

const sorted = (counts: Record<string, number>): string =>
  Object.keys(counts)
    .sort()
    .map((k) => `${k} ${counts[k]}`)
    .join(", ");

const messageOf = (e: unknown): string => (e instanceof Error ? `${e.name}: ${e.message}` : String(e));

/** The user's part of a stack, for reports. */
function placeOf(e: unknown): string {
  const frames = e instanceof Error ? (e.stack ?? "").split("\n").filter((l) => /^\s+at /.test(l)) : [];
  const place = frames.find((l) => /\/src\//.test(l) && !/errors\.ts|zip\.ts/.test(l)) ?? frames[0] ?? "";
  return place.trim().replace(/file:\/\/\S*?\/src\//, "src/");
}

/** All sections of a case. */
export function evaluate(c: Case): Outcome[] {
  remat.enableX64(c.x64 === true);
  try {
    if ("error" in c.expect) return [evaluateError(c, c.expect["error"] as Fields)];
    const sections = new Sections(c);
    return [...c.check.exact, ...c.check.close].map((s) => sections.outcome(s));
  } finally {
    remat.enableX64(false);
  }
}

class Sections {
  readonly #case: Case;
  readonly #expect: Fields;
  #program: Program | null = null;
  #fwdBwd: { fwd: Jaxpr; bwd: Jaxpr | null } | null = null;

  constructor(c: Case) {
    this.#case = c;
    this.#expect = c.expect;
  }

  outcome(section: string): Outcome {
    try {
      return this.#compare(section);
    } catch (e) {
      const got = e instanceof Error ? (e.stack ?? String(e)) : String(e);
      return { section, passed: false, agreement: "threw", reason: `${messageOf(e)}  [${placeOf(e)}]`, got };
    }
  }

  get #loaded(): Program {
    return (this.#program ??= load(this.#case));
  }

  #halves(): { fwd: Jaxpr; bwd: Jaxpr | null } {
    if (this.#fwdBwd === null) {
      const { main, args } = this.#loaded;
      const { fwd, bwd } = remat.fwdBwd(main, ...(args as never[])) as unknown as Record<
        "fwd" | "bwd",
        Jaxpr | ClosedJaxpr | null
      >;
      const open = (j: Jaxpr | ClosedJaxpr | null): Jaxpr | null => (j instanceof ClosedJaxpr ? j.jaxpr : j);
      this.#fwdBwd = { fwd: open(fwd)!, bwd: open(bwd) };
    }
    return this.#fwdBwd;
  }

  #compare(section: string): Outcome {
    const expected = this.#expect[section]!;
    const { main, args } = this.#loaded;
    switch (section) {
      case "out":
        return close(section, main(...args), expected);
      case "jaxpr": {
        const make = remat.makeJaxpr(main) as unknown as AnyFunction;
        return text(section, String(make(...args)), expected as string);
      }
      case "fwd":
        return text(section, String(this.#halves().fwd), expected as string);
      case "bwd":
        return text(section, String(this.#halves().bwd), expected as string);
      case "table":
        return text(section, remat.fwdBwd(main, ...(args as never[])).table(), expected as string);
      case "counts": {
        const { fwd, bwd } = this.#halves();
        const got = {
          fwd: count(fwd, false),
          ...(bwd === null ? {} : { bwd: count(bwd, false), bwd_inlined: count(bwd, true) }),
        };
        const write = (all: Record<string, unknown>): string =>
          Object.keys(expected as Fields)
            .map((k) => `${k}: ${sorted((all[k] ?? {}) as Record<string, number>)}`)
            .join("\n");
        return text(section, write(got), write(expected as Fields));
      }
      case "residuals":
        return residuals(remat.savedResiduals(main, ...(args as never[])), expected as unknown as Fields[]);
      case "vjp":
        return this.#vjp(expected as Fields);
      case "jvp":
        return this.#jvp(expected as Fields);
      default:
        throw new Error(`an unknown section: ${section}`);
    }
  }

  /** The values for all arguments: the positional ones and then, sorted, the keyword ones. */
  #perArgument(values: Json, kwargs: Json | undefined): Json[] {
    const named = isFields(kwargs) ? ((kwargs["dict"] ?? kwargs) as Fields) : {};
    const keys = Object.keys(named).sort();
    return [...(values as Json[]), ...keys.map((k) => named[k]!)];
  }

  #vjp(expected: Fields): Outcome {
    const { main, args } = this.#loaded;
    const [, pull] = remat.vjp(main, ...(args as never[])) as unknown as [unknown, AnyFunction];
    const got = pull(treeOf(expected["cotangents"]));
    return close("vjp", got, this.#perArgument(expected["results"], expected["kwargs"]));
  }

  #jvp(expected: Fields): Outcome {
    const { main, args } = this.#loaded;
    const tangents = this.#perArgument(expected["tangents"], expected["kwargs"]).map(treeOf);
    const [, got] = remat.jvp(main, args, tangents);
    return close("jvp", got, expected["results"]);
  }
}

function close(section: string, got: unknown, expected: Json): Outcome {
  const reason = difference(got, expected);
  return reason === null
    ? { section, passed: true, agreement: "exact" }
    : { section, passed: false, agreement: "different", reason };
}

function text(section: string, raw: string, expected: string): Outcome {
  const got = normalise(raw);
  const agreement = compareTexts(got, expected);
  const passed = agreement === "exact" || agreement === "shared";
  return passed
    ? { section, passed, agreement }
    : { section, passed, agreement, reason: firstDifference(got, expected), got, expected };
}

function firstDifference(got: string, expected: string): string {
  const [a, b] = [got.split("\n"), expected.split("\n")];
  const at = a.findIndex((line, i) => line !== b[i]);
  return `line ${at + 1}: ${JSON.stringify(a[at]?.trim() ?? "")} for ${JSON.stringify(b[at]?.trim() ?? "")}`;
}

const RESIDUAL =
  /^(?<aval>\S+) (?:from the argument (?<argument>.*)|from a (?<fixed>constant|literal)|(?:named '(?<named>.*)'|output of jitted function '(?<jit>.*)'|output of (?<output>\S+)) from (?:<loc> \((?<func>.*)\))?)$/;

function parseResidual(line: string): string {
  const groups = RESIDUAL.exec(line)?.groups;
  if (groups === undefined) return line;
  const kind = groups["fixed"] ?? ["argument", "named", "jit", "output"].find((k) => groups[k] !== undefined)!;
  return `${groups["aval"]} ${kind} ${groups["fixed"] === undefined ? groups[kind] : ""}`.trim();
}

/** Types, kinds and names must agree, in order; the functions in which the values arose are told apart as `layout`. */
function residuals(values: readonly { readonly text: string }[], expected: readonly Fields[]): Outcome {
  const lines = values.map((r) => normalise(r.text));
  const want = expected.map((r) => r["text"] as string);
  const [got, texts] = [lines.join("\n"), want.join("\n")];
  if (got === texts) return { section: "residuals", passed: true, agreement: "exact" };
  const passed = lines.map(parseResidual).join("\n") === want.map(parseResidual).join("\n");
  const agreement = passed ? "layout" : "different";
  return { section: "residuals", passed, agreement, reason: firstDifference(got, texts), got, expected: texts };
}

/** The error that a case raises, or null. */
export function raise(c: Case): unknown {
  remat.enableX64(c.x64 === true);
  try {
    const { main, args } = load(c);
    main(...args);
    return null;
  } catch (e) {
    return e;
  } finally {
    remat.enableX64(false);
  }
}

function evaluateError(c: Case, expected: Fields): Outcome {
  const section = "error";
  const wanted = `${String(expected["class"])}: ${String(expected["message"])}`;
  let thrown: unknown;
  try {
    const { main, args } = load(c);
    const value = main(...args);
    return {
      section,
      passed: false,
      agreement: "different",
      reason: `no error; expected ${wanted}`,
      expected: wanted,
      got: String(value),
    };
  } catch (e) {
    thrown = e;
  }
  const got = messageOf(thrown);
  const jaxClass =
    thrown instanceof RematError
      ? thrown.jaxClass
      : thrown instanceof Error
        ? `${thrown.name} of JavaScript`
        : "not an Error";
  if (jaxClass !== expected["class"]) {
    const stack = thrown instanceof Error && !(thrown instanceof RematError) ? ` ${placeOf(thrown)}` : "";
    const reason = `${jaxClass} for ${String(expected["class"])}: ${got.split("\n")[0]}${stack}`;
    return { section, passed: false, agreement: "different", reason, expected: wanted, got };
  }
  const missing = expected["portable"] === true ? missingFacts(got, expected["message"] as string) : [];
  return missing.length === 0
    ? { section, passed: true, agreement: "exact" }
    : {
        section,
        passed: false,
        agreement: "different",
        reason: `missing: ${missing.join("; ")}`,
        expected: wanted,
        got,
      };
}
