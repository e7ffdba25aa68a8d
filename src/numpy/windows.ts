/** Window functions of signal processing: tapers of M points. */
import type { NDArray } from "../core/array.ts";
import { canonicalDType } from "../core/scalar.ts";
import { full } from "../primitives/broadcasting.ts";
import { counted } from "../primitives/iota.ts";
import { float, index, type ArrayLike } from "./asarray.ts";
import { i0 } from "./choosing.ts";
import { absolute, add, cos, multiply, power, sqrt, subtract, trueDivide } from "./ufuncs.ts";

const window =
  (name: string, fn: (n: NDArray, M: number) => NDArray) =>
  (M: number): NDArray => {
    const points = index(M, `M argument of np.${name}`);
    const dtype = canonicalDType("float64");
    return points <= 1 ? full([Math.max(points, 0)], 1, dtype) : fn(counted(dtype, [points], 0), points);
  };

const wave = (n: NDArray, M: number, turns: number): NDArray =>
  cos(trueDivide(multiply(float(turns * Math.PI), n), M - 1));

export const bartlett: (M: number) => NDArray = window("bartlett", (n, M) =>
  subtract(1, trueDivide(absolute(subtract(add(multiply(2, n), 1), M)), M - 1)),
);
export const blackman: (M: number) => NDArray = window("blackman", (n, M) =>
  add(subtract(0.42, multiply(0.5, wave(n, M, 2))), multiply(0.08, wave(n, M, 4))),
);
export const hamming: (M: number) => NDArray = window("hamming", (n, M) =>
  subtract(0.54, multiply(0.46, wave(n, M, 2))),
);
export const hanning: (M: number) => NDArray = window("hanning", (n, M) => multiply(0.5, subtract(1, wave(n, M, 2))));

/** A window whose shape is a parameter: 0 is a rectangle, 14 is narrow. */
export const kaiser = (M: number, beta: ArrayLike): NDArray =>
  window("kaiser", (n, M) => {
    const alpha = float((M - 1) / 2);
    const squared = power(trueDivide(subtract(n, alpha), alpha), 2);
    return trueDivide(i0(multiply(beta, sqrt(subtract(1, squared)))), i0(beta));
  })(M);
