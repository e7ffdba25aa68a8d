/** Second and third derivatives of loops of unknown length: those of the unrolled program, by whatever modes, and in the memory of so many slots. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkpoint,
  grad,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  memory,
  np,
  setEngine,
  vmap,
  WhileReverseError,
  type NDArray,
} from "../../src/index.ts";
import { expectClose as expectNumbersClose } from "../remat/checkGrads.ts";
import { numbersOf } from "../remat/measure.ts";

type Pair = [NDArray, NDArray];
type Loss = (w: NDArray, x: NDArray) => NDArray;
const f32 = (x: number[]): NDArray => np.asarray(x, { dtype: "float32" });
const i32 = (n: number | number[]): NDArray => np.asarray(n, { dtype: "int32" });
const w = f32([0.3, 0.7]);
const x = f32([0.5, -0.2]);
const both = { argnums: [0, 1] };
const expectClose = (got: number[], wanted: number[]): void => expectNumbersClose(got, wanted, 2e-6, "derivative");

/** `n` steps of sin(v w) + v, in a loop that doesn't know n. */
const looped =
  (n: NDArray, slots = 3): Loss =>
  (w, x) =>
    np.sum(
      lax.whileLoop(
        ([i]: Pair) => np.less(i, n),
        ([i, v]: Pair): Pair => [i.add(1), np.sin(np.multiply(v, w)).add(v)],
        [i32(0), x] as Pair,
        { checkpoint: "online", slots },
      )[1],
    );
const unrolled =
  (n: number): Loss =>
  (w, x) => {
    let v = x;
    for (let i = 0; i < n; i++) v = np.sin(np.multiply(v, w)).add(v);
    return np.sum(v);
  };

/** A loss of a gradient, by both arguments. */
const ofGradient =
  (f: Loss): Loss =>
  (w, x) => {
    const [gw, gx] = grad(f, both)(w, x) as Pair;
    return np.sum(gw.mul(x)).add(np.sum(np.sin(gx)));
  };
const second = (f: Loss) => (w: NDArray, x: NDArray) => grad(ofGradient(f), both)(w, x) as Pair;

describe("the gradient of a gradient", () => {
  test.each([
    [0, 1],
    [1, 1],
    [5, 1],
    [5, 3],
    [9, 2],
    [9, 20],
  ])("is that of the unrolled program: %i steps, %i slots", (n, slots) => {
    expectClose(numbersOf(second(looped(i32(n), slots))(w, x)), numbersOf(second(unrolled(n))(w, x)));
  });

  test("has the same bits whatever the slots, compiled, and in checkpoints", () => {
    const wanted = numbersOf(second(looped(i32(9)))(w, x));
    for (const slots of [1, 2, 5]) expect(numbersOf(second(looped(i32(9), slots))(w, x))).toEqual(wanted);
    expect(numbersOf(jit(second(looped(i32(9))))(w, x))).toEqual(wanted);
    expect(numbersOf(second(jit(looped(i32(9))))(w, x))).toEqual(wanted);
    expect(numbersOf(second(checkpoint(looped(i32(9))))(w, x))).toEqual(wanted);
    expect(numbersOf(grad(checkpoint(ofGradient(looped(i32(9)))), both)(w, x))).toEqual(wanted);
  });

  test.each([false, true])("of a batch with lengths of their own, jit: %s", (compiled) => {
    const each = vmap((n: NDArray) => second(looped(n))(w, x));
    const lengths = [0, 3, 9, 5];
    const [gw, gx] = (compiled ? jit(each) : each)(i32(lengths));
    lengths.forEach((n, i) => {
      expectClose(numbersOf([gw.at(i).get(), gx.at(i).get()]), numbersOf(second(unrolled(n))(w, x)));
    });
  });

  test("of a batch of values", () => {
    const xs = np.stack([x, w, x.add(w)]);
    const each = (f: Loss) => numbersOf(vmap((x: NDArray) => second(f)(w, x))(xs));
    expectClose(each(looped(i32(9))), each(unrolled(9)));
  });
});

test("Hessians by every order of modes are those of the unrolled program", () => {
  const at = (f: Loss) => (x: NDArray) => f(w, x);
  const wanted = numbersOf(jacfwd(jacrev(at(unrolled(5))))(x));
  for (const outer of [jacrev, jacfwd]) {
    for (const inner of [jacrev, jacfwd]) {
      expectClose(numbersOf(outer(inner(at(looped(i32(5)))))(x)), wanted);
    }
  }
});

test("third derivatives are those of the unrolled program", () => {
  const third = (f: Loss) => {
    const once = (g: (x: NDArray) => NDArray) => (x: NDArray) => np.sum(grad(g)(x));
    return grad(once(once((x: NDArray) => f(w, x))));
  };
  const wanted = numbersOf(third(unrolled(5))(x));
  expectClose(numbersOf(third(looped(i32(5)))(x)), wanted);
  expectClose(numbersOf(jit(third(looped(i32(5))))(x)), wanted);
});

test("reverse mode over forward mode over reverse mode is an error that says what to do", () => {
  const along = (y: NDArray) => jvp((z: NDArray) => grad((v: NDArray) => looped(i32(5))(w, v))(z), [y], [w])[1];
  const call = () => grad((y: NDArray) => np.sum(along(y)))(x);
  expect(call).toThrow(WhileReverseError);
  expect(call).toThrow("take reverse derivatives first");
});

describe("memory", () => {
  let before: ReturnType<typeof setEngine> = null;
  beforeAll(() => {
    before = setEngine("wasm");
  });
  afterAll(() => setEngine(before ?? "wasm"));

  test.each([1, 2, 4, 8])("is that of %i slots of values and tangents, and of as many of values", (slots) => {
    const size = 4096;
    const { peak } = memory(second(looped(i32(1000), slots)), np.ones([size]), np.ones([size]));
    expect(peak / (4 * size)).toBeLessThan(3 * slots + 9.1);
  });
});
