/**
 * The order of equations. The program's own order is kept, except that what is recomputed waits until it is needed: each such equation
 * stands right before its first reader. So a rematerialized value lives for a moment only, whatever region it belongs to, and the peak falls.
 * What was offloaded comes back as late, and a value is offloaded as soon as it is there.
 */
import type { MemorySpace } from "../core/aval.ts";
import { Literal, type Atom, type Eqn } from "../core/jaxpr.ts";
import type { Flat } from "./lower.ts";
import { pruneEquations } from "../core/liveness.ts";

/** The equations that the outputs need, recomputed ones as late as they can be. */
export function scheduled({ closed, tags }: Flat): readonly Eqn[] {
  const { eqns, outvars } = closed.jaxpr;
  const needed = pruneEquations(eqns, outvars);
  const offloads = offloadsOf(needed);
  if (tags.size === 0 && offloads.size === 0 && !needed.some(restores)) return needed;
  const waits = (eqn: Eqn): boolean =>
    eqn.effectful !== true && (eqn.outvars.some((v) => tags.get(v)?.recomputed === true) || restores(eqn));
  const producer = new Map<Atom, Eqn>();
  const waiting = new Set<Eqn>();
  for (const eqn of needed) {
    if (!waits(eqn)) continue;
    waiting.add(eqn);
    for (const v of eqn.outvars) producer.set(v, eqn);
  }
  const order: Eqn[] = [];
  const write = (eqn: Eqn): void => {
    order.push(eqn);
    for (const v of eqn.outvars) {
      for (const offload of offloads.get(v) ?? []) if (waiting.delete(offload)) order.push(offload);
    }
  };
  /** Writes down all waiting equations that these values need, in dependency order, without recursion. */
  const demand = (xs: readonly Atom[]): void => {
    const stack: { readonly eqn: Eqn; next: number }[] = [];
    const enter = (x: Atom): void => {
      if (x instanceof Literal) return;
      const eqn = producer.get(x);
      if (eqn === undefined || !waiting.has(eqn)) return;
      waiting.delete(eqn);
      stack.push({ eqn, next: 0 });
    };
    for (const x of xs) {
      enter(x);
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        if (top.next < top.eqn.invars.length) enter(top.eqn.invars[top.next++]);
        else write((stack.pop() as { eqn: Eqn }).eqn);
      }
    }
  };
  for (const eqn of needed) {
    if (waits(eqn)) continue;
    demand(eqn.invars);
    write(eqn);
  }
  demand(outvars);
  return order;
}

const movesTo = (eqn: Eqn, space: MemorySpace): boolean =>
  eqn.primitive.name === "device_put" && eqn.outvars.every((v) => v.aval.memorySpace === space);

const restores = (eqn: Eqn): boolean =>
  movesTo(eqn, "device") && eqn.invars.every((x) => x.aval.memorySpace === "host");

/** The equations that offload each value. */
function offloadsOf(eqns: readonly Eqn[]): Map<Atom, Eqn[]> {
  const out = new Map<Atom, Eqn[]>();
  for (const eqn of eqns) {
    if (eqn.invars.length !== 1 || !movesTo(eqn, "host")) continue;
    const [x] = eqn.invars;
    const list = out.get(x);
    if (list === undefined) out.set(x, [eqn]);
    else list.push(eqn);
  }
  return out;
}
