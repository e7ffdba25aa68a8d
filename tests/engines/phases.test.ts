/** Chains of long functions are computed strip by strip, phase by phase: the bits are those of one function at a time. */
import { describe, expect, test, onTestFinished } from "vitest";
import { enableX64, createWasmEngine, grad, jit, np, random, setEngine, type NDArray } from "../../src/index.ts";

const chain = (x: NDArray): NDArray => np.sin(np.multiply(np.exp(np.tanh(x)), x));

/** Six long functions, with values that later phases read again. */
const long = (x: NDArray): NDArray => {
  const a = np.tanh(x);
  const b = np.exp(a);
  const c = np.cos(np.multiply(b, x));
  const d = np.log1p(np.square(c));
  const e = np.sin(np.add(d, a));
  return np.add(np.multiply(np.arctan(np.subtract(e, b)), c), np.add(d, np.where(np.greater(x, 0), a, e)));
};

const draw = (shape: readonly number[]): NDArray => random.normal(random.key(7), shape);

const SHAPES = [[1], [127], [128], [131], [256], [257], [1000], [16_384], [16_389], [40_000], [3, 300], [5, 2, 129]];

describe("one function at a time gives the same bits", () => {
  setEngine("wasm");
  test.each(SHAPES.map((shape) => ({ shape })))("elementwise, $shape", ({ shape }) => {
    const x = draw(shape);
    for (const f of [chain, long]) expect(jit(f)(x).toJS()).toEqual(f(x).toJS());
  });

  test.each(SHAPES.map((shape) => ({ shape })))("summed, $shape", ({ shape }) => {
    const x = draw(shape);
    const last = x.ndim - 1;
    for (const f of [chain, long]) {
      expect(jit((y: NDArray) => np.sum(f(y), { axis: last }))(x).toJS()).toEqual(np.sum(f(x), { axis: last }).toJS());
      expect(jit((y: NDArray) => np.sum(f(y), { axis: 0 }))(x).toJS()).toEqual(np.sum(f(x), { axis: 0 }).toJS());
    }
  });

  test("halves and float64 beside float32", () => {
    enableX64();
    onTestFinished(() => {
      enableX64(false);
    });
    const x = draw([777]).astype("float64");
    expect(x.dtype).toBe("float64");
    const f = (y: NDArray): NDArray => {
      const half = np.exp(np.tanh(y.astype("bfloat16")));
      return np.multiply(np.sin(np.cos(half.astype("float32"))), np.sin(y));
    };
    expect(jit(f)(x).toJS()).toEqual(f(x).toJS());
  });

  test("an argument that is given up is written in place", () => {
    const x = draw([5000]);
    const expected = long(x).toJS();
    expect(jit(long, { donateArgnums: [0] })(x).toJS()).toEqual(expected);
  });

  test("each thread keeps its values in a place of its own", () => {
    const x = draw([400_000]);
    const expected = jit(long)(x).toJS();
    const before = setEngine(createWasmEngine({ threads: 3 }));
    const f = jit(long);
    // In the first runs helpers may not be there yet.
    for (let i = 0; i < 20; i++) expect(f(x).toJS()).toEqual(expected);
    setEngine(before ?? "wasm");
  });

  test("a gradient", () => {
    const x = draw([3001]);
    const f = (y: NDArray): NDArray => np.sum(chain(y));
    expect(jit(grad(f))(x).toJS()).toEqual(grad(f)(x).toJS());
  });
});
