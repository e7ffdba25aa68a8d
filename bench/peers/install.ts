/**
 * Where the libraries that this one is compared with are: those of npm, pinned in `package.json` beside this file, are installed on the first run
 * into `.cache/peers` (out of git, and out of what the lock knows); those of Python are used where a Python has them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const PINS = join(import.meta.dirname, "package.json");
const FOLDER = join(import.meta.dirname, "../../.cache/peers");

/** The path of a file of an installed package. */
export const installedPath = (file: string): string => join(FOLDER, "node_modules", file);

/** Imports a file of an installed package; `T` is what the caller uses of it. */
export const load = async <T>(file: string): Promise<T> => (await import(pathToFileURL(installedPath(file)).href)) as T;

/** Installs what is not there; gives the reason why that failed, or undefined. */
export function installPeers(): string | undefined {
  const pins = readFileSync(PINS, "utf8");
  const stamp = join(FOLDER, "installed.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === pins) return undefined;
  console.log("installing the libraries to compare with into .cache/peers ...");
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), pins);
  // npm hands the place of the project on to what it runs; there the packages don't belong
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?:config_local|package)_/.test(name)),
  );
  const npm = process.env.npm_execpath;
  const args = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", FOLDER];
  const { status, stderr, error } = spawnSync(
    npm === undefined ? "npm" : process.execPath,
    npm === undefined ? args : [npm, ...args],
    { cwd: FOLDER, env, encoding: "utf8" },
  );
  if (status !== 0)
    return `npm could not install it: ${(error?.message ?? stderr).trim().split("\n").slice(-2).join(" ")}`;
  writeFileSync(stamp, pins);
  return undefined;
}

/** The pinned version of a package of npm. */
export const pinned = (name: string): string =>
  (JSON.parse(readFileSync(PINS, "utf8")) as { readonly dependencies: Readonly<Record<string, string>> }).dependencies[
    name
  ];

/** The first Python that has a module, and the module's version; the Pythons are those of `REMAT_BENCH_PYTHON` (paths, separated as in PATH) and python3. */
export function pythonWith(module: string): { readonly python: string; readonly version: string } | undefined {
  const pythons = [...(process.env.REMAT_BENCH_PYTHON ?? "").split(delimiter).filter((path) => path !== ""), "python3"];
  for (const python of pythons) {
    const { status, stdout } = spawnSync(python, ["-c", `import ${module}; print(${module}.__version__)`], {
      encoding: "utf8",
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  return undefined;
}
