/**
 * The checkpointed calls of a program, and the program with some of them switched off. Switching off is writing the body down in place of the call.
 * In a program that has been differentiated already, what the body computes again is then merged with the forward pass, which undoes the call.
 */
import type { NDArray } from "../core/array.ts";
import { ClosedJaxpr, Jaxpr, Literal, Var, type Atom, type Eqn, type Params } from "../core/jaxpr.ts";
import { identity } from "../core/memo.ts";
import { askPolicy, type Policy, type PolicyAnswer } from "../core/policy.ts";
import { checkAnswer } from "../passes/partialEval.ts";
import { Recompute, Saveable, checkpointPolicies } from "../policies.ts";
import type { RematParams } from "../primitives/remat.ts";
import { calledBody } from "../passes/calledBody.ts";

export const isCheckpoint = (eqn: Eqn): boolean => eqn.primitive.name === "remat2";
export const rematParams = (eqn: Eqn): RematParams => eqn.params as RematParams;

/** An equation with the calls and loops around it, from the outside. */
export interface Found {
  readonly eqn: Eqn;
  readonly path: readonly Eqn[];
}

/** Equations whose bodies are programs of the user, and no rules of a derivative. */
const OPEN: ReadonlySet<string> = new Set(["jit", "closed_call", "remat2", "scan", "while", "cond"]);

export const isLoop = (eqn: Eqn): boolean => eqn.primitive.name === "scan" || eqn.primitive.name === "while";

/** The programs among the parameters of an equation. */
function bodiesOf(eqn: Eqn): Jaxpr[] {
  if (!OPEN.has(eqn.primitive.name)) return [];
  return Object.values(eqn.params)
    .flat()
    .flatMap((x) => (x instanceof Jaxpr ? [x] : x instanceof ClosedJaxpr ? [x.jaxpr] : []));
}

/** The line of an equation, or the first line inside of it where a function of the library makes the call. */
export const placeOf = (eqn: Eqn): string =>
  [eqn, ...bodiesOf(eqn).flatMap((body) => body.eqns)].map((e) => e.source?.toString() ?? "").find((s) => s !== "") ??
  "";

/** All equations of a program, those inside of calls and loops too. */
export function* allEqns(jaxpr: Jaxpr, path: readonly Eqn[] = []): Generator<Found> {
  for (const eqn of jaxpr.eqns) {
    yield { eqn, path };
    for (const body of bodiesOf(eqn)) yield* allEqns(body, [...path, eqn]);
  }
}

export interface Rewriting {
  /** The checkpointed calls to write down as their bodies. */
  readonly off?: ReadonlySet<Eqn>;
  /** Whether to write calls of jitted functions down as their bodies. */
  readonly inlineJit?: boolean;
  /** Whether what the switched-off calls compute is merged with what has been computed before. */
  readonly merge?: boolean;
  readonly policyOf?: (eqn: Eqn) => Policy | null;
}

/** A program with a call switched off, or with other policies. */
export function rewritten(closed: ClosedJaxpr<NDArray>, how: Rewriting): ClosedJaxpr<NDArray> {
  return new ClosedJaxpr(rewriteJaxpr(closed.jaxpr, how), closed.consts);
}

function rewriteJaxpr(jaxpr: Jaxpr, how: Rewriting): Jaxpr {
  const eqns: Eqn[] = [];
  const made = new Map<string, readonly Var[]>();
  const write = (body: Jaxpr, env: Map<Atom, Atom>, fresh: boolean, merging: boolean): Atom[] => {
    const read = (x: Atom): Atom => env.get(x) ?? x;
    for (const eqn of body.eqns) {
      const invars = eqn.invars.map(read);
      const inner = inlinedBody(eqn, how);
      if (inner !== null) {
        const operands = new Map<Atom, Atom>(inner.invars.map((v, i) => [v, invars[i]]));
        const outs = write(inner, operands, true, merging || (how.off?.has(eqn) === true && how.merge === true));
        eqn.outvars.forEach((v, i) => env.set(v, outs[i]));
        continue;
      }
      const key = how.merge === true && eqn.effectful !== true ? keyOf(eqn, invars) : "";
      const twin = merging && key !== "" ? made.get(key) : undefined;
      if (twin !== undefined) {
        eqn.outvars.forEach((v, i) => env.set(v, twin[i]));
        continue;
      }
      const outvars = fresh ? eqn.outvars.map((v) => new Var(v.aval)) : eqn.outvars;
      if (fresh) eqn.outvars.forEach((v, i) => env.set(v, outvars[i]));
      if (key !== "") made.set(key, outvars);
      eqns.push({ ...eqn, invars, outvars, params: rewriteParams(eqn, how) });
    }
    return body.outvars.map(read);
  };
  const outvars = write(jaxpr, new Map(), false, false);
  return jaxpr.replace({ eqns, outvars });
}

function inlinedBody(eqn: Eqn, how: Rewriting): Jaxpr | null {
  const inlines = how.off?.has(eqn) === true || (how.inlineJit === true && eqn.primitive.name === "jit");
  const body = inlines ? calledBody(eqn) : null;
  return body === null || body.constvars.length > 0 ? null : body;
}

function rewriteParams(eqn: Eqn, how: Rewriting): Params {
  if (!OPEN.has(eqn.primitive.name)) return eqn.params;
  const change = (value: unknown): unknown => {
    if (value instanceof Jaxpr) return rewriteJaxpr(value, how);
    if (value instanceof ClosedJaxpr) return rewritten(value as ClosedJaxpr<NDArray>, how);
    if (Array.isArray(value) && value.some((x) => x instanceof ClosedJaxpr)) return value.map(change);
    return value;
  };
  const params = Object.fromEntries(Object.entries(eqn.params).map(([key, value]) => [key, change(value)]));
  return isCheckpoint(eqn) && how.policyOf !== undefined ? { ...params, policy: how.policyOf(eqn) } : params;
}

/** Equal for equations that compute the same. */
function keyOf(eqn: Eqn, invars: readonly Atom[]): string {
  const atom = (x: Atom): string =>
    x instanceof Literal ? `${x.aval.key}=${String(x.value)}` : `v${String(identity(x))}`;
  const params = JSON.stringify(eqn.params, (_, value: unknown) => {
    if (typeof value === "bigint" || typeof value === "number") return String(value);
    const opaque = typeof value === "function" || value instanceof Jaxpr || value instanceof ClosedJaxpr;
    return opaque ? `#${String(identity(value))}` : value;
  });
  return `${eqn.primitive.name}(${invars.map(atom).join()})${params}`;
}

/** A policy that answers as another one does, and counts its answers. */
export interface RecordedPolicy {
  readonly policy: Policy;
  readonly counts: { saved: number; kept: number; recomputed: number };
}

export function recorded(original: Policy | null): RecordedPolicy {
  const counts = { saved: 0, kept: 0, recomputed: 0 };
  const note = (answer: PolicyAnswer): PolicyAnswer => {
    const checked = checkAnswer(answer);
    counts[checked === Saveable ? "saved" : checked === Recompute ? "recomputed" : "kept"]++;
    return answer;
  };
  const wrap = (p: Policy): Policy => {
    const { prepare } = p;
    return Object.assign(
      ((primitive, avals, params) => note(p(primitive, avals, params))) satisfies Policy,
      { answer: (eqn: Eqn) => note(askPolicy(p, eqn)) },
      prepare === undefined
        ? {}
        : { prepare: (program: Parameters<NonNullable<Policy["prepare"]>>[0]) => wrap(prepare(program)) },
    );
  };
  return { policy: wrap(original ?? checkpointPolicies.nothingSaveable), counts };
}
