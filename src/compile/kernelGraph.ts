/** The kernels of a compiled program as a graph for the planner: what each costs, which values it makes, and who reads them. */
import type { ShapedArray } from "../core/aval.ts";
import type { KernelCost } from "../core/engine.ts";
import { Literal, type Atom, type Eqn, type Var } from "../core/jaxpr.ts";
import { PlanGraphError } from "../errors.ts";
import { bytesOf, flopsOf } from "../passes/costs.ts";
import type { InPlace, PlanGraph, PlanNode } from "../plan/graph.ts";
import type { Compiled } from "./compile.ts";
import type { OrderedProgram } from "./ordered.ts";
import type { Step } from "./program.ts";

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
/** Seconds of an equation by the model. */
const timeOf = (eqn: Eqn): number => modelSeconds(flopsOf(eqn), bytesOf(eqn));

/** Seconds by the model: what takes longer of computing and moving, and a start. */
export const modelSeconds = (flops: number, bytes: number): number => Math.max(flops / FLOPS, bytes / BYTES) + 1e-7;

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

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

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
