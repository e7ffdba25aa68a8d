/** Plans that may offload: within their budgets, with the same bits, and never slower than those that may only recompute. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jit,
  memory,
  np,
  pareto,
  plan,
  random,
  RematTypeError,
  setEngine,
  tree,
  type NDArray,
  type OffloadOptions,
} from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { engineOf } from "../../src/core/engine.ts";
import type { WasmEngine } from "../../src/engines/wasm/index.ts";

setEngine("wasm");
const engine = engineOf("wasm") as WasmEngine;

const normal = (shape: readonly number[], seed: number): NDArray => random.normal(random.key(seed), shape);
const weights = Array.from({ length: 8 }, (_, i) => np.divide(normal([16, 16], i), 4));
const x = normal([512, 16], 99);
const gradient = grad((ws: readonly NDArray[], h: NDArray): NDArray => {
  for (const w of ws) h = checkpointName(np.sin(np.sin(np.matmul(h, w))), "layer");
  return np.sum(np.square(h));
});
const bits = (value: unknown): unknown[] => tree.flatten(value).leaves.map((l) => (l as ConcreteArray).data);

describe("a chain of eight layers", () => {
  const args = [weights, x] as const;
  const budgets = [0.9, 0.6, 0.4, 0.3, 0.25];

  test("keeps each budget, with the same bits, and takes what was predicted", () => {
    const expected = bits(jit(gradient)(...args));
    for (const budget of budgets) {
      const bounded = jit(gradient, { memory: budget, offload: true });
      const found = plan(gradient, [...args], { memory: budget, offload: true });
      const { peak, host } = memory(bounded, ...args);
      expect(peak).toBe(found.peak);
      expect(peak).toBeLessThanOrEqual(found.budget);
      expect(bits(bounded(...args))).toEqual(expected);
      const { size, offloaded, restored } = engine.host();
      expect({ size, offloaded, restored }).toEqual({
        size: host.size,
        offloaded: host.offloaded,
        restored: host.restored,
      });
    }
  });

  test("is never slower than without, nor with more memory, by the model", () => {
    let slower = Infinity;
    for (const budget of [...budgets].reverse()) {
      const may = plan(gradient, [...args], { memory: budget, offload: true });
      expect(may.time).toBeLessThanOrEqual(plan(gradient, [...args], { memory: budget }).time);
      expect(may.time).toBeLessThanOrEqual(slower);
      slower = may.time;
    }
  });

  test("says what is away", () => {
    const found = plan(gradient, [...args], { memory: 0.3, offload: true });
    expect(found.offloaded.length).toBeGreaterThan(0);
    expect(found.offloaded.every((v) => v.bytes === 512 * 16 * 4 && v.source.includes("offloadPlans.test.ts"))).toBe(
      true,
    );
    const all = new Set([...found.saved, ...found.recomputed]);
    expect(found.offloaded.some((v) => found.saved.includes(v))).toBe(false);
    expect(all.size).toBeGreaterThan(0);
    expect(found.memory.host.size).toBeGreaterThan(0);
    const expected = bits(jit(gradient)(...args));
    expect(bits(found.compile()(...args))).toEqual(expected);
    expect(engine.host().size).toBe(found.memory.host.size);
  });

  test("the curve lies at or below the one without", () => {
    const without = pareto(gradient, [...args]).points;
    const may = pareto(gradient, [...args], { offload: true }).points;
    for (const { peak, time } of without) {
      const best = Math.min(...may.filter((p) => p.peak <= peak).map((p) => p.time));
      expect(best).toBeLessThanOrEqual(time);
    }
    expect(may).not.toEqual(without);
  });

  test("without the option nothing is offloaded", () => {
    expect(plan(gradient, [...args], { memory: 0.4 }).offloaded).toEqual([]);
    expect(memory(jit(gradient, { memory: 0.4 }), ...args).host.size).toBe(0);
  });
});

describe("what a copy costs", () => {
  const args = [weights, x] as const;
  const found = (offload: boolean | OffloadOptions) => plan(gradient, [...args], { memory: 0.35, offload });

  test("is as slow as the user says: then less is offloaded, and it takes longer", () => {
    const speeds = [1e5, 1e9, 10e9, 1e12];
    const plans = speeds.map((bandwidth) => found({ bandwidth }));
    expect(plans[0].offloaded).toEqual([]);
    expect(plans[3].offloaded.length).toBeGreaterThan(0);
    for (let i = 1; i < plans.length; i++) expect(plans[i].time).toBeLessThanOrEqual(plans[i - 1].time);
    expect(plans[3].time).toBeLessThan(plans[0].time);
    expect(plans[2].time).toBe(found(true).time);
  });

  test("is more on disk", () => {
    const disk = found({ disk: "/tmp/remat" });
    expect(disk.time).toBe(found({ bandwidth: 2e9 }).time);
    expect(disk.time).toBeGreaterThan(found(true).time);
  });

  test("does not change what is computed", () => {
    const wanted = bits(jit(gradient)(...args));
    for (const bandwidth of [1e5, 1e12]) {
      const { budget } = found({ bandwidth });
      const bounded = jit(gradient, { memory: budget, offload: { bandwidth } });
      expect(bits(bounded(...args))).toEqual(wanted);
      expect(memory(bounded, ...args).host.size > 0).toBe(bandwidth === 1e12);
    }
  });

  test.each<[string, unknown]>([
    ["nothing", {}],
    ["a bandwidth of 0", { bandwidth: 0 }],
    ["a bandwidth in words", { bandwidth: "10 GB/s" }],
    ["no directory", { disk: "" }],
    ["a directory and no bandwidth", { disk: "/tmp", bandwidth: -1 }],
    ["null", null],
  ])("%s is an error", (_, offload) => {
    expect(() => found(offload as OffloadOptions)).toThrow(RematTypeError);
    expect(() => jit(gradient, { offload: offload as OffloadOptions })(...args)).toThrow(
      /jit's offload option takes true/,
    );
  });
});

test("what a policy offloads may be planned, too", () => {
  const policy = checkpointPolicies.saveAndOffloadOnlyTheseNames({
    ...{ namesWhichCanBeSaved: [], namesWhichCanBeOffloaded: ["h"] },
    ...{ offloadSrc: "device", offloadDst: "pinned_host" },
  });
  const half = checkpoint(
    (ws: readonly NDArray[], h: NDArray): NDArray => {
      for (const w of ws.slice(4)) h = np.tanh(checkpointName(np.matmul(h, w), "h"));
      return np.sum(h);
    },
    { policy },
  );
  const f = grad((ws: readonly NDArray[], h: NDArray): NDArray => {
    for (const w of ws.slice(0, 4)) h = np.sin(np.sin(np.matmul(h, w)));
    return half(ws, h);
  });
  const whole = memory(jit(f), weights, x).peak;
  const { peak } = plan(f, [weights, x], { memory: 0.7 });
  expect(peak).toBeLessThanOrEqual(0.7 * whole);
  const bounded = jit(f, { memory: 0.7 });
  expect(memory(bounded, weights, x).host.size).toBeGreaterThanOrEqual(4 * 512 * 16 * 4);
  expect(bits(bounded(weights, x))).toEqual(bits(jit(f)(weights, x)));
});
