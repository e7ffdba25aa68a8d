/**
 * Systems of linear equations a x = b, as a `custom_linear_solve` that uses one LU factorization for the solution, its transpose and all of their
 * derivatives.
 */
import type { NDArray } from "../core/array.ts";
import { batchFlat } from "../core/batch.ts";
import { bind } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { stageFlat } from "../core/stage.ts";
import { RematValueError } from "../errors.ts";
import { separateConsts } from "../passes/rewrite.ts";
import { range, tupleText } from "./axes.ts";
import { stopGradient } from "./convert.ts";
import { contracted } from "./dot.ts";
import { linearSolveP } from "./linearSolve.ts";
import { factored, luSolve } from "./lu.ts";
import { HIGHEST } from "./matrices.ts";
import { broadcastedInDim, movedAxis, summed } from "./shape.ts";

const NAMES = ["matvec", "vecmat", "solve", "transpose_solve"] as const;

/** The four programs of the solution for vectors of the type of b, bound to what they close over. */
function solveVectors(a: NDArray, lu: NDArray, permutation: NDArray, b: NDArray): NDArray {
  const axes = range(a.ndim - 2);
  const last = a.ndim - 1;
  const product = (x: NDArray, contract: readonly [number, number], flip: boolean): NDArray => {
    const [left, right] = flip ? [x, a] : [a, x];
    return contracted(left, right, [[[contract[0]], [contract[1]]], [axes, axes]], HIGHEST); // prettier-ignore
  };
  const functions: readonly ((x: NDArray) => NDArray)[] = [
    (x) => product(x, [last, last - 1], false),
    // The sum over no axis is the transpose of broadcasting to the same shape, as JAX writes it down.
    (ct) => summed(product(ct, [last - 1, last - 1], true), []),
    (x) => luSolve(lu, permutation, x, 0),
    (x) => luSolve(lu, permutation, x, 1),
  ];
  const programs = functions.map((f, i) =>
    stageFlat(([x]) => [f(x)], [b.aval], { tracedFor: `custom_linear_solve ${NAMES[i]}`, name: NAMES[i] }),
  );
  const [matvec, vecmat, solve, back] = programs.map((p): ClosedJaxpr<NDArray> => separateConsts(p));
  const [m, v, s, t] = programs.map((p) => p.consts.length);
  return bind(linearSolveP, [...programs.flatMap((p) => p.consts), b], {
    const_lengths: [m, v, s, t],
    jaxprs: [matvec, vecmat, solve, back],
  })[0];
}

/** The solution of a x = b for matrices b of as many rows, or vectors. */
export function solveMatrices(a: NDArray, given: NDArray): NDArray {
  const fits =
    a.ndim >= 2 &&
    (given.ndim === a.ndim || given.ndim === a.ndim - 1) &&
    a.shape.at(-1) === a.shape.at(-2) &&
    a.shape.at(-1) === given.shape[a.ndim - 2];
  if (!fits) {
    throw new RematValueError(
      `The arguments to solve must have shapes a=[..., m, m] and b=[..., m, k] or b=[..., m]; got a=${tupleText(a.shape)} and ` +
        `b=${tupleText(given.shape)}.`,
    );
  }
  const shape = given.shape.map((d, i) => (d === 1 ? ([...a.shape.slice(0, -1), 1][i] ?? 1) : d));
  const b = broadcastedInDim(given, shape, range(given.ndim));
  const [lu, , permutation] = factored(stopGradient(a));
  const solve = (x: NDArray): NDArray => solveVectors(a, lu, permutation, x);
  if (a.ndim === b.ndim + 1) return solve(b);
  const { outs, dims } = batchFlat((xs) => [solve(xs[0])], b.shape[b.ndim - 1], [b], [b.ndim - 1]);
  return movedAxis(outs[0], dims[0]!, a.ndim - 1);
}
