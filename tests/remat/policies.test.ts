/**
 * Policies: what is left for the linear and the backward program to compute. `sin 2, dot_general 6` means that the printed program holds that many
 * of these equations. The counts are JAX's.
 */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jit,
  lax,
  type NDArray,
  np,
  PolicyError,
  vmap,
  type Policy,
} from "../../src/index.ts";
import { checkGrads } from "./checkGrads.ts";
import { backwardText, count, f32, linearText, numbersOf, savePrimitives, type Fn } from "./measure.ts";
const { dotsSaveable, dotsWithNoBatchDimsSaveable, everythingSaveable, saveOnlyTheseNames } = checkpointPolicies;

const linear = (f: Fn, x: NDArray, ...words: readonly string[]): number[] => {
  const text = linearText(f, x);
  return words.map((w) => count(text, w));
};
const backward = (f: Fn, x: NDArray, ...words: readonly string[]): number[] => {
  const text = backwardText(f, x);
  return words.map((w) => count(text, w));
};

describe.each([
  ["plain", np.square as (x: NDArray) => NDArray],
  ["jitted", jit(np.square as (x: NDArray) => NDArray)],
])("sin(square(sin)), with a %s square", (_, square) => {
  const body =
    (name: string): ((x: NDArray) => NDArray) =>
    (x) =>
      square(square(checkpointName(np.sin(x), name)));

  test.each<[string, Policy | null, number, number]>([
    ["everything", everythingSaveable, 0, 0],
    ["no policy", null, 1, 1],
    ["the name of sin", saveOnlyTheseNames("sin"), 0, 1],
    ["another name", saveOnlyTheseNames("cos"), 1, 1],
  ])("%s", (_, policy, sines, cosines) => {
    const f = checkpoint(body("sin"), { policy });
    expect(linear(f, f32(0.3), "sin", "cos")).toEqual([sines, cosines]);
    checkGrads(f, [f32(0.3)], { order: 2, tolerance: 2e-2 });
  });
});

test("a policy on the cosine", () => {
  const f = checkpoint((x: NDArray) => np.sin(np.sin(x)), { policy: savePrimitives("cos") });
  expect(linear(f, f32(1), "sin", "cos")).toEqual([0, 0]);
});

describe("products", () => {
  const ones = np.ones([2, 2]);
  const chain =
    (product: (x: NDArray) => NDArray) =>
    (x: NDArray): NDArray => {
      let y = x;
      for (let i = 0; i < 3; i++) y = np.sin(product(y));
      return y;
    };
  const plain = chain((x) => np.dot(x, x, { precision: "highest" }));

  test.each<[string, (f: (x: NDArray) => NDArray) => (x: NDArray) => NDArray]>([
    ["plain", (f) => f],
    ["jitted", (f) => jit(f)],
  ])("are saved by dotsSaveable (%s)", (_, wrap) => {
    const f = checkpoint(wrap(plain), { policy: dotsSaveable });
    expect(linear(f, ones, "sin", "dot_general")).toEqual([2, 6]);
    checkGrads(
      wrap(plain),
      [
        np.array(
          [
            [0.1, 0.2],
            [0.3, -0.1],
          ],
          "float32",
        ),
      ],
      { order: 1, tolerance: 2e-2 },
    );
  });

  test("without batch dimensions are saved by dotsWithNoBatchDimsSaveable", () => {
    const f = checkpoint(
      chain((x) => np.einsum("ij,jk->ik", x, x)),
      { policy: dotsWithNoBatchDimsSaveable },
    );
    expect(linear(f, ones, "sin", "dot_general")).toEqual([2, 6]);
  });

  test("with batch dimensions are not", () => {
    const f = checkpoint(
      chain((x) => np.einsum("nij,njk->nik", x, x)),
      { policy: dotsWithNoBatchDimsSaveable },
    );
    expect(linear(f, np.ones([2, 2, 2]), "sin", "dot_general")).toEqual([2, 9]);
  });

  const layers = (x: NDArray, w: NDArray): NDArray => {
    let y = x;
    for (let i = 0; i < 3; i++) y = np.sin(np.dot(y, w));
    return y;
  };
  const start = np.ones([5]);
  const weights = np.divide(np.ones([5, 5]), 10);

  test("inside scan", () => {
    const layer = checkpoint(layers, { policy: dotsSaveable });
    const f = (w: NDArray): NDArray => lax.scan((c: NDArray) => [layer(c, w), null], start, null, { length: 2 })[0];
    expect(backward(f, weights, "sin", "cos", "dot_general")).toEqual([2, 3, 6]);
    checkGrads(f, [weights], { order: 1, modes: ["rev"], tolerance: 2e-2 });
  });

  test("around scan", () => {
    const f = checkpoint(
      (w: NDArray) => lax.scan((c: NDArray) => [layers(c, w), null], start, null, { length: 2 })[0],
      {
        policy: dotsSaveable,
      },
    );
    expect(backward(f, weights, "sin", "cos", "dot_general")).toEqual([3, 3, 6]);
    checkGrads(f, [weights], { order: 1, modes: ["rev"], tolerance: 2e-2 });
  });

  const branching =
    (layer: typeof layers) =>
    (w: NDArray): NDArray =>
      lax.cond(
        true,
        (x: NDArray) => layer(x, w),
        (x: NDArray) => x,
        start,
      );

  test("inside cond", () => {
    const f = branching(checkpoint(layers, { policy: dotsSaveable }));
    expect(backward(f, weights, "sin", "cos", "dot_general")).toEqual([2, 3, 5]);
    checkGrads(f, [weights], { order: 1, modes: ["rev"], tolerance: 2e-2 });
  });

  test("around cond", () => {
    const f = checkpoint(branching(layers), { policy: dotsSaveable });
    expect(backward(f, weights, "sin", "cos", "dot_general")).toEqual([2, 3, 5]);
    checkGrads(f, [weights], { order: 1, modes: ["rev"], tolerance: 2e-2 });
  });
});

test("grad inside of a checkpointed function, with unused outputs", () => {
  const inner = (x: NDArray, y: NDArray): NDArray => np.sum(np.multiply(np.dot(np.sin(x), y), np.cos(x)));
  const f = checkpoint((x: NDArray, y: NDArray) => np.sum(grad(inner)(x, y)), { policy: dotsSaveable });
  const [x, y] = [
    np.array([0.1, 0.2], "float32"),
    np.array(
      [
        [1, 2],
        [3, 4],
      ],
      "float32",
    ),
  ];
  const plain = (x: NDArray, y: NDArray): NDArray => np.sum(grad(inner)(x, y));
  expect(numbersOf(grad(f)(x, y))).toEqual(numbersOf(grad(plain)(x, y)));
});

describe("loops under a policy", () => {
  const loop = (x: NDArray): NDArray => lax.scan((c: NDArray) => [np.sin(c), null], x, null, { length: 4 })[0];
  const branch = (x: NDArray): NDArray =>
    lax.cond(
      np.greater(x, 0),
      (x: NDArray) => np.sin(x),
      (x: NDArray) => x,
      x,
    );

  test.each([
    ["scan", loop],
    ["cond", branch],
  ])("cosines inside %s are saved", (_, body) => {
    const f = checkpoint(body, { policy: savePrimitives("cos") });
    expect(linear(f, f32(0.4), "sin", "cos")).toEqual([0, 0]);
    checkGrads(f, [f32(0.4)], { order: 2, tolerance: 2e-2 });
  });

  test("nothing inside a while loop can be", () => {
    const f = checkpoint(
      (x: NDArray) =>
        lax.whileLoop(
          ([i]: readonly [NDArray, NDArray]) => np.less(i, 3),
          ([i, c]: readonly [NDArray, NDArray]) => [i.add(1), np.sin(c)],
          [f32(0), x] as [NDArray, NDArray],
        )[1],
      { policy: savePrimitives("cos") },
    );
    const [sines, cosines] = linear(f, f32(0.4), "sin", "cos");
    expect(sines).toBeGreaterThan(0);
    expect(cosines).toBeGreaterThan(0);
    checkGrads(f, [f32(0.4)], { order: 1, modes: ["fwd"], tolerance: 2e-2 });
  });
});

test("ys of a scan that nobody uses have a zero cotangent", () => {
  const f = checkpoint((x: NDArray) => {
    const [c] = lax.scan((c: NDArray, x: NDArray) => [np.multiply(c, x), np.sin(c)], f32(1), x);
    return c;
  });
  expect(numbersOf(grad(f)(np.array([2, 3, 4], "float32")))).toEqual([12, 8, 6]);
});

test("names under vmap", () => {
  const f = checkpoint((x: NDArray) => np.sin(checkpointName(np.multiply(x, x), "y")), {
    policy: saveOnlyTheseNames("y"),
  });
  const x = np.array([1, 2, 3], "float32");
  const plain = (x: NDArray): NDArray => np.sin(np.multiply(x, x));
  expect(vmap(f)(x).toJS()).toEqual(plain(x).toJS());
  expect(numbersOf(grad((x: NDArray) => np.sum(vmap(f)(x)))(x))).toEqual(
    numbersOf(grad((x: NDArray) => np.sum(plain(x)))(x)),
  );
});

test("a name may not be both saved and offloaded", () => {
  const options = { offloadSrc: "device", offloadDst: "pinned_host" };
  expect(() =>
    checkpointPolicies.saveAndOffloadOnlyTheseNames({
      ...options,
      namesWhichCanBeSaved: ["x", "y"],
      namesWhichCanBeOffloaded: ["y", "z"],
    }),
  ).toThrow(PolicyError);
});

test("saveFromBothPolicies saves what either saves, and joins answers of true and false alone", () => {
  const { saveFromBothPolicies, offloadDotWithNoBatchDims } = checkpointPolicies;
  const body = (x: NDArray): NDArray => np.sin(np.sin(checkpointName(np.dot(x, x), "d")));
  const either = saveFromBothPolicies(savePrimitives("cos"), dotsSaveable);
  expect(linear(checkpoint(body, { policy: either }), np.ones([2, 2]), "sin", "cos")).toEqual([0, 0]);
  const wrong = saveFromBothPolicies(offloadDotWithNoBatchDims("device", "pinned_host"), dotsSaveable);
  expect(() => grad((x: NDArray) => np.sum(checkpoint(body, { policy: wrong })(x)))(np.ones([2, 2]))).toThrow(
    PolicyError,
  );
});
