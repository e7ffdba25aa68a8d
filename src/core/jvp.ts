/** Forward-mode differentiation: every value is a pair (primal, tangent), and each primitive's jvp rule runs in the trace below. */
import type { NDArray } from "./array.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import { DualTrace } from "./dual.ts";
import { bindWith, type Trace, withTrace } from "./interpreter.ts";
import type { Params } from "./jaxpr.ts";
import type { Primitive, Tangent } from "./primitive.ts";
import { captureSource, withSource } from "./source.ts";
import { NotDifferentiableError } from "../errors.ts";

export class JvpTrace extends DualTrace {
  process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
    const { primals, tangents, constant } = this.unwrapAll(args);
    if (constant) return bindWith(this.parent, primitive, primals, params);
    const rule = primitive.jvp;
    if (rule === undefined) throw noDerivative(primitive);
    const outs = withSource(captureSource(), () => withTrace(this.parent, () => rule(primals, tangents, params)));
    return outs.primals.map((x, i) => this.wrap(x, outs.tangents[i]));
  }

  stageValue(value: NDArray): NDArray {
    const [primal, tangent] = this.unwrap(value);
    return this.wrap(this.parent.stageValue(primal), tangent === null ? null : this.parent.stageValue(tangent));
  }

  override meet(value: NDArray): void {
    this.parent.meet(this.unwrap(value)[0]);
  }

  customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.rules.push(this, call, args);
  }

  customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.rules.push(this, call, args);
  }
}

/** The error for a primitive that has no derivative rule. */
export function noDerivative(primitive: Primitive): NotDifferentiableError {
  return new NotDifferentiableError(
    `differentiation of '${primitive.name}' was asked for, and there is no rule: Differentiation rule for '${primitive.name}' not ` +
      "implemented. Keep it out of what is differentiated (stopGradient), or give the function around it a rule (customJvp, customVjp).",
  );
}

/** Values and tangents of `fn` at `primals`; a `null` tangent is a symbolic zero. */
export function jvpFlat(
  fn: (args: readonly NDArray[]) => readonly NDArray[],
  parent: Trace,
  primals: readonly NDArray[],
  tangents: readonly Tangent[],
): { primals: NDArray[]; tangents: Tangent[] } {
  const trace = new JvpTrace(parent);
  try {
    const outs = withTrace(trace, () => fn(primals.map((x, i) => trace.wrap(x, tangents[i]))));
    const pairs = outs.map((x) => trace.unwrap(x));
    return { primals: pairs.map((p) => p[0]), tangents: pairs.map((p) => p[1]) };
  } finally {
    trace.live = false;
  }
}
