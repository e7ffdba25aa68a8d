/** `customJvp`: a function with a forward-mode derivative rule of its own, from which the reverse mode follows by transposition. */
import { functionName, passFor } from "../argNames.ts";
import { addTangents } from "../core/addAny.ts";
import { NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray } from "../core/aval.ts";
import type { Tangent } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import { CustomRuleError, RematTypeError, describe } from "../errors.ts";
import { stopGradient as stopGradientOf } from "../primitives/convert.ts";
import { bindCustomJvp } from "../primitives/customJvp.ts";
import { flatten, unflatten, type TreeDef } from "../tree.ts";
import { places, SymbolicZero, without, withStatics, type CustomRuleOptions, type RuleOptions } from "./customRule.ts";
import { flattenArgs, flattenResult, leafArray, type AnyFunction, type Callable } from "./flat.ts";

/** A function whose forward-mode rule is given with `defjvp` or `defjvps`. */
export type CustomJvp<F extends AnyFunction> = F & {
  /** `rule(primals, tangents)`, after the values of `nondiffArgnums`, gives `[primal out, tangent out]`. */
  defjvp<R extends AnyFunction>(rule: R, options?: RuleOptions): R;
  /** One rule for each argument, `(tangent, primal out, ...primals) => tangent out`; null for one without influence. */
  defjvps(...rules: readonly (AnyFunction | null)[]): void;
};

/**
 * Gives a function a forward-mode derivative rule of its own.
 *
 * @example
 * const f = customJvp((x: NDArray) => np.sin(x));
 * f.defjvp(([x]: [NDArray], [dx]: [NDArray]) => [f(x), np.cos(x).mul(dx)]);
 */
export function customJvp<F extends AnyFunction>(f: F, options: CustomRuleOptions = {}): CustomJvp<F> {
  let rule: AnyFunction | null = null;
  let symbolicZeros = false;
  const name = functionName(f);
  const call = (...args: readonly unknown[]): unknown => {
    const jvpRule = rule;
    if (jvpRule === null) {
      throw new CustomRuleError(
        `${name} is called before it has a rule: No JVP defined for custom_jvp function ${name} using defjvp.`,
        "AttributeError",
      );
    }
    const statics = places(options, args.length);
    const given = args.map((x, i) => (statics.includes(i) && x instanceof NDArray ? stopGradientOf(x) : x));
    const flat = flattenArgs(f, without(given, statics));
    const rebuild = (leaves: readonly unknown[]): readonly unknown[] =>
      unflatten(flat.treedef, leaves) as readonly unknown[];
    let result: TreeDef | null = null;
    let outAvals: readonly ShapedArray[] | null = null;
    const outs = bindCustomJvp(
      {
        name,
        jvpName: functionName(jvpRule),
        symbolicZeros,
        fun: (leaves) => {
          const out = (f as unknown as Callable)(...withStatics(rebuild(leaves), given, statics));
          const flatOut = flattenResult(out, name, "custom_jvp");
          result = flatOut.treedef;
          outAvals = flatOut.leaves.map((x) => x.aval);
          return flatOut.leaves;
        },
        jvp: (primals, tangents) => {
          const ts = tangents.map((t, i) => t ?? new SymbolicZero(primals[i].aval.toTangent()));
          const pair = (jvpRule as unknown as Callable)(...statics.map((i) => given[i]), rebuild(primals), rebuild(ts));
          const parts = checkJvpResult(pair, functionName(jvpRule), name, result, outAvals);
          result = parts.treedef;
          return parts;
        },
      },
      flat.leaves,
    );
    return unflatten(result as unknown as TreeDef, outs);
  };
  const custom = passFor(call, f) as unknown as CustomJvp<F>;
  const defjvp = <R extends AnyFunction>(given: R, ruleOptions: RuleOptions = {}): R => {
    rule = given;
    symbolicZeros = ruleOptions.symbolicZeros ?? false;
    return given;
  };
  const defjvps = (...rules: readonly (AnyFunction | null)[]): void => {
    if (options.nondiffArgnums !== undefined) {
      throw new RematTypeError(
        "defjvps gives a rule for each argument: Can't use ``defjvps`` with ``nondiff_argnums``. Use defjvp.",
      );
    }
    const jvp = (primals: readonly unknown[], tangents: readonly unknown[]): readonly unknown[] => {
      const out = (custom as unknown as Callable)(...primals);
      const flatOut = flattenResult(out, name, "custom_jvp");
      const terms = tangents.map((t, i) => {
        const r = rules[i] ?? null;
        if (r === null) return flatOut.leaves.map((): Tangent => null);
        return flattenResult((r as unknown as Callable)(t, out, ...primals), functionName(r), "custom_jvp").leaves;
      });
      const sums = flatOut.leaves.map((x, i) =>
        instantiate(terms.map((ts) => ts[i]).reduce(addTangents, null), x.aval.toTangent()),
      );
      return [out, unflatten(flatOut.treedef, sums)];
    };
    defjvp(jvp as unknown as AnyFunction);
  };
  return Object.assign(custom, { defjvp, defjvps });
}

interface JvpParts {
  readonly primals: readonly NDArray[];
  readonly tangents: readonly Tangent[];
  readonly treedef: TreeDef;
}

function checkJvpResult(
  pair: unknown,
  rule: string,
  name: string,
  result: TreeDef | null,
  outAvals: readonly ShapedArray[] | null,
): JvpParts {
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new CustomRuleError(
      `Custom JVP rule ${rule} for function ${name} must produce a pair (list or tuple of length two) representing primal and tangent outputs, but ` +
        `got ${describe(pair)}. Return [out, tangent].`,
    );
  }
  const primal = flattenResult(pair[0], rule, "custom_jvp");
  const tangent = flatten(pair[1]);
  if (!primal.treedef.equals(tangent.treedef)) {
    throw new CustomRuleError(
      `Custom JVP rule ${rule} for function ${name} must produce primal and tangent outputs with equal container (pytree) structures, but got ` +
        `${String(primal.treedef)} and ${String(tangent.treedef)} respectively.`,
    );
  }
  if (result !== null && !result.equals(primal.treedef)) {
    throw new CustomRuleError(
      `Custom JVP rule ${rule} for function ${name} must produce a pair (list or tuple of length two) where the first element represents the primal ` +
        `output (equal in value to the output of ${name}, of the same container/pytree structure), but instead its first element had structure ` +
        `${String(primal.treedef)}, while ${name} had output structure ${String(result)}.`,
    );
  }
  const differs =
    outAvals?.findIndex(
      (a, i) => a.dtype !== primal.leaves[i].dtype || !shapesEqual(a.shape, primal.leaves[i].shape),
    ) ?? -1;
  if (outAvals !== null && differs >= 0) {
    throw new CustomRuleError(
      `Custom JVP rule ${rule} for function ${name} must produce a pair (list or tuple of length two) where the first element represents the primal ` +
        `output, in particular with leaves of the same shape/dtype, but instead it had ${primal.leaves.map((x) => x.aval.toLongString()).join(", ")}, ` +
        `while ${name} had ${outAvals.map((a) => a.toLongString()).join(", ")}.`,
    );
  }
  const tangents = tangent.leaves.map((t, i): Tangent => {
    if (t instanceof SymbolicZero) return null;
    const expected = primal.leaves[i].aval.toTangent();
    const x = leafArray(t, "asFloats");
    if (x === null || x.dtype !== expected.dtype || !shapesEqual(x.shape, expected.shape)) {
      throw new CustomRuleError(
        "Custom JVP rule must produce primal and tangent outputs with corresponding shapes and dtypes. Expected " +
          `${expected.toLongString()} (tangent type of ${primal.leaves[i].aval.toLongString()}) but got ` +
          `${x === null ? describe(t) : x.aval.toLongString()} from ${rule}.`,
      );
    }
    return x;
  });
  return { primals: primal.leaves, tangents, treedef: primal.treedef };
}
