/**
 * Runs every check of the project, one after the other and all of them, and counts: the tests of each step that has
 * tests, and one more for the step itself. The last line is `N passed, N failed`; the exit code is 0 only if nothing
 * failed and no step's counts are missing. `.ci/run` calls this after `npm ci`.
 *
 * `node scripts/ci.ts --only lint,corpus` runs some of the steps.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** What a step's process left: its exit code (null when it was stopped) and the end of what it wrote. */
interface Run {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly tail: string;
}

interface Step {
  readonly name: string;
  readonly minutes: number;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The tests that the step counted, and what is wrong with them beyond a failing test; throws if they are missing. */
  readonly count?: (run: Run) => Counts & { readonly problems?: readonly string[] };
  /** Failing tests are counted one by one; with this the step doesn't fail a second time for them. */
  readonly exitCodeIsCounted?: boolean;
}

interface Outcome extends Counts {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly problems: readonly string[];
}

const root = join(import.meta.dirname, "..");
const results = join(root, ".cache", "ci");
const totalMinutes = 28;

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/** Runs `npm run SCRIPT -- ARGS`, shows what it writes, and stops it and its children after `seconds`. */
function npmRun({ script, args = [], env = {} }: Step, seconds: number): Promise<Run> {
  const windows = process.platform === "win32";
  const child = spawn("npm", ["run", script, "--", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    detached: !windows,
    shell: windows,
    env: { ...process.env, ...env, CI: "true", NO_COLOR: "1", FORCE_COLOR: undefined },
  });
  return new Promise((resolve) => {
    let tail = "";
    let timedOut = false;
    const signal = (name: NodeJS.Signals): void => {
      try {
        if (windows) spawn("taskkill", ["/pid", String(child.pid), "/t", "/f"]);
        else process.kill(-child.pid!, name);
      } catch {
        // it has ended meanwhile
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      signal("SIGTERM");
      setTimeout(() => signal("SIGKILL"), 5_000).unref();
      // a process that escaped from the group may hold the pipes open
      setTimeout(() => finish(null), 8_000).unref();
    }, seconds * 1000);
    const finish = (code: number | null): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code, timedOut, tail });
    };
    const collect = (chunk: Buffer, out: NodeJS.WriteStream): void => {
      out.write(chunk);
      tail = (tail + chunk.toString("utf8")).slice(-20_000);
    };
    child.stdout.on("data", (chunk: Buffer) => collect(chunk, process.stdout));
    child.stderr.on("data", (chunk: Buffer) => collect(chunk, process.stderr));
    child.on("error", (error) => {
      tail += String(error);
      finish(1);
    });
    // "exit" and not "close": what the step left running must neither keep it open nor outlive it
    child.on("exit", (code) => {
      setTimeout(() => {
        signal("SIGKILL");
        finish(timedOut ? null : code);
      }, 200);
    });
  });
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** A file that fails without a failing test (it doesn't load) counts as one failure. */
function countVitest(path: string): Counts {
  const report = readJson(path) as VitestReport;
  let passed = 0;
  let failed = 0;
  for (const file of report.testResults) {
    const failures = file.assertionResults.filter((test) => test.status === "failed").length;
    passed += file.assertionResults.filter((test) => test.status === "passed").length;
    failed += failures === 0 && file.status === "failed" ? 1 : failures;
  }
  if (passed + failed === 0) throw new Error("vitest ran no test");
  return { passed, failed };
}

/** The last line of the form `N passed, N failed`, perhaps with `, N skipped`, that a script wrote. */
function countClosingLine(run: Run): Counts {
  // eslint-disable-next-line no-control-regex -- colours begin with an escape character
  const plain = run.tail.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const last = [...plain.matchAll(/^\s*(\d+) passed, (\d+) failed(?:, \d+ skipped)?\s*$/gm)].at(-1);
  if (last === undefined) throw new Error("no closing line `N passed, N failed`");
  return { passed: Number(last[1]), failed: Number(last[2]) };
}

interface CorpusReport extends Counts {
  readonly files: Readonly<Record<string, Counts>>;
}

/** A count that is below the recorded one, a recorded file that didn't run, and a file without a record are problems. */
function countCorpus(path: string): Counts & { readonly problems: readonly string[] } {
  const report = readJson(path) as CorpusReport;
  const recorded = readJson(join(root, "tests/corpus/recorded.json")) as Readonly<Record<string, number>>;
  const problems: string[] = [];
  for (const [file, least] of Object.entries(recorded)) {
    const now = report.files[file]?.passed;
    if (now === undefined) problems.push(`${file}: recorded ${least} passed, but it didn't run`);
    else if (now < least) problems.push(`${file}: ${now} passed, recorded ${least}`);
    else if (now > least) console.log(`${file}: ${now} passed, recorded ${least}: raise the record`);
  }
  const present = readdirSync(join(root, "tests/corpus")).filter((name) => name.endsWith(".jsonl"));
  for (const file of new Set([...present, ...Object.keys(report.files)])) {
    if (report.files[file] === undefined) problems.push(`${file}: no counts`);
    else if (recorded[file] === undefined) problems.push(`${file}: not in tests/corpus/recorded.json`);
  }
  if (!Number.isInteger(report.passed) || !Number.isInteger(report.failed)) throw new Error("no totals in the report");
  return { passed: report.passed, failed: report.failed, problems };
}

const vitestReport = join(results, "vitest.json");
const corpusReport = join(results, "corpus.json");

const steps: readonly Step[] = [
  {
    name: "test",
    minutes: 8,
    script: "test",
    args: ["--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`],
    count: () => countVitest(vitestReport),
    exitCodeIsCounted: true,
  },
  { name: "lint", minutes: 5, script: "lint" },
  { name: "typecheck", minutes: 3, script: "typecheck" },
  {
    name: "corpus",
    minutes: 8,
    script: "corpus",
    args: ["--json", corpusReport],
    count: () => countCorpus(corpusReport),
    exitCodeIsCounted: true,
  },
  {
    name: "corpus, js engine",
    minutes: 8,
    script: "corpus",
    args: ["--json", corpusReport],
    env: { REMAT_ENGINE: "js" },
    count: () => countCorpus(corpusReport),
    exitCodeIsCounted: true,
  },
  {
    name: "test, js engine",
    minutes: 8,
    script: "test",
    args: ["--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`],
    env: { REMAT_ENGINE: "js" },
    count: () => countVitest(vitestReport),
    exitCodeIsCounted: true,
  },
  { name: "size", minutes: 1, script: "size" },
  { name: "check:package", minutes: 4, script: "check:package" },
  { name: "test:all", minutes: 12, script: "test:all", count: countClosingLine, exitCodeIsCounted: true },
];

async function runStep(step: Step, seconds: number): Promise<Outcome> {
  console.log(`\n── ${step.name}`);
  const from = performance.now();
  const run = await npmRun(step, seconds);
  const problems: string[] = [];
  let counts: Counts = { passed: 0, failed: 0 };
  try {
    if (step.count !== undefined) {
      const { problems: found = [], ...rest } = step.count(run);
      counts = rest;
      problems.push(...found);
    }
  } catch (error) {
    problems.push(`counts are missing: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (run.timedOut) problems.push(`stopped after ${seconds.toFixed(0)} s`);
  else if (run.code !== 0 && !(step.exitCodeIsCounted === true && counts.failed > 0)) {
    problems.push(`exit code ${run.code}`);
  }
  const ok = problems.length === 0;
  return {
    name: step.name,
    ok,
    seconds: (performance.now() - from) / 1000,
    problems,
    passed: counts.passed + (ok ? 1 : 0),
    failed: counts.failed + (ok ? 0 : 1),
  };
}

const { values: options } = parseArgs({
  options: { "installed-in": { type: "string" }, only: { type: "string" } },
});
const only = options.only?.split(",");
const unknown = only?.filter((name) => !steps.some((step) => step.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`No step ${unknown.join(", ")}; there are ${steps.map((step) => step.name).join(", ")}.`);
  process.exit(2);
}

if (existsSync(results)) rmSync(results, { recursive: true });
mkdirSync(results, { recursive: true });
console.log(`node ${process.version} on ${process.platform}-${process.arch}`);

const outcomes: Outcome[] = [];
if (options["installed-in"] !== undefined) {
  const seconds = Number(options["installed-in"]);
  outcomes.push({ name: "npm ci", ok: true, seconds, problems: [], passed: 1, failed: 0 });
}
const deadline = performance.now() + totalMinutes * 60_000 - (outcomes[0]?.seconds ?? 0) * 1000;
for (const step of steps) {
  if (only !== undefined && !only.includes(step.name)) continue;
  const left = (deadline - performance.now()) / 1000;
  outcomes.push(await runStep(step, Math.max(1, Math.min(step.minutes * 60, left))));
}

const sum = (key: "passed" | "failed" | "seconds"): number => outcomes.reduce((total, each) => total + each[key], 0);
console.log("\n── summary");
for (const { name, ok, seconds, passed, failed, problems } of outcomes) {
  const state = !ok ? "FAILED" : failed > 0 ? "failing tests" : "ok";
  console.log(
    [
      name.padEnd(14),
      state.padEnd(14),
      `${seconds.toFixed(1)} s`.padStart(9),
      `${passed} passed, ${failed} failed`,
    ].join("  "),
  );
  for (const problem of problems) console.log(`                ${problem}`);
}
console.log(`total ${sum("seconds").toFixed(1)} s; each step counts as one beside its tests`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
