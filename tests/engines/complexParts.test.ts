/** Complex numbers in compiled programs: parts in kernels, with the bits of the js engine. */
import { describe, expect, test } from "vitest";
import { checkpoint, grad, jit, lax, np, random, type DType, type NDArray } from "../../src/index.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";
import { referenceSteps, resultsOn } from "./onEngines.ts";

const wasm = createWasm(js);
type Fn = (...args: NDArray[]) => unknown;

const normal = (shape: readonly number[], seed: number, dtype: DType): NDArray =>
  resultsOn(js, () => {
    const real = random.normal(random.key(seed), shape);
    return np.asarray(lax.complex(real, np.multiply(np.flip(real), 1.5)), dtype);
  }, [])[0];

describe.each(["complex64", "complex128"] as const)("%s", (dtype) => {
  const [x, y] = [normal([7, 5], 1, dtype), normal([7, 5], 2, dtype)];
  const table: Readonly<Record<string, readonly [Fn, ...NDArray[]]>> = {
    "sums and differences": [(a, b) => [np.add(a, b), np.subtract(a, b), np.negative(a)], x, y],
    "products and quotients": [(a, b) => [np.multiply(a, b), np.divide(a, b), np.square(a)], x, y],
    "a chain": [(a, b) => np.add(np.multiply(np.multiply(a, b), a), b), x, y],
    powers: [(a) => [lax.integerPow(a, 3), lax.integerPow(a, -2)], x],
    parts: [(a) => [np.real(a), np.imag(a), np.conj(a)], x],
    "parts put together": [(a) => lax.complex(np.imag(a), np.real(a)), x],
    comparisons: [(a, b) => [np.equal(a, np.conj(a)), np.notEqual(a, b)], x, y],
    choices: [(a, b) => np.where(np.less(np.real(a), 0), a, b), x, y],
    conversions: [(a) => [np.asarray(np.real(a), dtype), np.asarray(np.arange(4), dtype)], x],
    sums: [(a) => [np.sum(a), np.sum(a, { axis: 0 }), np.sum(a, { axis: 1 })], x],
    "products of matrices": [(a, b) => np.matmul(a, np.transpose(b)), x, y],
    moves: [
      (a, b) => [
        np.transpose(a),
        np.flip(lax.slice(a, [0, 1], [7, 5], [2, 1])),
        np.concatenate([a, np.conj(b)]),
        np.stack([a, b]),
        np.reshape(a, [5, 7]),
        np.broadcastTo(a, [2, 7, 5]),
      ],
      x,
      y,
    ],
    padding: [
      (a) =>
        lax.pad(a, np.asarray(1, dtype), [
          [1, 0, 0],
          [0, 2, 0],
        ]),
      x,
    ],
    scalars: [(a) => np.multiply(np.sum(a), a), x],
    "a slice at a place that is computed": [(a) => lax.dynamicSlice(a, [np.sum(np.asarray(2)), 0], [3, 5]), x],
    "a loop": [
      (a) => lax.scan((c: NDArray, r: NDArray) => [np.add(np.multiply(c, r), r), c], np.zeros([5], { dtype }), a),
      x,
    ],
    branches: [
      (a) =>
        lax.cond(
          np.less(np.sum(np.real(a)), 0),
          (z: NDArray) => np.conj(z),
          (z: NDArray) => np.multiply(z, z),
          a,
        ),
      x,
    ],
    "a gradient": [(a) => grad((z: NDArray) => np.sum(np.real(np.multiply(z, np.conj(z)))))(a), x],
    "a checkpointed gradient": [
      (a) => grad(checkpoint((z: NDArray) => np.sum(np.real(np.multiply(np.multiply(z, z), z)))))(a),
      x,
    ],
    "an output that is an argument reshaped": [(a) => np.reshape(a, [35]), x],
  };
  for (const [name, [f, ...args]] of Object.entries(table)) {
    test(name, () => {
      const [got, wanted] = [wasm, js].map((engine) => resultsOn(engine, jit(f), args).map((r) => r.data));
      expect(got).toEqual(wanted);
      expect(referenceSteps(wasm, f, args)).toEqual([]);
    });
  }

  test("between routines of other engines", () => {
    const f: Fn = (a) => np.real(np.fft.ifft(np.multiply(np.fft.fft(a), 2)));
    expect(resultsOn(wasm, jit(f), [x])[0].data).toEqual(resultsOn(js, jit(f), [x])[0].data);
    expect(referenceSteps(wasm, f, [x])).toEqual(["fft", "fft"]);
  });
});

test("magnitudes, infinite ones too", () => {
  const re = np.asarray([3, -0, Infinity, NaN, NaN, 1e30, 1e-30]);
  const im = np.asarray([4, 0, NaN, -Infinity, 1, 1e30, 1e-30]);
  const f: Fn = (a, b) => np.abs(lax.complex(a, b));
  expect(resultsOn(wasm, jit(f), [re, im])[0].data).toEqual(resultsOn(js, jit(f), [re, im])[0].data);
  expect(referenceSteps(wasm, f, [re, im])).toEqual([]);
});
