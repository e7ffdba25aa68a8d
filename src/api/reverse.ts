/** Reverse mode: `vjp` gives a cotangent function, `grad` and `valueAndGrad` the gradient of a scalar, `linearTranspose` turns a linear function around. */
import { passFor } from "../argNames.ts";
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { isInexact } from "../core/dtype.ts";
import { currentTrace } from "../core/interpreter.ts";
import { UndefinedPrimal } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";
import { CotangentTreeError, CotangentTypeError, GradientShapeError, RematTypeError } from "../errors.ts";
import { backwardPass } from "../passes/transpose.ts";
import { flatten, unflatten, type MapTree, type TreeDef } from "../tree.ts";
import {
  atArguments,
  checkInputDType,
  checkOutputDType,
  Differentiated,
  mapAux,
  type Args,
  type Gradient,
  type GradOptions,
} from "./differentiated.ts";
import { debugOf, flatFunction, flattenArgs, leafArray, requireFunction, type AnyFunction } from "./flat.ts";
import { vjpProgram } from "./vjpProgram.ts";

/** The cotangent function of `vjp`: from the cotangent of the result to the cotangents of the arguments. */
export interface Pullback<A extends readonly unknown[], R> {
  (cotangent: MapTree<R, NDArray | number>): { [K in keyof A]: Gradient<A[K]> };
}

/**
 * Value and cotangent function. The arrays that the latter holds are the residuals: see `savedResiduals`.
 *
 * @example
 * const [y, pull] = vjp(np.sin, 0);
 * const [dx] = pull(1); // 1
 */
export function vjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: Args<A>
): [value: R, pullback: Pullback<A, R>] {
  const [value, pull] = vjpWithAux(f, primals, false);
  return [value as R, pull as Pullback<A, R>];
}

/** `vjp` of a function that returns `[value, aux]`: gives `[value, pullback, aux]`. */
export function vjpAux<A extends readonly unknown[], R, X>(
  f: (...args: A) => readonly [R, X],
  ...primals: Args<A>
): [value: R, pullback: Pullback<A, R>, aux: X] {
  return vjpWithAux(f, primals, true) as [R, Pullback<A, R>, X];
}

type FlatPullback = (...cotangents: readonly unknown[]) => unknown;

function vjpWithAux(
  f: AnyFunction,
  primals: readonly unknown[],
  hasAux: boolean,
): [value: unknown, pull: FlatPullback, aux: unknown] {
  const flat = flattenArgs(f, primals, "asFloats");
  const g = new Differentiated(f, flat.treedef, "vjp", hasAux);
  let aux: unknown = null;
  const program = vjpProgram(g.call, flat.leaves, debugOf(f, primals, "vjp"));
  if (hasAux) aux = mapAux(g.aux, program.strip);
  const pull: FlatPullback = (...cotangents) => {
    if (cotangents.length !== 1) {
      throw new RematTypeError(
        `the cotangent function of ${g.name} was called with ${cotangents.length} arguments, and it takes one: functions returned by vjp must be ` +
          "called with a single argument corresponding to the single value returned by the function being differentiated, even if that is an " +
          "array or another container. Write pull([ct0, ct1]) for a function that returns two values.",
      );
    }
    const resultTree = g.resultTree as TreeDef;
    const given = flatten(cotangents[0]);
    if (!given.treedef.equals(resultTree)) throw new CotangentTreeError(g.name, resultTree, given.treedef);
    const cts = given.leaves.map((ct, i) => checkCotangent(ct, program.outAvals[i]));
    return unflatten(flat.treedef, program.pullback(program.residuals, cts));
  };
  return [g.result(program.outs), pull, aux];
}

/** A cotangent as an array of the right type. */
export function checkCotangent(x: unknown, output: ShapedArray): NDArray {
  const expected = output.toTangent();
  const ct =
    typeof x === "number" && isInexact(expected.dtype)
      ? literal(x, expected.dtype, output.weakType)
      : leafArray(x, "asWritten");
  const fits =
    ct !== null &&
    ct.shape.join() === expected.shape.join() &&
    (ct.dtype === expected.dtype || (isInexact(ct.dtype) && isInexact(expected.dtype) && ct.weakType));
  if (!fits) throw new CotangentTypeError(ct === null ? typeof x : ct.aval.toLongString(), output);
  return ct;
}

interface ValueAndGradient {
  readonly value: unknown;
  readonly aux: unknown;
  readonly gradient: unknown;
}

function differentiate(f: AnyFunction, options: GradOptions, args: readonly unknown[], what: string): ValueAndGradient {
  const argnums = options.argnums ?? 0;
  const { f: partial, moving } = atArguments(f, argnums, args, what);
  const { leaves } = flattenArgs(f, moving, "asFloats");
  for (const x of leaves) checkInputDType(what, options, x.aval);
  const [value, pull, aux] = vjpWithAux(partial, moving, options.hasAux ?? false);
  const out = requireScalar(value);
  checkOutputDType(what, options, out.aval);
  const one = currentTrace().stageValue(literal(1, out.dtype, out.weakType));
  const gradients = pull(one) as readonly unknown[];
  return { value, aux, gradient: typeof argnums === "number" ? gradients[0] : gradients };
}

function requireScalar(value: unknown): NDArray {
  const x = leafArray(value, "asWritten");
  if (x === null) throw new GradientShapeError(value);
  if (x.ndim > 0) throw new GradientShapeError(x);
  return x;
}

/**
 * The gradient of a function with a scalar value, by its first argument or those in `argnums`: a function of the same arguments that returns
 * the structure of the argument.
 *
 * @throws GradientShapeError if the value is not a scalar. @throws GradientDTypeError for integer arguments or values.
 * @example
 * grad((x: NDArray) => np.sum(np.sin(x)))(np.array([0, 0.5])); // [1, 0.87758]
 */
export function grad<A extends readonly unknown[], X>(
  f: (...args: A) => readonly [NDArray, X],
  options: GradOptions & { readonly hasAux: true; readonly argnums?: number },
): (...args: Args<A>) => [gradient: Gradient<A[0]>, aux: X];
export function grad<A extends readonly unknown[]>(
  f: (...args: A) => NDArray,
  options?: GradOptions & { readonly hasAux?: false; readonly argnums?: number },
): (...args: Args<A>) => Gradient<A[0]>;
export function grad<A extends readonly unknown[]>(
  f: (...args: A) => NDArray,
  options: GradOptions & { readonly argnums: readonly number[] },
): (...args: Args<A>) => Gradient<A[number]>[];
export function grad(f: AnyFunction, options: GradOptions = {}): AnyFunction {
  requireFunction(f, "grad");
  return passFor((...args: readonly unknown[]) => {
    const { gradient, aux } = differentiate(f, options, args, "grad");
    return options.hasAux === true ? [gradient, aux] : gradient;
  }, f);
}

/**
 * Value and gradient at once: `[value, gradient]`, or `[[value, aux], gradient]` with `hasAux`.
 *
 * @example
 * const [loss, gradient] = valueAndGrad((x: NDArray) => np.sum(np.square(x)))(np.array([1.5, 2])); // 6.25, [3, 4]
 */
export function valueAndGrad<A extends readonly unknown[], X>(
  f: (...args: A) => readonly [NDArray, X],
  options: GradOptions & { readonly hasAux: true; readonly argnums?: number },
): (...args: Args<A>) => [valueAndAux: [value: NDArray, aux: X], gradient: Gradient<A[0]>];
export function valueAndGrad<A extends readonly unknown[]>(
  f: (...args: A) => NDArray,
  options?: GradOptions & { readonly hasAux?: false; readonly argnums?: number },
): (...args: Args<A>) => [value: NDArray, gradient: Gradient<A[0]>];
export function valueAndGrad<A extends readonly unknown[]>(
  f: (...args: A) => NDArray,
  options: GradOptions & { readonly argnums: readonly number[] },
): (...args: Args<A>) => [value: NDArray, gradient: Gradient<A[number]>[]];
export function valueAndGrad(f: AnyFunction, options: GradOptions = {}): AnyFunction {
  requireFunction(f, "valueAndGrad");
  return passFor((...args: readonly unknown[]) => {
    const { value, aux, gradient } = differentiate(f, options, args, "value_and_grad");
    return [options.hasAux === true ? [value, aux] : value, gradient];
  }, f);
}

/**
 * The transpose of a function that is promised to be linear, at the types of `primals` (whose values do not matter).
 *
 * @example
 * linearTranspose((x: NDArray) => x.mul(3), np.zeros([2]))(np.array([0.5, 2])); // [[1.5, 6]]
 */
export function linearTranspose<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: Args<A>
): (cotangent: MapTree<R, NDArray | number>) => { [K in keyof A]: Gradient<A[K]> } {
  const flat = flattenArgs(f, primals, "asFloats");
  const g = flatFunction(f, flat.treedef, "linear_transpose");
  const inAvals = flat.leaves.map((x) => x.aval);
  const { jaxpr, consts } = stageFlat(g.call, inAvals, debugOf(f, primals, "linear_transpose"));
  const outAvals = jaxpr.outAvals;
  return (cotangent) => {
    const given = flatten(cotangent);
    if (!given.treedef.equals(g.resultTree)) throw new CotangentTreeError(g.name, g.resultTree, given.treedef);
    const cts = given.leaves.map((ct, i) => checkCotangent(ct, outAvals[i]));
    const results = backwardPass(
      jaxpr,
      consts,
      inAvals.map((a) => new UndefinedPrimal(a)),
      cts,
    );
    return unflatten(
      flat.treedef,
      results.map((ct, i) => instantiate(ct, inAvals[i].toTangent())),
    ) as { [K in keyof A]: Gradient<A[K]> };
  };
}
