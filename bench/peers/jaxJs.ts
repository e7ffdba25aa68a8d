/**
 * jax-js on the workloads, in its Wasm backend, which has one thread in Node: `node bench/peers/jaxJs.ts W3`. Prints a line of JSON for each figure.
 * Its arrays are used up by what takes them, so that each further use says `.ref`; kernels run when a value is read, and reading one result of a
 * jitted program runs all of it. It has no loops (a recurrent network is unrolled) and no checkpoint.
 */
import process from "node:process";
import { W1, W2, W3, W4, W5, W6, W7, W8 } from "../workloads/definition.ts";
import { inputsOf } from "../workloads/data.ts";
import { recorder, runNamed } from "../workloads/figures.ts";
import { load } from "./install.ts";

interface Arr {
  readonly ref: Arr;
  add(other: Arr | number): Arr;
  sub(other: Arr | number): Arr;
  mul(other: Arr | number): Arr;
  reshape(shape: readonly number[]): Arr;
  transpose(axes?: readonly number[]): Arr;
  slice(...index: readonly (number | readonly [number, number])[]): Arr;
  dataSync(): Float32Array;
  dispose(): void;
}
type Axis = number | readonly number[];
type Unary = (x: Arr) => Arr;
type Reduce = (x: Arr, axis?: Axis, options?: { readonly keepdims: boolean }) => Arr;

/** What is used here of the library. */
interface JaxJs {
  readonly numpy: Readonly<Record<"sin" | "exp" | "tanh" | "sqrt" | "reciprocal", Unary>> &
    Readonly<Record<"sum" | "mean" | "max", Reduce>> &
    Readonly<Record<"dot" | "matmul", (a: Arr, b: Arr) => Arr>> & { array(data: Float32Array): Arr };
  readonly nn: {
    readonly relu: Unary;
    readonly softmax: (x: Arr, axis: number) => Arr;
    readonly logsumexp: (x: Arr, axis: number) => Arr;
    readonly gelu: (x: Arr, options: { readonly approximate: boolean }) => Arr;
  };
  readonly lax: {
    convGeneralDilated(x: Arr, k: Arr, strides: readonly number[], padding: "SAME"): Arr;
  };
  readonly tree: { ref<T>(tree: T): T };
  jit<A extends readonly unknown[], R>(f: (...args: A) => R): (...args: A) => R;
  grad<A extends readonly unknown[]>(f: (...args: A) => Arr): (...args: A) => A[0];
  valueAndGrad<A extends readonly unknown[]>(f: (...args: A) => Arr): (...args: A) => [Arr, A[0]];
  init(device: "wasm"): Promise<unknown>;
  defaultDevice(device: "wasm"): unknown;
}

/** The memory of all Wasm instances, which is all that its arrays live in; it never shrinks. */
const memories: WebAssembly.Memory[] = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(descriptor: ConstructorParameters<typeof WebAssembly.Memory>[0]) {
    super(descriptor);
    memories.push(this);
  }
};
const held = (): number => memories.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0);

const {
  numpy: np,
  nn,
  lax,
  tree,
  jit,
  grad,
  valueAndGrad,
  init,
  defaultDevice,
} = await load<JaxJs>("@jax-js/jax/dist/index.js");
await init("wasm");
defaultDevice("wasm");

const { random, oneHot, mlpParameters, mlpInput, gptInputs, rnnInputs, convInputs } = inputsOf<Arr>((data, shape) =>
  np.array(data).reshape(shape),
);
const { attempt, bytes, check, fastest, first, fromStart, missing } = recorder("jax-js");

const NO_CHECKPOINT = "it has no checkpoint";

/** Runs what makes an array, without copying more of it than one number. */
const run = (x: Arr, rank: number): unknown =>
  x.slice(...Array.from({ length: rank }, () => [0, 1] as const)).dataSync();

const magnitudes = (arrays: readonly Arr[]): number => {
  let total = 0;
  for (const x of arrays) for (const value of x.dataSync()) total += Math.abs(value);
  return total;
};

const crossEntropy = (z: Arr, target: Arr): Arr => np.mean(nn.logsumexp(z.ref, -1).sub(np.sum(target.mul(z), -1)));

function layerNorm(x: Arr, scale: Arr, shift: Arr): Arr {
  const mean = np.mean(x.ref, -1, { keepdims: true });
  const c = x.sub(mean);
  const v = np.mean(c.ref.mul(c.ref), -1, { keepdims: true });
  return c
    .mul(np.reciprocal(np.sqrt(v.add(1e-5))))
    .mul(scale)
    .add(shift);
}

function gptBlock(q: readonly Arr[], x: Arr, mask: Arr): Arr {
  const { width: d, heads, length, batch } = W3;
  const size = d / heads;
  const qkv = np
    .matmul(layerNorm(x.ref, q[0], q[1]), q[2])
    .reshape([batch, length, 3, heads, size])
    .transpose([2, 0, 3, 1, 4]);
  const [a, b, c] = [qkv.ref.slice(0), qkv.ref.slice(1), qkv.slice(2)];
  const scores = np
    .matmul(a, b.transpose([0, 1, 3, 2]))
    .mul(1 / Math.sqrt(size))
    .add(mask);
  const mixed = np.matmul(nn.softmax(scores, -1), c).transpose([0, 2, 1, 3]).reshape([batch, length, d]);
  x = x.add(np.matmul(mixed, q[3]));
  const h = np.matmul(layerNorm(x.ref, q[4], q[5]), q[6]);
  return x.add(np.matmul(nn.gelu(h, { approximate: true }), q[7]));
}

function gptLoss(p: readonly Arr[], input: Arr, target: Arr, mask: Arr): Arr {
  let x = np.matmul(input, p[0].ref).add(p[1]);
  for (let i = 2; i + 8 <= p.length - 2; i += 8) x = gptBlock(p.slice(i, i + 8), x, mask.ref);
  mask.dispose();
  return crossEntropy(np.matmul(layerNorm(x, p[p.length - 2], p[p.length - 1]), p[0].transpose()), target);
}

/** A step of gradient descent; gives the loss. */
function training(
  loss: (p: Arr[], x: Arr, target: Arr) => Arr,
  rate: number,
  parameters: Arr[],
  x: Arr,
  target: Arr,
): () => number {
  const step = jit((p: Arr[], a: Arr, b: Arr): [Arr[], Arr] => {
    const [value, g] = valueAndGrad(loss)(tree.ref(p), a, b);
    return [p.map((w, i) => w.sub(g[i].mul(rate))), value];
  });
  let p = parameters;
  return () => {
    const [next, value] = step(p, x.ref, target.ref);
    p = next;
    return value.dataSync()[0];
  };
}

await runNamed({
  W1() {
    const weights = W1.shapes.map((shape, i) => random(shape, i));
    const x = random([4], 9);
    const gradient = jit(
      grad((ws: Arr[], h: Arr) => {
        for (const w of ws) h = np.sin(np.dot(w, h));
        return np.sum(h);
      }),
    );
    const call = (): void => {
      for (const g of gradient(tree.ref(weights), x.ref)) g.dataSync();
    };
    first("W1", "first call", call);
    fromStart("W1", "first gradient from process start");
    check("W1 gradient", magnitudes(gradient(tree.ref(weights), x.ref)));
    fastest("W1", "steady", call, { inner: 100 });
    missing("W1", ["steady, checkpoint"], NO_CHECKPOINT);
  },
  W2() {
    const loss = (p: Arr[], x: Arr, target: Arr): Arr => {
      let h = nn.relu(np.matmul(x, p[0]).add(p[1]));
      h = nn.relu(np.matmul(h, p[2]).add(p[3]));
      return crossEntropy(np.matmul(h, p[4]).add(p[5]), target);
    };
    const once = training(
      loss,
      W2.rate,
      mlpParameters(),
      mlpInput(),
      oneHot(W2.batch, 10, (i) => i % 10),
    );
    const losses = [first("W2", "first call", once)];
    for (let i = 1; i < 10; i++) losses.push(once());
    check("W2 first loss", losses[0]);
    check("W2 tenth loss", losses[9]);
    fastest("W2", "step", once);
  },
  W3() {
    const { parameters, input, target, mask } = gptInputs();
    const step = jit(valueAndGrad(gptLoss));
    const call = (): [number, readonly Arr[]] => {
      const [value, g] = step(tree.ref(parameters), input.ref, target.ref, mask.ref);
      return [value.dataSync()[0], g];
    };
    const once = (): void => {
      for (const g of call()[1]) g.dispose();
    };
    const before = held();
    const [value, g] = first("W3", "first call", call);
    bytes("W3", "beyond inputs", held() - before);
    check("W3 loss", value);
    check("W3 gradient", magnitudes(g));
    fastest("W3", "step", once, { budget: 5000 });
    const reason = NO_CHECKPOINT;
    missing("W3", ["first call, checkpoint", "step, checkpoint", "beyond inputs, checkpoint"], reason);
  },
  W4() {
    const [W, b, xs, h0] = rnnInputs();
    const loss = (p: Arr[], inputs: Arr, h: Arr): Arr => {
      let total: Arr | undefined;
      for (let i = 0; i < W4.steps; i++) {
        h = np.tanh(np.matmul(h, p[0].ref).add(inputs.ref.slice(i)).add(p[1].ref));
        const part = np.mean(h.ref.mul(h.ref));
        total = total === undefined ? part : total.add(part);
      }
      for (const x of [...p, inputs, h]) x.dispose();
      return (total as Arr).mul(1 / W4.steps);
    };
    const step = jit(valueAndGrad(loss));
    const call = (): [number, readonly Arr[]] => {
      const [value, g] = step([W.ref, b.ref], xs.ref, h0.ref);
      return [value.dataSync()[0], g];
    };
    const before = held();
    const [value, g] = first("W4", "first call", call);
    bytes("W4", "beyond inputs", held() - before);
    check("W4 loss", value);
    check("W4 gradient", magnitudes(g));
    fastest("W4", "step", () => {
      for (const part of call()[1]) part.dispose();
    });
    const segments = ["first call, segments", "step, segments", "beyond inputs, segments"];
    missing("W4", segments, NO_CHECKPOINT);
  },
  W5() {
    const x = random([W5.size], 500, 2);
    const gradient = jit(grad((v: Arr) => np.sum(np.sin(np.exp(np.tanh(v.ref)).mul(v)))));
    const before = held();
    const g = gradient(x.ref);
    run(g.ref, 1);
    bytes("W5", "beyond inputs", held() - before);
    check("W5 gradient", magnitudes([g]));
    fastest("W5", "gradient", () => run(gradient(x.ref), 1));
  },
  W6() {
    for (const n of W6) {
      const [a, b] = [random([n, n], 600), random([n, n], 601)];
      const products: Readonly<Record<string, (x: Arr, y: Arr) => Arr>> = {
        NN: (x, y) => np.matmul(x, y),
        NT: (x, y) => np.matmul(x, y.transpose()),
        TN: (x, y) => np.matmul(x.transpose(), y),
        TT: (x, y) => np.matmul(x.transpose(), y.transpose()),
      };
      for (const [name, product] of Object.entries(products)) {
        if (n > 1024 && name === "TT") {
          missing("W6", [`${name} ${String(n)}`], "left out: a call takes up to a minute");
          continue;
        }
        const f = jit(product);
        fastest("W6", `${name} ${String(n)}`, () => run(f(a.ref, b.ref), 2), { budget: 1500 });
      }
    }
  },
  W7() {
    const { parameters, input, target } = convInputs();
    // its convolutions know one order of axes only: channels before places, outputs before inputs
    const [k1, b1, k2, b2, ...dense] = parameters;
    const turned = [
      k1.transpose([3, 2, 0, 1]),
      b1.reshape([32, 1, 1]),
      k2.transpose([3, 2, 0, 1]),
      b2.reshape([64, 1, 1]),
      ...dense,
    ];
    const conv = (h: Arr, k: Arr): Arr => lax.convGeneralDilated(h, k, [1, 1], "SAME");
    const loss = (p: Arr[], x: Arr, hot: Arr): Arr => {
      let h = nn.relu(conv(x, p[0]).add(p[1]));
      h = nn.relu(conv(h, p[2]).add(p[3]));
      h = np.max(h.reshape([W7.batch, 64, 14, 2, 14, 2]), [3, 5]);
      h = h.transpose([0, 2, 3, 1]).reshape([W7.batch, 14 * 14 * 64]);
      return crossEntropy(np.matmul(h, p[4]).add(p[5]), hot);
    };
    const once = training(loss, W7.rate, turned, input.transpose([0, 3, 1, 2]), target);
    check("W7 loss", first("W7", "first call", once));
    fastest("W7", "step", once);
  },
  W8() {
    for (const depth of W8.depths) {
      const kinds = [`first call ${String(depth)}`, `steady ${String(depth)}`];
      attempt("W8", kinds, () => {
        const weights = Array.from({ length: depth }, (_, i) => random([W8.width, W8.width], 800 + i, 0.8));
        const x = random([W8.batch, W8.width], 799);
        const gradient = jit(
          grad((ws: Arr[], h: Arr) => {
            for (const w of ws) h = np.tanh(np.matmul(h, w));
            return np.sum(h);
          }),
        );
        const call = (): readonly Arr[] => gradient(tree.ref(weights), x.ref);
        const once = (): void => {
          for (const g of call()) g.dataSync();
        };
        first("W8", kinds[0], once);
        if (depth === 50) check("W8 gradient", magnitudes(call()));
        fastest("W8", kinds[1], once, { budget: 1000 });
      });
      missing(
        "W8",
        kinds.map((kind) => `${kind}, checkpoint`),
        NO_CHECKPOINT,
      );
    }
  },
  memory() {
    // grows where the programs run, and is printed there
  },
});
process.exit(0);
