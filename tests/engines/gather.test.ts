/** Gathers and scatters in compiled programs, with the bits of the js engine. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { enableX64, grad, jit, lax, np, random, type DType, type NDArray } from "../../src/index.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";
import { referenceSteps, resultsOn } from "./onEngines.ts";

// So that dtypes of 64 bits are what they are called.
enableX64();

const wasm = createWasm(js);
type Fn = (...args: NDArray[]) => unknown;

const normal = (shape: readonly number[], seed: number, dtype: DType = "float32"): NDArray =>
  np.asarray(np.multiply(random.normal(random.key(seed), shape), 50), dtype);

function expectSame(f: Fn, ...args: readonly NDArray[]): void {
  const [got, wanted] = [wasm, js].map((engine) => resultsOn(engine, jit(f), args).map((r) => r.data));
  expect(got).toEqual(wanted);
  expect(referenceSteps(wasm, f, args)).toEqual([]);
}

const ints = (values: readonly unknown[]): NDArray => np.asarray(values as number[], "int32");

const table = normal([11, 5], 1);
const tokens = ints([
  [3, 0, 10],
  [3, 7, 3],
]);
const outside = ints([-12, -1, 0, 5, 11, 40]);

const cases: Readonly<Record<string, readonly [Fn, ...NDArray[]]>> = {
  "rows of a table": [(t, i) => np.take(t, i, { axis: 0 }), table, tokens],
  "columns of a table": [(t, i) => np.take(t, i, { axis: 1 }), table, ints([4, 0, 0])],
  "wide rows": [(t, i) => np.take(t, i, { axis: 0 }), normal([7, 100], 2), ints([6, 2, 2, 0])],
  "rows outside, filled": [(t, i) => np.take(t, i, { axis: 0, mode: "fill" }), table, outside],
  "rows outside, clipped": [(t, i) => np.take(t, i, { axis: 0, mode: "clip" }), table, outside],
  "elements along an axis": [(t, i) => np.takeAlongAxis(t, i, { axis: 1 }), table, ints([[0, 4, 1, 1, 2]])],
  "rows that are set": [(t, i) => t.at([i]).set(7), table, tokens],
  "rows that are added to": [(t, i, u) => t.at([i]).add(u), table, tokens, normal([2, 3, 5], 3)],
  "wide rows that are added to": [
    (t, i, u) => t.at([i]).add(u),
    normal([7, 103], 4),
    ints([1, 1, 6]),
    normal([3, 103], 5),
  ],
  "rows that are multiplied": [(t, i, u) => t.at([i]).multiply(u), table, ints([1, 1, 2]), normal([3, 5], 6)],
  "the larger ones": [(t, i, u) => [t.at([i]).max(u), t.at([i]).min(u)], table, ints([1, 1, 2]), normal([3, 5], 7)],
  "updates outside": [(t, i, u) => t.at([i]).add(u), table, outside, normal([6, 5], 8)],
  "the gradient of an embedding": [
    (t, i) => grad((p: NDArray) => np.sum(np.square(np.take(p, i, { axis: 0 }))))(t),
    table,
    tokens,
  ],
  "a histogram": [(i) => np.zeros([12], { dtype: "int32" }).at([i]).add(1), tokens],
  "a table that is used again": [(t, i) => [t.at([i]).add(1), np.sum(t)], table, tokens],
  "in a loop": [
    (t, i) =>
      lax.scan((c: NDArray, k: NDArray) => [c.at([k]).add(np.take(c, ints([0]), { axis: 0 })), np.sum(c)], t, i),
    table,
    ints([1, 2, 1, 0]),
  ],
};

describe("the bits of the js engine", () => {
  for (const [name, [f, ...args]] of Object.entries(cases)) {
    test(name, () => {
      expectSame(f, ...args);
    });
  }
  test.each(["bool", "int8", "uint16", "int64", "float16", "bfloat16", "float64", "complex64"] as const)(
    "elements of type %s",
    (dtype) => {
      const [t, u] = [normal([6, 3], 1, dtype), normal([4, 3], 2, dtype)];
      const i = ints([5, 0, 5, 9]);
      expectSame((a, k) => np.take(a, k, { axis: 0, mode: "fill" }), t, i);
      expectSame((a, k, b) => a.at([k]).set(b), t, i, u);
      if (dtype !== "bool") expectSame((a, k, b) => a.at([k]).add(b), t, i, u);
    },
  );
  test.each(["int8", "uint8", "int16", "uint32", "int64"] as const)("indices of type %s", (dtype) => {
    const i = np.asarray(ints([5, 0, 100, 2]), dtype);
    expectSame(
      (a, k) =>
        lax.gather(a, np.reshape(k, [4, 1]), { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] }, [1, 5], {
          mode: "clip",
        }),
      table,
      i,
    );
  });
});

test("windows of any shape", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 3 }),
      fc.nat(1000),
      fc.constantFrom("clip" as const, "fill" as const),
      fc.boolean(),
      (sizes, seed, mode, swapped) => {
        const operand = normal(
          sizes.map((n) => n + 2),
          seed,
        );
        const rank = sizes.length;
        const indices = np.asarray(np.floor(np.multiply(random.uniform(random.key(seed), [2, 3, rank]), 5)), "int32");
        const offsets = sizes.map((_, d) => (swapped ? d : d + 2));
        const dims = { offsetDims: offsets, collapsedSliceDims: [], startIndexMap: sizes.map((_, d) => rank - 1 - d) };
        expectSame((a, k) => lax.gather(a, k, dims, sizes, { mode }), operand, indices);
      },
    ),
    { numRuns: 40 },
  );
});
