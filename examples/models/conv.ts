/**
 * What the convolutional models share: images are [batch, height, width, channels], a unit is convolution, batch normalization and relu (He et al. 2016), and
 * windows are pooled by their largest element. Normalization uses the statistics of the batch, as training does; running means for
 * inference are left out.
 */
import { lax, nn, np, type NDArray } from "../../src/index.ts";
import { weights } from "./model.ts";

export interface Unit {
  /** [height, width, channels in, channels out] */
  readonly kernel: NDArray;
  readonly scale: NDArray;
  readonly shift: NDArray;
  readonly [name: string]: NDArray;
}

export const unitOf = (key: NDArray, size: number, channels: number, out: number): Unit => ({
  kernel: weights(key, [size, size, channels, out], 2),
  scale: np.ones([out]),
  shift: np.zeros([out]),
});

export const conv = (x: NDArray, kernel: NDArray, stride = 1): NDArray =>
  lax.convGeneralDilated(x, kernel, [stride, stride], "SAME", { dimensionNumbers: ["NHWC", "HWIO", "NHWC"] });

function batchNorm(x: NDArray, scale: NDArray, shift: NDArray): NDArray {
  const axis = [0, 1, 2];
  const centred = np.subtract(x, np.mean(x, { axis, keepdims: true }));
  const variance = np.mean(np.square(centred), { axis, keepdims: true });
  return np.add(np.multiply(np.divide(centred, np.sqrt(np.add(variance, 1e-5))), scale), shift);
}

/** Convolution and normalization, without the relu. */
export const linearUnit = ({ kernel, scale, shift }: Unit, x: NDArray, stride = 1): NDArray =>
  batchNorm(conv(x, kernel, stride), scale, shift);

export const unit = (p: Unit, x: NDArray, stride = 1): NDArray => nn.relu(linearUnit(p, x, stride));

/** The largest element of each window of size by size elements, two apart. */
export const maxPool = (x: NDArray, size: number): NDArray =>
  lax.reduceWindow(x, -Infinity, lax.max, [1, size, size, 1], [1, 2, 2, 1], "SAME");
