/** Shapes of convolutions and windows, settings, and a few small functions of lax: values as JAX 0.10.2 gives them. */
import { expect, test } from "vitest";
import { lax, makeJaxpr, np, type NDArray } from "../src/index.ts";

const numbers = ["NHWC", "HWIO", "NHWC"] as const;
const values = (xs: readonly NDArray[]): unknown => xs.map((x) => x.toJS());

test("shapes are those of the operations", () => {
  const [x, w] = [np.ones([2, 9, 8, 3]), np.ones([3, 3, 3, 5])];
  const options = { dimensionNumbers: numbers };
  const convolved = lax.convGeneralDilated(x, w, [2, 1], "SAME", options);
  expect(lax.convGeneralShapeTuple(x.shape, w.shape, [2, 1], "SAME", numbers)).toEqual(convolved.shape);
  const transposed = lax.convTranspose(x, w, [2, 1], "SAME", options);
  expect(lax.convTransposeShapeTuple(x.shape, w.shape, [2, 1], "SAME", numbers)).toEqual(transposed.shape);
  expect(
    lax.convShapeTuple(
      [2, 3, 9, 8],
      [5, 3, 3, 3],
      [1, 2],
      [
        [1, 1],
        [0, 2],
      ],
    ),
  ).toEqual([2, 5, 9, 4]);
  const dilation = { baseDilation: [2, 1], windowDilation: [1, 2] };
  expect(
    lax.reduceWindowShapeTuple(
      [9, 8],
      [2, 3],
      [2, 1],
      [
        [0, 1],
        [1, 1],
      ],
      dilation,
    ),
  ).toEqual([9, 6]);
  expect(lax.convGeneralPermutations(numbers)).toEqual([
    [0, 3, 1, 2],
    [3, 2, 0, 1],
    [0, 3, 1, 2],
  ]);
  expect(lax.padtypeToPads([9, 8], [3, 3], [2, 1], "SAME_LOWER")).toEqual([
    [1, 1],
    [1, 1],
  ]);
});

test("a wrong number of pads, and padding that leaves nothing, are refused", () => {
  expect(() => lax.convShapeTuple([1, 1, 4], [1, 1, 2], [1], [])).toThrow("expected 1, got 0");
  expect(() => lax.convShapeTuple([1, 1, 4], [1, 1, 2], [1], [[-3, -3]])).toThrow("Negative padding");
});

test("the greatest and least elements", () => {
  expect(values(lax.approxMaxK([1, 3, 2], 2))).toEqual([
    [3, 2],
    [1, 2],
  ]);
  expect(values(lax.approxMinK([1, 3, 2], 2))).toEqual([
    [1, 2],
    [0, 2],
  ]);
  expect(() => lax.approxMaxK(np.array([1, 2], "int32"), 1)).toThrow("floating type");
});

test("slices at index vectors, counted from the end if negative", () => {
  const x = np.arange(6, { dtype: "float32" }).reshape([3, 2]);
  expect(lax.indexTake(x, [[0, -1]], [0]).toJS()).toEqual([
    [0, 1],
    [4, 5],
  ]);
  expect(lax.indexTake(x, [[0, -1], [1, 0]], [0, 1]).toJS()).toEqual([1, 4]); // prettier-ignore
});

test("the derivative of gamma samples", () => {
  const [first, second] = lax.randomGammaGrad([1, 2.5], [1, 0.7]).toJS() as number[];
  expect(first).toBeCloseTo(1.1735635, 5);
  expect(second).toBeCloseTo(0.5263326, 5);
});

test("settings are what functions take", () => {
  const product = (x: NDArray): NDArray => lax.dot(x, x, { precision: lax.Precision.HIGHEST });
  expect(String(makeJaxpr(product)(np.ones(2)))).toContain("precision=(Precision.HIGHEST");
  expect(np.at(np.ones(2), 5).get({ mode: lax.GatherScatterMode.CLIP }).item()).toBe(1);
});
