/** Offloading to files: the same bits, nothing left behind, and errors that name the directory. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jit,
  lax,
  memory,
  np,
  OffloadError,
  random,
  RematTypeError,
  setEngine,
  type NDArray,
} from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { engineOf } from "../../src/core/engine.ts";
import type { WasmEngine } from "../../src/engines/wasm/index.ts";

setEngine("wasm");
const engine = engineOf("wasm") as WasmEngine;

const policy = checkpointPolicies.saveAndOffloadOnlyTheseNames({
  namesWhichCanBeSaved: [],
  namesWhichCanBeOffloaded: ["h"],
  offloadSrc: "device",
  offloadDst: "pinned_host",
});
const normal = (shape: readonly number[], seed: number): NDArray => random.normal(random.key(seed), shape);
const layer = (h: NDArray, w: NDArray): NDArray => np.tanh(checkpointName(np.matmul(h, w), "h"));
const LAYERS = 6;
const ws = np.divide(normal([LAYERS, 16, 16], 1), 4);
const x = normal([64, 16], 2);
const BYTES = LAYERS * 64 * 16 * 4;

const chain = grad(
  checkpoint(
    (v: NDArray, h: NDArray) => {
      for (let i = 0; i < LAYERS; i++) h = layer(h, lax.squeeze(lax.sliceInDim(v, i, i + 1), [0]));
      return np.sum(h);
    },
    { policy },
  ),
);
const loop = grad((v: NDArray, h: NDArray) =>
  np.sum(
    lax.scan(
      checkpoint((c: NDArray, w: NDArray) => [layer(c, w), null] as const, { policy }),
      h,
      v,
    )[0],
  ),
);

const root = fs.mkdtempSync(path.join(os.tmpdir(), "remat-offload-"));
const data = (a: NDArray) => (a as ConcreteArray).data;
let directories = 0;
const fresh = (): string => path.join(root, `d${String(directories++)}`);

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  fs.rmSync(root, { recursive: true });
});

describe.each([
  ["a chain", chain],
  ["a loop", loop],
])("%s", (_name, f) => {
  test("has the same bits from a file, which is gone afterwards", () => {
    const disk = path.join(fresh(), "inside");
    const opened = vi.spyOn(fs, "openSync");
    const wrote = vi.spyOn(fs, "writeSync");
    const stored = jit(f, { offload: { disk } });
    expect(data(stored(ws, x))).toEqual(data(jit(f)(ws, x)));
    expect(opened).toHaveBeenCalledTimes(1);
    expect(String(opened.mock.calls[0][0])).toMatch(/inside\/remat-[-\w]+\.offload$/);
    expect(wrote).toHaveBeenCalledTimes(LAYERS);
    expect(fs.readdirSync(disk)).toEqual([]);
  });

  test("takes what was predicted of the disk", () => {
    const stored = jit(f, { offload: { disk: fresh() } });
    const { host } = memory(stored, ws, x);
    stored(ws, x);
    expect(engine.host()).toMatchObject({ size: host.size, disk: BYTES });
    expect(host.size).toBe(BYTES);
    jit(f)(ws, x);
    expect(engine.host()).toMatchObject({ size: BYTES, disk: 0 });
  });
});

test("the system may write and read a part at a time", () => {
  const { writeSync, readSync } = fs;
  vi.spyOn(fs, "writeSync").mockImplementation(((fd: number, b: Uint8Array, at: number, n: number, to: number) =>
    writeSync(fd, b, at, Math.ceil(n / 3), to)) as never);
  vi.spyOn(fs, "readSync").mockImplementation(((fd: number, b: Uint8Array, at: number, n: number, from: number) =>
    readSync(fd, b, at, Math.ceil(n / 3), from)) as never);
  expect(data(jit(chain, { offload: { disk: fresh() } })(ws, x))).toEqual(data(jit(chain)(ws, x)));
});

test("a file that can't be removed while it is open is removed at the end of the run", () => {
  const { unlinkSync } = fs;
  const disk = fresh();
  let there: string[] = [];
  vi.spyOn(fs, "unlinkSync")
    .mockImplementationOnce(() => {
      throw Object.assign(new Error("busy"), { code: "EBUSY" });
    })
    .mockImplementation((file) => {
      there = fs.readdirSync(disk);
      unlinkSync(file);
    });
  jit(chain, { offload: { disk } })(ws, x);
  expect(there).toHaveLength(1);
  expect(fs.readdirSync(disk)).toEqual([]);
});

test("no file stays open", () => {
  const open = (): number => (fs.existsSync("/proc/self/fd") ? fs.readdirSync("/proc/self/fd").length : 0);
  const stored = jit(loop, { offload: { disk: fresh() } });
  stored(ws, x);
  const before = open();
  for (let i = 0; i < 100; i++) stored(ws, x);
  expect(open()).toBe(before);
});

describe("errors", () => {
  const failing = (disk: string): unknown => {
    try {
      return jit(chain, { offload: { disk } })(ws, x);
    } catch (error) {
      return error;
    }
  };

  test("a directory that can't be made", () => {
    const file = path.join(root, "file");
    fs.writeFileSync(file, "");
    const error = failing(path.join(file, "below"));
    expect(error).toBeInstanceOf(OffloadError);
    expect(error).toMatchObject({ path: path.join(file, "below") });
    expect(String(error)).toMatch(/making a file failed there with ENOTDIR\.\nName another directory/);
  });

  test("a disk that is full; then the program runs elsewhere", () => {
    const disk = fresh();
    vi.spyOn(fs, "writeSync").mockImplementation(() => {
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    });
    expect(String(failing(disk))).toMatch(/writing failed there with ENOSPC\.\nFree disk space, or name another/);
    vi.restoreAllMocks();
    expect(fs.readdirSync(disk)).toEqual([]);
    expect(failing(disk)).not.toBeInstanceOf(Error);
  });

  test("no files at all, as in browsers", () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "process") as PropertyDescriptor;
    let error: unknown;
    try {
      Object.defineProperty(globalThis, "process", { value: undefined, configurable: true });
      error = failing(fresh());
    } finally {
      Object.defineProperty(globalThis, "process", before);
    }
    expect(error).toBeInstanceOf(OffloadError);
    expect(String(error)).toContain("browsers have none");
  });

  test.each([["/tmp"], [{ disk: "" }], [{ disk: 3 }], [{}], [null]])("%o is no place", (offload) => {
    expect(() => jit(chain, { offload: offload as never })(ws, x)).toThrow(RematTypeError);
  });
});
