/** Transformations of transformations: one after another, or each for a part of the parameters. */
import { RematValueError } from "../errors.ts";
import { flatten, flattenUpTo, leaves, unflatten } from "../tree.ts";
import type { ExtraArgs, GradientTransformation, OptState, StateOf } from "./base.ts";

/** The states of transformations in a row. */
export type ChainState<T extends readonly GradientTransformation[]> = { readonly [K in keyof T]: StateOf<T[K]> };

/**
 * Transformations one after another: each takes the updates of the one before. The state is the list of their states.
 *
 * @example
 * const tx = optim.chain(optim.clipByGlobalNorm(1), optim.scaleByAdam(), optim.scale(-1e-3));
 */
export function chain<const T extends readonly GradientTransformation[]>(
  ...transforms: T
): GradientTransformation<ChainState<T>> {
  return {
    init: (params) => transforms.map((t) => t.init(params)) as unknown as ChainState<T>,
    update<P>(updates: P, state: ChainState<T>, params: unknown = null, extraArgs: ExtraArgs = {}) {
      if (!Array.isArray(state) || state.length !== transforms.length) {
        throw new RematValueError(
          `a chain of ${transforms.length} transformations was given a state of ${Array.isArray(state) ? state.length : "another kind"}: ` +
            "The number of updates and states has to be the same in chain! Make sure you have called init first!",
        );
      }
      let current = updates;
      const next = transforms.map((t, i) => {
        const [changed, after] = t.update(current, (state as readonly OptState[])[i], params, extraArgs);
        current = changed;
        return after;
      });
      return [current, next as unknown as ChainState<T>];
    },
  };
}

/** A chain whose states are found by name: `namedChain(["clip", clip(1)], ["adam", adam(1e-3)])`. */
export function namedChain(
  ...transforms: readonly (readonly [name: string, transform: GradientTransformation])[]
): GradientTransformation<Readonly<Record<string, OptState>>> {
  const names = transforms.map(([name]) => name);
  if (new Set(names).size !== names.length) {
    throw new RematValueError(
      `namedChain was given the names ${names.join(", ")}: Named transformations must have unique names. Rename one of them.`,
    );
  }
  return {
    init: (params) => Object.fromEntries(transforms.map(([name, t]) => [name, t.init(params)])),
    update(updates, state, params = null, extraArgs = {}) {
      let current = updates;
      const next = transforms.map(([name, t]) => {
        const [changed, after] = t.update(current, state[name], params, extraArgs);
        current = changed;
        return [name, after] as const;
      });
      return [current, Object.fromEntries(next)];
    },
  };
}

/** A tree of booleans that is a prefix of the parameters, or a function that makes one of them. */
export type Mask = unknown;

export type MaskedState<S extends OptState = OptState> = { readonly innerState: S };

const resolved = (given: unknown, tree: unknown): unknown =>
  typeof given === "function" ? (given as (tree: unknown) => unknown)(tree) : given;

/** The tree with `null` in place of what is masked out: nothing that works on leaves sees it. */
function masking(mask: unknown): (tree: unknown) => unknown {
  const { leaves: flags, treedef } = flatten(mask);
  return (tree) => {
    const subtrees = flattenUpTo(mask, tree);
    return unflatten(
      treedef,
      flags.map((flag, i) => (flag === true ? subtrees[i] : null)),
    );
  };
}

/**
 * The inner transformation for the leaves whose mask is true; all other updates stay as they are, and no state is kept for them. The mask holds
 * host booleans, since the structure of the state depends on it.
 *
 * @example
 * optim.masked(optim.addDecayedWeights(1e-4), (params: NDArray[]) => params.map((p) => p.ndim > 1));
 */
export function masked<S extends OptState>(
  inner: GradientTransformation<S>,
  mask: Mask,
  options: { readonly maskCompatibleExtraArgs?: boolean } = {},
): GradientTransformation<MaskedState<S>> {
  return {
    init: (params) => ({ innerState: inner.init(masking(resolved(mask, params))(params)) }),
    update<P>(updates: P, state: MaskedState<S>, params: unknown = null, extraArgs: ExtraArgs = {}) {
      const flags = resolved(mask, updates);
      const hide = masking(flags);
      const [changed, innerState] = inner.update(
        hide(updates),
        state.innerState,
        params === null ? null : hide(params),
        options.maskCompatibleExtraArgs === true ? maskedArgs(extraArgs, updates, hide) : extraArgs,
      );
      const { leaves: chosen, treedef } = flatten(flags);
      const [news, olds] = [flattenUpTo(flags, changed), flattenUpTo(flags, updates)];
      const merged = chosen.map((flag, i) => (flag === true ? news[i] : olds[i]));
      return [unflatten(treedef, merged) as P, { innerState }];
    },
  };
}

function maskedArgs(args: ExtraArgs, like: unknown, hide: (tree: unknown) => unknown): ExtraArgs {
  const { treedef } = flatten(like);
  return Object.fromEntries(
    Object.entries(args).map(([name, x]) => [name, flatten(x).treedef.equals(treedef) ? hide(x) : x]),
  );
}

function labelsEqual(labels: unknown, label: string): unknown {
  const { leaves, treedef } = flatten(labels);
  return unflatten(
    treedef,
    leaves.map((x) => x === label),
  );
}

export type PartitionState = { readonly innerStates: Readonly<Record<string, MaskedState>> };

/**
 * A transformation for each group of parameters. `paramLabels` is a tree of labels that is a prefix of the parameters, or a function that makes
 * one of them.
 *
 * @example
 * optim.partition({ weights: optim.adam(1e-3), biases: optim.sgd(1e-2) }, { w: "weights", b: "biases" });
 */
export function partition(
  transforms: Readonly<Record<string, GradientTransformation>>,
  paramLabels: unknown,
  options: { readonly maskCompatibleExtraArgs?: boolean } = {},
): GradientTransformation<PartitionState> {
  const groups = Object.entries(transforms);
  const group = (labels: unknown, label: string, t: GradientTransformation): GradientTransformation<MaskedState> =>
    masked(t, labelsEqual(labels, label), options);
  return {
    init(params) {
      const labels = resolved(paramLabels, params);
      const used = [...new Set(leaves(labels).map(String))].sort();
      const known = Object.keys(transforms).sort();
      if (used.some((label) => !known.includes(label))) {
        throw new RematValueError(
          "partition was asked for the state of parameters whose label it does not know: Some parameters have no corresponding transformation.\n" +
            `Parameter labels: [${used.join(", ")}]\nTransforms keys: [${known.join(", ")}]\nGive a transformation for each label.`,
        );
      }
      return { innerStates: Object.fromEntries(groups.map(([k, t]) => [k, group(labels, k, t).init(params)])) };
    },
    update(updates, state, params = null, extraArgs = {}) {
      const labels = resolved(paramLabels, updates);
      let current = updates;
      const next = groups.map(([k, t]) => {
        const [changed, after] = group(labels, k, t).update(current, state.innerStates[k], params, extraArgs);
        current = changed;
        return [k, after] as const;
      });
      return [current, { innerStates: Object.fromEntries(next) }];
    },
  };
}

export { partition as multiTransform };
