/**
 * The protocol of checkpoint policies: a function that is asked about each equation whose operands are known, and answers whether its
 * outputs may be saved for the backward pass. The ready-made policies are in `policies.ts`.
 */
import type { ShapedArray } from "./aval.ts";
import type { Params } from "./jaxpr.ts";
import type { Primitive } from "./primitive.ts";

/** The answer "may be saved"; the same as `true`. */
export const Saveable: unique symbol = Symbol("Saveable");
/** The answer "recompute it"; the same as `false`. */
export const Recompute: unique symbol = Symbol("Recompute");

/** The answer "save it in another memory". The class that users make is `Offloadable` of `primitives/devicePut.ts`, which knows how to copy. */
export abstract class Offload {
  /** The memory kind to copy from, and the one to copy to. */
  readonly src: string;
  readonly dst: string;
  /** The primitive that copies. */
  abstract readonly primitive: Primitive;
  constructor(src: string, dst: string) {
    this.src = src;
    this.dst = dst;
  }
}

export type PolicyAnswer = boolean | typeof Saveable | typeof Recompute | Offload;

/** Says what may be saved: asked with the primitive, the types of all operands, and the parameters of an equation. */
export interface Policy {
  (primitive: Primitive, avals: readonly ShapedArray[], params: Params): PolicyAnswer;
  /** How the policy prints in a jaxpr; by default as a function of its name. */
  readonly printed?: string;
}
