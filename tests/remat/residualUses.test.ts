/** What is told of residuals beyond JAX's text: bytes, who reads them, what computing them again costs, and the table of all that. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  jit,
  lax,
  type NDArray,
  np,
  printSavedResiduals,
  residualTable,
  RematTypeError,
  savedResiduals,
} from "../../src/index.ts";

const x = np.ones([16, 16]);
const layer = (w: NDArray, y: NDArray): NDArray => checkpointName(np.sin(np.dot(w, y)), "h");
const two = (w: NDArray, y: NDArray): NDArray => np.sum(layer(w, checkpoint(layer)(w, y)));

afterEach(() => {
  vi.restoreAllMocks();
});
function printed(run: () => void): string[] {
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  run();
  const lines = log.mock.calls.map((c) => String(c[0]));
  log.mockRestore();
  return lines;
}

describe("who reads them", () => {
  const readers = (f: (...args: never[]) => unknown, ...args: readonly unknown[]): string[] =>
    savedResiduals(f as (...args: unknown[]) => unknown, ...args).map(
      (r) =>
        `${r.name ?? r.kind}: ${r.consumers.map((c) => [...c.within, c.name + (c.recomputes ? "*" : "")].join("/")).join(" ")}`,
    );

  test.each<[string, (...args: never[]) => unknown, string[]]>([
    ["a factor", (w: NDArray) => np.sum(np.sin(w)), ["cos: mul"]],
    ["two readers", (w: NDArray) => np.sum(np.exp(w).mul(np.exp(w))), ["exp: mul mul", "exp: mul mul"]],
    [
      "a recomputed layer",
      two,
      [
        "w: dot_general remat2/dot_general* remat2/dot_general",
        "y: remat2/dot_general* remat2/dot_general",
        "h: dot_general",
        "cos: mul",
      ],
    ],
    ["a call", (w: NDArray) => np.sum(jit((y: NDArray) => np.sin(y))(w)), ["<lambda>: jit/mul"]],
  ])("%s", (_, f, expected) => {
    expect(readers(f, x, x).map((line) => line.split(": ")[0])).toEqual(expected.map((line) => line.split(": ")[0]));
    const sorted = (lines: readonly string[]): string[] => lines.map((l) => l.split(" ").sort().join(" "));
    expect(sorted(readers(f, x, x))).toEqual(sorted(expected));
  });

  test("with the user's line", () => {
    const [cos] = savedResiduals((w: NDArray) => np.sum(np.sin(w)), x);
    expect(cos.consumers[0].source?.file).toMatch(/residualUses\.test\.ts$/);
    expect(cos.consumers[0].text).toMatch(/^mul from .*residualUses\.test\.ts:\d+/);
  });

  test("every residual is read", () => {
    const loop = (w: NDArray, y: NDArray) =>
      lax.scan((c: NDArray) => [np.sin(np.dot(w, c)), null] as const, y, null, { length: 3 })[0];
    for (const f of [two, loop]) for (const r of savedResiduals(f, x, x)) expect(r.consumers).not.toEqual([]);
  });
});

describe("what computing them again costs", () => {
  const flops = (f: (...args: never[]) => unknown): (number | null)[] =>
    savedResiduals(f as (...args: unknown[]) => unknown, x, x).map((r) => r.recompute?.flops ?? null);
  const [dot, wave] = [2 * 16 ** 3, 10 * 16 ** 2];
  const products = checkpoint((w: NDArray, y: NDArray) => np.sum(np.sin(np.dot(np.sin(np.dot(w, y)), y))), {
    policy: checkpointPolicies.dotsSaveable,
  });

  test.each<[string, (...args: never[]) => unknown, (number | null)[]]>([
    ["from the arguments", (w: NDArray) => np.sum(np.sin(w)), [wave]],
    ["arguments cannot", two, [null, null, dot + wave, dot + wave]],
    ["from other residuals", products, [null, null, dot, wave + dot]],
  ])("%s", (_, f, expected) => {
    expect(flops(f)).toEqual(expected);
  });
});

describe("the table", () => {
  test("has sizes, costs, readers and totals", () => {
    const lines = residualTable(savedResiduals(two, x, x));
    expect(lines.map((line) => line.replace(/\s*from \S+( \(\w+\))?/g, "").replace(/ {2,}/g, "  "))).toEqual([
      "residual  bytes  recompute  read by",
      expect.stringMatching(/^f32\[16,16\].* 1 KiB {2}dot_general/),
      expect.stringMatching(/^f32\[16,16\].* 1 KiB {2}dot_general \(recomputing\), dot_general/),
      "f32[16,16] named 'h'  1 KiB  10.8 kflop  dot_general",
      "f32[16,16] output of cos  1 KiB  10.8 kflop  mul",
      "total: 4 KiB, of which 2 KiB in 2 computed values and 2 KiB in arguments and constants",
    ]);
  });

  test("JAX's text is what is printed unless it is asked for", () => {
    const plain = savedResiduals(two, x, x).map((r) => r.text);
    expect(
      printed(() => {
        printSavedResiduals(two, x, x);
      }),
    ).toEqual(plain);
    expect(
      printed(() => {
        printSavedResiduals({}, two, x, x);
      }),
    ).toEqual(plain);
    const lines = printed(() => {
      printSavedResiduals({ bytes: true }, two, x, x);
    });
    expect(lines).toHaveLength(plain.length + 2);
    expect(lines.slice(1, -1).map((l, i) => l.startsWith(plain[i]))).toEqual(plain.map(() => true));
  });

  test("of what is no function", () => {
    expect(() => {
      printSavedResiduals({ bytes: true }, x as never);
    }).toThrow(RematTypeError);
  });
});
