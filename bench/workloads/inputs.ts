/** The inputs of the workloads as arrays of this library. */
import { np, type NDArray } from "../../src/index.ts";
import { gptTokens, hashed, W2, W3, W4, W7 } from "./definition.ts";

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
  const tokens = gptTokens();
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
