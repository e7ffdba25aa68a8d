/**
 * Plans as orders of equations. What runs again has variables of its own; what is spilled goes to host memory after the step that makes it, and
 * comes back before the step that reads it next.
 */
import type { NDArray } from "../core/array.ts";
import type { MemorySpace } from "../core/aval.ts";
import { ClosedJaxpr, Literal, Var, type Atom, type Eqn } from "../core/jaxpr.ts";
import { pruneEquations } from "../core/liveness.ts";
import { devicePutP } from "../primitives/devicePut.ts";
import type { KernelGraph } from "./kernelGraph.ts";
import type { Tag } from "./lower.ts";
import type { OrderedProgram } from "./ordered.ts";

/** A value that is away for a while; places count in the sequence of a plan. */
export interface Spill {
  /** Where the instance is made, and which output of its group it is. */
  readonly at: number;
  readonly output: number;
  /** The place of the next reader. */
  readonly until: number;
}

/** A program in the order of a plan, and the place in the plan of each of its equations. */
export interface Reordered extends OrderedProgram {
  readonly places: ReadonlyMap<Eqn, number>;
}

/**
 * The equations of a program in the order of a plan: what runs again has variables of its own. Parts of a kernel that stand side by side share
 * what both need.
 */
export function reordered(
  ordered: OrderedProgram,
  { groups, free }: KernelGraph,
  sequence: readonly number[],
  spills: readonly Spill[] = [],
): Reordered {
  const { flat } = ordered;
  const { jaxpr } = flat.closed;
  const env = new Map<Atom, Atom>();
  const seen = new Set<Eqn>();
  /** The parts of the kernel that is being written, and its equations so far. */
  const block = new Set<number>();
  const written = new Set<Eqn>();
  let kernel = -1;
  const eqns: Eqn[] = [];
  const tags = new Map<Var, Tag>(flat.tags);
  const copies = new Map<string, Eqn>();
  const ids = new Map<Atom, number>();
  const id = (x: Atom): number => {
    let n = ids.get(x);
    if (n === undefined) ids.set(x, (n = ids.size));
    return n;
  };
  let region = 1_000_000;
  /** The current instance of a value; free equations are written down again for new instances of what they read. */
  const read = (x: Atom): Atom => {
    if (x instanceof Literal) return x;
    const eqn = free.get(x);
    if (eqn === undefined) return env.get(x) ?? x;
    const invars = eqn.invars.map(read);
    const which = eqn.outvars.indexOf(x);
    const key = `${String(id(eqn.outvars[0]))} ${invars.map(id).join()}`;
    let copy = copies.get(key);
    if (copy === undefined) {
      const original = invars.every((v, i) => v === eqn.invars[i]);
      copy = original ? eqn : { ...eqn, invars, outvars: eqn.outvars.map((v) => new Var(v.aval)) };
      copies.set(key, copy);
      eqns.push(copy);
    }
    return copy.outvars[which];
  };
  const places = new Map<Eqn, number>();
  const put = (x: Atom, space: MemorySpace): Var => {
    const to = new Var(x.aval.update({ memorySpace: space }));
    eqns.push({ primitive: devicePutP, invars: [x], outvars: [to], params: { devices: [space] }, source: null });
    return to;
  };
  const away = new Map<Spill, Var>();
  const leaving = byPlace(spills, (s) => s.at);
  const coming = byPlace(spills, (s) => s.until);
  sequence.forEach((g, place) => {
    for (const spill of coming.get(place) ?? []) {
      env.set(groups[sequence[spill.at]].outputs[spill.output], put(away.get(spill) as Var, "device"));
    }
    if (groups[g].kernel !== kernel || block.has(g)) {
      kernel = groups[g].kernel;
      block.clear();
      written.clear();
      region++;
    }
    block.add(g);
    for (const eqn of groups[g].eqns) {
      if (written.has(eqn)) continue;
      written.add(eqn);
      const again = seen.has(eqn);
      seen.add(eqn);
      const invars = eqn.invars.map(read);
      const outvars = again ? eqn.outvars.map((v) => new Var(v.aval)) : eqn.outvars;
      const own = invars.every((v, i) => v === eqn.invars[i]) && !again ? eqn : { ...eqn, invars, outvars };
      eqns.push(own);
      places.set(own, place);
      eqn.outvars.forEach((v, i) => env.set(v, outvars[i]));
      if (again) for (const v of outvars) tags.set(v, { region, recomputed: true });
    }
    for (const spill of leaving.get(place) ?? []) {
      const v = groups[g].outputs[spill.output];
      away.set(spill, put(env.get(v) ?? v, "host"));
    }
  });
  const outvars = jaxpr.outvars.map(read);
  const kept = pruneEquations(eqns, outvars);
  const closed = new ClosedJaxpr<NDArray>(jaxpr.replace({ eqns: kept, outvars }), flat.closed.consts);
  return { flat: { closed, tags }, eqns: kept, places };
}

function byPlace(spills: readonly Spill[], placeOf: (spill: Spill) => number): Map<number, Spill[]> {
  const out = new Map<number, Spill[]>();
  for (const spill of spills) {
    const list = out.get(placeOf(spill));
    if (list === undefined) out.set(placeOf(spill), [spill]);
    else list.push(spill);
  }
  return out;
}
