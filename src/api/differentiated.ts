/** What forward and reverse mode share: the user's function on flat arrays, options, and what may be differentiated. */
import { functionName, passFor } from "../argNames.ts";
import { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { isComplex, isInexact, isInteger } from "../core/dtype.ts";
import { AuxiliaryResultError, GradientDTypeError, RematTypeError } from "../errors.ts";
import { flatten, unflatten, type MapTree, type TreeDef } from "../tree.ts";
import { argnumsText, callPure, canonicalArgnums, flattenResult, type AnyFunction, type Callable } from "./flat.ts";

/** Arguments as a caller may give them: numbers where arrays are expected. */
export type Args<A extends readonly unknown[]> = { [K in keyof A]: A[K] extends NDArray ? NDArray | number : A[K] };
/** The gradient by an argument of type `P`: the same containers, with an array for each leaf. What may be an array is taken for one. */
export type Gradient<P> = [NDArray] extends [P] ? NDArray : MapTree<P, NDArray>;

/** A function that also returns something that is not differentiated splits its result here. */
function splitAux(result: unknown, hasAux: boolean, name: string): [value: unknown, aux: unknown] {
  if (!hasAux) return [result, null];
  if (!Array.isArray(result) || result.length !== 2) throw new AuxiliaryResultError(name, result);
  return [result[0], result[1]];
}

/** Replaces the arrays of an auxiliary result. */
export function mapAux(aux: unknown, f: (x: NDArray) => NDArray): unknown {
  const { leaves, treedef } = flatten(aux);
  return unflatten(
    treedef,
    leaves.map((x) => (x instanceof NDArray ? f(x) : x)),
  );
}

/** A user's function on flat arrays, with its auxiliary result put aside. */
export class Differentiated {
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
 * The function of the arguments in `argnums` alone, with all others filled in, and the values of those arguments.
 *
 * @throws RematTypeError if the call has no such argument.
 */
export function atArguments(
  f: AnyFunction,
  argnums: number | readonly number[],
  args: readonly unknown[],
  what: string,
): { readonly f: AnyFunction; readonly moving: readonly unknown[] } {
  const max = Math.max(...(typeof argnums === "number" ? [argnums] : argnums));
  if (max >= args.length) {
    throw new RematTypeError(
      `${what} was asked to differentiate by argument ${max}: differentiating with respect to argnums=${argnumsText(argnums)} requires at least ` +
        `${max + 1} positional arguments to be passed by the caller, but got only ${args.length} positional arguments.`,
    );
  }
  const places = canonicalArgnums(`${what}'s argnums`, argnums, args.length);
  const partial = passFor((...given: readonly unknown[]) => {
    const all = [...args];
    places.forEach((at, i) => (all[at] = given[i]));
    return (f as unknown as Callable)(...all);
  }, f);
  return { f: partial, moving: places.map((i) => args[i]) };
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

/** Integers are refused, unless allowed. */
export function checkInputDType(what: string, options: GradOptions, aval: ShapedArray): void {
  if (options.holomorphic === true) {
    if (!isComplex(aval.dtype)) {
      throw new GradientDTypeError(
        `${what} with holomorphic=True requires inputs with complex dtype, but got ${aval.dtype}.`,
      );
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
      throw new GradientDTypeError(
        `${what} with holomorphic=True requires outputs with complex dtype, but got ${dtype}.`,
      );
    }
  } else if (isComplex(dtype) || !isInexact(dtype)) {
    const advice =
      isInteger(dtype) || dtype === "bool"
        ? "For functions with integer outputs, use vjp."
        : "Set holomorphic, or use vjp.";
    throw new GradientDTypeError(
      `${what} requires real-valued outputs (output dtype that is a sub-dtype of np.floating), but got ${dtype}. ${advice}`,
    );
  }
}
