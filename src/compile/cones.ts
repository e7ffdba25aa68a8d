/**
 * A fused kernel with several results, in parts. The compiler joins what reads the same values into one kernel: the sine that the next layer
 * reads and the cosine that only the backward pass reads. Repeating such a kernel as a whole, to have the sine again, would compute
 * the cosine twice as well, and the planner could never put the cosine off until it is needed. So each result is a step of its own to the planner: with
 * the equations it follows from, back to what other results of the kernel are. Where steps of one kernel stand side by side in a plan, the compiler joins
 * them again, and what they share runs once.
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
  // In the order of the equations, so that what a part reads of another one is there.
  return eqns
    .filter((e) => ends.has(e))
    .map((end) => {
      const inside = coneOf(end, producer, ends, around);
      return { eqns: eqns.filter((e) => inside.has(e)), outputs: ends.get(end) as readonly Var[] };
    });
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
