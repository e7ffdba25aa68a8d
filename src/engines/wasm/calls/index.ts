/** The equations that have code of their own in a program, by their primitives. */
import type { ShapedArray } from "../../../core/aval.ts";
import type { Eqn } from "../../../core/jaxpr.ts";
import type { CallStep } from "../../../compile/program.ts";
import type { Routine } from "../../../compile/target.ts";
import { isContiguous } from "../../../compile/view.ts";
import { sizeOf } from "../../../core/aval.ts";
import type { HostFunction } from "../code/host.ts";
import type { FunctionBuilder } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import type { CallCode } from "./callCode.ts";
import { gather, scatters } from "./gather.ts";
import { product } from "./product.ts";
import { randomBits, randomFoldIn, randomSplit } from "./randomBits.ts";
import { reduce, reduceWindow } from "./reduce.ts";
import { sameBytes } from "./sameBytes.ts";
import { scans } from "./scans.ts";
import { sort, topK } from "./sort.ts";

const codes: Readonly<Record<string, CallCode>> = {
  gather,
  ...scatters,
  ...scans,
  reduce_prod: product,
  reduce,
  reduce_window: reduceWindow,
  sort,
  top_k: topK,
  random_bits: randomBits,
  random_split: randomSplit,
  random_fold_in: randomFoldIn,
  random_wrap: sameBytes,
  random_unwrap: sameBytes,
  bitcast_convert_type: sameBytes,
};

/** The name of steps that have such code. */
export const CODE = "code";

export function codeOf(eqn: Eqn, inAvals: readonly ShapedArray[]): Routine | null {
  const { name } = eqn.primitive;
  const code = Object.hasOwn(codes, name) ? codes[name] : null;
  if (inAvals.some((a) => a.size === 0) || code?.fits(eqn, inAvals) !== true) return null;
  const bytes = code.workspace?.(eqn, inAvals) ?? 0;
  return {
    name: CODE,
    updates: code.updates ?? false,
    accepts: (_index, view) => isContiguous(view, sizeOf(view.shape)),
    arrange: (index) => inAvals[index].shape.map((_, d) => d),
    workspace: () => bytes,
  };
}

/** The function of a step: (address of its argument block, 0, 1). */
export function emitCall(
  module: ModuleBuilder,
  step: CallStep,
  host: (name: HostFunction) => Callable,
): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  const count = step.operands.length + step.outputs.length + (step.workspace === null ? 0 : 1);
  const addresses = Array.from({ length: count }, (_, i) => {
    const address = f.local("i32");
    f.get(0)
      .mem("i32.load", 4 * i)
      .set(address);
    return address;
  });
  codes[step.eqn.primitive.name].emit({ f, step, addresses, host });
  return f;
}
