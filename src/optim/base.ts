/**
 * What a gradient transformation is, and the few that do next to nothing.
 *
 * An optimizer is a pair of functions without hidden memory: `init` makes a state for some parameters, `update` takes gradients and a state
 * to updates and the next state. Parameters, gradients and states are trees of arrays, so that a training step can be compiled, batched
 * and looped over like any other function. Names and arithmetic are those of Optax (Babuschkin et al., "The DeepMind JAX Ecosystem").
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { RematTypeError, RematValueError, describe } from "../errors.ts";
import { isArrayLike, toArray } from "../numpy/asarray.ts";
import * as np from "../numpy/index.ts";
import { flatten, flattenUpTo, unflatten } from "../tree.ts";

/** A hyperparameter: a host number, or an array of rank 0 if it is part of a state. */
export type Scalar = number | NDArray;

/** A hyperparameter as a function of the number of updates made so far. */
export type Schedule = (count: Scalar) => Scalar;

/** A hyperparameter that may change over time. */
export type ScalarOrSchedule = Scalar | Schedule;

/** Any tree of arrays, such as moments of gradients. `null` stands where there is nothing. */
export type ArrayTree = NDArray | null | ArrayList | ArrayDict;
// interfaces, because TypeScript would unfold aliases without end
interface ArrayList extends ReadonlyArray<ArrayTree> {
  readonly [index: number]: ArrayTree;
}
interface ArrayDict {
  readonly [key: string]: ArrayTree;
}

/** What a transformation remembers. */
export type OptState = ArrayTree;

/** The state of a transformation that remembers nothing. */
export type EmptyState = Readonly<Record<string, never>>;

/** What some transformations want to know beyond gradients and parameters, such as the value of the loss. */
export type ExtraArgs = Readonly<Record<string, unknown>>;

/**
 * A gradient transformation. `update` gives `[updates, state]`, where updates are to be *added* to the parameters (see `applyUpdates`).
 *
 * @example
 * const params = { w: np.ones([3]) };
 * const tx = optim.adam(1e-3);
 * const [updates, state] = tx.update({ w: np.ones([3]) }, tx.init(params), params);
 * optim.applyUpdates(params, updates); // { w: [0.999, 0.999, 0.999] }
 */
export interface GradientTransformation<S extends OptState = OptState> {
  /** The state before the first update, for parameters of some structure, shapes and dtypes. */
  init(params: unknown): S;
  /** Updates of the structure of the gradients, and the next state. Some transformations need the parameters. */
  update<P>(updates: P, state: S, params?: unknown, extraArgs?: ExtraArgs): [updates: P, state: S];
}

/** The state of a transformation. */
export type StateOf<T> = T extends GradientTransformation<infer S> ? S : never;

/** The state of a transformation that remembers nothing. */
export const emptyState: EmptyState = Object.freeze({});

const isNull = (x: unknown): boolean => x === null;

function leaf(x: unknown): NDArray {
  if (isArrayLike(x)) return toArray(x);
  throw new RematTypeError(
    `a gradient transformation works on trees of arrays, and a leaf was ${describe(x)}. Give arrays or numbers, and null where there is nothing.`,
  );
}

/**
 * The tree of `f(leaf, ...leaves of the others)`. Where the first tree has `null` (a gradient that does not exist), the result has `null`,
 * whatever the others have there.
 */
export function mapTree<P>(f: (...leaves: NDArray[]) => NDArray, tree: P, ...rest: readonly unknown[]): P {
  const { leaves, treedef } = flatten(tree, isNull);
  const others = rest.map((other) => flattenUpTo(tree, other, isNull));
  const results = leaves.map((x, i) => (x === null ? null : f(leaf(x), ...others.map((other) => leaf(other[i])))));
  return unflatten(treedef, results) as P;
}

/** The arrays in a tree. */
export const arraysOf = (tree: unknown): NDArray[] => flatten(tree).leaves.map(leaf);

export const zerosLike = (tree: unknown, dtype?: DType | null): ArrayTree =>
  mapTree((x) => np.zerosLike(x, { dtype: dtype ?? null }), tree as ArrayTree);

export const fullLike = (tree: unknown, value: Scalar): ArrayTree =>
  mapTree((x) => np.fullLike(x, value), tree as ArrayTree);

/** The tree in another dtype, or as it is if there is none. */
export const cast = <P>(tree: P, dtype: DType | null | undefined): P =>
  dtype == null ? tree : mapTree((x) => np.astype(x, dtype), tree);

/** Each array in the dtype of its counterpart. */
export const castLike = <P>(tree: P, other: unknown): P => mapTree((x, y) => np.astype(x, y.dtype), tree, other);

/** The parameters, where a transformation cannot do without. */
export function requireParams(params: unknown, name: string): unknown {
  if (params != null) return params;
  throw new RematValueError(
    `${name} needs the parameters: You are using a transformation that requires the current value of parameters, but you are not passing ` +
      "`params` when calling `update`. Call update(updates, state, params).",
  );
}

/** A transformation without state. */
export const stateless = (
  f: <P>(updates: P, params: unknown, extraArgs: ExtraArgs) => P,
): GradientTransformation<EmptyState> => ({
  init: () => emptyState,
  update: (updates, state, params = null, extraArgs = {}) => [f(updates, params, extraArgs), state],
});

/** A transformation without state, given by what it does to each leaf: `f(update, param)`, with null for a parameter that was not given. */
export const statelessWithTreeMap = (
  f: (update: NDArray, param: NDArray | null) => NDArray,
): GradientTransformation<EmptyState> =>
  stateless((updates, params) =>
    params == null ? mapTree((u) => f(u, null), updates) : mapTree((u, p) => f(u, p), updates, params),
  );

/** Updates as they are. */
export const identity = (): GradientTransformation<EmptyState> => stateless((updates) => updates);

/** Zeros in place of updates: what it is given does not change. */
export const setToZero = (): GradientTransformation<EmptyState> => statelessWithTreeMap((u) => np.zerosLike(u));
