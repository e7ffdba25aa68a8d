/** Names of mapped axes: where they hold, what is refused, and values against plain reductions. Programs are compared in `programs.test.ts`. */
import { describe, expect, test } from "vitest";
import { grad, jit, lax, makeJaxpr, np, vmap, type NDArray } from "../../src/index.ts";

const x = np.array([
  [0.5, 1.25],
  [-0.75, 2],
  [1.5, -0.25],
]);
const numbers = (y: unknown): unknown => (y as NDArray).toJSON();
const along = (f: (a: NDArray) => unknown) => vmap(f, { axisName: "i" });

describe("a name that no mapped axis has", () => {
  test.each<[string, () => unknown]>([
    ["psum", () => lax.psum(x, "i")],
    ["psum", () => makeJaxpr((a: NDArray) => lax.psum(a, "i"))(x)],
    ["psum", () => grad((a: NDArray) => np.sum(lax.psum(a, "i")))(x)],
    ["pmax", () => jit((a: NDArray) => lax.pmax(a, "i"))(x)],
    ["axis_index", () => lax.axisIndex("i")],
    ["axis_size", () => lax.axisSize("i")],
    ["ppermute", () => lax.ppermute(x, "i", [[0, 0]])],
    ["axis_size", () => vmap((a: NDArray) => lax.pmean(a, "i"))(x)],
    ["psum", () => vmap((a: NDArray) => lax.psum(a, "j"), { axisName: "i" })(x)],
  ])("%s", (asker, call) => {
    const name = String(call).includes('"j"') ? "j" : "i";
    expect(call).toThrow(
      expect.objectContaining({
        name: "UnboundAxisNameError",
        jaxClass: "NameError",
        message: expect.stringContaining(`Found an unbound axis name: ${name}. To fix this, please call `) as string,
      }),
    );
    expect(asker).not.toBe("");
  });

  test("is out of scope once the map is done, also after an error", () => {
    along((a) => lax.psum(a, "i"))(x);
    expect(() => along(() => lax.psum(x, "none"))(x)).toThrow("unbound axis name: none");
    expect(() => lax.axisSize("i")).toThrow("unbound axis name: i");
  });
});

describe("what is refused", () => {
  test.each<[string, () => unknown, string]>([
    ["groups", () => along((a) => lax.psum(a, "i", { axisIndexGroups: [[0, 1], [2]] }))(x), "not supported in vmap"],
    [
      "groups that leave one out",
      () => along((a) => lax.psum(a, "i", { axisIndexGroups: [[0, 1, 3]] }))(x),
      "exactly once",
    ],
    [
      "derivatives of maxima",
      () => grad((y: NDArray) => np.sum(along((a) => lax.pmax(a, "i"))(y) as NDArray))(x),
      "pmax",
    ],
    ["half of a permutation", () => along((a) => lax.ppermute(a, "i", [[0, 1]]))(x), "doesn't match the axis size"],
    ["no permutation", () => along((a) => lax.pshuffle(a, "i", [0, 0, 1]))(x), "does not represent a permutation"],
    ["sizes that differ", () => along((a) => lax.allToAll(a, "i", 0, 0))(x), "they are 3 and 2 respectively"],
    ["uneven chunks", () => along((a) => lax.allToAll(a, "i", 0, 0, { tiled: true }))(x), "divisible"],
    ["uneven parts", () => along((a) => lax.psumScatter(a, "i", { tiled: true }))(x), "divisible by shard_count 3"],
    ["a source outside", () => along((a) => lax.pbroadcast(a, "i", 3))(x), "doesn't fit in the axis size"],
    ["a name that is none", () => vmap((a: NDArray) => a, { axisName: 1 as never })(x), "axisName is a string"],
    [
      "devices",
      () => vmap((a: NDArray) => a, { spmdAxisName: "i" } as never)(x),
      "spreads the mapped axis over devices",
    ],
  ])("%s", (_what, call, message) => {
    expect(call).toThrow(message);
  });
});

test("a jitted function is traced anew for an axis of another size", () => {
  const mean = jit((a: NDArray) => a.div(lax.axisSize("i")));
  expect(numbers(along(mean)(np.ones([2])))).toEqual([0.5, 0.5]);
  expect(numbers(along(mean)(np.ones([4])))).toEqual([0.25, 0.25, 0.25, 0.25]);
});

test("the inner of two axes of one name is meant", () => {
  const inner = vmap(
    along((a) => a.mul(lax.axisSize("i"))),
    { axisName: "i" },
  );
  expect(numbers(inner(np.ones([2, 3])))).toEqual([
    [3, 3, 3],
    [3, 3, 3],
  ]);
});

test("pbroadcast gives every slice the one of its source, and sums cotangents there", () => {
  const f = along((a) => lax.pbroadcast(a, "i", 1));
  expect(numbers(f(x))).toEqual([
    [-0.75, 2],
    [-0.75, 2],
    [-0.75, 2],
  ]);
  const inside = along(grad((a: NDArray) => np.sum(np.sin(lax.pbroadcast(a, "i", 1)))));
  const [none, there, nothing] = numbers(inside(x)) as number[][];
  expect([none, nothing]).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(there[0]).toBeCloseTo(3 * Math.cos(-0.75), 5);
  expect(there[1]).toBeCloseTo(3 * Math.cos(2), 5);
});

test("all_to_all can be differentiated between different axes, which JAX refuses", () => {
  const cube = np.reshape(np.arange(18).div(10), [3, 3, 2]);
  const inside = along(grad((a: NDArray) => np.sum(np.sin(lax.allToAll(a, "i", 0, 1)))));
  expect(np.allclose(inside(cube) as NDArray, np.cos(cube)).item()).toBe(true);
});
