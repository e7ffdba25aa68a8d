/** Compressed residuals take fewer bytes of the arena, by exactly the bits that they don't have. */
import { expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  lax,
  memory,
  np,
  setEngine,
  type NDArray,
  type Policy,
} from "../../src/index.ts";

setEngine("wasm");

const { saveOnlyTheseNames, saveAndCompressOnlyTheseNames } = checkpointPolicies;
const STEPS = 20;
const BYTES = 256 * 32 * 4;
const ws = np.zeros([STEPS, 32, 32]);
const x = np.ones([256, 32]);
const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

const peakOf = (policy: Policy): number => {
  const step = checkpoint((c: NDArray, w: NDArray) => [np.sin(checkpointName(np.matmul(c, w), "h")), null] as const, {
    policy,
  });
  return memory(
    grad((v: NDArray, h: NDArray) => np.sum(lax.scan(step, h, v)[0])),
    ws,
    x,
  ).peak;
};
const whole = peakOf(saveOnlyTheseNames("h"));

test.each([
  ["bf16", STEPS * (BYTES / 2)],
  // One scale for each step.
  ["int8", STEPS * ((3 * BYTES) / 4) - aligned(4 * STEPS)],
] as const)("%s", (to, saved) => {
  expect(whole - peakOf(saveAndCompressOnlyTheseNames({ names: ["h"], to }))).toBe(saved);
});
