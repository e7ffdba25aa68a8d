/**
 * `npm run bench -- workloads [--only=W1,W3] [--out=FILE]`: the workloads of a training library, for this one and, in the same run, for JAX on CPU
 * with one thread, if a Python with JAX is there (`REMAT_BENCH_PYTHON`, or python3). Each workload is a process of its own; times are the least milliseconds of
 * CPU time that a call takes, and
 * the load of the machine is said before and after. `--out` writes the table as Markdown.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Figure } from "./workloads/figures.ts";

const all = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "memory"];
/** A workload that takes longer is cut off; what it printed by then counts. */
const LIMIT = 120_000;
const HERE = import.meta.dirname;
const python = process.env.REMAT_BENCH_PYTHON ?? "python3";

function figuresOf(command: string, args: readonly string[]): Figure[] {
  const { stdout, stderr, status, signal } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 1 << 26,
    timeout: LIMIT,
  });
  if (signal !== null) console.log(`${command} ${args.join(" ")} was cut off after ${String(LIMIT / 1000)} s`);
  else if (status !== 0) console.log(`${command} ${args.join(" ")} failed:\n${stderr.slice(-600)}`);
  return (stdout ?? "")
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Figure);
}

const load = (): string =>
  loadavg()
    .map((x) => x.toFixed(1))
    .join(" ");

export function benchWorkloads(flags: readonly string[]): void {
  const value = (name: string): string | undefined =>
    flags.find((f) => f.startsWith(`--${name}=`))?.slice(name.length + 3);
  const wanted = value("only")?.split(",") ?? all;
  const hasJax = spawnSync(python, ["-c", "import jax"]).status === 0;
  if (!hasJax) console.log(`JAX is skipped: ${python} has none; name a Python that has it by REMAT_BENCH_PYTHON`);
  const before = load();
  const rows: string[] = [];
  const out = (line: string): void => {
    rows.push(line);
    console.log(line);
  };
  out("| workload | figure | remat | JAX | remat / JAX |");
  out("| --- | --- | ---: | ---: | ---: |");
  for (const workload of wanted) {
    const ours = figuresOf(process.execPath, [
      "--conditions=@remat/source",
      join(HERE, "workloads/remat.ts"),
      workload,
    ]);
    const jax = hasJax ? figuresOf(python, [join(HERE, "peers/jax.py"), workload]) : [];
    for (const { workload: of, metric, ...own } of ours) {
      if (metric.startsWith("check")) continue;
      const other = jax.find((f) => f.workload === of && f.metric === metric);
      const isTime = own.cpu !== undefined;
      const figure = (f: { readonly value: number; readonly cpu?: number }): number => f.cpu ?? f.value / 1e6;
      const shown = `${figure(own).toPrecision(3)} ${isTime ? "ms" : "MB"}`;
      const beside = other === undefined ? "" : `${figure(other).toPrecision(3)} ${isTime ? "ms" : "MB"}`;
      const ratio = other === undefined || figure(other) === 0 ? "" : (figure(own) / figure(other)).toFixed(2);
      out(`| ${of} | ${metric} | ${shown} | ${beside} | ${ratio} |`);
    }
  }
  const facts = `${cpus()[0].model}, ${String(cpus().length)} cores, Node ${process.version}; load average before ${before}, after ${load()}`;
  console.log(facts);
  const file = value("out");
  if (file !== undefined) writeFileSync(file, `${facts}\n\n${rows.join("\n")}\n`);
}
