/**
 * Builds `dist`: what `tsc -p tsconfig.build.json` makes, with the calls at the top of modules marked as pure (`pureCalls.ts`), so that bundlers can leave
 * out what an app doesn't use; and `dist/node`, the same in a few files.
 * `node scripts/build.ts`
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { bundleForNode } from "./nodeBundle.ts";
import { pureCalls } from "./pureCalls.ts";

const root = join(import.meta.dirname, "..");
rmSync(join(root, "dist"), { recursive: true, force: true });

const host: ts.ParseConfigFileHost = {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic(diagnostic) {
    throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
  },
};
const config = ts.getParsedCommandLineOfConfigFile(join(root, "tsconfig.build.json"), {}, host);
if (config === undefined) throw new Error("tsconfig.build.json cannot be read");

const program = ts.createProgram(config.fileNames, config.options);
const emitted = program.emit(undefined, undefined, undefined, false, { before: [pureCalls] });
const diagnostics = [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics];
if (diagnostics.length > 0) {
  console.error(
    ts.formatDiagnostics(diagnostics, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => "\n",
    }),
  );
  process.exitCode = 1;
} else {
  const { exports, sideEffects } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
    readonly sideEffects: readonly string[];
  };
  await bundleForNode({
    dist: join(root, "dist"),
    entries: Object.values(exports).flatMap((e) => (typeof e === "string" ? [] : [join(root, e.default)])),
    effects: sideEffects.filter((file) => /^\.\/dist\/[^*]+$/.test(file)).map((file) => join(root, file)),
  });
}
