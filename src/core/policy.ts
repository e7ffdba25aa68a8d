/**
 * The protocol of checkpoint policies: a function that is asked about each equation whose operands are known, and answers whether its
 * outputs may be saved for the backward pass. The ready-made policies are in `policies.ts`.
 */
import type { ShapedArray } from "./aval.ts";
import type { Eqn, Jaxpr, Params } from "./jaxpr.ts";
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

/** The formats in which a value can be kept with fewer bits. */
export type CompressedFormat = "bf16" | "int8";

/** Programs that write a value with fewer bits, and that read it again. */
export interface Codec {
  readonly encode: Jaxpr;
  readonly decode: Jaxpr;
}

/**
 * The answer "save it with fewer bits". The forward pass goes on with the exact value, the backward pass reads the rounded one. The answer brings
 * the programs that do it, so that programs without compression don't hold them.
 */
export abstract class Compress {
  abstract readonly to: CompressedFormat;
  /** How values of a type are written and read; null if they have no more bits than the format. */
  abstract codecOf(aval: ShapedArray): Codec | null;
}

export type PolicyAnswer = boolean | typeof Saveable | typeof Recompute | Offload | Compress;

/** A policy as JSON: the name of its maker, and what the maker was given. */
export interface PolicyJson {
  readonly policy: string;
  readonly [field: string]: unknown;
}

/** The program that is about to be split, as a policy with `prepare` sees it. */
export interface SplitProgram {
  /** The derivative (jvp) of the checkpointed function. Calls in it are still calls, loops still loops. */
  readonly jaxpr: Jaxpr;
  /** For each input: whether it depends on a tangent, so that nothing that reads it can be computed now. */
  readonly unknownIn: readonly boolean[];
  /** For each input: whether the later program can read it without its being saved. */
  readonly availableIn: readonly boolean[];
  /** For each output: whether the later program must give it, even where it could be computed now. */
  readonly availableOut: readonly boolean[];
}

/** Says what may be saved: asked with the primitive, the types of all operands, and the parameters of an equation. */
export interface Policy {
  (primitive: Primitive, avals: readonly ShapedArray[], params: Params): PolicyAnswer;
  /** How the policy prints in a jaxpr; by default as a function of its name. */
  readonly printed?: string;
  /** What it is as data: `policyToJSON` gives it. A function of the user's own has none. */
  readonly json?: PolicyJson;
  /** Asked in place of the function where it is there: the answer depends on which equation it is. */
  readonly answer?: (eqn: Eqn) => PolicyAnswer;
  /**
   * Sees a whole program before it is split, and gives the policy that is asked about its equations and those of the calls inside. Asked once for
   * each program; for bodies of loops and branches, it is asked of the policy that it gave.
   */
  readonly prepare?: (program: SplitProgram) => Policy;
}

/** What a policy answers for an equation. */
export const askPolicy = (policy: Policy, eqn: Eqn): PolicyAnswer =>
  policy.answer === undefined
    ? policy(
        eqn.primitive,
        eqn.invars.map((x) => x.aval),
        eqn.params,
      )
    : policy.answer(eqn);

const constant = (answer: boolean, name: string, printed: string): Policy =>
  Object.assign(() => answer, {
    printed: `<function ${printed} at 0xXXXXXXXXXXXX>`,
    json: { policy: name },
    toJSON: () => ({ policy: name }),
  });

/** Everything may be saved, as without checkpoint. */
export const everythingSaveable: Policy = constant(true, "everythingSaveable", "everything_saveable");
/** Nothing is saved but the arguments; the same as no policy. */
export const nothingSaveable: Policy = constant(false, "nothingSaveable", "nothing_saveable");
