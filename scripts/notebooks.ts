/**
 * Runs the notebooks of `notebooks/` on Deno's Jupyter kernel and writes their outputs into them:
 *
 *     node scripts/notebooks.ts [NAME.ipynb ...]
 *
 * What this needs is installed on demand: a Python environment with nbclient in `.cache/`, Deno in `notebooks/node_modules`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "notebooks");
const ENVIRONMENT = join(ROOT, ".cache", "notebooks");
const REQUIREMENTS = ["nbclient==0.11.0", "nbformat==5.11.1"];
const windows = process.platform === "win32";

export interface Output {
  readonly output_type: "stream" | "execute_result" | "display_data" | "error";
  readonly name?: string;
  readonly text?: string | readonly string[];
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
  readonly evalue?: string;
}

export interface Cell {
  readonly id: string;
  readonly cell_type: "code" | "markdown";
  readonly source: string | readonly string[];
  readonly outputs?: readonly Output[];
}

export interface Notebook {
  readonly cells: readonly Cell[];
}

/** The names of the notebooks. */
export const notebooks = (): string[] => readdirSync(FOLDER).filter((name) => name.endsWith(".ipynb"));

export const readNotebook = (name: string): Notebook =>
  JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Notebook;

/** Multi-line strings of the notebook format as one string. */
export const joined = (text: string | readonly string[] | undefined): string =>
  text === undefined ? "" : typeof text === "string" ? text : text.join("");

/** Why notebooks can't be run here, or null if they can. Installs what they need. */
export function obstacle(): string | null {
  if (python() === null) return "there is no Python 3 (python3 or python) to run Jupyter's client";
  try {
    environment();
    return null;
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split("\n");
    return `what notebooks need can't be installed: ${lines[0]} ${lines.at(-1)}`;
  }
}

function python(): string | null {
  const works = (command: string): boolean =>
    spawnSync(command, ["-c", "import sys, venv; sys.exit(sys.version_info < (3, 9))"]).status === 0;
  return ["python3", "python"].find(works) ?? null;
}

function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    encoding: "utf8",
    shell: windows && command === "npm",
  });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(" ")} failed (${status ?? error?.message}):\n${stdout}\n${stderr}`);
}

/** The Python of an environment that has nbclient and knows of the kernel. */
function environment(): string {
  const bin = join(ENVIRONMENT, windows ? "Scripts/python.exe" : "bin/python");
  const stamp = join(ENVIRONMENT, "requirements.txt");
  const wanted = REQUIREMENTS.join("\n");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    run(python()!, ["-m", "venv", ENVIRONMENT]);
    run(bin, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...REQUIREMENTS]);
    writeFileSync(stamp, wanted);
  }
  const kernel = join(ENVIRONMENT, "share", "jupyter", "kernels", "deno");
  mkdirSync(kernel, { recursive: true });
  const spec = {
    argv: [deno(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
  };
  writeFileSync(join(kernel, "kernel.json"), JSON.stringify(spec));
  return bin;
}

function deno(): string {
  const package_ = join(FOLDER, "node_modules", "deno");
  const executable = join(package_, windows ? "deno.exe" : "deno");
  if (!existsSync(join(package_, "bin.cjs")))
    run("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: FOLDER });
  // The package puts its executable in place when it is first called.
  if (!existsSync(executable)) run(process.execPath, [join(package_, "bin.cjs"), "--version"]);
  return executable;
}

/** Runs a notebook of the folder and returns it with its outputs; `write` puts them into the file. Throws if a cell throws. */
export function execute(name: string, write = false): Notebook {
  const bin = environment();
  const scratch = mkdtempSync(join(tmpdir(), "notebook-"));
  try {
    const target = write ? join(FOLDER, name) : join(scratch, name);
    run(bin, [join(ROOT, "scripts", "execute_notebook.py"), join(FOLDER, name), target, FOLDER], {
      env: { DENO_DIR: join(ROOT, ".cache", "deno"), NO_COLOR: "1" },
    });
    return JSON.parse(readFileSync(target, "utf8")) as Notebook;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (import.meta.main) {
  const why = obstacle();
  if (why === null) {
    for (const name of process.argv.length > 2 ? process.argv.slice(2) : notebooks()) {
      execute(name, true);
      console.log(`${name}: executed`);
    }
  } else {
    console.error(why);
    process.exitCode = 1;
  }
}
