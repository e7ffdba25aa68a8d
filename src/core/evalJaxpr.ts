/**
 * Replays a jaxpr equation by equation in the current trace. This is how every pass that is written as an interpreter runs over a
 * program: replaying under `jvp` differentiates it, under staging rewrites it.
 */
import type { NDArray } from "./array.ts";
import { bind } from "./interpreter.ts";
import { Literal, type Atom, type ClosedJaxpr, type Eqn, type Jaxpr, type Var } from "./jaxpr.ts";
import { swapSource } from "./source.ts";
import { zip } from "./zip.ts";

/** Performs one equation on values. */
export function rebind(eqn: Eqn, args: readonly NDArray[]): readonly NDArray[] {
  const { primitive, params } = eqn;
  return primitive.rebind === undefined ? bind(primitive, args, params) : primitive.rebind(args, params);
}

/** The outputs of `jaxpr` for the given constants and inputs, computed by the current trace. */
export function evalJaxpr(jaxpr: Jaxpr, consts: readonly NDArray[], args: readonly NDArray[]): NDArray[] {
  const env = new Map<Var, NDArray>();
  for (const [v, c] of zip(jaxpr.constvars, consts)) env.set(v, c);
  for (const [v, x] of zip(jaxpr.invars, args)) env.set(v, x);
  const read = (x: Atom): NDArray => (x instanceof Literal ? x.value : (env.get(x) as NDArray));
  const saved = swapSource(undefined);
  const outside = saved;
  try {
    for (const eqn of jaxpr.eqns) {
      swapSource(eqn.source ?? outside);
      const outs = rebind(eqn, eqn.invars.map(read));
      for (let i = 0; i < eqn.outvars.length; i++) env.set(eqn.outvars[i], outs[i]);
    }
  } finally {
    swapSource(saved);
  }
  return jaxpr.outvars.map(read);
}

/** A closed jaxpr as a function of flat values. */
export const asFunction =
  (closed: ClosedJaxpr<NDArray>) =>
  (args: readonly NDArray[]): NDArray[] =>
    evalJaxpr(closed.jaxpr, closed.consts, args);
