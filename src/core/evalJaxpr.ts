/**
 * Replays a jaxpr equation by equation in the current trace. This is how every pass that is written as an interpreter runs over a
 * program: replaying under `jvp` differentiates it, under staging rewrites it.
 */
import type { NDArray } from "./array.ts";
import { bind } from "./interpreter.ts";
import { Literal, type Atom, type ClosedJaxpr, type Eqn, type Jaxpr } from "./jaxpr.ts";
import { swapReplaying } from "./memo.ts";
import { swapSource } from "./source.ts";
import { InternalError } from "../errors.ts";

/** Performs one equation on values. */
export function rebind(eqn: Eqn, args: readonly NDArray[]): readonly NDArray[] {
  const { primitive, params } = eqn;
  return primitive.rebind === undefined ? bind(primitive, args, params) : primitive.rebind(args, params);
}

/** A program with numbered places in place of variables. */
interface Plan {
  readonly size: number;
  /** For each equation, the places of its operands (literals as they are) and of its outputs. */
  readonly steps: readonly { readonly inputs: readonly (number | Literal)[]; readonly outs: readonly number[] }[];
  readonly outs: readonly (number | Literal)[];
}

const plans = new WeakMap<Jaxpr, Plan>();

function planOf(jaxpr: Jaxpr): Plan {
  let plan = plans.get(jaxpr);
  if (plan !== undefined) return plan;
  const places = new Map<Atom, number>();
  for (const v of jaxpr.constvars) places.set(v, places.size);
  // An input may be bound twice; the last one counts.
  let size = jaxpr.constvars.length;
  for (const v of jaxpr.invars) places.set(v, size++);
  const read = (x: Atom): number | Literal => (x instanceof Literal ? x : (places.get(x) as number));
  const steps = jaxpr.eqns.map((eqn) => {
    const inputs = eqn.invars.map(read);
    const outs = eqn.outvars.map((v) => {
      places.set(v, size);
      return size++;
    });
    return { inputs, outs };
  });
  plan = { size, steps, outs: jaxpr.outvars.map(read) };
  plans.set(jaxpr, plan);
  return plan;
}

/** The outputs of `jaxpr` for the given constants and inputs, computed by the current trace. */
export function evalJaxpr(jaxpr: Jaxpr, consts: readonly NDArray[], args: readonly NDArray[]): NDArray[] {
  const { constvars, invars, eqns } = jaxpr;
  if (consts.length !== constvars.length || args.length !== invars.length) {
    throw new InternalError(
      `a program of ${constvars.length} constants and ${invars.length} inputs was given ${consts.length} and ${args.length}`,
    );
  }
  const plan = planOf(jaxpr);
  const env: NDArray[] = [...consts, ...args];
  const read = (x: number | Literal): NDArray => (typeof x === "number" ? env[x] : x.value);
  const saved = swapSource(undefined);
  const replaying = swapReplaying(true);
  try {
    for (let i = 0; i < eqns.length; i++) {
      const eqn = eqns[i];
      const { inputs, outs: places } = plan.steps[i];
      swapSource(eqn.source ?? saved);
      const outs = rebind(eqn, inputs.map(read));
      for (let j = 0; j < places.length; j++) env[places[j]] = outs[j];
    }
  } finally {
    swapReplaying(replaying);
    swapSource(saved);
  }
  return plan.outs.map(read);
}

/** A closed jaxpr as a function of flat values. */
export const asFunction =
  (closed: ClosedJaxpr<NDArray>) =>
  (args: readonly NDArray[]): NDArray[] =>
    evalJaxpr(closed.jaxpr, closed.consts, args);
