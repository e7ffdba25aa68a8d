/**
 * MLP-20: twenty equal layers, sin(x W + b). The plainest deep network: every layer keeps its input and the argument of the sine, so memory grows with
 * depth, and a checkpoint around each layer, or around some of them, shows at once what it saves.
 */
import { np, random, type NDArray } from "../../src/index.ts";
import { asItIs, keysOf, weights, type Model, type Wrap } from "./model.ts";

const layers = 20;
const sizes = {
  small: { batch: 64, width: 16 },
  full: { batch: 4096, width: 256 },
} as const;

export interface Layer {
  readonly w: NDArray;
  readonly b: NDArray;
  readonly [name: string]: NDArray;
}
export interface Regression {
  readonly x: NDArray;
  readonly y: NDArray;
  readonly [name: string]: NDArray;
}

const layer = ({ w, b }: Layer, x: NDArray): NDArray => np.sin(np.add(np.matmul(x, w), b));

export const mlp20: Model<readonly Layer[], Regression> = {
  name: "MLP-20",
  init: (key, size) => {
    const { width } = sizes[size];
    return keysOf(key, layers).map((k) => ({ w: weights(k, [width, width], 2), b: np.zeros([width]) }));
  },
  batch: (key, size) => {
    const { batch, width } = sizes[size];
    const x = random.normal(key, [batch, width]);
    return { x, y: np.sin(x) };
  },
  loss: (wrap: Wrap = asItIs) => {
    const block = wrap(layer);
    return (params, { x, y }) => {
      let h = x;
      for (const p of params) h = block(p, h);
      return np.mean(np.square(np.subtract(h, y)));
    };
  },
};
