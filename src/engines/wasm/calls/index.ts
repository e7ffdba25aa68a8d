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

const codes: Readonly<Record<string, CallCode>> = { gather, ...scatters };

/** The name of steps that have such code. */
export const CODE = "code";

export function codeOf(eqn: Eqn, inAvals: readonly ShapedArray[]): Routine | null {
  const { name } = eqn.primitive;
  const code = Object.hasOwn(codes, name) ? codes[name] : null;
  if (code?.fits(eqn, inAvals) !== true) return null;
  const bytes = code.workspace?.(inAvals) ?? 0;
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
