/** The inputs of the workloads, for any library: `inputsOf(array)` gives them as what `array` makes of numbers and a shape. */
import { gptTokens, hashed, W2, W3, W4, W7 } from "./definition.ts";

/** How a library makes an array of numbers in row-major order. */
export type Maker<T> = (data: Float32Array, shape: readonly number[]) => T;

export interface Inputs<T> {
  random(shape: readonly number[], seed: number, scale?: number): T;
  /** One in each row, at the place that `at` gives. */
  oneHot(rows: number, columns: number, at: (row: number) => number): T;
  mlpParameters(): T[];
  mlpInput(): T;
  gptInputs(layers?: number): {
    readonly parameters: T[];
    readonly input: T;
    readonly target: T;
    readonly mask: T;
  };
  /** Weights, bias, inputs of all steps, first state. */
  rnnInputs(): readonly [T, T, T, T];
  /** Convolution weights are [height, width, in, out], images [batch, height, width, channels]. */
  convInputs(): { readonly parameters: T[]; readonly input: T; readonly target: T };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export function inputsOf<T>(array: Maker<T>): Inputs<T> {
  const random = (shape: readonly number[], seed: number, scale = 1): T =>
    array(hashed(sizeOf(shape), seed, scale), shape);
  const full = (shape: readonly number[], value: number): T =>
    array(new Float32Array(sizeOf(shape)).fill(value), shape);
  const hot = (rows: number, columns: number, at: (row: number) => number): Float32Array => {
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) data[i * columns + at(i)] = 1;
    return data;
  };
  const oneHot = (rows: number, columns: number, at: (row: number) => number): T =>
    array(hot(rows, columns, at), [rows, columns]);

  return {
    random,
    oneHot,
    mlpParameters() {
      const { dims } = W2;
      return [0, 1, 2].flatMap((i) => [
        random([dims[i], dims[i + 1]], 10 + i, Math.sqrt(3 / dims[i])),
        full([dims[i + 1]], 0),
      ]);
    },
    mlpInput: () =>
      array(
        hashed(W2.batch * W2.dims[0], 100).map((x) => Math.abs(x)),
        [W2.batch, W2.dims[0]],
      ),
    gptInputs(layers = W3.layers) {
      const { width: d, length, batch, vocabulary } = W3;
      const tokens = gptTokens();
      const shifted = (shift: number): T => {
        const at = (i: number): number => tokens[Math.floor(i / length) * (length + 1) + (i % length) + shift];
        return array(hot(batch * length, vocabulary, at), [batch, length, vocabulary]);
      };
      const mask = new Float32Array(length * length);
      for (let i = 0; i < length; i++) for (let j = i + 1; j < length; j++) mask[i * length + j] = -1e9;
      const a = Math.sqrt(3 / d);
      const parameters = [random([vocabulary, d], 200, 0.05), random([length, d], 201, 0.05)];
      const norm = (): T[] => [full([d], 1), full([d], 0)];
      for (let l = 0; l < layers; l++) {
        const s = 300 + 10 * l;
        parameters.push(...norm(), random([d, 3 * d], s, a), random([d, d], s + 1, a * 0.5));
        parameters.push(...norm(), random([d, 4 * d], s + 2, a), random([4 * d, d], s + 3, a * 0.25));
      }
      parameters.push(...norm());
      return { parameters, input: shifted(0), target: shifted(1), mask: array(mask, [length, length]) };
    },
    rnnInputs() {
      const { hidden, batch, steps } = W4;
      return [
        random([hidden, hidden], 400, Math.sqrt(1.5 / hidden)),
        random([hidden], 401, 0.1),
        random([steps, batch, hidden], 402, 0.5),
        full([batch, hidden], 0),
      ];
    },
    convInputs: () => ({
      parameters: [
        random([3, 3, 1, 32], 700, 0.3),
        full([32], 0),
        random([3, 3, 32, 64], 701, 0.06),
        full([64], 0),
        random([14 * 14 * 64, 10], 702, 0.01),
        full([10], 0),
      ],
      input: random([W7.batch, 28, 28, 1], 703),
      target: oneHot(W7.batch, 10, (i) => i % 10),
    }),
  };
}
