/**
 * What the rules of matrix decompositions are written with: transposes, triangles, identities and products of the last two axes, and the
 * checks of shape and dtype that all of the primitives share.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray, Shape } from "../core/aval.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { add, div } from "./arithmetic.ts";
import { range, tupleText } from "./axes.ts";
import { constLike, full, fullLike } from "./broadcasting.ts";
import { eq, ge, lt, select } from "./comparison.ts";
import { conj, real } from "./complex.ts";
import { convertElementType } from "./convert.ts";
import { contracted, type PrecisionPair } from "./dot.ts";
import { gathered } from "./gather.ts";
import { counted } from "./iota.ts";
import { concatenated } from "./join.ts";
import { checkOperand, checkSameDTypes, checkUnary, inexact } from "./nary.ts";
import { replaced } from "./scatter.ts";
import { broadcasted, expanded, transposed } from "./shape.ts";

export const HIGHEST: PrecisionPair = ["HIGHEST", "HIGHEST"];

/** The operands of a primitive on matrices: equal inexact dtypes, at least the given ranks, and equally many axes in front of those. */
export function checkMatrices(name: string, avals: readonly ShapedArray[], ranks: readonly number[]): void {
  if (avals.length === 1) checkUnary(name, inexact, avals[0].dtype);
  else avals.forEach((a, i) => checkOperand(name, inexact, a.dtype, i));
  const half = avals.find((a) => a.dtype === "float16" || a.dtype === "bfloat16");
  if (half !== undefined) {
    throw new DTypeError(
      `${name} does not take ${half.dtype}: Unsupported dtype ${half.dtype}. Convert it to float32.`,
    );
  }
  checkSameDTypes(name, avals);
  checkRanks(name, avals, ranks);
}

/** The part of the check that does not ask for dtypes. */
export function checkRanks(name: string, avals: readonly ShapedArray[], ranks: readonly number[]): void {
  avals.forEach((a, i) => {
    if (a.ndim < ranks[i]) {
      throw new ShapeError(
        `Input ${i} to ${name} must have rank at least ${ranks[i]}, but got shape=${tupleText(a.shape)}.`,
      );
    }
  });
  const counts = avals.map((a, i) => a.ndim - ranks[i]);
  if (counts.some((n) => n !== counts[0])) {
    throw new ShapeError(
      `All inputs to ${name} must have the same number of batch dimensions, but got [${counts.join(", ")}] batch dimensions for the inputs.`,
    );
  }
}

/** An output of such a primitive: the leading axes of the operand, then the given ones. */
export const resultOf = (x: ShapedArray, rank: number, shape: Shape, dtype: DType = x.dtype): ShapedArray =>
  x.update({ shape: [...x.shape.slice(0, x.ndim - rank), ...shape], dtype });

/** The dtype of magnitudes. */
export const realDType = (dtype: DType): DType =>
  dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;

/** The transpose of the last two axes. */
export const swapped = (x: NDArray): NDArray => transposed(x, [...range(x.ndim - 2), x.ndim - 1, x.ndim - 2]);

/** The conjugate of complex numbers; others as they are. */
export const conjugated = (x: NDArray): NDArray => (isComplex(x.dtype) ? conj(x) : x);

/** The real part of complex numbers; others as they are. */
export const realPart = (x: NDArray): NDArray => (isComplex(x.dtype) ? real(x) : x);

/** The conjugate transpose. */
export const adjoint = (x: NDArray): NDArray => conjugated(swapped(x));

/** The mean of a matrix and its conjugate transpose. */
export function symmetrized(x: NDArray): NDArray {
  const sum = add(x, adjoint(x));
  return div(sum, constLike(sum, 2));
}

/** Compares the places of rows, moved by k, with those of columns. */
function comparePlaces(compare: typeof eq, shape: Shape, k: number, int: DType): NDArray {
  const rows = add(counted(int, shape, 0), literal(k, int));
  return compare(rows, counted(int, shape, 1));
}

/** True on and below the k-th diagonal. */
function lowerMask(x: NDArray, k: number): NDArray {
  return broadcasted(comparePlaces(ge, x.shape.slice(-2), k, canonicalDType("int64")), x.shape.slice(0, -2));
}

/** The matrix with zeros above the k-th diagonal. */
export const lowerTriangle = (x: NDArray, k = 0): NDArray => select(lowerMask(x, k), x, fullLike(x, 0));

/** The matrix with zeros below the k-th diagonal. */
export const upperTriangle = (x: NDArray, k = 0): NDArray => select(lowerMask(x, k - 1), fullLike(x, 0), x);

/** The identity matrix, square or not. */
export const identityMatrix = (dtype: DType, rows: number, columns: number = rows): NDArray =>
  convertElementType(comparePlaces(eq, [rows, columns], 0, "int32"), dtype);

/** The product of the last two axes, all others paired. */
export function product(x: NDArray, y: NDArray, precision: PrecisionPair | null, preferred: DType | null): NDArray {
  const batch = range(x.ndim - 2);
  return contracted(
    x,
    y,
    [
      [[x.ndim - 1], [y.ndim - 2]],
      [batch, batch],
    ],
    precision,
    preferred,
  );
}

/** The product in the highest precision. */
export const exactProduct = (x: NDArray, y: NDArray): NDArray => product(x, y, HIGHEST, null);

/** The product as `@` makes it: summed in the dtype of the operands. */
export const matrixProduct = (x: NDArray, y: NDArray, precision: PrecisionPair | null = null): NDArray =>
  product(x, y, precision, x.dtype);

/** The array with n axes of size one in front. */
export const withAxesInFront = (x: NDArray, n: number): NDArray => (n === 0 ? x : expanded(x, range(n)));

/** Indices from the end made indices from the start. */
export const wrappedIndices = (i: NDArray, size: number): NDArray =>
  select(lt(i, literal(0, i.dtype)), add(i, literal(size, i.dtype)), i);

/** The rows of a matrix, in the order of a vector of indices. */
export function rowsOf(x: NDArray, order: NDArray): NDArray {
  const indices = expanded(wrappedIndices(order, x.shape[0]), [1]);
  const rows = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] };
  return gathered(x, indices, { ...rows, operandBatchingDims: [], startIndicesBatchingDims: [] }, [1, x.shape[1]]);
}

/** The columns of matrices, in the order of a vector of indices. */
export function columnsOf(x: NDArray, order: NDArray): NDArray {
  const axis = x.ndim - 1;
  const indices = expanded(wrappedIndices(order, x.shape[axis]), [order.ndim]);
  const outer = range(order.ndim - 1);
  const dims = {
    offsetDims: [axis - 1],
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    operandBatchingDims: outer,
    startIndicesBatchingDims: outer,
  };
  return gathered(x, indices, dims, [...outer.map(() => 1), x.shape[axis - 1], 1]);
}

/** The places of a diagonal of n elements, as pairs of equal indices: [n, 2]. */
function diagonalPlaces(i: NDArray, rows: number, columns: number): NDArray {
  const pair = [wrappedIndices(i, rows), wrappedIndices(i, columns)].map((x) => expanded(x, [1]));
  return concatenated(pair, 1);
}

/** The diagonals of matrices. */
export function diagonalOf(x: NDArray): NDArray {
  const [rows, columns] = x.shape.slice(-2);
  const outer = x.ndim - 2;
  const places = diagonalPlaces(counted("int32", [Math.min(rows, columns)], 0), rows, columns);
  const axes = [outer, outer + 1];
  const dims = { offsetDims: range(outer), collapsedSliceDims: axes, startIndexMap: axes };
  const sizes = [...x.shape.slice(0, outer), 1, 1];
  return gathered(x, places, { ...dims, operandBatchingDims: [], startIndicesBatchingDims: [] }, sizes);
}

/** Square matrices with the given diagonals, zero elsewhere. */
export function diagonalMatrix(x: NDArray): NDArray {
  const n = x.shape.at(-1)!;
  const outer = x.ndim - 1;
  const i = counted("int32", [n], 0);
  const into = full([...x.shape, n], 0, x.dtype);
  const axes = [outer, outer + 1];
  return replaced(
    into,
    diagonalPlaces(i, n, n),
    x,
    {
      updateWindowDims: range(outer),
      insertedWindowDims: axes,
      scatterDimsToOperandDims: axes,
      operandBatchingDims: [],
      scatterIndicesBatchingDims: [],
    },
    { mode: "fill" },
  );
}
