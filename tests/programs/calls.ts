/** Functions that take functions, and what is made of random numbers by linear algebra. */
import { lax, nn, np, random, type NDArray } from "../../src/index.ts";
import type { Case } from "./cases.ts";

const places = { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] };
type Linear = (x: NDArray) => NDArray;
const divided = (g: Linear, y: NDArray): NDArray => y.div(g(np.ones(3)));
const sin = (x: NDArray): NDArray => np.sin(x);
const cos = (x: NDArray): NDArray => np.cos(x);
const tan = (x: NDArray): NDArray => np.tan(x);
const attributes = { k: 2.5, name: "a" } as const;

export const calls: Readonly<Record<string, Case>> = {
  "custom root": (a) =>
    lax.customRoot(
      (y: NDArray) => np.power(y, 3).sub(a),
      np.ones(3),
      () => np.cbrt(a),
      divided,
    ),
  "custom root aux": (a) =>
    lax.customRoot(
      (y: NDArray) => y.mul(y).sub(a),
      np.ones(3),
      (f, start) => [np.sqrt(a), f(start)],
      divided,
      { hasAux: true },
    ),
  "scatter apply": (a, i) => lax.scatterApply(a, i, sin, places, { updateShape: [2] }),
  composite: (a) => lax.composite((b: NDArray) => np.sin(b).mul(2.5), "my.sine")(a),
  "composite attributes": (a) =>
    lax.composite((b: NDArray) => b.mul(attributes.k), "my.scale", { version: 2, attributes })(a),
  "softmax of integers": (a) => nn.softmax(a),
  "ragged dot": (a, b, g) => lax.raggedDot(a, b, g),
  "platform dependent": (a) => lax.platformDependent({ cpu: sin, tpu: cos }, a),
  "platform dependent default": (a) => lax.platformDependent({ tpu: cos, default: tan }, a),
  orthogonal: (k) => random.orthogonal(k, 3),
  "orthogonal wide": (k) => random.orthogonal(k, 2, { shape: [2], m: 3 }),
  "orthogonal unitary": (k) => random.orthogonal(k, 2, { dtype: "complex64" }),
  "multivariate normal": (k, m, c) => random.multivariateNormal(k, m, c),
  "multivariate normal shape": (k, m, c) => random.multivariateNormal(k, m, c, [3]),
  "multivariate normal eigh": (k, m, c) => random.multivariateNormal(k, m, c, [3], { method: "eigh" }),
  "multivariate normal svd": (k, m, c) => random.multivariateNormal(k, m, c, { shape: [3], method: "svd" }),
  "orthogonal initializer": (k) => nn.initializers.orthogonal(2)(k, [2, 3, 2]),
  "orthogonal initializer axis": (k) => nn.initializers.orthogonal({ columnAxis: 0 })(k, [4, 2]),
  "delta orthogonal": (k) => nn.initializers.deltaOrthogonal()(k, [3, 3, 2, 3]),
};
