/**
 * A program within a memory budget. Its kernels and the values between them are a graph; the planner (`src/plan`) finds an order, with repeats, in
 * which little enough lives at a time; and that order is compiled. What counts is the arena of the compiled program: the plans of the whole
 * curve are compiled, and the fastest whose arena keeps the budget is taken. So the bound holds for what runs and not for a model of it, and a
 * larger budget never gives a slower program.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import type { KernelCost, MemoryBudget, RunOptions } from "../core/engine.ts";
import { type ClosedJaxpr, Literal, type Var, type Atom, type Eqn } from "../core/jaxpr.ts";
import { identity, Memo } from "../core/memo.ts";
import { bytesOf, flopsOf } from "../passes/costs.ts";
import { BudgetError, PlanGraphError } from "../errors.ts";
import { flatten } from "../plan/graph.ts";
import { paretoGraphInWorker } from "../plan/inWorker.ts";
import { searchFlat } from "../plan/planGraph.ts";
import { floorOf } from "../plan/simulate.ts";
import { parseBudget } from "../bytes.ts";
import type { InPlace, PlanGraph, PlanNode } from "../plan/graph.ts";
import { orderedProgram, type OrderedProgram } from "./ordered.ts";
import { compileOrdered, type Compiled } from "./compile.ts";
import { reordered, type Spill } from "./reorder.ts";
import { spillCurves } from "./spill.ts";
import type { Step } from "./program.ts";
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

/** What a node of the graph stands for. */
export interface Group {
  readonly eqns: readonly Eqn[];
  /** Variables that are read outside of the group, or are results. */
  readonly outputs: readonly Var[];
}

export interface KernelGraph {
  readonly graph: PlanGraph;
  readonly groups: readonly Group[];
  /** Equations that only change how others are read. */
  readonly free: ReadonlyMap<Var, Eqn>;
}

const FLOPS = 40e9;
const BYTES = 10e9;
/** How many plans of the curve are compiled to learn their true peaks. */
const COMPILED = 24;

/** Seconds of an equation by the model. */
const timeOf = (eqn: Eqn): number => Math.max(flopsOf(eqn) / FLOPS, bytesOf(eqn) / BYTES) + 1e-7;

/** Seconds of a kernel, by the model or by what it was asked to cost. */
function costOf({ eqns, outputs }: Group, cost: KernelCost | undefined): number {
  if (cost === undefined) return sum(eqns.map(timeOf));
  const kernel = { eqns, outputs, flops: sum(eqns.map(flopsOf)), bytes: sum(eqns.map(bytesOf)) };
  const seconds = cost(kernel);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new PlanGraphError(
    `a cost function was asked what ${eqns.map((e) => e.primitive.name).join(", ")} costs; it answered ${String(seconds)}.\nCosts are seconds: finite, and not negative.`,
  );
}

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
  return fronts.get(closed, `${key} offload`, () => {
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
  return { peak: unplanned.layout.size, time: sum(whole.graph.nodes.map((n) => n.cost)) };
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
  const sequences = found.map(({ seq, time }) => ({ sequence: Array.from(seq), time }));
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
  found: readonly { readonly sequence: readonly number[]; readonly time: number }[],
): ProgramFront {
  const every = Math.max(1, Math.ceil(found.length / COMPILED));
  const chosen = found.filter((_, i) => i % every === 0 || i === found.length - 1);
  const all: FrontPoint[] = chosen.map(({ sequence, time }, i) => {
    options.onProgress?.({ phase: "plan", done: 0.5 + (0.5 * i) / chosen.length });
    const { layout } = compileOrdered(closed, reordered(ordered, whole, sequence), target, options);
    return { peak: layout.size, time, sequence };
  });
  all.push({ peak: unplanned.layout.size, time: sum(whole.graph.nodes.map((n) => n.cost)), sequence: null });
  return { unplanned, graph: whole, floor: floorOf(flatten(whole.graph)), points: fastestByPeak(all) };
}

/** Adds a program to the curve, where it is faster than those that are no larger. */
export function addProgram(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  front: ProgramFront,
  { sequence, time }: { readonly sequence: readonly number[]; readonly time: number },
): void {
  const { layout } = compileOrdered(closed, reordered(orderedProgram(closed), front.graph, sequence), target, options);
  const points = fastestByPeak([...front.points, { peak: layout.size, time, sequence }]);
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

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

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

/** The kernels of a program as a graph for the planner. */
export function kernelGraph(ordered: OrderedProgram, { program, layout }: Compiled, cost?: KernelCost): KernelGraph {
  const groupOf = new Map<Eqn, number>();
  const members: Eqn[][] = [];
  const steps: Step[] = [];
  for (const step of program.body.steps) {
    const own = step.kind === "loop" ? step.eqns : step.kind === "copy" || step.eqn === null ? [] : [step.eqn];
    const fresh = own.filter((e) => !groupOf.has(e));
    if (fresh.length === 0) continue;
    steps.push(step);
    for (const e of fresh) groupOf.set(e, members.length);
    members.push(fresh);
  }
  const free = new Map<Var, Eqn>();
  const producer = new Map<Atom, number>();
  for (const eqn of ordered.eqns) {
    const group = groupOf.get(eqn);
    for (const v of eqn.outvars) {
      if (group === undefined) free.set(v, eqn);
      else producer.set(v, group);
    }
  }
  const { outvars } = ordered.flat.closed.jaxpr;
  const results = new Set<Atom>(outvars.flatMap((x) => sources(x, free, producer)));
  const readers = new Map<Atom, Set<number>>();
  members.forEach((eqns, g) => {
    for (const e of eqns) {
      for (const x of e.invars) {
        for (const v of sources(x, free, producer)) {
          if (producer.get(v) === g) continue;
          const set = readers.get(v);
          if (set === undefined) readers.set(v, new Set([g]));
          else set.add(g);
        }
      }
    }
  });
  const inside = workspaces(layout, steps);
  const edges: [number, number, number][] = [];
  const groups: Group[] = members.map((eqns) => ({
    eqns,
    outputs: eqns.flatMap((e) => e.outvars.filter((v) => results.has(v) || readers.has(v))),
  }));
  const place = new Map<Atom, readonly [number, number]>();
  groups.forEach(({ outputs }, g) => {
    outputs.forEach((v, i) => place.set(v, [g, i]));
  });
  for (const [v, set] of readers) {
    const [g, i] = place.get(v) as readonly [number, number];
    for (const reader of set) edges.push([g, i, reader]);
  }
  const nodes = groups.map(({ eqns, outputs }, g): PlanNode => {
    const effect = eqns.some((e) => e.effectful === true);
    return {
      name: eqns[eqns.length - 1].primitive.name,
      cost: costOf(groups[g], cost),
      outputs: outputs.map((v) => ({ bytes: arenaBytes(v.aval), output: results.has(v) })),
      workspace: inside[g],
      ...(effect ? { effect } : {}),
      inPlace: steps[g].kind === "loop" ? inPlace(groups[g], free, producer, place) : [],
    };
  });
  const inputs = program.inputs.filter((b) => !b.host);
  const resident = sum([...inputs, ...program.constants.map((c) => c.buffer)].map((b) => aligned(b.bytes)));
  return { graph: { nodes, edges, resident }, groups, free };
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** What a value takes of the arena. */
const arenaBytes = ({ memorySpace, nbytes }: ShapedArray): number => (memorySpace === "host" ? 0 : aligned(nbytes));

/** The variables of groups that a value follows from by free equations. */
function sources(x: Atom, free: ReadonlyMap<Var, Eqn>, producer: ReadonlyMap<Atom, number>): Atom[] {
  const out: Atom[] = [];
  const stack = [x];
  while (stack.length > 0) {
    const v = stack.pop() as Atom;
    if (v instanceof Literal) continue;
    if (producer.has(v)) out.push(v);
    else {
      const eqn = free.get(v);
      // A barrier hands each operand on as it is.
      if (eqn?.primitive.name === "optimization_barrier") stack.push(eqn.invars[eqn.outvars.indexOf(v)]);
      else if (eqn !== undefined) stack.push(...eqn.invars);
    }
  }
  return out;
}

/** Values of the same size that a kernel reads and writes place by place. */
function inPlace(
  { eqns, outputs }: Group,
  free: ReadonlyMap<Var, Eqn>,
  producer: ReadonlyMap<Atom, number>,
  place: ReadonlyMap<Atom, readonly [number, number]>,
): InPlace[] {
  const out: InPlace[] = [];
  const given = new Set<string>();
  outputs.forEach((v, output) => {
    const eqn = eqns.find((e) => e.outvars.includes(v));
    if (eqn?.primitive.elementwise !== true) return;
    for (const x of eqn.invars) {
      if (x.aval.nbytes !== v.aval.nbytes || free.has(x) || !producer.has(x)) continue;
      const at = place.get(x);
      if (at === undefined || given.has(at.join()) || eqns.some((e) => e.outvars.includes(x))) continue;
      given.add(at.join());
      out.push({ output, of: at[0], ofOutput: at[1] });
      return;
    }
  });
  return out;
}

/** For each step, the bytes that live inside of it only: workspace, and the values of loops' bodies. */
function workspaces({ intervals, steps: moments }: Compiled["layout"], steps: readonly Step[]): number[] {
  const startOf = new Map<Step, number>();
  moments.forEach((s, time) => {
    if (s !== null) startOf.set(s, time);
  });
  const starts = steps.map((s) => startOf.get(s) as number);
  const order = starts.map((_, i) => i).sort((a, b) => starts[a] - starts[b]);
  const out = new Array<number>(steps.length).fill(0);
  const own: { start: number; end: number; bytes: number }[][] = steps.map(() => []);
  for (const { buffer, start, end, bytes } of intervals) {
    if (buffer.kind !== "temporary") continue;
    let k = order.length - 1;
    while (k >= 0 && starts[order[k]] > start) k--;
    const next = k + 1 < order.length ? starts[order[k + 1]] : moments.length;
    // What is there before the step's own end only.
    if (k >= 0 && end < next && (start > starts[order[k]] || start === end)) own[order[k]].push({ start, end, bytes });
  }
  own.forEach((list, i) => {
    for (const { start } of list) {
      const live = sum(list.filter((o) => o.start <= start && o.end >= start).map((o) => o.bytes));
      out[i] = Math.max(out[i], live);
    }
  });
  return out;
}
