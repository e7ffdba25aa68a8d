/**
 * What computes: an engine performs one primitive on concrete arrays. `engines/js` is the reference; one engine is the default, and
 * which one is a setting of the process.
 */
import type { ConcreteArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { TypedArray } from "./dtype.ts";
import type { Params } from "./jaxpr.ts";
import type { Primitive } from "./primitive.ts";
import { InternalError } from "../errors.ts";

export interface Engine {
  readonly name: string;
  /** The elements of each output (of type `outAvals[i]`); must not write to the operands' buffers, may share them. */
  apply(
    primitive: Primitive,
    args: readonly ConcreteArray[],
    outAvals: readonly ShapedArray[],
    params: Params,
  ): readonly TypedArray[];
}

let engine: Engine | null = null;

export const currentEngine = (): Engine => {
  if (engine === null) throw new InternalError("no engine is installed: import remat, or call setEngine");
  return engine;
};

/** Chooses the engine that evaluates from now on. */
export function setEngine(next: Engine): void {
  engine = next;
}
