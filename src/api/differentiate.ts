/** Derivatives of functions of nested values: forward mode, linearization, and reverse mode. */
import { functionName, passFor } from "../argNames.ts";
import { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { currentTrace } from "../core/interpreter.ts";
import { jvpFlat } from "../core/jvp.ts";
import { linearizeFlat } from "../core/linearize.ts";
import { isComplex, isInexact, isInteger } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { UndefinedPrimal, type Tangent } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import {
  AuxiliaryResultError,
  CotangentTreeError,
  CotangentTypeError,
  GradientDTypeError,
  GradientShapeError,
  RematTypeError,
  RematValueError,
  TangentTreeError,
} from "../errors.ts";
import { flatten, unflatten, type MapTree, type TreeDef } from "../tree.ts";
import {
  argnumsText,
  callPure,
  canonicalArgnums,
  debugOf,
  flatFunction,
  flattenArgs,
  flattenResult,
  leafArray,
  type AnyFunction,
  type Callable,
} from "./flat.ts";
import { stageFlat } from "../core/stage.ts";
import { backwardPass } from "../passes/transpose.ts";
import { vjpProgram } from "./vjpProgram.ts";

/** Arguments as a caller may give them: numbers where arrays are expected. */
export type Args<A extends readonly unknown[]> = { [K in keyof A]: A[K] extends NDArray ? NDArray | number : A[K] };
/** The gradient by an argument of type `P`: the same containers, with an array for each leaf. */
export type Gradient<P> = MapTree<P, NDArray>;

/** A function that also returns something that is not differentiated splits its result here. */
function splitAux(result: unknown, hasAux: boolean, name: string): [value: unknown, aux: unknown] {
  if (!hasAux) return [result, null];
  if (!Array.isArray(result) || result.length !== 2) throw new AuxiliaryResultError(name, result);
  return [result[0], result[1]];
}

/** Replaces the arrays of an auxiliary result. */
function mapAux(aux: unknown, f: (x: NDArray) => NDArray): unknown {
  const { leaves, treedef } = flatten(aux);
  return unflatten(
    treedef,
    leaves.map((x) => (x instanceof NDArray ? f(x) : x)),
  );
}

/** A user's function on flat arrays, with its auxiliary result put aside. */
class Differentiated {
  readonly name: string;
  resultTree: TreeDef | null = null;
  aux: unknown = null;
  readonly call: (leaves: readonly NDArray[]) => NDArray[];

  constructor(f: AnyFunction, treedef: TreeDef, tracedFor: string, hasAux: boolean) {
    this.name = functionName(f);
    this.call = (leaves) => {
      const result = callPure(f, unflatten(treedef, leaves) as readonly unknown[], tracedFor);
      const [value, aux] = splitAux(result, hasAux, this.name);
      this.aux = aux;
      const flat = flattenResult(value, this.name, tracedFor);
      this.resultTree = flat.treedef;
      return flat.leaves;
    };
  }

  result(outs: readonly NDArray[]): unknown {
    return unflatten(this.resultTree as TreeDef, outs);
  }
}

/**
 * Value and directional derivative: `jvp(f, [x, y], [dx, dy])` gives `[f(x, y), df]`.
 *
 * Tangents have the structure, shapes and dtypes of the primals (`float0` for integers).
 *
 * @example
 * const [y, dy] = jvp(np.sin, [0], [1]); // 0, 1
 */
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: Readonly<Args<A>>,
  tangents: readonly unknown[],
): [value: R, tangent: R] {
  const [value, tangent] = jvpWithAux(f, primals, tangents, false);
  return [value as R, tangent as R];
}

/** `jvp` of a function that returns `[value, aux]`: gives `[value, tangent, aux]`. */
export function jvpAux<A extends readonly unknown[], R, X>(
  f: (...args: A) => readonly [R, X],
  primals: Readonly<Args<A>>,
  tangents: readonly unknown[],
): [value: R, tangent: R, aux: X] {
  return jvpWithAux(f, primals, tangents, true) as [R, R, X];
}

function jvpWithAux(f: AnyFunction, primals: readonly unknown[], tangents: readonly unknown[], hasAux: boolean): unknown[] {
  if (!Array.isArray(primals) || !Array.isArray(tangents)) {
    throw new RematTypeError(
      "jvp takes primals and tangents as arrays, one element for each argument: primal and tangent arguments to jax.jvp must be tuples or " +
        "lists. Write jvp(f, [x], [dx]).",
    );
  }
  const flat = flattenArgs(f, primals, "asFloats");
  const given = flatten(tangents);
  if (!flat.treedef.equals(given.treedef)) throw new TangentTreeError(flat.treedef, given.treedef);
  const ts = given.leaves.map((t, i) => checkTangent(t, flat.leaves[i].aval));
  const g = new Differentiated(f, flat.treedef, "jvp", hasAux);
  const parent = currentTrace();
  const outs = jvpFlat(g.call, parent, flat.leaves, ts);
  const outTangents = outs.tangents.map((t, i) => instantiate(t, outs.primals[i].aval.toTangent()));
  return [g.result(outs.primals), g.result(outTangents), ...(hasAux ? [g.aux] : [])];
}

function checkTangent(x: unknown, primal: ShapedArray): Tangent {
  const expected = primal.toTangent();
  const t = leafArray(x, "asFloats");
  if (t === null) throw new RematTypeError(`a tangent must be an array; got ${typeof x} for a primal of type ${primal.toLongString()}.`);
  if (t.dtype !== expected.dtype) {
    throw new RematTypeError(
      "jvp was given a tangent of the wrong dtype: primal and tangent arguments to jax.jvp do not match; dtypes must be equal, or in case of " +
        `int/bool primal dtype the tangent dtype must be float0. Got primal dtype ${primal.dtype} and so expected tangent dtype ` +
        `${expected.dtype}, but got tangent dtype ${t.dtype} instead.`,
    );
  }
  if (t.shape.join() !== expected.shape.join()) {
    throw new RematValueError(
      "jvp called with different primal and tangent shapes; Got primal shape " +
        `(${primal.shape.join(", ")}${primal.ndim === 1 ? "," : ""}) and tangent shape as (${t.shape.join(", ")}${t.ndim === 1 ? "," : ""}). ` +
        "Give each tangent the shape of its primal.",
    );
  }
  return expected.dtype === "float0" ? null : t;
}

/**
 * Value at a point and the derivative there as a linear function of the tangents, which may be called many times.
 *
 * @example
 * const [y, df] = linearize(np.sin, 0);
 * df(1); // 1
 */
export function linearize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: Args<A>
): [value: R, linear: (...tangents: readonly unknown[]) => R] {
  const flat = flattenArgs(f, primals, "asFloats");
  const g = new Differentiated(f, flat.treedef, "linearize", false);
  const lin = linearizeFlat(g.call, flat.leaves, false, debugOf(f, primals, "linearize"));
  const outAvals = lin.outs.map((x) => x.aval);
  const linear = (...tangents: readonly unknown[]): R => {
    const given = flatten(tangents);
    if (!given.treedef.equals(flat.treedef)) {
      throw new RematTypeError(
        `the linear function was given tangents of another structure: expected ${String(flat.treedef)}, got ${String(given.treedef)}. ` +
          "Give one tangent for each argument of the function.",
      );
    }
    const ts = given.leaves.map((t, i) => checkLinearTangent(t, flat.leaves[i].aval));
    const outs = evalJaxpr(lin.jaxpr, lin.residuals, ts);
    let next = 0;
    return g.result(lin.nonzero.map((nz, i) => (nz ? outs[next++] : instantiate(null, outAvals[i].toTangent())))) as R;
  };
  return [g.result(lin.outs) as R, linear];
}

function checkLinearTangent(x: unknown, primal: ShapedArray): NDArray {
  const expected = primal.toTangent();
  const t = leafArray(x, "asFloats");
  if (t === null || t.dtype !== expected.dtype || t.shape.join() !== expected.shape.join()) {
    const got = t === null ? typeof x : t.aval.toLongString();
    throw new RematValueError(
      "the linear function was given a tangent of the wrong type: linearized function called on tangent values inconsistent with the original " +
        `primal values. Got tangent aval ${got} for primal aval ${primal.toLongString()} but expected ${expected.toLongString()}.`,
    );
  }
  return t;
}

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
export function vjp<A extends readonly unknown[], R>(f: (...args: A) => R, ...primals: Args<A>): [value: R, pullback: Pullback<A, R>] {
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

function vjpWithAux(f: AnyFunction, primals: readonly unknown[], hasAux: boolean): [value: unknown, pull: FlatPullback, aux: unknown] {
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
  const ct = typeof x === "number" && isInexact(expected.dtype) ? literal(x, expected.dtype, output.weakType) : leafArray(x, "asWritten");
  const fits =
    ct !== null &&
    ct.shape.join() === expected.shape.join() &&
    (ct.dtype === expected.dtype || (isInexact(ct.dtype) && isInexact(expected.dtype) && ct.weakType));
  if (!fits) throw new CotangentTypeError(ct === null ? typeof x : ct.aval.toLongString(), output);
  return ct;
}

export interface GradOptions {
  /** Which arguments to differentiate by: one, or several (then the gradient is an array). Negative numbers count from the end. */
  readonly argnums?: number | readonly number[];
  /** The function returns `[value, aux]`, and so does the result, with the gradient in place of the value. */
  readonly hasAux?: boolean;
  /** Integer and boolean arguments are let through; their gradient has dtype `float0`. */
  readonly allowInt?: boolean;
  /** Complex arguments and a complex value: the function is promised to be holomorphic. */
  readonly holomorphic?: boolean;
}

interface ValueAndGradient {
  readonly value: unknown;
  readonly aux: unknown;
  readonly gradient: unknown;
}

function differentiate(f: AnyFunction, options: GradOptions, args: readonly unknown[], what: string): ValueAndGradient {
  const argnums = options.argnums ?? 0;
  const list = typeof argnums === "number" ? [argnums] : argnums;
  const max = Math.max(...list);
  if (max >= args.length) {
    throw new RematTypeError(
      `${what} was asked to differentiate by argument ${max}: differentiating with respect to argnums=${argnumsText(argnums)} requires at least ` +
        `${max + 1} positional arguments to be passed by the caller, but got only ${args.length} positional arguments.`,
    );
  }
  const places = canonicalArgnums(`${what}'s argnums`, argnums, args.length);
  const moving = places.map((i) => args[i]);
  const partial = passFor((...given: readonly unknown[]) => {
    const all = [...args];
    places.forEach((at, i) => (all[at] = given[i]));
    return (f as unknown as Callable)(...all);
  }, f);
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

/** Integers are refused, unless allowed. */
export function checkInputDType(what: string, options: GradOptions, aval: ShapedArray): void {
  if (options.holomorphic === true) {
    if (!isComplex(aval.dtype)) {
      throw new GradientDTypeError(`${what} with holomorphic=True requires inputs with complex dtype, but got ${aval.dtype}.`);
    }
  } else if (!isInexact(aval.dtype) && options.allowInt !== true) {
    throw new GradientDTypeError(
      `${what} requires real- or complex-valued inputs (input dtype that is a sub-dtype of np.inexact), but got ${aval.dtype}. If you want to ` +
        "use Boolean- or integer-valued inputs, use vjp or set allow_int (here: allowInt) to True; or convert them to floats.",
    );
  }
}

/** Only real outputs have a gradient, unless the function is holomorphic. */
export function checkOutputDType(what: string, options: GradOptions, aval: ShapedArray): void {
  const { dtype } = aval;
  if (options.holomorphic === true) {
    if (!isComplex(dtype)) {
      throw new GradientDTypeError(`${what} with holomorphic=True requires outputs with complex dtype, but got ${dtype}.`);
    }
  } else if (isComplex(dtype) || !isInexact(dtype)) {
    const advice = isInteger(dtype) || dtype === "bool" ? "For functions with integer outputs, use vjp." : "Set holomorphic, or use vjp.";
    throw new GradientDTypeError(
      `${what} requires real-valued outputs (output dtype that is a sub-dtype of np.floating), but got ${dtype}. ${advice}`,
    );
  }
}

/**
 * The gradient of a function with a scalar value, by its first argument or those in `argnums`: a function of the same arguments that returns
 * the structure of the argument.
 *
 * @throws GradientShapeError if the value is not a scalar. @throws GradientDTypeError for integer arguments or values.
 * @example
 * grad((x: NDArray) => np.sum(np.sin(x)))(np.array([0, 1])); // [1, 0.5403]
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
  }, f) as AnyFunction;
}

/**
 * Value and gradient at once: `[value, gradient]`, or `[[value, aux], gradient]` with `hasAux`.
 *
 * @example
 * const [loss, gradient] = valueAndGrad((x: NDArray) => np.sum(np.square(x)))(np.array([1, 2])); // 5, [2, 4]
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
  }, f) as AnyFunction;
}

/** An error at once for something that is not a function. */
export function requireFunction(f: unknown, what: string): void {
  if (typeof f === "function") return;
  throw new RematTypeError(`${what} takes a function: Expected a callable value, got ${f === null ? "null" : typeof f}.`);
}

/**
 * The transpose of a function that is promised to be linear, at the types of `primals` (whose values do not matter).
 *
 * @example
 * linearTranspose((x: NDArray) => x.mul(3), np.zeros([2]))(np.array([1, 2])); // [[3, 6]]
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

