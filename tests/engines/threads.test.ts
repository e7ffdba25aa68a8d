/** Several threads: the bits of one, whatever they share; nothing that grows; and one thread where memory can't be shared. */
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createWasmEngine,
  grad,
  jit,
  lax,
  memory,
  nn,
  np,
  OutOfMemoryError,
  random,
  setEngine,
  ThreadCountError,
  tree,
  type NDArray,
  type WasmEngine,
} from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import type { TypedArray } from "../../src/core/dtype.ts";
import { gptInputs } from "../../bench/workloads/inputs.ts";
import { gptLoss } from "../../bench/workloads/models.ts";

const engines = [1, 2, 3].map((threads) => createWasmEngine({ threads }));
const [one, two, three] = engines;

type Fn = (...args: NDArray[]) => unknown;

function results(f: Fn, args: readonly NDArray[], engine: WasmEngine): TypedArray[] {
  const before = setEngine(engine);
  try {
    return tree.flatten(f(...args)).leaves.map((x) => (x as ConcreteArray).data);
  } finally {
    setEngine(before ?? "wasm");
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** Some runs: in the first ones helpers may not be there yet. */
function expectSame(f: Fn, args: readonly NDArray[], runs = 5): void {
  const wanted = results(jit(f), args, one).map(bytesOf);
  for (const engine of [two, three]) {
    const g = jit(f);
    for (let i = 0; i < runs; i++) {
      const got = results(g, args, engine).map(bytesOf);
      wanted.forEach((w, k) => {
        if (!w.equals(got[k])) throw new Error(`output ${String(k)} of run ${String(i)} has other bits`);
      });
    }
  }
}

const normal = (shape: readonly number[], seed: number): NDArray => random.normal(random.key(seed), shape);
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 1);
  });

test("helpers take part", async () => {
  const f = jit((a: NDArray) => np.exp(np.sin(a)));
  const x = normal([1_000_000], 1);
  for (const engine of [two, three]) {
    const stop = performance.now() + 20_000;
    while (engine.helped() === 0 && performance.now() < stop) {
      results(f, [x], engine);
      await turn();
    }
    expect(engine.helped()).toBeGreaterThan(0);
  }
  expect(engines.map((e) => e.threads)).toEqual([1, 2, 3]);
});

describe("the bits of one thread", () => {
  const table: Readonly<Record<string, readonly [Fn, ...NDArray[]]>> = {
    "products of every layout": [
      (a, b) => [np.matmul(a, b), np.matmul(a.T, b), np.matmul(a, b.T), np.matmul(a.T, b.T)],
      normal([301, 301], 1),
      normal([301, 301], 2),
    ],
    "a product that is reused in an expression": [
      (a, b) => np.tanh(np.add(np.matmul(a, b), 1)),
      normal([257, 600], 3),
      normal([600, 130], 4),
    ],
    "batches of products": [(a, b) => np.matmul(a, b), normal([16, 65, 70], 5), normal([16, 70, 33], 6)],
    "a matrix times a vector": [
      (a, v) => [np.matmul(a, v), np.matmul(v, a)],
      normal([1500, 1500], 7),
      normal([1500], 8),
    ],
    "a million elements": [
      (a, b) => np.add(np.multiply(a, b), np.exp(a)),
      normal([1_000_003], 9),
      normal([1_000_003], 10),
    ],
    "powers and remainders": [
      (a, b) => [np.power(np.abs(a), b), np.fmod(a, b)],
      normal([300_000], 11),
      normal([300_000], 12),
    ],
    transposition: [(a) => np.add(np.transpose(a), 1), normal([700, 701], 13)],
    "sums of rows, of columns and of all": [
      (a) => [np.sum(a, { axis: 1 }), np.sum(a, { axis: 0 }), np.sum(a), np.max(np.abs(a), { axis: 1 })],
      normal([700, 901], 14),
    ],
    "a softmax and its gradient": [
      (a) => [nn.softmax(a), grad((z: NDArray) => np.sum(np.square(nn.softmax(z))))(a)],
      normal([500, 700], 15),
    ],
    "a convolution and its gradients": [
      (a, k) => {
        const f = (z: NDArray, w: NDArray): NDArray => np.sum(np.square(lax.conv(z, w, [1, 1], "SAME")));
        return [lax.conv(a, k, [1, 1], "SAME"), ...grad(f, { argnums: [0, 1] })(a, k)];
      },
      normal([4, 8, 30, 30], 16),
      normal([16, 8, 3, 3], 17),
    ],
    "pooling and its gradient": [
      (a) => {
        const f = (z: NDArray): NDArray => lax.reduceWindow(z, -Infinity, lax.max, [1, 2, 2, 1], [1, 2, 2, 1], "VALID");
        return [f(a), grad((z: NDArray) => np.sum(np.square(f(z))))(a)];
      },
      normal([8, 64, 64, 16], 18),
    ],
    "a loop with a product inside": [
      (w, xs) =>
        lax.scan((c: NDArray, x: NDArray) => [np.tanh(np.add(np.matmul(c, w), x)), np.sum(c)], xs.at(0).get(), xs),
      normal([200, 200], 19),
      normal([6, 150, 200], 20),
    ],
  };
  for (const [name, [f, ...args]] of Object.entries(table)) {
    test(name, () => {
      expectSame(f, args);
    });
  }

  test("a transformer and its gradients", () => {
    const { parameters, input, target, mask } = gptInputs();
    const { leaves, treedef } = tree.flatten(parameters);
    const f = (...xs: NDArray[]): unknown =>
      grad((p: never) => gptLoss(true)(p, input, target, mask))(tree.unflatten(treedef, xs) as never);
    expectSame(f, leaves as NDArray[], 2);
  });

  const shape = [256, 512];
  const operations: Readonly<Record<string, (a: NDArray, b: NDArray) => NDArray>> = {
    add: np.add,
    mul: np.multiply,
    exp: (a) => np.exp(np.minimum(a, 1)),
    select: (a, b) => np.where(np.less(a, b), a, b),
    rows: (a) => np.broadcastTo(np.sum(a, { axis: 1, keepdims: true }), shape),
    columns: (a) => np.broadcastTo(np.max(a, { axis: 0 }), shape),
    turn: (a) => np.reshape(np.transpose(a), shape),
    shift: (a) => np.roll(a, 1, { axis: 1 }),
    product: (a, b) => np.multiply(np.matmul(np.matmul(a, np.transpose(b)), a), 1e-3),
    halves: (a, b) => np.concatenate([lax.slice(a, [0, 0], [128, 512]), lax.slice(b, [128, 0], [256, 512])]),
  };
  test("programs made at random", () => {
    const inputs = [normal(shape, 21), normal(shape, 22)];
    const programs = fc.array(
      fc.record({ op: fc.constantFrom(...Object.keys(operations)), a: fc.nat(40), b: fc.nat(40) }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(programs, (program) => {
        const f = (...xs: NDArray[]): NDArray[] => {
          for (const { op, a, b } of program) xs.push(operations[op](xs[a % xs.length], xs[b % xs.length]));
          return xs.slice(-2);
        };
        expectSame((...xs) => f(...xs), inputs, 2);
      }),
      { numRuns: 20 },
    );
  });
});

describe("memory", () => {
  test("what is predicted is for the threads of the engine, and no run takes more", () => {
    const f = (a: NDArray): NDArray => np.sum(np.matmul(np.exp(a), a));
    const a = normal([400, 400], 23);
    const peaks = [1, 2, 3].map((threads) => {
      const engine = createWasmEngine({ threads });
      const g = jit(f);
      results(g, [a], engine);
      const before = setEngine(engine);
      const { peak } = memory(g, a);
      setEngine(before ?? "wasm");
      expect(engine.highWater()).toBe(peak);
      return peak;
    });
    // Each thread packs into workspace of its own.
    expect(peaks[1]).toBeGreaterThan(peaks[0]);
  });

  test("ten thousand runs leave nothing behind", () => {
    const f = jit((a: NDArray) => np.sum(np.exp(np.multiply(a, 2)), { axis: 1 }));
    const a = np.ones([64, 512]);
    const [wanted] = results(f, [a], one);
    results(f, [a], two);
    const before = two.memory().buffer.byteLength;
    for (let i = 0; i < 10_000; i++) {
      const [got] = results(f, [a], two);
      if (i % 1000 === 0) expect(got).toEqual(wanted);
    }
    expect(two.memory().buffer.byteLength).toBe(before);
  });

  test("a program that is too large is refused before it runs, and the engine goes on", () => {
    const huge = jit(() => np.sum(np.sort(np.broadcastTo(np.arange(2 ** 15), [2 ** 15, 2 ** 15]), { axis: 1 })));
    expect(() => results(huge, [], two)).toThrow(OutOfMemoryError);
    expectSame((a) => np.matmul(a, a), [normal([200, 200], 24)], 2);
  });
});

/** Runs a program in a process of its own. */
function inProcess(program: string): string {
  const { status, stdout, stderr, signal } = spawnSync(
    process.execPath,
    ["--conditions=@remat/source", "--expose-gc", "--input-type=module", "--eval", program],
    { encoding: "utf8", timeout: 150_000 },
  );
  expect({ stderr, signal, status }).toEqual({ stderr: "", signal: null, status: 0 });
  return stdout.trim();
}

const imports = `
  import { createWasmEngine, np, setEngine } from "./src/index.ts";
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
  const x = np.ones([600, 600]);
`;

test("the process ends by itself, with helpers started", () => {
  const program = `${imports}
    const engine = createWasmEngine({ threads: 3 });
    setEngine(engine);
    for (const stop = performance.now() + 10_000; engine.helped() === 0 && performance.now() < stop; ) {
      np.matmul(x, x);
      await turn();
    }
    console.log(engine.helped() > 0, np.matmul(x, x).at(5, 5).get().item());
  `;
  expect(inProcess(program)).toBe("true 600");
});

test("an engine that nobody holds any more leaves with its memory", () => {
  const program = `${imports}
    const memories = [];
    const use = (threads) => {
      const engine = createWasmEngine({ threads });
      setEngine(engine);
      np.matmul(x, x);
      memories.push(new WeakRef(engine.memory()));
    };
    for (const threads of [1, 2, 3]) use(threads);
    setEngine("wasm");
    const left = () => memories.filter((m) => m.deref() !== undefined).length;
    // Who asks a weak reference holds its target until the turn ends.
    for (const stop = performance.now() + 10_000; left() > 0 && performance.now() < stop; ) {
      await turn();
      gc();
    }
    console.log(left());
  `;
  expect(inProcess(program)).toBe("0");
});

describe("one thread", () => {
  test("where memory can't be shared", () => {
    const real = globalThis.SharedArrayBuffer;
    try {
      Reflect.set(globalThis, "SharedArrayBuffer", undefined);
      const engine = createWasmEngine({ threads: 4 });
      expect(engine.threads).toBe(1);
      const a = normal([300, 300], 25);
      const f = jit((x: NDArray) => np.tanh(np.matmul(x, x)));
      expect(results(f, [a], engine)).toEqual(results(f, [a], one));
      expect(engine.memory().buffer).toBeInstanceOf(ArrayBuffer);
    } finally {
      Reflect.set(globalThis, "SharedArrayBuffer", real);
    }
  });

  test("is refused in pieces", () => {
    for (const threads of [0, 1.5, -2, 65, NaN]) expect(() => createWasmEngine({ threads })).toThrow(ThreadCountError);
  });
});
