/** Forward-mode differentiation of a program: primals and nonzero tangents in, primals and nonzero tangents out. */
import type { NDArray } from "../core/array.ts";
import { asFunction } from "../core/evalJaxpr.ts";
import { currentTrace } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import { Memo, flags } from "../core/memo.ts";
import { stage } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";

export interface JvpProgram {
  readonly closed: ClosedJaxpr<NDArray>;
  /** Which outputs have a tangent. */
  readonly nonzeroOut: readonly boolean[];
}

const cache = new Memo<ClosedJaxpr<NDArray>, JvpProgram>();

/** `nonzero[i]`: input i has a tangent; `inst[i]`: output i must have one, zeros if need be. */
export function jvpJaxpr(
  jaxpr: ClosedJaxpr<NDArray>,
  nonzero: readonly boolean[],
  inst: readonly boolean[] | boolean = false,
): JvpProgram {
  const force = typeof inst === "boolean" ? jaxpr.jaxpr.outvars.map(() => inst) : inst;
  return cache.get(jaxpr, `${flags(nonzero)}/${flags(force)}`, () => {
    const avals = jaxpr.inAvals;
    const tangentAvals = avals.filter((_, i) => nonzero[i]).map((a) => a.toTangent());
    const { closed, extra } = stage(
      [...avals, ...tangentAvals],
      (args) => {
        let next = avals.length;
        const tangents = nonzero.map((nz) => (nz ? args[next++] : null));
        const outs = jvpFlat(asFunction(jaxpr), currentTrace(), args.slice(0, avals.length), tangents);
        const outAvals = jaxpr.outAvals;
        const ts = outs.tangents.map((t, i) => (force[i] ? instantiate(t, outAvals[i].toTangent()) : t));
        return { outs: [...outs.primals, ...ts.filter((t) => t !== null)], extra: ts.map((t) => t !== null) };
      },
      jaxpr.jaxpr.debug,
    );
    return { closed, nonzeroOut: extra };
  });
}
