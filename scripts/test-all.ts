/**
 * `npm run test:all`: the tests that need more than Node. The notebooks need Python and Deno's Jupyter kernel, the tests in a browser need
 * Chromium (`CHROMIUM` names one; root on Debian and its kin gets it installed). What can't be tested here is skipped, with the reason; a
 * skip never counts as passed. The last line is `N passed, N failed, N skipped`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { obstacle } from "./notebooks.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dirname, "..");
const results = join(root, ".cache", "test-all");
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Chromium's path, or why there is none. */
function chromium(): { readonly path: string } | { readonly why: string } {
  const named = process.env["CHROMIUM"];
  if (named !== undefined) return existsSync(named) ? { path: named } : { why: `CHROMIUM=${named} doesn't exist` };
  const find = (): string | undefined => PLACES.find((path) => existsSync(path));
  const found = find();
  if (found !== undefined) return { path: found };
  const absent = `there is no Chromium (set CHROMIUM, or put it at ${PLACES[0]})`;
  if (!existsSync("/usr/bin/apt-get")) return { why: absent };
  if (process.getuid?.() !== 0) return { why: `${absent}, and only root can install it by apt-get` };
  console.log("installing Chromium by apt-get");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    const { status, stderr, error } = spawnSync("apt-get", args, { env, encoding: "utf8", timeout: 240_000 });
    if (status !== 0) {
      const last = (stderr ?? "").trim().split("\n").at(-1) ?? "";
      return { why: `${absent}; apt-get ${args[0]} failed: ${error?.message ?? last}` };
    }
  }
  const installed = find();
  return installed === undefined ? { why: `${absent}; apt-get's package has none` } : { path: installed };
}

interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** The tests of one project. A file that fails without a failing test (it doesn't load) is a failure, and so is a run without a report. */
function run(project: string, env: Readonly<Record<string, string>> = {}): Counts {
  const report = join(results, `${project}.json`);
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const { status } = spawnSync(
    process.execPath,
    [
      ...[vitest, "run", "--config", "vitest.all.config.ts", "--project", project],
      ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...env } },
  );
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (existsSync(report)) {
    for (const file of (JSON.parse(readFileSync(report, "utf8")) as Report).testResults) {
      const count = (wanted: readonly string[]): number =>
        file.assertionResults.filter((test) => wanted.includes(test.status)).length;
      const failed = count(["failed"]);
      counts.passed += count(["passed"]);
      counts.failed += failed === 0 && file.status === "failed" ? 1 : failed;
      counts.skipped += count(["skipped", "pending", "todo", "disabled"]);
    }
  }
  if (status !== 0 && counts.failed === 0) {
    console.error(`vitest ended with code ${status}, but no test of ${project} failed`);
    counts.failed = 1;
  }
  return counts;
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

const summary: string[] = [];
const totals: Counts = { passed: 0, failed: 0, skipped: 0 };
function add(name: string, counts: Counts, why: string | null = null): void {
  for (const key of ["passed", "failed", "skipped"] as const) totals[key] += counts[key];
  summary.push(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (why !== null) summary.push(`  skipped: ${why}`);
}

console.log("── notebooks and whatever else needs more than Node");
add("all", run("all"), obstacle());

console.log("── browser");
const browser = chromium();
if ("path" in browser) {
  console.log(`Chromium: ${browser.path}`);
  for (const project of ["browser", "isolated"]) add(project, run(project, { CHROMIUM: browser.path }));
} else {
  const files = globSync("tests/all/browser/**/*.test.ts", { cwd: root });
  console.log(`The tests in a browser are skipped: ${browser.why}.`);
  add("browser (files)", { passed: 0, failed: 0, skipped: files.length }, browser.why);
}

console.log(["\n── summary", ...summary].join("\n"));
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;
