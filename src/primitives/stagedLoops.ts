/** Loops that rules make themselves: `while` and `scan` of functions of flat values, staged on the spot. */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { literal } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { dce } from "../passes/dce.ts";
import { close, separateConsts } from "../passes/rewrite.ts";
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

/** A program whose own constants, and those of the given ones that it reads, are its first inputs. */
function withUsedConsts(staged: ClosedJaxpr<NDArray>, given: Flat): { closed: ClosedJaxpr<NDArray>; consts: Flat } {
  const { jaxpr } = separateConsts(staged);
  const all = [...staged.consts, ...given];
  const keep = jaxpr.invars.map((_, i) => i >= all.length);
  const pruned = dce(
    jaxpr,
    jaxpr.outvars.map(() => true),
    keep,
  );
  return { closed: close(pruned.jaxpr), consts: all.filter((_, i) => pruned.usedIn[i]) };
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
  const condition = withUsedConsts(
    stageFlat((xs) => [test(xs.slice(0, n), xs.slice(n))], avals),
    consts,
  );
  const body = withUsedConsts(
    stageFlat((xs) => step(xs.slice(0, n), xs.slice(n)), avals),
    consts,
  );
  return bind(whileP, [...condition.consts, ...body.consts, ...carry], {
    cond_jaxpr: condition.closed,
    cond_nconsts: condition.consts.length,
    body_jaxpr: body.closed,
    body_nconsts: body.consts.length,
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
