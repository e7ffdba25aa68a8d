/**
 * The notebooks, run from scratch on Deno's Jupyter kernel. What they print must be what is committed, and what JAX prints: the tables and
 * residuals of the corpus, and those of `notebooks.expected.json`, which JAX made of the guide's programs.
 */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  execute,
  joined,
  notebooks,
  obstacle,
  readNotebook,
  type Cell,
  type Notebook,
} from "../../scripts/notebooks.ts";
import { fwdBwdTable } from "../../src/table.ts";

interface Wanted {
  readonly residuals: readonly string[];
  readonly fwd: string;
  readonly bwd: string;
}

const why = obstacle();
if (why !== null) console.warn(`The notebooks are not tested: ${why}.`);

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

/** JAX's answers by the code that asks for them. */
function corpus(): Map<string, Wanted> {
  const cases = read("../corpus/notebook.jsonl").trim().split("\n");
  return new Map(
    cases.map((line) => {
      const { name, expect: wanted } = JSON.parse(line) as {
        name: string;
        expect: { fwd: string; bwd: string; residuals: readonly { text: string }[] };
      };
      return [name, { ...wanted, residuals: wanted.residuals.map((line) => line.text) }];
    }),
  );
}
const guide = JSON.parse(read("notebooks.expected.json")) as Record<string, Wanted>;

/** A table as `text/plain` of a cell. */
const table = ({ fwd, bwd }: Wanted): string => fwdBwdTable(fwd, bwd);

/** The printed lines without places, which are not JAX's, and without the names that Python gives to nested functions. */
const placeless = (text: string): string[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .replace(/from \S+:\d+(?::\d+)? \(/, "from <loc> (")
        .replace(/\((?:\w+\.<locals>\.|<lambda>\.<locals>\.)+/, "("),
    );

const outputsOf = (cell: Cell): { text: string; plain: string; html: string } => {
  const outputs = cell.outputs ?? [];
  const data = (type: string): string => outputs.map((o) => joined(o.data?.[type])).join("");
  return { text: outputs.map((o) => joined(o.text)).join(""), plain: data("text/plain"), html: data("text/html") };
};

describe.skipIf(why !== null).each(notebooks())("%s", (name) => {
  let fresh: Notebook;
  const cellWith = (code: string): ReturnType<typeof outputsOf> => {
    const cells = fresh.cells.filter((cell) => cell.cell_type === "code" && joined(cell.source).includes(code));
    expect(cells, code).toHaveLength(1);
    return outputsOf(cells[0]);
  };

  beforeAll(() => {
    fresh = execute(name);
  }, 600_000);

  test("prints what is committed", () => {
    const committed = readNotebook(name);
    expect(fresh.cells.map((cell) => [cell.id, cell.outputs])).toEqual(
      committed.cells.map((cell) => [cell.id, cell.outputs]),
    );
  });

  const programs: Record<string, [code: string, wanted: () => Wanted][]> = {
    "checkpoint.ipynb": [
      ["(f, W1, W2, W3, x)", () => corpus().get("notebook/f")!],
      ["(f2, W1, W2, W3, x)", () => corpus().get("notebook/f2")!],
      ["(f3, W1, W2, W3, x)", () => corpus().get("notebook/f3")!],
      ["(f4a, W1, W2, W3, x)", () => corpus().get("notebook/f4")!],
      ["(checkpoint(f), W1, W2, W3, x)", () => corpus().get("notebook/f_checkpoint")!],
    ],
    "guide.ipynb": [
      ["(net, W1, W2, x)", () => guide["net"]],
      ["(checkpoint(net, { policy: saveTanh }), W1, W2, x)", () => guide["net saveTanh"]],
      ["(checkpoint(net, { policy: saveWideTanh }), W1, W2, x)", () => guide["net saveWideTanh"]],
      ["(named1, W1, W2, x)", () => guide["named but"]],
      ["(checkpoint(named, { policy: both }), W1, W2, x)", () => guide["named both"]],
      ["(checkpoint(named, { policy: offload }), W1, W2, x)", () => guide["named offload"]],
      ["(chain(sines(8)), 3)", () => guide["chain 8"]],
      ["(recursive(sines(8)), 3)", () => guide["recursive 8"]],
      ["(recursive(sines(16)), 3)", () => guide["recursive 16"]],
      ["(layers, Ws, start)", () => guide["scan"]],
      ["(lean, Ws, start)", () => guide["scan checkpoint"]],
    ],
  };

  test.each(programs[name] ?? [])("printSavedResiduals%s is JAX's", (code, wanted) => {
    expect(placeless(cellWith(`printSavedResiduals${code}`).text)).toEqual(placeless(wanted().residuals.join("\n")));
  });

  test.each(programs[name] ?? [])("fwdBwd%s is JAX's, where it is shown", (code, wanted) => {
    if (!fresh.cells.some((cell) => joined(cell.source).includes(`fwdBwd${code}`))) return;
    const { plain, html } = cellWith(`fwdBwd${code}`);
    expect(plain).toBe(table(wanted()));
    expect(html.match(/<pre/g)).toHaveLength(2);
  });

  test.runIf(name === "guide.ipynb")("the recursion keeps log n + 1 values", () => {
    expect(cellWith("for (const n of").text).toBe(
      [2, 4, 8, 16, 32]
        .map((n) => `${n} sines: ${n} values kept by the chain, ${Math.log2(n) + 1} by the recursion\n`)
        .join(""),
    );
  });
});
