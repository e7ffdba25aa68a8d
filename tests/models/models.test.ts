/**
 * The models of examples/models as training programs: what memory() says is what a run takes, with and without checkpoints, and within every budget;
 * and what is computed again has the bits of what was kept.
 */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointPolicies,
  jit,
  pareto,
  plan,
  random,
  setEngine,
  tree,
  valueAndGrad,
} from "../../src/index.ts";
import { memory, type NDArray, type Policy } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import { js } from "../../src/engines/js/index.ts";
import { createWasm } from "../../src/engines/wasm/index.ts";
import { lstmLoss, type LoopCheckpoint } from "../../examples/models/lstm.ts";
import { lstm1000, models } from "../../examples/models/index.ts";
import type { Parameters, Wrap } from "../../examples/models/model.ts";

// Only an engine that compiles knows its peak; it has the settings of those that run.
setEngine(createWasm(js));

type Step = (params: Parameters, batch: Parameters) => readonly [NDArray, Parameters];

/** Value and gradient on an engine of its own: their bits, and the most memory that the run took. */
function run(f: Step, args: readonly [Parameters, Parameters], budget?: number) {
  const engine = createWasm(js);
  const step = jit(f as never, budget === undefined ? { engine } : { engine, memory: budget }) as unknown as Step;
  const bits = tree.flatten(step(...args)).leaves.map((x) => (x as ConcreteArray).data);
  return { bits, peak: engine.highWater() };
}

const keeping =
  (policy: Policy | null): Wrap =>
  (block) =>
    checkpoint(block, { policy });
const wraps = [checkpointPolicies.everythingSaveable, checkpointPolicies.dotsSaveable, null].map(keeping);

describe.each(models.map((m) => [m.name, m] as const))("%s", (_name, model) => {
  const args = [model.init(random.key(0), "small"), model.batch(random.key(1), "small")] as const;
  const plain = valueAndGrad(model.loss()) as unknown as Step;
  const wanted = run(plain, args);
  const predicted = (f: Step): number => memory(f, ...args).peak;

  test("takes the memory that is predicted, and has a finite loss", () => {
    expect(wanted.peak).toBe(predicted(plain));
    expect(wanted.bits.every((leaf) => (leaf as Float32Array).every(Number.isFinite))).toBe(true);
  });

  test("with checkpoints has the same bits, and less memory where less is saved", () => {
    const peaks = wraps.map((wrap) => {
      const f = valueAndGrad(model.loss(wrap)) as unknown as Step;
      const { bits, peak } = run(f, args);
      expect(peak).toBe(predicted(f));
      expect(bits).toEqual(wanted.bits);
      return peak;
    });
    expect(peaks[2]).toBeLessThan(wanted.peak);
    expect(peaks[2]).toBeLessThan(peaks[0]);
  });

  test("keeps every budget down to the smallest, with the same bits", { timeout: 240_000 }, () => {
    const { points, baseline } = pareto(plain, args as never);
    expect(baseline.peak).toBe(wanted.peak);
    const smallest = points[0].peak;
    for (const share of [0.9, 0.75, 0.6, 0]) {
      const budget = Math.max(smallest, Math.floor(share * baseline.peak));
      const { bits, peak } = run(plain, args, budget);
      expect(peak).toBeLessThanOrEqual(budget);
      expect(peak).toBe(plan(plain, args as never, { memory: budget }).peak);
      expect(bits).toEqual(wanted.bits);
    }
  });
});

test("LSTM-1000 keeps few states of its loop, with the same bits and the memory that is predicted", () => {
  const args = [lstm1000.init(random.key(0), "small"), lstm1000.batch(random.key(1), "small")] as const;
  const step = (kept: LoopCheckpoint): Step => valueAndGrad(lstmLoss(kept)) as unknown as Step;
  const wanted = run(step("all"), args);
  for (const kept of ["sqrt", "binomial", { slots: 12 }, { memory: "4KiB" }] as const) {
    const { bits, peak } = run(step(kept), args);
    expect(bits).toEqual(wanted.bits);
    expect(peak).toBe(memory(step(kept), ...args).peak);
    expect(peak).toBeLessThan(0.5 * wanted.peak);
  }
});
