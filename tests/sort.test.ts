/** Sorted order, searching, counting, and arrays as sets. */
import { describe, expect, it } from "vitest";
import { grad, jit, lax, makeJaxpr, np, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const ints = (x: Parameters<typeof np.array>[0]): NDArray => np.array(x, "int32");

describe("sort", () => {
  it("orders floats with NaN last, and is stable", () => {
    expect(list(np.sort([3, NaN, -Infinity, 1]))).toEqual([-Infinity, 1, 3, NaN]);
    expect(list(np.sort([3, 1, 2], { descending: true }))).toEqual([3, 2, 1]);
    expect(list(np.argsort([1, 0, 1, 0]))).toEqual([1, 3, 0, 2]);
    expect(list(np.argsort([1, 0, 1, 0], { descending: true }))).toEqual([0, 2, 1, 3]);
    expect(
      list(
        np.sort(
          ints([
            [2, 1],
            [1, 2],
          ]),
          { axis: 0 },
        ),
      ),
    ).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(
      list(
        np.sort(
          [
            [2, 1],
            [0, 3],
          ],
          { axis: null },
        ),
      ),
    ).toEqual([0, 1, 2, 3]);
  });
  it("sorts several arrays by one or more keys", () => {
    const [a, b] = lax.sort([ints([2, 1, 2]), ints([10, 20, 5])]);
    expect([list(a), list(b)]).toEqual([
      [1, 2, 2],
      [20, 10, 5],
    ]);
    const [, c] = lax.sort([ints([2, 1, 2]), ints([10, 20, 5])], { numKeys: 2 });
    expect(list(c)).toEqual([20, 5, 10]);
    expect(lax.sortKeyVal(ints([3, 1]), ints([0, 1])).map(list)).toEqual([
      [1, 3],
      [1, 0],
    ]);
    expect(list(np.lexsort([ints([1, 2, 1]), ints([3, 1, 2])]))).toEqual([1, 2, 0]);
    expect(() => lax.sort([np.ones(2), np.ones(3)])).toThrow(/equal shapes, got: \(2,\) \(3,\)/);
  });
  it("hands cotangents back to where elements came from", () => {
    const f = (x: NDArray): NDArray => np.sum(np.sort(x).mul([1, 2, 3]));
    expect(list(grad(f)(np.array([5, 4, 6], "float32")))).toEqual([2, 1, 3]);
    expect(String(makeJaxpr((x: NDArray) => lax.sort(x))(np.ones(3)))).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[3]. let
          b:f32[3] = sort[dimension=0 is_stable=True num_keys=1] a
        in (b,) }"
    `);
  });
  it("finds the greatest elements, equal ones by index", () => {
    const [values, indices] = lax.topK(np.array([3, 1, 3, 2], "float32"), 3);
    expect([list(values), list(indices)]).toEqual([
      [3, 3, 2],
      [0, 2, 3],
    ]);
    expect(list(lax.topK(np.array([1, NaN, Infinity]), 2)[1])).toEqual([1, 2]);
    expect(() => lax.topK(np.ones(2), 3)).toThrow(/k=3 with shape=\[2\] and axis=0/);
    expect(list(np.partition([5, 3, 1, 4], 1))).toEqual([1, 3, 5, 4]);
    expect(list(np.argpartition([5, 3, 1, 4], 1))).toEqual([2, 1, 0, 3]);
  });
});

describe("searchsorted", () => {
  it("finds the place by every method", () => {
    const a = np.array([1, 3, 3, 5], "float32");
    const v = np.array([0, 3, 6, 4, NaN, 5]);
    for (const method of ["scan", "scan_unrolled", "compare_all", "sort"] as const) {
      expect(list(np.searchsorted(a, v, "left", { method }))).toEqual([0, 1, 4, 3, 4, 3]);
      expect(list(np.searchsorted(a, v, { side: "right", method }))).toEqual([0, 3, 4, 3, 4, 4]);
    }
    expect(list(np.searchsorted([5, 1, 3], [2], { sorter: [1, 2, 0] }))).toEqual([1]);
    expect(list(np.digitize([0.5, 1.5, 9], [1, 2, 3]))).toEqual([0, 1, 3]);
    expect(list(np.digitize([0.5, 1.5, 9], [3, 2, 1]))).toEqual([3, 2, 0]);
  });
});

describe("nonzero", () => {
  const x = (): NDArray =>
    np.array([
      [0, 1.5],
      [2, 0],
      [0, 3],
    ]);
  it("gives the places of elements, with a size while tracing", () => {
    expect(np.nonzero(x()).map(list)).toEqual([
      [0, 1, 2],
      [1, 0, 1],
    ]);
    expect(jit((a: NDArray) => np.nonzero(a, { size: 4, fillValue: -1 }))(x()).map(list)).toEqual([
      [0, 1, 2, -1],
      [1, 0, 1, -1],
    ]);
    expect(list(np.argwhere(x()))).toEqual([
      [0, 1],
      [1, 0],
      [2, 1],
    ]);
    expect(list(np.flatnonzero(x()))).toEqual([1, 2, 5]);
    expect(np.where(ints([0, 1, 1])).map(list)).toEqual([[1, 2]]);
  });
  it("counts and compresses", () => {
    expect(list(np.bincount(ints([0, 1, 1, 5])))).toEqual([1, 2, 0, 0, 0, 1]);
    expect(list(np.bincount(ints([0, 1, 1]), np.array([0.5, 1, 2])))).toEqual([0.5, 3]);
    expect(list(np.compress([true, false, true], [1, 2, 3]))).toEqual([1, 3]);
    expect(list(np.extract([true, false, true], [1, 2, 3], { size: 2 }))).toEqual([1, 3]);
    expect(np.unravelIndex([0, 5, 11], [3, 4]).map(list)).toEqual([
      [0, 1, 2],
      [0, 1, 3],
    ]);
    expect(
      list(
        np.ravelMultiIndex(
          [
            [0, 1],
            [1, 3],
          ],
          [3, 4],
        ),
      ),
    ).toEqual([1, 7]);
  });
});

describe("sets", () => {
  it("unique tells all that it knows", () => {
    expect(list(np.unique([3, 1, 3]))).toEqual([1, 3]);
    const all = np.unique([3, 1, 3], { returnIndex: true, returnInverse: true, returnCounts: true }) as NDArray[];
    expect(all.map(list)).toEqual([
      [1, 3],
      [1, 0],
      [1, 0, 1],
      [1, 2],
    ]);
    expect(
      list(
        np.unique(
          [
            [1, 2],
            [1, 2],
            [0, 5],
          ],
          { axis: 0 },
        ),
      ),
    ).toEqual([
      [0, 5],
      [1, 2],
    ]);
    expect(list(np.unique([NaN, 1, NaN]))).toEqual([1, NaN]);
    expect(list(np.uniqueValues([NaN, 1, NaN]))).toEqual([1, NaN, NaN]);
    expect(list(jit((x: NDArray) => np.unique(x, { size: 4, fillValue: -1 }))(ints([3, 1, 3])))).toEqual([
      1, 3, -1, -1,
    ]);
    expect(() => jit((x: NDArray) => np.unique(x))(ints([1]))).toThrow(/size argument/);
  });
  it("compares arrays", () => {
    expect(list(np.isin([[1, 2]], [2, 5]))).toEqual([[false, true]]);
    expect(list(np.setdiff1d([1, 2, 3, 3], [2]))).toEqual([1, 3]);
    expect(list(np.union1d([1, 2, 3], [2, 7]))).toEqual([1, 2, 3, 7]);
    expect(list(np.intersect1d([1, 2, 3, 3], [2, 3, 7]))).toEqual([2, 3]);
    expect(list(np.setxor1d([1, 2, 3], [2, 7]))).toEqual([1, 3, 7]);
  });
});
