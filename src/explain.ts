/**
 * Why a checkpoint does not lower the peak. Checkpointed calls are switched off, and the program compiled again: the peaks are exact, so calls
 * without which the peak is no higher do nothing for it, and the program around them says why. Of the calls on one line as many as possible are left
 * out together. Nothing is run.
 *
 * Known imperfections: in a function that is a gradient already, what a policy answered is not known any more, checkpoints inside of loops
 * are not switched off, and names are not compared with where their checkpoints stand. Calls inside of functions with rules of their own
 * (`customJvp`, `customVjp`) are not seen. Of two calls on one line of which either could be left out, but not both, the later one is told; on two lines, both are.
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
import { idleCalls, keptBytes, rangesText } from "./explain/idle.ts";
import { nameFindings } from "./explain/names.ts";
import { compiledFor, reportOf, type MemoryReport } from "./memory.ts";
import { formatBytes } from "./bytes.ts";
import { calledBody } from "./passes/calledBody.ts";
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
 * @returns one finding for each thing that is the matter, in program order (calls on one line with the same matter make one); none if there is nothing to say.
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
  readonly place: string;
  /** Its number among the calls on its line, and how many there are. */
  readonly call: number;
  readonly calls: number;
}

/** Why a call does not lower the peak. */
interface Reason {
  readonly kind: FindingKind;
  readonly text: string;
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
  const peakWithout = (off: ReadonlySet<Eqn>): number =>
    reportFor(subject, rewritten(program, { off, merge: differentiated })).peak;
  const active = sites.filter(({ policy }) => backward.has(policy.policy));
  const switched = active.filter(({ path }) => !differentiated || !path.some(isLoop));
  const byLine = [...Map.groupBy(switched, ({ place }) => place).values()];
  const idle = new Set(
    byLine.flatMap((same) => [
      ...idleCalls(
        same.map(({ eqn }) => eqn),
        whole.peak,
        peakWithout,
      ),
    ]),
  );
  const reasons = new Map(
    switched.flatMap((site): [Site, Reason][] => {
      const found = backward.get(site.policy.policy) ?? [];
      return idle.has(site.eqn) ? [[site, reasonOf(site, found, gradient.jaxpr, whole, differentiated)]] : [];
    }),
  );
  const idleFinding = (same: readonly Site[], { kind, text }: Reason): Finding => {
    const less = Math.max(0, whole.peak - peakWithout(new Set(same.map(({ eqn }) => eqn))));
    const more =
      less === 0 ? "" : ` Without ${same.length > 1 ? "them" : "it"}, the peak is ${formatBytes(less)} lower.`;
    const lowers = saidOf(same, ["does not lower", "do not lower", "lowers"]);
    const message = `${lowers} the peak of ${formatBytes(whole.peak)}: ${text}${more}`;
    return { kind, message, place: same[0].place, bytes: less };
  };
  const groups = Map.groupBy(sites, (site) => {
    const reason = reasons.get(site);
    return `${site.place} ${String(backward.has(site.policy.policy))} ${reason?.kind ?? ""} ${reason?.text ?? ""}`;
  });
  return [...groups.values()].flatMap((same): Finding[] => {
    const [first] = same;
    const { place } = first;
    if (!backward.has(first.policy.policy)) {
      const why = differentiated
        ? "no derivative is taken of it. Give explain a loss (a function with a scalar value), or its gradient."
        : "the loss does not depend on its result, or not in a way that has a derivative.";
      const message = `${saidOf(same, ["is never differentiated", "are never differentiated", "is ever differentiated"])}, so there is nothing to save: ${why}`;
      return [{ kind: "notDifferentiated", message, place }];
    }
    const reason = reasons.get(first);
    return [
      ...(reason === undefined ? [] : [idleFinding(same, reason)]),
      ...same.flatMap((site) => [...policyFindings(site), ...scanFindings(site)]),
    ];
  });
}

/** The checkpointed calls, numbered where several stand on one line. */
function sitesOf(eqns: readonly Found[]): Site[] {
  const found = eqns.filter(({ eqn }, i) => isCheckpoint(eqn) && eqns.findIndex((other) => other.eqn === eqn) === i);
  const placed = Map.groupBy(found, ({ eqn }) => placeOf(eqn));
  return found.map((site) => {
    const place = placeOf(site.eqn);
    const same = placed.get(place) ?? [site];
    // The backward pass runs from the last call to the first.
    const call = rematParams(site.eqn).differentiated ? same.length - same.indexOf(site) : same.indexOf(site) + 1;
    return { ...site, policy: recorded(rematParams(site.eqn).policy), place, call, calls: same.length };
  });
}

/** That some calls on one line don't do a thing: in words for one, for several, and for none of them. */
const saidOf = (same: readonly Site[], [one, several, none]: readonly [string, string, string]): string =>
  same.length > 1 && same.length === same[0].calls
    ? `none of the ${String(same.length)} calls of this checkpoint ${none}`
    : `${nameOf(same)} ${same.length > 1 ? several : one}`;

/** What to call some of the calls on one line. */
function nameOf(same: readonly Site[]): string {
  const [{ calls }] = same;
  if (calls === 1) return "this checkpoint";
  const numbers = rangesText(same.map(({ call }) => call).sort((a, b) => a - b));
  return same.length === 1
    ? `this checkpoint (call ${numbers} of ${String(calls)})`
    : `${String(same.length)} of the ${String(calls)} calls of this checkpoint (${numbers})`;
}

function reasonOf(
  site: Site,
  backward: readonly Found[],
  gradient: Jaxpr,
  report: MemoryReport,
  differentiated: boolean,
): Reason {
  const because = (kind: FindingKind, text: string): Reason => ({ kind, text });
  if (savesEverything(site))
    return because("savesEverything", "the policy saves everything. Leave the checkpoint out.");
  const [{ eqn, path }] = backward;
  if (backward.length === 1 && path.length === 0) {
    const { cotangent } = rematParams(eqn);
    const of = (flag: boolean): Atom[] => eqn.invars.filter((_, i) => (cotangent?.[i] ?? false) === flag);
    // A cotangent that no value went into comes from the end of the function by sums and moves alone.
    if (!reaches(gradient, of(true), (x) => isGiven(gradient, x))) {
      const wraps = !reaches(gradient, of(false), (x) => !(x instanceof Literal) && !isGiven(gradient, x));
      return wraps
        ? because(
            "wholeFunction",
            "it wraps the whole function, so the backward pass begins by computing all of it again, and then holds what it would have held. Wrap its parts.",
          )
        : because(
            "lastStage",
            "it wraps the last stage, whose backward pass follows at once: what is not kept is computed again at the same moment. Leave it out.",
          );
    }
  }
  // The body of a call that has been differentiated is its backward pass.
  if (!differentiated) {
    const { kept, without: plain } = keptBytes(site.eqn);
    if (plain === 0) {
      return because(
        "keepsAsMuch",
        "the backward pass needs no more of it than its arguments and its result, which are kept anyway. Wrap several such parts together, or leave it out.",
      );
    }
    if (kept >= plain) {
      return because(
        "keepsAsMuch",
        `the policy keeps ${formatBytes(kept)} of what is inside, and without a checkpoint ${formatBytes(plain)} would be kept. Give a policy that saves less, or leave it out.`,
      );
    }
  }
  const { label, source } = report.atPeak;
  const where = `${label}${source === "" ? "" : ` from ${source}`}`;
  const own = [...allEqns(rematParams(site.eqn).jaxpr)].some(({ eqn: e }) => e.source?.toString() === source);
  return own && source !== ""
    ? because(
        "peakInside",
        `the peak comes while such a part itself is computed or computed again, with all that its derivative needs, at ${where}. Wrap smaller parts; or leave it out, which takes no more memory and less time.`,
      )
    : because(
        "peakElsewhere",
        `the peak comes at another time, at ${where}. What lives then is what to save on: see printMemory.`,
      );
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

function policyFindings(site: Site): Finding[] {
  const { eqn, place } = site;
  const { counts } = site.policy;
  const { policy, jaxpr } = rematParams(eqn);
  const nothing = policy === null || policy.json?.policy === "nothingSaveable";
  if (nothing || counts.recomputed === 0 || counts.saved + counts.kept > 0) return [];
  const inside = [...allEqns(jaxpr)].map(({ eqn: e }) => e);
  const listed = (all: readonly string[]): string => {
    const some = [...new Set(all)];
    return some.length > 8 ? `${some.slice(0, 8).join(", ")} and others` : some.join(", ");
  };
  const names = inside.flatMap((e) => (e.primitive.name === "name" ? [`'${e.params.name as string}'`] : []));
  const operations = inside.flatMap((e) =>
    e.primitive.name === "name" || calledBody(e) !== null ? [] : [e.primitive.name],
  );
  const message =
    `the policy of ${nameOf([site])} saves nothing of it, so all of it is computed again, as without a policy. ` +
    `Inside are ${listed(operations)}${names.length === 0 ? ", and no names" : `, and the name${new Set(names).size > 1 ? "s" : ""} ${listed(names)}`}.`;
  return [{ kind: "savesNothing", message, place }];
}

function scanFindings(site: Site): Finding[] {
  const { eqn, place } = site;
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
    `${nameOf([site])} is around a scan, so the values of all ${steps} steps are computed again together. ` +
    `Checkpoint the body of the scan instead, or give the scan { checkpoint: "binomial" }.`;
  return [{ kind: "aroundScan", message, place }];
}
