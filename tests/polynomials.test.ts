/** Polynomials, histograms, insertions, bits, vectorized functions and index sets: values as JAX 0.10.2 gives them, and programs of some. */
import { describe, expect, test } from "vitest";
import { float, grad, jit, makeJaxpr, np, type NDArray } from "../src/index.ts";

const values = (x: NDArray): unknown => x.toJS();
const close = (x: NDArray, expected: readonly number[]): void => {
  const got = x.toJS() as readonly number[];
  expect(got).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 4));
};

describe("polynomials", () => {
  test("from roots, and their values there", () => {
    close(np.poly([1, 2, 3]), [1, -6, 11, -6]);
    close(np.polyval(np.poly([1, 2, 3]), [1, 2, 3, 4]), [0, 0, 0, 6]);
    expect(() => np.poly(np.ones([2, 3]))).toThrow(/must be 1d/);
  });

  test("sums align the constants, whichever is longer", () => {
    close(np.polyadd([1, 2, 3], [10]), [1, 2, 13]);
    close(np.polysub([10], [1, 2, 3]), [-1, -2, 7]);
  });

  test("a product divided by a factor is the other, without a remainder", () => {
    const [p, q] = [np.array([2, 3, 1]), np.array([1, -4])];
    const [quotient, remainder] = np.polydiv(np.polymul(p, q), q, { trimLeadingZeros: true });
    close(quotient, [2, 3, 1]);
    expect(remainder.shape).toEqual([0]);
  });

  test("derivative and integral undo each other", () => {
    close(np.polyint([3, 2, 1], { k: 7 }), [1, 1, 1, 7]);
    close(np.polyder(np.polyint([3, 2, 1], 2), 2), [3, 2, 1]);
    expect(() => np.polyder([1, 2], -1)).toThrow("Order of derivative must be positive");
    expect(() => np.polyint([1, 2], { m: 3, k: [1, 2] })).toThrow("k must be a scalar or a rank-1 array");
  });

  test("polyfit goes through points, or as near as it can", () => {
    close(np.polyfit([0, 1, 2], [1, 3, 5], 1), [2, 1]);
    close(np.polyfit([0, 1, 2, 3], [1, 3, 5, 8], 2, { w: [1, 2, 1, 1] }), [0.20755, 1.66038, 1.07547]);
    expect(np.polyfit([0, 1, 2], np.ones([3, 2]), 1).shape).toEqual([2, 2]);
    expect(() => np.polyfit([0, 1], [1], 1)).toThrow("expected x and y to have same length");
  });

  test("polyval has the derivative of the polynomial", () => {
    const p = np.array([1, -3, 2]);
    expect(grad((x: NDArray) => np.polyval(p, x))(float(2)).item()).toBeCloseTo(
      np.polyval(np.polyder(p), 2).item() as number,
    );
  });

  test("a sum of polynomials is one jitted scatter", () => {
    const program = String(makeJaxpr((x: NDArray, y: NDArray) => np.polyadd(x, y))(np.ones(3), np.ones(2)));
    expect(program).toContain("name=polyadd");
    expect(program).toContain("scatter-add");
  });
});

describe("histograms", () => {
  test("counts, edges, weights and densities", () => {
    const [counts, edges] = np.histogram([0, 1, 1, 2, 4], 4);
    close(counts, [1, 2, 1, 1]);
    close(edges, [0, 1, 2, 3, 4]);
    close(np.histogram([0.5, 1.5], { bins: [0, 1, 2], weights: [2, 3] })[0], [2, 3]);
    close(np.histogram([0, 1, 1, 2, 4], { bins: 2, range: [0, 4], density: true })[0], [0.3, 0.2]);
  });

  test("samples that are all the same get bins around them", () => {
    close(np.histogramBinEdges([3, 3], 2), [2.5, 3, 3.5]);
  });

  test("in two dimensions the counts are a matrix", () => {
    const [counts, xEdges, yEdges] = np.histogram2d([0, 1, 2], [0, 2, 4], 2);
    expect(values(counts)).toEqual([
      [1, 0],
      [0, 2],
    ]);
    close(xEdges, [0, 1, 2]);
    close(yEdges, [0, 2, 4]);
  });
});

describe("insertions", () => {
  test("before a place, before several, along an axis, at a slice", () => {
    close(np.insert([1, 2, 3], 1, 9), [1, 9, 2, 3]);
    close(np.insert([1, 2, 3], [0, -1], [8, 9]), [8, 1, 2, 9, 3]);
    expect(values(np.insert(np.ones([2, 2]), 1, [5, 6], 1))).toEqual([
      [1, 5, 1],
      [1, 6, 1],
    ]);
    close(np.insert([1, 2, 3], np.slice(null, null, 2), 0), [0, 1, 2, 0, 3]);
  });

  test("choices outside are refused, wrapped or clipped", () => {
    const choices = [
      [1, 2, 3],
      [10, 20, 30],
    ];
    expect(() => np.choose([0, 1, 2], choices)).toThrow("invalid entry in choice array");
    close(np.choose([0, 1, 2], choices, { mode: "wrap" }), [1, 20, 3]);
    close(np.choose([0, 1, 2], choices, { mode: "clip" }), [1, 20, 30]);
  });

  test("a diagonal is filled, in a new array", () => {
    expect(values(np.fillDiagonal(np.zeros([2, 3]), [1, 2]))).toEqual([
      [1, 0, 0],
      [0, 2, 0],
    ]);
    expect(() => np.fillDiagonal(np.zeros([2, 2]), 1, { inplace: true })).toThrow("immutable");
  });

  test("zeros at the ends are trimmed where the values are known", () => {
    close(np.trimZeros([0, 0, 1, 0, 2, 0]), [1, 0, 2]);
    close(np.trimZeros([0, 1, 0], "b"), [0, 1]);
    expect(np.trimZeros([0, 0]).shape).toEqual([0]);
    expect(() => jit((x: NDArray) => np.trimZeros(x))(np.ones(2))).toThrow("trim_zeros");
  });
});

test("bits packed and unpacked are the bits again, in both orders and along axes", () => {
  const bits = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1], "uint8");
  expect(values(np.packbits(bits))).toEqual([178, 128]);
  for (const bitorder of ["big", "little"] as const) {
    expect(values(np.unpackbits(np.packbits(bits, { bitorder }), { count: 9, bitorder }))).toEqual(values(bits));
  }
  expect(np.unpackbits(np.zeros([2, 3], "uint8"), 0).shape).toEqual([16, 3]);
  expect(np.unpackbits(np.zeros([2], "uint8"), null, 20).shape).toEqual([20]);
});

describe("functions throughout arrays", () => {
  test("vectorize broadcasts what the signature does not name", () => {
    const dots = np.vectorize((x, y) => np.dot(x, y), { signature: "(n,m),(m)->(n)" });
    expect(dots(np.ones([2, 1, 3, 4]), np.ones([5, 4])).shape).toEqual([2, 5, 3]);
    expect(() => dots(np.ones([3, 4]), np.ones([5]))).toThrow("inconsistent size for core dimension 'm'");
    expect(() => dots(np.ones([3, 4]))).toThrow("wrong number of positional arguments");
    expect(() => np.vectorize((x) => x, { signature: "(n)" })(np.ones(2))).toThrow("not a valid gufunc signature");
  });

  test("fromfunction gives the indices to the function", () => {
    expect(values(np.fromfunction((i, j) => i.mul(10).add(j), [2, 3], { dtype: "int32" }))).toEqual([
      [0, 1, 2],
      [10, 11, 12],
    ]);
  });

  test("piecewise takes the last condition that holds, else the default", () => {
    const x = np.array([-2, 0.5, 3]);
    close(np.piecewise(x, [x.less(0), x.greater(1)], [(y: NDArray) => y.neg(), 7, 1]), [2, 1, 7]);
    close(np.piecewise(x, [x.less(0)], [(y: NDArray, k: NDArray) => y.mul(k)], 10), [-20, 0, 0]);
    close(
      grad((y: NDArray) => np.piecewise(y, [y.less(0)], [(z: NDArray) => z.neg(), np.square]).sum())(x),
      [-1, 1, 6],
    );
    expect(() => np.piecewise(x, [x.less(0)], [1, 2, 3])).toThrow("either 1 or 2 functions are expected; got 3");
  });

  test("a function over several axes keeps them", () => {
    expect(values(np.applyOverAxes((x, axis) => np.sum(x, axis), np.ones([2, 3]), [0, 1]))).toEqual([[6]]);
  });
});

test("index sets", () => {
  expect(np.trilIndicesFrom(np.ones([2, 3])).map(values)).toEqual([
    [0, 1, 1],
    [0, 0, 1],
  ]);
  expect(np.triuIndicesFrom(np.ones([2, 3]), 1).map(values)).toEqual([
    [0, 0, 1],
    [1, 2, 2],
  ]);
  expect(np.diagIndicesFrom(np.ones([2, 2])).map(values)).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(() => np.diagIndicesFrom(np.ones([2, 3]))).toThrow("equal length");
  expect(np.maskIndices(2, np.triu).map(values)).toEqual([
    [0, 0, 1],
    [0, 1, 1],
  ]);
});

test("copies, texts, buffers and kinds", () => {
  expect(String(makeJaxpr(np.copy)(np.ones(2)))).toContain("copy");
  expect(np.arrayStr([1, 2])).toBe("[1. 2.]");
  expect(np.arrayRepr([1, 2])).toBe("Array([1., 2.], dtype=float32)");
  expect(values(np.frombuffer(new Float64Array([1, 2]).buffer))).toEqual([1, 2]);
  expect(values(np.frombuffer(new Uint8Array([9, 1, 0, 2, 0]), { dtype: "int16", offset: 1 }))).toEqual([1, 2]);
  expect(() => np.frombuffer(new Uint8Array(5), "int16")).toThrow("multiple of element size");
  expect(np.issubdtype("float32", "floating")).toBe(true);
  expect(np.issubdtype("int8", "unsignedinteger")).toBe(false);
  expect([np.iterable([1]), np.iterable(np.ones(2)), np.iterable(np.ones([])), np.iterable(3)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
