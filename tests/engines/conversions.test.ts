/** Conversions between all real dtypes, in a kernel, with the bits of the js engine. */
import { describe, expect, test } from "vitest";
import { enableX64, jit, lax, np, type DType, type NDArray } from "../../src/index.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";
import { referenceSteps, resultsOn } from "./onEngines.ts";

// So that dtypes of 64 bits are what they are called.
enableX64();

const wasm = createWasm(js);
const real: readonly DType[] = [
  ...(["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"] as const),
  ...(["float16", "bfloat16", "float32", "float64"] as const),
];
const samples = [
  ...[
    0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, 100.7, -100.7, 127.9, 128, 255, 256, -129, 300, 32767.5, 65535, 65536, 2049,
    4097,
  ],
  ...[2 ** 24 + 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32 + 5, 2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 64, 1e30, -1e30, 1e-30],
  ...[Infinity, -Infinity, NaN, 1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -9 + 2 ** -40],
];

type Fn = (a: NDArray) => unknown;

function expectSame(f: Fn, x: NDArray): void {
  const numbers = (engine: typeof js): unknown =>
    resultsOn(
      engine,
      jit((a: NDArray) => f(a)),
      [x],
    ).map((r) => [r.dtype, Array.from(r.data as ArrayLike<number>)]);
  expect(numbers(wasm)).toEqual(numbers(js));
  expect(referenceSteps(wasm, f, [x])).toEqual([]);
}

describe.each(real)("from %s", (from) => {
  const x = resultsOn(js, () => np.asarray(np.asarray(samples, "float64"), from), [])[0];
  test.each(real)("to %s", (to) => {
    // Halves are compared as numbers: NaNs of any bits are equal.
    const read = to === "float16" || to === "bfloat16" ? "float32" : to;
    expectSame((a) => np.asarray(lax.convertElementType(np.flip(a), to), read), x);
  });
});

test("a reshape of turned dimensions", () => {
  const x = np.reshape(np.arange(24), [2, 3, 4]);
  expectSame((a) => lax.reshape(a, [4, 6], { dimensions: [2, 0, 1] }), x);
});

test("padding with a value that is computed", () => {
  expectSame((a) => lax.pad(a, np.sum(a), [[1, 0, 2]]), np.arange(5));
});

test("comparisons of truth values, and whole numbers of 64 bits between bounds", () => {
  const x = np.asarray([0, 0, 1, 1], "bool");
  expectSame((a) => [np.less, np.lessEqual, np.greater, np.greaterEqual].map((f) => f(a, np.flip(a))), x);
  expectSame(
    (a) => [np.less, np.lessEqual, np.greater, np.greaterEqual].map((f) => f(a, np.tile(lax.slice(a, [1], [3]), [2]))),
    x,
  );
  for (const dtype of ["int64", "uint64"] as const) {
    const bound = (n: bigint): NDArray => np.asarray(n, dtype);
    const big = resultsOn(js, () => np.asarray(np.asarray([-5, 3, 2 ** 40, -(2 ** 40), 1], "float64"), "int64"), [])[0];
    expectSame((a) => lax.clamp(bound(0n), lax.convertElementType(a, dtype), bound(2n ** 33n)), big);
  }
});
