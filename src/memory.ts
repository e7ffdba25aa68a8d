/**
 * How much memory a function takes when it runs compiled: known before it runs, and exact. The arena of a program is laid out by its compiler, so
 * the peak told here is the size of the arena that the run gets, and no run takes more.
 */
import { currentEngine, type RunOptions } from "./core/engine.ts";
import type { NDArray } from "./core/array.ts";
import type { ClosedJaxpr, Eqn } from "./core/jaxpr.ts";
import { isCompiling, type Compiled } from "./compile/compile.ts";
import { liveBytes, type HostLayout } from "./compile/hostSlots.ts";
import type { Buffer, Step } from "./compile/program.ts";
import { makeJaxpr } from "./api/stage.ts";
import type { AnyFunction } from "./api/flat.ts";
import { UnsupportedError } from "./errors.ts";
import { formatBytes } from "./bytes.ts";

/** A value in memory at some moment. */
export interface LiveValue {
  /** What it is: the name of an argument, or the primitive that makes it. */
  readonly label: string;
  readonly bytes: number;
  readonly dtype: string;
  readonly kind: "argument" | "constant" | "temporary" | "output";
  /** The user's line, empty where nothing is known. */
  readonly source: string;
}

export interface MemoryMoment {
  /** The number of the kernel, in the order in which they run. */
  readonly step: number;
  /** The primitives that it computes. */
  readonly label: string;
  readonly source: string;
  /** Bytes of all values that live in the arena while it runs. */
  readonly bytes: number;
  /** Bytes of values that are away in host memory meanwhile. */
  readonly host: number;
}

/** What a run takes out of the arena. Arguments of host memory are the caller's, and not counted. */
export interface HostReport {
  /** Bytes that a run takes of host memory. */
  readonly size: number;
  /** The most bytes that are away at one time. */
  readonly peak: number;
  /** Bytes that a run copies out of the arena, and back; null where branches, or loops of unknown length, decide. */
  readonly offloaded: number | null;
  readonly restored: number | null;
  /** What is away when most is, the largest first. */
  readonly values: readonly LiveValue[];
}

export interface MemoryReport {
  /** Bytes of the arena: the most that a run takes, arguments and outputs included. */
  readonly peak: number;
  readonly arguments: number;
  readonly constants: number;
  readonly outputs: number;
  /** The peak beyond arguments, constants and outputs. */
  readonly temporaries: number;
  /** The most bytes that live at one time: what a perfect layout would take. */
  readonly lowerBound: number;
  /** What lies out of the arena, since a policy offloads it. */
  readonly host: HostReport;
  /** Memory by kernel. */
  readonly timeline: readonly MemoryMoment[];
  /** The moment at which most lives, and what lives then, the largest first. */
  readonly atPeak: MemoryMoment & { readonly values: readonly LiveValue[] };
}

/** The engine's program for a function, and its jaxpr. */
export function compiledFor(f: AnyFunction, args: readonly unknown[]): Compiled {
  const closed = makeJaxpr(f)(...(args as readonly never[]));
  const [only] = closed.jaxpr.eqns;
  // A jitted function is its own program, with the options that it has.
  const whole =
    closed.jaxpr.eqns.length === 1 &&
    only.primitive.name === "jit" &&
    closed.jaxpr.outvars.every((v, i) => v === only.outvars[i]) &&
    closed.jaxpr.invars.every((v, i) => v === only.invars[i]);
  const run = whole ? (only.params.run as RunOptions | undefined) : undefined;
  const engine = run?.engine ?? currentEngine();
  if (!isCompiling(engine)) {
    throw new UnsupportedError(
      `memory: the ${engine.name} engine allocates as it goes, so nothing is known before a run.\nChoose one that compiles: setEngine("wasm").`,
    );
  }
  return engine.compile(whole ? (only.params.jaxpr as ClosedJaxpr<NDArray>) : closed, run ?? {});
}

/**
 * The memory of a function on arguments of these types, when it runs as one compiled program. Nothing is run.
 *
 * @returns bytes, by kind and over time; `peak` is the size of the arena that a run gets.
 * @throws UnsupportedError for an engine that doesn't compile.
 * @example
 * const { peak } = memory((x: NDArray) => np.sum(np.sin(x)), np.ones([1000]));
 */
export function memory<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): MemoryReport {
  return reportOf(compiledFor(f, args));
}

/** Prints where the memory of a function goes. */
export function printMemory<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): void {
  console.log(memoryText(memory(f, ...args)));
}

export function memoryText(report: MemoryReport): string {
  const row = (name: string, bytes: number): string => `${name.padEnd(12)} ${formatBytes(bytes).padStart(10)}`;
  const { atPeak } = report;
  const where = atPeak.source === "" ? "" : ` from ${atPeak.source}`;
  // What one line of the user's makes many times, for each layer, is one line here.
  const groups = [...Map.groupBy(atPeak.values, (v) => `${String(v.bytes)} ${v.kind} ${v.label} ${v.source}`).values()];
  const total = (values: readonly LiveValue[]): number => values.reduce((sum, v) => sum + v.bytes, 0);
  groups.sort((a, b) => total(b) - total(a));
  const shown = groups.slice(0, 10);
  const times = Math.max(...shown.map((same) => String(same.length).length));
  const many = shown.some((same) => same.length > 1);
  const values = shown.map((same) => {
    const [v] = same;
    const from = v.source === "" ? "" : ` from ${v.source}`;
    const count = same.length > 1 ? `${String(same.length).padStart(times)} x ` : " ".repeat(many ? times + 3 : 0);
    return `${count}${formatBytes(v.bytes).padStart(10)}  ${v.kind} ${v.label}${from}`;
  });
  const rest = groups.slice(10).flat();
  return [
    row("peak", report.peak),
    row("arguments", report.arguments),
    row("constants", report.constants),
    row("outputs", report.outputs),
    row("temporaries", report.temporaries),
    ...(report.host.size > 0 ? [row("host memory", report.host.size)] : []),
    `largest at kernel ${String(atPeak.step)} of ${String(report.timeline.length)}, ${atPeak.label}${where}:`,
    ...values,
    ...(rest.length > 0 ? [`and ${String(rest.length)} more, ${formatBytes(total(rest))} in all`] : []),
  ].join("\n");
}

function eqnsOf(step: Step): readonly Eqn[] {
  switch (step.kind) {
    case "loop":
      return step.eqns;
    case "copy":
      return [];
    case "offload":
    case "restore":
      return step.eqn === null ? [] : [step.eqn];
    default:
      return [step.eqn];
  }
}

function labelOf(step: Step): string {
  if (step.kind === "offload" || step.kind === "restore") return `${step.kind} of ${step.from.label}`;
  const names = [...new Set(eqnsOf(step).map((e) => e.primitive.name))];
  if (names.length === 0) return step.kind === "copy" ? "copy" : "fill";
  return names.length > 4 ? `${names.slice(0, 4).join("·")}·…` : names.join("·");
}

export function reportOf({ layout }: Compiled): MemoryReport {
  const { intervals, steps, size } = layout;
  const away = liveBytes(layout.host.intervals, steps.length);
  const change = new Float64Array(steps.length + 2);
  for (const { start, end, bytes } of intervals) {
    change[Math.max(0, start)] += bytes;
    change[end + 1] -= bytes;
  }
  const timeline: MemoryMoment[] = [];
  let live = 0;
  let most = -1;
  let peakTime = 0;
  let peakMoment: MemoryMoment = { step: 0, label: "", source: "", bytes: 0, host: 0 };
  steps.forEach((step, time) => {
    live += change[time];
    if (step === null || step.kind === "scan" || step.kind === "while" || step.kind === "cond") return;
    const source = eqnsOf(step).map((e) => e.source?.toString() ?? "");
    const moment = {
      step: timeline.length,
      label: labelOf(step),
      source: source.find((s) => s !== "") ?? "",
      bytes: live,
      host: away[time],
    };
    timeline.push(moment);
    if (live > most) {
      most = live;
      peakTime = time;
      peakMoment = moment;
    }
  });
  const values = intervals
    .filter(({ start, end, bytes }) => start <= peakTime && end >= peakTime && bytes > 0)
    .sort((a, b) => b.buffer.bytes - a.buffer.bytes)
    .map(liveValue);
  const { argumentBytes, constantBytes, outputBytes, lowerBound } = layout;
  return {
    peak: size,
    arguments: argumentBytes,
    constants: constantBytes,
    outputs: outputBytes,
    temporaries: Math.max(0, size - argumentBytes - constantBytes - outputBytes),
    lowerBound,
    host: hostReport(layout.host, away),
    timeline,
    atPeak: { ...peakMoment, values },
  };
}

function hostReport({ size, lowerBound, intervals, traffic }: HostLayout, away: ArrayLike<number>): HostReport {
  const time = Array.from(away).indexOf(lowerBound);
  const values = intervals
    .filter(({ start, end, buffer }) => start <= time && end >= time && buffer.bytes > 0)
    .sort((a, b) => b.buffer.bytes - a.buffer.bytes)
    .map(liveValue);
  return { size, peak: lowerBound, ...traffic, values };
}

function liveValue({ buffer }: { readonly buffer: Buffer }): LiveValue {
  const { label, bytes, dtype, kind, source } = buffer;
  return { label, bytes, dtype, kind, source: source?.toString() ?? "" };
}
