/** Dead-code elimination: the program that computes only some of the outputs, and the inputs it still needs. */
import { Memo, flags } from "../core/memo.ts";
import { Jaxpr, type Atom } from "../core/jaxpr.ts";
import { pruneEquations } from "../core/liveness.ts";

export interface Pruned {
  readonly jaxpr: Jaxpr;
  readonly usedIn: readonly boolean[];
}

const cache = new Memo<Jaxpr, Pruned>();

/** Keeps the outputs where `usedOut` is true, and inputs that are needed or where `keepIn` is true. */
export function dce(jaxpr: Jaxpr, usedOut: readonly boolean[], keepIn: readonly boolean[] | boolean = false): Pruned {
  const keep = typeof keepIn === "boolean" ? jaxpr.invars.map(() => keepIn) : keepIn;
  return cache.get(jaxpr, `${flags(usedOut)}/${flags(keep)}`, () => {
    const outvars = jaxpr.outvars.filter((_, i) => usedOut[i]);
    const needed = new Set<Atom>();
    const eqns = pruneEquations(jaxpr.eqns, outvars, needed);
    const usedIn = jaxpr.invars.map((v, i) => keep[i] || needed.has(v));
    const debug = jaxpr.debug;
    const argNames = debug?.argNames?.filter((_, i) => usedIn[i]);
    return {
      jaxpr: new Jaxpr(
        jaxpr.constvars,
        jaxpr.invars.filter((_, i) => usedIn[i]),
        eqns,
        outvars,
        debug === null ? null : { ...debug, argNames },
      ),
      usedIn,
    };
  });
}
