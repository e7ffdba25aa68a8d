/**
 * A program within a memory budget. Its kernels and the values between them are a graph; the planner (`src/plan`) finds an order, with repeats, in
 * which little enough lives at a time; and that order is compiled. What counts is the arena of the compiled program: the plans of the whole
 * curve are compiled, and the fastest whose arena keeps the budget is taken. So the bound holds for what runs and not for a model of it, and a
 * larger budget never gives a slower program.
 */
import type { NDArray } from "../core/array.ts";
import type { MemoryBudget, RunOptions } from "../core/engine.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { identity, Memo } from "../core/memo.ts";
import { BudgetError } from "../errors.ts";
import { flatten } from "../plan/graph.ts";
import { paretoGraphInWorker } from "../plan/inWorker.ts";
import { searchFlat } from "../plan/planGraph.ts";
import { floorOf } from "../plan/simulate.ts";
import { parseBudget } from "../bytes.ts";
import { kernelGraph, type KernelGraph } from "./kernelGraph.ts";
import { orderedProgram, type OrderedProgram } from "./ordered.ts";
import { compileOrdered, type Compiled } from "./compile.ts";
import { reordered, type Spill } from "./reorder.ts";
import { spillCurves } from "./spill.ts";
import type { Target } from "./target.ts";

/** One program of the curve from little memory to little time. */
export interface FrontPoint {
  /** Bytes of the arena. */
  readonly peak: number;
  /** Seconds by the cost model. */
  readonly time: number;
  /** The groups of the graph in the order in which they run, with repeats; null for the program as it is. */
  readonly sequence: readonly number[] | null;
  /** What is in host memory for a while. */
  readonly spills?: readonly Spill[];
}

/** The programs of a jaxpr that the planner found, by their true peaks. */
export interface ProgramFront {
  readonly unplanned: Compiled;
  readonly graph: KernelGraph;
  /** The largest working set of one step with all that is always there: by the model no plan has a smaller peak. */
  readonly floor: number;
  /** From the smallest peak to the least time; each is faster than all that are smaller. */
  readonly points: readonly FrontPoint[];
}

/** A program that keeps a budget, and how it came about. */
export interface Planned {
  readonly compiled: Compiled;
  readonly budget: number;
  readonly point: FrontPoint;
  readonly front: ProgramFront;
}

/** How many plans of the curve are compiled to learn their true peaks: all of a small program, fewer of a large one. */
const compiledOf = (groups: number): number => Math.max(24, Math.floor(24_000 / groups));

/** Tells apart the curves of one program. */
const frontKey = ({ donated, cost }: RunOptions): string =>
  `${donated?.join() ?? ""}${cost === undefined ? "" : ` cost ${String(identity(cost))}`}`;

const fronts = new Memo<ClosedJaxpr<NDArray>, ProgramFront>();
/** Whose curves are known, or being found. */
const searched = new WeakMap<ClosedJaxpr<NDArray>, Set<string>>();

const markSearched = (closed: ClosedJaxpr<NDArray>, key: string): void => {
  searched.set(closed, (searched.get(closed) ?? new Set<string>()).add(key));
};

/**
 * The curve of a jaxpr's programs: found once, and the same for every budget, so that a larger budget never gives a slower program.
 */
export const programFront = (closed: ClosedJaxpr<NDArray>, target: Target, options: RunOptions = {}): ProgramFront => {
  const key = frontKey(options);
  const front = fronts.get(closed, key, () => {
    markSearched(closed, key);
    return searchPrograms(closed, target, options);
  });
  if (options.offload === undefined) return front;
  const { disk, bandwidth } = options.offload;
  return fronts.get(closed, `${key} offload ${String(bandwidth ?? disk !== undefined)}`, () => {
    const spilled = spillCurves(closed, target, options, front);
    return { ...front, points: fastestByPeak([...front.points, ...spilled]) };
  });
};

/** A program before its curve is known. */
interface Draft {
  readonly ordered: OrderedProgram;
  readonly unplanned: Compiled;
  readonly whole: KernelGraph;
  readonly effort: number;
}

function draftOf(closed: ClosedJaxpr<NDArray>, target: Target, options: RunOptions): Draft {
  const ordered = orderedProgram(closed);
  const unplanned = compileOrdered(closed, ordered, target, options);
  const whole = kernelGraph(ordered, unplanned, options.cost);
  return { ordered, unplanned, whole, effort: whole.groups.length > 600 ? 0.5 : 1 };
}

/** A program as it is: the bytes of its arena, and its seconds by the cost model. */
export function programPoint(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
): { readonly peak: number; readonly time: number } {
  const { unplanned, whole } = draftOf(closed, target, options);
  return { peak: unplanned.layout.size, time: timeAsIs(whole) };
}

/** The program of a jaxpr's graph in this order. */
export const programInOrder = (
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  { graph }: ProgramFront,
  sequence: readonly number[],
): Compiled => compileOrdered(closed, reordered(orderedProgram(closed), graph, sequence), target, {});

function searchPrograms(closed: ClosedJaxpr<NDArray>, target: Target, options: RunOptions): ProgramFront {
  const draft = draftOf(closed, target, options);
  options.onProgress?.({ phase: "plan", done: 0 });
  const found = searchFlat(flatten(draft.whole.graph), Infinity, { effort: draft.effort });
  const sequences = found.map(({ seq }) => ({ sequence: Array.from(seq) }));
  return compileFront(closed, target, options, draft, sequences);
}

/** Finds the curve of a jaxpr's programs in a worker; from then on `programFront` knows it. */
export async function programFrontInWorker(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  signal?: AbortSignal,
): Promise<ProgramFront> {
  const key = frontKey(options);
  if (searched.get(closed)?.has(key) === true) return programFront(closed, target, options);
  const draft = draftOf(closed, target, options);
  const plans = await paretoGraphInWorker(draft.whole.graph, {
    effort: draft.effort,
    onProgress: ({ done }) => options.onProgress?.({ phase: "plan", done: done / 2 }),
    ...(signal === undefined ? {} : { signal }),
  });
  fronts.get(closed, key, () => compileFront(closed, target, options, draft, plans));
  markSearched(closed, key);
  return programFront(closed, target, options);
}

/** Learns the true peaks of plans by compiling them. */
function compileFront(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  { ordered, unplanned, whole }: Draft,
  found: readonly { readonly sequence: readonly number[] }[],
): ProgramFront {
  const every = Math.max(1, Math.ceil(found.length / compiledOf(whole.groups.length)));
  const chosen = found.filter((_, i) => i % every === 0 || i === found.length - 1);
  const flat = flatten(whole.graph);
  const all = chosen.map(({ sequence }, i): FrontPoint => {
    options.onProgress?.({ phase: "plan", done: 0.5 + (0.5 * i) / chosen.length });
    const { layout } = compileOrdered(closed, reordered(ordered, whole, sequence), target, options);
    return { peak: layout.size, time: whole.seconds(sequence), sequence };
  });
  all.push({ peak: unplanned.layout.size, time: timeAsIs(whole), sequence: null });
  return { unplanned, graph: whole, floor: floorOf(flat), points: fastestByPeak(all) };
}

/** Adds a program to the curve, where it is faster than those that are no larger. */
export function addProgram(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  front: ProgramFront,
  sequence: readonly number[],
): void {
  const { layout } = compileOrdered(closed, reordered(orderedProgram(closed), front.graph, sequence), target, options);
  const point = { peak: layout.size, time: front.graph.seconds(sequence), sequence };
  const points = fastestByPeak([...front.points, point]);
  (front.points as FrontPoint[]).splice(0, Infinity, ...points);
}

/** Of two programs of one time the smaller counts; a larger one must be faster. */
function fastestByPeak(all: readonly FrontPoint[]): FrontPoint[] {
  const bySize = [...all].sort((a, b) => a.peak - b.peak || a.time - b.time || (a.sequence === null ? -1 : 1));
  const points: FrontPoint[] = [];
  for (const p of bySize) if (points.length === 0 || p.time < points[points.length - 1].time) points.push(p);
  return points;
}

/**
 * The program of a jaxpr within a budget: bytes, a share of the peak that it has without one, or a text such as "64MiB".
 *
 * @throws BudgetError where no program within the budget is found.
 */
export function compileWithin(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  memory: MemoryBudget,
  options: RunOptions = {},
): Planned {
  const front = programFront(closed, target, options);
  const { unplanned, points } = front;
  const budget = parseBudget(memory, unplanned.layout.size);
  const point = points.findLast((p) => p.peak <= budget);
  if (point === undefined) throw tooSmall(budget, programAt(closed, target, options, front, points[0]));
  return { compiled: programAt(closed, target, options, front, point), budget, point, front };
}

/** The program of a point of the curve. */
export const programAt = (
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  { unplanned, graph }: ProgramFront,
  { sequence, spills }: FrontPoint,
): Compiled =>
  sequence === null
    ? unplanned
    : compileOrdered(closed, reordered(orderedProgram(closed), graph, sequence, spills), target, options);

const timeAsIs = ({ groups, seconds }: KernelGraph): number => seconds(groups.map((_, g) => g));

function tooSmall(budget: number, best: Compiled): BudgetError {
  const { layout } = best;
  const fixed = layout.argumentBytes + layout.constantBytes + layout.outputBytes;
  const holders = [...layout.intervals]
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ buffer, bytes }) => ({
      name: `${buffer.label}${buffer.source === null ? "" : ` from ${String(buffer.source)}`}`,
      bytes,
    }));
  const shown = holders.slice(0, 5).map(({ name, bytes }) => `  ${String(bytes)} bytes: ${name}`);
  return new BudgetError(
    `a program within ${String(budget)} bytes was asked for; the smallest peak found is ${String(layout.size)} bytes, of which arguments, constants ` +
      `and results are ${String(fixed)}. The largest values:\n${shown.join("\n")}\n` +
      "Ask for that much memory, or make the largest values smaller.",
    layout.size,
    holders,
  );
}
