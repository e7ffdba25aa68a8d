/**
 * Plans that offload. From a few plans of the curve (the program as it is, and some that recompute) values are taken out of the arena round by
 * round: those that live at the peak and that nobody reads for longest, as Belady's rule has it for pages. Each round is compiled, so its peak is
 * that of what runs. The rounds know nothing of a budget; so a larger budget never gives a slower program here either.
 *
 * A value that is away costs two copies. Where that is less than what recomputing costs, the plan is faster than the one that recomputes, and
 * takes its place on the curve.
 */
import type { NDArray } from "../core/array.ts";
import type { RunOptions } from "../core/engine.ts";
import type { ClosedJaxpr, Eqn } from "../core/jaxpr.ts";
import type { FrontPoint, ProgramFront } from "./budget.ts";
import type { KernelGraph } from "./kernelGraph.ts";
import { compileOrdered, type Compiled } from "./compile.ts";
import { orderedProgram } from "./ordered.ts";
import { reordered, type Spill } from "./reorder.ts";
import type { Target } from "./target.ts";

/**
 * Bytes that are copied in a second, each way, where the user doesn't say. Measured on an AMD EPYC (2 cores, Node 24), in GB/s: from the memory of
 * WebAssembly to an ArrayBuffer and back 17 in pieces of 64 kB, 21 and 12 of 1 MB, 17 and 16 of 8 MB, 11 and 11 of 64 MB; to a new file on the
 * virtual disk 4.4 to 5.1, and with the time until it is on the disk 2.0 to 2.2; back, out of the system's cache, 11. Plans are for large values and
 * for when memory is short, so the slow ends count.
 */
const COPIED = { memory: 10e9, disk: 2e9 };
/** Seconds for a copy, however small. */
const EACH = 1e-6;
/** Plans to start from, and rounds for each of them. */
const STARTS = 4;
const ROUNDS = 20;
/** In each round this share of what may leave does. */
const SHARE = 8;

/** Points with spilled values, not filtered. */
export function spillCurves(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  { graph, points }: ProgramFront,
): FrontPoint[] {
  const every = Math.max(1, Math.floor(points.length / STARTS));
  // The fastest first, then evenly through the curve.
  const starts = [...points].reverse().filter((_, i) => i % every === 0);
  return starts.slice(0, STARTS).flatMap((start, i) => {
    options.onProgress?.({ phase: "plan", done: i / STARTS });
    return spillCurve(closed, target, options, graph, start);
  });
}

/** An instance of a value: where it is made, and the places that read it. */
interface Instance {
  readonly at: number;
  readonly output: number;
  readonly bytes: number;
  readonly reads: readonly number[];
}

function spillCurve(
  closed: ClosedJaxpr<NDArray>,
  target: Target,
  options: RunOptions,
  graph: KernelGraph,
  start: FrontPoint,
): FrontPoint[] {
  const ordered = orderedProgram(closed);
  const sequence = start.sequence ?? graph.groups.map((_, g) => g);
  const instances = new Set(instancesOf(graph, sequence));
  const { disk, bandwidth = disk === undefined ? COPIED.memory : COPIED.disk } = options.offload ?? {};
  const spills: Spill[] = [];
  const found: FrontPoint[] = [];
  let time = start.time;
  let smallest = Infinity;
  let stale = 0;
  for (let round = 0; round <= ROUNDS && stale < 3; round++) {
    const order = reordered(ordered, graph, sequence, spills);
    const compiled = compileOrdered(closed, order, target, options);
    const peak = compiled.layout.size;
    stale = peak < smallest ? 0 : stale + 1;
    smallest = Math.min(smallest, peak);
    if (spills.length > 0) found.push({ peak, time, sequence, spills: [...spills] });
    const place = peakPlace(compiled, order.places);
    const away = [...instances].flatMap((instance) => {
      const until = instance.reads.find((r) => r > place);
      const idle = until !== undefined && instance.at < place && !instance.reads.includes(place);
      return idle && instance.bytes * 1000 > peak ? [{ instance, until }] : [];
    });
    if (away.length === 0) break;
    away.sort((a, b) => b.until - a.until || b.instance.bytes - a.instance.bytes);
    for (const { instance, until } of away.slice(0, Math.ceil(away.length / SHARE))) {
      instances.delete(instance);
      spills.push({ at: instance.at, output: instance.output, until });
      time += 2 * (instance.bytes / bandwidth + EACH);
    }
  }
  return found;
}

function instancesOf({ graph, groups }: KernelGraph, sequence: readonly number[]): Instance[] {
  const { nodes } = graph;
  const readers = new Map<string, Set<number>>();
  for (const [g, i, reader] of graph.edges as readonly (readonly [number, number, number])[]) {
    const key = `${String(g)} ${String(i)}`;
    const set = readers.get(key);
    if (set === undefined) readers.set(key, new Set([reader]));
    else set.add(reader);
  }
  const places = new Map<number, number[]>();
  sequence.forEach((g, place) => {
    const list = places.get(g);
    if (list === undefined) places.set(g, [place]);
    else list.push(place);
  });
  const out: Instance[] = [];
  sequence.forEach((g, at) => {
    const next = places.get(g)?.find((p) => p > at) ?? Infinity;
    groups[g].outputs.forEach((v, output) => {
      const bytes = (nodes[g].outputs as readonly { readonly bytes: number }[])[output].bytes;
      if (bytes === 0) return;
      const reads = [...(readers.get(`${String(g)} ${String(output)}`) ?? [])]
        .flatMap((reader) => places.get(reader) ?? [])
        .filter((p) => p > at && p < next)
        .sort((a, b) => a - b);
      if (reads.length > 0 && v.aval.memorySpace === "device") out.push({ at, output, bytes, reads });
    });
  });
  return out;
}

/** The place in the plan at which most lives. */
function peakPlace({ layout: { intervals, steps } }: Compiled, places: ReadonlyMap<Eqn, number>): number {
  const change = new Float64Array(steps.length + 2);
  for (const { start, end, bytes } of intervals) {
    change[Math.max(0, start)] += bytes;
    change[end + 1] -= bytes;
  }
  let live = 0;
  let most = -1;
  let place = 0;
  let here = 0;
  steps.forEach((step, time) => {
    live += change[time];
    const eqns = step === null || !("eqn" in step || "eqns" in step) ? [] : "eqns" in step ? step.eqns : [step.eqn];
    // Steps inside of loops belong to the loop's place.
    for (const eqn of eqns) if (eqn !== null) here = places.get(eqn) ?? here;
    if (live > most) {
      most = live;
      place = here;
    }
  });
  return place;
}
