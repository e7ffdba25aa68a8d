/**
 * `closed_call`: a call of a body that is kept as one equation, as a checkpointed `scan` leaves it in the forward pass. It is a call of a function
 * rather than of a jaxpr: wherever it is staged again, its body is traced anew, and what the body closes over becomes an operand.
 */
import type { NDArray } from "../core/array.ts";
import { batchFlat } from "../core/batch.ts";
import { asFunction, evalJaxpr } from "../core/evalJaxpr.ts";
import { bind, currentTrace, withTrace, type Trace } from "../core/interpreter.ts";
import type { ClosedJaxpr, DebugInfo, Jaxpr, Params } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import { LinearizeTrace } from "../core/linearize.ts";
import { SplitTrace } from "../core/partial.ts";
import {
  UndefinedPrimal,
  type LinearizeResult,
  type Operand,
  type PartialTrace,
  type Primitive,
  type Tangent,
} from "../core/primitive.ts";
import { stageFlat, StageTrace } from "../core/stage.ts";
import { merge } from "../core/zip.ts";
import { close, constsToInputs } from "../passes/rewrite.ts";
import { backwardPass } from "../passes/transpose.ts";
import { dceClosedCall, scatterResults, splitClosedCall } from "./callRules.ts";

export interface ClosedCallParams extends Params {
  readonly call_jaxpr: ClosedJaxpr<NDArray>;
  /** Given by batching. */
  readonly name?: string;
}

/** What a call has beside its body. */
type Rest = { readonly name?: string };

type FlatFunction = (args: readonly NDArray[]) => readonly NDArray[];

export const closedCall: Primitive<ClosedCallParams> = {
  name: "closed_call",
  type: (_avals, { call_jaxpr }) => call_jaxpr.outAvals,
  bindWithTrace(trace, args, params) {
    if (!(trace instanceof StageTrace)) return trace.process(closedCall, args, params);
    const { call_jaxpr, ...rest } = params;
    return stageCall(trace, asFunction(call_jaxpr), args, call_jaxpr.jaxpr.debug, rest);
  },
  evaluate: (args, { call_jaxpr }) => asFunction(call_jaxpr)(args),
  jvp(primals, tangents, { call_jaxpr, ...rest }) {
    const n = primals.length;
    const nonzero = tangents.map((t) => t !== null);
    let nonzeroOut: readonly boolean[] = [];
    const pushed: FlatFunction = (args) => {
      const outs = jvpFlat(
        asFunction(call_jaxpr),
        currentTrace(),
        args.slice(0, n),
        scatterResults(nonzero, args.slice(n)),
      );
      nonzeroOut = outs.tangents.map((t) => t !== null);
      return [...outs.primals, ...outs.tangents.filter((t) => t !== null)];
    };
    const outs = call(pushed, [...primals, ...tangents.filter((t) => t !== null)], call_jaxpr.jaxpr.debug, rest);
    const numOut = nonzeroOut.length;
    return { primals: outs.slice(0, numOut), tangents: scatterResults(nonzeroOut, outs.slice(numOut)) };
  },
  linearize: linearizeCall,
  batchesBody: true,
  batch(size, args, dims, { call_jaxpr, name = "eval_jaxpr" }, _batchBody, axisName) {
    let outDims: readonly (number | null)[] = [];
    const batched: FlatFunction = (xs) => {
      const result = batchFlat(asFunction(call_jaxpr), size, xs, dims, axisName);
      outDims = result.dims;
      return result.outs;
    };
    const outs = call(batched, args, call_jaxpr.jaxpr.debug, { name });
    return { outs, dims: outDims };
  },
  transposesZeros: true,
  transpose: transposeCall,
  partialEval: splitCall,
  split: (policy, unknownIn, availableIn, eqn) => splitClosedCall("call_jaxpr", policy, unknownIn, availableIn, eqn),
  dce: (usedOut, eqn) => dceClosedCall("call_jaxpr", usedOut, eqn, true),
};

/** Writes down a call of `fn`. Constants of the body are the first operands. */
function stageCall(
  trace: StageTrace,
  fn: FlatFunction,
  args: readonly NDArray[],
  debug: DebugInfo | null,
  rest: Rest,
): NDArray[] {
  const { jaxpr, consts } = stageFlat(
    fn,
    args.map((x) => x.aval),
    debug,
  );
  const call_jaxpr = close(constsToInputs(jaxpr));
  const operands = [...consts, ...args].map((x) => trace.tracerOf(x));
  return trace.emit(closedCall, operands, { ...rest, call_jaxpr }, call_jaxpr.outAvals);
}

/** Calls `fn` in the current trace. */
function call(fn: FlatFunction, args: readonly NDArray[], debug: DebugInfo | null, rest: Rest): readonly NDArray[] {
  const trace: Trace = currentTrace();
  if (trace instanceof StageTrace) return stageCall(trace, fn, args, debug, rest);
  const call_jaxpr = stageFlat(
    fn,
    args.map((x) => x.aval),
    debug,
  );
  return bind(closedCall, args, { ...rest, call_jaxpr });
}

/** For each value, its place in a list of values, by identity. */
function placesIn(values: readonly NDArray[], list: readonly NDArray[]): (number | null)[] {
  const places = new Map(list.map((x, i) => [x, i]));
  return values.map((x) => places.get(x) ?? null);
}

interface LinearHalf {
  readonly nonzeroOut: readonly boolean[];
  readonly jaxpr: Jaxpr;
  /** For each residual: the operand, or the primal output, that it is. */
  readonly fromInput: readonly (number | null)[];
  readonly fromOutput: readonly (number | null)[];
}

function linearizeCall(
  nonzero: readonly boolean[],
  primals: readonly NDArray[],
  { call_jaxpr, ...rest }: ClosedCallParams,
  isVjp: boolean,
): LinearizeResult {
  const { debug } = call_jaxpr.jaxpr;
  let half: LinearHalf | null = null;
  const primalCall: FlatFunction = (args) => {
    const tangentTrace = new StageTrace(debug, true);
    const trace = new LinearizeTrace(currentTrace(), tangentTrace, isVjp);
    const inputs = args.map((x, i) => (nonzero[i] ? trace.wrap(x, tangentTrace.newArg(x.aval.toTangent())) : x));
    const pairs = withTrace(trace, () => asFunction(call_jaxpr)(inputs)).map((x) => trace.unwrap(x));
    trace.live = false;
    const outs = pairs.map(([p]) => p);
    const { jaxpr, consts } = tangentTrace.finish(pairs.flatMap(([, t]) => (t === null ? [] : [t])));
    tangentTrace.close();
    const [fromInput, fromOutput] = [placesIn(consts, args), placesIn(consts, outs)];
    half = { nonzeroOut: pairs.map(([, t]) => t !== null), jaxpr, fromInput, fromOutput };
    return [...consts.filter((_, i) => fromInput[i] === null && fromOutput[i] === null), ...outs];
  };
  const results = call(primalCall, primals, debug, rest);
  const { nonzeroOut, jaxpr, fromInput, fromOutput } = half as unknown as LinearHalf;
  const numOwn = results.length - nonzeroOut.length;
  const outs = results.slice(numOwn);
  let next = 0;
  const residuals = fromInput.map((input, i) => {
    const output = fromOutput[i];
    if (output !== null) return outs[output];
    return input !== null ? primals[input] : results[next++];
  });
  return {
    primals: outs,
    nonzero: nonzeroOut,
    linear(tangents) {
      const given = tangents.filter((t, i): t is NDArray => t !== null && nonzero[i]);
      const pushed: FlatFunction = (xs) => evalJaxpr(jaxpr, xs.slice(0, residuals.length), xs.slice(residuals.length));
      return scatterResults(nonzeroOut, call(pushed, [...residuals, ...given], jaxpr.debug, rest));
    },
  };
}

interface LaterHalf {
  readonly unknownOut: readonly boolean[];
  readonly jaxpr: Jaxpr;
  /** For each residual: the known operand that it is. */
  readonly fromInput: readonly (number | null)[];
}

/** One call for what is known, even if that is nothing, and one for the rest. */
function splitCall(
  trace: PartialTrace,
  args: readonly NDArray[],
  { call_jaxpr, ...rest }: ClosedCallParams,
): readonly NDArray[] {
  const { debug } = call_jaxpr.jaxpr;
  const unknownIn = args.map((x) => !trace.isKnown(x));
  const known = args.filter((_, i) => !unknownIn[i]);
  let half: LaterHalf | null = null;
  const knownCall: FlatFunction = (xs) => {
    const inner = new SplitTrace(currentTrace());
    let next = 0;
    const inputs = args.map((x, i) => (unknownIn[i] ? inner.newArg(x.aval) : xs[next++]));
    const outs = withTrace(inner, () => asFunction(call_jaxpr)(inputs));
    const unknownOut = outs.map((x) => !inner.isKnown(x));
    const { jaxpr, consts } = inner.finish(
      outs.filter((_, i) => unknownOut[i]),
      debug,
    );
    inner.live = false;
    const fromInput = placesIn(consts, xs);
    half = { unknownOut, jaxpr, fromInput };
    return [...outs.filter((_, i) => !unknownOut[i]), ...consts.filter((_, i) => fromInput[i] === null)];
  };
  const results = call(knownCall, known, debug, rest);
  const { unknownOut, jaxpr, fromInput } = half as unknown as LaterHalf;
  const numKnown = unknownOut.filter((u) => !u).length;
  let next = numKnown;
  const residuals = fromInput.map((from) => (from === null ? results[next++] : known[from]));
  const staged = (trace as SplitTrace).writeDown(
    closedCall,
    [...residuals, ...args.filter((_, i) => unknownIn[i])],
    { ...rest, call_jaxpr: close(constsToInputs(jaxpr)) },
    jaxpr.outAvals,
  );
  return merge<NDArray>(unknownOut, results.slice(0, numKnown), staged);
}

function transposeCall(
  cts: readonly Tangent[],
  args: readonly Operand[],
  { call_jaxpr, ...rest }: ClosedCallParams,
): Tangent[] {
  const values = args.filter((x) => !(x instanceof UndefinedPrimal)) as NDArray[];
  let nonzero: readonly boolean[] = [];
  const backward: FlatFunction = (xs) => {
    let value = 0;
    let ct = values.length;
    const operands = args.map((x): Operand => (x instanceof UndefinedPrimal ? x : xs[value++]));
    const outs = backwardPass(
      call_jaxpr.jaxpr,
      call_jaxpr.consts,
      operands,
      cts.map((c) => (c === null ? null : xs[ct++])),
    );
    nonzero = outs.map((x) => x !== null);
    return outs.filter((x) => x !== null);
  };
  const outs = call(backward, [...values, ...cts.filter((c) => c !== null)], call_jaxpr.jaxpr.debug, rest);
  return scatterResults(nonzero, outs);
}
