/** The entry for apps that have to be small, and engines of chosen kernels. What it all weighs is measured by `npm run size`. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { expect, test } from "vitest";
import * as autodiff from "../src/autodiff.ts";
import { ConcreteArray } from "../src/core/array.ts";
import type { Engine } from "../src/core/engine.ts";
import { createJs, js } from "../src/engines/js/index.ts";
import * as kernels from "../src/engines/js/index.ts";
import * as remat from "../src/index.ts";
import { cosP } from "../src/primitives/elementwise.ts";
import { registry } from "../src/primitives/index.ts";
import { pureCalls } from "../scripts/pureCalls.ts";
import { smallApp } from "../scripts/smallApp.ts";

const ROOT = join(import.meta.dirname, "..");

/** Runs a program in a process of its own, in which nothing is imported but what it imports. */
function run(program: string): { readonly out: string; readonly error: string } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@remat/source", "--input-type=module", "--eval", program],
    {
      cwd: ROOT,
      encoding: "utf8",
    },
  );
  return { out: stdout.trim(), error: stderr };
}

const cosineBy = (engine: Engine, dtype: "float32" | "complex64"): number => {
  const x = remat.np.array([0.5], { dtype });
  if (!(x instanceof ConcreteArray)) throw new Error("not concrete");
  return Number(engine.apply(cosP, [x], [x.aval], {})[0][0]);
};

test("what the small entry has is what the package has", () => {
  const own = new Set(["item", "toJS", "report"]);
  for (const [name, value] of Object.entries(autodiff)) {
    if (!own.has(name)) expect(remat[name as keyof typeof remat], name).toBe(value);
  }
});

test("the small app runs", () => {
  expect(run(`${smallApp.replace("export const", "const")}\nconsole.log(slope);`)).toEqual({
    out: String(Math.fround(Math.cos(0.5))),
    error: "",
  });
});

test("without reports programs have no text, and errors no names; with them they have", () => {
  const program = (report: string): string => `
    import { checkpoint, checkpointPolicies, grad, jit, report, setEngine, vmap } from "remat/autodiff";
    import { js } from "remat/engines/js";
    import * as np from "remat/numpy";
    setEngine(js);
    ${report}
    const fail = jit(function f(x, y) { return x > y ? x : y; });
    try { fail(1, 2); } catch (error) { console.log(error.message.includes("depends on the argument x")); }
    try { vmap(checkpoint((x) => x, { preventCse: [true, true] }))(np.arange(3)); }
    catch (error) { console.log(error.message.includes("pytree structure error"), error.message.includes("tuple of length")); }`;
  expect(run(program("")).out).toBe("false\ntrue false");
  expect(run(program("report();")).out).toBe("true\ntrue true");
});

test("makeJaxpr prints, also in a small app", () => {
  const { out } = run(`
    import { makeJaxpr, setEngine } from "remat/autodiff";
    import { js } from "remat/engines/js";
    import * as np from "remat/numpy";
    setEngine(js);
    console.log(String(makeJaxpr((x) => np.sin(x))(0.5)));`);
  expect(out).toBe("{ lambda ; a:f32[]. let b:f32[] = sin a in (b,) }");
});

test("functions alone compute nothing, and say what is missing", () => {
  const { error } = run(`import * as np from "remat/numpy"; np.sin([0.5]);`);
  expect(error).toContain("nothing evaluates");
});

test("an engine of chosen kernels does what the whole engine does", () => {
  const some = createJs(kernels.elementwiseKernels);
  expect(cosineBy(some, "float32")).toBe(cosineBy(js, "float32"));
  expect(() => cosineBy(some, "complex64")).toThrow("Complex numbers need complexKernels");
  expect(cosineBy(createJs(kernels.complexKernels, kernels.elementwiseKernels), "complex64")).toBe(
    cosineBy(js, "complex64"),
  );
  expect(() => cosineBy(createJs(), "float32")).toThrow("asked to compute 'cos', and has no kernel for it");
});

test("every primitive has its kernel in one table", () => {
  const owners = new Map<string, string[]>();
  for (const [family, table] of Object.entries(kernels)) {
    if (!family.endsWith("Kernels")) continue;
    const rows = typeof table === "function" ? (table as typeof kernels.controlKernels)(() => undefined) : table;
    for (const name of Object.keys(rows)) owners.set(name, [...(owners.get(name) ?? []), family]);
  }
  for (const { name } of registry) expect(owners.get(name), name).toHaveLength(1);
});

/** What a module does when it is evaluated, beside declaring. */
function effects(path: string): string[] {
  const file = ts.createSourceFile(path, readFileSync(join(ROOT, path), "utf8"), ts.ScriptTarget.Latest);
  const isDeclaration = (s: ts.Statement): boolean =>
    ts.isImportDeclaration(s) ||
    ts.isExportDeclaration(s) ||
    ts.isInterfaceDeclaration(s) ||
    ts.isTypeAliasDeclaration(s) ||
    ts.isFunctionDeclaration(s) ||
    ts.isClassDeclaration(s) ||
    ts.isVariableStatement(s) ||
    (ts.isModuleDeclaration(s) && (s.modifiers ?? []).some((m) => m.kind === ts.SyntaxKind.DeclareKeyword));
  return file.statements.filter((s) => !isDeclaration(s)).map((s) => s.getText(file));
}

test("the modules whose evaluation is their purpose are those that package.json names", () => {
  const { sideEffects } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { sideEffects: string[] };
  const found = globSync("src/**/*.ts", { cwd: ROOT }).filter((path) => effects(path).length > 0);
  const named = sideEffects.filter((path) => path.startsWith("./src/")).map((path) => path.slice(2));
  expect(found.map((path) => path.replaceAll("\\", "/")).sort()).toEqual(named.sort());
  // In the few files for Node the modules are no longer apart.
  expect(sideEffects.filter((path) => path.startsWith("./dist/")).sort()).toEqual(
    [...named.map((path) => `./${path.replace(/^src/, "dist").replace(/ts$/, "js")}`), "./dist/node/**"].sort(),
  );
});

test("calls at the top of modules are marked as pure, and nothing else is", () => {
  const { outputText } = ts.transpileModule(
    `
    export const a = f(g(1), () => h(2));
    export const b = new Map([[1, f(1)]]), c = [1];
    export const d = { ...a, e: f(1) };
    export function later() { const x = f(1); return x; }
    f(3);`,
    {
      compilerOptions: { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
      transformers: { before: [pureCalls] },
    },
  );
  expect(outputText).toMatchInlineSnapshot(`
    "export const a = /*@__PURE__*/ f(/*@__PURE__*/ g(1), () => h(2));
    export const b = /*@__PURE__*/ new Map([[1, /*@__PURE__*/ f(1)]]), c = [1];
    export const d = /*@__PURE__*/ (() => {
        return ({ ...a, e: f(1) });
    })();
    export function later() { const x = f(1); return x; }
    f(3);
    "
  `);
});
