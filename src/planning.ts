/**
 * Programs within a memory budget: what is kept, what is computed again, and what it costs. The peaks are those of compiled programs, so what is
 * said here is what a run takes.
 */
import { checkOffload, jit, jitProgram, makeJaxpr, ShapeDType } from "./api/stage.ts";
import type { AnyFunction } from "./api/flat.ts";
import { addProgram, compileWithin, programFrontInWorker, type FrontPoint } from "./compile/budget.ts";
import { blocksOf, type KernelGraph } from "./compile/kernelGraph.ts";
import {
  currentEngine,
  type CompileProgress,
  type KernelCost,
  type MemoryBudget,
  type OffloadOptions,
  type RunOptions,
} from "./core/engine.ts";
import { measuredCost } from "./measuredCost.ts";
import type { ClosedJaxpr, Eqn } from "./core/jaxpr.ts";
import type { NDArray } from "./core/array.ts";
import { isCompiling, type CompilingEngine } from "./compile/compile.ts";
import type { Target } from "./compile/target.ts";
import { UnsupportedError } from "./errors.ts";
import { planGraphExact } from "./plan/exact/planExact.ts";
import { memoryText, reportOf, type MemoryReport } from "./memory.ts";
import { checkpointPolicies, type Policy } from "./policies.ts";
import { flatten } from "./tree.ts";

export interface PlanProgramOptions {
  /** Bytes, a share of the peak without a budget in (0, 1], or a text: "64MiB", "50%". */
  readonly memory: MemoryBudget;
  /**
   * The plan may take values out of the arena for a while, where that costs less than recomputing them: into ordinary memory (`true`), or to a file in
   * a directory; `bandwidth`, in bytes a second, tells what it costs.
   */
  readonly offload?: boolean | OffloadOptions;
  /**
   * What kernels cost: "model" (the default) reckons with floating-point operations and bytes; "measured" runs each kernel of the program by itself on
   * this machine and takes the clock, so that plans may differ from run to run; a function of yours answers in seconds.
   */
  readonly cost?: "model" | "measured" | KernelCost;
  /** Is told how far the search is. */
  readonly onProgress?: (progress: CompileProgress) => void;
}

/** A value of the program. */
export interface PlannedValue {
  /** The primitive that makes it. */
  readonly producer: string;
  readonly type: string;
  readonly bytes: number;
  /** How often it is computed. */
  readonly runs: number;
  /** Whether it is in host memory for a while. */
  readonly offloaded: boolean;
  /** The user's line. */
  readonly source: string;
  /** The primitives that read it, with their lines. */
  readonly consumers: readonly string[];
}

export interface PeakAndTime {
  /** Bytes of the arena. */
  readonly peak: number;
  /** Seconds by the cost model (floating-point operations and bytes moved). */
  readonly time: number;
}

export interface ProgramPlan<F extends AnyFunction> extends PeakAndTime {
  /** Bytes. */
  readonly budget: number;
  /** The program without a budget. */
  readonly baseline: PeakAndTime;
  /** The extra time by the model, as a share of the baseline's. */
  readonly overhead: number;
  /** No program of these kernels has a smaller peak than `peak`, and none takes less time than `time`. */
  readonly lowerBound: PeakAndTime;
  /** How much of the time might be saved at most. */
  readonly gap: number;
  readonly saved: readonly PlannedValue[];
  readonly recomputed: readonly PlannedValue[];
  /** What is in host memory for a while, if the plan may offload. */
  readonly offloaded: readonly PlannedValue[];
  /** Memory by kernel, and what is there at the peak. */
  readonly memory: MemoryReport;
  /** What holds the peak, as text. */
  explain(what: "peak"): string;
  /** The named values that the plan keeps, as a policy that JAX has, too. */
  toPolicy(): Policy;
  /** The function, compiled within the budget. */
  compile(): F;
}

/** @internal */
export function compilingEngine(): CompilingEngine {
  const engine = currentEngine();
  if (isCompiling(engine)) return engine;
  throw new UnsupportedError(
    `plan: the ${engine.name} engine allocates as it goes, so there is nothing to plan.\nChoose one that compiles: setEngine("wasm").`,
  );
}

/**
 * Of arrays the program that `jit` runs, so that each plan of it is looked for once; of types alone a program of its own.
 *
 * @internal
 */
export const programOf = (f: AnyFunction, args: readonly unknown[]): ClosedJaxpr<NDArray> =>
  flatten(args).leaves.some((x) => x instanceof ShapeDType)
    ? makeJaxpr(f)(...(args as readonly never[]))
    : jitProgram(f, args);

/**
 * Plans a function on arguments of these types within a memory budget. Nothing is run.
 *
 * @throws BudgetError where no program within the budget is found: it names the smallest peak that was, and what holds it.
 * @example
 * const f = grad((x: NDArray) => np.sum(np.sin(np.sin(x))));
 * const { peak, overhead } = plan(f, [np.ones([1000])], { memory: "16KiB" });
 */
export function plan<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: A,
  { memory, ...options }: PlanProgramOptions,
): ProgramPlan<(...args: A) => R> {
  return describePlan(
    f,
    programOf(f, args),
    compilingEngine().target,
    memory,
    options.offload ?? false,
    runOptions(options),
  );
}

/** @internal */
export const runOptions = ({
  offload = false,
  cost = "model",
  onProgress,
}: Omit<PlanProgramOptions, "memory">): RunOptions => ({
  ...(onProgress === undefined ? {} : { onProgress }),
  ...(offload === false ? {} : { offload: checkOffload("plan", offload) }),
  ...(cost === "model" ? {} : { cost: cost === "measured" ? measuredCost(compilingEngine()) : cost }),
});

const withoutOffload = ({ offload: _, ...options }: RunOptions): RunOptions => options;

export interface PlanAsyncOptions extends PlanProgramOptions {
  /** "exact" asks HiGHS, too (the optional package `highs`), which proves how good the plan is or finds a better one. */
  readonly solver?: "search" | "exact";
  /** Seconds that the solver may take: 60 by default. */
  readonly solverSeconds?: number;
  /** Ends the search; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * `plan`, with the search in a worker, so that this thread goes on meanwhile; and, if asked for, with an exact solver, whose bound is the plan's `gap`.
 * A plan found so is known from then on: `plan` and `jit` within budgets take it, too.
 *
 * @throws BudgetError as `plan` does, PlanGraphError where `highs` is not installed or the program is too large for it.
 * @example
 * const f = grad((x: NDArray) => np.sum(np.sin(np.sin(x))));
 * const { gap } = await planAsync(f, [np.ones([1000])], { memory: "16KiB" });
 */
export async function planAsync<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: A,
  { memory, offload = false, cost = "model", solver = "search", solverSeconds, signal, ...more }: PlanAsyncOptions,
): Promise<ProgramPlan<(...args: A) => R>> {
  const closed = programOf(f, args);
  const options = runOptions({ ...more, offload, cost });
  const { target } = compilingEngine();
  const front = await programFrontInWorker(closed, target, withoutOffload(options), signal);
  const quick = describePlan(f, closed, target, memory, offload, options);
  if (solver === "search") return quick;
  const exact = await planGraphExact(front.graph.graph, {
    memory: Math.max(quick.budget, 2),
    ...(solverSeconds === undefined ? {} : { solverSeconds }),
  });
  addProgram(closed, target, options, front, exact.sequence);
  const planned = describePlan(f, closed, target, memory, offload, options);
  const time = Math.min(planned.time, exact.lowerBound.time);
  return { ...planned, lowerBound: { ...planned.lowerBound, time }, gap: (planned.time - time) / planned.time };
}

function describePlan<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  memory: MemoryBudget,
  offload: boolean | OffloadOptions,
  options: RunOptions,
): ProgramPlan<(...args: A) => R> {
  const planned = compileWithin(closed, target, memory, options);
  const { point, front, compiled, budget } = planned;
  const report = reportOf(compiled);
  const last = front.points[front.points.length - 1];
  const values = plannedValues(front.graph, point);
  return {
    budget,
    peak: point.peak,
    time: point.time,
    baseline: { peak: front.unplanned.layout.size, time: last.time },
    overhead: point.time / last.time - 1,
    lowerBound: { peak: front.floor, time: last.time },
    gap: (point.time - last.time) / point.time,
    saved: values.filter((v) => v.runs === 1 && !v.offloaded),
    recomputed: values.filter((v) => v.runs > 1),
    offloaded: values.filter((v) => v.offloaded),
    memory: report,
    explain: () => memoryText(report),
    toPolicy: () => namesPolicy(front.graph, point),
    compile: () =>
      jit(f as AnyFunction, {
        memory: budget,
        offload,
        ...(options.cost === undefined ? {} : { cost: options.cost }),
      }) as unknown as (...args: A) => R,
  };
}

const lineOf = (eqn: Eqn): string => eqn.source?.toString() ?? "";

function runsOf({ groups }: KernelGraph, { sequence }: FrontPoint): Int32Array {
  const runs = new Int32Array(groups.length);
  if (sequence === null) runs.fill(1);
  else for (const g of sequence) runs[g]++;
  return runs;
}

function plannedValues(graph: KernelGraph, point: FrontPoint): PlannedValue[] {
  const runs = runsOf(graph, point);
  const away = new Set(point.spills?.map((s) => `${String(point.sequence?.[s.at])} ${String(s.output)}`));
  const readers = new Map<string, Set<number>>();
  for (const [g, i, reader] of graph.graph.edges as readonly (readonly [number, number, number])[]) {
    const key = `${String(g)} ${String(i)}`;
    const set = readers.get(key);
    if (set === undefined) readers.set(key, new Set([reader]));
    else set.add(reader);
  }
  const inside = insideKernels(graph, point, readers);
  return graph.groups.flatMap(({ eqns, outputs }, g) =>
    (inside.has(g) ? [] : outputs).map((v, i): PlannedValue => {
      const eqn = eqns.find((e) => e.outvars.includes(v)) as Eqn;
      const consumers = [...(readers.get(`${String(g)} ${String(i)}`) ?? [])].map((r) => {
        const [first] = graph.groups[r].eqns;
        const line = lineOf(first);
        return line === "" ? first.primitive.name : `${first.primitive.name} from ${line}`;
      });
      return {
        producer: eqn.primitive.name,
        type: String(v.aval),
        bytes: v.aval.nbytes,
        runs: runs[g],
        offloaded: away.has(`${String(g)} ${String(i)}`),
        source: lineOf(eqn),
        consumers,
      };
    }),
  );
}

/** Parts of kernels whose values are read by other parts of them only, in the same run: they are never in memory. */
function insideKernels(
  { groups }: KernelGraph,
  { sequence }: FrontPoint,
  readers: ReadonlyMap<string, ReadonlySet<number>>,
): ReadonlySet<number> {
  const blocksWith = new Map<number, Set<number>[]>();
  for (const block of blocksOf(groups, sequence ?? [...groups.keys()])) {
    const all = new Set(block);
    for (const g of block) blocksWith.set(g, [...(blocksWith.get(g) ?? []), all]);
  }
  return new Set(
    [...groups.keys()].filter((g) => {
      const own = blocksWith.get(g) ?? [];
      const all = groups[g].outputs.flatMap((_, i) => [...(readers.get(`${String(g)} ${String(i)}`) ?? [])]);
      return all.length > 0 && all.every((r) => blocksWith.get(r)?.every((block) => own.includes(block)));
    }),
  );
}

/** The names (`checkpointName`) of the values that run once. */
function namesPolicy(graph: KernelGraph, point: FrontPoint): Policy {
  const runs = runsOf(graph, point);
  const groupOf = new Map(
    graph.groups.flatMap(({ eqns }, g) => eqns.flatMap((e) => e.outvars.map((v) => [v, g] as const))),
  );
  const names = new Set<string>();
  const dropped = new Set<string>();
  for (const eqn of graph.free.values()) {
    if (eqn.primitive.name !== "name") continue;
    let [x] = eqn.invars;
    // Through reshapes and the like to the value itself.
    while (!groupOf.has(x) && graph.free.has(x)) [x] = (graph.free.get(x) as Eqn).invars;
    const g = groupOf.get(x);
    (g !== undefined && runs[g] > 1 ? dropped : names).add(eqn.params.name as string);
  }
  return checkpointPolicies.saveOnlyTheseNames(...[...names].filter((n) => !dropped.has(n)));
}
