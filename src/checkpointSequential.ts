/**
 * `checkpointSequential`: a chain of unequal functions whose backward pass fits into a memory budget and recomputes as little as can be. The schedule
 * is that of `schedules/rotor.ts`; the chain is then nested so that differentiating it does what the schedule says: what is recorded stands plain,
 * and what is computed again stands inside `checkpoint`.
 */
import { evalShape, makeJaxpr, type ShapeDType } from "./api/stage.ts";
import { parseBytes } from "./bytes.ts";
import { checkpoint } from "./checkpoint.ts";
import type { NDArray } from "./core/array.ts";
import { ShapedArray } from "./core/aval.ts";
import { zeros } from "./core/zeros.ts";
import { RematTypeError, ScheduleError, describe } from "./errors.ts";
import { costOfJaxpr } from "./passes/costs.ts";
import { savedResiduals } from "./residuals.ts";
import { nextCheckpoint } from "./schedules/binomial.ts";
import { rotor, type ChainPlan, type ChainTree, type Stage } from "./schedules/rotor.ts";
import { leaves, map } from "./tree.ts";

type StageFunction = (x: never) => unknown;

export type SequentialOptions =
  | { readonly memory: number | string }
  /** So many inputs of stages are kept, as the binomial schedule has it: for stages that are alike. */
  | { readonly slots: number }
  /** So many segments of about equal length, of which all but the last are computed again as a whole. */
  | { readonly segments: number };

export type Sequential<X, Y> = ((x: X) => Y) & {
  /** The schedule for an input of these shapes; only with `memory`. */
  readonly plan: (x: X) => ChainPlan;
  /** How the chain is cut for an input of these shapes. */
  readonly tree: (x: X) => ChainTree;
};

/**
 * The composition of `fs`, first to last, each taking what the one before gives. Its value and its gradients are those of the plain composition, bit
 * for bit.
 *
 * With `memory` the stages' inputs and residuals are measured, their times are estimated from their programs, and the fastest persistent schedule
 * within the budget is taken. The budget is for inputs and residuals of the stages; what they close over (weights) is not counted.
 *
 * @throws BudgetError if no schedule fits, with the smallest budget that does. @throws ScheduleError for options that cannot be.
 * @example
 * const layers = [1, 2, 3, 4].map((k) => (x: NDArray) => np.sin(x.mul(k)));
 * const net = checkpointSequential<NDArray, NDArray>(layers, { slots: 2 });
 * grad((x: NDArray) => np.sum(net(x)))(np.ones([3]));
 */
export function checkpointSequential<X, Y>(fs: readonly StageFunction[], options: SequentialOptions): Sequential<X, Y> {
  checkStages(fs);
  const chooser = treeChooser(fs, options);
  const built = new Map<string, StageFunction>();
  const run = (x: X): Y => {
    const tree = chooser.tree(x);
    const key = JSON.stringify(tree);
    let f = built.get(key);
    if (f === undefined) built.set(key, (f = nested(fs, tree)));
    return f(x as never) as Y;
  };
  return Object.assign(run, {
    tree: chooser.tree,
    plan: (x: X): ChainPlan => {
      if (chooser.plan === null) {
        throw new ScheduleError(
          "checkpointSequential's plan was asked for of a chain that was cut by slots or segments. Give { memory }, or ask for its tree.",
        );
      }
      return chooser.plan(x);
    },
  });
}

function checkStages(fs: readonly StageFunction[]): void {
  if (!Array.isArray(fs) || fs.length === 0) {
    throw new ScheduleError(
      `checkpointSequential takes a list of functions; got ${Array.isArray(fs) ? "an empty one" : describe(fs)}.`,
    );
  }
  for (const f of fs) {
    if (typeof f !== "function") throw new RematTypeError(`checkpointSequential takes functions; got ${describe(f)}.`);
  }
}

interface Chooser {
  readonly tree: (x: unknown) => ChainTree;
  readonly plan: ((x: unknown) => ChainPlan) | null;
}

function treeChooser(fs: readonly StageFunction[], options: SequentialOptions): Chooser {
  const last = fs.length - 1;
  if ("memory" in options) {
    const budget = parseBytes(options.memory, "checkpointSequential's memory");
    const plans = new Map<string, ChainPlan>();
    const plan = (x: unknown): ChainPlan => {
      const key = leaves(x)
        .map((leaf) => String((leaf as { aval?: unknown }).aval ?? typeof leaf))
        .join();
      let found = plans.get(key);
      if (found === undefined) {
        const { stages, output } = measure(fs, x);
        plans.set(key, (found = rotor(stages, budget, { output })));
      }
      return found;
    };
    return { plan, tree: (x) => plan(x).tree };
  }
  if ("slots" in options) {
    const tree = binomialTree(0, last, positive("slots", options.slots));
    return { plan: null, tree: () => tree };
  }
  if ("segments" in options) {
    const tree = segmentTree(0, last, Math.min(fs.length, positive("segments", options.segments)));
    return { plan: null, tree: () => tree };
  }
  throw new ScheduleError(
    `checkpointSequential was given ${describe(options)}. Give { memory: "64MiB" }, { slots: 4 } or { segments: 4 }.`,
  );
}

function positive(name: string, n: number): number {
  if (Number.isInteger(n) && n >= 1) return n;
  throw new ScheduleError(
    `checkpointSequential was given ${describe(n)} for its ${name}: give an integer of at least 1.`,
  );
}

const recorded = (from: number, to: number): ChainTree => ({
  kind: "record",
  from,
  to,
  rest: from === to ? null : recorded(from + 1, to),
});

function binomialTree(from: number, to: number, slots: number): ChainTree {
  if (from === to) return recorded(from, to);
  const at = slots === 1 ? to : from + nextCheckpoint(to + 1 - from, slots);
  const first = binomialTree(from, at - 1, slots);
  return { kind: "checkpoint", from, to, at, first, rest: binomialTree(at, to, Math.max(1, slots - 1)) };
}

function segmentTree(from: number, to: number, segments: number): ChainTree {
  if (segments === 1) return recorded(from, to);
  const at = from + Math.ceil((to + 1 - from) / segments);
  return { kind: "checkpoint", from, to, at, first: recorded(from, at - 1), rest: segmentTree(at, to, segments - 1) };
}

/** The chain as its tree has it. */
function nested(fs: readonly StageFunction[], tree: ChainTree): StageFunction {
  if (tree.kind === "record") {
    const rest = tree.rest === null ? null : nested(fs, tree.rest);
    const f = fs[tree.from];
    return rest === null ? f : (x: never) => rest(f(x) as never);
  }
  const first = checkpoint(nested(fs, tree.first) as (x: unknown) => unknown);
  const rest = nested(fs, tree.rest);
  return (x: never) => rest(first(x) as never);
}

/** Stands for a value of which the shape is known. */
const zerosLike = ({ shape, dtype, weakType }: ShapeDType): NDArray => zeros(new ShapedArray(shape, dtype, weakType));

function measure(fs: readonly StageFunction[], x: unknown): { readonly stages: Stage[]; readonly output: number } {
  const bytes = (value: unknown): number =>
    leaves(value).reduce<number>((sum, leaf) => {
      const { nbytes, aval } = leaf as { nbytes?: number; aval?: { nbytes: number } };
      return sum + (nbytes ?? aval?.nbytes ?? 4);
    }, 0);
  let value = x;
  const stages = fs.map((f): Stage => {
    const g = f as (x: unknown) => unknown;
    const { jaxpr } = makeJaxpr(g)(value);
    const kept = savedResiduals(g, value).filter((r) => r.kind !== "argument" && r.kind !== "constant");
    const out = jaxpr.outAvals.reduce((sum, a) => sum + a.nbytes, 0);
    const cost = costOfJaxpr(jaxpr);
    const forward = cost.flops + cost.bytes;
    const stage: Stage = {
      input: bytes(value),
      record: kept.reduce((sum, r) => sum + r.bytes, 0) + out,
      forward,
      backward: 2 * forward,
    };
    value = map((leaf: unknown) => zerosLike(leaf as ShapeDType), evalShape(g, value) as never);
    return stage;
  });
  return { stages, output: bytes(value) };
}
