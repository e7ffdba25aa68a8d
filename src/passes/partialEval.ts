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
import { Offload, Recompute, Saveable, type Policy, type PolicyAnswer } from "../core/policy.ts";
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
  return cache.get(jaxpr, key, () => split(jaxpr, unknownIn, availableIn, unknown, available, policy));
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
      const answer = ask(policy, eqn);
      if (eqn.effectful === true || answer === Saveable) {
        for (const v of eqn.outvars) env.set(v, SAVED);
      } else if (answer instanceof Offload) {
        const moved = eqn.outvars.map((v) => new Var(inMemory(v.aval, answer.dst)));
        knownEqns.push(copyEquation(answer.primitive, eqn.outvars, moved, answer.dst));
        stagedEqns.push(copyEquation(answer.primitive, moved, eqn.outvars, answer.src));
        for (const v of moved) residuals.add(v);
        for (const v of [...moved, ...eqn.outvars]) env.set(v, CONSTANT);
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

function ask(policy: Policy, eqn: Eqn): typeof Saveable | typeof Recompute | Offload {
  const answer: unknown = policy(
    eqn.primitive,
    eqn.invars.map((x) => x.aval),
    eqn.params,
  );
  return checkAnswer(answer);
}

/** The policy's answer, or an error that says what came. */
export function checkAnswer(answer: unknown): Exclude<PolicyAnswer, boolean> {
  if (typeof answer === "boolean") return answer ? Saveable : Recompute;
  if (answer === Saveable || answer === Recompute || answer instanceof Offload) return answer;
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
