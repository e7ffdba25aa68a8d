/**
 * What becomes of residuals: which equations of the backward program read each of them, and what it would cost to compute it again from the
 * arguments and the other residuals. These are the two questions behind every choice of a policy.
 */
import { Literal, type Var, type Atom, type Eqn, type Jaxpr } from "./core/jaxpr.ts";
import type { Frame } from "./core/source.ts";
import { stage } from "./core/stage.ts";
import { calledBody } from "./passes/calledBody.ts";
import { dce } from "./passes/dce.ts";
import { addCosts, costOf, type Cost } from "./passes/costs.ts";
import { flatFunction, flattenArgs, type AnyFunction } from "./api/flat.ts";
import { vjpProgram } from "./api/vjpProgram.ts";

/** An equation of the backward program that reads a residual. */
export interface Consumer {
  readonly eqn: Eqn;
  /** The name of its primitive. */
  readonly name: string;
  /** The line of the user's code whose derivative it belongs to. */
  readonly source: Frame | null;
  /** The calls in which it stands, from the outside. */
  readonly within: readonly string[];
  /** True if no cotangent goes into it: it computes again what the forward pass computed. */
  readonly recomputes: boolean;
  /** `mul from file.ts:3:9 (f)`. */
  readonly text: string;
}

/** The backward program of `vjp(f, ...args)`: residuals, then cotangents of all outputs, to cotangents of all arguments. */
export function backwardProgram(f: AnyFunction, args: readonly unknown[]): Jaxpr {
  const flat = flattenArgs(f, args, "asFloats");
  const g = flatFunction(f, flat.treedef, "vjp");
  const { extra } = stage(
    flat.leaves.map((x) => x.aval),
    (leaves) => {
      const program = vjpProgram(g.call, leaves, null);
      const n = program.residuals.length;
      const avals = [...program.residuals.map((r) => r.aval), ...program.outAvals];
      const { closed } = stage(avals, (xs) => ({ outs: program.pullback(xs.slice(0, n), xs.slice(n)), extra: null }));
      return { outs: [], extra: closed.jaxpr };
    },
  );
  const everything = extra.outvars.map(() => true);
  return dce(extra, everything, true).jaxpr;
}

/** Who reads each of the first inputs of a backward program, its residuals, inside of calls too. */
export function consumersOf(jaxpr: Jaxpr, numResiduals: number): readonly (readonly Consumer[])[] {
  const cotangents = new Set<Atom>(jaxpr.invars.slice(numResiduals));
  return jaxpr.invars.slice(0, numResiduals).map((v) => readersOf(v, jaxpr, [], cotangents));
}

function readersOf(v: Var, jaxpr: Jaxpr, within: readonly string[], cotangents: ReadonlySet<Atom>): Consumer[] {
  const backward = new Set(cotangents);
  const readers: Consumer[] = [];
  for (const eqn of jaxpr.eqns) {
    const isBackward = eqn.invars.some((x) => backward.has(x));
    if (isBackward) for (const out of eqn.outvars) backward.add(out);
    if (!eqn.invars.includes(v)) continue;
    const body = calledBody(eqn);
    if (body === null) {
      readers.push(consumer(eqn, within, !isBackward));
      continue;
    }
    const inner = new Set<Atom>(body.invars.filter((_, i) => backward.has(eqn.invars[i])));
    body.invars.forEach((w, i) => {
      if (eqn.invars[i] === v) readers.push(...readersOf(w, body, [...within, eqn.primitive.name], inner));
    });
  }
  return readers;
}

function consumer(eqn: Eqn, within: readonly string[], recomputes: boolean): Consumer {
  const { name } = eqn.primitive;
  const place = String(eqn.source ?? "");
  return {
    eqn,
    name,
    source: eqn.source?.frame ?? null,
    within,
    recomputes,
    text: place === "" ? name : `${name} from ${place}`,
  };
}

/** The cost of computing `v` again when inputs, constants and `kept` are at hand. */
export function recomputeCost(jaxpr: Jaxpr, v: Var, kept: ReadonlySet<Atom>): Cost {
  const makers = new Map<Atom, Eqn>();
  for (const eqn of jaxpr.eqns) for (const out of eqn.outvars) makers.set(out, eqn);
  const needed = new Set<Eqn>();
  const queue: Atom[] = [v];
  for (const x of queue) {
    if (x instanceof Literal || (x !== v && kept.has(x))) continue;
    const eqn = makers.get(x);
    if (eqn === undefined || needed.has(eqn)) continue;
    needed.add(eqn);
    queue.push(...eqn.invars);
  }
  return addCosts([...needed].map(costOf));
}
