/**
 * What may be saved for the backward pass: the ready-made policies of `checkpoint`, and `checkpointName`, which gives a value the name that
 * they ask for. A policy states what *may* be saved; a value is stored only if the backward pass needs it.
 */
import type { NDArray } from "./core/array.ts";
import type { ShapedArray } from "./core/aval.ts";
import type { Params } from "./core/jaxpr.ts";
import { Recompute, Saveable, type Policy, type PolicyAnswer } from "./core/policy.ts";
import type { Primitive } from "./core/primitive.ts";
import { FrozenSet, pyStr } from "./core/python.ts";
import { Offloadable } from "./primitives/devicePut.ts";
import { nameValue } from "./primitives/name.ts";
import { leafArray } from "./api/flat.ts";
import { PolicyError, RematTypeError, describe } from "./errors.ts";
import { map, type MapTree } from "./tree.ts";

export { Offloadable, Recompute, Saveable, type Policy, type PolicyAnswer };

type Rule = (primitive: Primitive, avals: readonly ShapedArray[], params: Params) => PolicyAnswer;

/** A policy with the text by which it prints in jaxprs. */
const policy = (printed: string, rule: Rule): Policy => Object.assign(rule.bind(null), { printed });

const functionText = (name: string): string => `<function ${name} at 0xXXXXXXXXXXXX>`;
const setText = (names: readonly string[]): string => pyStr(new FrozenSet(names));

const isDot = (primitive: Primitive): boolean =>
  primitive.name === "dot_general" || primitive.name === "conv_general_dilated";

function isUnbatchedDot(primitive: Primitive, params: Params): boolean {
  if (primitive.name !== "dot_general") return false;
  const [, [left, right]] = dimensionLists(params.dimension_numbers);
  return left.length === 0 && right.length === 0;
}

type Lists = readonly [contract: readonly [unknown[], unknown[]], batch: readonly [unknown[], unknown[]]];

/** The dimension numbers of a product, whether they are plain arrays or printed as Python lists. */
function dimensionLists(x: unknown): Lists {
  const plain = (y: unknown): unknown => {
    const items = Array.isArray(y) ? (y as unknown[]) : (y as { items?: unknown[] } | null)?.items;
    return items === undefined ? y : items.map(plain);
  };
  return plain(x) as Lists;
}

const nameOf = (primitive: Primitive, params: Params): string | null =>
  primitive.name === "name" ? (params.name as string) : null;

const everythingSaveable = policy(functionText("everything_saveable"), () => true);
const nothingSaveable = policy(functionText("nothing_saveable"), () => false);
const dotsSaveable = policy("DotsSaveable(only_if_no_batch_dims=False)", (primitive) => isDot(primitive));
const dotsWithNoBatchDimsSaveable = policy("DotsSaveable(only_if_no_batch_dims=True)", (primitive, _avals, params) =>
  isUnbatchedDot(primitive, params),
);

function saveOnlyTheseNames(...names: readonly string[]): Policy {
  checkNames("saveOnlyTheseNames", names);
  const set = new Set(names);
  return policy(`SaveOnlyTheseNames(saveable_names=${setText(names)})`, (primitive, _avals, params) => {
    const name = nameOf(primitive, params);
    return name !== null && set.has(name);
  });
}

function saveAnyNamesButThese(...names: readonly string[]): Policy {
  checkNames("saveAnyNamesButThese", names);
  const set = new Set(names);
  return policy(`SaveAnyNamesButThese(names=${setText(names)})`, (primitive, _avals, params) => {
    const name = nameOf(primitive, params);
    return name !== null && !set.has(name);
  });
}

function saveAnythingExceptTheseNames(...names: readonly string[]): Policy {
  checkNames("saveAnythingExceptTheseNames", names);
  // JAX 0.10.2 saves everything here: what a name stands for is the same value as its unnamed producer.
  return policy(functionText("save_anything_except_these_names.<locals>.<lambda>"), () => true);
}

function saveFromBothPolicies(first: Policy, second: Policy): Policy {
  return policy(functionText("save_from_both_policies.<locals>.policy"), (primitive, avals, params) => {
    const a: unknown = first(primitive, avals, params);
    const b: unknown = second(primitive, avals, params);
    if (typeof a !== "boolean" || typeof b !== "boolean") {
      throw new PolicyError(
        `saveFromBothPolicies joins policies that answer true or false: The return value of the policies should be a boolean. Got: ` +
          `${describe(a)} and ${describe(b)}. Please write a custom policy function directly, rather than using this helper function.`,
      );
    }
    return a || b;
  });
}

function offloadDotWithNoBatchDims(offloadSrc: string, offloadDst: string): Policy {
  return policy(functionText("offload_dot_with_no_batch_dims.<locals>.policy"), (primitive, _avals, params) =>
    isUnbatchedDot(primitive, params) ? new Offloadable(offloadSrc, offloadDst) : Recompute,
  );
}

export interface SaveAndOffloadOptions {
  readonly namesWhichCanBeSaved: readonly string[];
  readonly namesWhichCanBeOffloaded: readonly string[];
  /** Memory kinds: `device`, and `pinned_host` for host memory. */
  readonly offloadSrc: string;
  readonly offloadDst: string;
}

function saveAndOffloadOnlyTheseNames(options: SaveAndOffloadOptions): Policy {
  const saved = new Set(options.namesWhichCanBeSaved);
  const offloaded = new Set(options.namesWhichCanBeOffloaded);
  const both = [...saved].filter((name) => offloaded.has(name));
  if (both.length > 0) {
    const list = (names: Iterable<string>): string => `{${[...names].map((n) => `'${n}'`).join(", ")}}`;
    throw new PolicyError(
      "a policy was asked to save and to offload the same names: The names should be exclusive and should not intersect in " +
        "`names_which_can_be_saved` and `names_which_can_be_offloaded`. " +
        `Got names_which_can_be_saved=${list(saved)}, names_which_can_be_offloaded=${list(offloaded)} and the intersection=${list(both)}. ` +
        "Take each of these names out of one of the lists.",
    );
  }
  return policy(functionText("save_and_offload_only_these_names.<locals>.policy"), (primitive, _avals, params) => {
    const name = nameOf(primitive, params);
    if (name !== null && saved.has(name)) return Saveable;
    if (name !== null && offloaded.has(name)) return new Offloadable(options.offloadSrc, options.offloadDst);
    return Recompute;
  });
}

function checkNames(what: string, names: readonly unknown[]): void {
  for (const name of names) {
    if (typeof name !== "string")
      throw new RematTypeError(`${what} takes names: each must be a string; got ${describe(name)}.`);
  }
}

/** The policies of `jax.checkpoint_policies`: constants, and makers that take names, policies or memory kinds. */
export const checkpointPolicies = {
  /** Everything may be saved, as without checkpoint. */
  everythingSaveable,
  /** Nothing is saved but the arguments; the same as no policy. */
  nothingSaveable,
  /** Results of matrix products and convolutions. */
  dotsSaveable,
  checkpointDots: dotsSaveable,
  /** Results of matrix products without batch dimensions: those with weights, not those between activations. */
  dotsWithNoBatchDimsSaveable,
  checkpointDotsWithNoBatchDims: dotsWithNoBatchDimsSaveable,
  /** `(src, dst)`: results of matrix products without batch dimensions are moved to another memory. */
  offloadDotWithNoBatchDims,
  /** Values with a name, but for these. */
  saveAnyNamesButThese,
  /** Values with one of these names. */
  saveOnlyTheseNames,
  /** Everything; the names are ignored, as in JAX 0.10.2. */
  saveAnythingExceptTheseNames,
  /** What either of two policies saves. */
  saveFromBothPolicies,
  /** Some names are saved, others moved to another memory. */
  saveAndOffloadOnlyTheseNames,
} as const;

/**
 * Names a value, or every array of a tree, so that policies can ask for it. The named value is a new one: use the result.
 *
 * @example
 * const layer = (w: NDArray, x: NDArray) => checkpointName(np.tanh(np.dot(w, x)), "hidden");
 */
export function checkpointName<P>(x: P, name: string): MapTree<P, NDArray> {
  if (typeof name !== "string")
    throw new RematTypeError(`checkpointName takes a name: it must be a string; got ${describe(name)}.`);
  return map((leaf: unknown) => {
    const value = leafArray(leaf, "asWritten");
    if (value === null) {
      throw new RematTypeError(
        `checkpointName('${name}') was given something that is not an array: Error interpreting argument to name as a JAX value. The problematic ` +
          `value is ${describe(leaf)} and was passed to name at position 0.`,
      );
    }
    return nameValue(value, name);
  }, x as never);
}
