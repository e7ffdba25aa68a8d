/**
 * The inputs of the workloads: numbers from a hash of their places, so that every library on every machine gets the same ones. Sizes and checks
 * stand beside them.
 */
import { np, type NDArray } from "../../src/index.ts";

/** n numbers between -scale and scale. */
export function hashed(n: number, seed: number, scale = 1): Float32Array {
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let h = (Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    out[i] = (((h >>> 0) / 4294967296) * 2 - 1) * scale;
  }
  return out;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export const array = (data: Float32Array, shape: readonly number[]): NDArray => np.reshape(np.asarray(data), shape);

export const random = (shape: readonly number[], seed: number, scale = 1): NDArray =>
  array(hashed(sizeOf(shape), seed, scale), shape);

/** One in each row, at the place that `at` gives. */
export function oneHot(rows: number, columns: number, at: (row: number) => number): NDArray {
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) data[i * columns + at(i)] = 1;
  return array(data, [rows, columns]);
}

export const W2 = { batch: 256, dims: [784, 1024, 1024, 10], rate: 0.1 } as const;
export const W3 = { layers: 4, width: 256, heads: 4, length: 128, batch: 4, vocabulary: 512 } as const;
export const W4 = { steps: 1000, hidden: 128, batch: 16 } as const;
export const W5 = { size: 4 * 1024 * 1024 } as const;
export const W6 = [512, 1024, 2048] as const;
export const W7 = { batch: 32, rate: 0.05 } as const;
export const W8 = { depths: [50, 500, 2000], batch: 4, width: 8 } as const;

/** What every library must find: losses and sums of the magnitudes of gradients. */
export const checks: Readonly<Record<string, number>> = {
  "W2 first loss": 2.33207,
  "W2 tenth loss": 2.09506,
  "W3 loss": 6.33746,
  "W4 loss": 0.116325,
  "W5 gradient": 4.0174e6,
  "W7 loss": 2.29712,
};

export function mlpParameters(): NDArray[] {
  const { dims } = W2;
  return [0, 1, 2].flatMap((i) => [
    random([dims[i], dims[i + 1]], 10 + i, Math.sqrt(3 / dims[i])),
    np.zeros([dims[i + 1]]),
  ]);
}

export const mlpInput = (): NDArray => np.abs(random([W2.batch, W2.dims[0]], 100));

export function gptInputs(layers: number = W3.layers): {
  readonly parameters: NDArray[];
  readonly input: NDArray;
  readonly target: NDArray;
  readonly mask: NDArray;
} {
  const { width: d, length, batch, vocabulary } = W3;
  const tokens = Array.from({ length: batch * (length + 1) }, (_, i) => (i * 7919 + ((i * i) % 97)) % vocabulary);
  const hot = (shift: number): NDArray =>
    np.reshape(
      oneHot(batch * length, vocabulary, (i) => tokens[Math.floor(i / length) * (length + 1) + (i % length) + shift]),
      [batch, length, vocabulary],
    );
  const mask = new Float32Array(length * length);
  for (let i = 0; i < length; i++) for (let j = i + 1; j < length; j++) mask[i * length + j] = -1e9;
  const a = Math.sqrt(3 / d);
  const parameters = [random([vocabulary, d], 200, 0.05), random([length, d], 201, 0.05)];
  for (let l = 0; l < layers; l++) {
    const s = 300 + 10 * l;
    parameters.push(np.ones([d]), np.zeros([d]), random([d, 3 * d], s, a), random([d, d], s + 1, a * 0.5));
    parameters.push(np.ones([d]), np.zeros([d]), random([d, 4 * d], s + 2, a), random([4 * d, d], s + 3, a * 0.25));
  }
  parameters.push(np.ones([d]), np.zeros([d]));
  return { parameters, input: hot(0), target: hot(1), mask: array(mask, [length, length]) };
}

export const rnnInputs = (): readonly [NDArray, NDArray, NDArray, NDArray] => {
  const { hidden, batch, steps } = W4;
  return [
    random([hidden, hidden], 400, Math.sqrt(1.5 / hidden)),
    random([hidden], 401, 0.1),
    random([steps, batch, hidden], 402, 0.5),
    np.zeros([batch, hidden]),
  ];
};

export const convInputs = (): {
  readonly parameters: NDArray[];
  readonly input: NDArray;
  readonly target: NDArray;
} => ({
  parameters: [
    random([3, 3, 1, 32], 700, 0.3),
    np.zeros([32]),
    random([3, 3, 32, 64], 701, 0.06),
    np.zeros([64]),
    random([14 * 14 * 64, 10], 702, 0.01),
    np.zeros([10]),
  ],
  input: random([W7.batch, 28, 28, 1], 703),
  target: oneHot(W7.batch, 10, (i) => i % 10),
});
