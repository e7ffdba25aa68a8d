/** What is said where the value of a traced array was asked for: what was done, where the unknown value comes from, and what to do instead. */
import { Literal, type Atom } from "./jaxpr.ts";
import type { Tracer } from "./interpreter.ts";
import type { StageTracer } from "./stage.ts";
import type { ConcretizationKind } from "../errors.ts";

/** Says on which inputs a value depends, or which lines brought constants into it. */
export function originOf(tracer: StageTracer): string {
  const { debug, invars, eqns } = tracer.trace;
  const traced =
    debug === null ? "" : `\nIt happened while tracing the function ${debug.name} for ${debug.tracedFor}. `;
  if (tracer.atom instanceof Literal) return traced;
  const active = new Set<Atom>([tracer.atom]);
  for (let i = eqns.length - 1; i >= 0; i--) {
    const eqn = eqns[i];
    if (eqn.outvars.some((v) => active.has(v))) for (const x of eqn.invars) active.add(x);
  }
  const names = invars.flatMap((v, i) => (active.has(v) ? [debug?.argNames?.[i] ?? `input ${i}`] : []));
  if (names.length > 0) {
    const list =
      names.length === 1 ? `argument ${names[0]}` : `arguments ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
    return `${traced}The value depends on the ${list}.`;
  }
  const lines = eqns
    .filter((eqn) => eqn.outvars.some((v) => active.has(v)) && eqn.source !== null)
    .slice(0, 5)
    .map((eqn) => `\n  ${eqn.primitive.name} from ${String(eqn.source)}`);
  return lines.length > 0 ? `${traced}It became a tracer through these operations:${lines.join("")}` : traced;
}

const HINT =
  "\n\nConsider using the `static_argnums` parameter for `jax.remat` or `jax.checkpoint` (here: staticArgnums). See the `jax.checkpoint` docstring " +
  "and its example involving `static_argnums`:\nhttps://docs.jax.dev/en/latest/_autosummary/jax.checkpoint.html\n";

/** The message of a `ConcretizationTypeError`. */
export function explainUnknown(x: Tracer, kind: ConcretizationKind): string {
  const place = x.place();
  const origin = (place === "" ? "" : `\nThis happened at ${place}.`) + x.origin();
  const asked = {
    number: "a traced array was used as a JavaScript number (in `>`, `+`, `Math.sin`, `isNaN`, ...)",
    string: "a traced array was used as a string",
    json: "a traced array was given to JSON.stringify",
    bool: "a traced array was used as the condition of host control flow (`if`, `&&`, `while`)",
    int: "a traced array was used as a host integer",
    float: "a traced array was used as a host number",
    item: "the element of a traced array was read",
  }[kind];
  const advice =
    "Use np.where, lax.cond or lax.whileLoop in place of control flow, np.sin and its like in place of Math, methods such as " +
    "x.add(1) in place of operators; or compute the value outside, or mark the argument as static (staticArgnums). " +
    "Where the value is known, as under eager grad, x.item() gives it.";
  const hint = origin.includes("for checkpoint") ? HINT : "";
  return `${asked}: its type is ${x.aval.toLongString()}, and its value is not known while tracing.${origin}\n${advice}${hint}`;
}
