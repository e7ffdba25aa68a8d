/**
 * What may be saved for the backward pass: the ready-made policies of `checkpoint`, and `checkpointName`, which gives a value the name that
 * they ask for. A policy states what *may* be saved; a value is stored only if the backward pass needs it.
 */
import type { NDArray } from "./core/array.ts";
import { ShapedArray } from "./core/aval.ts";
import type { Params } from "./core/jaxpr.ts";
import {
  askPolicy,
  everythingSaveable,
  nothingSaveable,
  Recompute,
  Saveable,
  type CompressedFormat,
  type Policy,
  type PolicyAnswer,
  type PolicyJson,
  type SplitProgram,
} from "./core/policy.ts";
import type { Primitive } from "./core/primitive.ts";
import { FrozenSet, pyStr } from "./core/python.ts";
import type { ByteSize } from "./bytes.ts";
import { and, byFlopsPerByte, bySize, not, or, saveNames } from "./policy/algebra.ts";
import { saveAndCompressOnlyTheseNames } from "./policy/compress.ts";
import { policyFrom, type PolicyTable } from "./policy/json.ts";
import { budget } from "./policy/budget.ts";
import { minCut } from "./policy/minCut.ts";
import { checkNames, checkPolicies, nameOf, policy } from "./policy/rule.ts";
import { Compressible } from "./primitives/compress.ts";
import { Offloadable } from "./primitives/devicePut.ts";
import { nameP, nameValue } from "./primitives/name.ts";
import { checkAnswer } from "./passes/partialEval.ts";
import { leafArray } from "./api/flat.ts";
import { PolicyError, RematTypeError, describe } from "./errors.ts";
import { map, type MapTree } from "./tree.ts";

export { Compressible, Offloadable, Recompute, Saveable };
export type { CompressedFormat, Policy, PolicyAnswer, PolicyJson, SplitProgram };

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

const dotsSaveable = policy("DotsSaveable(only_if_no_batch_dims=False)", (primitive) => isDot(primitive), {
  policy: "dotsSaveable",
});
const dotsWithNoBatchDimsSaveable = policy(
  "DotsSaveable(only_if_no_batch_dims=True)",
  (primitive, _avals, params) => isUnbatchedDot(primitive, params),
  { policy: "dotsWithNoBatchDimsSaveable" },
);

function saveOnlyTheseNames(...names: readonly string[]): Policy {
  checkNames("saveOnlyTheseNames", names);
  const set = new Set(names);
  return policy(
    `SaveOnlyTheseNames(saveable_names=${setText(names)})`,
    (primitive, _avals, params) => {
      const name = nameOf(primitive, params);
      return name !== null && set.has(name);
    },
    { policy: "saveOnlyTheseNames", names },
  );
}

function saveAnyNamesButThese(...names: readonly string[]): Policy {
  checkNames("saveAnyNamesButThese", names);
  const set = new Set(names);
  return policy(
    `SaveAnyNamesButThese(names=${setText(names)})`,
    (primitive, _avals, params) => {
      const name = nameOf(primitive, params);
      return name !== null && !set.has(name);
    },
    { policy: "saveAnyNamesButThese", names },
  );
}

function saveAnythingExceptTheseNames(...names: readonly string[]): Policy {
  checkNames("saveAnythingExceptTheseNames", names);
  // JAX 0.10.2 saves everything here: what a name stands for is the same value as its unnamed producer.
  return policy(functionText("save_anything_except_these_names.<locals>.<lambda>"), () => true, {
    policy: "saveAnythingExceptTheseNames",
    names,
  });
}

function saveFromBothPolicies(first: Policy, second: Policy): Policy {
  const json =
    first.json === undefined || second.json === undefined
      ? null
      : { policy: "saveFromBothPolicies", of: [first.json, second.json] };
  return bothPolicies(first, second, json);
}

function bothPolicies(first: Policy, second: Policy, json: PolicyJson | null): Policy {
  const hooked = [first, second].some((p) => p.answer !== undefined);
  return policy(
    functionText("save_from_both_policies.<locals>.policy"),
    (primitive, avals, params) => eitherOf(first(primitive, avals, params), second(primitive, avals, params)),
    json,
    {
      ...(hooked ? { answer: (eqn) => eitherOf(askPolicy(first, eqn), askPolicy(second, eqn)) } : {}),
      ...([first, second].some((p) => p.prepare !== undefined)
        ? {
            prepare: (program) =>
              bothPolicies(first.prepare?.(program) ?? first, second.prepare?.(program) ?? second, json),
          }
        : {}),
    },
  );
}

function eitherOf(a: unknown, b: unknown): boolean {
  if (typeof a !== "boolean" || typeof b !== "boolean") {
    throw new PolicyError(
      `saveFromBothPolicies joins policies that answer true or false: The return value of the policies should be a boolean. Got: ` +
        `${describe(a)} and ${describe(b)}. Please write a custom policy function directly, rather than using this helper function.`,
    );
  }
  return a || b;
}

function offloadDotWithNoBatchDims(offloadSrc: string, offloadDst: string): Policy {
  return policy(
    functionText("offload_dot_with_no_batch_dims.<locals>.policy"),
    (primitive, _avals, params) =>
      isUnbatchedDot(primitive, params) ? new Offloadable(offloadSrc, offloadDst) : Recompute,
    { policy: "offloadDotWithNoBatchDims", offloadSrc, offloadDst },
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
  return policy(
    functionText("save_and_offload_only_these_names.<locals>.policy"),
    (primitive, _avals, params) => {
      const name = nameOf(primitive, params);
      if (name !== null && saved.has(name)) return Saveable;
      if (name !== null && offloaded.has(name)) return new Offloadable(options.offloadSrc, options.offloadDst);
      return Recompute;
    },
    { policy: "saveAndOffloadOnlyTheseNames", ...options },
  );
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

  // From here on: not in JAX.
  /** `(...policies)`: what any of them saves. */
  or,
  /** `(...policies)`: what all of them save. */
  and,
  /** What a policy would have recomputed. */
  not,
  /** `{ under, over }`: values by their bytes. */
  bySize,
  /** `{ under, over }`: values by the flops that it takes to compute them, for each byte. */
  byFlopsPerByte,
  /** `(...patterns)`: values with a name that fits one, such as `layer*\/attn`. */
  saveNames,
  /** `{ names, to }`: values with one of these names are saved with fewer bits. Gradients become approximate. */
  saveAndCompressOnlyTheseNames,
  /** The fewest bytes by which nothing dear is computed twice. */
  minCut,
  /** `("64MiB")`, bytes or a share: what keeps the region within that much memory. */
  budget,
} as const;

const names = (json: PolicyJson): readonly string[] => json.names as readonly string[];
const inner = (json: PolicyJson, read: (x: unknown) => Policy): Policy[] => (json.of as readonly unknown[]).map(read);

const makers: PolicyTable = {
  everythingSaveable: () => everythingSaveable,
  nothingSaveable: () => nothingSaveable,
  dotsSaveable: () => dotsSaveable,
  dotsWithNoBatchDimsSaveable: () => dotsWithNoBatchDimsSaveable,
  offloadDotWithNoBatchDims: (json) => offloadDotWithNoBatchDims(json.offloadSrc as string, json.offloadDst as string),
  saveAnyNamesButThese: (json) => saveAnyNamesButThese(...names(json)),
  saveOnlyTheseNames: (json) => saveOnlyTheseNames(...names(json)),
  saveAnythingExceptTheseNames: (json) => saveAnythingExceptTheseNames(...names(json)),
  saveFromBothPolicies: (json, read) => saveFromBothPolicies(...(inner(json, read) as [Policy, Policy])),
  saveAndOffloadOnlyTheseNames: (json) => saveAndOffloadOnlyTheseNames(json as never),
  or: (json, read) => or(...inner(json, read)),
  and: (json, read) => and(...inner(json, read)),
  not: (json, read) => not(inner(json, read)[0]),
  bySize: ({ policy: _, ...bounds }) => bySize(bounds),
  byFlopsPerByte: ({ policy: _, ...bounds }) => byFlopsPerByte(bounds),
  saveNames: (json) => saveNames(...(json.patterns as readonly string[])),
  saveAndCompressOnlyTheseNames: (json) => saveAndCompressOnlyTheseNames(json as never),
  budget: (json) => budget(json.memory as ByteSize),
  minCut: ({ policy: _, ...options }) => minCut(options),
};

/**
 * The policy that `policyToJSON` wrote down, from its data or its JSON text.
 *
 * @throws PolicyError for data that is no policy; a name that nearly fits is suggested.
 * @example
 * policyFromJSON(JSON.stringify(checkpointPolicies.bySize({ under: "4KiB" })));
 */
export function policyFromJSON(json: unknown): Policy {
  return policyFrom(json, makers);
}

/**
 * Whether a policy lets a value of this name be saved: what the rules of `customRemat` ask. Where sizes matter, give the value.
 *
 * @example
 * savesName(checkpointPolicies.saveOnlyTheseNames("cos"), "cos"); // true
 */
export function savesName(policy: Policy, name: string, value?: NDArray): boolean {
  checkPolicies("savesName", [policy]);
  checkNames("savesName", [name]);
  const aval = value?.aval ?? new ShapedArray([], "float32");
  return checkAnswer(policy(nameP, [aval], { name })) !== Recompute;
}

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
