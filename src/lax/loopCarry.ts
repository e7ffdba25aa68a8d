/** What loops carry from step to step: nested values whose structure, shapes and dtypes stay. */
import { argNames } from "../argNames.ts";
import type { NDArray } from "../core/array.ts";
import { type ShapedArray, shapesEqual } from "../core/aval.ts";
import { leafArray, type AnyFunction } from "../api/flat.ts";
import { CarryTypeError, RematTypeError, describe } from "../errors.ts";
import { latticeResultType } from "../numpy/promote.ts";
import { convertElementType } from "../primitives/convert.ts";
import { flatten, unflatten, type MapTree, type TreeDef } from "../tree.ts";

/** What a loop's body sees of a value given as `P`: arrays in place of numbers. */
export type Traced<P> = MapTree<P, NDArray>;

/** Anything; the empty tuple among it makes TypeScript read `[a, b]` as a pair, not as a list. */
export type Tree = [] | object | number | boolean | bigint | string | null | undefined;

export interface FlatValue {
  readonly leaves: NDArray[];
  readonly treedef: TreeDef;
}

export function flattenOperand(tree: unknown, what: string): FlatValue {
  const { leaves, treedef } = flatten(tree);
  return {
    leaves: leaves.map((x) => {
      const leaf = leafArray(x, "asWritten");
      if (leaf === null) throw new RematTypeError(`${what} must hold arrays; got ${describe(x)}.`);
      return leaf;
    }),
    treedef,
  };
}

/** A weakly typed start (a host number) takes the dtype that the body gives the carry. */
export function promoteWeak(init: readonly NDArray[], outAvals: readonly ShapedArray[]): NDArray[] {
  return init.map((x, i) => {
    const out = outAvals[i];
    const same = x.dtype === out.dtype && shapesEqual(x.shape, out.shape);
    return x.weakType && !same ? convertElementType(x, latticeResultType([x, out]).dtype) : x;
  });
}

export function checkCarry(
  what: string,
  f: AnyFunction,
  init: FlatValue,
  outTree: TreeDef,
  outAvals: readonly ShapedArray[],
): void {
  const differs = init.leaves.some((x, i) => x.dtype !== outAvals[i].dtype || !shapesEqual(x.shape, outAvals[i].shape));
  if (differs || !outTree.equals(init.treedef)) throw carryError(what, f, init, outTree, outAvals);
}

export function carryError(
  what: string,
  f: AnyFunction,
  init: FlatValue,
  outTree: TreeDef,
  outAvals: readonly ShapedArray[],
): CarryTypeError {
  if (!outTree.equals(init.treedef)) {
    return new CarryTypeError(
      `${what} function carry input and carry output must have the same pytree structure, but they differ:\n\n` +
        `the input carry ${argNames(f, [0])[0]} has the structure ${String(init.treedef)}, and the output ${String(outTree)}.\n\n` +
        "Revise the function so that the carry output has the same pytree structure as the carry input.",
    );
  }
  const names = argNames(f, [
    unflatten(
      init.treedef,
      init.leaves.map(() => 0),
    ),
  ]);
  const lines = init.leaves.flatMap((x, i) => {
    const out = outAvals[i];
    if (x.dtype === out.dtype && shapesEqual(x.shape, out.shape)) return [];
    const part = init.treedef.kind === "leaf" ? `carry ${names[i]}` : `carry component ${names[i]}`;
    return [
      `the input ${part} has type ${x.aval.toLongString()} but the corresponding output carry component has type ${out.toLongString()}`,
    ];
  });
  const shapes = init.leaves.some((x, i) => !shapesEqual(x.shape, outAvals[i].shape));
  return new CarryTypeError(
    `${what} function carry input and carry output must have equal types, but they differ:\n\n${lines.join(";\n")}, so the ` +
      `${shapes ? "shapes" : "dtypes"} do not match.\n\nRevise the function so that all output types match the corresponding input types.`,
  );
}
