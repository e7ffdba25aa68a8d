/** Every example of the documentation is a program that is typed and runs, and whose shown values are what it computes. */
import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { setEngine } from "../src/index.ts";
import {
  examplesOfMarkdown,
  examplesOfSource,
  project,
  ROOT,
  typeErrors,
  withChecks,
  type Example,
} from "./examples.ts";

const FOLDER = join(ROOT, ".cache", "examples");
const { options, program } = project();

const sources = globSync("src/**/*.ts", { cwd: ROOT }).sort();
const texts = ["README.md", "docs/**/*.md"].flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort());
const examples: readonly Example[] = [
  ...sources.flatMap((file) => examplesOfSource(join(ROOT, file), FOLDER, program)),
  ...texts.flatMap((file) => examplesOfMarkdown(join(ROOT, file), FOLDER)),
];
const fileOf = (example: Example): string => join(FOLDER, `${example.name.replaceAll(/[^\w.]+/g, "_")}.ts`);

/** Numbers within a few digits, arrays by their elements, and what is equal. */
function checkExample(got: unknown, wanted: unknown): unknown {
  const plain = (x: unknown): unknown => {
    if (Array.isArray(x)) return x.map(plain);
    if (typeof x === "object" && x !== null && "toJS" in x) return (x as { toJS: () => unknown }).toJS();
    return x;
  };
  const compare = (a: unknown, b: unknown): void => {
    if (Array.isArray(b)) {
      expect(a).toBeInstanceOf(Array);
      expect(a).toHaveLength(b.length);
      b.forEach((each, i) => compare((a as unknown[])[i], each));
    } else if (typeof b === "number") expect(Number(a)).toBeCloseTo(b, 4);
    else expect(a).toEqual(b);
  };
  compare(plain(got), wanted);
  return got;
}

beforeAll(() => {
  // What the documentation shows is the default engine.
  setEngine("wasm");
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  Object.assign(globalThis, { checkExample });
});
afterAll(() => {
  Reflect.deleteProperty(globalThis, "checkExample");
});

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(20);
  expect(new Set(examples.map(fileOf)).size).toBe(examples.length);
});

describe("examples are typed", () => {
  const errors = typeErrors(new Map(examples.map((example) => [fileOf(example), example])), options);
  test.each(examples.map((example) => [example.name, example] as const))("%s", (_, example) => {
    expect(errors.get(fileOf(example))!.join("\n")).toBe("");
  });
});

describe("examples run", () => {
  test.each(examples.map((example) => [example.name, example] as const))("%s", async (_, example) => {
    const file = fileOf(example);
    writeFileSync(file, withChecks(example));
    expect(existsSync(file)).toBe(true);
    const printed: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...values: unknown[]) => {
      printed.push(values.map(String).join(" "));
    });
    try {
      await import(/* @vite-ignore */ pathToFileURL(file).href);
    } catch (error) {
      throw new Error(`${example.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    } finally {
      log.mockRestore();
    }
    if (example.output === null) return;
    const blocks = printed
      .join("\n")
      .split(/^\0begin \d+$\n?/m)
      .slice(1);
    const placeless = (text: string): string => text.replaceAll(/from \S+:\d+(?::\d+)? \(/g, "from <loc> (").trimEnd();
    (JSON.parse(example.output) as (string | null)[]).forEach((wanted, i) => {
      if (wanted !== null)
        expect(placeless(blocks[i]), `${basename(example.name)}, block ${i + 1}`).toBe(placeless(wanted));
    });
  });
});
