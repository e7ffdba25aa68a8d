/**
 * The search. The planner doesn't look for one plan but for the whole curve of memory against time, and a budget picks a point of it: so a
 * bigger budget can never give a slower plan, whichever budgets are asked for, in whichever order. Budgets form a ladder. At every rung,
 * from the lowest up, there are greedy starts (`greedy.ts`), and then a large neighbourhood search (Shaw 1998): some of the repeated runs are
 * taken out, the greedy planner mends the plan with some chance in its choices, and what is needless is pruned. A rung starts from the best
 * plan of those below it, and rungs above the budget asked for are left out, since no rung depends on them.
 *
 * The effort is counted, not timed: the same graph and budget give the same plan everywhere, unless a time limit cuts the search short.
 */
import { addPlan, fastestWithin, type Front, type FrontPlan } from "./front.ts";
import type { FlatGraph } from "./graph.ts";
import { greedy, type Taste, tastes } from "./greedy.ts";
import { prune, sweep, without } from "./prune.ts";
import { type Random, seededRandom } from "./random.ts";
import { type Workbench, workbench } from "./split.ts";
import { cutStarts } from "./starts.ts";
import { emptyTrace, retrace, type Trace } from "./trace.ts";

/** How far a search has come: what `onProgress` is told. */
export interface PlanProgress {
  /** Between 0 and 1. */
  readonly done: number;
  /** The rung, in bytes. */
  readonly budget: number;
  /** The time of the best plan for it so far, if there is one. */
  readonly time: number | undefined;
}

export interface SearchOptions {
  /** The largest budget of interest, in bytes. */
  readonly upTo: number;
  /** How much to search: 1 is the default, 0 leaves the greedy starts alone. */
  readonly effort: number;
  /** Called now and then; the search ends early where it returns false. */
  readonly carryOn: (progress: PlanProgress) => boolean;
}

interface Desk {
  readonly graph: FlatGraph;
  readonly bench: Workbench;
  readonly base: Trace;
  readonly trace: Trace;
  readonly front: Front;
  /** Other sequences than the given one to start from. */
  readonly starts: readonly Int32Array[];
}

const planOf = ({ peak, time, seq, length }: Trace): FrontPlan => ({ peak, time, seq: seq.slice(0, length) });

const record = ({ front, trace }: Desk): boolean => addPlan(front, planOf(trace));

/** Greedy from a sequence, pruned; what it reached counts as a plan even where it missed the budget. */
function start(desk: Desk, budget: number, taste: Taste, from = desk.base.seq): boolean {
  const { graph, trace, bench } = desk;
  retrace(graph, trace, from);
  const found = greedy(graph, trace, bench, budget, taste, seededRandom(1));
  prune(graph, trace, Math.max(budget, trace.peak), (v) => graph.cost[v]);
  record(desk);
  return found;
}

/** Larger graphs have fewer rungs, and fewer starts on each, since a start takes time in proportion to the square of their size. */
const large = 200;
const huge = 500;

const fewTastes = [tastes[0], tastes[2], tastes[4], tastes[5], tastes[7]];
const fewestTastes = [tastes[0], tastes[2], tastes[5]];

const tastesFor = (size: number): readonly Taste[] => (size > huge ? fewestTastes : size > large ? fewTastes : tastes);

/** The curve of a graph, for budgets up to `upTo`. */
export function searchFront(graph: FlatGraph, floor: number, options: SearchOptions): Front {
  const base = emptyTrace(graph);
  retrace(graph, base, graph.order);
  const front: Front = [];
  const starts = base.peak > floor ? cutStarts(graph, base) : [];
  const desk: Desk = { graph, bench: workbench(graph), base, trace: emptyTrace(graph), front, starts };
  addPlan(front, { peak: base.peak, time: base.time, seq: base.seq });
  if (base.peak <= floor) return front;
  const least = lowest(desk, floor, options);
  const rungs = ladder(desk, least);
  const whole = rungs.reduce((sum, rung) => sum + rung.weight, 0);
  let done = 0;
  for (const { budget, weight } of rungs) {
    if (budget > options.upTo) break;
    const share = done / whole;
    const report = (): boolean => options.carryOn({ done: share, budget, time: fastestWithin(front, budget)?.time });
    if (!report()) return front;
    const work = (options.effort * weight * wholeWork(graph.size)) / whole;
    const below = fastestWithin(front, budget);
    let own: FrontPlan | undefined;
    for (const taste of weight < 1 ? tastes.slice(0, 1) : tastesFor(graph.size)) {
      if (!start(desk, budget, taste) || (own !== undefined && own.time <= desk.trace.time)) continue;
      own = planOf(desk.trace);
    }
    for (const seq of starts) {
      if (start(desk, budget, tastes[2], seq) && (own === undefined || desk.trace.time < own.time))
        own = planOf(desk.trace);
    }
    // Two basins to search: that of the plans of lower rungs, and that of this rung's greedy plans.
    const firsts = [below, own].filter((plan) => plan !== undefined);
    for (const first of firsts) if (!improve(desk, budget, first, work / firsts.length, report)) return front;
    done += weight;
  }
  return front;
}

/** Looks for the smallest peak that can be had, by halving the way to the floor. */
function lowest(desk: Desk, floor: number, options: SearchOptions): number {
  const { front, starts } = desk;
  const few = desk.graph.size > huge ? fewestTastes : fewTastes;
  let low = floor;
  let share = 0;
  for (let round = 0; round < 8 && front[0].peak > low; round++) {
    const budget = round === 0 ? floor : Math.floor(low + (front[0].peak - low) * share);
    if (!options.carryOn({ done: 0, budget, time: undefined })) break;
    const found =
      few.some((taste) => start(desk, budget, taste)) || starts.some((seq) => start(desk, budget, few[1], seq));
    if (!found && round > 0) low = budget;
    share = 0.5;
  }
  // What the starts of the lowest rung come upon below it belongs to what an error names, too.
  for (let least = Infinity; desk.graph.size <= large && front[0].peak < least;) {
    least = front[0].peak;
    for (const taste of tastes) start(desk, least, taste);
    for (const seq of starts) start(desk, least, tastes[2], seq);
  }
  return front[0].peak;
}

/**
 * The work of a whole curve, in array elements, of which a core does some hundred millions in a second: graphs of up to a hundred nodes are
 * searched for about half a second, larger ones for some seconds.
 */
function wholeWork(size: number): number {
  if (size <= small) return 2e6;
  if (size > large) return 3.2e8;
  return size <= 100 ? 4.5e5 * size : 1.6e4 * size ** 2;
}

interface Rung {
  readonly budget: number;
  /** Its part of the effort. */
  readonly weight: number;
}

/** Graphs of up to this many nodes get a rung for every peak that there is. */
const small = 24;

/** The rungs, from the lowest up: they depend on the graph alone. */
function ladder(desk: Desk, least: number): Rung[] {
  const { base, front, graph } = desk;
  const rungs = new Map<number, number>([[least, 4]]);
  if (graph.size <= small) {
    let budget = base.peak;
    for (let k = 0; k < 250 && budget >= least; k++) {
      rungs.set(budget, 4);
      start(desk, budget - 1, tastes[0]);
      start(desk, budget - 1, tastes[5]);
      const next = fastestWithin(front, budget - 1);
      if (next === undefined) break;
      budget = next.peak;
    }
    return sorted(rungs);
  }
  // Where all sizes are multiples of one, peaks are too: budgets between them would be lost.
  const grain = graph.bytes.reduce(divisor, graph.workspace.reduce(divisor, graph.resident));
  const steps = base.peak / grain <= 200 ? Math.round(base.peak / grain) : 200;
  const every = steps < 200 || graph.size <= large ? 1 : graph.size > huge ? 10 : 5;
  for (let k = every; k <= steps; k += every) {
    const budget = Math.floor((base.peak * k) / steps);
    if (budget >= least) rungs.set(budget, steps < 200 ? 1 : k % 10 === 0 ? 6 : 0.2);
  }
  return sorted(rungs);
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

const sorted = (rungs: ReadonlyMap<number, number>): Rung[] =>
  [...rungs].map(([budget, weight]) => ({ budget, weight })).sort((a, b) => a.budget - b.budget);

/** Improves a plan of a rung; false where the caller wants no more. */
function improve(desk: Desk, budget: number, first: FrontPlan, work: number, report: () => boolean): boolean {
  const { graph, trace, base } = desk;
  const until = trace.work + work;
  const random = seededRandom(budget % 2 ** 32);
  let { seq, time } = first;
  let best = time;
  let kept = seq;
  for (let round = 1; trace.work < until; round++) {
    if (round % 8 === 0 && !report()) return false;
    if (best <= base.time) return true;
    retrace(graph, trace, seq);
    breakUp(desk, random);
    const taste: Taste = {
      alpha: 0.3 + random.next(),
      power: random.next() < 0.85 ? 1 : 2,
      noise: random.next() < 0.3 ? 0.2 : 0.8,
    };
    const slack = (best - base.time) * 0.12 * random.next() ** 2 * ((until - trace.work) / work);
    if (!greedy(graph, trace, desk.bench, budget, taste, random, time + slack + (best - base.time) * 0.3)) continue;
    const shuffle = random.next() < 0.5 ? 0 : 1;
    prune(graph, trace, budget, (v) => graph.cost[v] * (1 + shuffle * random.next()));
    if (trace.time > time + slack) continue;
    seq = trace.seq.slice(0, trace.length);
    time = trace.time;
    if (time < best) {
      best = time;
      kept = seq;
      record(desk);
    } else if (time > best && random.next() < 0.02) {
      seq = kept;
      time = best;
    }
  }
  return true;
}

/** Takes some of the repeated runs out: neighbours in the sequence, or any. */
function breakUp({ graph, trace }: Desk, random: Random): void {
  const runs: number[] = [];
  for (let p = 0; p < trace.length; p++) if (trace.previous[p] >= 0) runs.push(p);
  if (runs.length === 0) return;
  const marked = new Uint8Array(trace.length);
  const count = 1 + random.below(Math.min(runs.length, random.next() < 0.7 ? 4 : 10));
  if (random.next() < 0.9) {
    const from = random.below(runs.length);
    for (let k = 0; k < count; k++) marked[runs[(from + k) % runs.length]] = 1;
  } else {
    for (let k = 0; k < count; k++) marked[runs[random.below(runs.length)]] = 1;
  }
  retrace(graph, trace, without(trace, marked));
  sweep(graph, trace);
}
