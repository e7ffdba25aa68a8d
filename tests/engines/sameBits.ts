/** Programs on both engines: the js engine says what the bits are, and the wasm engine leaves nothing to it. */
import { expect } from "vitest";
import { enableX64, jit, np, random, type DType, type NDArray } from "../../src/index.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";
import { referenceSteps, resultsOn } from "./onEngines.ts";

// Numbers of 64 bits are as they are named; each file of tests has a process of its own.
enableX64();

export const wasm = createWasm(js);
type Fn = (...args: NDArray[]) => unknown;

/** The same bits on both engines, and code for every equation. */
export function expectSame(f: Fn, ...args: readonly NDArray[]): void {
  // Halves are compared as numbers: NaNs of any bits are equal.
  const g: Fn = (...xs) =>
    ([f(...xs)].flat() as NDArray[]).map((y) =>
      y.dtype === "bfloat16" || y.dtype === "float16" ? np.asarray(y, "float32") : y,
    );
  const [got, wanted] = [wasm, js].map((engine) => resultsOn(engine, jit(g), args).map((r) => r.data));
  expect(got).toEqual(wanted);
  expect(referenceSteps(wasm, g, args)).toEqual([]);
}

/** Normal random numbers, nine times as large. */
export const values = (shape: readonly number[], dtype: DType): NDArray =>
  resultsOn(js, () => np.asarray(np.multiply(random.normal(random.key(shape.length), shape), 9), dtype), [])[0];
