/**
 * Compares the public names of JAX with ours and writes `docs/compatibility.md`: for every name of `jax.numpy`, `jax.lax` and so on, whether there
 * is one here, and what is special about it. What is there is seen in the modules themselves; what is restricted, written in another way, or has
 * no meaning in TypeScript is said in `scripts/compatibility-notes.json`. JAX's names are in `docs/jax-names.json` (`scripts/compatibility.py`).
 *
 *     node --conditions=@remat/source scripts/compatibility.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lax from "../src/lax/index.ts";
import * as nn from "../src/nn/index.ts";
import * as np from "../src/numpy/index.ts";
import { registry } from "../src/primitives/index.ts";
import * as random from "../src/random/index.ts";

const root = join(import.meta.dirname, "..");
const readJson = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), "utf8")) as T;

interface JaxNames {
  readonly jax: string;
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The names of primitives in jaxprs, by where they are found. */
  readonly primitives: Readonly<Record<string, string>>;
}

/** There; there with restrictions; the same in another way; not there; without a meaning here. */
type State = "yes" | "partly" | "elsewhere" | "missing" | "none";

interface Note {
  readonly state: State;
  readonly note: string;
  readonly module: string;
  readonly names: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly ours: string | null;
  readonly state: State;
  readonly note: string;
}

type Names = Readonly<Record<string, unknown>>;

const within = (module: object, name: string): Names => ((module as Names)[name] ?? {}) as Names;

const modules: Readonly<Record<string, Names>> = {
  "jax.numpy": np,
  "jax.numpy.linalg": within(np, "linalg"),
  "jax.numpy.fft": within(np, "fft"),
  "jax.lax": lax,
  "jax.lax.linalg": within(lax, "linalg"),
  "jax.nn": nn,
  "jax.nn.initializers": within(nn, "initializers"),
  "jax.random": random,
};

const camelCase = (name: string): string =>
  name.replaceAll(/(?<=.)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const words: Readonly<Record<State, string>> = {
  yes: "yes",
  partly: "partly",
  elsewhere: "in another way",
  missing: "no",
  none: "no meaning",
};

function entriesOf(module: string, names: readonly string[], has: (name: string) => string | null): readonly Entry[] {
  const notes = new Map<string, Note>();
  for (const note of readJson<readonly Note[]>("scripts/compatibility-notes.json")) {
    if (note.module === module) for (const name of note.names) notes.set(name, note);
  }
  for (const name of notes.keys()) {
    if (!names.includes(name)) throw new Error(`scripts/compatibility-notes.json: ${module} has no name ${name}.`);
  }
  return names.map((name) => {
    const ours = has(name);
    const note = notes.get(name);
    // a note that a name is missing is out of date once the name is there
    if (ours !== null && note?.state !== "partly") return { name, ours, state: "yes", note: "" };
    if (ours !== null) return { name, ours, state: "partly", note: note!.note };
    return {
      name,
      ours,
      state: note === undefined || note.state === "partly" ? "missing" : note.state,
      note: note?.note ?? "",
    };
  });
}

const percent = (part: number, whole: number): string => (whole === 0 ? "" : `${((100 * part) / whole).toFixed(1)} %`);

function countsOf(entries: readonly Entry[]): string[] {
  const count = (state: State): number => entries.filter((entry) => entry.state === state).length;
  const there = count("yes") + count("partly");
  return [
    String(entries.length),
    ...(["yes", "partly", "missing", "elsewhere", "none"] as const).map((state) => String(count(state))),
    percent(there, there + count("missing")),
    percent(there, entries.length),
  ];
}

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const code = (text: string): string => `\`${text}\``;

function table(entries: readonly Entry[]): string[] {
  return [
    row(["JAX", "here", "state", "note"]),
    row(["---", "---", "---", "---"]),
    ...entries.map(({ name, ours, state, note }) =>
      row([code(name), ours === null ? "" : code(ours), words[state], note]),
    ),
  ];
}

/** The text of `docs/compatibility.md`. */
export function compatibilityDocument(): string {
  const jax = readJson<JaxNames>("docs/jax-names.json");
  const sections = new Map<string, readonly Entry[]>();
  for (const [module, names] of Object.entries(jax.names)) {
    const ours = modules[module];
    sections.set(
      module,
      entriesOf(module, names, (name) => [camelCase(name), name].find((candidate) => candidate in ours) ?? null),
    );
  }
  const known = new Set(registry.map((primitive) => primitive.name));
  const primitives = [...new Set(Object.values(jax.primitives))].sort();
  sections.set(
    "primitives",
    entriesOf("primitives", primitives, (name) => (known.has(name) ? name : null)),
  );
  return [
    "# What there is of JAX",
    "",
    `The public names of JAX ${jax.jax}, without modules and deprecated names, and what stands for each of them here. Names are JAX's in camelCase.`,
    "This file is made by `npm run compatibility`, from the modules themselves; a test fails if it is out of date.",
    "",
    "- **yes**: the name is exported here, with JAX's arguments, promotion and programs, as far as the tests and the golden cases see.",
    "- **partly**: it is there; the note says what is not.",
    "- **no**: it could be here, and is not.",
    "- **in another way**: what it is for is done in the way that the note says.",
    "- **no meaning**: it concerns Python, several devices, or hardware; the note says which.",
    "",
    "The first share counts the names that are there, wholly or partly, among those that are or could be: names that are written in another way or",
    "have no meaning are not counted on either side. The second share counts them as not there.",
    "",
    row(["module", "names", "yes", "partly", "no", "in another way", "no meaning", "share", "share of all names"]),
    row(["---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:"]),
    ...[...sections].map(([module, entries]) => row([module, ...countsOf(entries)])),
    row(["all", ...countsOf([...sections.values()].flat())]),
    ...[...sections].flatMap(([module, entries]) => ["", `## ${module}`, "", ...table(entries)]),
    "",
  ].join("\n");
}

if (import.meta.main) writeFileSync(join(root, "docs", "compatibility.md"), compatibilityDocument());
