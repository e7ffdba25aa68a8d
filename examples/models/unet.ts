/**
 * U-Net (Ronneberger et al. 2015): on the way down an image is halved four times, on the way up it is doubled again, and what each level had on the way
 * down is read once more on the way up. These long-lived skips are what makes memory planning hard: they live over most of the step,
 * and computing one again needs values that are gone themselves. Padded convolutions keep sizes; a level up repeats pixels.
 */
import { nn, np, random, type NDArray } from "../../src/index.ts";
import { conv, maxPool, unit, unitOf, type Unit } from "./conv.ts";
import { asItIs, crossEntropy, keysOf, weights, type Model, type Wrap } from "./model.ts";

const levels = 4;
const classes = 2;
const sizes = {
  small: { batch: 1, side: 32, width: 4 },
  full: { batch: 4, side: 128, width: 32 },
} as const;

export type Pair = readonly [Unit, Unit];
export interface UNetParameters {
  readonly down: readonly Pair[];
  readonly bottom: Pair;
  readonly up: readonly Pair[];
  readonly head: NDArray;
  readonly [name: string]: NDArray | Pair | readonly Pair[];
}
/** Images [batch, side, side, 1] and a class for each pixel [batch, side, side]. */
export interface Segmentation {
  readonly images: NDArray;
  readonly labels: NDArray;
  readonly [name: string]: NDArray;
}

const pair = ([a, b]: Pair, x: NDArray): NDArray => unit(b, unit(a, x));

const up = (p: Pair, x: NDArray, skip: NDArray): NDArray => {
  const larger = np.repeat(np.repeat(x, 2, { axis: 1 }), 2, { axis: 2 });
  return pair(p, np.concatenate([skip, larger], { axis: -1 }));
};

const pairOf = (key: NDArray, channels: number, out: number): Pair => {
  const [a, b] = keysOf(key, 2);
  return [unitOf(a, 3, channels, out), unitOf(b, 3, out, out)];
};

export const unet: Model<UNetParameters, Segmentation> = {
  name: "U-Net",
  init: (key, size) => {
    const { width } = sizes[size];
    const [head, bottom, ...keys] = keysOf(key, 2 + 2 * levels);
    const widths = Array.from({ length: levels + 1 }, (_, l) => width * 2 ** l);
    return {
      down: widths.slice(0, levels).map((w, l) => pairOf(keys[l], l === 0 ? 1 : w / 2, w)),
      bottom: pairOf(bottom, widths[levels - 1], widths[levels]),
      up: widths.slice(0, levels).map((w, l) => pairOf(keys[levels + l], 3 * w, w)),
      head: weights(head, [1, 1, width, classes]),
    };
  },
  batch: (key, size) => {
    const { batch, side } = sizes[size];
    const images = random.normal(key, [batch, side, side, 1]);
    return { images, labels: np.greater(np.squeeze(images, { axis: -1 }), 0).astype("int32") };
  },
  loss: (wrap: Wrap = asItIs) => {
    const stepDown = wrap(pair);
    const stepUp = wrap(up);
    return ({ down, bottom, up: above, head }, { images, labels }) => {
      const skips: NDArray[] = [];
      let x = images;
      for (const p of down) {
        const kept = stepDown(p, x);
        skips.push(kept);
        x = maxPool(kept, 2);
      }
      x = stepDown(bottom, x);
      for (let l = levels - 1; l >= 0; l--) x = stepUp(above[l], x, skips[l]);
      return crossEntropy(conv(x, head), nn.oneHot(labels, classes));
    };
  },
};
