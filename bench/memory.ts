/**
 * `npm run bench -- memory [--only=GPT-4,U-Net] [--out=FILE]`: the models of examples/models in full size. For each, the peak of value and gradient as
 * it is, with each policy around its blocks, and within budgets; the extra time that the planner predicts and the one that is measured
 * (CPU time of a step beside that of the step as it is); and what JAX's compiler says of the same models, if a Python with JAX is there
 * (`REMAT_BENCH_PYTHON`, or python3). `--out` writes the tables as Markdown.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { lstmLoss } from "../examples/models/lstm.ts";
import { models } from "../examples/models/index.ts";
import type { Model, Parameters } from "../examples/models/model.ts";
import {
  checkpoint,
  checkpointPolicies,
  jit,
  memory,
  pareto,
  random,
  setEngine,
  valueAndGrad,
  type NDArray,
  type Policy,
} from "../src/index.ts";

type Step = (params: Parameters, batch: Parameters) => readonly [NDArray, Parameters];

const python = process.env.REMAT_BENCH_PYTHON ?? "python3";

/** Of each policy the name in the tables. */
const policies: Readonly<Record<string, Policy | null>> = {
  "everything saved": checkpointPolicies.everythingSaveable,
  "products saved": checkpointPolicies.dotsSaveable,
  "nothing saved": null,
};

/** Bytes that JAX's compiler asks for, by policy. */
function jaxPeaks(name: string): ReadonlyMap<string, number> {
  const { stdout, status } = spawnSync(python, [join(import.meta.dirname, "peers/memory_models.py"), name], {
    encoding: "utf8",
  });
  if (status !== 0) return new Map();
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return new Map(
    lines.map((line) => JSON.parse(line) as { variant: string; peak: number }).map((r) => [r.variant, r.peak]),
  );
}

const mb = (bytes: number | undefined): string => (bytes === undefined ? "" : (bytes / 1e6).toFixed(1));
const percent = (x: number): string => `${x < 0 ? "-" : "+"}${(100 * Math.abs(x)).toFixed(1)} %`;

/** Milliseconds of CPU time of a step once it is compiled: the least of two. */
function cpuOf(step: Step, args: readonly [Parameters, Parameters]): number {
  step(...args);
  const once = (): number => {
    const start = process.cpuUsage();
    step(...args);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e3;
  };
  return Math.min(once(), once());
}

function benchModel(model: Model, out: (line: string) => void): void {
  const args = [model.init(random.key(0), "full"), model.batch(random.key(1), "full")] as const;
  const jax = jaxPeaks(model.name);
  out(`\n### ${model.name}\n`);
  out("| program | peak, MB | share | extra time, model | extra time, measured | JAX, MB |");
  out("| --- | ---: | ---: | ---: | ---: | ---: |");
  const plain = valueAndGrad(model.loss()) as unknown as Step;
  const whole = memory(plain, ...args).peak;
  const base = cpuOf(jit(plain as never), args);
  const row = (name: string, step: Step, peak: number, predicted: string): void => {
    const measured = step === plain ? "" : percent(cpuOf(step, args) / base - 1);
    out(
      `| ${name} | ${mb(peak)} | ${((100 * peak) / whole).toFixed(1)} % | ${predicted} | ${measured} | ${mb(jax.get(name))} |`,
    );
  };
  row("as it is", plain, whole, "");
  const wrapped = (name: string, f: Step): void => {
    row(name, jit(f as never), memory(f, ...args).peak, "");
  };
  for (const [name, policy] of Object.entries(policies)) {
    wrapped(name, valueAndGrad(model.loss((block) => checkpoint(block, { policy }))));
  }
  if (model.name === "LSTM-1000") {
    for (const kept of ["sqrt", "binomial"] as const) {
      wrapped(`loop, ${kept}`, valueAndGrad(lstmLoss(kept)) as unknown as Step);
    }
    return;
  }
  const start = performance.now();
  const { points } = pareto(plain, args as never);
  const seconds = ((performance.now() - start) / 1e3).toFixed(1);
  for (const share of [0.8, 0.6, 0]) {
    const budget = Math.max(points[0].peak, Math.floor(share * whole));
    const point = points.findLast((p) => p.peak <= budget);
    if (point === undefined || (share > 0 && budget === points[0].peak)) continue;
    const step = jit(plain as never, { memory: budget }) as unknown as Step;
    const name = share === 0 ? "smallest budget" : `budget ${share.toFixed(1)}`;
    row(name, step, memory(step, ...args).peak, percent(point.overhead));
  }
  out(`\nThe whole curve took ${seconds} s to plan.`);
}

export function benchMemory(flags: readonly string[]): void {
  setEngine("wasm");
  const value = (name: string): string | undefined =>
    flags.find((f) => f.startsWith(`--${name}=`))?.slice(name.length + 3);
  const only = value("only")?.split(",");
  const lines: string[] = [];
  const out = (line: string): void => {
    lines.push(line);
    console.log(line);
    const file = value("out");
    if (file !== undefined) writeFileSync(file, `${lines.join("\n")}\n`);
  };
  out(
    `${cpus()[0].model}, ${String(cpus().length)} cores, Node ${process.version}; load average ${loadavg()[0].toFixed(1)}`,
  );
  for (const model of models) if (only === undefined || only.includes(model.name)) benchModel(model, out);
}
