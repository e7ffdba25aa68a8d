/**
 * What a function keeps for its backward pass: `savedResiduals` as data, `printSavedResiduals` in JAX's text, one line a value.
 */
import { argNames } from "./argNames.ts";
import type { ShapedArray } from "./core/aval.ts";
import { listenToCheckpoints } from "./core/config.ts";
import { Literal, Var, type Eqn, type Jaxpr } from "./core/jaxpr.ts";
import type { Frame } from "./core/source.ts";
import { stage } from "./core/stage.ts";
import type { NDArray } from "./core/array.ts";
import { InternalError } from "./errors.ts";
import { flatFunction, flattenArgs, type AnyFunction } from "./api/flat.ts";
import { vjpProgram } from "./api/vjpProgram.ts";

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
}

/**
 * The residuals of `f` at these arguments: literals first, then constants, arguments, and all others in program order.
 *
 * @example
 * savedResiduals((x: NDArray) => np.sin(np.sin(x)), np.zeros([3])).map((r) => r.text);
 */
export function savedResiduals<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): Residual[] {
  const { jaxpr, numResiduals } = traceVjp(f, args);
  return residualsOf(jaxpr, numResiduals, argNames(f, args));
}

/** Prints what `f` keeps for its backward pass, one line a value, as JAX does. */
export function printSavedResiduals<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): void {
  for (const residual of savedResiduals(f, ...args)) console.log(residual.text);
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
  const results: Residual[] = outs.flatMap((x) =>
    x instanceof Literal ? [plain(x.aval, "literal", "from a literal")] : [],
  );
  // Rounding to the own precision makes no value: what was rounded is the residual.
  const rounded = new Map(
    jaxpr.eqns.filter((e) => e.primitive.name === "reduce_precision").map((e) => [e.outvars[0], e.invars[0]]),
  );
  const wanted = new Set(outs.flatMap((x) => (x instanceof Var ? [rounded.get(x) ?? x] : [])));
  for (const v of jaxpr.constvars) if (wanted.has(v)) results.push(plain(v.aval, "constant", "from a constant"));
  jaxpr.invars.forEach((v, i) => {
    if (wanted.has(v)) results.push({ ...plain(v.aval, "argument", `from the argument ${names[i]}`), name: names[i] });
  });
  for (const eqn of jaxpr.eqns) for (const v of eqn.outvars) if (wanted.has(v)) results.push(produced(v, eqn));
  if (results.length !== outs.length) {
    throw new InternalError(
      `${outs.length} residuals were counted and ${results.length} described: a value and its rounding are both kept`,
    );
  }
  return results;
}

function plain(aval: ShapedArray, kind: ResidualKind, text: string): Residual {
  return { aval, bytes: aval.nbytes, kind, name: null, eqn: null, source: null, text: `${String(aval)} ${text}` };
}

function produced(v: Var, eqn: Eqn): Residual {
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
  return { ...plain(v.aval, kind, text), name, eqn, source: eqn.source?.frame ?? null };
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
