/**
 * TensorFlow.js on the workloads, in its Wasm backend (SIMD, and one thread, as always in Node): `node bench/peers/tfjs.ts W3`. Prints a line of JSON
 * for each figure. It runs each operation when it meets it and differentiates a tape; it compiles nothing. It has no checkpoint; what comes nearest, a
 * custom gradient that differentiates the function anew, is tried and what it says is printed.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { W1, W2, W3, W4, W5, W6, W7, W8 } from "../workloads/definition.ts";
import { inputsOf } from "../workloads/data.ts";
import { recorder, runNamed } from "../workloads/figures.ts";
import { installedPath } from "./install.ts";

interface Tensor {
  dataSync(): Float32Array;
  dispose(): void;
}
type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor | number, b: Tensor | number) => Tensor;
type Reduce = (x: Tensor, axis?: number, keepDims?: boolean) => Tensor;
type Layer = (...args: Tensor[]) => Tensor;

/** What is used here of the library. */
interface Tf
  extends
    Readonly<Record<"sin" | "exp" | "tanh" | "relu" | "rsqrt" | "square", Unary>>,
    Readonly<Record<"add" | "sub" | "mul" | "div", Binary>>,
    Readonly<Record<"sum" | "mean" | "logSumExp", Reduce>> {
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, axes: readonly number[]): Tensor;
  split(x: Tensor, parts: number, axis: number): Tensor[];
  concat(parts: readonly Tensor[]): Tensor;
  unstack(x: Tensor): Tensor[];
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  softmax(x: Tensor, axis: number): Tensor;
  conv2d(x: Tensor, k: Tensor, strides: number, padding: "same"): Tensor;
  maxPool(x: Tensor, size: number, strides: number, padding: "valid"): Tensor;
  grads(f: Layer): (args: Tensor[], dy?: Tensor) => Tensor[];
  valueAndGrads(f: Layer): (args: Tensor[]) => { readonly value: Tensor; readonly grads: Tensor[] };
  customGrad(
    f: (...args: unknown[]) => {
      readonly value: Tensor;
      readonly gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[];
    },
  ): Layer;
  tidy<T>(f: () => T): T;
  dispose(tensors: readonly Tensor[]): void;
  memory(): { readonly numBytes: number };
  profile(f: () => unknown): Promise<{ readonly peakBytes: number }>;
  setBackend(name: "wasm"): Promise<boolean>;
  ready(): Promise<void>;
  enableProdMode(): void;
}

const require = createRequire(import.meta.url);
// it advises another package by a warning
console.warn = () => undefined;
const tf = require(installedPath("@tensorflow/tfjs")) as Tf;
const wasm = require(installedPath("@tensorflow/tfjs-backend-wasm")) as { setWasmPaths(folder: string): void };
wasm.setWasmPaths(installedPath("@tensorflow/tfjs-backend-wasm/dist/"));
tf.enableProdMode();
if (!(await tf.setBackend("wasm"))) throw new Error("the wasm backend of tfjs does not start");
await tf.ready();

const { random, oneHot, mlpParameters, mlpInput, gptInputs, rnnInputs, convInputs } = inputsOf<Tensor>((data, shape) =>
  tf.tensor(data, shape),
);
const { attempt, bytes, check, fastest, first, fromStart, missing } = recorder("tfjs-wasm");

const NEAREST = "it has no checkpoint; a custom gradient that differentiates anew ends with ";

/** Saves the arguments only, and differentiates `f` anew. */
const recomputed =
  (f: Layer): Layer =>
  (...args) =>
    tf.customGrad((...given) => {
      const inputs = given.slice(0, -1) as Tensor[];
      (given.at(-1) as (saved: readonly Tensor[]) => void)(inputs);
      return { value: f(...inputs), gradFunc: (dy, saved) => tf.grads((...again) => f(...again))(saved, dy) };
    })(...args);

const magnitudes = (tensors: readonly Tensor[]): number => {
  let total = 0;
  for (const x of tensors) for (const value of x.dataSync()) total += Math.abs(value);
  return total;
};

/** The bytes of the tensors that live at the peak of a call, beyond those before it. */
async function beyondInputs(workload: string, call: () => void): Promise<void> {
  const before = tf.memory().numBytes;
  const { peakBytes } = await tf.profile(call);
  bytes(workload, "beyond inputs", peakBytes - before);
}

const crossEntropy = (z: Tensor, target: Tensor): Tensor =>
  tf.mean(tf.sub(tf.logSumExp(z, -1), tf.sum(tf.mul(target, z), -1)));

function layerNorm(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const c = tf.sub(x, tf.mean(x, -1, true));
  const v = tf.mean(tf.square(c), -1, true);
  return tf.add(tf.mul(tf.mul(c, tf.rsqrt(tf.add(v, 1e-5))), scale), shift);
}

function gelu(x: Tensor): Tensor {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** On [batch * length, width], the shape its products with a matrix are quickest in. */
function gptBlock(mask: Tensor): Layer {
  const { width: d, heads, length, batch } = W3;
  const size = d / heads;
  return (x, ...q) => {
    const parts = tf.reshape(tf.matMul(layerNorm(x, q[0], q[1]), q[2]), [batch, length, 3, heads, size]);
    const [a, b, c] = tf
      .split(tf.transpose(parts, [2, 0, 3, 1, 4]), 3, 0)
      .map((part) => tf.reshape(part, [batch, heads, length, size]));
    const scores = tf.add(tf.mul(tf.matMul(a, b, false, true), 1 / Math.sqrt(size)), mask);
    const mixed = tf.transpose(tf.matMul(tf.softmax(scores, -1), c), [0, 2, 1, 3]);
    x = tf.add(x, tf.matMul(tf.reshape(mixed, [batch * length, d]), q[3]));
    return tf.add(x, tf.matMul(gelu(tf.matMul(layerNorm(x, q[4], q[5]), q[6])), q[7]));
  };
}

/** A step of gradient descent; gives the loss. */
function training(loss: Layer, rate: number, parameters: Tensor[]): () => number {
  const gradients = tf.valueAndGrads(loss);
  let p = parameters;
  return () => {
    const [value, next] = tf.tidy((): [Tensor, Tensor[]] => {
      const { value, grads } = gradients(p);
      return [value, p.map((w, i) => tf.sub(w, tf.mul(grads[i], rate)))];
    });
    tf.dispose(p);
    p = next;
    const loss = value.dataSync()[0];
    value.dispose();
    return loss;
  };
}

/** The loss and the gradients of a function, read and let go; the gradients' magnitudes if asked. */
function valueOf(f: Layer, args: Tensor[]): (withGradients?: boolean) => { loss: number; gradient: number } {
  const gradients = tf.valueAndGrads(f);
  return (withGradients = false) => {
    const { value, grads } = gradients(args);
    const found = { loss: value.dataSync()[0], gradient: withGradients ? magnitudes(grads) : 0 };
    tf.dispose([value, ...grads]);
    return found;
  };
}

await runNamed({
  W1() {
    const weights = W1.shapes.map((shape, i) => random(shape, i));
    const x = random([4, 1], 9);
    const layer: Layer = (w, h) => tf.sin(tf.matMul(w, h));
    const gradient = (apply: Layer): (() => number) => {
      const g = tf.grads((...ws) => tf.sum(ws.reduce((h, w) => apply(w, h), x)));
      return () => {
        const gs = g(weights);
        const total = magnitudes(gs);
        tf.dispose(gs);
        return total;
      };
    };
    const plain = gradient(layer);
    const total = first("W1", "first call", plain);
    fromStart("W1", "first gradient from process start");
    check("W1 gradient", total);
    fastest("W1", "steady", plain, { inner: 100 });
    attempt(
      "W1",
      ["steady, checkpoint"],
      () => {
        fastest("W1", "steady, checkpoint", gradient(recomputed(layer)), { inner: 100 });
      },
      NEAREST,
    );
  },
  async W2() {
    const [x, target] = [mlpInput(), oneHot(W2.batch, 10, (i) => i % 10)];
    const loss: Layer = (...p) => {
      let h = tf.relu(tf.add(tf.matMul(x, p[0]), p[1]));
      h = tf.relu(tf.add(tf.matMul(h, p[2]), p[3]));
      return crossEntropy(tf.add(tf.matMul(h, p[4]), p[5]), target);
    };
    const once = training(loss, W2.rate, mlpParameters());
    const losses = [first("W2", "first call", once)];
    check("W2 first loss", losses[0]);
    // the other nine steps up to the tenth loss are measured ones
    while (losses.length < 9) losses.push(once());
    fastest("W2", "step", () => losses.push(once()), { budget: 1000 });
    check("W2 tenth loss", losses[9]);
  },
  async W3() {
    const { parameters, input, target, mask } = gptInputs();
    const { width: d, length, batch, vocabulary } = W3;
    const rows = batch * length;
    const [flat, hot] = [tf.reshape(input, [rows, vocabulary]), tf.reshape(target, [rows, vocabulary])];
    const lossOf =
      (block: Layer): Layer =>
      (...p) => {
        const embedded = tf.reshape(tf.matMul(flat, p[0]), [batch, length, d]);
        let x = tf.reshape(tf.add(embedded, p[1]), [rows, d]);
        for (let i = 2; i + 8 <= p.length - 2; i += 8) x = block(x, ...p.slice(i, i + 8));
        x = layerNorm(x, p[p.length - 2], p[p.length - 1]);
        return crossEntropy(tf.matMul(x, p[0], false, true), hot);
      };
    const once = valueOf(lossOf(gptBlock(mask)), parameters);
    const { loss, gradient } = first("W3", "first call", () => once(true));
    check("W3 loss", loss);
    check("W3 gradient", gradient);
    fastest("W3", "step", once, { budget: 5000 });
    await beyondInputs("W3", once);
    attempt(
      "W3",
      ["first call, checkpoint", "step, checkpoint", "beyond inputs, checkpoint"],
      () => {
        const kept = valueOf(lossOf(recomputed(gptBlock(mask))), parameters);
        check("W3 loss", first("W3", "first call, checkpoint", kept).loss);
        fastest("W3", "step, checkpoint", kept, { budget: 5000 });
      },
      NEAREST,
    );
  },
  async W4() {
    const [W, b, inputs, h0] = rnnInputs();
    const xs = tf.unstack(inputs);
    const { steps, batch, hidden } = W4;
    /** The steps of a part: the state and the sum so far, before and after, in one tensor. */
    const part =
      (from: number, to: number): Layer =>
      (h, total, w, bias) => {
        for (let i = from; i < to; i++) {
          h = tf.tanh(tf.add(tf.add(tf.matMul(h, w), xs[i]), bias));
          total = tf.add(total, tf.mean(tf.square(h)));
        }
        return tf.concat([tf.reshape(h, [batch * hidden]), tf.reshape(total, [1])]);
      };
    const zero = tf.tensor(new Float32Array(1), []);
    const totalOf = (out: Tensor): Tensor => tf.reshape(tf.slice(out, [batch * hidden], [1]), []);
    const stateOf = (out: Tensor): Tensor => tf.reshape(tf.slice(out, [0], [batch * hidden]), [batch, hidden]);
    const once = valueOf((w, bias) => tf.div(totalOf(part(0, steps)(h0, zero, w, bias)), steps), [W, b]);
    const { loss, gradient } = first("W4", "first call", () => once(true));
    check("W4 loss", loss);
    check("W4 gradient", gradient);
    fastest("W4", "step", once);
    await beyondInputs("W4", once);
    attempt(
      "W4",
      ["first call, segments", "step, segments", "beyond inputs, segments"],
      () => {
        const kept = valueOf(
          (w, bias) => {
            let [h, total] = [h0, zero];
            for (let i = 0; i < steps; i += 40) {
              const out = recomputed(part(i, i + 40))(h, total, w, bias);
              [h, total] = [stateOf(out), totalOf(out)];
            }
            return tf.div(total, steps);
          },
          [W, b],
        );
        check("W4 loss", first("W4", "first call, segments", kept).loss);
        fastest("W4", "step, segments", kept);
      },
      NEAREST,
    );
  },
  async W5() {
    const x = random([W5.size], 500, 2);
    const gradient = tf.grads((v) => tf.sum(tf.sin(tf.mul(tf.exp(tf.tanh(v)), v))));
    const g = gradient([x]);
    check("W5 gradient", magnitudes(g));
    tf.dispose(g);
    const once = (): void => {
      tf.dispose(gradient([x]));
    };
    fastest("W5", "gradient", once);
    await beyondInputs("W5", once);
  },
  W6() {
    for (const n of W6) {
      const [a, b] = [random([n, n], 600), random([n, n], 601)];
      for (const [name, turnA, turnB] of [
        ["NN", false, false],
        ["NT", false, true],
        ["TN", true, false],
        ["TT", true, true],
      ] as const) {
        const metric = `${name} ${String(n)}`;
        if (n > 1024 && name !== "NN") {
          missing("W6", [metric], "left out: a call takes up to a minute");
          continue;
        }
        fastest(
          "W6",
          metric,
          () => {
            tf.matMul(a, b, turnA, turnB).dispose();
          },
          { budget: 1500 },
        );
      }
      tf.dispose([a, b]);
    }
  },
  W7() {
    const { parameters, input, target } = convInputs();
    const loss: Layer = (...p) => {
      let h = tf.relu(tf.add(tf.conv2d(input, p[0], 1, "same"), p[1]));
      h = tf.relu(tf.add(tf.conv2d(h, p[2], 1, "same"), p[3]));
      h = tf.reshape(tf.maxPool(h, 2, 2, "valid"), [W7.batch, 14 * 14 * 64]);
      return crossEntropy(tf.add(tf.matMul(h, p[4]), p[5]), target);
    };
    check(
      "W7 loss",
      tf.tidy(() => loss(...parameters).dataSync()[0]),
    );
    attempt("W7", ["first call", "step"], () => {
      const once = training(loss, W7.rate, parameters);
      first("W7", "first call", once);
      fastest("W7", "step", once);
    });
  },
  W8() {
    for (const depth of W8.depths) {
      const weights = Array.from({ length: depth }, (_, i) => random([W8.width, W8.width], 800 + i, 0.8));
      const x = random([W8.batch, W8.width], 799);
      const layer: Layer = (h, w) => tf.tanh(tf.matMul(h, w));
      for (const [suffix, apply] of [
        [String(depth), layer],
        [`${String(depth)}, checkpoint`, recomputed(layer)],
      ] as const) {
        const kinds = [`first call ${suffix}`, `steady ${suffix}`];
        attempt(
          "W8",
          kinds,
          () => {
            const gradient = tf.grads((...ws) => tf.sum(ws.reduce((h, w) => apply(h, w), x)));
            const once = (): number => {
              const gs = gradient(weights);
              const total = depth === 50 ? magnitudes(gs) : 0;
              tf.dispose(gs);
              return total;
            };
            const total = first("W8", kinds[0], once);
            if (depth === 50) check("W8 gradient", total);
            fastest("W8", kinds[1], once, { budget: 1000 });
          },
          apply === layer ? "" : NEAREST,
        );
      }
    }
  },
  memory() {
    // is printed where the programs run
  },
});
process.exit(0);
