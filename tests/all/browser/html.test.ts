/** `fwdBwdHtml` in a page, as notebooks show it: two columns where there is room, one below the other where there isn't. */
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import { checkpoint, fwdBwd, np, type NDArray } from "../../../src/index.ts";
import { fwdBwdHtml } from "../../../src/table.ts";

function g(W: NDArray, x: NDArray): NDArray {
  return np.sin(np.dot(W, x));
}
const net = (W1: NDArray, W2: NDArray, x: NDArray): NDArray => checkpoint(g)(W2, g(W1, x));
const programs = fwdBwd(net, np.ones([5, 4]), np.ones([6, 5]), np.ones([4]));

// The page's types are those of a DOM, which the library is checked without.
interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}
interface Element {
  innerHTML: string;
  readonly textContent: string;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly style: Record<string, string>;
  getBoundingClientRect(): Box;
  querySelectorAll(selector: string): Iterable<Element>;
}
const { document, getComputedStyle } = globalThis as unknown as {
  readonly document: { readonly body: Element };
  readonly getComputedStyle: (element: Element) => { readonly color: string };
};

function show(width: number, dark = false): { readonly columns: readonly Box[]; readonly all: Element } {
  const { body } = document;
  body.innerHTML = `<div style="width:${width}px">${fwdBwdHtml(programs.fwd, programs.bwd)}</div>`;
  body.style.background = dark ? "#111" : "#fff";
  body.style.color = dark ? "#ddd" : "#222";
  return { columns: [...body.querySelectorAll("section")].map((s) => s.getBoundingClientRect()), all: body };
}

afterEach(() => {
  document.body.innerHTML = "";
});

test("side by side where there is room", async () => {
  await page.viewport(1500, 900);
  const { columns, all } = show(1400);
  expect(columns).toHaveLength(2);
  expect(columns[0].top).toBe(columns[1].top);
  expect(columns[0].right).toBeLessThanOrEqual(columns[1].left);
  const [fwd, bwd] = [...all.querySelectorAll("pre")].map((pre) => pre.textContent);
  expect(fwd).toBe(String(programs.fwd));
  expect(bwd).toBe(String(programs.bwd));
});

test("one below the other on a narrow page, which doesn't get wider", async () => {
  await page.viewport(420, 900);
  const { columns, all } = show(380);
  expect(columns[0].bottom).toBeLessThanOrEqual(columns[1].top);
  expect(columns.every((c) => c.right - c.left <= 380)).toBe(true);
  expect(all.scrollWidth).toBeLessThanOrEqual(420);
});

/** Relative luminance, and the contrast of two colours, of the Web Content Accessibility Guidelines 2. */
function luminance(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((v) => (v <= 10.31 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a: readonly number[], b: readonly number[]): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test.each([
  ["light", false, [255, 255, 255]],
  ["dark", true, [17, 17, 17]],
] as const)("every colour can be read on a %s page", async (_, dark, background) => {
  await page.viewport(1500, 900);
  const { all } = show(1400, dark);
  for (const element of all.querySelectorAll("strong, pre, pre span")) {
    const color = getComputedStyle(element).color.match(/\d+/g)!.map(Number);
    expect(contrast(color, background), `${element.textContent} in rgb(${color.join()})`).toBeGreaterThan(4);
  }
});
