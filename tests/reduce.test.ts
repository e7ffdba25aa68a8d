/** Reductions: values against numbers worked out by hand, derivatives against programs of JAX. */
import { describe, expect, it } from "vitest";
import { grad, jvp, lax, makeJaxpr, np, vmap, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const matrix = (): NDArray => np.reshape(np.arange(6, { dtype: "float32" }), [2, 3]);

describe("values", () => {
  it("sums, multiplies, compares", () => {
    expect(list(np.sum(matrix()))).toBe(15);
    expect(list(np.sum(matrix(), 0))).toEqual([3, 5, 7]);
    expect(list(np.sum(matrix(), { axis: 1, keepdims: true }))).toEqual([[3], [12]]);
    expect(list(np.prod(np.arange(1, 5)))).toBe(24);
    expect(list(np.max(matrix(), 1))).toEqual([2, 5]);
    expect(list(np.min(matrix(), 1))).toEqual([0, 3]);
    expect(list(np.mean(matrix(), 0))).toEqual([1.5, 2.5, 3.5]);
    expect(list(np.var(np.arange(4), { ddof: 0 }))).toBe(1.25);
    expect(list(np.std(np.array([1, 1])))).toBe(0);
    expect(list(np.all(np.array([true, false])))).toBe(false);
    expect(list(np.any(np.array([true, false])))).toBe(true);
    expect(list(np.argmax(np.array([1, 3, 3])))).toBe(1);
    expect(list(np.argmin(np.array([1, 0, 0])))).toBe(1);
    expect(list(np.countNonzero(np.array([0, 2, 3])))).toBe(2);
    expect(list(np.ptp(matrix()))).toBe(5);
  });
  it("accumulates", () => {
    expect(list(np.cumsum(np.arange(4)))).toEqual([0, 1, 3, 6]);
    expect(list(np.cumprod(np.arange(1, 5)))).toEqual([1, 2, 6, 24]);
    expect(list(lax.cummax(np.array([1, 3, 2])))).toEqual([1, 3, 3]);
    expect(list(lax.cumsum(np.arange(4), { reverse: true }))).toEqual([6, 6, 5, 3]);
    expect(list(np.diff(np.array([1, 4, 9])))).toEqual([3, 5]);
  });
  it("masks and starts from a value", () => {
    expect(list(np.sum(np.arange(4), { where: np.array([true, false, true, true]) }))).toBe(5);
    expect(list(np.max(np.arange(4), { initial: 10 }))).toBe(10);
    expect(list(np.nansum(np.array([1, NaN])))).toBe(1);
    expect(list(np.nanmean(np.array([1, NaN, 3])))).toBe(2);
  });
  it("knows dtypes", () => {
    expect(np.sum(np.array([true, true])).dtype).toBe("int32");
    expect(np.mean(np.arange(3)).dtype).toBe("float32");
    expect(np.sum(np.ones(3, "bfloat16")).dtype).toBe("bfloat16");
    expect(np.argmax(np.ones(3)).dtype).toBe("int32");
  });
  it("takes any function", () => {
    expect(list(lax.reduce(matrix(), 1, (x, y) => lax.mul(x, y), [1]))).toEqual([0, 60]);
  });
});

describe("derivatives", () => {
  it("shares the gradient of a maximum among those that attain it", () => {
    expect(list(grad((x: NDArray) => np.max(x))(np.array([1, 2, 2], "float32")))).toEqual([0, 0.5, 0.5]);
  });
  it("differentiates products, also by zero", () => {
    expect(list(grad((x: NDArray) => np.prod(x))(np.array([0, 2, 3], "float32")))).toEqual([6, 0, 0]);
  });
  it("differentiates running products", () => {
    const [, t] = jvp((x: NDArray) => lax.cumprod(x), [np.array([1, 2, 3], "float32")], [np.ones(3)]);
    expect(list(t)).toEqual([1, 3, 11]);
  });
  it("prints as JAX does", () => {
    expect(String(makeJaxpr(grad((x: NDArray) => np.mean(x)))(np.ones([2, 3])))).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[2,3]. let
          b:f32[] = reduce_sum[axes=(0, 1) out_sharding=None] a
          _:f32[] = div b 6.0:f32[]
          c:f32[] = div 1.0:f32[] 6.0:f32[]
          d:f32[2,3] = broadcast_in_dim c
        in (d,) }"
    `);
  });
  it("batches", () => {
    expect(list(vmap((x: NDArray) => np.sum(x), { inAxes: 1 })(matrix()))).toEqual([3, 5, 7]);
  });
});

describe("windows", () => {
  it("pools", () => {
    const x = np.reshape(np.arange(16, { dtype: "float32" }), [4, 4]);
    const pool = (a: NDArray): NDArray => lax.reduceWindow(a, -Infinity, lax.max, [2, 2], [2, 2], "VALID");
    expect(list(pool(x))).toEqual([
      [5, 7],
      [13, 15],
    ]);
    expect(list(np.sum(grad((a: NDArray) => np.sum(pool(a)))(x)))).toBe(4);
    expect(list(lax.reduceWindow(np.arange(4), 0, lax.add, [2]))).toEqual([1, 3, 5]);
    expect(list(lax.reduceWindow(np.arange(1, 5), 1, (p, q) => lax.mul(p, q), [2]))).toEqual([2, 6, 12]);
  });
});

describe("errors", () => {
  it("name axes and dtypes", () => {
    expect(() => np.sum(matrix(), 2)).toThrow("axis 2 is out of bounds for array of dimension 2");
    expect(() => np.max(np.zeros(0))).toThrow("zero-size array to reduction operation max which has no identity");
    expect(() => lax.reduceSum(np.array([true]), [0])).toThrow("does not accept dtype bool");
  });
});
