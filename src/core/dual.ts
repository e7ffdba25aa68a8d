/**
 * Values that are pairs of a primal and a tangent, as both ways to differentiate need them: pushed forward together (`jvp.ts`), or with the tangent
 * written down for later (`linearize.ts`).
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import { Trace, Tracer } from "./interpreter.ts";
import type { Tangent } from "./primitive.ts";

export class DualTracer extends Tracer {
  readonly trace: DualTrace;
  readonly primal: NDArray;
  readonly tangent: NDArray;

  constructor(trace: DualTrace, primal: NDArray, tangent: NDArray) {
    super();
    this.trace = trace;
    this.primal = primal;
    this.tangent = tangent;
  }

  get aval(): ShapedArray {
    return this.primal.aval;
  }

  override concrete(): NDArray | null {
    return this.primal instanceof Tracer ? this.primal.concrete() : this.primal;
  }

  override origin(): string {
    return this.primal instanceof Tracer ? this.primal.origin() : "";
  }
}

/** Operands taken apart; `constant` if none has a tangent. */
export interface Duals {
  readonly primals: NDArray[];
  readonly tangents: Tangent[];
  readonly constant: boolean;
}

export abstract class DualTrace extends Trace {
  /** The trace to which primal calls go. */
  readonly parent: Trace;
  live = true;

  constructor(parent: Trace) {
    super();
    this.parent = parent;
  }

  /** Pairs a primal with its tangent; without one, the primal stands for itself. */
  wrap(primal: NDArray, tangent: Tangent): NDArray {
    return tangent === null || tangent.dtype === "float0" ? primal : new DualTracer(this, primal, tangent);
  }

  unwrap(x: NDArray): [primal: NDArray, tangent: Tangent] {
    return x instanceof DualTracer && x.trace === this ? [x.primal, x.tangent] : [x, null];
  }

  unwrapAll(xs: readonly NDArray[]): Duals {
    const primals: NDArray[] = [];
    const tangents: Tangent[] = [];
    let constant = true;
    for (const x of xs) {
      const [primal, tangent] = this.unwrap(x);
      primals.push(primal);
      tangents.push(tangent);
      constant &&= tangent === null;
    }
    return { primals, tangents, constant };
  }
}
