/**
 * ResNet-50 (He et al. 2016): a stem, sixteen bottleneck blocks in four stages (3, 4, 6 and 3 of them), and a dense layer on the mean over the image.
 * Convolutional networks keep large activations early and have many parameters late, so where a checkpoint stands matters; each block adds
 * its result to its input, so values also skip blocks, and the network is not a chain.
 */
import { nn, np, random, type NDArray } from "../../src/index.ts";
import { linearUnit, maxPool, unit, unitOf, type Unit } from "./conv.ts";
import { asItIs, crossEntropy, keysOf, weights, type Model, type Wrap } from "./model.ts";

const depths = [3, 4, 6, 3] as const;
const classes = 10;
const sizes = {
  small: { batch: 2, side: 32, width: 4 },
  full: { batch: 8, side: 112, width: 64 },
} as const;

export interface Bottleneck {
  readonly reduce: Unit;
  readonly spatial: Unit;
  readonly expand: Unit;
  /** Brings the input to the shape of the result, in the first block of a stage. */
  readonly shortcut: readonly Unit[];
  readonly [name: string]: Unit | readonly Unit[];
}
export interface ResNetParameters {
  readonly stem: Unit;
  readonly stages: readonly (readonly Bottleneck[])[];
  readonly head: NDArray;
  readonly [name: string]: NDArray | Unit | readonly (readonly Bottleneck[])[];
}
/** Images [batch, side, side, 3] and their classes [batch]. */
export interface LabelledImages {
  readonly images: NDArray;
  readonly labels: NDArray;
  readonly [name: string]: NDArray;
}

const bottleneck =
  (stride: number) =>
  (p: Bottleneck, x: NDArray): NDArray => {
    const h = linearUnit(p.expand, unit(p.spatial, unit(p.reduce, x), stride));
    const kept = p.shortcut.length === 0 ? x : linearUnit(p.shortcut[0], x, stride);
    return nn.relu(np.add(h, kept));
  };

function bottleneckOf(key: NDArray, channels: number, width: number, isFirst: boolean): Bottleneck {
  const [reduce, spatial, expand, shortcut] = keysOf(key, 4);
  return {
    reduce: unitOf(reduce, 1, channels, width),
    spatial: unitOf(spatial, 3, width, width),
    expand: unitOf(expand, 1, width, 4 * width),
    shortcut: isFirst ? [unitOf(shortcut, 1, channels, 4 * width)] : [],
  };
}

export const resnet50: Model<ResNetParameters, LabelledImages> = {
  name: "ResNet-50",
  init: (key, size) => {
    const { width } = sizes[size];
    const [stem, head, ...keys] = keysOf(key, 2 + depths.length);
    const stages = depths.map((depth, s) => {
      const own = width * 2 ** s;
      const before = s === 0 ? width : 2 * own;
      return keysOf(keys[s], depth).map((k, i) => bottleneckOf(k, i === 0 ? before : 4 * own, own, i === 0));
    });
    return { stem: unitOf(stem, 7, 3, width), stages, head: weights(head, [32 * width, classes]) };
  },
  batch: (key, size) => {
    const { batch, side } = sizes[size];
    const [images, labels] = keysOf(key, 2);
    return {
      images: random.normal(images, [batch, side, side, 3]),
      labels: random.randint(labels, [batch], 0, classes),
    };
  },
  loss: (wrap: Wrap = asItIs) => {
    const same = wrap(bottleneck(1));
    const halving = wrap(bottleneck(2));
    return ({ stem, stages, head }, { images, labels }) => {
      let x = maxPool(unit(stem, images, 2), 3);
      stages.forEach((blocks, s) => {
        blocks.forEach((p, i) => {
          x = i === 0 && s > 0 ? halving(p, x) : same(p, x);
        });
      });
      return crossEntropy(np.matmul(np.mean(x, { axis: [1, 2] }), head), nn.oneHot(labels, classes));
    };
  },
};
