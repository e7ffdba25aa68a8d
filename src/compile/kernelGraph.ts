/** The kernels of a compiled program as a graph for the planner: what each costs, which values it makes, and who reads them. */
import type { ShapedArray } from "../core/aval.ts";
import type { KernelCost } from "../core/engine.ts";
import { Literal, type Atom, type Eqn, type Var } from "../core/jaxpr.ts";
import { PlanGraphError } from "../errors.ts";
import { bytesOf, flopsOf } from "../passes/costs.ts";
import type { InPlace, PlanGraph, PlanNode } from "../plan/graph.ts";
import { kernelEqns } from "./kernelEqns.ts";
import { conesOf, type Cone } from "./cones.ts";
import type { Compiled } from "./compile.ts";
import type { OrderedProgram } from "./ordered.ts";
import type { Step } from "./program.ts";

/** What a node of the graph stands for: a kernel, or a part of it (see `cones.ts`). */
export interface Group extends Cone {
  /** The kernel that it belongs to. */
  readonly kernel: number;
}

export interface KernelGraph {
  readonly graph: PlanGraph;
  readonly groups: readonly Group[];
  /** Equations that only change how others are read. */
  readonly free: ReadonlyMap<Var, Eqn>;
  /** Seconds of a sequence of groups: parts of a kernel side by side count as one kernel. */
  readonly seconds: (sequence: readonly number[]) => number;
}

const FLOPS = 40e9;
const BYTES = 10e9;
/** Seconds of an equation by the model. */
const timeOf = (eqn: Eqn): number => modelSeconds(flopsOf(eqn), bytesOf(eqn));

/** Seconds by the model: what takes longer of computing and moving, and a start. */
export const modelSeconds = (flops: number, bytes: number): number => Math.max(flops / FLOPS, bytes / BYTES) + 1e-7;

/** Seconds of a kernel, by the model or by what it was asked to cost. */
function costOf({ eqns, outputs }: Cone, cost: KernelCost | undefined): number {
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
export function kernelGraph(ordered: OrderedProgram, compiled: Compiled, cost?: KernelCost): KernelGraph {
  const { program, layout } = compiled;
  const { members, steps, producer, free, cheap } = kernelEqns(ordered, compiled);
  const sourcesOf = (x: Atom): Atom[] => sources(x, free, producer);
  const { outvars } = ordered.flat.closed.jaxpr;
  const results = new Set<Atom>(outvars.flatMap(sourcesOf));
  const wanted = new Set<Atom>(results);
  const reads = new Map<Atom, number>();
  members.forEach((eqns, k) => {
    for (const e of eqns) {
      for (const v of e.invars.flatMap(sourcesOf)) {
        reads.set(v, (reads.get(v) ?? 0) + 1);
        if (producer.get(v) !== k) wanted.add(v);
      }
    }
  });
  const readOnce = (x: Atom): boolean => reads.get(x) === 1 && !results.has(x);
  const kernels = members.map((eqns, kernel): Group[] => {
    if (eqns.length === 0) return [];
    const outputs = eqns.flatMap((e) => e.outvars.filter((v) => wanted.has(v)));
    return conesOf(eqns, outputs, { sourcesOf, readOnce }).map((cone) => ({ ...cone, kernel }));
  });
  const groups = kernels.flat();
  const place = new Map<Atom, readonly [number, number]>();
  groups.forEach(({ outputs }, g) => {
    outputs.forEach((v, i) => place.set(v, [g, i]));
  });
  const edges = edgesOf(groups, place, sourcesOf);
  const seconds = blockSeconds(kernels, groups, cost);
  const always = cost === undefined ? sum(cheap.map(timeOf)) : 0;
  const inside = workspaces(layout, steps);
  const nodes = groups.map((group, g): PlanNode => {
    const { eqns, outputs, kernel } = group;
    const effect = eqns.some((e) => e.effectful === true);
    // What it adds to the parts of the kernel before it.
    const before = kernels[kernel].slice(0, kernels[kernel].indexOf(group)).map((_, k, all) => g - all.length + k);
    return {
      name: eqns[eqns.length - 1].primitive.name,
      cost: Math.max(0, seconds([...before, g]) - (before.length === 0 ? 0 : seconds(before))),
      outputs: outputs.map((v) => ({ bytes: arenaBytes(v.aval), output: results.has(v) })),
      workspace: inside[kernel],
      ...(effect ? { effect } : {}),
      inPlace: steps[kernel].kind === "loop" ? inPlace(group, free, producer, place) : [],
    };
  });
  const inputs = program.inputs.filter((b) => !b.host);
  const resident = sum([...inputs, ...program.constants.map((c) => c.buffer)].map((b) => aligned(b.bytes)));
  return {
    graph: { nodes, edges, resident },
    groups,
    free,
    seconds: (sequence) => always + sum(blocksOf(groups, sequence).map(seconds)),
  };
}

/** Who reads what: a group, one of its outputs, a group. */
function edgesOf(
  groups: readonly Group[],
  place: ReadonlyMap<Atom, readonly [number, number]>,
  sourcesOf: (x: Atom) => Atom[],
): [number, number, number][] {
  const readers = new Map<Atom, Set<number>>();
  groups.forEach(({ eqns }, g) => {
    for (const v of eqns.flatMap((e) => e.invars.flatMap(sourcesOf))) {
      const at = place.get(v);
      if (at === undefined || at[0] === g) continue;
      const set = readers.get(v);
      if (set === undefined) readers.set(v, new Set([g]));
      else set.add(g);
    }
  });
  return [...readers].flatMap(([v, set]) => {
    const [g, i] = place.get(v) as readonly [number, number];
    return [...set].map((reader): [number, number, number] => [g, i, reader]);
  });
}

/** A sequence in blocks that the compiler can make one kernel of: different parts of one, side by side. */
export function blocksOf(groups: readonly Group[], sequence: readonly number[]): number[][] {
  const blocks: number[][] = [];
  for (const g of sequence) {
    const block = blocks.at(-1);
    if (block !== undefined && groups[block[0]].kernel === groups[g].kernel && !block.includes(g)) block.push(g);
    else blocks.push([g]);
  }
  return blocks;
}

/** Tells the seconds of a block. */
function blockSeconds(
  kernels: readonly (readonly Group[])[],
  groups: readonly Group[],
  cost: KernelCost | undefined,
): (block: readonly number[]) => number {
  const known = new Map<string, number>();
  return (block) => {
    const key = block.join();
    let seconds = known.get(key);
    if (seconds === undefined) {
      const parts = block.map((g) => groups[g]);
      const all = new Set(parts.flatMap((p) => p.eqns));
      const ordered = kernels[parts[0].kernel].flatMap((p) => p.eqns);
      const eqns = [...new Set(ordered)].filter((e) => all.has(e));
      seconds = costOf({ eqns, outputs: parts.flatMap((p) => p.outputs) }, cost);
      known.set(key, seconds);
    }
    return seconds;
  };
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
