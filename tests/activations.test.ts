/** Activations: their values, and the derivatives that are defined by rules of their own. */
import { expect, test } from "vitest";
import { grad, nn, np, vmap, type NDArray } from "../src/index.ts";

const x = np.array([-2, -0.5, 0, 0.5, 3]).astype("float32");
const each = (f: (x: NDArray) => NDArray): number[] => vmap(grad(f) as (x: NDArray) => NDArray)(x).toJS() as number[];

test.each<[string, (x: NDArray) => NDArray, readonly number[]]>([
  ["relu", nn.relu, [0, 0, 0, 0.5, 3]],
  ["relu6", (x) => nn.relu6(x.mul(3)), [0, 0, 0, 1.5, 6]],
  ["sigmoid", nn.sigmoid, [0.119203, 0.377541, 0.5, 0.622459, 0.952574]],
  ["silu", nn.silu, [-0.238406, -0.18877, 0, 0.31123, 2.857722]],
  ["softplus", nn.softplus, [0.126928, 0.474077, 0.693147, 0.974077, 3.048587]],
  ["elu", nn.elu, [-0.864665, -0.393469, 0, 0.5, 3]],
  ["selu", nn.selu, [-1.520167, -0.691758, 0, 0.52535, 3.152103]],
  ["gelu", nn.gelu, [-0.045402, -0.154286, 0, 0.345714, 2.996363]],
  ["exact gelu", (x) => nn.gelu(x, { approximate: false }), [-0.0455, -0.154269, 0, 0.345731, 2.99595]],
  ["mish", nn.mish, [-0.252502, -0.220746, 0, 0.375245, 2.986535]],
  ["hardTanh", nn.hardTanh, [-1, -0.5, 0, 0.5, 1]],
  ["leakyRelu", nn.leakyRelu, [-0.02, -0.005, 0, 0.5, 3]],
])("%s", (_name, f, expected) => {
  const got = f(x).toJS() as number[];
  expected.forEach((v, i) => {
    expect(got[i]).toBeCloseTo(v, 4);
  });
});

test("the derivative of relu at 0 is 0", () => {
  expect(each(nn.relu)).toEqual([0, 0, 0, 1, 1]);
  expect(each(nn.relu6)).toEqual([0, 0, 0, 1, 1]);
});

test("softmax sums to one, also far from zero", () => {
  const big = np.array([1000, 1001, 1002]).astype("float32");
  const p = nn.softmax(big).toJS() as number[];
  expect(p.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  expect(p[2]).toBeCloseTo(0.665241, 5);
  expect((nn.logSoftmax(big).toJS() as number[])[0]).toBeCloseTo(-2.407606, 5);
  expect(nn.logsumexp(big).item()).toBeCloseTo(1002.4076, 3);
});

test("logsumexp with weights and a sign", () => {
  const [value, sign] = nn.logsumexp(np.array([0, 0]).astype("float32"), { b: np.array([1, -3]), returnSign: true });
  expect(value.item()).toBeCloseTo(Math.LN2, 6);
  expect(sign.item()).toBe(-1);
});

test("one-hot codes, and zeros for classes out of range", () => {
  expect(nn.oneHot(np.array([0, 2, 5], "int32"), 3).toJS()).toEqual([
    [1, 0, 0],
    [0, 0, 1],
    [0, 0, 0],
  ]);
  expect(nn.oneHot(np.array([1], "int32"), 2, { axis: 0, dtype: "int32" }).toJS()).toEqual([[0], [1]]);
});

test("standardize gives mean 0 and variance 1", () => {
  const y = nn.standardize(np.array([[1, 2, 3, 4]]).astype("float32"));
  expect(y.mean().item()).toBeCloseTo(0, 5);
  expect(y.square().mean().item()).toBeCloseTo(1, 4);
});

test("attention: each query sees the keys that masks and lengths leave it", () => {
  const q = np.ones([1, 2, 1, 4]);
  const v = np.reshape(np.arange(8).astype("float32"), [1, 2, 1, 4]);
  const rows = (out: NDArray): unknown => out.reshape(2, 4).toJS();
  expect(rows(nn.dotProductAttention(q, q, v))).toEqual([
    [2, 3, 4, 5],
    [2, 3, 4, 5],
  ]);
  expect(rows(nn.dotProductAttention(q, q, v, { isCausal: true }))).toEqual([
    [0, 1, 2, 3],
    [2, 3, 4, 5],
  ]);
  const lengths = np.array([1], "int32");
  expect(rows(nn.dotProductAttention(q, q, v, { querySeqLengths: lengths, keyValueSeqLengths: lengths }))).toEqual([
    [0, 1, 2, 3],
    [0, 0, 0, 0],
  ]);
  expect(() => nn.dotProductAttention(np.ones([1, 2, 3, 4]), np.ones([1, 2, 2, 4]), np.ones([1, 2, 2, 4]))).toThrow(
    /3 vs 2/,
  );
});
