/** `customVjp`: a function with a reverse-mode derivative rule of its own. */
import { functionName, passFor } from "../argNames.ts";
import type { NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray } from "../core/aval.ts";
import { isInexact } from "../core/dtype.ts";
import { Tracer } from "../core/interpreter.ts";
import type { Tangent } from "../core/primitive.ts";
import { CustomRuleError, RematValueError, UnexpectedTracerError, describe } from "../errors.ts";
import { bindCustomVjp } from "../primitives/customVjp.ts";
import { flatten, flattenWithPath, keystr, unflatten, type TreeDef } from "../tree.ts";
import {
  Perturbable,
  places,
  SymbolicZero,
  without,
  withStatics,
  type CustomRuleOptions,
  type RuleOptions,
} from "./customRule.ts";
import { flattenArgs, flattenResult, leafArray, type AnyFunction, type Callable } from "./flat.ts";

/** A function whose reverse-mode rule is given with `defvjp`. */
export type CustomVjp<F extends AnyFunction> = F & {
  /**
   * `fwd(...args)` gives `[value, residuals]`; `bwd(residuals, cotangent)`, after the values of `nondiffArgnums`, gives an array with one cotangent
   * for each argument, null for zero.
   */
  defvjp(fwd: AnyFunction, bwd: AnyFunction, options?: RuleOptions): void;
};

/**
 * Gives a function a reverse-mode derivative rule of its own.
 *
 * @example
 * const f = customVjp((x: NDArray) => np.sin(x));
 * f.defvjp((x: NDArray) => [f(x), np.cos(x)], (cosx: NDArray, ct: NDArray) => [cosx.mul(ct)]);
 */
export function customVjp<F extends AnyFunction>(f: F, options: CustomRuleOptions = {}): CustomVjp<F> {
  let rules: { readonly fwd: AnyFunction; readonly bwd: AnyFunction } | null = null;
  let symbolicZeros = false;
  const name = functionName(f);
  const call = (...args: readonly unknown[]): unknown => {
    if (rules === null) {
      throw new CustomRuleError(
        `${name} is called before it has a rule: No VJP defined for custom_vjp function ${name} using defvjp.`,
        "AttributeError",
      );
    }
    const { fwd, bwd } = rules;
    const statics = places(options, args.length);
    for (const i of statics) refuseTracers(args[i]);
    const flat = flattenArgs(f, without(args, statics));
    const rebuild = (leaves: readonly unknown[]): unknown[] =>
      withStatics(unflatten(flat.treedef, leaves) as readonly unknown[], args, statics);
    const inAvals = flat.leaves.map((x) => x.aval);
    let result: TreeDef | null = null;
    let outAvals: readonly ShapedArray[] | null = null;
    let residualTree: TreeDef | null = null;
    const outs = bindCustomVjp(
      {
        name,
        fwdName: functionName(fwd),
        bwdName: functionName(bwd),
        symbolicZeros,
        fun: (leaves) => {
          const out = flattenResult((f as unknown as Callable)(...rebuild(leaves)), name, "custom_vjp");
          result = out.treedef;
          outAvals = out.leaves.map((x) => x.aval);
          return out.leaves;
        },
        fwd: (leaves, perturbed) => {
          const given = symbolicZeros ? leaves.map((x, i) => new Perturbable(x, perturbed[i])) : leaves;
          const pair = (fwd as unknown as Callable)(...rebuild(given));
          const parts = checkFwdResult(pair, functionName(fwd), name, result, outAvals);
          result = parts.treedef;
          residualTree = parts.residualTree;
          return parts;
        },
        bwd: (residuals, cts) => {
          const types = outAvals;
          const given = cts.map((ct, i) => ct ?? new SymbolicZero((types as readonly ShapedArray[])[i].toTangent()));
          const statement = (bwd as unknown as Callable)(
            ...statics.map((i) => args[i]),
            unflatten(residualTree as unknown as TreeDef, residuals),
            unflatten(result as unknown as TreeDef, given),
          );
          return checkBwdResult(statement, flat.treedef, inAvals);
        },
      },
      flat.leaves,
    );
    return unflatten(result as unknown as TreeDef, outs);
  };
  const custom = passFor(call, f) as unknown as CustomVjp<F>;
  const defvjp = (fwd: AnyFunction, bwd: AnyFunction, ruleOptions: RuleOptions = {}): void => {
    rules = { fwd, bwd };
    symbolicZeros = ruleOptions.symbolicZeros ?? false;
  };
  return Object.assign(custom, { defvjp });
}

function refuseTracers(x: unknown): void {
  if (!flatten(x).leaves.some((leaf) => leaf instanceof Tracer)) return;
  throw new UnexpectedTracerError(
    "a traced array was passed to a custom_vjp function in a position of nondiffArgnums: Found a JAX Tracer object passed as an argument to a " +
      "custom_vjp function in a position indicated by nondiff_argnums as non-differentiable. Use it only for arguments that cannot hold tracers, such " +
      "as functions; pass arrays as ordinary arguments and return null for their cotangent.",
  );
}

interface FwdParts {
  readonly outs: readonly NDArray[];
  readonly residuals: readonly NDArray[];
  readonly treedef: TreeDef;
  readonly residualTree: TreeDef;
}

function checkFwdResult(
  pair: unknown,
  rule: string,
  name: string,
  result: TreeDef | null,
  outAvals: readonly ShapedArray[] | null,
): FwdParts {
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new CustomRuleError(
      `Custom VJP fwd rule ${rule} for function ${name} must produce a pair (list or tuple of length two) where the first element represents the ` +
        "primal output and the second element represents residuals (i.e. values stored from the forward pass for use on the backward pass), but " +
        `instead of a pair the fwd rule ${rule} produced ${describe(pair)}. Return [out, residuals].`,
    );
  }
  const out = flattenResult(pair[0], rule, "custom_vjp");
  const res = flattenResult(pair[1], rule, "custom_vjp");
  if (result !== null && !result.equals(out.treedef)) {
    throw new CustomRuleError(
      `Custom VJP fwd rule ${rule} for function ${name} must produce a pair (list or tuple of length two) where the first element represents the ` +
        `primal output, but instead its first element had container/pytree structure ${String(out.treedef)}, while ${name} had ${String(result)}.`,
    );
  }
  const differs =
    outAvals?.some((a, i) => a.dtype !== out.leaves[i].dtype || !shapesEqual(a.shape, out.leaves[i].shape)) ?? false;
  if (outAvals !== null && differs) {
    throw new CustomRuleError(
      `Custom VJP fwd rule ${rule} for function ${name} must produce a pair (list or tuple of length two) where the first element represents the ` +
        `primal output, but instead it had shapes/dtypes of ${out.leaves.map((x) => x.aval.toLongString()).join(", ")}, while ${name} had ` +
        `${outAvals.map((a) => a.toLongString()).join(", ")}.`,
    );
  }
  return { outs: out.leaves, residuals: res.leaves, treedef: out.treedef, residualTree: res.treedef };
}

/** The flat cotangents that a reverse rule returned; null for zero. */
export function checkBwdResult(cotangents: unknown, inTree: TreeDef, inAvals: readonly ShapedArray[]): Tangent[] {
  const wrong = (): CustomRuleError => {
    const got = cotangents === undefined ? "undefined" : String(flatten(cotangents).treedef);
    return new CustomRuleError(
      "Custom VJP bwd rule must produce an output with the same container (pytree) structure as the args tuple of the primal function, and in " +
        "particular must produce a tuple of length equal to the number of arguments to the primal function, but got bwd output structure " +
        `${got} for primal input structure ${String(inTree)}. Return an array with one cotangent for each argument, null for zero.`,
    );
  };
  if (!Array.isArray(cotangents)) throw wrong();
  const out: Tangent[] = [];
  const paths = flattenWithPath(
    unflatten(
      inTree,
      inAvals.map(() => 0),
    ),
  );
  const visit = (tree: TreeDef, ct: unknown): void => {
    if (ct === null) {
      for (let i = 0; i < tree.numLeaves; i++) out.push(null);
      return;
    }
    if (tree.kind === "leaf") {
      out.push(checkBwdLeaf(ct, inAvals[out.length], keystr(paths[out.length].path), wrong));
      return;
    }
    const given = childrenOf(ct, tree);
    if (given === null) throw wrong();
    tree.children.forEach((child, i) => visit(child, given[i]));
  };
  visit(inTree, cotangents);
  return out;
}

/** The children of a value that has the outermost container of `tree`, else null. */
function childrenOf(x: unknown, tree: TreeDef): readonly unknown[] | null {
  if (tree.kind === "null") return [];
  if (tree.kind === "array")
    return Array.isArray(x) && x.length === tree.children.length ? (x as readonly unknown[]) : null;
  if (tree.kind === "object") {
    if (typeof x !== "object" || x === null) return null;
    const record = x as Readonly<Record<string, unknown>>;
    const keys = tree.keys as readonly string[];
    return keys.every((k) => k in record) && Object.keys(record).length === keys.length
      ? keys.map((k) => record[k])
      : null;
  }
  if (tree.kind === "map")
    return x instanceof Map && x.size === tree.keys.length ? tree.keys.map((k) => x.get(k) as unknown) : null;
  const { leaves, treedef } = flatten(x);
  return treedef.equals(tree) ? splitLeaves(leaves, tree) : null;
}

function splitLeaves(leaves: readonly unknown[], tree: TreeDef): readonly unknown[] {
  let at = 0;
  return tree.children.map((child) => unflatten(child, leaves.slice(at, (at += child.numLeaves))));
}

function checkBwdLeaf(ct: unknown, aval: ShapedArray, path: string, wrong: () => CustomRuleError): Tangent {
  if (!isInexact(aval.dtype) || ct instanceof SymbolicZero) return null;
  const x = leafArray(ct, "asFloats");
  if (x === null) throw wrong();
  if (!shapesEqual(x.shape, aval.shape) || x.dtype !== aval.dtype) {
    throw new RematValueError(
      "Custom VJP bwd rule must produce an output with the same type as the args tuple of the primal function, but at " +
        `output${path} the bwd rule produced an output of type ${x.aval.toLongString()} corresponding to an input of type ${aval.toLongString()}. ` +
        "Give each cotangent the shape and dtype of its argument.",
    );
  }
  return x;
}
