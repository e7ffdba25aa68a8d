/**
 * The wasm engine against the js engine: the same bits wherever an operation isn't transcendental, for programs made at random; memory exactly as
 * it was laid out; nothing that grows from run to run.
 */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  checkpoint,
  float,
  grad,
  jit,
  lax,
  makeJaxpr,
  nn,
  np,
  OutOfMemoryError,
  random,
  setEngine,
  tree,
  valueAndGrad,
  type NDArray,
} from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import type { TypedArray } from "../../src/core/dtype.ts";
import { js } from "../../src/engines/js/index.ts";
import { ARENA, createWasm } from "../../src/engines/wasm/index.ts";
import { gptInputs } from "../../bench/workloads/inputs.ts";
import { gptLoss } from "../../bench/workloads/models.ts";

const wasm = createWasm(js);
afterAll(() => setEngine("wasm"));

type Fn = (...args: NDArray[]) => unknown;

function results(f: Fn, args: readonly NDArray[], engine: typeof js): TypedArray[] {
  const before = setEngine(engine);
  try {
    return tree.flatten(f(...args)).leaves.map((x) => (x as ConcreteArray).data);
  } finally {
    setEngine(before ?? "wasm");
  }
}

/** NaNs of any bits are equal. */
function sameBits(a: readonly TypedArray[], b: readonly TypedArray[]): boolean {
  return a.every((x, i) => x.length === b[i].length && x.every((v, k) => Object.is(v, b[i][k])));
}

function expectSame(f: Fn, args: readonly NDArray[]): void {
  const wanted = results(jit(f), args, js);
  const got = results(jit(f), args, wasm);
  if (!sameBits(wanted, got)) expect(got).toEqual(wanted);
}

const normal = (shape: readonly number[], seed: number): NDArray => random.normal(random.key(seed), shape);

describe("programs have the bits of the js engine", () => {
  const [x, y, v] = [normal([7, 5], 1), normal([7, 5], 2), normal([40_000], 3)];
  const table: Readonly<Record<string, readonly [Fn, ...NDArray[]]>> = {
    "a chain": [(a, b) => np.add(np.multiply(a, b), 1), x, y],
    "a sum of many blocks": [(a) => np.sum(np.multiply(a, a)), v],
    "a sum over rows": [(a) => np.sum(a, { axis: 0 }), x],
    "a sum over columns": [(a) => np.sum(a, { axis: 1 }), x],
    "a sum over the outer and the inner dimension": [(a) => np.sum(a, { axis: [0, 2] }), normal([3, 4, 37], 4)],
    "extremes with NaN and zeros": [
      (a) => [np.max(a, { axis: 1 }), np.min(a, { axis: 0 })],
      np.divide(np.floor(x), np.floor(y)),
    ],
    "a value stored and folded at once": [
      (a) => {
        const e = np.square(np.subtract(a, np.max(a, { axis: -1, keepdims: true })));
        return np.divide(e, np.sum(e, { axis: -1, keepdims: true }));
      },
      x,
    ],
    transposition: [(a) => np.add(np.transpose(a), 1), x],
    "padding and slicing": [
      (a) =>
        lax.slice(
          np.pad(np.multiply(a, 2), [
            [1, 2],
            [3, 0],
          ]),
          [0, 2],
          [9, 8],
          [2, 1],
        ),
      x,
    ],
    "interior padding": [
      (a) =>
        lax.pad(a, float(0), [
          [0, 0, 1],
          [1, 2, 3],
        ]),
      x,
    ],
    reversal: [(a) => np.subtract(np.flip(a), a), x],
    concatenation: [(a, b) => np.concatenate([np.abs(a), b, a], { axis: 1 }), x, y],
    stacking: [(a, b) => np.stack([a, b], { axis: 2 }), x, y],
    tiling: [(a) => np.tile(a, [2, 3]), x],
    reshaping: [(a) => np.add(np.reshape(np.multiply(a, 3), [5, 7]), 1), x],
    "choices by a mask": [(a, b) => np.where(np.greater(a, b), a, np.multiply(b, 2)), x, y],
    "places as numbers": [(a) => np.add(a, np.arange(5)), x],
    "whole numbers": [(a) => np.bitwiseXor(np.multiply(np.asarray(np.multiply(a, 100), "int32"), 7), 5), x],
    products: [(a, b) => np.dot(a, np.transpose(b)), x, y],
    "batches of products": [(a, b) => np.einsum("bij,bkj->bik", a, b), normal([3, 4, 300], 5), normal([3, 6, 300], 6)],
    "a product of arrays that don't lie in order": [
      (a, b) => np.einsum("aibj,ajc->bic", a, b),
      normal([2, 3, 4, 5], 7),
      normal([2, 5, 6], 8),
    ],
    "a loop": [(a) => lax.scan((c: NDArray, r: NDArray) => [np.add(np.multiply(c, 0.5), r), c], np.zeros([5]), a), x],
    "a loop backwards": [
      (a) =>
        lax.scan((c: NDArray, r: NDArray) => [np.add(c, r), np.multiply(c, r)], np.zeros([5]), a, { reverse: true }),
      x,
    ],
    "carries that change places": [
      (a) =>
        lax.foriLoop(0, 5, (_i: NDArray, [p, q]: [NDArray, NDArray]) => [q, np.add(p, 1)] as [NDArray, NDArray], [
          a,
          np.multiply(a, 2),
        ] as [NDArray, NDArray]),
      x,
    ],
    "a loop in a loop": [
      (a) =>
        lax.scan(
          (c: NDArray, r: NDArray) => {
            const [d, ds] = lax.scan((e: NDArray, s: NDArray) => [np.add(np.multiply(e, s), 1), e], c, r);
            return [d, ds];
          },
          np.sum(a),
          a,
        ),
      x,
    ],
    "a loop with a condition": [
      (a) =>
        lax.whileLoop(
          (c: NDArray) => np.less(np.sum(c), 100),
          (c: NDArray) => np.add(np.abs(c), 1),
          a,
        ),
      x,
    ],
    branches: [
      (a) =>
        [0, 1, 2, 7, -3].map((i) =>
          lax.switch(np.asarray(i), [(z: NDArray) => np.add(z, 1), np.negative, np.square], a),
        ),
      x,
    ],
  };
  for (const [name, [f, ...args]] of Object.entries(table)) {
    test(name, () => {
      expectSame(f, args);
    });
  }

  test("gradients of a checkpointed function have the bits of the plain one", () => {
    const f = (w: NDArray, a: NDArray): NDArray => np.sum(np.square(np.maximum(np.matmul(a, w), 0)));
    const args = [normal([5, 6], 9), x];
    const g = (h: typeof f): TypedArray[] => results(jit(grad(h, { argnums: [0, 1] })), args, wasm);
    expect(sameBits(g(f), g(checkpoint(f)))).toBe(true);
  });
});

/** A program as data: each step takes earlier values. */
interface Instruction {
  readonly op: string;
  readonly a: number;
  readonly b: number;
}

const shape = [4, 6];
const operations: Readonly<Record<string, (a: NDArray, b: NDArray) => NDArray>> = {
  add: np.add,
  sub: np.subtract,
  mul: np.multiply,
  max: np.maximum,
  select: (a, b) => np.where(np.less(a, b), a, b),
  floor: (a) => np.floor(np.multiply(a, 4)),
  rows: (a) => np.broadcastTo(np.sum(a, { axis: 1, keepdims: true }), shape),
  columns: (a) => np.broadcastTo(np.max(a, { axis: 0 }), shape),
  all: (a) => np.broadcastTo(np.sum(a), shape),
  turn: (a) => np.reshape(np.transpose(a), shape),
  flip: (a) => np.flip(a, { axis: 1 }),
  shift: (a) => np.roll(a, 1, { axis: 1 }),
  fold: (a) => np.reshape(np.add(np.reshape(a, [2, 12]), 1), shape),
  product: (a, b) => np.matmul(np.matmul(a, np.transpose(b)), a),
  halves: (a, b) => np.concatenate([lax.slice(a, [0, 0], [2, 6]), lax.slice(b, [2, 0], [4, 6])]),
};

function run(program: readonly Instruction[], inputs: readonly NDArray[]): NDArray[] {
  const values = [...inputs];
  for (const { op, a, b } of program) values.push(operations[op](values[a % values.length], values[b % values.length]));
  return values.slice(-3);
}

const programs = fc.array(
  fc.record({ op: fc.constantFrom(...Object.keys(operations)), a: fc.nat(40), b: fc.nat(40) }),
  { minLength: 1, maxLength: 25 },
);

describe("programs made at random", () => {
  const inputs = [normal(shape, 11), normal(shape, 12)];

  test("have the bits of the js engine", () => {
    fc.assert(
      fc.property(programs, (program) => {
        expectSame((...xs) => run(program, xs), inputs);
      }),
      { numRuns: 150 },
    );
  });

  test("take the memory that was predicted, and not a byte more", () => {
    fc.assert(
      fc.property(programs, (program) => {
        const f = jit((...xs: NDArray[]) => run(program, xs));
        const [eqn] = makeJaxpr(f)(...(inputs as never[])).jaxpr.eqns;
        const { layout } = wasm.compile(eqn.params.jaxpr as never);
        const guard = new Uint8Array(wasm.memory().buffer, ARENA + layout.size, 4096);
        guard.fill(0xa5);
        results(f, inputs, wasm);
        expect(layout.size).toBeGreaterThanOrEqual(layout.lowerBound);
        expect(new Uint8Array(wasm.memory().buffer, ARENA + layout.size, 4096).every((b) => b === 0xa5)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe("memory", () => {
  test("a checkpoint lowers the peak of a transformer, by what was predicted", () => {
    const { parameters, input, target, mask } = gptInputs();
    const peak = (checkpointed: boolean): number => {
      const closed = makeJaxpr(valueAndGrad(gptLoss(checkpointed)))(parameters, input, target, mask);
      return wasm.compile(closed).layout.size;
    };
    const [plain, kept] = [peak(false), peak(true)];
    expect(kept).toBeLessThan(0.65 * plain);
  });

  test("ten thousand runs leave nothing behind", () => {
    const f = jit((a: NDArray) => np.sum(np.multiply(a, 2)));
    const a = np.ones([100]);
    results(f, [a], wasm);
    const before = wasm.memory().buffer.byteLength;
    for (let i = 0; i < 10_000; i++) results(f, [a], wasm);
    expect(wasm.memory().buffer.byteLength).toBe(before);
  });

  test("ten thousand runs of gathers, sorts and random numbers leave nothing behind", () => {
    const f = jit((t: NDArray, i: NDArray, k: NDArray) => {
      const rows = np.add(np.take(t, i, { axis: 0 }), random.uniform(k, [3, 4]));
      return [np.sort(t.at([i]).add(rows), { axis: 0 }), np.argmax(rows)];
    });
    const args = [np.ones([5, 4]), np.asarray([4, 0, 4], "int32"), random.key(1)];
    results(f, args, wasm);
    const before = [wasm.memory().buffer.byteLength, wasm.highWater()];
    for (let i = 0; i < 10_000; i++) results(f, args, wasm);
    expect([wasm.memory().buffer.byteLength, wasm.highWater()]).toEqual(before);
  });

  test("a program that is too large is refused before it runs, and the engine goes on", () => {
    const before = setEngine(wasm);
    try {
      const huge = jit(() => np.sum(np.sort(np.broadcastTo(np.arange(2 ** 15), [2 ** 15, 2 ** 15]), { axis: 1 })));
      expect(() => huge()).toThrow(OutOfMemoryError);
      // The peak, what there is, and what takes the most.
      expect(() => huge()).toThrow(
        /peak is \d{10,} bytes \(.* GiB\), more than the budget of \d{10} bytes [^]*largest buffers:\n {2}\d{10} bytes \(4 GiB\): \w+/,
      );
      expect(np.add(1, 1).item()).toBe(2);
    } finally {
      setEngine(before ?? "wasm");
    }
  });
});

test("softmax and its gradient agree with the js engine to rounding", () => {
  const x = normal([9, 33], 13);
  const f: Fn = valueAndGrad((a: NDArray) => np.sum(np.square(nn.softmax(a))));
  const [wanted, got] = [results(jit(f), [x], js), results(jit(f), [x], wasm)];
  wanted.forEach((w, i) => {
    w.forEach((e, k) => {
      expect(Math.abs(Number(got[i][k]) - Number(e))).toBeLessThanOrEqual(1e-6 * Math.max(1e-2, Math.abs(Number(e))));
    });
  });
});
