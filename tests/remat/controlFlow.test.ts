/**
 * Loops and branches through each way to checkpoint: whole functions, their bodies, with and without something saved. Every result must be that of
 * the plain program, whose derivatives are compared with differences.
 */
import { describe, expect, test } from "vitest";
import { checkpoint, checkpointPolicies, grad, jit, jvp, lax, linearize, NDArray, np, vmap } from "../../src/index.ts";
import { checkGrads } from "./checkGrads.ts";
import { f32, numbersOf, type Fn } from "./measure.ts";

type Wrap = <F extends Fn>(f: F) => F;
const { everythingSaveable, nothingSaveable, dotsSaveable } = checkpointPolicies;

const wraps: readonly (readonly [string, Wrap])[] = [
  ["no checkpoint", (f) => f],
  ["nothing saved", (f) => checkpoint(f, { policy: nothingSaveable })],
  ["everything saved", (f) => checkpoint(f, { policy: everythingSaveable })],
  ["products saved", (f) => checkpoint(f, { policy: dotsSaveable })],
  ["without prevention of merging", (f) => checkpoint(f, { preventCse: false })],
  ["jitted", (f) => checkpoint(jit(f))],
];

const vector = np.array([0.5, -0.3, 0.8], "float32");
const b = np.array([0.2, -0.7], "float32");

interface Program {
  readonly f: (...args: NDArray[]) => unknown;
  readonly args: readonly NDArray[];
  readonly forwardOnly?: boolean;
}

/** The programs, with the wrapper around the bodies of their loops and branches. */
const programs = (body: Wrap): Readonly<Record<string, Program>> => ({
  "cond, both branches used": {
    f: (x, y) =>
      np.add(
        lax.cond(
          np.greater(np.sum(x), 0),
          body((x: NDArray) => np.sin(x)),
          body((x: NDArray) => x.mul(2)),
          x,
        ),
        lax.cond(
          np.less(np.sum(y), 0),
          body((x: NDArray) => np.sin(x)),
          body((x: NDArray) => np.exp(x)),
          x,
        ),
      ),
    args: [vector, b],
  },
  "cond inside cond": {
    f: (x) =>
      lax.cond(
        np.greater(x.get(0), 0),
        body((x: NDArray) =>
          lax.cond(
            np.greater(x.get(1), 0),
            (x: NDArray) => np.sin(x),
            (x: NDArray) => np.cos(x).mul(x),
            x,
          ),
        ),
        (x: NDArray) => x,
        x,
      ),
    args: [vector],
  },
  "switch with closed-over values": {
    f: (x, y) =>
      lax.switchBranches(
        2,
        [(x: NDArray) => x, body((x: NDArray) => x.mul(2)), body((x: NDArray) => np.sin(x).mul(np.sum(y)))],
        x,
      ),
    args: [vector, b],
  },
  "scan with a carry, xs, ys and a constant": {
    f: (c, xs, w) =>
      lax.scan(
        body((c: NDArray, x: NDArray): [NDArray, NDArray] => {
          const next = np.tanh(np.dot(w, c).add(x));
          return [next, np.sin(next).mul(x)];
        }),
        c,
        xs,
      ),
    args: [
      vector,
      np.reshape(np.linspace(-1, 1, 12), [4, 3]),
      np.array(
        [
          [0.1, 0.2, 0],
          [0, 0.3, 0.1],
          [0.4, 0, 0.2],
        ],
        "float32",
      ),
    ],
  },
  "scan backwards": {
    f: (c, xs) =>
      lax.scan(
        body((c: NDArray, x: NDArray): [NDArray, NDArray] => [c.mul(x).add(np.sin(c)), c.mul(c)]),
        c,
        xs,
        { reverse: true },
      ),
    args: [f32(0.3), np.array([0.5, -1, 2], "float32")],
  },
  "scan with constants to hoist": {
    f: (x, w) => {
      const step = body((c: NDArray): [NDArray, null] => [np.sin(np.dot(np.cos(w), c)).mul(np.exp(0.1)), null]);
      return lax.scan(step, x, null, { length: 3 })[0];
    },
    args: [
      vector,
      np.array(
        [
          [0.1, 0.2, 0.3],
          [0.3, 0.2, 0.1],
          [0.2, 0.2, 0.2],
        ],
        "float32",
      ),
    ],
  },
  "scan of no step": {
    f: (c) =>
      lax.scan(
        body((c: NDArray): [NDArray, NDArray] => [np.sin(c), c]),
        c,
        null,
        { length: 0 },
      )[0],
    args: [vector],
  },
  "scan inside scan": {
    f: (c, xs) =>
      lax.scan(
        body((c: NDArray, x: NDArray): [NDArray, null] => [
          lax.scan(
            body((d: NDArray): [NDArray, null] => [np.sin(d).mul(x), null]),
            c,
            null,
            { length: 2 },
          )[0],
          null,
        ]),
        c,
        xs,
      )[0],
    args: [f32(0.9), np.array([1.1, 0.7], "float32")],
  },
  "cond inside scan": {
    f: (c, xs) =>
      lax.scan(
        body((c: NDArray, x: NDArray): [NDArray, NDArray] => {
          const next = lax.cond(
            np.greater(x, 0),
            (c: NDArray) => np.sin(c),
            (c: NDArray) => c.mul(c),
            c,
          );
          return [next, next.mul(x)];
        }),
        c,
        xs,
      ),
    args: [f32(0.6), np.array([1, -1, 0.5], "float32")],
  },
  "foriLoop with known bounds": {
    f: (x) =>
      lax.foriLoop(
        0,
        3,
        body((i: NDArray, x: NDArray) => np.sin(x).mul(i.add(1))),
        x,
      ),
    args: [vector],
  },
  whileLoop: {
    f: (x) =>
      lax.whileLoop(
        (c: readonly [NDArray, NDArray]) => np.less(c[0], 3),
        body((c: readonly [NDArray, NDArray]): readonly [NDArray, NDArray] => [c[0].add(1), np.sin(c[1]).mul(2)]),
        [f32(0), x] as readonly [NDArray, NDArray],
      )[1],
    args: [vector],
    forwardOnly: true,
  },
});

const plain = programs((f) => f);

describe.each(Object.keys(plain))("%s", (name) => {
  const { f, args, forwardOnly } = plain[name];
  const reference = numbersOf(f(...args));
  const modes = forwardOnly === true ? (["fwd"] as const) : (["fwd", "rev"] as const);

  test("the plain program has the right derivatives", () => {
    checkGrads((...xs) => f(...xs), args, { order: forwardOnly === true ? 1 : 2, modes, tolerance: 3e-2 });
  });

  describe.each(wraps)("%s", (_, wrap) => {
    const variants: readonly (readonly [string, Program["f"]])[] = [
      ["around", wrap(f as Fn) as Program["f"]],
      ["inside", programs(wrap)[name].f],
      ["both", wrap(programs(wrap)[name].f as Fn) as Program["f"]],
    ];
    test.each(variants)("%s", (_, g) => {
      expect(numbersOf(g(...args))).toEqual(reference);
      const tangents = args.map((x) => np.onesLike(x));
      expect(numbersOf(linearize(g, ...args)[1](...tangents))).toEqual(
        numbersOf(linearize(f, ...args)[1](...tangents)),
      );
      expect(numbersOf(jvp(g, args, tangents))).toEqual(numbersOf(jvp(f, args, tangents)));
      const batch = args.map((x) => np.stack([x, x.mul(0.5)]));
      expect(numbersOf(vmap(g)(...batch))).toEqual(numbersOf(vmap(f)(...batch)));
      if (forwardOnly === true) return;
      const total =
        (h: Program["f"]) =>
        (...xs: NDArray[]): NDArray =>
          [h(...xs)]
            .flat(2)
            .reduce((sum: NDArray, y) => (y instanceof NDArray ? sum.add(np.sum(np.sin(y))) : sum), f32(0));
      const argnums = args.map((_, i) => i);
      expect(numbersOf(grad(total(g), { argnums })(...args))).toEqual(numbersOf(grad(total(f), { argnums })(...args)));
      expect(numbersOf(jit(grad(total(g), { argnums }))(...args))).toEqual(
        numbersOf(grad(total(f), { argnums })(...args)),
      );
      expect(numbersOf(vmap(grad(total(g)))(...batch))).toEqual(numbersOf(vmap(grad(total(f)))(...batch)));
    });
  });
});

describe("a while loop whose elements stop at different times", () => {
  const halve = (n: NDArray, x: NDArray): NDArray =>
    lax.whileLoop(
      (c: readonly [NDArray, NDArray]) => np.less(c[0], n),
      (c: readonly [NDArray, NDArray]) => [c[0].add(1), np.sin(c[1]).mul(2)] as const,
      [np.zerosLike(n), x] as const,
    )[1];
  const counts = np.array([3, 0, 1], "int32");
  const xs = np.array([0.1, 0.2, 0.3], "float32");
  const each = (f: (n: NDArray, x: NDArray) => NDArray): number[] =>
    [3, 0, 1].map((n, i) => f(np.array(n, "int32"), xs.get(i)).item() as number);

  test.each<[string, (n: NDArray, x: NDArray) => NDArray]>([
    ["plain", halve],
    ["checkpointed", checkpoint(halve)],
    ["jitted", jit(halve)],
  ])("%s", (_, f) => {
    expect(numbersOf(vmap(f)(counts, xs))).toEqual(each(halve));
    expect(numbersOf(jit(vmap(f))(counts, xs))).toEqual(each(halve));
    const slope = (n: NDArray, x: NDArray): NDArray => jvp((y: NDArray) => f(n, y), [x], [np.onesLike(x)])[1];
    expect(numbersOf(vmap(slope)(counts, xs))).toEqual(each(slope));
    // a carry that is not mapped itself
    const shared = vmap(f, { inAxes: [0, null] })(counts, f32(0.1));
    expect(numbersOf(shared)).toEqual([3, 0, 1].map((n) => halve(np.array(n, "int32"), f32(0.1)).item()));
  });
});
