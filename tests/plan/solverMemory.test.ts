/** A solver that runs out of memory: HiGHS then ends by a trap of its WebAssembly. */
import { expect, test, vi } from "vitest";
import { planGraphExact } from "../../src/plan/exact/planExact.ts";
import { planGraph } from "../../src/plan/index.ts";
import { uNet } from "./graphs.ts";

vi.mock("highs", () => ({
  default: () =>
    Promise.resolve({
      infinity: Infinity,
      withModel(): never {
        throw new WebAssembly.RuntimeError("Aborted()");
      },
    }),
}));

test("leaves the plan of the search, unproven, and says why", async () => {
  const graph = uNet(4);
  const options = { memory: 0.6 };
  const searched = planGraph(graph, options);
  const plan = await planGraphExact(graph, options);
  expect(plan).toMatchObject({ proven: false, stopped: "memory", peak: searched.peak, time: searched.time });
  expect(plan.sequence).toEqual(searched.sequence);
  expect(plan.lowerBound.time).toBeLessThanOrEqual(plan.time);
  expect(plan.gap).toBeGreaterThan(0);
});
