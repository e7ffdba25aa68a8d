/**
 * `dist/node`: the built library for Node in few files. Opening and resolving some hundred files takes Node longer than running them, and so do
 * the fifty pieces into which a bundler cuts what a dozen entries share. So all modules that do nothing when they are loaded stand in one file, `all.js`; the
 * entries, and the few modules that register something, take what they use from there. `worker.js` is whole by itself and lies beside it, where
 * `planAsync` looks for it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type BuildOptions, type Plugin } from "esbuild";

/** Stand for the path of `all.js`, and before those of other files, until it is known from where they are imported. */
const ALL = "remat-all";
const FILE = "remat-file:";

const options = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2024",
  packages: "external",
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
} as const satisfies BuildOptions;

export interface NodeBundle {
  /** The built library. */
  readonly dist: string;
  /** The files that the package exports, below `dist`. */
  readonly entries: readonly string[];
  /** Files below `dist` that do something when they are loaded. */
  readonly effects: readonly string[];
}

export async function bundleForNode({ dist, entries, effects }: NodeBundle): Promise<void> {
  const outdir = join(dist, "node");
  const { metafile } = await build({ ...options, entryPoints: [...entries], outdir, write: false, metafile: true });
  const imports = new Map(
    Object.entries(metafile.inputs).map(([file, input]) => [
      resolve(file),
      input.imports.filter((i) => i.external !== true).map((i) => resolve(i.path)),
    ]),
  );
  const outer = new Set(effects);
  for (let before = -1; before < outer.size;) {
    before = outer.size;
    for (const [file, imported] of imports) if (imported.some((f) => outer.has(f))) outer.add(file);
  }
  /** Of all others, those that these import: what they are made of needs no name in `all.js`. */
  const named = new Set(
    [...entries, ...[...outer].flatMap((file) => imports.get(file) ?? [])].filter((f) => !outer.has(f)),
  );
  const nameOf = new Map([...named].map((file, i) => [file, `m${String(i)}`]));

  const text = [...nameOf].map(([file, name]) => `export * as ${name} from ${JSON.stringify(file)};`).join("\n");
  await build({ ...options, stdin: { contents: text, resolveDir: dist }, outfile: join(outdir, "all.js") });

  const fromAll: Plugin = {
    name: "all",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^remat-all$/ }, () => ({ path: ALL, external: true }));
      onResolve({ filter: /^[./]|^[A-Z]:/i }, ({ path, resolveDir, kind }) => {
        const file = resolve(resolveDir, path);
        if (nameOf.has(file)) return { path: file, namespace: ALL };
        return kind === "entry-point" ? undefined : { path: `${FILE}${file}`, external: true };
      });
      onLoad({ filter: /.*/, namespace: ALL }, async ({ path }) => {
        const name = nameOf.get(path) as string;
        const names = Object.keys((await import(pathToFileURL(path).href)) as object);
        return { contents: `import { ${name} } from "${ALL}";\nexport const { ${names.join(", ")} } = ${name};` };
      });
    },
  };
  const { outputFiles } = await build({
    ...options,
    entryPoints: [...new Set([...entries, ...outer])].filter((file) => imports.has(file)),
    ...{ outdir, outbase: dist, plugins: [fromAll], write: false },
  });
  for (const { path, text: code } of outputFiles) {
    const to = (file: string): string => {
      const place = relative(dirname(path), file).replaceAll("\\", "/");
      return JSON.stringify(place.startsWith(".") ? place : `./${place}`);
    };
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      code
        .replaceAll(JSON.stringify(ALL), to(join(outdir, "all.js")))
        .replaceAll(/"remat-file:([^"]+)"/g, (_, file: string) => to(join(outdir, relative(dist, file)))),
    );
  }
  await build({ ...options, entryPoints: [join(dist, "plan/worker.js")], outfile: join(outdir, "worker.js") });
}
