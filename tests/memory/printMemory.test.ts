/** What `printMemory` says: the parts of the peak, and what lives then, with what one line makes for every layer told once. */
import { expect, test } from "vitest";
import { grad, memory, np, setEngine, type NDArray } from "../../src/index.ts";
import { memoryText } from "../../src/memory.ts";

// Only an engine that compiles knows its peak.
setEngine("wasm");

const loss = (ws: readonly NDArray[], x: NDArray): NDArray => {
  for (const w of ws) x = np.sin(np.matmul(x, w));
  return np.sum(np.square(x));
};
const args = [Array.from({ length: 12 }, () => np.eye(16)), np.ones([256, 16])] as const;

test("values that a line makes for each layer are one line, the largest in sum first", () => {
  const report = memory(grad(loss), ...args);
  const lines = memoryText(report).split("\n");
  expect(lines[0]).toMatch(/^peak +\d+\.\d+ KiB$/);
  expect(lines.filter((l) => l.includes("temporary dot_general from"))).toEqual([
    expect.stringMatching(
      /^ *\d+ x +16\.00 KiB {2}temporary dot_general from .*printMemory\.test\.ts:\d+:\d+ \(loss\)$/,
    ),
  ]);
  const listed = lines.slice(lines.findIndex((l) => l.startsWith("largest at")) + 1).map((line) => {
    const more = /^and (\d+) more/.exec(line);
    return more === null ? Number(/^ *(\d+) x /.exec(line)?.[1] ?? 1) : Number(more[1]);
  });
  expect(listed.reduce((a, b) => a + b)).toBe(report.atPeak.values.length);
});

test("without anything that repeats there are no numbers", () => {
  const lines = memoryText(memory((x: NDArray) => np.sort(x), np.ones([1000]))).split("\n");
  expect(lines.slice(6).every((l) => !l.includes(" x "))).toBe(true);
  expect(lines.at(-1)).toMatch(/^ +3\.91 KiB {2}/);
});
