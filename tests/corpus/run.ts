/**
 * Compares this library with JAX's recorded answers:
 *
 *     npm run corpus -- [FILE ...] [--case NAME] [--filter TEXT] [--json FILE] [--workers N] [--seconds N] [--record]
 *
 * A FILE is a `.jsonl` file or the name of one beside this script (default: all). `--case` prints everything about one case, `--filter` takes
 * the cases whose name contains a text, `--json` writes all outcomes, `--record` notes how many pass in `recorded.json`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import type { Outcome } from "./evaluate.ts";
import type { Case } from "./spec.ts";
import { transpile } from "./transpile.ts";
import type { Report } from "./worker.ts";

const HERE = import.meta.dirname;
const RECORDED = join(HERE, "recorded.json");

interface Job {
  readonly file: string;
  readonly name: string;
  readonly line: string;
}

interface Result extends Report {
  readonly file: string;
  readonly name: string;
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    case: { type: "string" },
    filter: { type: "string", default: "" },
    json: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
    seconds: { type: "string", default: "20" },
    record: { type: "boolean", default: false },
  },
});

function filesToRead(): string[] {
  const beside = readdirSync(HERE)
    .filter((f) => f.endsWith(".jsonl"))
    .sort();
  if (positionals.length === 0) return beside.map((f) => join(HERE, f));
  return positionals.map((f) => {
    const found = [f, join(HERE, f), join(HERE, `${f}.jsonl`)].find(
      (path) => path.endsWith(".jsonl") && existsSync(path),
    );
    if (found === undefined) throw new Error(`no such file: ${f}`);
    return found;
  });
}

function jobsOf(files: readonly string[]): Job[] {
  return files.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ file: basename(path), name: /"name":\s*"([^"]*)"/.exec(line)![1], line }))
      .filter((job) => job.name.includes(options.filter) && (options.case === undefined || job.name === options.case)),
  );
}

const failedCase = (job: Job, reason: string): Result => ({
  file: job.file,
  name: job.name,
  outcomes: [{ section: "case", passed: false, agreement: "threw", reason }],
  milliseconds: 0,
});

/** Evaluates all jobs in a pool of threads. One that hangs or dies costs its case only. */
async function evaluateAll(jobs: readonly Job[]): Promise<Result[]> {
  const results = new Array<Result>(jobs.length);
  let next = 0;
  let done = 0;
  const thread = async (): Promise<void> => {
    let worker: Worker | null = null;
    while (next < jobs.length) {
      const at = next++;
      const job = jobs[at];
      worker ??= new Worker(new URL("./worker.ts", import.meta.url));
      const report = await ask(worker, job.line);
      if (typeof report === "string") {
        await worker.terminate();
        worker = null;
        results[at] = failedCase(job, report);
      } else {
        results[at] = { file: job.file, name: job.name, ...report };
      }
      done++;
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${jobs.length}`);
    }
    await worker?.terminate();
  };
  await Promise.all(Array.from({ length: Math.min(Number(options.workers), jobs.length) }, thread));
  if (process.stderr.isTTY) process.stderr.write("\r");
  return results;
}

function ask(worker: Worker, line: string): Promise<Report | string> {
  return new Promise((resolve) => {
    const finish = (answer: Report | string): void => {
      clearTimeout(timer);
      worker.off("message", finish);
      worker.off("error", died);
      worker.off("exit", ended);
      resolve(answer);
    };
    const died = (e: unknown): void =>
      finish(`the thread died: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
    const ended = (code: number): void => finish(`the thread ended with code ${code}`);
    const timer = setTimeout(() => finish(`no answer in ${options.seconds} seconds`), 1000 * Number(options.seconds));
    worker.on("message", finish);
    worker.on("error", died);
    worker.on("exit", ended);
    worker.postMessage(line);
  });
}

const passed = (r: Result): boolean => r.outcomes.every((o) => o.passed);

function table(results: readonly Result[]): string {
  const lines: string[] = [];
  for (const file of new Set(results.map((r) => r.file))) {
    const mine = results.filter((r) => r.file === file);
    lines.push(`${file}: ${mine.filter(passed).length} of ${mine.length} cases pass`);
    const sections = new Map<string, Outcome[]>();
    for (const o of mine.flatMap((r) => r.outcomes)) sections.set(o.section, [...(sections.get(o.section) ?? []), o]);
    for (const [section, outcomes] of sections) {
      const kinds = ["exact", "shared", "layout", "structure", "different", "threw"] as const;
      const counts = kinds
        .map((kind) => [kind, outcomes.filter((o) => o.agreement === kind).length] as const)
        .filter(([, n]) => n > 0)
        .map(([kind, n]) => `${n} ${kind}`);
      lines.push(`  ${section.padEnd(10)} ${counts.join(", ")}`);
    }
  }
  return lines.join("\n");
}

function failures(results: readonly Result[]): string {
  return results
    .filter((r) => !passed(r))
    .map((r) => {
      const sections = r.outcomes.filter((o) => !o.passed).map((o) => o.section);
      const reason = r.outcomes.find((o) => !o.passed)!.reason ?? "";
      return `FAILED ${r.name} (${sections.join(" ")}): ${reason.split("\n")[0].slice(0, 240)}`;
    })
    .join("\n");
}

function details(job: Job, result: Result): string {
  const c = JSON.parse(job.line) as Case;
  const lines = [transpile(c)];
  for (const o of result.outcomes) {
    lines.push(`--- ${o.section}: ${o.passed ? "passed" : "FAILED"} (${o.agreement}) ${o.reason ?? ""}`);
    if (o.expected !== undefined) lines.push(`expected:\n${o.expected}`);
    if (o.got !== undefined) lines.push(`got:\n${o.got}`);
  }
  return lines.join("\n");
}

const started = performance.now();
const jobs = jobsOf(filesToRead());
if (jobs.length === 0) throw new Error("no such case");
const results = await evaluateAll(jobs);
if (options.case !== undefined) {
  for (const [i, job] of jobs.entries()) console.log(details(job, results[i]));
} else {
  const listed = failures(results);
  if (listed !== "") console.log(listed);
  console.log(table(results));
}
const countsOf = (some: readonly Result[]): { passed: number; failed: number } => {
  const good = some.filter(passed).length;
  return { passed: good, failed: some.length - good };
};
const files = [...new Set(results.map((r) => r.file))];
const perFile = Object.fromEntries(files.map((file) => [file, countsOf(results.filter((r) => r.file === file))]));
const total = countsOf(results);
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify({ ...total, files: perFile, cases: results }, null, 1));
}
if (options.record) {
  const recorded = existsSync(RECORDED) ? (JSON.parse(readFileSync(RECORDED, "utf8")) as Record<string, number>) : {};
  for (const file of files) recorded[file] = perFile[file].passed;
  writeFileSync(RECORDED, JSON.stringify(recorded, null, 2) + "\n");
}
console.log(`${((performance.now() - started) / 1000).toFixed(1)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
