/** Gather and scatter by dimension numbers, reading and writing along axes, reductions of segments. */
import { describe, expect, it } from "vitest";
import { grad, jit, lax, makeJaxpr, np, ops, vmap, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const ints = (x: Parameters<typeof np.array>[0]): NDArray => np.array(x, "int32");
const x = (): NDArray => np.reshape(np.arange(12, { dtype: "float32" }), [3, 4]);

describe("gather", () => {
  const rows = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] };
  it("reads a window for each index vector", () => {
    expect(list(lax.gather(x(), ints([[2], [0]]), rows, [1, 4]))).toEqual([
      [8, 9, 10, 11],
      [0, 1, 2, 3],
    ]);
    const blocks = { offsetDims: [1, 2], collapsedSliceDims: [], startIndexMap: [0, 1] };
    expect(list(lax.gather(x(), ints([[1, 2]]), blocks, [2, 2]))).toEqual([
      [
        [6, 7],
        [10, 11],
      ],
    ]);
  });
  it("pairs batching axes of the operand and of the indices", () => {
    const dims = {
      offsetDims: [],
      collapsedSliceDims: [1],
      startIndexMap: [1],
      operandBatchingDims: [0],
      startIndicesBatchingDims: [0],
    };
    expect(list(lax.gather(x(), ints([[3], [0], [1]]), dims, [1, 1]))).toEqual([3, 4, 9]);
  });
  it("fills, clips or trusts what lies outside", () => {
    const v = np.arange(5, { dtype: "float32" });
    const windows = { offsetDims: [0], collapsedSliceDims: [], startIndexMap: [0] };
    const read = (i: number, mode?: "fill" | "clip"): unknown => list(lax.gather(v, ints([i]), windows, [3], { mode }));
    expect(read(3, "fill")).toEqual([NaN, NaN, NaN]);
    expect(read(3, "clip")).toEqual([2, 3, 4]);
    expect(read(-1)).toEqual([0, 1, 2]);
    const whole = np.arange(5);
    expect(list(lax.gather(whole, ints([9]), windows, [1], { mode: "fill" }))).toEqual([-(2 ** 31)]);
  });
  it("checks its dimension numbers", () => {
    const call = (dims: object, sizes: number[]) => () => lax.gather(x(), ints([[0]]), { ...rows, ...dims }, sizes);
    expect(call({ offsetDims: [1, 0] }, [1, 4])).toThrow(/offset_dims in gather op must be sorted; got \(1, 0\)/);
    expect(call({ startIndexMap: [0, 1] }, [1, 4])).toThrow(/2 elements in start_index_map/);
    expect(call({}, [2, 4])).toThrow(/only collapse slice dims with bound 1, but bound is 2/);
    expect(call({}, [1, 5])).toThrow(/must be within \[0, 4 \+ 1\), got 5/);
    expect(call({ collapsedSliceDims: [] }, [1, 4])).toThrow(
      /must either be a offset dimension or explicitly collapsed/,
    );
    expect(() => lax.gather(x(), np.array([[0.5]]), rows, [1, 4])).toThrow(/integer type/);
  });
});

describe("scatter", () => {
  const elements = { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] };
  const i = (): NDArray => ints([[0], [2], [0]]);
  const u = (): NDArray => np.array([2, 3, 5], "float32");
  it("combines elements with updates, in order", () => {
    const ones = np.ones(3);
    expect(list(lax.scatter(ones, i(), u(), elements))).toEqual([5, 1, 3]);
    expect(list(lax.scatterAdd(ones, i(), u(), elements))).toEqual([8, 1, 4]);
    expect(list(lax.scatterSub(ones, i(), u(), elements))).toEqual([-6, 1, -2]);
    expect(list(lax.scatterMul(ones, i(), u(), elements))).toEqual([10, 1, 3]);
    expect(list(lax.scatterMax(ones, i(), u(), elements))).toEqual([5, 1, 3]);
    expect(list(lax.scatterMin(ones, i(), u(), elements))).toEqual([1, 1, 1]);
  });
  it("wraps integers, and keeps NaN in extrema", () => {
    const big = np.full(1, 2 ** 30, "int32");
    expect(list(lax.scatterMul(big, ints([[0]]), ints([6]), elements))).toEqual([-(2 ** 31)]);
    expect(list(lax.scatterMax(np.ones(1), ints([[0]]), np.array([NaN]), elements))).toEqual([NaN]);
  });
  it("drops whole windows that leave the array", () => {
    const windows = { updateWindowDims: [0], insertedWindowDims: [], scatterDimsToOperandDims: [0] };
    expect(list(lax.scatterAdd(np.zeros(4), ints([3]), np.ones(2), windows))).toEqual([0, 0, 0, 0]);
    expect(list(lax.scatterAdd(np.zeros(4), ints([3]), np.ones(2), windows, { mode: "clip" }))).toEqual([0, 0, 1, 1]);
  });
  it("shares the jaxpr that combines elements", () => {
    const twice = String(makeJaxpr((a: NDArray) => np.at(np.at(a, [0]).add(1), [1]).add(2))(np.ones(3)));
    expect(twice).toMatch(/^let jaxpr = \{ lambda ; a:f32\[\] b:f32\[\]\. let c:f32\[\] = add a b in \(c,\) \} in/);
  });
});

describe("along axes", () => {
  it("take reads slices", () => {
    expect(list(np.take(x(), [0, 5, -1]))).toEqual([0, 5, 11]);
    expect(list(np.take(x(), 1, 1))).toEqual([1, 5, 9]);
    expect(np.take(x(), [[0, 1]], 1).shape).toEqual([3, 1, 2]);
    expect(list(np.take([1, 2], [5], { mode: "wrap" }))).toEqual([2]);
    expect(list(np.take([1, 2], [5], { mode: "clip" }))).toEqual([2]);
    expect(list(np.take(np.ones(2), [5]))).toEqual([NaN]);
    expect(() => np.take(np.zeros([0]), [0])).toThrow(/empty axis/);
  });
  it("takeAlongAxis pairs the other axes", () => {
    expect(list(np.takeAlongAxis(x(), ints([[0], [1], [-1]]), 1))).toEqual([[0], [5], [11]]);
    expect(np.takeAlongAxis(x(), ints([[0, 1]]), 1).shape).toEqual([3, 2]);
    expect(() => np.takeAlongAxis(x(), ints([0]), 1)).toThrow(/same number of dimensions; 1 vs. 2/);
    expect(() => np.takeAlongAxis(x(), np.array([[0.5]]), 1)).toThrow(/integer type, got float32/);
    const f = (a: NDArray): NDArray => np.sum(np.takeAlongAxis(a, ints([[0], [1], [1]]), 1));
    expect(list(np.sum(grad(f)(x()), 0))).toEqual([1, 2, 0, 0]);
  });
  it("putAlongAxis, put and place write", () => {
    expect(list(np.putAlongAxis(np.zeros([2, 2]), ints([[1], [0]]), 7, 1))).toEqual([
      [0, 7],
      [7, 0],
    ]);
    expect(list(np.put(np.zeros([2, 2]), [3, 0], [5, 6]))).toEqual([
      [6, 0],
      [0, 5],
    ]);
    expect(list(np.place(np.zeros(4), np.array([true, false, true, true]), [1, 2]))).toEqual([1, 0, 2, 1]);
  });
});

describe("segments", () => {
  it("are reduced to one element each", () => {
    const ids = ints([0, 1, 1, 4]);
    expect(list(ops.segmentSum([1, 2, 3, 4], ids))).toEqual([1, 5, 0, 0, 4]);
    expect(list(ops.segmentProd([1, 2, 3, 4], ids, 3))).toEqual([1, 6, 1]);
    expect(list(ops.segmentMax(np.array([1, 2, 3, 4], "float32"), ids, 3))).toEqual([1, 3, -Infinity]);
    expect(list(ops.segmentMin(ints([1, 2, 3, 4]), ids, 3))).toEqual([1, 2, 2 ** 31 - 1]);
    expect(() => jit((s: NDArray) => ops.segmentSum([1, 2], s))(ints([0, 1]))).toThrow(/num_segments/);
  });
  it("batch and differentiate", () => {
    const f = (v: NDArray): NDArray => ops.segmentSum(v, ints([0, 1, 0]), 2);
    expect(list(vmap(f)(np.ones([2, 3])))).toEqual([
      [2, 1],
      [2, 1],
    ]);
    expect(list(grad((v: NDArray) => np.sum(f(v).mul([2, 5])))(np.ones(3)))).toEqual([2, 5, 2]);
  });
});
