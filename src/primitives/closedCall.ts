/** `closed_call`: a call of a body that is kept as one equation, as a checkpointed `scan` leaves it in the forward pass. */
import type { NDArray } from "../core/array.ts";
import { asFunction } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import type { ClosedJaxpr, Params } from "../core/jaxpr.ts";
import type { SplitTrace } from "../core/partial.ts";
import type { PartialTrace, Primitive } from "../core/primitive.ts";
import { merge } from "../core/zip.ts";
import { batchJaxpr } from "../passes/batch.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { linearizeJaxpr } from "../passes/linearize.ts";
import { unzip } from "../passes/unzip.ts";
import { dceClosedCall, scatterResults, splitClosedCall, transposeBody } from "./callRules.ts";

interface ClosedCallParams extends Params {
  readonly call_jaxpr: ClosedJaxpr<NDArray>;
}

const call = (call_jaxpr: ClosedJaxpr<NDArray>, args: readonly NDArray[]): readonly NDArray[] =>
  bind(closedCall as Primitive, args, { call_jaxpr });

export const closedCall: Primitive<ClosedCallParams> = {
  name: "closed_call",
  type: (_avals, { call_jaxpr }) => call_jaxpr.outAvals,
  evaluate: (args, { call_jaxpr }) => asFunction(call_jaxpr)(args),
  jvp(primals, tangents, { call_jaxpr }) {
    const { closed, nonzeroOut } = jvpJaxpr(
      call_jaxpr,
      tangents.map((t) => t !== null),
    );
    const outs = call(closed, [...primals, ...tangents.filter((t) => t !== null)]);
    const n = call_jaxpr.jaxpr.outvars.length;
    return { primals: outs.slice(0, n), tangents: scatterResults(nonzeroOut, outs.slice(n)) };
  },
  linearize(nonzero, primals, { call_jaxpr }, isVjp) {
    const program = linearizeJaxpr(call_jaxpr, nonzero, { isVjp });
    const outs = call(program.primal, primals);
    const n = call_jaxpr.jaxpr.outvars.length;
    const inputs = [...call_jaxpr.consts, ...primals];
    let next = n;
    const residuals = program.forwarded.map((from) => (from === null ? outs[next++] : inputs[from]));
    return {
      primals: outs.slice(0, n),
      nonzero: program.nonzeroOut,
      linear(tangents) {
        const given = tangents.filter((t, i): t is NDArray => t !== null && nonzero[i]);
        return scatterResults(program.nonzeroOut, call(program.tangent, [...residuals, ...given]));
      },
    };
  },
  batch(size, args, dims, { call_jaxpr }) {
    const { closed, dims: outDims } = batchJaxpr(call_jaxpr, size, dims, "asIs");
    return { outs: call(closed, args), dims: outDims };
  },
  transposesZeros: true,
  transpose(cts, args, { call_jaxpr }) {
    const { closed, nonzero, inputs } = transposeBody(call_jaxpr, args, cts);
    return scatterResults(nonzero, call(closed, inputs));
  },
  partialEval: splitCall,
  split: (policy, unknownIn, availableIn, eqn) => splitClosedCall("call_jaxpr", policy, unknownIn, availableIn, eqn),
  dce: (usedOut, eqn) => dceClosedCall("call_jaxpr", usedOut, eqn, true),
};

/** One call for what is known, even if that is nothing, and one for the rest. */
function splitCall(trace: PartialTrace, args: readonly NDArray[], { call_jaxpr }: ClosedCallParams): readonly NDArray[] {
  const unknownIn = args.map((x) => !trace.isKnown(x));
  const parts = unzip(call_jaxpr, unknownIn, false, true);
  const known = args.filter((_, i) => !unknownIn[i]);
  const outs = call(parts.known, known);
  const numKnown = outs.length - parts.numResidualsOut;
  const inputs = [...call_jaxpr.consts, ...known];
  let next = numKnown;
  const residuals = parts.forwarded.map((from) => (from === null ? outs[next++] : inputs[from]));
  const staged = (trace as SplitTrace).writeDown(
    closedCall as Primitive,
    [...residuals, ...args.filter((_, i) => unknownIn[i])],
    { call_jaxpr: parts.unknown },
    parts.unknown.outAvals,
  );
  return merge<NDArray>(parts.unknownOut, outs.slice(0, numKnown), staged);
}
