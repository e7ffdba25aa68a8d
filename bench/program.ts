/**
 * The programs of the benchmarks as plain JavaScript in one file each, under `.cache/bench`. Node would otherwise take the types out of each file when a process starts, which
 * takes longer than what some of the figures are about.
 */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";

const FOLDER = join(import.meta.dirname, "../.cache/bench");

/** Bundles a TypeScript program; `import.meta.dirname` stays the folder of each source file. Gives the path of the bundle. */
export async function programOf(file: string): Promise<string> {
  const outfile = join(FOLDER, `${basename(file, ".ts")}.mjs`);
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2024",
    packages: "external",
    plugins: [
      {
        name: "folders",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, "utf8").replaceAll("import.meta.dirname", JSON.stringify(dirname(path))),
            loader: "ts",
          }));
        },
      },
    ],
  });
  return outfile;
}
