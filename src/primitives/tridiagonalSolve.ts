/**
 * `tridiagonal_solve`: solves a x = b for a matrix that is given by its three diagonals, dl (below, its first element is not read), d and du (above, its last
 * element is not read). Linear in b; by the diagonals its derivative is the solution for minus ∂a x.
 */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import { InternalError, RematTypeError } from "../errors.ts";
import { addTangents, isLinear } from "./algebra.ts";
import { mul, neg } from "./arithmetic.ts";
import { range, tupleText } from "./axes.ts";
import { fullLike } from "./broadcasting.ts";
import { scatterAdded } from "./gather.ts";
import { concatenated } from "./join.ts";
import { checkMatrices } from "./matrices.ts";
import { sliced } from "./pad.ts";
import { batchedInFront, expanded, filled, movedAxis, reshaped } from "./shape.ts";
import { shapesEqual } from "../core/aval.ts";

export type TridiagonalSolveParams = { readonly perturb_singular: boolean };

/** Elements from `start` to `stop` along an axis that is counted from the end. */
function part(x: NDArray, start: number, stop: number, fromEnd = 1): NDArray {
  const axis = x.ndim - fromEnd;
  const limits = x.shape.map((n, i) => (i === axis ? stop : n));
  return sliced(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    limits,
  );
}

/** Adds rows to those from `at` on. */
function addedRows(y: NDArray, at: number, rows: NDArray): NDArray {
  const dims = {
    updateWindowDims: range(y.ndim),
    insertedWindowDims: [],
    scatterDimsToOperandDims: [y.ndim - 2],
    operandBatchingDims: [],
    scatterIndicesBatchingDims: [],
  };
  return scatterAdded(y, filled([1], at, "int32"), rows, dims, { indicesAreSorted: true, uniqueIndices: true });
}

/** The product of the tridiagonal matrix and a matrix. */
function tridiagonalProduct(dl: NDArray, d: NDArray, du: NDArray, x: NDArray): NDArray {
  const m = d.shape.at(-1)!;
  const diagonal = mul(reshaped(d, [...d.shape, 1]), x);
  const weights = expanded(part(dl, 1, m), [-1]);
  const withLower = addedRows(diagonal, 1, mul(weights, part(x, 0, m - 1, 2)));
  const above = expanded(part(du, 0, m - 1), [-1]);
  return addedRows(withLower, 0, mul(above, part(x, 1, m, 2)));
}

export const tridiagonalSolveP: Primitive<TridiagonalSolveParams> = {
  name: "tridiagonal_solve",
  type([dl, d, du, b]) {
    checkMatrices("tridiagonal_solve", [dl, d, du, b], [1, 1, 1, 2]);
    const shapes = `the diagonals are ${[dl, d, du].map((x) => tupleText(x.shape)).join(", ")}, b is ${tupleText(b.shape)}`;
    if (!shapesEqual(dl.shape, d.shape) || !shapesEqual(dl.shape, du.shape)) {
      throw new RematTypeError(
        `tridiagonal_solve requires that all diagonal arguments have the same shape: ${shapes}. Pad dl in front and du at its end.`,
      );
    }
    if (!shapesEqual(dl.shape, b.shape.slice(0, -1))) {
      throw new RematTypeError(
        `tridiagonal_solve requires that the leading ndim-1 dimensions of b equal the dimensions of the diagonal arguments: ${shapes}. ` +
          "Give b as a matrix, one column for each right-hand side.",
      );
    }
    return [b];
  },
  jvp([dl, d, du, b], tangents, params) {
    const x = bind1(tridiagonalSolveP, [dl, d, du, b], params);
    const diagonals = [dl, d, du];
    const moving = tangents.slice(0, 3);
    let rhs = tangents[3];
    if (moving.some((t) => t !== null)) {
      const [tl, td, tu] = moving.map((t, i) => instantiate(t, diagonals[i].aval.toTangent()));
      rhs = addTangents(rhs, neg(tridiagonalProduct(tl, td, tu, x)));
    }
    return { primals: [x], tangents: [bind1(tridiagonalSolveP, [dl, d, du, rhs!], params)] };
  },
  transpose([ct], args, params) {
    if (args.slice(0, 3).some(isLinear)) {
      throw new InternalError("tridiagonal_solve is linear in its right-hand side only");
    }
    const [dl, d, du] = args as readonly NDArray[];
    const m = d.shape.at(-1)!;
    const axis = d.ndim - 1;
    const zero = (x: NDArray): NDArray => fullLike(x, 0);
    const last = zero(part(du, m - 1, m));
    const below = concatenated([last, part(du, 0, m - 1)], axis);
    const rest = part(dl, 1, m);
    const above = concatenated([rest, zero(part(dl, 0, 1))], axis);
    return [null, null, null, bind1(tridiagonalSolveP, [below, d, above, ct!], params)];
  },
  batch(size, args, dims, params) {
    const [dl, d, du, b] = args;
    if (dims.slice(0, 3).every((dim) => dim === null)) {
      // One matrix for all: the batch becomes more right-hand sides.
      const y = movedAxis(b, dims[3]!, b.ndim - 2);
      const flat = reshaped(y, [...y.shape.slice(0, -2), y.shape.at(-2)! * y.shape.at(-1)!]);
      return {
        outs: [reshaped(bind1(tridiagonalSolveP, [dl, d, du, flat], params), y.shape)],
        dims: [y.ndim - 2],
      };
    }
    const all = args.map((x, i) => batchedInFront(x, dims[i], size));
    return { outs: [bind1(tridiagonalSolveP, all, params)], dims: [0] };
  },
};

export const tridiagonalSolvePrimitives = [tridiagonalSolveP] as const;
