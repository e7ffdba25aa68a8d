/**
 * `npm run bench -- memory [--only=GPT-4,U-Net] [--rows=0.6,nothing] [--turns=3] [--out=FILE]`: the models of examples/models in full size. For each, value
 * and gradient as it is, with each policy around its blocks, and within budgets: the peak that `memory` predicts and the most that the run took, whether
 * all results have the bits of the program as it is, and the extra time, predicted by the planner and measured. Each program has an engine of its
 * own, so its high-water mark is its own. Time is CPU time of a step, in turns with the program as it is; the least of each counts. Beside them
 * is what JAX's compiler says of the same models, if a Python with JAX is there (`REMAT_BENCH_PYTHON`, or python3; "none" leaves it out).
 * `--rows` keeps the programs whose names hold one of these texts; `--out` writes the tables as Markdown.
 */
import { createHash } from "node:crypto";
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
  tree,
  valueAndGrad,
  type NDArray,
  type Policy,
} from "../src/index.ts";
import type { ConcreteArray } from "../src/core/array.ts";
import { js } from "../src/engines/js/index.ts";
import { createWasm, type WasmEngine } from "../src/engines/wasm/index.ts";

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
  if (python === "none") return new Map();
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
const bytes = (n: number): string => n.toLocaleString("en");
const percent = (x: number): string => `${x < 0 ? "-" : "+"}${(100 * Math.abs(x)).toFixed(1)} %`;

/** A step on an engine of its own. */
interface Program {
  readonly run: () => string;
  readonly engine: WasmEngine;
}

function programOf(f: Step, args: readonly [Parameters, Parameters], budget?: number): Program {
  const engine = createWasm(js);
  const options = budget === undefined ? { engine } : { engine, memory: budget };
  const step = jit(f as never, options) as unknown as Step;
  return { engine, run: () => hashOf(step(...args)) };
}

/** A hash of the bits of all results. */
function hashOf(result: unknown): string {
  const hash = createHash("sha256");
  for (const leaf of tree.flatten(result).leaves) hash.update((leaf as ConcreteArray).data as Float32Array);
  return hash.digest("hex");
}

/** Milliseconds of CPU time of each of the programs, once they are compiled: the least of so many turns. */
function cpuOf(programs: readonly Program[], turns: number): readonly number[] {
  const least = programs.map(() => Infinity);
  for (let turn = 0; turn < turns; turn++) {
    programs.forEach(({ run }, i) => {
      const start = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(start);
      least[i] = Math.min(least[i], (user + system) / 1e3);
    });
  }
  return least;
}

interface Settings {
  readonly turns: number;
  readonly wanted: (name: string) => boolean;
  readonly out: (line: string) => void;
}

function benchModel(model: Model, { turns, wanted, out }: Settings): void {
  const args = [model.init(random.key(0), "full"), model.batch(random.key(1), "full")] as const;
  const jax = jaxPeaks(model.name);
  out(`\n### ${model.name}\n`);
  out(
    "| program | predicted, bytes | measured, bytes | share | same bits | extra time, predicted | measured | JAX, MB |",
  );
  out("| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |");
  const plain = valueAndGrad(model.loss()) as unknown as Step;
  const whole = memory(plain, ...args).peak;
  const base = programOf(plain, args);
  const bits = base.run();
  const line = (name: string, peak: number, { engine }: Program, same: string, predicted: string, measured: string) => {
    const share = `${((100 * peak) / whole).toFixed(1)} %`;
    out(
      `| ${name} | ${bytes(peak)} | ${bytes(engine.highWater())} | ${share} | ${same} | ${predicted} | ${measured} | ${mb(jax.get(name))} |`,
    );
  };
  line("as it is", whole, base, "", "", "");
  const row = (name: string, f: Step, predicted: string, budget?: number): void => {
    if (!wanted(name)) return;
    const program = programOf(f, args, budget);
    const same = program.run() === bits ? "yes" : "NO";
    const [plainTime, time] = cpuOf([base, program], turns);
    const { peak } = budget === undefined ? memory(f, ...args) : memory(jit(f as never, { memory: budget }), ...args);
    line(name, peak, program, same, predicted, percent(time / plainTime - 1));
  };
  const others: Record<string, Step> = {};
  for (const [name, policy] of Object.entries(policies)) {
    others[name] = valueAndGrad(model.loss((block) => checkpoint(block, { policy })));
  }
  if (model.name === "LSTM-1000") {
    for (const kept of ["sqrt", "binomial"] as const) {
      others[`loop, ${kept}`] = valueAndGrad(lstmLoss(kept)) as unknown as Step;
    }
  }
  const beside = Object.fromEntries(Object.entries(others).filter(([name]) => wanted(name)));
  const start = performance.now();
  const { points, references } = pareto(plain, args as never, { beside: beside });
  const seconds = ((performance.now() - start) / 1e3).toFixed(1);
  for (const [name, f] of Object.entries(beside)) {
    row(name, f, percent(references.find((r) => r.name === name)?.overhead ?? NaN));
  }
  // A loop is one step to the planner.
  if (model.name === "LSTM-1000") return;
  for (const share of [0.8, 0.6, 0]) {
    const budget = Math.max(points[0].peak, Math.floor(share * whole));
    const point = points.findLast((p) => p.peak <= budget);
    if (point === undefined || (share > 0 && budget === points[0].peak)) continue;
    row(share === 0 ? "smallest budget" : `budget ${share.toFixed(1)}`, plain, percent(point.overhead), budget);
  }
  out(`\nThe whole curve took ${seconds} s to plan.`);
}

export function benchMemory(flags: readonly string[]): void {
  setEngine("wasm");
  const value = (name: string): string | undefined =>
    flags.find((f) => f.startsWith(`--${name}=`))?.slice(name.length + 3);
  const only = value("only")?.split(",");
  const rows = value("rows")?.split(",");
  const wanted = (name: string): boolean => rows === undefined || rows.some((text) => name.includes(text));
  const turns = Number(value("turns") ?? 3);
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
  for (const model of models)
    if (only === undefined || only.includes(model.name)) benchModel(model, { turns, wanted, out });
}
