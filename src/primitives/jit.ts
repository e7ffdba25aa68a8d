/**
 * `jit`: a call of a staged function. In a jaxpr it is one equation that keeps its body; differentiation makes two of it, one for primals and
 * residuals, one for tangents. Compiling is the engine's business.
 */
import type { NDArray } from "../core/array.ts";
import { x64Enabled } from "../core/config.ts";
import { inlineInto } from "../core/inline.ts";
import type { RunOptions } from "../core/engine.ts";
import { bind, Tracer } from "../core/interpreter.ts";
import type { ClosedJaxpr, Params } from "../core/jaxpr.ts";
import type { LinearizeResult, PartialTrace, Primitive } from "../core/primitive.ts";
import { isReplaying } from "../core/memo.ts";
import { asConstant, type SplitTrace } from "../core/partial.ts";
import { StageTrace, stageFlat } from "../core/stage.ts";
import { merge } from "../core/zip.ts";
import { jvpJaxpr } from "../passes/jvp.ts";
import { linearizeJaxpr } from "../passes/linearize.ts";
import {
  forwardedInputs,
  forwardedOutputs,
  moveInputs,
  pruneClosedOutputs,
  separateConsts,
} from "../passes/rewrite.ts";
import { unzip } from "../passes/unzip.ts";
import { dceClosedCall, scatterResults, splitClosedCall, transposeBody } from "./callRules.ts";

export interface JitParams extends Params {
  readonly name: string;
  readonly jaxpr: ClosedJaxpr<NDArray>;
  /** Staging writes the body down in place of the call. */
  readonly inline: boolean;
  readonly donated_invars?: readonly boolean[];
  readonly keep_unused?: boolean;
  /** How the call is run; not printed. */
  readonly run?: RunOptions;
}

export const jit: Primitive<JitParams> = {
  name: "jit",
  type: (_avals, { jaxpr }) => jaxpr.outAvals,
  bindWithTrace(trace, args, params) {
    if (params.inline && trace instanceof StageTrace) return inlineInto(trace, params.jaxpr, args);
    return trace.process(jit, args, params);
  },
  jvp(primals, tangents, params) {
    const nonzero = tangents.map((t) => t !== null);
    const { closed, nonzeroOut } = jvpJaxpr(params.jaxpr, nonzero);
    const outs = call({ ...params, jaxpr: closed }, [...primals, ...tangents.filter((t) => t !== null)]);
    const n = params.jaxpr.jaxpr.outvars.length;
    return { primals: outs.slice(0, n), tangents: scatterResults(nonzeroOut, outs.slice(n)) };
  },
  linearize: (nonzero, primals, params, isVjp) => linearizeCall(nonzero, primals, params, isVjp),
  batchesBody: true,
  batch(size, args, dims, params, batchBody) {
    const { closed, dims: outDims } = batchBody(params.jaxpr, size, dims, "asIs");
    return { outs: call({ ...params, jaxpr: closed }, args), dims: outDims };
  },
  transposesZeros: true,
  transpose(cts, args, params) {
    const { closed, nonzero, inputs } = transposeBody(params.jaxpr, args, cts);
    return scatterResults(nonzero, call({ ...params, jaxpr: closed }, inputs));
  },
  partialEval: (trace, args, params) => splitCall(trace, args, params),
  split: (policy, unknownIn, availableIn, eqn) => splitClosedCall("jaxpr", policy, unknownIn, availableIn, eqn),
  dce: (usedOut, eqn) => dceClosedCall("jaxpr", usedOut, eqn, false),
  print(params) {
    const { name, jaxpr, donated_invars: donated, keep_unused: keep } = params;
    return [
      ["name", name],
      ...(donated?.includes(true) ? [["donated_invars", donated] as const] : []),
      ["jaxpr", jaxpr],
      ...(keep === true ? [["keep_unused", true] as const] : []),
    ];
  },
};

const withoutDonation = ({ donated: _, ...run }: RunOptions): RunOptions => run;

/** Without donation: derived programs own none of the caller's buffers. */
function call(params: JitParams, args: readonly NDArray[]): readonly NDArray[] {
  const { name, jaxpr, inline, run } = params;
  return bind(jit, args, { name, jaxpr, inline, ...(run === undefined ? {} : { run: withoutDonation(run) }) });
}

function linearizeCall(
  nonzero: readonly boolean[],
  primals: readonly NDArray[],
  params: JitParams,
  isVjp: boolean,
): LinearizeResult {
  const { jaxpr } = params;
  const program = linearizeJaxpr(jaxpr, nonzero, { isVjp });
  const outs = callForwarding(params, program.primal, program.numResidualsOut, primals);
  const numOut = jaxpr.jaxpr.outvars.length;
  const inputs = [...jaxpr.consts, ...primals];
  let next = numOut;
  const residuals = program.forwarded.map((from) => (from === null ? outs[next++] : inputs[from]));
  return {
    primals: outs.slice(0, numOut),
    nonzero: program.nonzeroOut,
    linear(tangents) {
      const given = tangents.filter((t, i): t is NDArray => t !== null && nonzero[i]);
      const results = call({ ...params, jaxpr: program.tangent }, [...residuals, ...given]);
      return scatterResults(program.nonzeroOut, results);
    },
  };
}

/** Calls `program` without giving out what its inputs or other outputs are already, and puts those back in. */
function callForwarding(
  params: JitParams,
  program: ClosedJaxpr<NDArray>,
  numResiduals: number,
  args: readonly NDArray[],
): readonly NDArray[] {
  const numOut = program.jaxpr.outvars.length - numResiduals;
  const fromInput = forwardedInputs(program.jaxpr).map((f, i) => (i < numOut ? f : null));
  const kept = pruneClosedOutputs(
    program,
    fromInput.map((f) => f === null),
  );
  const numKept = kept.jaxpr.outvars.length - numResiduals;
  const fromOutput = [
    ...kept.jaxpr.outvars.slice(0, numKept).map(() => null),
    ...forwardedOutputs(kept.jaxpr.outvars.slice(0, numKept), kept.jaxpr.outvars.slice(numKept)),
  ];
  const small = pruneClosedOutputs(
    kept,
    fromOutput.map((f) => f === null),
  );
  const outs = call({ ...params, jaxpr: small }, args);
  let next = 0;
  const all: NDArray[] = [];
  for (const f of fromOutput) all.push(f === null ? outs[next++] : all[f]);
  next = 0;
  return fromInput.map((f) => (f === null ? all[next++] : args[f]));
}

function splitCall(trace: PartialTrace, args: readonly NDArray[], params: JitParams): readonly NDArray[] {
  const split = trace as SplitTrace;
  const { jaxpr } = params;
  const unknownIn = args.map((x) => !trace.isKnown(x));
  const parts = unzip(jaxpr, unknownIn, false, true);
  const knownArgs = args.filter((_, i) => !unknownIn[i]);
  const outs = callForwarding(params, parts.known, parts.numResidualsOut, knownArgs);
  const numKnown = outs.length - parts.numResidualsOut;
  const inputs = [...jaxpr.consts, ...knownArgs];
  let next = numKnown;
  const residuals = parts.forwarded.map((from) => (from === null ? outs[next++] : inputs[from]));
  // The residuals come last among the operands of the part for later.
  const unknown = moveInputs(
    parts.unknown,
    residuals.map(() => true),
    false,
  );
  const unknownArgs = args.filter((_, i) => unknownIn[i]);
  const { name, inline, run } = params;
  const staged = split.writeDown(
    jit,
    [...unknownArgs, ...residuals.map(asConstant)],
    { name, inline, jaxpr: unknown, ...(run === undefined ? {} : { run: withoutDonation(run) }) },
    unknown.outAvals,
  );
  return merge<NDArray>(parts.unknownOut, outs.slice(0, numKnown), staged);
}

const CACHE_LIMIT = 4096;
const library = new Map<string, ClosedJaxpr<NDArray>>();

/**
 * Calls a function of the library as a jitted one: it is staged once for each combination of `name`, `key` and operand types, and the call
 * is one `jit` equation. `key` must tell apart everything that `fn` closes over.
 */
export function jitCall(
  name: string,
  key: string,
  fn: (...xs: NDArray[]) => readonly NDArray[],
  args: readonly NDArray[],
  inline = false,
): readonly NDArray[] {
  const id = `${name}/${key}/${String(x64Enabled())}/${String(isReplaying())}/${args.map((x) => x.aval.key).join()}`;
  let jaxpr = library.get(id);
  if (jaxpr === undefined) {
    if (library.size >= CACHE_LIMIT) library.clear();
    jaxpr = stageFlat(
      (xs) => fn(...xs),
      args.map((x) => x.aval),
      { tracedFor: "jit", name },
    );
    library.set(id, jaxpr);
  }
  return bind(jit, args, { name, jaxpr, inline });
}

/** Binds a `jit` call of a traced user function. Constants that are tracers of an outer transformation become operands. */
export function bindJit(
  name: string,
  traced: ClosedJaxpr<NDArray>,
  args: readonly NDArray[],
  inline: boolean,
  run?: RunOptions,
): readonly NDArray[] {
  const donated = run?.donated;
  const own: Omit<JitParams, "jaxpr"> =
    run === undefined
      ? { name, inline }
      : { name, inline, run, ...(donated === undefined ? {} : { donated_invars: donated }) };
  if (!traced.consts.some((c) => c instanceof Tracer)) return bind(jit, args, { ...own, jaxpr: traced });
  return bind(jit, [...traced.consts, ...args], {
    ...(run === undefined ? { name, inline } : { name, inline, run: withoutDonation(run) }),
    jaxpr: separateConsts(traced),
  });
}
