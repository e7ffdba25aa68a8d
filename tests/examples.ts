/**
 * The examples of the documentation as programs. Two kinds are found: `@example` blocks of doc comments, which may use the public names and
 * what their own file exports without importing it, and blocks of TypeScript in Markdown, where a block with an import of its own begins a
 * program and a block without one goes on with the program above it.
 *
 * A comment behind a statement that is JSON (`// [1, 0.5403]`, `// 5, [2, 4]`) is what its value must be.
 */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import ts from "typescript";

export interface Example {
  /** `file:line` of the beginning. */
  readonly name: string;
  /** A module: as it stands, with imports. */
  readonly text: string;
  /** For each line of `text` the place in the documentation, or null for what was added. */
  readonly places: readonly (string | null)[];
  /** What the program must print, if the documentation shows it. */
  readonly output: string | null;
}

export const ROOT: string = join(import.meta.dirname, "..");
const INDEX = join(ROOT, "src", "index.ts");

const relativeImport = (folder: string, file: string): string => {
  const path = relative(folder, file).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
};

/** The names that a source file exports; true for those that are types alone. */
export function exportedNames(program: ts.Program, file: string): ReadonlyMap<string, boolean> {
  const checker = program.getTypeChecker();
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(file)!);
  const names = new Map<string, boolean>();
  for (const exported of symbol === undefined ? [] : checker.getExportsOfModule(symbol)) {
    const target = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const isType = (target.flags & (ts.SymbolFlags.Value | ts.SymbolFlags.Namespace)) === 0;
    names.set(exported.name, isType);
  }
  return names;
}

/** The `@example` blocks of a file. `folder` is where the modules will stand. */
export function examplesOfSource(file: string, folder: string, program: ts.Program): Example[] {
  const text = readFileSync(file, "utf8");
  const examples: Example[] = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const first = text.slice(0, comment.index).split("\n").length;
    const inner = comment[0].replace(/^\/\*+ ?/, "").replace(/\s*\*\/$/, "");
    const lines = inner.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
    for (let i = 0; i < lines.length; i++) {
      const begin = /^@example\b ?(.*)$/.exec(lines[i]);
      if (begin === null) continue;
      let end = i + 1;
      while (end < lines.length && !/^@\w/.test(lines[end])) end++;
      const body = [begin[1], ...lines.slice(i + 1, end)].map((line) => (/^```/.test(line) ? "" : line));
      const places = body.map((_, k) => `${relative(ROOT, file).replaceAll("\\", "/")}:${first + i + k}`);
      const head = importsFor(body.join("\n"), file, folder, program);
      const name = places[body[0] === "" ? Math.min(1, body.length - 1) : 0];
      examples.push({
        name,
        text: [...head, ...body].join("\n"),
        places: [...head.map(() => null), ...places],
        output: null,
      });
    }
  }
  return examples;
}

/** Imports of the public names, and of those of the file itself, that a text uses and doesn't declare. */
function importsFor(body: string, file: string, folder: string, program: ts.Program): string[] {
  const source = ts.createSourceFile("example.ts", body, ts.ScriptTarget.Latest, true);
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node))
      used.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.name !== undefined) declared.add(statement.name.text);
    if (ts.isImportDeclaration(statement)) declared.add("*");
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations)
        for (const bound of boundNames(name)) declared.add(bound);
    }
  }
  if (declared.has("*")) return [];
  const lines: string[] = [];
  const taken = new Set(declared);
  for (const from of [INDEX, file]) {
    const wanted = [...exportedNames(program, from)].filter(([name]) => used.has(name) && !taken.has(name));
    for (const [name] of wanted) taken.add(name);
    if (wanted.length === 0) continue;
    const list = wanted.map(([name, isType]) => (isType ? `type ${name}` : name)).join(", ");
    lines.push(`import { ${list} } from ${JSON.stringify(relativeImport(folder, from))};`);
  }
  for (const [name, entry] of entries()) {
    if (!used.has(name) || taken.has(name)) continue;
    lines.push(`import * as ${name} from ${JSON.stringify(relativeImport(folder, entry))};`);
  }
  // Types are what the example must have, and so must the default engine.
  return [`import ${JSON.stringify(relativeImport(folder, INDEX))};`, ...lines];
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((e) => (ts.isBindingElement(e) ? boundNames(e.name) : []));
}

/** The programs of a Markdown file. A block of ```` ```text ```` right behind a program's last block is what that block prints. */
export function examplesOfMarkdown(file: string, folder: string): Example[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const name = relative(ROOT, file).replaceAll("\\", "/") || basename(file);
  const blocks: { readonly first: number; readonly lines: readonly string[]; readonly output: string | null }[] = [];
  for (let i = 0; i < lines.length; i++) {
    if (!/^```(?:ts|typescript)\s*$/.test(lines[i])) continue;
    const end = lines.indexOf("```", i + 1);
    let next = end + 1;
    while (next < lines.length && lines[next].trim() === "") next++;
    const shown = /^```text\s*$/.test(lines[next] ?? "")
      ? lines.slice(next + 1, lines.indexOf("```", next + 1)).join("\n")
      : null;
    blocks.push({ first: i + 1, lines: lines.slice(i + 1, end), output: shown });
    i = end;
  }
  const programs: (typeof blocks)[] = [];
  for (const block of blocks) {
    if (programs.length === 0 || block.lines.some((line) => /^import\b/.test(line))) programs.push([block]);
    else programs.at(-1)!.push(block);
  }
  return programs.map((blocks) => {
    const text: string[] = [`import ${JSON.stringify(relativeImport(folder, INDEX))};`];
    const places: (string | null)[] = [null];
    const add = (line: string, place: string | null): void => {
      text.push(line);
      places.push(place);
    };
    // Each block may declare again what one above it declared.
    blocks.forEach((block, b) => {
      if (b > 0) add("{", null);
      if (blocks.some((any) => any.output !== null)) add(`console.log("\\u0000begin ${b}");`, null);
      block.lines.forEach((line, k) => add(publicImport(line, folder), `${name}:${block.first + 1 + k}`));
    });
    for (let b = 1; b < blocks.length; b++) add("}", null);
    const outputs = blocks.some((block) => block.output !== null)
      ? JSON.stringify(blocks.map((block) => block.output))
      : null;
    return { name: `${name}:${blocks[0].first + 1}`, text: text.join("\n"), places, output: outputs };
  });
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly name: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
};

/** The entries of the package by the last part of their names. */
const entries = (): [name: string, file: string][] =>
  Object.entries(manifest.exports).flatMap(([entry, target]) =>
    typeof target === "object" && entry !== "." ? [[basename(entry), join(ROOT, target["@remat/source"])]] : [],
  );

/** Imports of the package become imports of its source. */
function publicImport(line: string, folder: string): string {
  return line.replace(/(from |^import )"([^"]+)"/, (whole, before: string, specifier: string) => {
    if (specifier !== manifest.name && !specifier.startsWith(`${manifest.name}/`)) return whole;
    const entry = manifest.exports[`.${specifier.slice(manifest.name.length)}`];
    if (typeof entry !== "object") throw new Error(`the package has no ${specifier}`);
    return `${before}${JSON.stringify(relativeImport(folder, join(ROOT, entry["@remat/source"])))}`;
  });
}

/** The module with checks: a statement with a JSON comment behind it hands its value and the comment to `globalThis.checkExample`. */
export function withChecks(example: Example): string {
  const source = ts.createSourceFile("example.ts", example.text, ts.ScriptTarget.Latest, true);
  const edits: { readonly at: number; readonly text: string }[] = [];
  const visit = (node: ts.Node): void => {
    const value = valueOf(node);
    if (value !== null) {
      const comment = ts.getTrailingCommentRanges(example.text, node.end)?.[0];
      const wanted =
        comment === undefined ? null : json(example.text.slice(comment.pos, comment.end).replace(/^\/\/\s*/, ""));
      if (wanted !== null) {
        edits.push({ at: value.getStart(), text: "globalThis.checkExample(" }, { at: value.end, text: `, ${wanted})` });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let text = example.text;
  for (const { at, text: added } of edits.sort((a, b) => b.at - a.at))
    text = text.slice(0, at) + added + text.slice(at);
  return `// @ts-nocheck\n${text}\nexport {};\n`;
}

function valueOf(node: ts.Node): ts.Expression | null {
  if (ts.isExpressionStatement(node)) return node.expression;
  if (ts.isVariableStatement(node) && node.declarationList.declarations.length === 1) {
    return node.declarationList.declarations[0].initializer ?? null;
  }
  return null;
}

/** The text if it is JSON, or the list that it is without brackets. */
function json(text: string): string | null {
  for (const candidate of [text, `[${text}]`]) {
    try {
      JSON.parse(candidate);
      return candidate;
    } catch {
      // prose
    }
  }
  return null;
}

/** What TypeScript says about modules in `folder` that exist in memory only, by module. */
export function typeErrors(
  modules: ReadonlyMap<string, Example>,
  options: ts.CompilerOptions,
): ReadonlyMap<string, readonly string[]> {
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  const folders = new Set([...modules.keys()].map((file) => dirname(file)));
  host.fileExists = (file) => modules.has(file) || fileExists.call(host, file);
  host.readFile = (file) => modules.get(file)?.text ?? readFile.call(host, file);
  host.directoryExists = (folder) => folders.has(folder) || ts.sys.directoryExists(folder);
  host.getSourceFile = (file, version, ...rest) => {
    const example = modules.get(file);
    if (example === undefined) return getSourceFile.call(host, file, version, ...rest);
    return ts.createSourceFile(file, `${example.text}\nexport {};\n`, version, true);
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  const errors = new Map<string, string[]>();
  for (const [file, example] of modules) {
    const source = program.getSourceFile(file)!;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    errors.set(
      file,
      found.map((error) => {
        const line = source.getLineAndCharacterOfPosition(error.start ?? 0).line;
        return `${example.places[line] ?? example.name}: ${ts.flattenDiagnosticMessageText(error.messageText, "\n")}`;
      }),
    );
  }
  return errors;
}

/** The options of the project's tsconfig.json, and a program of its public names. */
export function project(): { readonly options: ts.CompilerOptions; readonly program: ts.Program } {
  const config = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  return {
    options,
    program: ts.createProgram(
      [INDEX, ...globSync("src/**/*.ts", { cwd: ROOT }).map((file) => join(ROOT, file))],
      options,
    ),
  };
}
