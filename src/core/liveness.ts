/** Dead-code elimination over a list of equations, going into those whose parameters hold a jaxpr by their own rule. */
import type { Atom, Eqn } from "./jaxpr.ts";

/** The equations that `outs` need, in order. `needed` collects every atom that is read. */
export function pruneEquations(eqns: readonly Eqn[], outs: readonly Atom[], needed: Set<Atom> = new Set()): Eqn[] {
  for (const x of outs) needed.add(x);
  const kept: Eqn[] = [];
  for (let i = eqns.length - 1; i >= 0; i--) {
    const eqn = eqns[i];
    const dce = eqn.primitive.dce;
    if (dce !== undefined) {
      const used = eqn.outvars.map((v) => needed.has(v));
      const result = dce(used, eqn);
      if (result.eqn !== null) kept.push(result.eqn);
      for (let j = 0; j < eqn.invars.length; j++) if (result.usedIn[j]) needed.add(eqn.invars[j]);
    } else if (eqn.effectful === true || eqn.outvars.some((v) => needed.has(v))) {
      kept.push(eqn);
      for (const x of eqn.invars) needed.add(x);
    }
  }
  return kept.reverse();
}
