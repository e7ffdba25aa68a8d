/** Loops that rules make themselves: `while` and `scan` of functions of flat values, staged on the spot. */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import { literal } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { separateConsts } from "../passes/rewrite.ts";
import { broadcastedInDim, reshaped } from "./shape.ts";
import { dynamicSlice, dynamicUpdateSlice } from "./slicing.ts";
import { whileP } from "./while.ts";

type Flat = readonly NDArray[];

export const int = (x: number): NDArray => literal(x, "int32");

/** An array of int32 or bool with these elements. */
export function constantArray(values: readonly number[], dtype: "int32" | "bool"): NDArray {
  const data = dtype === "bool" ? Uint8Array.from(values) : Int32Array.from(values);
  return new ConcreteArray(new ShapedArray([values.length], dtype), data);
}

/** `while (test(consts, carry)) carry = step(consts, carry)`. */
export function whileLoop(
  consts: Flat,
  carry: Flat,
  test: (consts: Flat, carry: Flat) => NDArray,
  step: (consts: Flat, carry: Flat) => Flat,
): Flat {
  const n = consts.length;
  const avals = [...consts, ...carry].map((x) => x.aval);
  const condition = stageFlat((xs) => [test(xs.slice(0, n), xs.slice(n))], avals);
  const body = stageFlat((xs) => step(xs.slice(0, n), xs.slice(n)), avals);
  return bind(whileP, [...condition.consts, ...consts, ...body.consts, ...consts, ...carry], {
    cond_jaxpr: separateConsts(condition),
    cond_nconsts: condition.consts.length + n,
    body_jaxpr: separateConsts(body),
    body_nconsts: body.consts.length + n,
  });
}

const start = (index: NDArray, ndim: number): NDArray[] => [index, ...Array.from({ length: ndim - 1 }, () => int(0))];

/** `x[index]` along the leading axis, for a traced int32 index. */
export function rowAt(x: NDArray, index: NDArray): NDArray {
  const shape = x.shape.slice(1);
  const row = bind1(dynamicSlice, [x, ...start(index, x.ndim)], { slice_sizes: [1, ...shape] });
  return reshaped(row, shape);
}

/** `x` with `x[index] = row`. */
export function withRow(x: NDArray, index: NDArray, row: NDArray): NDArray {
  const inserted = broadcastedInDim(
    row,
    [1, ...row.shape],
    row.shape.map((_, i) => i + 1),
  );
  return bind1(dynamicUpdateSlice, [x, inserted, ...start(index, x.ndim)], {});
}
