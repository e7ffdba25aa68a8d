/**
 * Threads in a browser: on a page that is isolated from other origins helpers take part, and the bits are those of one thread; on any other page
 * there is one thread, and everything runs all the same.
 */
import { expect, test } from "vitest";
import { createWasmEngine, grad, jit, nn, np, random, setEngine, type NDArray } from "../../../src/index.ts";
import type { ConcreteArray } from "../../../src/core/array.ts";

const isolated = import.meta.env.ISOLATED === "yes";

const bits = (x: NDArray): Uint32Array => {
  const { buffer, byteOffset, length } = (x as ConcreteArray).data;
  return new Uint32Array(buffer, byteOffset, length);
};
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 5);
  });

test("the page is what this project is about", () => {
  expect(crossOriginIsolated).toBe(isolated);
  expect(createWasmEngine({ threads: 3 }).threads).toBe(isolated ? 3 : 1);
});

test("any number of threads computes the same bits", async () => {
  const a = random.normal(random.key(1), [400, 400]);
  const loss = (x: NDArray): NDArray => np.sum(np.square(nn.softmax(np.matmul(np.tanh(x), x))));
  const [one, three] = [1, 3].map((threads) => createWasmEngine({ threads }));
  const f = jit(grad(loss));
  setEngine(one);
  const wanted = bits(f(a));
  setEngine(three);
  const stop = performance.now() + 60_000;
  for (let n = 0; n < 10 || (isolated && three.helped() < 100 && performance.now() < stop); n++) {
    expect(bits(f(a))).toEqual(wanted);
    await turn();
  }
  setEngine("wasm");
  if (isolated) expect(three.helped()).toBeGreaterThanOrEqual(100);
  else expect(three.helped()).toBe(0);
});
