/** What the js engine has for each primitive: a function from operands to the elements of each output. */
import type { ConcreteArray } from "../../core/array.ts";
import type { ShapedArray } from "../../core/aval.ts";
import type { TypedArray } from "../../core/dtype.ts";
import type { Params } from "../../core/jaxpr.ts";

/** Must not write to the operands' buffers; may return one of them where the elements do not change. */
export type Kernel = (
  args: readonly ConcreteArray[],
  outAvals: readonly ShapedArray[],
  params: Params,
) => readonly TypedArray[];
