/**
 * Why a checkpoint does not lower the peak. Each checkpointed call is switched off in turn, and the program compiled again: the peaks are exact, so
 * a call without which the peak is no higher does nothing for it, and the program around it says why. Nothing is run.
 *
 * Known imperfections: in a function that is a gradient already, what a policy answered is not known any more, checkpoints inside of loops
 * are not switched off, and names are not compared with where their checkpoints stand. Calls inside of functions with rules of their own
 * (`customJvp`, `customVjp`) are not seen. Calls are switched off one at a time: of two that only help together, neither helps.
 */
import type { NDArray } from "./core/array.ts";
import { isInexact } from "./core/dtype.ts";
import { evalJaxpr } from "./core/evalJaxpr.ts";
import { Literal, type Atom, type ClosedJaxpr, type Eqn, type Jaxpr } from "./core/jaxpr.ts";
import { flattenArgs, requireFunction, type AnyFunction, type Callable } from "./api/flat.ts";
import { passFor } from "./argNames.ts";
import { valueAndGrad } from "./api/reverse.ts";
import { makeJaxpr } from "./api/stage.ts";
import {
  allEqns,
  isCheckpoint,
  isLoop,
  placeOf,
  recorded,
  rematParams,
  rewritten,
  type Found,
  type RecordedPolicy,
} from "./explain/checkpoints.ts";
import type { Finding, FindingKind } from "./explain/finding.ts";
import { nameFindings } from "./explain/names.ts";
import { compiledFor, reportOf, type MemoryReport } from "./memory.ts";
import { formatBytes } from "./bytes.ts";
import { unflatten } from "./tree.ts";

export type { Finding, FindingKind };

/** A function as a program, and what becomes of it. */
interface Subject {
  readonly program: ClosedJaxpr<NDArray>;
  readonly leaves: readonly NDArray[];
  /** True for a program that is a gradient (or has none): it is measured as it is. */
  readonly differentiated: boolean;
}

/**
 * Explains what checkpoints, policies and names of a function do not do: checkpoints that do not lower the peak, and why; policies that save nothing;
 * names that no policy mentions, and names in policies that no value has; checkpoints around a scan; checkpoints that nothing differentiates.
 *
 * @param f a function with a scalar value, which is differentiated by all its floating-point arguments, or a gradient function, which is
 * taken as it is.
 * @returns one finding for each thing that is the matter, in program order; none if there is nothing to say.
 * @throws UnsupportedError for an engine that doesn't compile, if there are checkpoints.
 * @example
 * const f = checkpoint((x: NDArray) => np.sum(np.sin(np.sin(x))));
 * explain(f, np.ones([1000])).map((finding) => finding.kind); // ["wholeFunction"]
 */
export function explain<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): Finding[] {
  requireFunction(f, "explain");
  const subject = subjectOf(f, args);
  const eqns = [...allEqns(subject.program.jaxpr)];
  return [...checkpointFindings(subject, eqns), ...nameFindings(eqns, subject.differentiated)].filter(
    (a, i, all) => all.findIndex((b) => a.message === b.message && a.place === b.place) === i,
  );
}

/** Prints what `explain` finds, one finding a line. */
export function printExplain<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): void {
  const findings = explain(f, ...args);
  if (findings.length === 0) console.log("nothing to say: each checkpoint lowers the peak, each name is used");
  for (const { message, place } of findings) console.log(place === "" ? message : `${place}: ${message}`);
}

function subjectOf(f: AnyFunction, args: readonly unknown[]): Subject {
  const { leaves, treedef } = flattenArgs(f, args, "asFloats");
  const flat = passFor(
    (...xs: readonly NDArray[]) => (f as unknown as Callable)(...(unflatten(treedef, xs) as readonly unknown[])),
    f,
  );
  const program = makeJaxpr(flat)(...leaves);
  const { outAvals } = program;
  const scalar = outAvals.length === 1 && outAvals[0].shape.length === 0 && isInexact(outAvals[0].dtype);
  const isGradient = [...allEqns(program.jaxpr)].some(
    ({ eqn }) => isCheckpoint(eqn) && rematParams(eqn).differentiated,
  );
  const differentiated = isGradient || !scalar || !leaves.some((x) => isInexact(x.dtype));
  // A gradient's jitted parts are opened, so that what is recomputed meets what it recomputes.
  return { program: differentiated ? rewritten(program, { inlineJit: true }) : program, leaves, differentiated };
}

/** The function that is compiled: the program, or its value and gradient. */
function measured({ leaves, differentiated }: Subject, program: ClosedJaxpr<NDArray>): AnyFunction {
  const run = (...xs: readonly NDArray[]): NDArray[] => evalJaxpr(program.jaxpr, program.consts, xs);
  if (differentiated) return run;
  const argnums = leaves.flatMap((x, i) => (isInexact(x.dtype) ? [i] : []));
  return valueAndGrad((...xs: readonly NDArray[]) => run(...xs)[0], { argnums });
}

const reportFor = (subject: Subject, program: ClosedJaxpr<NDArray>): MemoryReport =>
  reportOf(compiledFor(measured(subject, program), subject.leaves));

/** What is known of a checkpointed call. */
interface Site extends Found {
  readonly policy: RecordedPolicy;
  /** What to call it where several stand on one line. */
  readonly which: string;
}

function checkpointFindings(subject: Subject, eqns: readonly Found[]): Finding[] {
  const sites = sitesOf(eqns);
  if (sites.length === 0) return [];
  const { program, leaves, differentiated } = subject;
  const policies = new Map(sites.map(({ eqn, policy }) => [eqn, policy.policy]));
  const marked = rewritten(program, { policyOf: (eqn) => policies.get(eqn) ?? null });
  const traced = makeJaxpr(measured(subject, marked))(...(leaves as readonly never[]));
  const gradient = rewritten(traced, { inlineJit: true });
  const backward = Map.groupBy(
    [...allEqns(gradient.jaxpr)].filter(({ eqn }) => isCheckpoint(eqn) && rematParams(eqn).differentiated),
    ({ eqn }): unknown => rematParams(eqn).policy,
  );
  const whole = reportFor(subject, program);
  return sites.flatMap((site): Finding[] => {
    const place = placeOf(site.eqn);
    const found = backward.get(site.policy.policy);
    if (found === undefined) {
      const message = `${site.which} is never differentiated, so it does nothing: its result does not depend on what is differentiated, or no derivative is taken.`;
      return [{ kind: "notDifferentiated", message, place }];
    }
    const findings: Finding[] = [];
    const canSwitch = !differentiated || !site.path.some(isLoop);
    if (canSwitch) {
      const without = reportFor(subject, rewritten(program, { off: site.eqn, merge: differentiated })).peak;
      if (without <= whole.peak) {
        const [kind, reason] = reasonOf(site, found, gradient.jaxpr, whole);
        const less = whole.peak - without;
        const more = less === 0 ? "" : ` Without it, the peak is ${formatBytes(less)} lower.`;
        const message = `${site.which} does not lower the peak of ${formatBytes(whole.peak)}: ${reason}${more}`;
        findings.push({ kind, message, place, bytes: less });
      }
    }
    return [...findings, ...policyFindings(site, place), ...scanFindings(site, place)];
  });
}

/** The checkpointed calls, numbered where several stand on one line. */
function sitesOf(eqns: readonly Found[]): Site[] {
  const found = eqns.filter(({ eqn }, i) => isCheckpoint(eqn) && eqns.findIndex((other) => other.eqn === eqn) === i);
  const placed = Map.groupBy(found, ({ eqn }) => placeOf(eqn));
  return found.map((site) => {
    const same = placed.get(placeOf(site.eqn)) ?? [site];
    // The backward pass runs from the last call to the first.
    const at = rematParams(site.eqn).differentiated ? same.length - same.indexOf(site) : same.indexOf(site) + 1;
    const which =
      same.length === 1 ? "this checkpoint" : `this checkpoint (call ${String(at)} of ${String(same.length)})`;
    return { ...site, policy: recorded(rematParams(site.eqn).policy), which };
  });
}

function reasonOf(
  site: Site,
  backward: readonly Found[],
  gradient: Jaxpr,
  report: MemoryReport,
): [FindingKind, string] {
  if (savesEverything(site)) return ["savesEverything", "its policy saves everything."];
  const [{ eqn, path }] = backward;
  if (backward.length === 1 && path.length === 0) {
    const { cotangent } = rematParams(eqn);
    const of = (flag: boolean): Atom[] => eqn.invars.filter((_, i) => (cotangent?.[i] ?? false) === flag);
    // A cotangent that no value went into comes from the end of the function by sums and moves alone.
    if (!reaches(gradient, of(true), (x) => isGiven(gradient, x))) {
      const wraps = !reaches(gradient, of(false), (x) => !(x instanceof Literal) && !isGiven(gradient, x));
      return wraps
        ? [
            "wholeFunction",
            "it wraps the whole function, so the backward pass begins by computing all of it again, and then holds what it would have held. Wrap its parts.",
          ]
        : [
            "lastStage",
            "it wraps the last stage, whose backward pass follows at once: what is not kept is computed again at the same moment. Leave it out.",
          ];
    }
  }
  const { label, source } = report.atPeak;
  const where = `${label}${source === "" ? "" : ` from ${source}`}`;
  const own = [...allEqns(rematParams(site.eqn).jaxpr)].some(({ eqn: e }) => e.source?.toString() === source);
  return own && source !== ""
    ? [
        "peakInside",
        `the peak lies where it is computed or computed again itself, at ${where}. Wrap smaller parts, or leave it out.`,
      ]
    : ["peakElsewhere", `the peak lies elsewhere, at ${where}.`];
}

const isGiven = ({ invars, constvars }: Jaxpr, x: Atom): boolean =>
  !(x instanceof Literal) && (invars.includes(x) || constvars.includes(x));

/** Whether what `from` is computed from (itself included) has a value of which `test` is true. */
function reaches(jaxpr: Jaxpr, from: readonly Atom[], test: (x: Atom) => boolean): boolean {
  const makers = new Map<Atom, Eqn>(jaxpr.eqns.flatMap((e) => e.outvars.map((v) => [v, e] as const)));
  const seen = new Set<Atom>();
  const stack = [...from];
  for (let x = stack.pop(); x !== undefined; x = stack.pop()) {
    if (seen.has(x)) continue;
    seen.add(x);
    if (test(x)) return true;
    stack.push(...(makers.get(x)?.invars ?? []));
  }
  return false;
}

function savesEverything({ eqn, policy: { counts } }: Site): boolean {
  if (rematParams(eqn).policy?.json?.policy === "everythingSaveable") return true;
  return counts.saved > 0 && counts.kept + counts.recomputed === 0;
}

function policyFindings({ eqn, policy: { counts }, which }: Site, place: string): Finding[] {
  const { policy, jaxpr } = rematParams(eqn);
  const nothing = policy === null || policy.json?.policy === "nothingSaveable";
  if (nothing || counts.recomputed === 0 || counts.saved + counts.kept > 0) return [];
  const names = new Set(
    [...allEqns(jaxpr)].flatMap(({ eqn: e }) => (e.primitive.name === "name" ? [`'${e.params.name as string}'`] : [])),
  );
  const inside = names.size === 0 ? "" : ` The names inside are ${[...names].join(", ")}.`;
  return [{ kind: "savesNothing", message: `the policy of ${which} saves nothing of it.${inside}`, place }];
}

function scanFindings({ eqn, which }: Site, place: string): Finding[] {
  const scans = [...allEqns(rematParams(eqn).jaxpr)].filter(({ eqn: e }) => e.primitive.name === "scan");
  const inner = scans.filter(({ eqn: e }) => (e.params.length as number) > 1);
  const checkpointed = scans.some(
    ({ eqn: e }) =>
      e.params.checkpoint_slots !== undefined ||
      [...allEqns((e.params.jaxpr as ClosedJaxpr).jaxpr)].some((f) => isCheckpoint(f.eqn)),
  );
  if (inner.length === 0 || checkpointed) return [];
  const steps = String(Math.max(...inner.map(({ eqn: e }) => e.params.length as number)));
  const message =
    `${which} is around a scan, so the values of all ${steps} steps are computed again together. ` +
    `Checkpoint the body of the scan instead, or give the scan { checkpoint: "binomial" }.`;
  return [{ kind: "aroundScan", message, place }];
}
