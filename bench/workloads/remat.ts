/**
 * This library on the workloads, each in a process of its own: `node --conditions=@remat/source bench/workloads/remat.ts W3`. Prints a line of JSON
 * for each figure. Times are minima over repeated calls.
 */
import { checkpoint, grad, jit, np, valueAndGrad, type NDArray } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import {
  checks,
  convInputs,
  gptInputs,
  mlpInput,
  mlpParameters,
  oneHot,
  random,
  rnnInputs,
  W2,
  W5,
  W6,
  W8,
} from "./inputs.ts";
import { convLoss, convRate, elementwise, gptLoss, mlpLoss, mlpRate, rnnLoss, tiny } from "./models.ts";

export interface Figure {
  readonly peer: string;
  readonly workload: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
}

const emit = (workload: string, metric: string, value: number, unit: string): void => {
  console.log(JSON.stringify({ peer: "remat", workload, metric, value: Number(value.toPrecision(6)), unit }));
};

const values = (x: NDArray): ArrayLike<number> => (x as ConcreteArray).data as Float32Array;
const scalar = (x: NDArray): number => values(x)[0];

function check(name: string, value: number): void {
  const expected = checks[name];
  emit(name.split(" ")[0], `check ${name}`, value, "");
  if (Math.abs(value - expected) > 2e-5 * Math.abs(expected)) {
    throw new Error(`${name} is ${String(value)}, and should be ${String(expected)}`);
  }
}

/** The least milliseconds that a call takes. */
function fastest(call: () => unknown, { budget = 3000, inner = 1 } = {}): number {
  for (let i = 0; i < 2; i++) call();
  let best = Infinity;
  const start = performance.now();
  for (let reps = 0; reps < 5 || performance.now() - start < budget; reps++) {
    const t = performance.now();
    for (let i = 0; i < inner; i++) call();
    best = Math.min(best, (performance.now() - t) / inner);
  }
  return best;
}

function first(workload: string, metric: string, call: () => unknown): void {
  const t = performance.now();
  call();
  emit(workload, metric, performance.now() - t, "ms");
}

const workloads: Readonly<Record<string, () => void>> = {
  W1() {
    const weights = [
      [5, 4],
      [6, 5],
      [7, 6],
    ].map((s, i) => random(s, i));
    const x = random([4], 9);
    const plain = jit(grad(tiny));
    first("W1", "first call", () => plain(weights, x));
    emit("W1", "first gradient from process start", performance.now(), "ms");
    emit("W1", "steady", 1000 * fastest(() => plain(weights, x), { inner: 1000 }), "us");
    const kept = jit(grad(checkpoint(tiny)));
    emit("W1", "steady, checkpoint", 1000 * fastest(() => kept(weights, x), { inner: 1000 }), "us");
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
    emit("W2", "step", fastest(once), "ms");
  },
  W3() {
    const { parameters, input, target, mask } = gptInputs();
    for (const checkpointed of [false, true]) {
      const suffix = checkpointed ? ", checkpoint" : "";
      const step = jit(valueAndGrad(gptLoss(checkpointed)));
      first("W3", `first call${suffix}`, () => {
        check("W3 loss", scalar(step(parameters, input, target, mask)[0]));
      });
      emit(
        "W3",
        `step${suffix}`,
        fastest(() => step(parameters, input, target, mask), { budget: 5000 }),
        "ms",
      );
    }
  },
  W4() {
    const args = rnnInputs();
    for (const segments of [false, true]) {
      const suffix = segments ? ", segments" : "";
      const step = jit(valueAndGrad(rnnLoss(segments), { argnums: [0, 1] }));
      first("W4", `first call${suffix}`, () => {
        check("W4 loss", scalar(step(...args)[0]));
      });
      emit(
        "W4",
        `step${suffix}`,
        fastest(() => step(...args)),
        "ms",
      );
    }
  },
  W5() {
    const x = random([W5.size], 500, 2);
    const gradient = jit(grad(elementwise));
    let total = 0;
    const g = values(gradient(x));
    for (let i = 0; i < g.length; i++) total += Math.abs(g[i]);
    check("W5 gradient", total);
    emit(
      "W5",
      "gradient",
      fastest(() => gradient(x)),
      "ms",
    );
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
        emit("W6", `${name} ${String(n)}`, (2 * n ** 3) / fastest(() => f(a, b), { budget: 1500 }) / 1e6, "GFLOP/s");
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
    emit("W7", "step", fastest(once), "ms");
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
        first("W8", `first call ${suffix}`, () => gradient(weights, x));
        emit(
          "W8",
          `steady ${suffix}`,
          fastest(() => gradient(weights, x), { budget: 1000 }),
          "ms",
        );
      }
    }
  },
};

for (const name of process.argv.slice(2)) {
  const run = workloads[name];
  if (run === undefined)
    throw new Error(`there is no workload ${name}; there are ${Object.keys(workloads).join(", ")}`);
  run();
}
