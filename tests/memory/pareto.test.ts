/** The curve beside what one would choose by hand: each reference is a program of its own, and its peak is that of a run. */
import { parseHTML } from "linkedom";
import { expect, test, vi } from "vitest";
import { grad, memory, np, pareto, PlotError, setEngine, underPolicies, type NDArray } from "../../src/index.ts";

const loss = (weights: NDArray[], x: NDArray): NDArray => {
  for (const W of weights) x = np.sin(np.dot(x, W));
  return np.sum(x);
};
const weights = Array.from({ length: 12 }, () => np.eye(32));
const x = np.ones([256, 32]);

test("policies and segments stand beside the curve", () => {
  setEngine("wasm");
  const beside = underPolicies(loss, (f) => grad(f));
  const curve = pareto(grad(loss), [weights, x], { beside });
  const { points, references, baseline } = curve;
  expect(references.map((r) => r.name)).toEqual(["as it is", "√n segments", ...Object.keys(beside)]);
  for (const { name, peak } of references) {
    if (name in beside) expect(peak).toBe(memory(beside[name], weights, x).peak);
  }
  const by = Object.fromEntries(references.map((r) => [r.name, r]));
  expect(by["as it is"]).toMatchObject({ peak: baseline.peak, overhead: 0 });
  // A checkpoint around the whole function keeps nothing, and lowers nothing: all of it is there again when the backward pass begins.
  expect(by["save nothing"].peak).toBe(baseline.peak);
  expect(by["save dots"].peak).toBeLessThan(baseline.peak);
  expect(by["√n segments"].peak).toBeLessThan(baseline.peak);
  expect(by["√n segments"].overhead).toBeGreaterThan(0);
  // The planner's smallest program is smaller than any of them.
  expect(points[0].peak).toBeLessThan(Math.min(...references.map((r) => r.peak)));
  const table = String(curve).split("\n");
  expect(table).toHaveLength(1 + points.length + 1 + references.length);
  expect(table.at(-1)).toMatch(/minimal cut$/);
});

test("the picture shows every point, with its name as text", () => {
  setEngine("wasm");
  const curve = pareto(grad(loss), [weights, x], { beside: { "a < b & c": grad(loss) } });
  const svg = curve.toSvg();
  expect(svg.match(/<circle /g)).toHaveLength(curve.points.length + curve.references.length);
  expect(svg).toContain("a &lt; b &amp; c: ");
  expect(svg).not.toContain("a < b & c");
});

test("the picture by Plot shows every point, with its name as text", async () => {
  setEngine("wasm");
  const curve = pareto(grad(loss), [weights, x], { beside: { "a < b & c": grad(loss) } });
  const { document } = parseHTML("<html></html>");
  const picture = await curve.plot({ document, width: 700 });
  const svg = parseHTML(picture.outerHTML).document.querySelector("svg");
  expect(svg?.getAttribute("width")).toBe("700");
  expect(svg?.getAttribute("xmlns")).toBe("http://www.w3.org/2000/svg");
  expect(svg?.querySelectorAll("g[aria-label=dot] circle")).toHaveLength(curve.points.length);
  const titles = [...(svg?.querySelectorAll("g[aria-label=dot] title") ?? [])].map((t) => t.textContent);
  expect(titles).toHaveLength(curve.points.length + curve.references.length);
  expect(titles.at(-1)).toMatch(/^a < b & c: .* [MK]iB, \+/);
  // Names of points that lie close together are lines of one text.
  const texts = [...(svg?.querySelectorAll("g[aria-label=text] text") ?? [])];
  const names = texts.flatMap((t) =>
    t.children.length > 0 ? [...t.children].map((l) => l.textContent) : [t.textContent],
  );
  expect(new Set(names)).toEqual(new Set(curve.references.map((r) => r.name)));
  expect(names).toHaveLength(curve.references.length);
});

test("a picture by Plot without a document is an error that says what to do", async () => {
  setEngine("wasm");
  const curve = pareto(grad(loss), [weights, x]);
  await expect(curve.plot()).rejects.toThrow(PlotError);
  await expect(curve.plot()).rejects.toThrow("npm install linkedom");
});

test("without the package Plot the error says how to install it", async () => {
  setEngine("wasm");
  const curve = pareto(grad(loss), [weights, x]);
  vi.doMock("@observablehq/plot", () => {
    throw new Error("not installed");
  });
  try {
    await expect(curve.plot({ document: {} })).rejects.toThrow("npm install @observablehq/plot");
  } finally {
    vi.doUnmock("@observablehq/plot");
  }
});

test("a program of a kernel or two has its references, too", () => {
  setEngine("wasm");
  const small = (y: NDArray): NDArray => np.sum(np.sin(np.sin(y)));
  const { references } = pareto(grad(small), [np.ones([1000])], { beside: underPolicies(small, (f) => grad(f)) });
  for (const { peak, overhead } of references) {
    expect(peak).toBe(memory(grad(small), np.ones([1000])).peak);
    expect(overhead).toBeCloseTo(0, 9);
  }
});
