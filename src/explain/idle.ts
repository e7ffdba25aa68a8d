/**
 * Which checkpointed calls a program could do without: as many of those on one line as can be left out together without a higher peak, found from the last call to
 * the first by halving, and what a call keeps for its backward pass.
 */
import { isInexact } from "../core/dtype.ts";
import { ClosedJaxpr, Jaxpr, Var, type Eqn } from "../core/jaxpr.ts";
import type { NDArray } from "../core/array.ts";
import { linearizeJaxpr } from "../passes/linearize.ts";
import { rewritten } from "./checkpoints.ts";

/**
 * The calls that can all be left out together: `peakWithout` of them is no more than `peak`. Of several such sets, the one with the last calls, whose backward
 * passes come first.
 */
export function idleCalls(
  calls: readonly Eqn[],
  peak: number,
  peakWithout: (off: ReadonlySet<Eqn>) => number,
): ReadonlySet<Eqn> {
  let off: ReadonlySet<Eqn> = new Set();
  const leaveOut = (some: readonly Eqn[]): void => {
    if (some.length === 0) return;
    const more = new Set([...off, ...some]);
    if (peakWithout(more) <= peak) {
      off = more;
      return;
    }
    if (some.length === 1) return;
    const half = Math.ceil(some.length / 2);
    leaveOut(some.slice(0, half));
    leaveOut(some.slice(half));
  };
  leaveOut([...calls].reverse());
  return off;
}

/** Bytes that a call keeps for its backward pass beside its operands and results, and those that its body would keep without a checkpoint. */
export function keptBytes(call: Eqn): { readonly kept: number; readonly without: number } {
  const invars = call.invars.map((x) => new Var(x.aval));
  const outvars = call.outvars.map((x) => new Var(x.aval));
  const eqn: Eqn = { ...call, invars, outvars };
  const program = new ClosedJaxpr<NDArray>(new Jaxpr([], invars, [eqn], outvars), []);
  return { kept: residualBytes(program), without: residualBytes(rewritten(program, { off: new Set([eqn]) })) };
}

function residualBytes(program: ClosedJaxpr<NDArray>): number {
  const nonzero = program.inAvals.map((a) => isInexact(a.dtype));
  const inst = program.outAvals.map((a) => isInexact(a.dtype));
  const { primal, numResidualsOut } = linearizeJaxpr(program, nonzero, { inst, isVjp: true });
  const { outvars } = primal.jaxpr;
  const results = outvars.slice(0, outvars.length - numResidualsOut);
  const residuals = new Set(outvars.slice(outvars.length - numResidualsOut).filter((x) => !results.includes(x)));
  return [...residuals].reduce((sum, x) => sum + x.aval.nbytes, 0);
}

/** Numbers in order, in words: "1 to 3, 5 and 7". */
export function rangesText(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const n of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  const texts = ranges.flatMap(([from, to]) =>
    to > from + 1 ? [`${String(from)} to ${String(to)}`] : to > from ? [String(from), String(to)] : [String(from)],
  );
  return texts.length === 1 ? texts[0] : `${texts.slice(0, -1).join(", ")} and ${texts[texts.length - 1]}`;
}
