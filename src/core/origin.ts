/** Where an unknown value of a staged program comes from, for the message of an error. */
import { Literal, type Atom } from "./jaxpr.ts";
import type { StageTracer } from "./stage.ts";

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
