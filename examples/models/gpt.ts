/**
 * GPT: a decoder of transformer blocks (Radford et al. 2019) with layer normalization before attention and before the feed-forward part, causal
 * attention, tanh-approximated GELU, and an output matrix shared with the embedding. GPT-4 and GPT-12 have 4 and 12 blocks. Memory is
 * in the attention weights and in the four times wider middle of the feed-forward part; both are named, for policies that ask for names.
 */
import { checkpointName, nn, np, random, type NDArray } from "../../src/index.ts";
import { asItIs, crossEntropy, keysOf, weights, type Model, type Size, type Wrap } from "./model.ts";

interface Dimensions {
  readonly width: number;
  readonly heads: number;
  readonly length: number;
  readonly batch: number;
  readonly vocabulary: number;
}
const sizes: Readonly<Record<Size, Dimensions>> = {
  small: { width: 16, heads: 2, length: 16, batch: 2, vocabulary: 32 },
  full: { width: 256, heads: 4, length: 128, batch: 8, vocabulary: 512 },
};

export interface Norm {
  readonly scale: NDArray;
  readonly shift: NDArray;
  readonly [name: string]: NDArray;
}
export interface BlockParameters {
  readonly first: Norm;
  /** [width, heads, features] */
  readonly queries: NDArray;
  readonly keys: NDArray;
  readonly values: NDArray;
  /** [heads, features, width] */
  readonly out: NDArray;
  readonly second: Norm;
  readonly up: NDArray;
  readonly down: NDArray;
  readonly [name: string]: NDArray | Norm;
}
export interface GptParameters {
  readonly embedding: NDArray;
  readonly position: NDArray;
  readonly blocks: readonly BlockParameters[];
  readonly last: Norm;
  readonly [name: string]: NDArray | Norm | readonly BlockParameters[];
}
/** Tokens and the tokens after them: int32 [batch, length]. */
export interface Tokens {
  readonly input: NDArray;
  readonly next: NDArray;
  readonly [name: string]: NDArray;
}

function layerNorm({ scale, shift }: Norm, x: NDArray): NDArray {
  const centred = np.subtract(x, np.mean(x, { axis: -1, keepdims: true }));
  const variance = np.mean(np.square(centred), { axis: -1, keepdims: true });
  const normal = np.divide(centred, np.sqrt(np.add(variance, 1e-5)));
  return np.add(np.multiply(normal, scale), shift);
}

function attention({ queries, keys, values, out }: BlockParameters, x: NDArray): NDArray {
  const [length, size] = [x.shape[1], queries.shape[2]];
  const [q, k, v] = [queries, keys, values].map((w) => np.einsum("btd,dhc->bhtc", x, w));
  const scores = np.divide(np.einsum("bhqc,bhkc->bhqk", q, k), Math.sqrt(size));
  const causal = np.where(np.tril(np.ones([length, length], { dtype: "bool" })), scores, -1e9);
  const mix = checkpointName(nn.softmax(causal), "attention");
  return np.einsum("bhtc,hcd->btd", np.einsum("bhqk,bhkc->bhqc", mix, v), out);
}

function transformer(p: BlockParameters, x: NDArray): NDArray {
  const mixed = np.add(x, attention(p, layerNorm(p.first, x)));
  const wide = nn.gelu(np.matmul(layerNorm(p.second, mixed), p.up), { approximate: true });
  return np.add(mixed, np.matmul(checkpointName(wide, "wide"), p.down));
}

const normOf = (width: number): Norm => ({ scale: np.ones([width]), shift: np.zeros([width]) });

function blockOf(key: NDArray, { width, heads }: Dimensions): BlockParameters {
  const [queries, keys, values, out, up, down] = keysOf(key, 6);
  const split = (k: NDArray): NDArray => np.reshape(weights(k, [width, width]), [width, heads, width / heads]);
  return {
    first: normOf(width),
    queries: split(queries),
    keys: split(keys),
    values: split(values),
    out: np.reshape(weights(out, [width, width], 0.25), [heads, width / heads, width]),
    second: normOf(width),
    up: weights(up, [width, 4 * width]),
    down: weights(down, [4 * width, width], 0.25),
  };
}

const gpt = (blocks: number): Model<GptParameters, Tokens> => ({
  name: `GPT-${String(blocks)}`,
  init: (key, size) => {
    const dimensions = sizes[size];
    const { width, length, vocabulary } = dimensions;
    const [embedding, position, ...keys] = keysOf(key, blocks + 2);
    return {
      embedding: np.multiply(random.normal(embedding, [vocabulary, width]), 0.05),
      position: np.multiply(random.normal(position, [length, width]), 0.05),
      blocks: keys.map((k) => blockOf(k, dimensions)),
      last: normOf(width),
    };
  },
  batch: (key, size) => {
    const { batch, length, vocabulary } = sizes[size];
    const tokens = random.randint(key, [batch, length + 1], 0, vocabulary);
    return { input: np.getitem(tokens, "...", np.slice(-1)), next: np.getitem(tokens, "...", np.slice(1, null)) };
  },
  loss: (wrap: Wrap = asItIs) => {
    const block = wrap(transformer);
    return ({ embedding, position, blocks: all, last }, { input, next }) => {
      let x = np.add(np.take(embedding, input, { axis: 0 }), position);
      for (const p of all) x = block(p, x);
      const logits = np.matmul(layerNorm(last, x), np.transpose(embedding));
      return crossEntropy(logits, nn.oneHot(next, embedding.shape[0]));
    };
  },
});

export const gpt4 = gpt(4);
export const gpt12 = gpt(12);
