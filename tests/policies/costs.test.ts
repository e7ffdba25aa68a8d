/** The cost model: figures that can be counted by hand, and a figure for every primitive. */
import { expect, test } from "vitest";
import { jit, lax, makeJaxpr, type NDArray, np } from "../../src/index.ts";
import { bytesOf, costOfJaxpr, flopsOf, hasCost } from "../../src/passes/costs.ts";
import { registry } from "../../src/primitives/index.ts";

test("every primitive that isn't elementwise has a row", () => {
  const missing = registry.filter((p) => p.elementwise !== true && !hasCost(p.name)).map((p) => p.name);
  expect(missing).toEqual([]);
});

const a = np.ones([4, 8]);
const b = np.ones([8, 16]);

test.each<[string, (...args: NDArray[]) => unknown, readonly NDArray[], number, number]>([
  ["a product", (p, q) => np.dot(p, q), [a, b], 2 * 4 * 8 * 16, 4 * (32 + 128 + 64)],
  ["a sum", (p) => np.sum(p), [a], 32, 4 * 33],
  ["a sine", (p) => np.sin(p), [a], 320, 4 * 64],
  ["an addition of a literal", (p) => p.add(1), [a], 32, 4 * 64],
  ["a reshape", (p) => p.reshape([32]), [a], 0, 4 * 64],
  ["a call", (p) => jit((q: NDArray) => np.sin(q).add(1))(p), [a], 352, 4 * 128],
  [
    "a loop",
    (p) => lax.scan((c: NDArray) => [np.sin(c), null] as const, p, null, { length: 5 })[0],
    [a],
    5 * 320,
    5 * 4 * 64,
  ],
  [
    "a choice",
    (p) => lax.cond(np.greater(np.sum(p), 0), np.sin, np.negative, p),
    [a],
    320 + 33,
    4 * 64 + 4 * 33 + 5 + 5,
  ],
])("%s", (_, f, args, flops, bytes) => {
  const { jaxpr } = makeJaxpr(f)(...args);
  const cost = costOfJaxpr(jaxpr);
  expect(cost.flops).toBe(flops);
  if (_ !== "a choice") expect(cost.bytes).toBe(bytes);
  expect(jaxpr.eqns.reduce((sum, e) => sum + flopsOf(e), 0)).toBe(flops);
  expect(jaxpr.eqns.reduce((sum, e) => sum + bytesOf(e), 0)).toBe(cost.bytes);
});

test("a convolution", () => {
  const { jaxpr } = makeJaxpr((x: NDArray, k: NDArray) => lax.conv(x, k, [1, 1], "SAME"))(
    np.ones([1, 3, 8, 8]),
    np.ones([5, 3, 3, 3]),
  );
  expect(costOfJaxpr(jaxpr).flops).toBe(2 * (5 * 64) * (3 * 9));
});
