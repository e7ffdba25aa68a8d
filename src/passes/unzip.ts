/**
 * Splits a program in two by data dependence alone: what can be computed from the known inputs, and what needs the unknown ones. Values that cross
 * from the first to the second are residuals. (The split by a policy is `partialEval.ts`.)
 */
import type { NDArray } from "../core/array.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { currentTrace, withTrace } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";
import { SplitTrace } from "../core/partial.ts";
import { stage } from "../core/stage.ts";
import { close, constsToInputs } from "./rewrite.ts";

export interface Unzipped {
  /** Known inputs to known outputs, then residuals that are not forwarded. */
  readonly known: ClosedJaxpr<NDArray>;
  /** Residuals, then unknown inputs, to unknown outputs. */
  readonly unknown: ClosedJaxpr<NDArray>;
  readonly unknownOut: readonly boolean[];
  readonly numResidualsOut: number;
  /** For each residual: its place among the constants and the known inputs, or null if `known` gives it out. */
  readonly forwarded: readonly (number | null)[];
}

const cache = new Memo<ClosedJaxpr<NDArray>, Unzipped>();

/**
 * `inst[i]`: output i is made unknown even if it is known. `forward`: residuals that are known inputs (where `forward[i]`, over all inputs) are
 * not given out but named; `true` forwards constants of the program, too.
 */
export function unzip(
  jaxpr: ClosedJaxpr<NDArray>,
  unknownIn: readonly boolean[],
  inst: readonly boolean[] | boolean = false,
  forward: readonly boolean[] | boolean = false,
): Unzipped {
  const force = typeof inst === "boolean" ? jaxpr.jaxpr.outvars.map(() => inst) : inst;
  const key = `${flags(unknownIn)}/${flags(force)}/${typeof forward === "boolean" ? String(forward) : flags(forward)}`;
  return cache.get(jaxpr, key, () => unzipUncached(jaxpr, unknownIn, force, forward));
}

function unzipUncached(
  jaxpr: ClosedJaxpr<NDArray>,
  unknownIn: readonly boolean[],
  inst: readonly boolean[],
  forward: readonly boolean[] | boolean,
): Unzipped {
  const inAvals = jaxpr.inAvals;
  const knownAvals = inAvals.filter((_, i) => !unknownIn[i]);
  const { closed, extra } = stage(
    knownAvals,
    (known) => {
      const trace = new SplitTrace(currentTrace());
      let next = 0;
      const args = inAvals.map((aval, i) => (unknownIn[i] ? trace.newArg(aval) : known[next++]));
      const outs = withTrace(trace, () => evalJaxpr(jaxpr.jaxpr, jaxpr.consts, args));
      const unknownOut = outs.map((x, i) => inst[i] || !trace.isKnown(x));
      const program = trace.finish(
        outs.filter((_, i) => unknownOut[i]),
        jaxpr.jaxpr.debug,
      );
      trace.live = false;
      const forwarded = forwardPlaces(program.consts, jaxpr.consts, known, unknownIn, forward);
      const residuals = program.consts.filter((_, i) => forwarded[i] === null);
      return {
        outs: [...outs.filter((_, i) => !unknownOut[i]), ...residuals],
        extra: {
          unknownOut,
          forwarded,
          numResidualsOut: residuals.length,
          unknown: close(constsToInputs(program.jaxpr)),
        },
      };
    },
    jaxpr.jaxpr.debug,
  );
  return { known: closed, ...extra };
}

/** Constants of the program are forwarded only when some input is: JAX's rule, which shows in its programs. */
function forwardPlaces(
  residuals: readonly NDArray[],
  consts: readonly NDArray[],
  known: readonly NDArray[],
  unknownIn: readonly boolean[],
  forward: readonly boolean[] | boolean,
): (number | null)[] {
  if (forward === false) return residuals.map(() => null);
  const allow = forward === true ? known.map(() => true) : forward.filter((_, i) => !unknownIn[i]);
  const inputs = new Map<NDArray, number>();
  known.forEach((x, i) => {
    if (allow[i]) inputs.set(x, consts.length + i);
  });
  if (!residuals.some((r) => inputs.has(r))) return residuals.map(() => null);
  const places = new Map<NDArray, number>([...consts.map((c, i): [NDArray, number] => [c, i]), ...inputs]);
  return residuals.map((r) => places.get(r) ?? null);
}
