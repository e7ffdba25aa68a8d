/** More memory than there is: a clear error before anything runs, which names the peak, the budget and the largest buffers; the engine goes on. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { jit, np, OutOfMemoryError, setEngine, type NDArray } from "../../src/index.ts";

/** So much that no machine has it, not even as addresses. */
const huge: Readonly<Record<string, () => unknown>> = {
  "one array": () => np.zeros([2 ** 30, 2 ** 30]),
  "an array beyond all numbers": () => np.zeros([1e9, 1e9, 1e9]),
  "a range beyond the integers of its dtype": () => np.arange(2 ** 53),
  "a temporary": () => jit((x: NDArray) => np.sum(np.sin(np.broadcastTo(x, [2 ** 30, 2 ** 30, 2]))))(np.ones([2])),
  "many copies": () => np.tile(np.ones([2 ** 20]), [2 ** 40]),
};

const works = (): void => {
  expect(np.sum(np.multiply(np.arange(10), 2)).item()).toBe(90);
};

describe.each(["wasm", "js"] as const)("on the %s engine", (engine) => {
  test.each(Object.keys(huge))("%s", (name) => {
    const before = setEngine(engine);
    try {
      let error: unknown;
      try {
        huge[name]();
      } catch (e) {
        error = e;
      }
      expect(error).toBeInstanceOf(OutOfMemoryError);
      const { message } = error as OutOfMemoryError;
      if (engine === "wasm")
        expect(message).toMatch(
          /peak is \S+ bytes \(\S+ TiB\), more than the budget of \d{10} bytes \(3.94 GiB\)[^]*largest buffers:\n {2}\S+ bytes \(\S+ TiB\): \w+/,
        );
      else expect(message).toMatch(/^\w+ was to make \w+\[[\d,]+\] of \S+ bytes[^]*the system gives no more memory/);
      works();
    } finally {
      setEngine(before ?? "wasm");
    }
  });
});

test("memory that the system doesn't give", () => {
  const source = new URL("../../src/index.ts", import.meta.url).href;
  const program = `
    import { np, OutOfMemoryError } from ${JSON.stringify(source)};
    const ones = np.ones([4096, 4096]);
    try {
      ones.add(1);
    } catch (error) {
      console.log(error instanceof OutOfMemoryError, error.message);
    }
    console.log(np.sum(np.arange(10)).item());`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@remat/source", "--wasm-max-mem-pages=2200", "--input-type=module", "--eval", program],
    { encoding: "utf8", timeout: 150_000, env: { ...process.env, REMAT_ENGINE: "wasm" } },
  );
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    /^true [^]*peak is 134217792 bytes \(128 MiB\), within the budget of \d{10} bytes \(3.94 GiB\), but the system gives no more memory. The largest buffers:\n {2}67108864 bytes \(64 MiB\): /,
  );
  expect(stdout).toMatch(/\n45\n$/);
});
