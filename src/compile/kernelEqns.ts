/**
 * The equations of a compiled program, kernel by kernel: which run in which, which only change how others are read, and which are not worth a place in
 * memory. What the compiler did without being asked is part of it: a view that a kernel needed as a copy has a step of its own, and a cheap value that
 * is computed anew where it is read (`cheap.ts`) has none. So the planner's model of memory is that of the program which runs.
 */
import { Literal, type Atom, type Eqn, type Var } from "../core/jaxpr.ts";
import type { Compiled } from "./compile.ts";
import type { OrderedProgram } from "./ordered.ts";
import type { Buffer, Step } from "./program.ts";

export interface KernelEqns {
  /** The equations of each kernel, and its step. */
  readonly members: readonly (readonly Eqn[])[];
  readonly steps: readonly Step[];
  /** The kernel that computes a variable. */
  readonly producer: ReadonlyMap<Atom, number>;
  /** Equations that only change how others are read, and cheap ones that are not kept. */
  readonly free: ReadonlyMap<Var, Eqn>;
  /** Those of them that take time. */
  readonly cheap: readonly Eqn[];
}

export function kernelEqns(ordered: OrderedProgram, { program, buffers }: Compiled): KernelEqns {
  const kernelOf = new Map<Eqn, number>();
  const members: Eqn[][] = [];
  const steps: Step[] = [];
  const inKernels = new Set(program.body.steps.flatMap((s) => eqnsOf(s, new Map())));
  const copied = new Map<Buffer, Eqn>();
  for (const eqn of ordered.eqns) {
    if (inKernels.has(eqn) || eqn.outvars.length !== 1) continue;
    const buffer = buffers.get(eqn.outvars[0]);
    if (buffer !== undefined && buffer.kind === "temporary") copied.set(buffer, eqn);
  }
  for (const step of program.body.steps) {
    const fresh = eqnsOf(step, copied).filter((e) => !kernelOf.has(e));
    if (fresh.length === 0) continue;
    for (const e of fresh) kernelOf.set(e, members.length);
    steps.push(step);
    members.push(fresh);
  }
  const cheap = forgotten(members, steps, buffers);
  const free = new Map<Var, Eqn>();
  const producer = new Map<Atom, number>();
  for (const eqn of ordered.eqns) {
    const kernel = kernelOf.get(eqn);
    for (const v of eqn.outvars) {
      if (kernel === undefined || cheap.has(eqn)) free.set(v, eqn);
      else producer.set(v, kernel);
    }
  }
  return {
    members: members.map((list) => list.filter((e) => !cheap.has(e))),
    steps,
    producer,
    free,
    cheap: [...cheap],
  };
}

function eqnsOf(step: Step, copied: ReadonlyMap<Buffer, Eqn>): readonly Eqn[] {
  if (step.kind === "copy") return [];
  if (step.kind !== "loop") return step.eqn === null ? [] : [step.eqn];
  if (step.eqns.length > 0 || step.stores.length !== 1) return step.eqns;
  const eqn = copied.get(step.stores[0].buffer);
  return eqn === undefined ? [] : [eqn];
}

/** Values that their kernel doesn't store, with what they follow from inside of it, as long as that is no larger. */
function forgotten(
  members: readonly (readonly Eqn[])[],
  steps: readonly Step[],
  buffers: ReadonlyMap<Var, Buffer>,
): ReadonlySet<Eqn> {
  const out = new Set<Eqn>();
  members.forEach((eqns, k) => {
    const step = steps[k];
    if (step.kind !== "loop" || step.eqns.length === 0) return;
    const stores = new Set(step.stores.map((s) => s.buffer));
    const producer = new Map<Atom, Eqn>();
    for (const e of eqns) for (const v of e.outvars) producer.set(v, e);
    const stored = (v: Var): boolean => stores.has(buffers.get(v) as Buffer);
    for (const eqn of eqns) {
      const [v] = eqn.outvars;
      if (eqn.outvars.length !== 1 || !buffers.has(v) || stored(v)) continue;
      const cone = new Set<Eqn>([eqn]);
      let fits = true;
      for (const e of cone) {
        fits &&= e.primitive.elementwise === true;
        for (const x of e.invars) {
          if (x instanceof Literal) continue;
          const from = producer.get(x);
          if (from !== undefined && !stored(x)) cone.add(from);
          else fits &&= x.aval.nbytes <= v.aval.nbytes;
        }
      }
      if (fits) for (const e of cone) out.add(e);
    }
  });
  return out;
}
