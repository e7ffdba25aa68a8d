/** `customRemat`: a function that says itself what `checkpoint` keeps of it, how the rest is made again, and how it is differentiated. */
import { functionName, passFor } from "../argNames.ts";
import type { NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray } from "../core/aval.ts";
import { bind } from "../core/interpreter.ts";
import { constsToInputs } from "../core/stage.ts";
import type { Policy } from "../core/policy.ts";
import { CustomRuleError, describe } from "../errors.ts";
import { customRemat as customRematP, type CustomRematRule } from "../primitives/customRemat.ts";
import { unflatten, type TreeDef } from "../tree.ts";
import { withStatics } from "./customRule.ts";
import { checkBwdResult } from "./customVjp.ts";
import { canonicalArgnums, flattenResult, requireFunction, type AnyFunction, type Callable } from "./flat.ts";
import { traceArgs } from "./stage.ts";
import { SplitArgs, TraceCache } from "./traceCache.ts";

export interface CustomRematOptions {
  /** Arguments that are not traced: functions see their values, and `bwd` gives no cotangents for them. */
  readonly staticArgnums?: number | readonly number[];
}

/**
 * Gives a function its own behaviour under `checkpoint`, as `jax.custom_remat` does (which JAX 0.10.2 has behind its `jax_remat3` flag, without the
 * policy):
 *
 * - `fwd(policy, ...args)` gives `[out, kept]`. It runs in the forward pass, is told the policy of the checkpoint around, and decides what is kept:
 *   any tree of arrays, or null for nothing. Ask `savesName(policy, "name")` for what a policy by names would do. Without a policy, it is told
 *   `nothingSaveable`; outside of every checkpoint `everythingSaveable`, as values are saved there.
 * - `rem(kept, ...args)` gives `[out, residuals]`: it runs in the backward pass, and makes what `bwd` needs of what was kept and of the arguments.
 * - `bwd(residuals, cotangent)` gives an array with one cotangent for each argument that is not static, null for zero.
 *
 * Reverse mode follows the rules, also outside of `checkpoint`, so that the bits of the gradient don't depend on the policy; forward mode
 * differentiates `f` itself. The rules only cover arguments, not what `f` closes over.
 *
 * @throws CustomRuleError where a rule gives something else than said above.
 * @throws CustomVjpClosureError where a derivative by a closed-over value is asked for.
 * @example
 * const sin = customRemat(
 *   (x: NDArray) => np.sin(x),
 *   (policy: Policy, x: NDArray) => [np.sin(x), savesName(policy, "cos") ? np.cos(x) : null],
 *   (cos: NDArray | null, x: NDArray) => [np.sin(x), cos ?? np.cos(x)],
 *   (cos: NDArray, ct: NDArray) => [cos.mul(ct)],
 * );
 * grad(checkpoint((x: NDArray) => sin(sin(x)), { policy: checkpointPolicies.saveOnlyTheseNames("cos") }))(1);
 */
export function customRemat<A extends readonly unknown[], R, K, S>(
  f: (...args: A) => R,
  fwd: (policy: Policy, ...args: A) => readonly [out: R, kept: K],
  rem: (kept: K, ...args: A) => readonly [out: R, residuals: S],
  bwd: (residuals: S, cotangent: R) => readonly unknown[],
  options: CustomRematOptions = {},
): (...args: A) => R {
  const target = f as unknown as AnyFunction;
  for (const [rule, fn] of Object.entries({ f, fwd, rem, bwd })) requireFunction(fn, `customRemat's ${rule}`);
  const programs = new TraceCache();
  const names = { name: functionName(target), fwd: nameOf(fwd), rem: nameOf(rem), bwd: nameOf(bwd) };
  const call = (...args: readonly unknown[]): unknown => {
    const statics = canonicalArgnums("customRemat's staticArgnums", options.staticArgnums ?? [], args.length);
    const split = new SplitArgs(target, args, statics);
    const traced = programs.of(split, () => traceArgs(target, split, args, "custom_remat"));
    const { consts, jaxpr } = traced.closed;
    // Rules outlive the call: they keep the static arguments, but not the arrays.
    const kept = args.map((x, i) => (statics.includes(i) ? x : null));
    const { treedef } = split;
    const rule = flatRule(
      { ...names, fwdRule: fwd as Callable, remRule: rem as Callable, bwdRule: bwd as Callable },
      (leaves) => withStatics(unflatten(treedef, leaves) as readonly unknown[], kept, statics),
      treedef,
      split.leaves.map((x) => x.aval),
      { tree: traced.resultTree, avals: jaxpr.outAvals },
    );
    const params = { ...names, call_jaxpr: constsToInputs(jaxpr), rule, num_consts: consts.length };
    return unflatten(traced.resultTree, bind(customRematP, [...consts, ...split.leaves], params));
  };
  return passFor(call as unknown as AnyFunction, target) as unknown as (...args: A) => R;
}

const nameOf = (f: unknown): string => functionName(f as AnyFunction);

interface Rules {
  readonly name: string;
  readonly fwd: string;
  readonly rem: string;
  readonly fwdRule: Callable;
  readonly remRule: Callable;
  readonly bwdRule: Callable;
}

/** What the function itself gives. */
interface Result {
  readonly tree: TreeDef;
  readonly avals: readonly ShapedArray[];
}

/** The user's rules on flat values. Each step knows the structure of what the one before gave. */
function flatRule(
  rules: Rules,
  rebuild: (leaves: readonly NDArray[]) => readonly unknown[],
  argTree: TreeDef,
  argAvals: readonly ShapedArray[],
  result: Result,
): CustomRematRule {
  return (policy, args) => {
    const forward = checkPair(rules.fwdRule(policy, ...rebuild(args)), "fwd", rules.fwd, rules.name, result);
    return {
      outs: forward.outs,
      kept: forward.others,
      rem(kept, again) {
        const pair = rules.remRule(unflatten(forward.tree, kept), ...rebuild(again));
        const { outs, others, tree } = checkPair(pair, "rem", rules.rem, rules.name, result);
        return {
          outs,
          residuals: others,
          bwd: (residuals, cts) =>
            checkBwdResult(rules.bwdRule(unflatten(tree, residuals), unflatten(result.tree, cts)), argTree, argAvals),
        };
      },
    };
  };
}

function checkPair(
  pair: unknown,
  rule: "fwd" | "rem",
  ruleName: string,
  name: string,
  result: Result,
): { readonly outs: readonly NDArray[]; readonly others: readonly NDArray[]; readonly tree: TreeDef } {
  const second = rule === "fwd" ? "what is kept" : "the residuals for bwd";
  const what = `the ${rule} rule ${ruleName} of the customRemat function ${name} must give a pair: the output and ${second}`;
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new CustomRuleError(
      `${what}; got ${describe(pair)}. Return [out, ${rule === "fwd" ? "kept" : "residuals"}].`,
    );
  }
  const out = flattenResult(pair[0], ruleName, "custom_remat");
  if (!result.tree.equals(out.treedef)) {
    throw new CustomRuleError(
      `${what}; its output has the structure ${String(out.treedef)}, while that of ${name} has ${String(result.tree)}. Return the same output.`,
    );
  }
  const types = out.leaves.map((x) => x.aval);
  if (types.some((a, i) => a.dtype !== result.avals[i].dtype || !shapesEqual(a.shape, result.avals[i].shape))) {
    const text = (avals: readonly ShapedArray[]): string => avals.map((a) => a.toLongString()).join(", ");
    throw new CustomRuleError(
      `${what}; its output has the types ${text(types)}, while that of ${name} has ${text(result.avals)}. Return the same output.`,
    );
  }
  const others = flattenResult(pair[1], ruleName, "custom_remat");
  return { outs: out.leaves, others: others.leaves, tree: others.treedef };
}
