/** The training program of examples/models, run as a user runs it: the loss falls, within a budget as without, by the same numbers. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const train = (...args: readonly string[]) =>
  spawnSync(process.execPath, ["--conditions=@remat/source", "examples/models/train.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });

test("trains with Adam, within a budget by the same numbers", { timeout: 240_000 }, () => {
  const plain = train("MLP-20", "--steps=6");
  const bounded = train("mlp-20", "--steps=6", "--memory=80%");
  expect([plain.stderr, bounded.stderr]).toEqual(["", ""]);
  const losses = (text: string): number[] => [...text.matchAll(/loss (\S+)/g)].map((m) => Number(m[1]));
  expect(losses(plain.stdout)).toHaveLength(6);
  expect(losses(plain.stdout)[5]).toBeLessThan(losses(plain.stdout)[0]);
  expect(losses(bounded.stdout)).toEqual(losses(plain.stdout));
  expect(bounded.stdout.split("\n")[0]).not.toBe(plain.stdout.split("\n")[0]);
});

test("names the models there are", () => {
  const { status, stderr } = train("VGG");
  expect(status).toBe(2);
  expect(stderr).toContain("MLP-20, GPT-4, GPT-12, ResNet-50, U-Net, LSTM-1000");
});
