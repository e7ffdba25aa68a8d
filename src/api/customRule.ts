/** What functions with derivative rules of their own share: options, arguments that are not differentiated, zeros that rules may see. */
import type { NDArray } from "../core/array.ts";
import type { Shape, ShapedArray } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { stopGradient as stopGradientOf } from "../primitives/convert.ts";
import { flatten, unflatten } from "../tree.ts";
import { canonicalArgnums, leafArray } from "./flat.ts";

/** A tangent or cotangent that is known to be zero, as rules with `symbolicZeros` see it. */
export class SymbolicZero {
  readonly shape: Shape;
  readonly dtype: DType;
  constructor(aval: ShapedArray) {
    this.shape = aval.shape;
    this.dtype = aval.dtype;
  }
}

/** An argument of a `customVjp` forward rule with `symbolicZeros`: its value, and whether it is differentiated. */
export class Perturbable {
  readonly value: NDArray;
  readonly perturbed: boolean;
  constructor(value: NDArray, perturbed: boolean) {
    this.value = value;
    this.perturbed = perturbed;
  }
}

export interface CustomRuleOptions {
  /** Arguments that are not differentiated; rules get their values first. */
  readonly nondiffArgnums?: number | readonly number[];
}

export interface RuleOptions {
  /** Rules see zeros as `SymbolicZero` instead of arrays. */
  readonly symbolicZeros?: boolean;
}

export const places = (options: CustomRuleOptions, count: number): number[] =>
  options.nondiffArgnums === undefined ? [] : canonicalArgnums("nondiffArgnums", options.nondiffArgnums, count);

export const without = (args: readonly unknown[], skip: readonly number[]): unknown[] =>
  args.filter((_, i) => !skip.includes(i));

/** Puts the arguments that a rule does not see back into their places. */
export function withStatics(
  dynamic: readonly unknown[],
  args: readonly unknown[],
  statics: readonly number[],
): unknown[] {
  let next = 0;
  return args.map((x, i) => (statics.includes(i) ? x : dynamic[next++]));
}

/** Lets no derivative through: the identity, with the derivative zero, for every array of a tree. */
export function stopGradient<P>(x: P): P {
  const { leaves, treedef } = flatten(x);
  return unflatten(
    treedef,
    leaves.map((leaf) => {
      const value = leafArray(leaf, "asWritten");
      return value === null ? leaf : stopGradientOf(value);
    }),
  ) as P;
}
