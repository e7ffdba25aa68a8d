/**
 * What the primitives share whose parameters hold one jaxpr and that run it once: `jit`, `closed_call`, and in part `remat2`. Splitting by a
 * policy, transposing, and leaving out what is not used work on the body.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { ClosedJaxpr, DropVar, Literal, Var, type Atom, type Eqn } from "../core/jaxpr.ts";
import { Memo, flags, identity } from "../core/memo.ts";
import type { Policy } from "../core/policy.ts";
import { UndefinedPrimal, type Operand, type SplitResult, type Tangent } from "../core/primitive.ts";
import { stage } from "../core/stage.ts";
import { dce } from "../passes/dce.ts";
import { partialEval } from "../passes/partialEval.ts";
import { forwardedOutputs, pruneOutputs } from "../passes/rewrite.ts";
import { backwardPass } from "../passes/transpose.ts";

interface ClosedSplit {
  readonly known: ClosedJaxpr<NDArray>;
  readonly staged: ClosedJaxpr<NDArray>;
  readonly unknownOut: readonly boolean[];
  readonly availableOut: readonly boolean[];
  readonly residualAvals: readonly ShapedArray[];
  /** For each residual: the known input, or the known output, that it is. */
  readonly fromInput: readonly (number | null)[];
  readonly fromOutput: readonly (number | null)[];
}

const splits = new Memo<ClosedJaxpr<NDArray>, ClosedSplit>();

function splitClosed(
  jaxpr: ClosedJaxpr<NDArray>,
  policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  dropped: readonly boolean[],
): ClosedSplit {
  const key = `${[unknownIn, availableIn, dropped].map(flags).join("/")}/${identity(policy)}`;
  return splits.get(jaxpr, key, () => {
    const parts = partialEval(jaxpr.jaxpr, unknownIn, availableIn, false, false, policy);
    const numOut = parts.known.outvars.length - parts.numResiduals;
    const outs = parts.known.outvars.slice(0, numOut);
    const residuals = parts.known.outvars.slice(numOut);
    const inputs = new Map<Atom, number>(parts.known.invars.map((v, i) => [v, i]));
    const fromInput = residuals.map((r) => inputs.get(r) ?? null);
    const droppedKnown = dropped.filter((_, i) => !parts.unknownOut[i]);
    const usable = outs.map((x, i) => (droppedKnown[i] ? new DropVar(x.aval) : x));
    const fromOutput = forwardedOutputs(usable, residuals);
    const keep = residuals.map((_, i) => fromInput[i] === null && fromOutput[i] === null);
    const known = pruneOutputs(parts.known, [...outs.map(() => true), ...keep]);
    return {
      known: new ClosedJaxpr(known, jaxpr.consts),
      staged: new ClosedJaxpr(parts.staged, jaxpr.consts),
      unknownOut: parts.unknownOut,
      availableOut: parts.availableOut,
      residualAvals: residuals.map((r) => r.aval),
      fromInput,
      fromOutput,
    };
  });
}

/** The split rule of a primitive that holds a closed jaxpr in the parameter `param`. Residuals that exist already are not given out twice. */
export function splitClosedCall(
  param: string,
  policy: Policy,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  eqn: Eqn,
): SplitResult {
  const dropped = eqn.outvars.map((v) => v instanceof DropVar);
  const body = eqn.params[param] as ClosedJaxpr<NDArray>;
  const parts = splitClosed(body, policy, unknownIn, availableIn, dropped);
  const knownOuts = eqn.outvars.filter((_, i) => !parts.unknownOut[i]);
  const knownIns = eqn.invars.filter((_, i) => !unknownIn[i]);
  const fresh: Var[] = [];
  const residuals = parts.residualAvals.map((aval, i): Atom => {
    const out = parts.fromOutput[i];
    if (out !== null) return knownOuts[out];
    const input = parts.fromInput[i];
    if (input !== null) return knownIns[input];
    const v = new Var(aval);
    fresh.push(v);
    return v;
  });
  const known: Eqn = {
    ...eqn,
    invars: knownIns,
    outvars: [...knownOuts, ...fresh],
    params: { ...eqn.params, [param]: parts.known },
  };
  const staged: Eqn = {
    ...eqn,
    invars: [...residuals, ...eqn.invars.filter((_, i) => availableIn[i])],
    outvars: eqn.outvars.filter((_, i) => parts.availableOut[i]),
    params: { ...eqn.params, [param]: parts.staged },
  };
  const needed = eqn.invars.filter((x, i): x is Var => !(x instanceof Literal) && !availableIn[i]);
  const own = residuals.filter((x): x is Var => !(x instanceof Literal));
  return {
    known,
    staged,
    unknownOut: parts.unknownOut,
    availableOut: parts.availableOut,
    residuals: [...needed, ...own],
  };
}

const pruned = new Memo<ClosedJaxpr<NDArray>, { closed: ClosedJaxpr<NDArray>; usedIn: readonly boolean[] }>();

/** Dead-code elimination of a closed jaxpr; the same question gives the same object. */
export function dceClosed(
  jaxpr: ClosedJaxpr<NDArray>,
  usedOut: readonly boolean[],
): { closed: ClosedJaxpr<NDArray>; usedIn: readonly boolean[] } {
  return pruned.get(jaxpr, flags(usedOut), () => {
    const result = dce(jaxpr.jaxpr, usedOut);
    return { closed: new ClosedJaxpr(result.jaxpr, jaxpr.consts), usedIn: result.usedIn };
  });
}

/** The dead-code rule of a primitive that holds a closed jaxpr in the parameter `param`. */
export function dceClosedCall(
  param: string,
  usedOut: readonly boolean[],
  eqn: Eqn,
  keepEmpty: boolean,
): { usedIn: readonly boolean[]; eqn: Eqn | null } {
  if (!usedOut.includes(true) && eqn.effectful !== true) return { usedIn: eqn.invars.map(() => false), eqn: null };
  const { closed, usedIn } = dceClosed(eqn.params[param] as ClosedJaxpr<NDArray>, usedOut);
  if (!keepEmpty && !usedIn.includes(true) && !usedOut.includes(true)) return { usedIn, eqn: null };
  return {
    usedIn,
    eqn: {
      ...eqn,
      invars: eqn.invars.filter((_, i) => usedIn[i]),
      outvars: eqn.outvars.filter((_, i) => usedOut[i]),
      params: { ...eqn.params, [param]: closed },
    },
  };
}

interface Transposed {
  readonly closed: ClosedJaxpr<NDArray>;
  /** Which operands have a cotangent. */
  readonly nonzero: readonly boolean[];
}

const transposes = new Memo<ClosedJaxpr<NDArray>, Transposed>();

/** The transpose of a body: nonlinear operands and nonzero cotangents in, nonzero cotangents of the linear operands out. */
export function transposeBody(
  jaxpr: ClosedJaxpr<NDArray>,
  args: readonly Operand[],
  cts: readonly Tangent[],
): Transposed & { inputs: readonly NDArray[] } {
  const linear = args.map((x) => x instanceof UndefinedPrimal);
  const values = args.filter((x) => !(x instanceof UndefinedPrimal)) as NDArray[];
  const given = cts.filter((ct) => ct !== null);
  const inputs = [...values, ...given];
  const key = `${flags(linear)}/${flags(cts.map((ct) => ct !== null))}/${inputs.map((x) => x.aval.key).join()}`;
  const result = transposes.get(jaxpr, key, () => {
    const { closed, extra } = stage(
      inputs.map((x) => x.aval),
      (xs) => {
        let value = 0;
        let ct = values.length;
        const operands = args.map((x): Operand => (x instanceof UndefinedPrimal ? x : xs[value++]));
        const outCts = cts.map((c) => (c === null ? null : xs[ct++]));
        const outs = backwardPass(jaxpr.jaxpr, jaxpr.consts, operands, outCts);
        return { outs: outs.filter((x) => x !== null), extra: outs.map((x) => x !== null) };
      },
      jaxpr.jaxpr.debug,
    );
    return { closed, nonzero: extra };
  });
  return { ...result, inputs };
}

/** Puts the results of a call back into their places, `null` where there is none. */
export function scatterResults(nonzero: readonly boolean[], outs: readonly Tangent[]): Tangent[] {
  let next = 0;
  return nonzero.map((nz) => (nz ? outs[next++] : null));
}
