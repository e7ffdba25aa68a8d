/** The table of the README: the recursive checkpointing of JAX's guide, and the binomial schedule that keeps as many values. */
import { expect, test } from "vitest";
import { checkpoint, checkpointSequential, np, savedResiduals, valueAndGrad, type NDArray } from "../../src/index.ts";
import { runsOf } from "./counting.ts";

type Step = (x: NDArray) => NDArray;

const chain = (n: number): Step[] => Array.from({ length: n }, () => (x: NDArray) => np.sin(x));

function recursive(fs: readonly Step[]): Step {
  if (fs.length === 1) return fs[0];
  if (fs.length === 2) return (x) => fs[1](fs[0](x));
  const half = fs.length / 2;
  const first = checkpoint(recursive(fs.slice(0, half)));
  const rest = recursive(fs.slice(half));
  return (x) => rest(first(x));
}

test.each([
  [8, 4, 13, 12],
  [16, 5, 33, 28],
  [32, 6, 81, 69],
  [64, 7, 193, 157],
  [128, 8, 449, 348],
])(
  "a chain of %i: %i values kept, %i steps by recursion, %i by the binomial schedule",
  (n, kept, halving, binomial) => {
    const x = np.array(0.3, "float32");
    const make = [
      () => recursive(chain(n)),
      () => checkpointSequential<NDArray, NDArray>(chain(n), { slots: kept - 1 }) as Step,
    ];
    const results = make.map((f) => {
      const { result, runs } = runsOf("sin", () => valueAndGrad(f())(x).map((y) => y.item()));
      return { result, runs, kept: savedResiduals(f(), x).length };
    });
    expect(results[1].result).toEqual(results[0].result);
    expect(results.map((r) => [r.kept, r.runs])).toEqual([
      [kept, halving],
      [kept, binomial],
    ]);
  },
);
