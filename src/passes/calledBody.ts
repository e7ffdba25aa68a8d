/** Which equations are calls that run one body once, operand for input: passes, policies and reports look through them. */
import type { ClosedJaxpr, Eqn, Jaxpr } from "../core/jaxpr.ts";

/** The body of a call whose operands are the inputs of the body, one by one; null for everything else. */
export function calledBody(eqn: Eqn): Jaxpr | null {
  switch (eqn.primitive.name) {
    case "jit":
      return (eqn.params.jaxpr as ClosedJaxpr).jaxpr;
    case "closed_call":
      return (eqn.params.call_jaxpr as ClosedJaxpr).jaxpr;
    case "remat2":
      return eqn.params.jaxpr as Jaxpr;
    default:
      return null;
  }
}
