/** Halves in compiled programs: computed as float32 and rounded after each equation, with the bits of the js engine. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { enableX64, grad, jit, lax, np, random, tree, type DType, type NDArray } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { fromBfloat16, fromFloat16 } from "../../src/core/halfFloat.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";
import { referenceSteps, resultsOn } from "./onEngines.ts";

// So that dtypes of 64 bits are what they are called.
enableX64();

const wasm = createWasm(js);
const halves = ["float16", "bfloat16"] as const;

/** The elements as numbers: NaNs of any bits are equal. */
const numbers = (x: ConcreteArray): number[] =>
  Array.from(x.data as unknown as ArrayLike<number>, (v) =>
    x.dtype === "float16" ? fromFloat16(v) : x.dtype === "bfloat16" ? fromBfloat16(v) : v,
  );

type Fn = (...args: NDArray[]) => unknown;

function expectSame(f: Fn, ...args: readonly NDArray[]): void {
  expect(resultsOn(wasm, jit(f), args).map(numbers)).toEqual(resultsOn(js, jit(f), args).map(numbers));
}

const normal = (shape: readonly number[], seed: number, dtype: DType = "float32"): NDArray =>
  np.asarray(random.normal(random.key(seed), shape), dtype);

describe.each(halves)("%s", (dtype) => {
  const [x, y, v] = [normal([7, 5], 1, dtype), normal([7, 5], 2, dtype), normal([40_003], 3, dtype)];
  const wide = np.multiply(normal([3, 41], 4), np.exp(np.multiply(normal([3, 41], 5), 20)));
  const table: Readonly<Record<string, readonly [Fn, ...NDArray[]]>> = {
    "a chain": [(a, b) => np.add(np.multiply(a, b), 1), x, y],
    quotients: [(a, b) => np.divide(np.sqrt(np.abs(a)), b), x, y],
    "what is exact": [
      (a, b) => [np.maximum(a, b), np.abs(a), np.negative(a), np.floor(a), np.round(b), np.sign(a)],
      x,
      y,
    ],
    "from float32, numbers of all sizes": [(a) => np.asarray(a, dtype), wide],
    "from float64": [(a) => np.asarray(np.asarray(a, "float64"), dtype), wide],
    "mixed precision": [(a, b) => np.add(np.asarray(np.multiply(np.asarray(a, "float32"), 3), dtype), b), x, y],
    "to integers and back": [(a) => np.asarray(np.asarray(np.multiply(a, 100), "int32"), dtype), x],
    "choices by a mask": [(a, b) => np.where(np.greater(a, b), a, np.multiply(b, 2)), x, y],
    "every second element, backwards": [(a) => np.flip(lax.slice(np.add(a, 1), [0, 0], [7, 5], [2, 2])), x],
    transposition: [(a) => np.add(np.transpose(a), 1), x],
    padding: [
      (a) =>
        lax.pad(a, np.asarray(1.5, dtype), [
          [1, 0, 0],
          [0, 2, 0],
        ]),
      x,
    ],
    joining: [(a, b) => np.concatenate([np.abs(a), b]), x, y],
    places: [(a) => np.add(a, np.arange(5, undefined, { dtype })), x],
    "sums in float32": [(a) => np.sum(a), v],
    "sums in float32, over rows": [(a) => lax.reduceSum(a, [0]), x],
    "sums that are rounded once": [(a) => lax.reduceSum(np.multiply(a, a), [0]), v],
    extremes: [(a) => [np.max(a, { axis: 1 }), np.min(np.multiply(a, 3), { axis: 0 })], x],
    products: [(a, b) => np.dot(a, np.transpose(b)), x, y],
    "products with sums in float32": [(a, b) => lax.dot(a, np.transpose(b), { preferredElementType: "float32" }), x, y],
    "a convolution": [
      (a, b) => lax.conv(a, b, [1, 1], "SAME"),
      normal([2, 3, 8, 8], 6, dtype),
      normal([4, 3, 3, 3], 7, dtype),
    ],
    powers: [(a) => lax.integerPow(a, 3), x],
    "a loop": [
      (a) => lax.scan((c: NDArray, r: NDArray) => [np.add(np.multiply(c, 0.5), r), c], np.zeros([5], { dtype }), a),
      x,
    ],
    "a gradient": [
      (a, b) => grad((p: NDArray) => np.asarray(np.sum(np.square(np.matmul(p, np.transpose(b)))), "float32"))(a),
      x,
      y,
    ],
  };
  for (const [name, [f, ...args]] of Object.entries(table)) {
    test(name, () => {
      expectSame(f, ...args);
      expect(referenceSteps(wasm, f, args)).toEqual([]);
    });
  }

  test("special numbers", () => {
    const all = np.asarray([0, -0, Infinity, -Infinity, NaN, 65504, 65519, 65520, 6e-8, 3e-8, 2.9e-8, -1e-40, 3.4e38]);
    expectSame((a) => [np.asarray(a, dtype), np.add(np.asarray(a, dtype), np.asarray(a, dtype))], all);
  });
});

const shape = [3, 7];
const operations: Readonly<Record<string, (a: NDArray, b: NDArray) => NDArray>> = {
  add: np.add,
  mul: np.multiply,
  max: np.maximum,
  less: (a, b) => np.where(np.less(a, b), a, b),
  float32: (a) => np.asarray(a, "float32"),
  float16: (a) => np.asarray(a, "float16"),
  bfloat16: (a) => np.asarray(a, "bfloat16"),
  rows: (a) => np.broadcastTo(np.sum(a, { axis: 1, keepdims: true }), shape),
  columns: (a) => np.broadcastTo(lax.reduceSum(a, [0]), shape),
  turn: (a) => np.reshape(np.transpose(a), shape),
  shift: (a) => np.roll(a, 1, { axis: 1 }),
  product: (a, b) => np.matmul(np.matmul(a, np.transpose(b)), a),
};

test("programs of mixed precision made at random have the bits of the js engine", () => {
  const inputs = [normal(shape, 11), normal(shape, 12, "bfloat16"), normal(shape, 13, "float16")];
  const step = fc.record({ op: fc.constantFrom(...Object.keys(operations)), a: fc.nat(40), b: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (program) => {
      expectSame(
        (...xs) => {
          const values = [...xs];
          for (const { op, a, b } of program)
            values.push(operations[op](values[a % values.length], values[b % values.length]));
          return tree.leaves(values.slice(-3));
        },
        ...inputs,
      );
    }),
    { numRuns: 150 },
  );
});
