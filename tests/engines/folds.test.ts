/** Products of floats, and folds by functions of the user's and along named axes, in compiled programs. */
import { describe, test } from "vitest";
import { grad, lax, np, vmap, type NDArray } from "../../src/index.ts";
import { expectSame, values } from "./sameBits.ts";

describe.each(["float16", "bfloat16", "float32", "float64"] as const)("products of %s", (dtype) => {
  const x = values([3, 7, 5, 4], "float64").div(9).add(1).astype(dtype);
  test.each([[[0]], [[1]], [[2]], [[3]], [[0, 2]], [[1, 3]], [[2, 1]], [[0, 3]], [[0, 1, 2, 3]]])(
    "along %j",
    (axes) => {
      expectSame((a) => [np.prod(a, { axis: axes }), np.prod(np.transpose(a), { axis: axes })], x);
    },
  );
  test("that would overflow in another order, and of nothing", () => {
    const largest = np.asarray([60000, 1e-4, 60000, 1e-4, 1e-30, 1e30], dtype);
    expectSame((a) => [np.prod(a), np.prod(lax.slice(a, [0], [1]))], largest);
  });
});

describe.each(["int8", "int32", "int64", "bfloat16", "float32", "float64"] as const)(
  "folds of %s by a function",
  (dtype) => {
    const x = values([3, 6, 5], dtype);
    const alternating = (a: NDArray, b: NDArray): NDArray => lax.sub(lax.mul(a, np.maximum(b, 2)), b);
    test.each([[[0]], [[1]], [[2]], [[0, 2]], [[1, 2]], [[0, 1, 2]]])("along %j", (axes) => {
      expectSame((a) => lax.reduce(a, np.asarray(1, dtype), alternating, axes), x);
    });
    test("over windows", () => {
      const pad = [
        [0, 1],
        [2, 0],
        [1, 1],
      ] as const;
      expectSame(
        (a) => [
          lax.reduceWindow(a, np.asarray(3, dtype), alternating, [1, 2, 2], [1, 2, 1], "VALID"),
          lax.reduceWindow(a, np.asarray(1, dtype), alternating, [2, 2, 3], [1, 1, 2], pad),
          lax.reduceWindow(a, np.asarray(1, dtype), alternating, [2, 3, 1], {
            padding: pad,
            baseDilation: [1, 2, 3],
            windowDilation: [1, 1, 2],
          }),
        ],
        x,
      );
    });
  },
);

test("several arrays folded together", () => {
  const best = ([x, i]: readonly NDArray[], [y, j]: readonly NDArray[]): NDArray[] => {
    const takes = lax.bitwiseOr(lax.gt(x, y), lax.bitwiseAnd(lax.eq(x, y), lax.lt(i, j)));
    return [lax.select(takes, x, y), lax.select(takes, i, j)];
  };
  const folded = (a: NDArray, b: NDArray): NDArray[] => {
    const both = (l: readonly NDArray[], r: readonly NDArray[]): readonly NDArray[] => best(l, r);
    return [0, 1].flatMap(
      (axis) =>
        lax.reduce([a, b], [np.asarray(-Infinity, a.dtype), np.asarray(0, b.dtype)], both as never, [
          axis,
        ]) as unknown as NDArray[],
    );
  };
  for (const dtype of ["int32", "int64"] as const)
    expectSame(folded, values([5, 7], "float32"), lax.broadcastedIota(dtype, [5, 7], 1));
});

test("along named axes", () => {
  const x = values([6, 5], "float32");
  const f = vmap((a: NDArray) => lax.psum(a, "i").mul(a).add(lax.pmax(a, "i")).sub(lax.pmin(a, "i")), {
    axisName: "i",
  });
  const g = grad((a: NDArray) => np.sum(vmap((r: NDArray) => r.mul(lax.psum(lax.sin(r), "i")), { axisName: "i" })(a)));
  expectSame((a) => f(a), x);
  expectSame((a) => vmap((r: NDArray) => lax.psum(r, "i"), { axisName: "i" })(a), values([6, 5], "bfloat16"));
  expectSame((a) => g(lax.floor(a).mul(0)), x);
});
