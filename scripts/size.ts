/**
 * How large the library is in a bundle: every entry of the package as a whole, and a small app in several ways. Each is made to JavaScript as `dist` is,
 * bundled and minified by esbuild, and compressed by gzip. `scripts/size-budgets.json` holds what each may take at most:
 *
 *     node scripts/size.ts [--record] [--why ENTRY]
 *
 * `--record` writes budgets anew, 10 % above the sizes of now, but for those that are promised: they never grow. `--why` lists what an entry is made of.
 */
import { build, type Plugin } from "esbuild";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import ts from "typescript";
import { pureCalls } from "./pureCalls.ts";
import { smallApp, smallAppLimit } from "./smallApp.ts";

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
/** The derivative of a function that is one equation. */
const sine = `grad(checkpoint((x) => np.sin(x)))(0.5)`;
const small = "app: autodiff, numpy and chosen kernels";
programs.set("app: np of the package", `import { checkpoint, grad, np } from "remat"; console.log(${sine});`);
programs.set(
  "app: np of its own entry",
  `import { checkpoint, grad } from "remat"; import * as np from "remat/numpy"; console.log(${sine});`,
);
programs.set(
  "app: autodiff, numpy and the js engine",
  `import { checkpoint, grad, setEngine } from "remat/autodiff"; import { js } from "remat/engines/js"; import * as np from "remat/numpy";
   setEngine(js); console.log(${sine});`,
);
programs.set(small, smallApp);

/** Budgets that are promises: bytes which no later version may exceed. */
const promised: Readonly<Record<string, number>> = { [small]: smallAppLimit };

const outputs = new Map<string, string>();

/** The JavaScript of a source file, as in `dist`. */
function javascriptOf(path: string): string {
  let output = outputs.get(path);
  if (output === undefined) {
    output = ts.transpileModule(readFileSync(path, "utf8"), {
      fileName: path,
      compilerOptions: {
        target: ts.ScriptTarget.ES2024,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
      },
      transformers: { before: [pureCalls] },
    }).outputText;
    outputs.set(path, output);
  }
  return output;
}

const source: Plugin = {
  name: "source",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({ contents: javascriptOf(path), loader: "js" }));
  },
};

interface Size {
  readonly code: string;
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
    // Loaded when a picture is asked for, by who has installed it.
    external: ["node:*", "@observablehq/plot"],
    plugins: [source],
    write: false,
    metafile: true,
    logLevel: "error",
  });
  if (warnings.length > 0) throw new Error(warnings.map((warning) => warning.text).join("\n"));
  const inputs = Object.values(metafile.outputs)[0].inputs;
  const parts = Object.entries(inputs).map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const);
  return {
    code: outputFiles[0].text,
    gzip: gzipSync(outputFiles[0].contents, { level: 9 }).length,
    parts: parts.sort((a, b) => b[1] - a[1]),
  };
}

/** The small app is worth its size only if it works. */
async function requireSlope(code: string): Promise<void> {
  const { slope } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { slope: unknown };
  if (slope !== Math.fround(Math.cos(0.5))) throw new Error(`the small app says ${String(slope)}`);
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
    const { gzip, code } = await measure(contents);
    if (name === small) await requireSlope(code);
    next[name] = promised[name] ?? Math.ceil((gzip * 1.1) / 100) * 100;
    const budget = promised[name] ?? budgets[name];
    const ok = (options.record && promised[name] === undefined) || (budget !== undefined && gzip <= budget);
    if (!ok) failed++;
    const limit = budget === undefined ? "no budget" : `of ${kB(budget)}`;
    console.log(
      `${ok ? "ok    " : "FAILED"}  ${name.padEnd(40)} ${kB(gzip).padStart(9)} gzip ${options.record ? "" : limit}`,
    );
  }
  if (options.record) writeFileSync(budgetsPath, `${JSON.stringify(next, null, 2)}\n`);
  else if (failed > 0) {
    console.log("Smaller is better; if it has to be larger, record new budgets: node scripts/size.ts --record");
    process.exitCode = 1;
  }
}
