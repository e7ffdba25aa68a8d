/** The workloads as programs of this library: what a user would write, with nothing tuned for them. */
import { checkpoint, lax, nn, np, type NDArray } from "../../src/index.ts";
import { W2, W3, W4, W7 } from "./definition.ts";

/** W1: three layers sin(W x), summed. */
export function tiny(weights: readonly NDArray[], x: NDArray): NDArray {
  for (const W of weights) x = np.sin(np.dot(W, x));
  return np.sum(x);
}

const crossEntropy = (z: NDArray, target: NDArray): NDArray =>
  np.mean(np.subtract(nn.logsumexp(z, { axis: -1 }), np.sum(np.multiply(target, z), { axis: -1 })));

/** W2: two hidden layers with relu, cross entropy. */
export function mlpLoss(p: readonly NDArray[], x: NDArray, target: NDArray): NDArray {
  let h = nn.relu(np.add(np.matmul(x, p[0]), p[1]));
  h = nn.relu(np.add(np.matmul(h, p[2]), p[3]));
  return crossEntropy(np.add(np.matmul(h, p[4]), p[5]), target);
}
export const mlpRate = W2.rate;

function layerNorm(x: NDArray, scale: NDArray, shift: NDArray): NDArray {
  const c = np.subtract(x, np.mean(x, { axis: -1, keepdims: true }));
  const v = np.mean(np.multiply(c, c), { axis: -1, keepdims: true });
  return np.add(np.multiply(np.multiply(c, lax.rsqrt(np.add(v, 1e-5))), scale), shift);
}

function gptBlock(q: readonly NDArray[], x: NDArray, mask: NDArray): NDArray {
  const [batch, length, d] = x.shape;
  const { heads } = W3;
  const size = d / heads;
  const qkv = np.reshape(np.matmul(layerNorm(x, q[0], q[1]), q[2]), [batch, length, 3, heads, size]);
  const part = (i: number): NDArray =>
    np.transpose(
      np.squeeze(lax.slice(qkv, [0, 0, i, 0, 0], [batch, length, i + 1, heads, size]), { axis: 2 }),
      [0, 2, 1, 3],
    );
  const [a, b, c] = [part(0), part(1), part(2)];
  const scores = np.add(np.multiply(np.einsum("bhqc,bhkc->bhqk", a, b), 1 / Math.sqrt(size)), mask);
  const mixed = np.einsum("bhqk,bhkc->bhqc", nn.softmax(scores, { axis: -1 }), c);
  x = np.add(x, np.matmul(np.reshape(np.transpose(mixed, [0, 2, 1, 3]), [batch, length, d]), q[3]));
  const h = layerNorm(x, q[4], q[5]);
  return np.add(x, np.matmul(nn.gelu(np.matmul(h, q[6]), { approximate: true }), q[7]));
}

/** W3: GPT blocks with a causal mask; each under a checkpoint, if asked. */
export function gptLoss(checkpointed: boolean) {
  const block = checkpointed ? checkpoint(gptBlock) : gptBlock;
  return (p: readonly NDArray[], input: NDArray, target: NDArray, mask: NDArray): NDArray => {
    let x = np.add(np.matmul(input, p[0]), p[1]);
    for (let i = 2; i + 8 <= p.length - 2; i += 8) x = block(p.slice(i, i + 8), x, mask);
    const z = np.matmul(layerNorm(x, p[p.length - 2], p[p.length - 1]), np.transpose(p[0]));
    return crossEntropy(z, target);
  };
}

const rnnStep = (W: NDArray, b: NDArray, h: NDArray, x: NDArray): [NDArray, NDArray] => {
  const next = np.tanh(np.add(np.add(np.matmul(h, W), x), b));
  return [next, np.mean(np.multiply(next, next))];
};

/** W4: a recurrent network; whole, or in 25 checkpointed segments of 40 steps. */
export function rnnLoss(segments: boolean) {
  return (W: NDArray, b: NDArray, xs: NDArray, h0: NDArray): NDArray => {
    const run = (h: NDArray, part: NDArray) => lax.scan((c: NDArray, x: NDArray) => rnnStep(W, b, c, x), h, part);
    if (!segments) return np.divide(np.sum(run(h0, xs)[1]), W4.steps);
    const segment = checkpoint((h: NDArray, part: NDArray): [NDArray, NDArray] => {
      const [last, losses] = run(h, part);
      return [last, np.sum(losses)];
    });
    const cut = np.reshape(xs, [25, 40, W4.batch, W4.hidden]);
    return np.divide(np.sum(lax.scan(segment, h0, cut)[1]), W4.steps);
  };
}

/** W5: elementwise, to be differentiated. */
export const elementwise = (x: NDArray): NDArray => np.sum(np.sin(np.multiply(np.exp(np.tanh(x)), x)));

/** W7: two convolutions, max pooling, a dense layer, cross entropy. */
export function convLoss(p: readonly NDArray[], x: NDArray, target: NDArray): NDArray {
  const conv = (h: NDArray, k: NDArray): NDArray =>
    lax.convGeneralDilated(h, k, [1, 1], "SAME", { dimensionNumbers: ["NHWC", "HWIO", "NHWC"] });
  let h = nn.relu(np.add(conv(x, p[0]), p[1]));
  h = nn.relu(np.add(conv(h, p[2]), p[3]));
  h = lax.reduceWindow(h, -Infinity, lax.max, [1, 2, 2, 1], [1, 2, 2, 1], "VALID");
  return crossEntropy(np.add(np.matmul(np.reshape(h, [x.shape[0], -1]), p[4]), p[5]), target);
}
export const convRate = W7.rate;
