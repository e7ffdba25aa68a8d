/** Convolutions: values against sums written out, and derivatives against finite differences. */
import { describe, expect, it } from "vitest";
import { grad, lax, np, vmap, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const signal = (...xs: number[]): NDArray => np.reshape(np.array(xs, "float32"), [1, 1, xs.length]);

describe("values", () => {
  it("slides without flipping", () => {
    expect(list(lax.conv(signal(1, 2, 3, 4), signal(1, 10), [1], "VALID"))).toEqual([[[21, 32, 43]]]);
    expect(list(lax.conv(signal(1, 2, 3, 4), signal(1, 10), [1], "SAME"))).toEqual([[[21, 32, 43, 4]]]);
    expect(list(lax.conv(signal(1, 2, 3, 4), signal(1, 10), [2], "VALID"))).toEqual([[[21, 43]]]);
  });
  it("dilates", () => {
    const rhsDilation = [2];
    expect(list(lax.convGeneralDilated(signal(1, 2, 3, 4), signal(1, 10), [1], "VALID", { rhsDilation }))).toEqual([
      [[31, 42]],
    ]);
    expect(list(lax.convGeneralDilated(signal(1, 2), signal(1, 10), [1], [[0, 0]], { lhsDilation: [2] }))).toEqual([
      [[1, 20]],
    ]);
  });
  it("groups features", () => {
    const x = np.reshape(np.array([1, 2, 3, 4], "float32"), [1, 2, 2]);
    const k = np.reshape(np.array([1, 10], "float32"), [2, 1, 1]);
    expect(list(lax.convGeneralDilated(x, k, [1], "VALID", { featureGroupCount: 2 }))).toEqual([
      [
        [1, 2],
        [30, 40],
      ],
    ]);
  });
  it("takes other orders of axes", () => {
    const x = np.ones([2, 5, 5, 3]);
    const k = np.ones([3, 3, 3, 4]);
    const out = lax.convGeneralDilated(x, k, [1, 1], "SAME", { dimensionNumbers: ["NHWC", "HWIO", "NHWC"] });
    expect(out.shape).toEqual([2, 5, 5, 4]);
    expect(list(np.max(out))).toBe(27);
  });
  it("convolves sequences", () => {
    expect(list(np.convolve([1, 2, 3], [0, 1]))).toEqual([0, 1, 2, 3]);
    expect(list(np.correlate([1, 2, 3], [0, 1]))).toEqual([2, 3]);
  });
  it("enlarges", () => {
    expect(lax.convTranspose(np.ones([1, 3, 3, 2]), np.ones([2, 2, 2, 5]), [2, 2], "SAME").shape).toEqual([1, 6, 6, 5]);
  });
});

describe("derivatives", () => {
  const cases = [
    ["plain", {}, [1, 2, 5], [2, 2, 2]],
    ["grouped", { featureGroupCount: 2 }, [1, 4, 5], [4, 2, 2]],
    ["batch-grouped", { batchGroupCount: 2 }, [4, 2, 5], [4, 2, 2]],
    ["dilated", { rhsDilation: [2], lhsDilation: [3] }, [1, 2, 5], [2, 2, 2]],
  ] as const;
  it.each(cases)("%s", (_name, options, xShape, kShape) => {
    const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
    const make = (shape: readonly number[]): NDArray =>
      np.reshape(np.sin(np.arange(count(shape), { dtype: "float32" })), [...shape]);
    const f = (x: NDArray, k: NDArray): NDArray =>
      np.sum(np.square(lax.convGeneralDilated(x, k, [2], [[1, 2]], options)));
    const [x, k] = [make(xShape), make(kShape)];
    const [dx, dk] = grad(f, { argnums: [0, 1] })(x, k) as unknown as [NDArray, NDArray];
    const along = (value: NDArray, g: NDArray, by: (v: NDArray) => NDArray): void => {
      const direction = np.cos(value);
      const h = 1e-2;
      const step = (s: number): NDArray => by(np.add(value, np.multiply(direction, s)));
      const slope = (Number(list(step(h))) - Number(list(step(-h)))) / (2 * h);
      expect(Number(list(np.sum(np.multiply(g, direction)))) / slope).toBeCloseTo(1, 2);
    };
    along(x, dx, (v) => f(v, k));
    along(k, dk, (v) => f(x, v));
  });
});

describe("batching", () => {
  it("folds a batch of inputs, of kernels, or of both into other axes", () => {
    const x = np.reshape(np.arange(2 * 3 * 2 * 4, { dtype: "float32" }), [2, 3, 2, 4]);
    const k = np.reshape(np.arange(2 * 2 * 2 * 2, { dtype: "float32" }), [2, 2, 2, 2]);
    const conv = (p: NDArray, q: NDArray): NDArray => lax.conv(p, q, [1], "SAME");
    const one = (x0: NDArray, i: number): NDArray => np.take(x0, i, { axis: 0 });
    const both = vmap(conv)(x, k);
    const inputs = vmap((p: NDArray) => conv(p, one(k, 0)))(x);
    const kernels = vmap((q: NDArray) => conv(one(x, 0), q))(k);
    expect(list(one(both, 1))).toEqual(list(conv(one(x, 1), one(k, 1))));
    expect(list(one(inputs, 1))).toEqual(list(conv(one(x, 1), one(k, 0))));
    expect(list(one(kernels, 1))).toEqual(list(conv(one(x, 0), one(k, 1))));
  });
});

describe("errors", () => {
  it("name what does not fit", () => {
    expect(() => lax.conv(np.ones([1, 2, 4]), np.ones([1, 3, 2]), [1], "SAME")).toThrow("2 // 1 != 3");
    expect(() => lax.conv(np.ones([1, 2, 4]), np.ones([1, 2, 2]), [1], "HALF")).toThrow("got HALF");
  });
});
