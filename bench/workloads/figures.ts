/**
 * How the JavaScript programs of the workloads measure and print: one line of JSON a figure. A time is the least over repeated calls, on the clock
 * and in the process's CPU time, which other jobs on the machine disturb less. What a library can't do is a line as well: the figure's name and why.
 */
import process from "node:process";
import { checks, tolerance } from "./definition.ts";

export interface Figure {
  readonly peer: string;
  readonly workload: string;
  readonly metric: string;
  /** Milliseconds on the clock, bytes, or the value of a check. */
  readonly value: number;
  /** Milliseconds of CPU time; only of times. */
  readonly cpu?: number;
}

/** A figure that a library has no answer for. */
export interface Missing {
  readonly peer: string;
  readonly workload: string;
  readonly metric: string;
  readonly reason: string;
}

/** `REMAT_BENCH_SCALE=0.1` measures a tenth as long: for trying the programs out. */
const scale = Number(process.env.REMAT_BENCH_SCALE ?? 1);

const cpuTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const digits = (value: number): number => Number(value.toPrecision(6));

export interface Recorder {
  /** Runs `f`; if it throws, prints why the metrics that it has not printed by then are missing: `context` and the error. */
  attempt(workload: string, metrics: readonly string[], f: () => void, context?: string): void;
  /** Prints a size. */
  bytes(workload: string, metric: string, value: number): void;
  /** Prints the value that a check is about, and throws if it is another. */
  check(name: string, value: number): void;
  /**
   * Prints the time that a call takes once its program is compiled: the least over `budget` milliseconds, in groups of `inner` calls. Two groups
   * warm up; calls that take longer than the budget are so few that the first one counts.
   */
  fastest(
    workload: string,
    metric: string,
    call: () => unknown,
    options?: { readonly budget?: number; readonly inner?: number },
  ): void;
  /** Prints the time of one call. */
  first<T>(workload: string, metric: string, call: () => T): T;
  /** Prints the time since this process began. */
  fromStart(workload: string, metric: string): void;
  /** Prints that there is no such figure, and why. */
  missing(workload: string, metrics: readonly string[], reason: string): void;
}

export function recorder(peer: string): Recorder {
  const printed = new Set<string>();
  const emit = (workload: string, metric: string, value: number, cpu?: number): void => {
    const figure: Figure = {
      peer,
      workload,
      metric,
      value: digits(value),
      ...(cpu === undefined ? {} : { cpu: digits(cpu) }),
    };
    printed.add(`${workload} ${metric}`);
    console.log(JSON.stringify(figure));
  };
  const missing = (workload: string, metrics: readonly string[], reason: string): void => {
    for (const metric of metrics) {
      if (printed.has(`${workload} ${metric}`)) continue;
      const line: Missing = { peer, workload, metric, reason };
      console.log(JSON.stringify(line));
    }
  };
  return {
    attempt(workload, metrics, f, context = "") {
      try {
        f();
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        missing(workload, metrics, `${context}${name}: ${message.split("\n")[0].slice(0, 160)}`);
      }
    },
    bytes: emit,
    check(name, value) {
      const expected = checks[name];
      emit(name.split(" ")[0], `check ${name}`, value);
      if (!(Math.abs(value - expected) <= tolerance * Math.abs(expected))) {
        throw new Error(`${name} is ${String(value)}, and should be ${String(expected)}`);
      }
    },
    fastest(workload, metric, call, { budget: asked = 3000, inner = 1 } = {}) {
      const budget = asked * scale;
      let wall = Infinity;
      let cpu = Infinity;
      let counted = 0;
      const start = performance.now();
      for (let groups = 0; ; groups++) {
        const c = cpuTime();
        const t = performance.now();
        for (let i = 0; i < inner; i++) call();
        const took = performance.now() - t;
        if (groups >= 2 || took > budget) {
          wall = Math.min(wall, took / inner);
          cpu = Math.min(cpu, (cpuTime() - c) / inner);
          counted++;
        }
        const spent = performance.now() - start;
        if ((counted >= 3 && spent > budget) || (counted >= 1 && spent > 2 * budget)) break;
      }
      emit(workload, metric, wall, cpu);
    },
    first(workload, metric, call) {
      const c = cpuTime();
      const t = performance.now();
      const result = call();
      emit(workload, metric, performance.now() - t, cpuTime() - c);
      return result;
    },
    fromStart(workload, metric) {
      emit(workload, metric, performance.now(), cpuTime());
    },
    missing,
  };
}

/** Runs the workloads that the command line names. */
export async function runNamed(workloads: Readonly<Record<string, () => void | Promise<void>>>): Promise<void> {
  for (const name of process.argv.slice(2)) {
    const run = workloads[name];
    if (run === undefined)
      throw new Error(`there is no workload ${name}; there are ${Object.keys(workloads).join(", ")}`);
    await run();
  }
}
