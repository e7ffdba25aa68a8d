/**
 * Sums, maxima and minima along named axes. Batching turns the names into axes of the array, so that in a program they are the plain reductions, and are
 * compiled as these.
 */
import type { Eqn } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import type { CollectiveParams } from "../primitives/collectives.ts";
import { reduceMax, reduceMin } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/shape.ts";

const plain: Readonly<Record<string, Primitive>> = { psum: reduceSum, pmax: reduceMax, pmin: reduceMin };

/** The reduction that stands for one along a named axis; null for all other equations. */
export function asReduction(eqn: Eqn): Eqn[] | null {
  const { name } = eqn.primitive;
  if (!Object.hasOwn(plain, name)) return null;
  const { axes } = eqn.params as unknown as CollectiveParams;
  return axes.every((axis) => typeof axis === "number")
    ? [{ ...eqn, primitive: plain[name], params: { axes, out_sharding: null } }]
    : null;
}
