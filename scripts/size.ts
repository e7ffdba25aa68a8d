/**
 * How large the library is in a bundle: every entry of the package as a whole, and a small app in three ways. Each is bundled and minified by esbuild, and
 * compressed by gzip. `scripts/size-budgets.json` holds what each may take at most:
 *
 *     node scripts/size.ts [--record] [--why ENTRY]
 *
 * `--record` writes budgets anew, 10 % above the sizes of now; `--why` lists what an entry is made of.
 */
import { build } from "esbuild";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");
const budgetsPath = join(root, "scripts", "size-budgets.json");

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
}
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;

/** What is measured, by name: the source of a bundle. */
const programs = new Map<string, string>();
for (const [entry, target] of Object.entries(manifest.exports)) {
  if (typeof target === "object") programs.set(entry, `export * from ${JSON.stringify(target["@remat/source"])};`);
}
programs.set(
  "app: np of the package",
  `import { checkpoint, grad, np } from "./src/index.ts";
   console.log(grad(checkpoint((x) => np.sin(x)))(0.5));`,
);
programs.set(
  "app: np of its own entry",
  `import { checkpoint, grad } from "./src/index.ts";
   import * as np from "./src/numpy/index.ts";
   console.log(grad(checkpoint((x) => np.sin(x)))(0.5));`,
);
programs.set(
  "app without an engine",
  `import { grad } from "./src/api/reverse.ts";
   import { checkpoint } from "./src/checkpoint.ts";
   import * as np from "./src/numpy/index.ts";
   console.log(grad(checkpoint((x) => np.sin(x)))(0.5));`,
);

interface Size {
  readonly gzip: number;
  /** Minified bytes by source file, the largest first. */
  readonly parts: readonly (readonly [file: string, bytes: number])[];
}

async function measure(contents: string): Promise<Size> {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["@remat/source"],
    external: ["node:*"],
    write: false,
    metafile: true,
    logLevel: "error",
  });
  if (warnings.length > 0) throw new Error(warnings.map((warning) => warning.text).join("\n"));
  const inputs = Object.values(metafile.outputs)[0].inputs;
  const parts = Object.entries(inputs).map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const);
  return { gzip: gzipSync(outputFiles[0].contents, { level: 9 }).length, parts: parts.sort((a, b) => b[1] - a[1]) };
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const { values: options } = parseArgs({
  options: { record: { type: "boolean", default: false }, why: { type: "string" } },
});

if (options.why !== undefined) {
  const program = programs.get(options.why);
  if (program === undefined)
    throw new Error(`nothing is called ${options.why}; there are ${[...programs.keys()].join(", ")}`);
  const { gzip, parts } = await measure(program);
  const folders = new Map<string, number>();
  for (const [file, bytes] of parts) {
    const folder = file.split("/").slice(0, -1).join("/");
    folders.set(folder, (folders.get(folder) ?? 0) + bytes);
  }
  console.log(`${options.why}: ${kB(gzip)} gzip; minified, by folder and by file:`);
  for (const [folder, bytes] of [...folders].sort((a, b) => b[1] - a[1]))
    console.log(`${kB(bytes).padStart(10)}  ${folder}/`);
  console.log("");
  for (const [file, bytes] of parts.slice(0, 40)) console.log(`${kB(bytes).padStart(10)}  ${file}`);
} else {
  const budgets = existsSync(budgetsPath)
    ? (JSON.parse(readFileSync(budgetsPath, "utf8")) as Record<string, number>)
    : {};
  const next: Record<string, number> = {};
  let failed = 0;
  for (const [name, contents] of programs) {
    const { gzip } = await measure(contents);
    next[name] = Math.ceil((gzip * 1.1) / 100) * 100;
    const budget = budgets[name];
    const ok = options.record || (budget !== undefined && gzip <= budget);
    if (!ok) failed++;
    const limit = budget === undefined ? "no budget" : `of ${kB(budget)}`;
    console.log(
      `${ok ? "ok    " : "FAILED"}  ${name.padEnd(32)} ${kB(gzip).padStart(9)} gzip ${options.record ? "" : limit}`,
    );
  }
  if (options.record) writeFileSync(budgetsPath, `${JSON.stringify(next, null, 2)}\n`);
  else if (failed > 0) {
    console.log("Smaller is better; if it has to be larger, record new budgets: node scripts/size.ts --record");
    process.exitCode = 1;
  }
}
