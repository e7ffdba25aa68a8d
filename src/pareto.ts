/**
 * The whole memory-time curve of a function's programs, beside what one would do by hand: as data, as a table and as a picture. Each peak is that of a
 * compiled program, which is what a run takes; times are those of the cost model.
 */
import type { AnyFunction } from "./api/flat.ts";
import { formatBytes } from "./bytes.ts";
import { checkpoint } from "./checkpoint.ts";
import { programFront, programInOrder, programPoint, type ProgramFront } from "./compile/budget.ts";
import type { Target } from "./compile/target.ts";
import type { ClosedJaxpr } from "./core/jaxpr.ts";
import type { NDArray } from "./core/array.ts";
import { simulateGraph } from "./plan/simulate.ts";
import { curvePlot, type PlotElement, type PlotOptions } from "./paretoPlot.ts";
import { chenPlan } from "./plan/simple/chen.ts";
import { checkpointPolicies, type Policy } from "./policies.ts";
import { compilingEngine, programOf, runOptions, type PeakAndTime, type PlanProgramOptions } from "./planning.ts";

export interface ParetoPoint extends PeakAndTime {
  /** The extra time by the model, as a share of the fastest program's. */
  readonly overhead: number;
}

/** A program that somebody might choose without a planner. */
export interface ParetoReference extends ParetoPoint {
  readonly name: string;
}

export interface ParetoOptions extends Omit<PlanProgramOptions, "memory"> {
  /** Other functions of the same arguments, by the names under which they are shown: see `underPolicies`. */
  readonly beside?: Readonly<Record<string, (...args: never[]) => unknown>>;
}

/** The curve of a function's programs, from the smallest peak to the least time. */
export interface Pareto {
  readonly points: readonly ParetoPoint[];
  /** The program without a budget. */
  readonly baseline: PeakAndTime;
  /** Beside the curve: the program as it is, segments of √n of its kernels, and what was asked for. */
  readonly references: readonly ParetoReference[];
  /** As a table. */
  toString(): string;
  /** As a picture, of no package's making: memory to the right, extra time upwards. */
  toSvg(): string;
  /**
   * As a picture by Observable Plot, with axes and a grid: an `<svg>` element.
   *
   * @throws PlotError where the optional package @observablehq/plot is not installed, or no document is there.
   */
  plot(options?: PlotOptions): Promise<PlotElement>;
}

/**
 * The whole memory-time curve of a function on arguments of these types. Each point is a program: its peak is what a run takes.
 *
 * @example
 * const loss = (x: NDArray): NDArray => np.sum(np.sin(np.sin(x)));
 * console.log(String(pareto(grad(loss), [np.ones([1000])], { beside: underPolicies(loss, (f) => grad(f)) })));
 */
export function pareto<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: A,
  { beside = {}, ...options }: ParetoOptions = {},
): Pareto {
  const closed = programOf(f, args);
  const { target } = compilingEngine();
  const run = runOptions(options);
  const front = programFront(closed, target, run);
  const fastest = front.points[front.points.length - 1].time;
  const point = ({ peak, time }: PeakAndTime): ParetoPoint => ({ peak, time, overhead: time / fastest - 1 });
  const baseline = { peak: front.unplanned.layout.size, time: fastest };
  const others = Object.entries(beside).map(([name, g]): ParetoReference => {
    return { name, ...point(programPoint(programOf(g, args), target, run)) };
  });
  const references = [
    { name: "as it is", ...point(baseline) },
    { name: "√n segments", ...point(segments(closed, target, front)) },
    ...others,
  ];
  return paretoOf(front.points.map(point), baseline, references);
}

/** Chen's segments of √n kernels. The forward pass is taken to end where most memory is held. */
function segments(closed: ClosedJaxpr<NDArray>, target: Target, front: ProgramFront): PeakAndTime {
  const { graph } = front.graph;
  const { timeline } = simulateGraph(graph, [...graph.nodes.keys()]);
  const turn = timeline.reduce((at, step, i) => (step.memory > timeline[at].memory ? i : at), 0);
  const nodes = graph.nodes.map((node, i) => ({ ...node, backward: i >= turn }));
  const { sequence } = chenPlan({ ...graph, nodes });
  return { peak: programInOrder(closed, target, front, sequence).layout.size, time: front.graph.seconds(sequence) };
}

/**
 * A function under each of the policies that need no names, transformed: what `pareto` shows beside its curve.
 *
 * @example
 * Object.keys(underPolicies((x: NDArray) => np.sum(np.sin(x)), (f) => grad(f))); // ["save all", "save nothing", ...]
 */
export function underPolicies<F extends (...args: never[]) => unknown, G>(
  f: F,
  transform: (f: F) => G,
): Readonly<Record<string, G>> {
  const under = (policy: Policy): G => transform(checkpoint(f as unknown as AnyFunction, { policy }) as unknown as F);
  const { nothingSaveable, dotsSaveable, dotsWithNoBatchDimsSaveable, everythingSaveable, minCut } = checkpointPolicies;
  return {
    "save all": under(everythingSaveable),
    "save nothing": under(nothingSaveable),
    "save dots": under(dotsSaveable),
    "save dots without batch": under(dotsWithNoBatchDimsSaveable),
    "minimal cut": under(minCut()),
  };
}

const percent = (share: number, digits: number): string => `${(100 * share).toFixed(digits)} %`;
const signed = (share: number): string => `${share < 0 ? "" : "+"}${percent(share, 2)}`;

function paretoOf(
  points: readonly ParetoPoint[],
  baseline: PeakAndTime,
  references: readonly ParetoReference[],
): Pareto {
  const row = ({ peak, overhead }: ParetoPoint): string =>
    `${formatBytes(peak).padStart(12)} ${percent(peak / baseline.peak, 1).padStart(8)} ${signed(overhead).padStart(10)}`;
  return {
    points,
    baseline,
    references,
    toString: () =>
      [
        "        peak    share extra time",
        ...points.map(row),
        "",
        ...references.map((r) => `${row(r)}  ${r.name}`),
      ].join("\n"),
    toSvg: () => curveSvg(points, references),
    plot: (options) => curvePlot(points, references, options),
  };
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function curveSvg(points: readonly ParetoPoint[], references: readonly ParetoReference[]): string {
  const [width, height, margin] = [560, 320, 48];
  const all = [...points, ...references];
  const [low, high] = [Math.min(...all.map((p) => p.peak)), Math.max(...all.map((p) => p.peak))];
  const least = Math.min(0, ...all.map((p) => p.overhead));
  const most = Math.max(...all.map((p) => p.overhead), 1e-9);
  const x = (peak: number): string =>
    (margin + ((width - 2 * margin) * (peak - low)) / Math.max(1, high - low)).toFixed(1);
  const y = (overhead: number): string =>
    (height - margin - ((height - 2 * margin) * (overhead - least)) / (most - least)).toFixed(1);
  const dot = (p: ParetoPoint, name: string): string =>
    `<circle cx="${x(p.peak)}" cy="${y(p.overhead)}" r="3"><title>${escaped(name)}${formatBytes(p.peak)}, ${signed(p.overhead)} time</title></circle>`;
  const label = (tx: number | string, ty: number | string, text: string, anchor: string): string =>
    `<text x="${String(tx)}" y="${String(ty)}" text-anchor="${anchor}" font-family="sans-serif" font-size="12">${escaped(text)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" role="img" aria-label="Extra time against peak memory">`,
    `<path d="M${String(margin)} ${String(margin / 2)}V${String(height - margin)}H${String(width - margin / 2)}" fill="none" stroke="#888"/>`,
    `<polyline points="${points.map((p) => `${x(p.peak)},${y(p.overhead)}`).join(" ")}" fill="none" stroke="#3b6fb6" stroke-width="2"/>`,
    `<g fill="#3b6fb6">${points.map((p) => dot(p, "")).join("")}</g>`,
    `<g fill="#c4622d">${references.map((r) => dot(r, `${r.name}: `)).join("")}</g>`,
    `<g fill="#c4622d">${references.map((r) => label(x(r.peak), Number(y(r.overhead)) - 6, r.name, "middle")).join("")}</g>`,
    label(margin, height - margin + 18, formatBytes(low), "start"),
    label(width - margin, height - margin + 18, formatBytes(high), "end"),
    label(width / 2, height - 8, "peak memory", "middle"),
    label(margin - 6, margin, `+${percent(most, 0)}`, "end"),
    label(margin - 6, height - margin, percent(least, 0), "end"),
    "</svg>",
  ].join("\n");
}
