/**
 * This library on the workloads, each in a process of its own: `node --conditions=@remat/source bench/workloads/remat.ts W3`. Prints a line of JSON
 * for each figure; the time from the start of the process is printed by `start.ts`. The word `memory` in place of a workload prints what the memory plans say.
 */
import { checkpoint, grad, jit, memory, np, valueAndGrad, type MemoryReport, type NDArray } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { W1, W2, W5, W6, W8 } from "./definition.ts";
import { recorder, runNamed } from "./figures.ts";
import { convInputs, gptInputs, mlpInput, mlpParameters, oneHot, random, rnnInputs } from "./inputs.ts";
import { convLoss, convRate, elementwise, gptLoss, mlpLoss, mlpRate, rnnLoss, tiny } from "./models.ts";

const { bytes, check, fastest, first } = recorder("remat");

const values = (x: NDArray): ArrayLike<number> => (x as ConcreteArray).data as Float32Array;
const magnitudes = (arrays: readonly NDArray[]): number => {
  let total = 0;
  for (const x of arrays) {
    const data = values(x);
    for (let i = 0; i < data.length; i++) total += Math.abs(data[i]);
  }
  return total;
};
const scalar = (x: NDArray): number => values(x)[0];

const workloads: Readonly<Record<string, () => void>> = {
  W1() {
    const weights = W1.shapes.map((s, i) => random(s, i));
    const x = random([4], 9);
    const plain = jit(grad(tiny));
    first("W1", "first call", () => plain(weights, x));
    check("W1 gradient", magnitudes(plain(weights, x)));
    fastest("W1", "steady", () => plain(weights, x), { inner: 1000 });
    const kept = jit(grad(checkpoint(tiny)));
    fastest("W1", "steady, checkpoint", () => kept(weights, x), { inner: 1000 });
  },
  W2() {
    const x = mlpInput();
    const target = oneHot(W2.batch, 10, (i) => i % 10);
    const step = jit((p: NDArray[], a: NDArray, b: NDArray): [NDArray[], NDArray] => {
      const [loss, g] = valueAndGrad(mlpLoss)(p, a, b);
      return [p.map((w, i) => np.subtract(w, np.multiply(mlpRate, g[i]))), loss];
    });
    let p = mlpParameters();
    const losses: number[] = [];
    const once = (): NDArray => {
      const [next, loss] = step(p, x, target);
      p = next;
      return loss;
    };
    first("W2", "first call", () => losses.push(scalar(once())));
    for (let i = 1; i < 10; i++) losses.push(scalar(once()));
    check("W2 first loss", losses[0]);
    check("W2 tenth loss", losses[9]);
    fastest("W2", "step", once);
  },
  W3() {
    const { parameters, input, target, mask } = gptInputs();
    for (const checkpointed of [false, true]) {
      const suffix = checkpointed ? ", checkpoint" : "";
      const step = jit(valueAndGrad(gptLoss(checkpointed)));
      const [loss, g] = first("W3", `first call${suffix}`, () => step(parameters, input, target, mask));
      check("W3 loss", scalar(loss));
      check("W3 gradient", magnitudes(g));
      fastest("W3", `step${suffix}`, () => step(parameters, input, target, mask), { budget: 5000 });
    }
  },
  W4() {
    const args = rnnInputs();
    for (const segments of [false, true]) {
      const suffix = segments ? ", segments" : "";
      const step = jit(valueAndGrad(rnnLoss(segments), { argnums: [0, 1] }));
      const [loss, g] = first("W4", `first call${suffix}`, () => step(...args));
      check("W4 loss", scalar(loss));
      check("W4 gradient", magnitudes(g));
      fastest("W4", `step${suffix}`, () => step(...args));
    }
  },
  W5() {
    const x = random([W5.size], 500, 2);
    const gradient = jit(grad(elementwise));
    check("W5 gradient", magnitudes([gradient(x)]));
    fastest("W5", "gradient", () => gradient(x));
  },
  W6() {
    for (const n of W6) {
      const a = random([n, n], 600);
      const b = random([n, n], 601);
      const products: Readonly<Record<string, (x: NDArray, y: NDArray) => NDArray>> = {
        NN: (x, y) => np.matmul(x, y),
        NT: (x, y) => np.matmul(x, np.transpose(y)),
        TN: (x, y) => np.matmul(np.transpose(x), y),
        TT: (x, y) => np.matmul(np.transpose(x), np.transpose(y)),
      };
      for (const [name, product] of Object.entries(products)) {
        const f = jit(product);
        fastest("W6", `${name} ${String(n)}`, () => f(a, b), { budget: 1500 });
      }
    }
  },
  W7() {
    const { parameters, input, target } = convInputs();
    const step = jit((p: NDArray[], a: NDArray, b: NDArray): [NDArray[], NDArray] => {
      const [loss, g] = valueAndGrad(convLoss)(p, a, b);
      return [p.map((w, i) => np.subtract(w, np.multiply(convRate, g[i]))), loss];
    });
    let p = parameters;
    const once = (): NDArray => {
      const [next, loss] = step(p, input, target);
      p = next;
      return loss;
    };
    first("W7", "first call", () => {
      check("W7 loss", scalar(once()));
    });
    fastest("W7", "step", once);
  },
  W8() {
    for (const depth of W8.depths) {
      const weights = Array.from({ length: depth }, (_, i) => random([W8.width, W8.width], 800 + i, 0.8));
      const x = random([W8.batch, W8.width], 799);
      const layer = (h: NDArray, w: NDArray): NDArray => np.tanh(np.matmul(h, w));
      for (const checkpointed of [false, true]) {
        const apply = checkpointed ? checkpoint(layer) : layer;
        const loss = (ws: readonly NDArray[], h: NDArray): NDArray => {
          for (const w of ws) h = apply(h, w);
          return np.sum(h);
        };
        const gradient = jit(grad(loss));
        const suffix = `${String(depth)}${checkpointed ? ", checkpoint" : ""}`;
        const g = first("W8", `first call ${suffix}`, () => gradient(weights, x));
        if (depth === 50) check("W8 gradient", magnitudes(g));
        fastest("W8", `steady ${suffix}`, () => gradient(weights, x), { budget: 1000 });
      }
    }
  },
};

/** What `memory()` says of the programs of W3, W4 and W5; nothing is run. */
function memories(): void {
  const { parameters, input, target, mask } = gptInputs();
  const emit = (workload: string, what: string, report: MemoryReport): void => {
    bytes(workload, `temporaries${what}`, report.temporaries);
    bytes(workload, `beyond inputs${what}`, report.peak - report.arguments - report.constants);
    bytes(workload, `outputs${what}`, report.outputs);
  };
  for (const kept of [false, true]) {
    const step = jit(valueAndGrad(gptLoss(kept)));
    emit("W3", kept ? ", checkpoint" : "", memory(step, parameters, input, target, mask));
    const rnn = jit(valueAndGrad(rnnLoss(kept), { argnums: [0, 1] }));
    emit("W4", kept ? ", segments" : "", memory(rnn, ...rnnInputs()));
  }
  emit("W5", "", memory(jit(grad(elementwise)), random([W5.size], 500, 2)));
}

await runNamed({ ...workloads, memory: memories });
