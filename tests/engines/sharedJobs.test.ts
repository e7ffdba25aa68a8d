/** How threads share a job: each unit is done exactly once whoever comes late, and what breaks off in one thread is an error of the caller. */
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../src/engines/wasm/encode/module.ts";
import { hostImports, hostSource, importHost } from "../../src/engines/wasm/code/host.ts";
import { helperSource } from "../../src/engines/wasm/threads/helperSource.ts";
import { Pool } from "../../src/engines/wasm/threads/pool.ts";
import { shareFunction } from "../../src/engines/wasm/threads/shareCode.ts";
import { EngineThreadError } from "../../src/errors.ts";

const BLOCK = 4096;
const PROGRAM = 7;

type Share = (place: number, block: number, units: number, grain: number, chunk: number) => void;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((w) => w.terminate()));
});

/** A program with one function: it adds 1 to the word of each unit, or calls the host. */
function program(calls: boolean, host: () => void) {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 16, shared: true });
  const builder = new ModuleBuilder();
  builder.importMemory("env", "memory", { min: 1, max: 65_536, shared: true });
  const imported = builder.importFunction("env", "host", ["i32", "i32"], []);
  importHost(builder);
  const f = builder.func(["i32", "i32", "i32"]);
  if (calls) f.i32(0).i32(0).call(imported);
  const unit = f.local("i32");
  f.forRange(
    unit,
    () => f.get(1),
    { local: 2 },
    1,
    () => {
      const at = f.local("i32");
      f.get(unit).i32(4).op("i32.mul").get(0).op("i32.add").tee(at);
      f.get(at).mem("i32.load").i32(1).op("i32.add").mem("i32.store");
    },
  );
  builder.export("share", shareFunction(builder, { program: PROGRAM, threads: 2, maySleep: true }));
  builder.setTable([f]);
  const module = new WebAssembly.Module(builder.encode());
  const { exports } = new WebAssembly.Instance(module, { env: { memory, host }, math: hostImports });
  return { memory, module, share: exports.share as Share, counts: new Int32Array(memory.buffer, BLOCK, 1024) };
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 1);
  });

/** Jobs of all sizes, until a helper has taken part in many. */
async function everyUnitOnce(
  { share, counts }: Pick<ReturnType<typeof program>, "share" | "counts">,
  helped: () => number,
): Promise<void> {
  const wanted = new Int32Array(counts.length);
  const stop = performance.now() + 20_000;
  let jobs = 0;
  for (; (helped() < 5000 || jobs < 20_000) && performance.now() < stop; jobs++) {
    const units = 1 + ((jobs * 37) % 600);
    const chunk = 1 + (jobs % 17);
    share(0, BLOCK, units, 1 + (jobs % 5), chunk);
    for (let u = 0; u < units; u++) wanted[u]++;
    if (jobs % 1000 === 0) {
      expect(counts).toEqual(wanted);
      await turn();
    }
  }
  expect(counts).toEqual(wanted);
  expect(helped()).toBeGreaterThan(0);
}

describe("units of a job", () => {
  test.each([1, 2])("are done once, with helpers: %d", async (count) => {
    const made = program(false, () => undefined);
    const pool = new Pool(made.memory, Array<number>(count).fill(0));
    pool.add(PROGRAM, made.module, new Map());
    await everyUnitOnce(made, () => pool.helped);
  });

  test("are done once, with a helper that cannot wait and listen at the same time", async () => {
    const made = program(false, () => undefined);
    const worker = new Worker(`Atomics.waitAsync = undefined;\n${helperSource}`, { eval: true });
    workers.push(worker);
    worker.postMessage({ kind: "memory", memory: made.memory });
    worker.postMessage({ kind: "program", program: PROGRAM, module: made.module });
    const pool = new Pool(made.memory, []);
    await everyUnitOnce(made, () => pool.helped);
  });

  test("are done by the caller alone where nobody helps", () => {
    const { share, counts } = program(false, () => undefined);
    share(0, BLOCK, 1000, 3, 10);
    expect([...counts.subarray(0, 1001)]).toEqual([...new Array<number>(1000).fill(1), 0]);
  });
});

describe("an exception", () => {
  test("of a helper is one of the caller", async () => {
    let pool: Pool | null = null;
    // The helper's host throws. Here it waits a little, so that the helper gets its piece.
    const made = program(true, () => {
      const stop = performance.now() + 5;
      while (performance.now() < stop);
    });
    pool = new Pool(made.memory, [0]);
    pool.add(PROGRAM, made.module, new Map());
    let caught: unknown = null;
    for (const stop = performance.now() + 20_000; caught === null && performance.now() < stop; await turn()) {
      made.share(0, BLOCK, 2, 1, 1);
      try {
        pool.check();
      } catch (error) {
        caught = error;
      }
    }
    expect(caught).toBeInstanceOf(EngineThreadError);
    expect(String(caught)).toContain("step that is the main thread's");
    expect(() => {
      pool.check();
    }).not.toThrow();
  });

  test("of the caller leaves nothing behind", () => {
    let broken = true;
    const made = program(true, () => {
      if (broken) throw new Error("broken off");
    });
    const pool = new Pool(made.memory, []);
    expect(() => {
      made.share(0, BLOCK, 100, 1, 1);
    }).toThrow("broken off");
    pool.settle();
    broken = false;
    made.share(0, BLOCK, 100, 1, 1);
    expect(made.counts.subarray(0, 100).every((n) => n === 1)).toBe(true);
  });
});

test("helpers have the functions of the host", () => {
  const evaluate = eval;
  const there = evaluate(`(${hostSource})`) as Readonly<Record<string, (...xs: number[]) => number>>;
  const numbers = [0, -0, 1, -1, 0.5, 2, -3, 1e-300, 1e300, Infinity, -Infinity, NaN];
  for (const [name, f] of Object.entries(hostImports) as [string, (...xs: number[]) => number][]) {
    for (const x of numbers) for (const y of numbers) expect(there[name](x, y)).toBe(f(x, y));
  }
});
