/**
 * What a function keeps for its backward pass: `savedResiduals` as data, `printSavedResiduals` in JAX's text, one line a value, or with sizes, readers
 * and the cost of computing each value again.
 */
import { argNames } from "./argNames.ts";
import type { ShapedArray } from "./core/aval.ts";
import { listenToCheckpoints } from "./core/config.ts";
import { Literal, Var, type Atom, type Eqn, type Jaxpr } from "./core/jaxpr.ts";
import type { Frame } from "./core/source.ts";
import { stage } from "./core/stage.ts";
import type { NDArray } from "./core/array.ts";
import { InternalError } from "./errors.ts";
import { flatFunction, flattenArgs, requireFunction, type AnyFunction } from "./api/flat.ts";
import { vjpProgram } from "./api/vjpProgram.ts";
import { shortBytes, formatFlops } from "./bytes.ts";
import type { Cost } from "./passes/costs.ts";
import { backwardProgram, consumersOf, recomputeCost, type Consumer } from "./residualUses.ts";

export type ResidualKind = "argument" | "constant" | "literal" | "named" | "jit" | "output";

/** One value that is kept from the forward to the backward pass. */
export interface Residual {
  readonly aval: ShapedArray;
  readonly bytes: number;
  readonly kind: ResidualKind;
  /** The argument with its path, the given name, the jitted function, or the primitive. */
  readonly name: string | null;
  /** The equation that makes it. */
  readonly eqn: Eqn | null;
  /** Where in the user's code it is made. */
  readonly source: Frame | null;
  /** The line that `printSavedResiduals` prints. */
  readonly text: string;
  /** Its place among the residuals in the order in which `vjp` keeps them. */
  readonly index: number;
}

/** A residual with what becomes of it. The last two are worked out when they are read. */
export interface SavedResidual extends Residual {
  /** The equations of the backward program that read it. */
  readonly consumers: readonly Consumer[];
  /** What it costs to compute it again from the arguments and the other residuals; null for what cannot be: arguments, constants, literals. */
  readonly recompute: Cost | null;
}

export type { Consumer, Cost };

/**
 * The residuals of `f` at these arguments: literals first, then constants, arguments, and all others in program order.
 *
 * @example
 * savedResiduals((x: NDArray) => np.sin(np.sin(x)), np.zeros([3])).map((r) => r.text);
 */
export function savedResiduals<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): SavedResidual[] {
  const { jaxpr, numResiduals } = traceVjp(f, args);
  const outs = jaxpr.outvars.slice(jaxpr.outvars.length - numResiduals);
  const makers = new Map(jaxpr.eqns.map((e) => [e.outvars[0], e]));
  // A residual that is kept rounded to its own precision stands for the value before.
  const kept = new Set<Atom>(outs.flatMap((x) => [x, ...(isRounding(makers.get(x)) ? [unrounded(x, makers)] : [])]));
  let readers: readonly (readonly Consumer[])[] | null = null;
  return residualsOf(jaxpr, numResiduals, argNames(f, args)).map((row) => ({
    ...row,
    get consumers() {
      readers ??= consumersOf(backwardProgram(f, args), numResiduals);
      return readers[row.index];
    },
    get recompute() {
      return row.eqn === null ? null : recomputeCost(jaxpr, unrounded(outs[row.index], makers), kept);
    },
  }));
}

const isRounding = (eqn: Eqn | undefined): boolean => eqn?.primitive.name === "reduce_precision";

function unrounded(x: Atom, makers: ReadonlyMap<Atom, Eqn>): Var {
  const eqn = makers.get(x);
  return eqn !== undefined && isRounding(eqn) ? eqn.invars[0] : x;
}

export interface PrintResidualsOptions {
  /** Adds the bytes of each value, who reads it in the backward pass, what computing it again would cost, and totals. */
  readonly bytes?: boolean;
}

/**
 * Prints what `f` keeps for its backward pass, one line a value, as JAX does. Options come first.
 *
 * @example
 * printSavedResiduals((x: NDArray) => np.sin(x), np.zeros([3]));
 * printSavedResiduals({ bytes: true }, (x: NDArray) => np.sin(x), np.zeros([3]));
 */
export function printSavedResiduals<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): void;
export function printSavedResiduals<A extends readonly unknown[]>(
  options: PrintResidualsOptions,
  f: (...args: A) => unknown,
  ...args: A
): void;
export function printSavedResiduals(first: unknown, ...rest: readonly unknown[]): void {
  const bare = typeof first === "function";
  const options = bare ? {} : (first as PrintResidualsOptions);
  const f = bare ? first : rest[0];
  requireFunction(f, "printSavedResiduals");
  const residuals = savedResiduals(f as (...args: unknown[]) => unknown, ...(bare ? rest : rest.slice(1)));
  for (const line of options.bytes === true ? residualTable(residuals) : residuals.map((r) => r.text))
    console.log(line);
}

/** One line a residual with size, cost and readers, then totals. */
export function residualTable(residuals: readonly SavedResidual[]): string[] {
  const rows = residuals.map((r) => [
    r.text,
    shortBytes(r.bytes),
    r.recompute === null ? "" : formatFlops(r.recompute.flops),
    readersText(r.consumers),
  ]);
  const total = (part: readonly SavedResidual[]): number => part.reduce((sum, r) => sum + r.bytes, 0);
  const made = residuals.filter((r) => r.eqn !== null);
  const header = ["residual", "bytes", "recompute", "read by"];
  const widths = header.map((h, i) => Math.max(h.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    [cells[0].padEnd(widths[0]), cells[1].padStart(widths[1]), cells[2].padStart(widths[2]), cells[3]]
      .join("  ")
      .trimEnd();
  return [
    ...[header, ...rows].map(line),
    `total: ${shortBytes(total(residuals))}, of which ${shortBytes(total(made))} in ${String(made.length)} computed values and ` +
      `${shortBytes(total(residuals) - total(made))} in arguments and constants`,
  ];
}

/** The first readers in words, the others by number. */
function readersText(consumers: readonly Consumer[]): string {
  // Dead code of the backward pass: a compiled program neither keeps nor computes it.
  if (consumers.length === 0) return "nothing";
  const shown = consumers.slice(0, 2).map((c) => (c.recomputes ? `${c.text} (recomputing)` : c.text));
  return shown.join(", ") + (consumers.length > 2 ? ` and ${String(consumers.length - 2)} more` : "");
}

/** The forward program of `vjp(f, ...args)`: outputs, then residuals. */
export function traceVjp(f: AnyFunction, args: readonly unknown[]): { jaxpr: Jaxpr; numResiduals: number } {
  const flat = flattenArgs(f, args, "asFloats");
  const g = flatFunction(f, flat.treedef, "vjp");
  const { closed, extra } = stage(
    flat.leaves.map((x) => x.aval),
    (leaves) => {
      const program = vjpProgram(g.call, leaves, null);
      return { outs: [...program.outs, ...program.residuals] as NDArray[], extra: program.residuals.length };
    },
  );
  return { jaxpr: closed.jaxpr, numResiduals: extra };
}

/** The residual outputs of a forward program, described. */
export function residualsOf(jaxpr: Jaxpr, numResiduals: number, names: readonly string[]): Residual[] {
  const outs = jaxpr.outvars.slice(jaxpr.outvars.length - numResiduals);
  const results: Residual[] = outs.flatMap((x, i) =>
    x instanceof Literal ? [plain(x.aval, i, "literal", "from a literal")] : [],
  );
  // Rounding to the own precision makes no value: what was rounded is the residual.
  const rounded = new Map(
    jaxpr.eqns.filter((e) => e.primitive.name === "reduce_precision").map((e) => [e.outvars[0], e.invars[0]]),
  );
  const wanted = new Map<Atom, number>(outs.flatMap((x, i) => (x instanceof Var ? [[rounded.get(x) ?? x, i]] : [])));
  for (const v of jaxpr.constvars) {
    const at = wanted.get(v);
    if (at !== undefined) results.push(plain(v.aval, at, "constant", "from a constant"));
  }
  jaxpr.invars.forEach((v, i) => {
    const at = wanted.get(v);
    if (at === undefined) return;
    results.push({ ...plain(v.aval, at, "argument", `from the argument ${names[i]}`), name: names[i] });
  });
  for (const eqn of jaxpr.eqns) {
    for (const v of eqn.outvars) {
      const at = wanted.get(v);
      if (at !== undefined) results.push(produced(v, at, eqn));
    }
  }
  if (results.length !== outs.length) {
    throw new InternalError(
      `${outs.length} residuals were counted and ${results.length} described: a value and its rounding are both kept`,
    );
  }
  return results;
}

function plain(aval: ShapedArray, index: number, kind: ResidualKind, text: string): Residual {
  return {
    aval,
    bytes: aval.nbytes,
    kind,
    name: null,
    eqn: null,
    source: null,
    text: `${String(aval)} ${text}`,
    index,
  };
}

function produced(v: Var, index: number, eqn: Eqn): Residual {
  const place = String(eqn.source ?? "");
  const { primitive, params } = eqn;
  const describe = (): [ResidualKind, string, string] => {
    if (primitive.name === "name")
      return ["named", params.name as string, `named '${params.name as string}' from ${place}`];
    if (primitive.name === "jit") {
      return ["jit", params.name as string, `output of jitted function '${params.name as string}' from ${place}`];
    }
    return ["output", primitive.name, `output of ${primitive.name} from ${place}`];
  };
  const [kind, name, text] = describe();
  return { ...plain(v.aval, index, kind, text), name, eqn, source: eqn.source?.frame ?? null };
}

/**
 * Tells, for every checkpointed call that is differentiated from now on, which inputs and which intermediate values it keeps; `null` ends it. By
 * default the message goes to `console.warn`.
 *
 * @example
 * logCheckpointResiduals((message) => console.log(message));
 * logCheckpointResiduals(null);
 */
export function logCheckpointResiduals(
  log: ((message: string) => void) | null = (message) => console.warn(message),
): void {
  if (log === null) {
    listenToCheckpoints(null);
    return;
  }
  listenToCheckpoints(({ inputs, known, numResiduals }) => {
    const names = known.invars.map(() => "at flattened index {i}");
    const body = residualsOf(known, numResiduals, names).map(
      (r) => `  ${r.aval.toLongString()} from ${r.text.slice(r.aval.toString().length + 1)}\n`,
    );
    const saved = inputs.map((a) => `  ${a.toLongString()}\n`);
    log(
      "remat-decorated function " +
        (saved.length > 0 ? `saving inputs with shapes:\n${saved.join("")}` : "") +
        (saved.length > 0 && body.length > 0 ? "and " : "") +
        (body.length > 0 ? `saving these intermediates:\n${body.join("")}` : ""),
    );
  });
}
