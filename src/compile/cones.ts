/**
 * A fused kernel with several results, in parts. The compiler joins what reads the same values into one kernel: the sine that the next layer
 * reads and the cosine that only the backward pass reads. Repeating such a kernel as a whole, to have the sine again, would compute
 * the cosine twice as well, and the planner could never put the cosine off until it is needed. So results that share no equation are steps of their own to
 * the planner, with the equations they follow from, back to what other results of the kernel are. A value that several results follow from is a step, too, if
 * it may be kept in place of what it follows from. Where steps of one kernel stand side by side in a plan, the compiler joins them again.
 */
import type { Atom, Eqn, Var } from "../core/jaxpr.ts";

/** The equations of a part of a kernel, in their order, and its result. */
export interface Cone {
  readonly eqns: readonly Eqn[];
  readonly outputs: readonly Var[];
}

/** What surrounds a kernel. */
export interface Surroundings {
  /** The values that a value follows from by equations that are free. */
  readonly sourcesOf: (x: Atom) => readonly Atom[];
  /** Whether one equation alone reads a value of another kernel. */
  readonly readOnce: (x: Atom) => boolean;
}

/** The parts of a kernel; the kernel itself where it has one result, or an equation that must not run twice. */
export function conesOf(eqns: readonly Eqn[], outputs: readonly Var[], around: Surroundings): readonly Cone[] {
  const whole = [{ eqns, outputs }];
  if (outputs.length < 2 || eqns.some((e) => e.effectful === true)) return whole;
  const producer = new Map<Atom, Eqn>();
  for (const e of eqns) for (const v of e.outvars) producer.set(v, e);
  const ends = new Map<Eqn, readonly Var[]>();
  for (const e of eqns) {
    const own = e.outvars.filter((v) => outputs.includes(v));
    if (own.length > 0) ends.set(e, own);
  }
  if (ends.size < 2) return whole;
  const cones = (): Set<Eqn>[] => [...ends.keys()].map((end) => coneOf(end, producer, ends, around));
  const first = cones();
  for (const e of eqns) {
    const shared = !ends.has(e) && first.filter((cone) => cone.has(e)).length > 1;
    if (shared && takesPlace(e, producer, around)) ends.set(e, e.outvars);
  }
  return merged(
    eqns,
    [...ends].map(([end, own]) => ({ inside: coneOf(end, producer, ends, around), own })),
  );
}

/** Cones that share no equation, in the order of their first results: what shares one is a part together. */
function merged(
  eqns: readonly Eqn[],
  cones: readonly { readonly inside: ReadonlySet<Eqn>; readonly own: readonly Var[] }[],
): readonly Cone[] {
  const parts: { inside: Set<Eqn>; outputs: Var[] }[] = [];
  for (const { inside, own } of cones) {
    const joint = parts.filter((p) => [...inside].some((e) => p.inside.has(e)));
    const part = { inside: new Set(inside), outputs: [...own] };
    for (const p of joint) {
      for (const e of p.inside) part.inside.add(e);
      part.outputs.unshift(...p.outputs);
      parts.splice(parts.indexOf(p), 1);
    }
    parts.push(part);
  }
  return inOrder(
    eqns,
    parts.map(({ inside, outputs }) => ({ eqns: eqns.filter((e) => inside.has(e)), outputs })),
  );
}

/** Parts in an order in which what one reads of another one is there; one part where there is none. */
function inOrder(eqns: readonly Eqn[], parts: readonly Cone[]): readonly Cone[] {
  const place = new Map(eqns.flatMap((e, k) => e.outvars.map((v) => [v, k] as const)));
  const last = ({ outputs }: Cone): number => Math.max(...outputs.map((v) => place.get(v) ?? 0));
  const sorted = [...parts].sort((p, q) => last(p) - last(q));
  const there = new Set<Atom>();
  for (const { eqns: own, outputs } of sorted) {
    const inside = new Set<Atom>(own.flatMap((e) => e.outvars));
    const missing = own.some((e) => e.invars.some((x) => place.has(x) && !inside.has(x) && !there.has(x)));
    if (missing) return [{ eqns, outputs: parts.flatMap((p) => p.outputs) }];
    for (const v of outputs) there.add(v);
  }
  return sorted;
}

/** What a result follows from inside of the kernel, back to other results. */
function coneOf(
  end: Eqn,
  producer: ReadonlyMap<Atom, Eqn>,
  ends: ReadonlyMap<Eqn, unknown>,
  { sourcesOf }: Surroundings,
): Set<Eqn> {
  const inside = new Set<Eqn>([end]);
  for (const e of inside) {
    for (const x of e.invars.flatMap(sourcesOf)) {
      const from = producer.get(x);
      if (from !== undefined && !ends.has(from)) inside.add(from);
    }
  }
  return inside;
}

/** Whether a value that several results follow from may be kept in the place of what it follows from itself, which nobody else reads. */
function takesPlace(eqn: Eqn, producer: ReadonlyMap<Atom, Eqn>, { sourcesOf, readOnce }: Surroundings): boolean {
  const [v] = eqn.outvars;
  if (eqn.outvars.length !== 1 || eqn.primitive.elementwise !== true) return false;
  return eqn.invars.some(
    (x) => sourcesOf(x).includes(x) && !producer.has(x) && x.aval.nbytes === v.aval.nbytes && readOnce(x),
  );
}
