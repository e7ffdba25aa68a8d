/** Jacobians and Hessians: forward mode column by column, reverse mode row by row, over a standard basis. */
import { passFor } from "../argNames.ts";
import type { NDArray } from "../core/array.ts";
import { isFloat } from "../core/dtype.ts";
import { GradientDTypeError } from "../errors.ts";
import { eye } from "../numpy/creation.ts";
import { split } from "../numpy/joining.ts";
import { resultType } from "../numpy/promote.ts";
import { reshape } from "../numpy/shape.ts";
import { convertPlaced, convertRenewed } from "../primitives/convert.ts";
import { flatten, map, transpose, unflatten } from "../tree.ts";
import { atArguments, checkInputDType, checkOutputDType, type Args, type GradOptions } from "./differentiated.ts";
import { flattenArgs, requireFunction, type AnyFunction, type Callable } from "./flat.ts";
import { jvp, jvpAux } from "./forward.ts";
import { vjp, vjpAux } from "./reverse.ts";
import { vmap } from "./vmap.ts";

/** The function of the moving arguments, and those as arrays. */
function moved(
  f: AnyFunction,
  argnums: number | readonly number[],
  args: readonly unknown[],
  what: string,
): { f: AnyFunction; moving: unknown[] } {
  const { f: g, moving } = atArguments(f, argnums, args, what);
  const { leaves, treedef } = flattenArgs(f, moving, "asFloats");
  return { f: g, moving: [...(unflatten(treedef, leaves) as readonly unknown[])] };
}

/** One tangent for each element of a tree, stacked: the rows of an identity matrix in the tree's structure. */
function standardBasis(tree: unknown): unknown {
  const { leaves } = flatten(tree);
  const arrays = leaves as readonly NDArray[];
  const n = arrays.reduce((sum, x) => sum + x.size, 0);
  return unravel(tree, 1, null, eye(n, { dtype: resultType(...arrays) }), convertPlaced);
}

/** Cuts an axis of an array into pieces that have the shapes of a tree's leaves. */
function unravel(tree: unknown, axis: number, example: NDArray | null, x: NDArray, convert = convertRenewed): unknown {
  const { leaves, treedef } = flatten(tree);
  const arrays = leaves as readonly NDArray[];
  const at = axis < 0 ? axis + x.ndim : axis;
  const ends: number[] = [];
  arrays.slice(0, -1).reduce((sum, leaf) => (ends.push(sum + leaf.size), sum + leaf.size), 0);
  const parts = split(x, ends, at);
  return unflatten(
    treedef,
    parts.map((part, i) => {
      const leaf = arrays[i];
      const like = example ?? leaf;
      const shaped = reshape(part, [...x.shape.slice(0, at), ...leaf.shape, ...x.shape.slice(at + 1)]);
      return convert(shaped, like.dtype, like.weakType);
    }),
  );
}

function checkForwardInputs(options: GradOptions, moving: readonly unknown[]): void {
  for (const x of flatten(moving).leaves as readonly NDArray[]) {
    if (options.holomorphic === true) checkInputDType("jacfwd", options, x.aval);
    else if (!isFloat(x.dtype)) {
      throw new GradientDTypeError(
        `jacfwd requires real-valued inputs (input dtype that is a sub-dtype of np.floating), but got ${x.dtype}. For holomorphic differentiation, ` +
          "pass holomorphic=True (here: { holomorphic: true }). For differentiation of non-holomorphic functions involving complex inputs or integer " +
          "inputs, use jvp directly.",
      );
    }
  }
}

/**
 * The Jacobian by forward mode: one column for each element of the argument. For a function from shape `[n]` to `[m]` it has shape `[m, n]`.
 *
 * @example
 * jacfwd((x: NDArray) => np.sin(x))(np.zeros([3])); // the 3x3 identity
 */
export function jacfwd<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: GradOptions = {},
): (...args: Args<A>) => JacobianResult {
  requireFunction(f, "jacfwd");
  const argnums = options.argnums ?? 0;
  const jacobian = (...args: readonly unknown[]): unknown => {
    const { f: g, moving } = moved(f, argnums, args, "jacfwd");
    checkForwardInputs(options, moving);
    const push = (...tangents: readonly unknown[]): unknown[] =>
      options.hasAux === true
        ? jvpAux(g as never, moving as never, tangents)
        : jvp(g as never, moving as never, tangents);
    const outAxes = options.hasAux === true ? [null, -1, null] : [null, -1];
    const results = vmap(push as AnyFunction, { outAxes }) as unknown as Callable;
    const [y, jac, aux] = results(...(standardBasis(moving) as readonly unknown[])) as unknown[];
    if (options.holomorphic === true) {
      for (const out of flatten(y).leaves as readonly NDArray[]) checkOutputDType("jacfwd", options, out.aval);
    }
    const example = typeof argnums === "number" ? moving[0] : moving;
    const tree = map((out: NDArray, j: NDArray) => unravel(example, -1, out, j), y as never, jac as never);
    return options.hasAux === true ? [tree, aux] : tree;
  };
  return passFor(jacobian, f as AnyFunction) as unknown as (...args: Args<A>) => JacobianResult;
}

/**
 * The Jacobian by reverse mode: one row for each element of the result.
 *
 * @example
 * jacrev((x: NDArray) => np.sum(np.square(x)))(np.array([1.5, 2])); // [3, 4]
 */
export function jacrev<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: GradOptions = {},
): (...args: Args<A>) => JacobianResult {
  requireFunction(f, "jacrev");
  const argnums = options.argnums ?? 0;
  const jacobian = (...args: readonly unknown[]): unknown => {
    const { f: g, moving } = moved(f, argnums, args, "jacrev");
    for (const x of flatten(moving).leaves as readonly NDArray[]) checkInputDType("jacrev", options, x.aval);
    const results =
      options.hasAux === true ? vjpAux(g as never, ...(moving as never[])) : vjp(g as never, ...(moving as never[]));
    const [y, pull, aux] = results as unknown as [unknown, AnyFunction, unknown];
    for (const out of flatten(y).leaves as readonly NDArray[]) checkOutputDType("jacrev", options, out.aval);
    const all = (vmap(pull) as unknown as Callable)(standardBasis(y)) as readonly unknown[];
    const single = typeof argnums === "number";
    const example = single ? moving[0] : moving;
    const tree = map(
      (leaf: NDArray, j: NDArray) => unravel(y, 0, leaf, j),
      example as never,
      (single ? all[0] : all) as never,
    );
    const turned = transpose(flatten(example).treedef, flatten(y).treedef, tree);
    return options.hasAux === true ? [turned, aux] : turned;
  };
  return passFor(jacobian, f as AnyFunction) as unknown as (...args: Args<A>) => JacobianResult;
}

/** An array for functions of one array to one array; the result's tree of the argument's trees in general. */
export type JacobianResult = NDArray;

/** Another name of `jacrev`. */
export const jacobian: typeof jacrev = jacrev;

/**
 * The matrix of second derivatives, by forward over reverse mode.
 *
 * @example
 * hessian((x: NDArray) => np.sum(np.square(x)))(np.array([1.5, 2])); // [[2, 0], [0, 2]]
 */
export function hessian<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: GradOptions = {},
): (...args: Args<A>) => JacobianResult {
  return jacfwd(jacrev(f, options) as unknown as (...args: A) => unknown, options);
}
