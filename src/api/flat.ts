/**
 * Between the user's nested values and the flat lists that the core works on: leaves are checked and become arrays, results are flattened and
 * their structure remembered.
 */
import { argNames, functionName } from "../argNames.ts";
import { ConcreteArray, NDArray } from "../core/array.ts";
import { isInteger } from "../core/dtype.ts";
import type { DebugInfo } from "../core/jaxpr.ts";
import { canonicalDType, elementOf, isHostScalar, literal, scalar } from "../core/scalar.ts";
import {
  FunctionArgumentError,
  FunctionResultError,
  InvalidLeafError,
  MutatedArgumentError,
  RematTypeError,
} from "../errors.ts";
import { flatten, flattenWithPath, keystr, unflatten, type TreeDef } from "../tree.ts";

export type AnyFunction = (...args: never[]) => unknown;
/** A function as the transformations call it. */
export type Callable = (...args: readonly unknown[]) => unknown;

/** How JavaScript numbers among the arguments are read: integral ones as integers, or all of them as floats (where one differentiates). */
export type NumberReading = "asWritten" | "asFloats";

/** A leaf as an array, or null if it cannot be one. */
export function leafArray(x: unknown, numbers: NumberReading): NDArray | null {
  if (x instanceof NDArray) return numbers === "asFloats" ? floatOfNumber(x) : x;
  if (typeof x === "number" && numbers === "asFloats") return literal(x, canonicalDType("float64"), true);
  if (isHostScalar(x)) return scalar(x);
  return null;
}

/** What an array of one plain number stands for where one differentiates: `np.array(3)` is a weakly typed integer elsewhere. */
function floatOfNumber(x: NDArray): NDArray {
  const number = x instanceof ConcreteArray && !x.literal && x.weakType && x.ndim === 0 && isInteger(x.dtype);
  return number ? literal(Number(elementOf(x)), canonicalDType("float64"), true) : x;
}

export interface FlatArgs {
  readonly leaves: NDArray[];
  readonly treedef: TreeDef;
}

/** The arguments as arrays, with their structure. */
export function flattenArgs(f: AnyFunction, args: readonly unknown[], numbers: NumberReading = "asWritten"): FlatArgs {
  const { leaves, treedef } = flatten(args);
  return {
    leaves: leaves.map((x, i) => {
      const leaf = leafArray(x, numbers);
      if (leaf === null) throw new InvalidLeafError(argNames(f, args)[i] ?? `args[${i}]`, x);
      return leaf;
    }),
    treedef,
  };
}

/** The result of a user's function as arrays, with its structure. */
export function flattenResult(result: unknown, name: string, tracedFor: string): FlatArgs {
  if (result === undefined || result instanceof Promise) throw new FunctionResultError(name, tracedFor, "", result);
  const { leaves, treedef } = flattenChecked(result, name, tracedFor);
  const arrays: NDArray[] = [];
  leaves.forEach((x, i) => {
    const leaf = leafArray(x, "asWritten");
    if (leaf === null) throw new FunctionResultError(name, tracedFor, keystr(flattenWithPath(result)[i].path), x);
    arrays.push(leaf);
  });
  return { leaves: arrays, treedef };
}

function flattenChecked(result: unknown, name: string, tracedFor: string): { leaves: unknown[]; treedef: TreeDef } {
  try {
    return flatten(result);
  } catch (error) {
    throw new FunctionResultError(name, tracedFor, "", result, { cause: error });
  }
}

/** What is known of a function that is traced. */
export function debugOf(
  f: AnyFunction,
  args: readonly unknown[],
  tracedFor: string,
  statics: readonly number[] = [],
): DebugInfo {
  let names: string[] | undefined;
  return {
    tracedFor,
    name: functionName(f),
    get argNames() {
      return (names ??= argNames(f, args, {}, statics));
    },
  };
}

/**
 * Calls a user's function on arguments that were put together for it. What it changes in them would be lost with them, so that is an error.
 *
 * @throws MutatedArgumentError
 */
export function callPure(
  f: AnyFunction,
  args: readonly unknown[],
  tracedFor: string,
  statics: readonly number[] = [],
): unknown {
  const before = args.map((x, i) => (x instanceof NDArray || statics.includes(i) ? null : flatten(x)));
  const result = (f as unknown as Callable)(...args);
  before.forEach((flat, i) => {
    if (flat !== null && !isUnchanged(args[i], flat.leaves, flat.treedef)) {
      throw new MutatedArgumentError(
        functionName(f),
        tracedFor,
        argNames(
          f,
          args.map(() => 0),
        )[i] ?? `args[${i}]`,
      );
    }
  });
  return result;
}

function isUnchanged(x: unknown, leaves: readonly unknown[], treedef: TreeDef): boolean {
  let now: { readonly leaves: readonly unknown[]; readonly treedef: TreeDef };
  try {
    now = flatten(x);
  } catch {
    // It holds something now that no tree can hold.
    return false;
  }
  return now.treedef.equals(treedef) && now.leaves.every((leaf, i) => leaf === leaves[i]);
}

/** A function of flat arrays from a function of nested values. Remembers the structure of the latest result. */
export class FlatFunction {
  readonly name: string;
  readonly #f: Callable;
  readonly #tracedFor: string;
  #result: TreeDef | null = null;

  constructor(
    f: AnyFunction,
    /** Rebuilds the arguments from flat arrays. */
    rebuild: (leaves: readonly NDArray[]) => readonly unknown[],
    tracedFor: string,
  ) {
    this.name = functionName(f);
    this.#tracedFor = tracedFor;
    // the name tells `core/source.ts` that callers further out are not the traced function
    this.#f = function traceBoundary(...leaves) {
      return (f as unknown as Callable)(...rebuild(leaves as readonly NDArray[]));
    };
  }

  readonly call = (leaves: readonly NDArray[]): NDArray[] => {
    const { leaves: outs, treedef } = flattenResult(this.#f(...leaves), this.name, this.#tracedFor);
    this.#result = treedef;
    return outs;
  };

  get resultTree(): TreeDef {
    return this.#result as TreeDef;
  }
}

/** The function with its arguments' structure built in. */
export const flatFunction = (f: AnyFunction, treedef: TreeDef, tracedFor: string): FlatFunction =>
  new FlatFunction(f, (leaves) => unflatten(treedef, leaves) as readonly unknown[], tracedFor);

/** A non-negative position for each argument number, which may count from the end. */
export function canonicalArgnums(what: string, argnums: number | readonly number[], count: number): number[] {
  const list = typeof argnums === "number" ? [argnums] : [...argnums];
  return list.map((i) => {
    if (!Number.isInteger(i) || i < -count || i >= count) throw new FunctionArgumentError(what, i, count);
    return i < 0 ? i + count : i;
  });
}

/** As JAX prints it: `1`, `(0, 2)`. */
export const argnumsText = (argnums: number | readonly number[]): string =>
  typeof argnums === "number" ? String(argnums) : `(${argnums.join(", ")}${argnums.length === 1 ? "," : ""})`;

/** An error at once for something that is not a function. */
export function requireFunction(f: unknown, what: string): void {
  if (typeof f === "function") return;
  throw new RematTypeError(
    `${what} takes a function: Expected a callable value, got ${f === null ? "null" : typeof f}.`,
  );
}
