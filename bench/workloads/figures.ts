/**
 * How the JavaScript programs of the workloads measure and print: one line of JSON a figure. A time is the least over repeated calls, on the clock
 * and in the process's CPU time, which other jobs on the machine disturb less.
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

const cpuTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const digits = (value: number): number => Number(value.toPrecision(6));

export interface Recorder {
  /** Prints a size. */
  bytes(workload: string, metric: string, value: number): void;
  /** Prints the value that a check is about, and throws if it is another. */
  check(name: string, value: number): void;
  /** Prints the time that a call takes once its program is compiled: the least over `budget` milliseconds, in groups of `inner` calls. */
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
}

export function recorder(peer: string): Recorder {
  const emit = (workload: string, metric: string, value: number, cpu?: number): void => {
    const figure: Figure = {
      peer,
      workload,
      metric,
      value: digits(value),
      ...(cpu === undefined ? {} : { cpu: digits(cpu) }),
    };
    console.log(JSON.stringify(figure));
  };
  return {
    bytes: emit,
    check(name, value) {
      const expected = checks[name];
      emit(name.split(" ")[0], `check ${name}`, value);
      if (!(Math.abs(value - expected) <= tolerance * Math.abs(expected))) {
        throw new Error(`${name} is ${String(value)}, and should be ${String(expected)}`);
      }
    },
    fastest(workload, metric, call, { budget = 3000, inner = 1 } = {}) {
      for (let i = 0; i < 2; i++) call();
      let wall = Infinity;
      let cpu = Infinity;
      const start = performance.now();
      for (let reps = 0; reps < 3 || performance.now() - start < budget; reps++) {
        const c = cpuTime();
        const t = performance.now();
        for (let i = 0; i < inner; i++) call();
        wall = Math.min(wall, (performance.now() - t) / inner);
        cpu = Math.min(cpu, (cpuTime() - c) / inner);
        if (performance.now() - start > 4 * budget) break;
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
  };
}
