/** Writing a program down in place of a call of it. */
import type { NDArray } from "./array.ts";
import { Literal, type Atom, type ClosedJaxpr } from "./jaxpr.ts";
import { captureSource } from "./source.ts";
import { StageTracer, type StageTrace } from "./stage.ts";

/** Writes the equations of a program down as they are, as equations of this call. The same bodies stay the same objects. */
export function inlineInto(
  trace: StageTrace,
  { jaxpr, consts }: ClosedJaxpr<NDArray>,
  args: readonly NDArray[],
): NDArray[] {
  const source = captureSource();
  const env = new Map<Atom, StageTracer>();
  jaxpr.constvars.forEach((v, i) => env.set(v, trace.tracerOf(consts[i])));
  jaxpr.invars.forEach((v, i) => env.set(v, trace.tracerOf(args[i])));
  const read = (x: Atom): StageTracer =>
    x instanceof Literal ? new StageTracer(trace, x.aval, x) : (env.get(x) as StageTracer);
  for (const { primitive, invars, outvars, params } of jaxpr.eqns) {
    const tracers = invars.map(read);
    const folded = trace.fold(primitive, tracers, params);
    const avals = outvars.map((v) => v.aval);
    const outs = folded ?? trace.emit(primitive, tracers, params, avals, source);
    outvars.forEach((v, i) => env.set(v, outs[i]));
  }
  return jaxpr.outvars.map(read);
}
