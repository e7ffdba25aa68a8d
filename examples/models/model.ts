/**
 * What the models of this folder have in common: each is an ordinary training program, a tree of parameters and a loss, in two sizes. `small` has the
 * structure of the real thing and is quick to run; `full` is large enough for memory to matter on one machine.
 *
 * A model says where its blocks are and leaves to the caller what becomes of them: `loss()` is the model as it is, `loss(checkpoint)` recomputes
 * each block in the backward pass, and `loss((block) => checkpoint(block, { policy }))` keeps what a policy says.
 */
import { np, random, tree, type NDArray } from "../../src/index.ts";

export type Size = "small" | "full";

/** Arrays in records and lists. */
export type Parameters = NDArray | readonly Parameters[] | { readonly [name: string]: Parameters };

/** A part of a model: a function of its own parameters and of values. */
export type Block = (...args: readonly never[]) => unknown;

/** What becomes of each block of a model. */
export type Wrap = <F extends Block>(block: F) => F;

/** Leaves a block as it is. */
export const asItIs: Wrap = (block) => block;

export interface Model<P extends Parameters = Parameters, B extends Parameters = Parameters> {
  readonly name: string;
  /** Parameters for a size, drawn from a key. */
  init(key: NDArray, size: Size): P;
  /** Inputs and targets for a size, drawn from a key. */
  batch(key: NDArray, size: Size): B;
  /** The loss (a scalar) of parameters on a batch. */
  loss(wrap?: Wrap): (params: P, batch: B) => NDArray;
}

/** The number of parameters. */
export const countOf = (params: Parameters): number =>
  tree.flatten(params).leaves.reduce((n: number, leaf) => n + (leaf as NDArray).size, 0);

/** As many keys as are asked for. */
export const keysOf = (key: NDArray, count: number): readonly NDArray[] => [...random.split(key, count)];

/** Weights whose products with unit inputs have unit variance times `gain`: He et al. 2015 have a gain of 2. */
export const weights = (key: NDArray, shape: readonly number[], gain = 1): NDArray => {
  const inputs = shape.slice(0, -1).reduce((n, d) => n * d, 1);
  return np.multiply(random.normal(key, shape), Math.sqrt(gain / inputs));
};

/** Minus the mean logarithm of the probability that `logits` [..., classes] give to the classes in `labels` [...]. */
export function crossEntropy(logits: NDArray, oneHot: NDArray): NDArray {
  const top = np.max(logits, { axis: -1, keepdims: true });
  const shifted = np.subtract(logits, top);
  const total = np.log(np.sum(np.exp(shifted), { axis: -1 }));
  return np.mean(np.subtract(total, np.sum(np.multiply(oneHot, shifted), { axis: -1 })));
}
