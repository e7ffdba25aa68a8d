/** Shapes: values of the operations against numbers worked out by hand, programs against JAX's text. */
import { describe, expect, it } from "vitest";
import {
  grad,
  lax,
  makeJaxpr,
  np,
  RematTypeError,
  RematValueError,
  ShapeError,
  vmap,
  type NDArray,
} from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const matrix = (): NDArray => np.reshape(np.arange(6, { dtype: "float32" }), [2, 3]);

describe("reshaping and moving axes", () => {
  it("reads elements in row-major order", () => {
    expect(list(np.reshape(np.arange(6), [3, -1]))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });
  it("reads elements in column-major order when asked", () => {
    expect(list(np.reshape(np.arange(6), [3, 2], { order: "F" }))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
  });
  it("moves, swaps and permutes axes", () => {
    const x = np.zeros([2, 3, 4]);
    expect(np.transpose(x).shape).toEqual([4, 3, 2]);
    expect(np.transpose(x, [1, 2, 0]).shape).toEqual([3, 4, 2]);
    expect(np.swapaxes(x, 0, -1).shape).toEqual([4, 3, 2]);
    expect(np.moveaxis(x, [0, 1], [-1, 0]).shape).toEqual([3, 4, 2]);
    expect(np.rollaxis(x, 2).shape).toEqual([4, 2, 3]);
    expect(np.expandDims(x, [0, -1]).shape).toEqual([1, 2, 3, 4, 1]);
    expect(np.squeeze(np.zeros([1, 2, 1])).shape).toEqual([2]);
  });
  it("flips and rotates", () => {
    expect(list(np.flip(matrix(), 1))).toEqual([
      [2, 1, 0],
      [5, 4, 3],
    ]);
    expect(list(np.rot90(matrix()))).toEqual([
      [2, 5],
      [1, 4],
      [0, 3],
    ]);
    expect(list(np.roll(matrix(), 1, 1))).toEqual([
      [2, 0, 1],
      [5, 3, 4],
    ]);
  });
});

describe("joining and cutting", () => {
  it("concatenates, stacks and splits", () => {
    const x = np.arange(3);
    expect(list(np.concatenate([x, x]))).toEqual([0, 1, 2, 0, 1, 2]);
    expect(list(np.stack([x, x], 1))).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(np.split(np.arange(6), 3).map(list)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(np.arraySplit(np.arange(5), 2).map(list)).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(list(np.block([[np.ones([1, 1]), np.zeros([1, 1])]]))).toEqual([[1, 0]]);
  });
  it("promotes what meets", () => {
    expect(np.concatenate([np.arange(2), np.ones(2)]).dtype).toBe("float32");
  });
  it("tiles and repeats", () => {
    expect(list(np.tile(np.arange(2), 2))).toEqual([0, 1, 0, 1]);
    expect(list(np.repeat(np.arange(2), 2))).toEqual([0, 0, 1, 1]);
    expect(list(np.repeat(np.arange(2), [1, 3]))).toEqual([0, 1, 1, 1]);
  });
});

describe("padding", () => {
  const x = (): NDArray => np.arange(1, 4);
  it.each([
    ["constant", [0, 0, 1, 2, 3, 0]],
    ["edge", [1, 1, 1, 2, 3, 3]],
    ["reflect", [3, 2, 1, 2, 3, 2]],
    ["symmetric", [2, 1, 1, 2, 3, 3]],
    ["wrap", [2, 3, 1, 2, 3, 1]],
    ["maximum", [3, 3, 1, 2, 3, 3]],
  ] as const)("%s", (mode, expected) => {
    expect(list(np.pad(x(), [2, 1], { mode }))).toEqual(expected);
  });
  it("cuts with negative amounts and goes between elements", () => {
    expect(list(lax.pad(x(), 0, [[-1, 0, 0]]))).toEqual([2, 3]);
    expect(list(lax.pad(x(), 9, [[1, 0, 1]]))).toEqual([9, 1, 9, 2, 9, 3]);
  });
});

describe("making arrays", () => {
  it("counts", () => {
    expect(list(np.arange(1, 7, 2))).toEqual([1, 3, 5]);
    expect(list(np.linspace(0, 1, 3))).toEqual([0, 0.5, 1]);
    expect(list(np.eye(2))).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(list(np.tril(np.ones([2, 2])))).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(list(np.diag(np.arange(2)))).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(list(np.diagonal(matrix(), 1))).toEqual([1, 5]);
    expect(np.meshgrid([1, 2], [3, 4, 5]).map((g) => g.shape)).toEqual([
      [3, 2],
      [3, 2],
    ]);
  });
});

describe("programs", () => {
  it("leave out what does nothing", () => {
    expect(String(makeJaxpr((x: NDArray) => np.transpose(np.reshape(x, [2, 3]), [0, 1]))(matrix()))).toBe(
      "{ lambda ; a:f32[2,3]. let  in (a,) }",
    );
  });
  it("turn slices into pads", () => {
    const f = (x: NDArray): NDArray => np.sum(lax.slice(x, [1], [4], [2]));
    expect(list(grad(f)(np.arange(5, { dtype: "float32" })))).toEqual([0, 1, 0, 1, 0]);
  });
  it("batch over any axis", () => {
    const f = vmap((x: NDArray) => np.flip(x), { inAxes: 1, outAxes: 1 });
    expect(list(f(matrix()))).toEqual([
      [3, 4, 5],
      [0, 1, 2],
    ]);
  });
});

describe("errors", () => {
  it("name the shapes", () => {
    expect(() => np.reshape(np.arange(3), [2, 2])).toThrow(
      "cannot reshape array of shape (3,) (size 3) into shape (2, 2) (size 4)",
    );
    expect(() => np.reshape(np.arange(3), [-1, -1])).toThrow(RematTypeError);
    expect(() => np.concatenate([np.ones([2, 3]), np.ones([2, 2])])).toThrow("for shapes (2, 3), (2, 2)");
    expect(() => np.stack([np.ones(2), np.ones(3)])).toThrow(RematValueError);
    expect(() => np.transpose(np.ones([2, 3]), [0, 0])).toThrow(ShapeError);
    expect(() => np.squeeze(np.ones(3), 0)).toThrow("got shape=(3,) and dimensions=(0,)");
    expect(() => np.broadcastTo(np.ones(3), [2, 2])).toThrow("input type=float32[3] and requested type=float32[2,2]");
  });
});
