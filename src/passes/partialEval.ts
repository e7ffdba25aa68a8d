/**
 * The split of a program by a policy: the heart of `checkpoint`. Every variable is known or unknown (does it depend on a tangent?) and available
 * or not (can the later program read it without storing it?). A known equation that the policy lets be saved runs once, and its outputs become
 * residuals if they are needed later; any other known equation is put into both programs.
 *
 * Equations that hold a jaxpr are split inside, by a rule of their own, with the same policy.
 */
import type { ShapedArray } from "../core/aval.ts";
import { type Jaxpr, Literal, Var, type Atom, type Eqn } from "../core/jaxpr.ts";
import { Memo, flags, identity } from "../core/memo.ts";
import {
  askPolicy,
  Compress,
  Offload,
  Recompute,
  Saveable,
  type Codec,
  type Policy,
  type PolicyAnswer,
} from "../core/policy.ts";
import type { Primitive } from "../core/primitive.ts";
import { NOWHERE } from "../core/source.ts";
import { PolicyAnswerError, PolicyTypeError } from "../errors.ts";

export interface Split {
  /** Known inputs to known outputs, then residuals. */
  readonly known: Jaxpr;
  /** Residuals, then available inputs, to available outputs. */
  readonly staged: Jaxpr;
  readonly unknownOut: readonly boolean[];
  readonly availableOut: readonly boolean[];
  readonly numResiduals: number;
}

const cache = new Memo<Jaxpr, Split>();

/** Splits `jaxpr`. `forceUnknown` and `forceAvailable` demand that of outputs. */
export function partialEval(
  jaxpr: Jaxpr,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  forceUnknown: readonly boolean[] | boolean,
  forceAvailable: readonly boolean[] | boolean,
  policy: Policy,
): Split {
  if (typeof policy !== "function") throw new PolicyTypeError(policy);
  const unknown = typeof forceUnknown === "boolean" ? jaxpr.outvars.map(() => forceUnknown) : forceUnknown;
  const available = typeof forceAvailable === "boolean" ? jaxpr.outvars.map(() => forceAvailable) : forceAvailable;
  const key = [unknownIn, availableIn, unknown, available].map(flags).join("/") + `/${identity(policy)}`;
  return cache.get(jaxpr, key, () => {
    const prepared = policy.prepare?.({ jaxpr, unknownIn, availableIn, availableOut: available }) ?? policy;
    return split(jaxpr, unknownIn, availableIn, unknown, available, prepared);
  });
}

interface State {
  readonly unknown: boolean;
  readonly available: boolean;
}

const CONSTANT: State = { unknown: false, available: true };
const UNKNOWN: State = { unknown: true, available: true };
const SAVED: State = { unknown: false, available: false };

function split(
  jaxpr: Jaxpr,
  unknownIn: readonly boolean[],
  availableIn: readonly boolean[],
  forceUnknown: readonly boolean[],
  forceAvailable: readonly boolean[],
  policy: Policy,
): Split {
  const env = new Map<Var, State>();
  const residuals = new Set<Var>();
  const knownEqns: Eqn[] = [];
  const stagedEqns: Eqn[] = [];
  const read = (x: Atom): State => (x instanceof Literal ? CONSTANT : (env.get(x) as State));
  const ensureAvailable = (x: Atom): void => {
    if (!(x instanceof Literal) && !read(x).available) residuals.add(x);
  };
  jaxpr.invars.forEach((v, i) => env.set(v, { unknown: unknownIn[i], available: availableIn[i] }));
  for (const v of jaxpr.constvars) env.set(v, CONSTANT);
  for (const eqn of jaxpr.eqns) {
    const states = eqn.invars.map(read);
    const rule = eqn.primitive.split;
    if (rule !== undefined) {
      const parts = rule(
        policy,
        states.map((s) => s.unknown),
        states.map((s) => s.available),
        eqn,
      );
      if (parts.known !== null) knownEqns.push(parts.known);
      if (parts.staged !== null) stagedEqns.push(parts.staged);
      for (const r of parts.residuals) residuals.add(r);
      eqn.outvars.forEach((v, i) => env.set(v, { unknown: parts.unknownOut[i], available: parts.availableOut[i] }));
    } else if (states.some((s) => s.unknown)) {
      eqn.invars.forEach(ensureAvailable);
      stagedEqns.push(eqn);
      for (const v of eqn.outvars) env.set(v, UNKNOWN);
    } else {
      knownEqns.push(eqn);
      const answer = checkAnswer(askPolicy(policy, eqn));
      const moves = eqn.effectful === true ? null : movesOf(answer, eqn.outvars);
      if (moves !== null) {
        knownEqns.push(...moves.away);
        stagedEqns.push(...moves.back);
        for (const v of moves.moved) residuals.add(v);
        for (const v of [...moves.moved, ...eqn.outvars]) env.set(v, CONSTANT);
      } else if (eqn.effectful === true || answer !== Recompute) {
        for (const v of eqn.outvars) env.set(v, SAVED);
      } else {
        eqn.invars.forEach(ensureAvailable);
        stagedEqns.push(eqn);
        for (const v of eqn.outvars) env.set(v, CONSTANT);
      }
    }
  }
  const outStates = jaxpr.outvars.map(read);
  jaxpr.outvars.forEach((x, i) => {
    if (forceAvailable[i]) ensureAvailable(x);
  });
  const unknownOut = outStates.map((s, i) => s.unknown || forceUnknown[i]);
  const availableOut = outStates.map((s, i) => s.available || forceAvailable[i]);
  const res = [...residuals];
  return {
    known: jaxpr.replace({
      invars: jaxpr.invars.filter((_, i) => !unknownIn[i]),
      eqns: knownEqns,
      outvars: [...jaxpr.outvars.filter((_, i) => !unknownOut[i]), ...res],
    }),
    staged: jaxpr.replace({
      invars: [...res, ...jaxpr.invars.filter((_, i) => availableIn[i])],
      eqns: stagedEqns,
      outvars: jaxpr.outvars.filter((_, i) => availableOut[i]),
    }),
    unknownOut,
    availableOut,
    numResiduals: res.length,
  };
}

/** How values are kept in another form: the equations that make it and those that undo it, and the values in that form. */
interface Moves {
  readonly away: readonly Eqn[];
  readonly back: readonly Eqn[];
  readonly moved: readonly Var[];
}

/** Null where the values are kept as they are, or not at all. */
function movesOf(answer: Exclude<PolicyAnswer, boolean>, values: readonly Var[]): Moves | null {
  if (answer instanceof Offload) {
    const moved = values.map((v) => new Var(inMemory(v.aval, answer.dst)));
    return {
      away: [copyEquation(answer.primitive, values, moved, answer.dst)],
      back: [copyEquation(answer.primitive, moved, values, answer.src)],
      moved,
    };
  }
  if (!(answer instanceof Compress)) return null;
  const codecs = values.map((v) => answer.codecOf(v.aval));
  if (codecs.includes(null)) return null;
  const parts = codecs.map((codec, i): Moves => {
    const { encode, decode } = codec as Codec;
    const moved = encode.outAvals.map((aval) => new Var(aval));
    return {
      away: writeBody(encode, [values[i]], moved),
      back: writeBody(decode, moved, [values[i]]),
      moved,
    };
  });
  return {
    away: parts.flatMap((p) => p.away),
    back: parts.flatMap((p) => p.back),
    moved: parts.flatMap((p) => p.moved),
  };
}

/** The equations of a program with these variables as its inputs and outputs. */
function writeBody(body: Jaxpr, ins: readonly Var[], outs: readonly Var[]): Eqn[] {
  const env = new Map<Atom, Atom>(body.invars.map((v, i): [Atom, Atom] => [v, ins[i]]));
  body.outvars.forEach((v, i) => env.set(v, outs[i]));
  const rename = (v: Var): Var => {
    const own = env.get(v) ?? new Var(v.aval);
    env.set(v, own);
    return own;
  };
  return body.eqns.map((eqn) => ({
    ...eqn,
    invars: eqn.invars.map((x) => (x instanceof Literal ? x : rename(x))),
    outvars: eqn.outvars.map(rename),
    source: NOWHERE,
  }));
}

/** The policy's answer, or an error that says what came. */
export function checkAnswer(answer: unknown): Exclude<PolicyAnswer, boolean> {
  if (typeof answer === "boolean") return answer ? Saveable : Recompute;
  if (answer === Saveable || answer === Recompute) return answer;
  if (answer instanceof Offload || answer instanceof Compress) return answer;
  throw new PolicyAnswerError(answer);
}

const inMemory = (aval: ShapedArray, kind: string): ShapedArray =>
  aval.update({ memorySpace: kind === "pinned_host" ? "host" : "device" });

function copyEquation(primitive: Primitive, from: readonly Var[], to: readonly Var[], kind: string): Eqn {
  return {
    primitive,
    invars: from,
    outvars: to,
    params: { devices: to.map(() => (kind === "pinned_host" ? "host" : "device")) },
    source: NOWHERE,
  };
}
