/** The bottom interpreter: every primitive is performed at once, by the current engine, on concrete arrays. */
import { ConcreteArray, type NDArray } from "./array.ts";
import { currentEngine, type RunOptions } from "./engine.ts";
import { setEvalTrace, Trace, Tracer } from "./interpreter.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import type { Params } from "./jaxpr.ts";
import type { Primitive } from "./primitive.ts";
import { leaked } from "./stage.ts";

class EvalTrace extends Trace {
  process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
    const concrete = args.map((x) => requireConcrete(x));
    if (primitive.evaluate !== undefined) return primitive.evaluate(concrete, params);
    const outAvals = primitive.type(
      concrete.map((x) => x.aval),
      params,
    );
    const engine = (params.run as RunOptions | undefined)?.engine ?? currentEngine();
    const outs = engine.apply(primitive, concrete, outAvals, params);
    return outAvals.map((aval, i) => new ConcreteArray(aval, outs[i]));
  }

  stageValue(value: NDArray): NDArray {
    const x = requireConcrete(value);
    return x.literal ? new ConcreteArray(x.aval, x.data) : x;
  }

  customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.fun(args);
  }

  customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.fun(args);
  }
}

function requireConcrete(x: NDArray): ConcreteArray {
  if (x instanceof ConcreteArray) return x;
  throw leaked(x instanceof Tracer ? x : null);
}

/** Makes evaluation the bottom of all interpreters. */
export function installEval(): void {
  setEvalTrace(new EvalTrace());
}
