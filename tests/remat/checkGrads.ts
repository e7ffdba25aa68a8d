/**
 * Derivatives compared with central differences, up to an order, by recursion: the derivative of a function is a function whose derivatives are
 * checked in the same way, in every order of forward and reverse mode.
 */
import { expect } from "vitest";
import { jvp, type NDArray, np, tree, vjp } from "../../src/index.ts";

export type Mode = "fwd" | "rev";
type Function_ = (...args: NDArray[]) => unknown;

export interface CheckOptions {
  readonly order?: number;
  readonly modes?: readonly Mode[];
  /** Relative and absolute. */
  readonly tolerance?: number;
  /** The step of the differences. */
  readonly step?: number;
}

/** A fixed sequence of numbers between -1 and 1, different for each seed. */
export function noise(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  };
}

/** An array of the same type with other elements. */
export function randomLike(x: NDArray, next: () => number): NDArray {
  const values = Array.from({ length: x.size }, next);
  return np.reshape(np.array(values, x.dtype), x.shape);
}

const arrays = (x: unknown): NDArray[] => tree.leaves(x) as NDArray[];
const flatten = (xs: readonly NDArray[]): number[] => xs.flatMap((x) => np.ravel(x).toJS() as number[]);
const inner = (xs: readonly NDArray[], ys: readonly NDArray[]): number => {
  const [a, b] = [flatten(xs), flatten(ys)];
  return a.reduce((sum, v, i) => sum + v * b[i], 0);
};

export function expectClose(got: readonly number[], wanted: readonly number[], tolerance: number, what: string): void {
  expect(got.length, what).toBe(wanted.length);
  got.forEach((v, i) => {
    const bound = tolerance * (1 + Math.abs(wanted[i]));
    if (!(Math.abs(v - wanted[i]) <= bound)) expect.fail(`${what}: element ${i} is ${v} and should be ${wanted[i]}`);
  });
}

/** Checks all derivatives of `f` at `args`, which are floating-point arrays, as are its results. */
export function checkGrads(f: Function_, args: readonly NDArray[], options: CheckOptions = {}): void {
  const { order = 2, modes = ["fwd", "rev"], tolerance = 2e-3, step = 1e-2 } = options;
  check(f, args, order, modes, tolerance, step, "f");
}

function check(
  f: Function_,
  args: readonly NDArray[],
  order: number,
  modes: readonly Mode[],
  tolerance: number,
  step: number,
  what: string,
): void {
  const next = noise(args.length + 7 * order + what.length);
  const tangents = args.map((x) => randomLike(x, next));
  const moved = (sign: number): number[] =>
    flatten(
      arrays(f(...args.map((x, i) => np.add(x, np.multiply(tangents[i], np.array((sign * step) / 2, x.dtype)))))),
    );
  const [plus, minus] = [moved(1), moved(-1)];
  const numeric = plus.map((v, i) => (v - minus[i]) / step);
  const values = flatten(arrays(f(...args)));
  for (const mode of modes) {
    if (mode === "fwd") {
      const [primal, tangent] = jvp(f, args, tangents);
      expectClose(flatten(arrays(primal)), values, 1e-6, `value of jvp of ${what}`);
      expectClose(flatten(arrays(tangent)), numeric, tolerance, `jvp of ${what}`);
      if (order > 1) {
        check((...xs) => jvp(f, xs, tangents)[1], args, order - 1, modes, tolerance, step, `jvp of ${what}`);
      }
    } else {
      const [primal, pull] = vjp(f, ...args);
      expectClose(flatten(arrays(primal)), values, 1e-6, `value of vjp of ${what}`);
      const cts = tree.map((x) => randomLike(x as NDArray, next), primal as never) as unknown;
      const back = pull(cts as never) as readonly NDArray[];
      const expected = flatten(arrays(cts)).reduce((sum, v, i) => sum + v * numeric[i], 0);
      expectClose([inner(tangents, back)], [expected], tolerance, `vjp of ${what}`);
      if (order > 1) {
        check((...xs) => vjp(f, ...xs)[1](cts as never), args, order - 1, modes, tolerance, step, `vjp of ${what}`);
      }
    }
  }
}
