/** A training loop without `jit`, some thousands of steps long; prints what memory it holds at two moments. For a process with `--expose-gc`. */
import { grad, nn, np, random, setEngine, tree, type NDArray } from "../../src/index.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";

const [WARM, STEPS] = [300, 2500];
const engine = createWasm(js);
setEngine(engine);

interface Parameters {
  readonly table: NDArray;
  readonly hidden: NDArray;
  readonly out: NDArray;
}

const normal = (shape: readonly number[], seed: number): NDArray =>
  np.multiply(random.normal(random.key(seed), shape), 0.1);

const loss = (p: Parameters, tokens: NDArray, target: NDArray): NDArray => {
  const x = np.mean(np.take(p.table, tokens, { axis: 0 }), { axis: 1 });
  const logits = np.matmul(nn.relu(np.matmul(x, p.hidden)), p.out);
  return np.negative(np.mean(np.multiply(nn.logSoftmax(logits), target)));
};

let parameters: Parameters = { table: normal([20, 8], 1), hidden: normal([8, 16], 2), out: normal([16, 4], 3) };
const held = (): {
  readonly heap: number;
  readonly arrays: number;
  readonly memory: number;
  readonly highWater: number;
} => {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    heap: heapUsed,
    arrays: arrayBuffers,
    memory: engine.memory().buffer.byteLength,
    highWater: engine.highWater(),
  };
};

let before = held();
for (let step = 0; step < STEPS; step++) {
  const tokens = np.asarray(
    Array.from({ length: 6 }, (_, i) => [0, 1, 2].map((k) => (step * 7 + i * 3 + k) % 20)),
    "int32",
  );
  const g = grad(loss)(parameters, tokens, np.eye(6, { M: 4 }));
  parameters = tree.map((p: NDArray, d: NDArray) => np.subtract(p, np.multiply(0.1, d)), parameters, g);
  if (step + 1 === WARM) before = held();
}
console.log(JSON.stringify({ before, after: held() }));
