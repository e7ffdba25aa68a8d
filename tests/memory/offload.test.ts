/** Offloaded values are out of the arena between their last use and the copy back, and come back with their bits. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jit,
  lax,
  memory,
  np,
  random,
  setEngine,
  tree,
  vjp,
  vmap,
  type NDArray,
  type Policy,
} from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { engineOf } from "../../src/core/engine.ts";
import { memoryText } from "../../src/memory.ts";
import type { WasmEngine } from "../../src/engines/wasm/index.ts";

// Only an engine that compiles has an arena.
setEngine("wasm");
const engine = engineOf("wasm") as WasmEngine;

const memories = { offloadSrc: "device", offloadDst: "pinned_host" } as const;
const { saveOnlyTheseNames, saveAndOffloadOnlyTheseNames, dotsWithNoBatchDimsSaveable, offloadDotWithNoBatchDims } =
  checkpointPolicies;
const kept = saveOnlyTheseNames("h");
const offloaded = saveAndOffloadOnlyTheseNames({
  ...{ namesWhichCanBeSaved: [], namesWhichCanBeOffloaded: ["h"] },
  ...memories,
});

const LAYERS = 20;
const normal = (shape: readonly number[], seed: number): NDArray => random.normal(random.key(seed), shape);
const weights = Array.from({ length: LAYERS }, (_, i) => np.divide(normal([16, 16], i), 4));
const x = normal([256, 16], 99);
const BYTES = 256 * 16 * 4;

const layer = (h: NDArray, w: NDArray): NDArray => np.tanh(checkpointName(np.matmul(h, w), "h"));
const mlp = (policy: Policy) =>
  checkpoint(
    (ws: readonly NDArray[], h: NDArray): NDArray => {
      for (const w of ws) h = layer(h, w);
      return np.sum(np.square(h));
    },
    { policy },
  );
const recurrent =
  (policy: Policy) =>
  (ws: NDArray, h: NDArray): NDArray =>
    np.sum(
      lax.scan(
        checkpoint((c: NDArray, w: NDArray) => [layer(c, w), null] as const, { policy }),
        h,
        ws,
      )[0],
    );
const stacked = np.stack(weights);

const bits = (value: unknown): Uint8Array[] =>
  tree.flatten(value).leaves.map((leaf) => {
    const { data } = leaf as ConcreteArray;
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  });

interface Case {
  readonly with: (policy: Policy) => (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  readonly policies: readonly [kept: Policy, offloaded: Policy];
}

const gradOf = (f: (ws: never, h: NDArray) => NDArray) => grad(f as (ws: NDArray, h: NDArray) => NDArray);
const dots = [dotsWithNoBatchDimsSaveable, offloadDotWithNoBatchDims("device", "pinned_host")] as const;
const names = [kept, offloaded] as const;
const cases: Readonly<Record<string, Case>> = {
  "a chain": { with: (p) => gradOf(mlp(p)), args: [weights, x], policies: names },
  "a chain, products": { with: (p) => gradOf(mlp(p)), args: [weights, x], policies: dots },
  "a chain in a jit": { with: (p) => gradOf(jit(mlp(p))), args: [weights, x], policies: names },
  "a chain, mapped": {
    with: (p) => vmap(gradOf(mlp(p)), { inAxes: [null, 0] }),
    args: [weights, np.reshape(x, [2, 128, 16])],
    policies: names,
  },
  "a chain in a checkpoint": {
    with: (p) => gradOf(checkpoint((ws: readonly NDArray[], h: NDArray) => mlp(p)(ws, np.sin(h)))),
    args: [weights, x],
    policies: names,
  },
  "a loop": { with: (p) => gradOf(recurrent(p)), args: [stacked, x], policies: names },
  "a loop in a loop": {
    with: (p) =>
      gradOf((ws: NDArray, h: NDArray) =>
        np.sum(lax.scan((c: NDArray, w: NDArray) => [np.add(c, recurrent(p)(w, c)), null] as const, h, ws)[0]),
      ),
    args: [np.reshape(stacked, [5, 4, 16, 16]), x],
    policies: names,
  },
  "a branch": {
    with: (p) =>
      gradOf((ws: readonly NDArray[], h: NDArray) =>
        lax.cond(np.less(np.sum(h), 1e9), mlp(p), (v: readonly NDArray[], c: NDArray) => np.sum(layer(c, v[0])), ws, h),
      ),
    args: [weights, x],
    policies: names,
  },
};

describe.each(Object.entries(cases))("%s", (_name, { with: make, args, policies }) => {
  const [keeps, offloads] = policies.map((p) => make(p) as (...xs: readonly unknown[]) => unknown);

  test("has the bits of the values that are kept, compiled and not, on both engines", () => {
    const expected = bits(jit(keeps)(...args));
    expect(bits(jit(offloads)(...args))).toEqual(expected);
    expect(bits(offloads(...args))).toEqual(bits(keeps(...args)));
    const reference = bits(jit(keeps, { engine: "js" })(...args));
    expect(bits(jit(offloads, { engine: "js" })(...args))).toEqual(reference);
  });

  test("takes what was predicted", () => {
    const f = jit(offloads);
    const { peak, host } = memory(f, ...args);
    expect(host.size).toBeGreaterThan(0);
    expect(host.peak).toBe(host.size);
    f(...args);
    const { size, offloaded: out, restored } = engine.host();
    expect(size).toBe(host.size);
    // What a branch copies is known when it is taken.
    expect({ out, restored }).toEqual({ out: host.offloaded ?? out, restored: host.restored ?? restored });
    expect(peak).toBeLessThanOrEqual(memory(jit(keeps), ...args).peak);
  });
});

describe("the arena", () => {
  test("is smaller by what a loop offloads, to the byte", () => {
    const before = memory(grad(recurrent(kept)), stacked, x);
    const after = memory(grad(recurrent(offloaded)), stacked, x);
    expect(after.host).toMatchObject({ size: LAYERS * BYTES, peak: LAYERS * BYTES });
    expect(before.peak - after.peak).toBe(LAYERS * BYTES);
  });

  test("holds one value of a chain at a time instead of all", () => {
    const before = memory(gradOf(mlp(kept)), weights as never, x);
    const after = memory(gradOf(mlp(offloaded)), weights as never, x);
    expect(after.host).toMatchObject({ size: LAYERS * BYTES, peak: LAYERS * BYTES });
    const away = (moment: { readonly host: number }): number => moment.host;
    // The residuals that are there when most is: all of them but those that the backward pass works on.
    const there = before.atPeak.values.filter((v) => v.bytes === BYTES && v.label !== "x").length;
    const still = after.atPeak.values.filter((v) => v.bytes === BYTES && v.label !== "x").length;
    expect(there - still).toBeGreaterThanOrEqual(LAYERS - 3);
    expect(Math.max(...after.timeline.map(away))).toBe(LAYERS * BYTES);
  });

  test("the report names what goes and comes", () => {
    const report = memory(gradOf(mlp(offloaded)), weights as never, x);
    const labels = report.timeline.map((m) => m.label);
    expect(labels.filter((l) => l === "offload of dot_general")).toHaveLength(LAYERS);
    expect(labels.filter((l) => l === "restore of dot_general")).toHaveLength(LAYERS);
    expect(memoryText(report)).toMatch(/^host memory +320\.00 KiB$/m);
    expect(report.host.values).toHaveLength(LAYERS);
    expect(report.host.values[0].source).toContain("offload.test.ts");
  });
});

describe("between programs", () => {
  test("residuals of vjp stay in host memory", () => {
    const [value, pull] = vjp(jit(mlp(offloaded)), weights, x);
    const [valueKept, pullKept] = vjp(jit(mlp(kept)), weights, x);
    expect(bits(value)).toEqual(bits(valueKept));
    expect(bits(pull(1))).toEqual(bits(pullKept(1)));
  });
});

test("host memory is used again", () => {
  const small = jit(grad((h: NDArray) => mlp(offloaded)(weights, h)));
  const one = np.ones([4, 16]);
  const first = bits(small(one));
  for (let i = 0; i < 300; i++) small(one);
  const { allocations } = engine.host();
  for (let i = 0; i < 10_000; i++) small(one);
  expect(engine.host().allocations).toBe(allocations);
  expect(bits(small(one))).toEqual(first);
});
