/**
 * Checks the package as its users get it: `exports` fits the source, publint and attw find nothing in the tarball, every
 * entry can be imported from an unpacked copy, a small app made of it stays small, and its types hold for users who check libraries and have no node
 * types.
 *
 * `node scripts/check-package.ts --fix` only writes `exports` of package.json anew from the source files there are.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { smallApp, smallAppLimit } from "./smallApp.ts";

const root = join(import.meta.dirname, "..");

/** The entries users may import, each with its source; those whose source doesn't exist (yet) are left out. */
const entries: readonly (readonly [entry: string, source: string])[] = [
  [".", "index"],
  ["./autodiff", "autodiff"],
  ["./engines/js", "engines/js/index"],
  ["./engines/wasm", "engines/wasm/index"],
  ["./engines/webgpu", "engines/webgpu/index"],
  ["./engines/xla", "engines/xla/index"],
  ["./inspect", "inspect/index"],
  ["./io", "io/index"],
  ["./lax", "lax/index"],
  ["./nn", "nn/index"],
  ["./numpy", "numpy/index"],
  ["./ops", "ops/index"],
  ["./optim", "optim/index"],
  ["./plan", "plan/index"],
  ["./random", "random/index"],
  ["./schedules", "schedules/index"],
  ["./scipy", "scipy/index"],
  ["./tree", "tree"],
];

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

const manifestPath = join(root, "package.json");
const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as Manifest;

const present = entries.filter(([, source]) => existsSync(join(root, `src/${source}.ts`)));
const exports: Record<string, unknown> = {};
for (const [entry, source] of present) {
  exports[entry] = {
    "@remat/source": `./src/${source}.ts`,
    types: `./dist/${source}.d.ts`,
    node: `./dist/node/${source}.js`,
    default: `./dist/${source}.js`,
  };
}
exports["./package.json"] = "./package.json";

if (process.argv.includes("--fix")) {
  writeFileSync(manifestPath, `${JSON.stringify({ ...manifest, exports }, null, 2)}\n`);
  process.exit();
}

/** Needs the worker's file beside the library's. */
const planningApp = `
import { grad, np, planAsync } from "remat";
const f = (x) => np.sum(np.sin(np.dot(np.sin(np.dot(np.sin(x), x)), x)));
const { peak } = await planAsync(grad(f), [np.ones([64, 64])], { memory: "200KiB" });
if (!(peak > 0 && peak <= 200 * 1024)) throw new Error(\`the plan takes \${peak} bytes\`);
`;

const problems: string[] = [];

function run(title: string, command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  console.log(`${status === 0 ? "ok    " : "FAILED"}  ${title}`);
  if (status !== 0) {
    console.log(stdout, stderr);
    problems.push(title);
  }
  return stdout;
}

if (JSON.stringify(manifest.exports) !== JSON.stringify(exports)) {
  console.log("FAILED  exports of package.json fit the source: run `node scripts/check-package.ts --fix`");
  problems.push("exports");
}

const folder = mkdtempSync(join(tmpdir(), "remat-package-"));
try {
  run("npm pack", "npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], root);
  const tarball = join(folder, `${manifest.name}-${(manifest as unknown as { version: string }).version}.tgz`);
  run("publint", "publint", ["run", tarball, "--strict"], root);
  run("attw", "attw", [tarball, "--profile", "esm-only"], root);

  const installed = join(folder, "node_modules", manifest.name);
  mkdirSync(join(folder, "node_modules"));
  run(
    "unpack",
    "tar",
    ["-xzf", `${manifest.name}-${(manifest as unknown as { version: string }).version}.tgz`],
    folder,
  );
  cpSync(join(folder, "package"), installed, { recursive: true });

  const names = present.map(([entry]) => manifest.name + entry.slice(1));
  const user = names
    .map((name, i) => `import * as m${i} from "${name}";\nexport const n${i}: object = m${i};\n`)
    .join("");
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }\n`);
  writeFileSync(join(folder, "user.ts"), user);
  run("every entry can be imported", "node", ["user.ts"], folder);
  writeFileSync(join(folder, "plans.js"), planningApp);
  run("a plan is made in a worker", "node", ["plans.js"], folder);
  writeFileSync(join(folder, "app.js"), smallApp);
  const bundle = ["app.js", "--bundle", "--minify", "--format=esm", "--target=es2024", "--outfile=bundle.js"];
  run("a small app can be bundled", "esbuild", bundle, folder);
  if (existsSync(join(folder, "bundle.js"))) {
    const bytes = gzipSync(readFileSync(join(folder, "bundle.js")), { level: 9 }).length;
    const ok = bytes <= smallAppLimit;
    console.log(`${ok ? "ok    " : "FAILED"}  its bundle takes ${bytes} of ${smallAppLimit} bytes`);
    if (!ok) problems.push("size of the small app");
    run("the bundle runs", "node", ["bundle.js"], folder);
  }
  run(
    "types hold for a user without node types",
    "node",
    [
      join(root, "node_modules/typescript/bin/tsc"),
      ...["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"],
      ...["--lib", "es2024,es2025.float16,esnext.disposable,dom", "user.ts"],
    ],
    folder,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (problems.length > 0) {
  console.log(`the package is not right: ${problems.join(", ")}`);
  process.exitCode = 1;
}
