/** Random programs: vector to vector, of products, elementwise functions, names, calls, loops, branches and checkpoints inside of one another. */
import { checkpointName, jit, lax, np, type NDArray } from "../../src/index.ts";
import type { Sample } from "./sample.ts";

export type Vector = (x: NDArray, w: NDArray) => NDArray;
/** What becomes of a function that the program wants checkpointed. */
export type Wrap = (f: Vector, choice: number) => Vector;

export const NAMES = ["a", "b", "c"] as const;

const unary: readonly ((x: NDArray) => NDArray)[] = [
  np.sin,
  np.cos,
  np.tanh,
  (x) => np.exp(np.negative(np.square(x))),
  (x) => np.logaddexp(x, 0),
];
const binary: readonly ((x: NDArray, y: NDArray) => NDArray)[] = [np.add, np.subtract, np.multiply];

/** Draws a program. The same draws with another `wrap` give the same program with other checkpoints. */
export function drawProgram(s: Sample, depth: number, wrap: Wrap): Vector {
  const steps = Array.from({ length: s.int(2, 3) }, () => drawStep(s, depth, wrap));
  return (x, w) => steps.reduce((y, step) => step(y, w), x);
}

function drawStep(s: Sample, depth: number, wrap: Wrap): Vector {
  const leaves = ["unary", "unary", "binary", "dot", "name"] as const;
  const nodes = ["jit", "scan", "cond", "checkpoint", "checkpoint", "both"] as const;
  const kind = depth > 0 && s.unit() < 0.6 ? s.pick(nodes) : s.pick(leaves);
  const inner = (): Vector => drawProgram(s, depth - 1, wrap);
  switch (kind) {
    case "unary": {
      const f = s.pick(unary);
      return (x) => f(x);
    }
    case "binary": {
      const [f, g] = [s.pick(binary), s.pick(unary)];
      return (x) => f(x, g(x));
    }
    case "dot":
      return (x, w) => np.dot(w, x);
    case "name": {
      const name = s.pick(NAMES);
      const f = s.pick(unary);
      return (x) => checkpointName(f(x), name);
    }
    case "jit":
      return jit(inner());
    case "scan": {
      const f = inner();
      const [length, reverse] = [s.int(1, 3), s.flag()];
      return (x, w) => {
        const [c, ys] = lax.scan(
          (c: NDArray, scale: NDArray) => [f(c, w), np.multiply(c, scale)],
          x,
          np.linspace(0.5, 1, length),
          { reverse },
        );
        return np.add(c, np.sum(ys, 0));
      };
    }
    case "cond": {
      const [f, g] = [inner(), inner()];
      return (x, w) => lax.cond(np.greater(np.sum(x), 0.1), f, g, x, w);
    }
    case "checkpoint":
      return wrap(inner(), s.int(0, 99));
    case "both": {
      const [f, g] = [inner(), inner()];
      return (x, w) => np.multiply(f(x, w), g(x, w));
    }
  }
}
