/** Norms of vectors and matrices, and the condition number, which compares them. */
import type { NDArray } from "../core/array.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import { mul } from "../primitives/arithmetic.ts";
import { pow } from "../primitives/pow.ts";
import { canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import { ne } from "../primitives/comparison.ts";
import { conj, real } from "../primitives/complex.ts";
import { sqrt } from "../primitives/elementwise.ts";
import { expanded } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { getitem } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { svdvals as svdvalsOf } from "./linalgDecompositions.ts";
import { inv } from "./linalgSolve.ts";
import { bitwiseAnd, isnan, logicalNot } from "./logic.ts";
import { keyOf, named } from "./options.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { any, max, min, sum, type Axis } from "./reductions.ts";
import { moveaxis } from "./shape.ts";
import { absolute, divide, multiply } from "./ufuncs.ts";
import { where } from "./where.ts";

/** The order of a norm: a number (Infinity and -Infinity too), "fro" or "nuc". */
export type NormOrder = number | string | null;

export interface NormOptions {
  readonly ord?: NormOrder;
  readonly axis?: Axis;
  readonly keepdims?: boolean;
}

type Along = { readonly axis: Axis; readonly keepdims: boolean };

/** The square root of the sum of squares. */
const euclidean = (x: NDArray, along: Along): NDArray => {
  const squares = isComplex(x.dtype) ? real(mul(x, conj(x))) : mul(x, x);
  return sqrt(sum(squares, along));
};

const realOf = (dtype: DType): DType =>
  dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;

function vector(x: NDArray, ord: NormOrder, along: Along): NDArray {
  if (ord === null || ord === 2) return euclidean(x, along);
  if (ord === Infinity) return max(absolute(x), { ...along, initial: 0 });
  if (ord === -Infinity) return min(absolute(x), along);
  if (ord === 0) return sum(ne(x, constLike(x, 0)), { ...along, dtype: realOf(x.dtype) });
  if (ord === 1) return sum(absolute(x), along);
  if (typeof ord === "string") {
    throw new RematValueError(`Invalid order '${ord}' for vector norm. Use a number, Infinity or -Infinity.`);
  }
  const size = absolute(x);
  return pow(sum(pow(size, constLike(size, ord)), along), constLike(size, 1 / ord));
}

function matrix(x: NDArray, ord: NormOrder, [rows, columns]: readonly number[], keepdims: boolean): NDArray {
  if (ord === null || ord === "f" || ord === "fro") return euclidean(x, { axis: [rows, columns], keepdims });
  const after = (axis: number, gone: number): number => (!keepdims && axis > gone ? axis - 1 : axis);
  const sums = (axis: number): NDArray => sum(absolute(x), { axis, keepdims });
  switch (ord) {
    case 1:
      return max(sums(rows), { axis: after(columns, rows), keepdims, initial: 0 });
    case -1:
      return min(sums(rows), { axis: after(columns, rows), keepdims });
    case Infinity:
      return max(sums(columns), { axis: after(rows, columns), keepdims, initial: 0 });
    case -Infinity:
      return min(sums(columns), { axis: after(rows, columns), keepdims });
    case 2:
    case -2:
    case "nuc": {
      const s = svdvalsOf(moveaxis(x, [rows, columns], [-2, -1]));
      const y =
        ord === "nuc" ? sum(s, { axis: -1 }) : ord === 2 ? max(s, { axis: -1, initial: 0 }) : min(s, { axis: -1 });
      return keepdims ? expanded(y, [rows, columns]) : y;
    }
    default:
      throw new RematValueError(
        `Invalid order '${String(ord)}' for matrix norm. Use "fro", 1, -1, Infinity or -Infinity.`,
      );
  }
}

/**
 * The norm of a vector (one axis), a matrix (two axes), or of all elements.
 *
 *     np.linalg.norm(x), np.linalg.norm(x, { axis: 1 }), np.linalg.norm(x, 1)
 */
export function norm(
  x: ArrayLike,
  ord?: NormOrder | NormOptions,
  axis?: Axis | NormOptions,
  keepdims?: boolean | NormOptions,
): NDArray {
  const given = named<NormOptions>(["ord", "axis", "keepdims"], [ord, axis, keepdims]);
  const { ord: order = null, axis: along = null, keepdims: keeps = false } = given;
  return jitted(
    "norm",
    keyOf(String(order), along, keeps),
    (array) => {
      const [a] = promoteDtypesInexact(array);
      if (along === null && order === null) return euclidean(a, { axis: null, keepdims: keeps });
      const axes =
        along === null
          ? range(a.ndim)
          : (typeof along === "number" ? [along] : along).map((i) => canonicalAxis(i, a.ndim));
      if (axes.length === 1) return vector(a, order, { axis: axes, keepdims: keeps });
      if (axes.length === 2) return matrix(a, order, axes, keeps);
      throw new RematValueError(
        `Improper number of axes for norm: axis=${tupleText(axes)}. Pass one axis to compute a vector-norm, or two axes to compute a ` +
          "matrix-norm.",
      );
    },
    [toArray(x, "norm")],
  );
}

/** The norm of the last two axes. */
export const matrixNorm = (
  x: ArrayLike,
  options: { readonly keepdims?: boolean; readonly ord?: NormOrder } = {},
): NDArray => norm(x, { ord: options.ord ?? "fro", keepdims: options.keepdims, axis: [-2, -1] });

/** The vector norm over the given axes. */
export function vectorNorm(x: ArrayLike, options: NormOptions = {}): NDArray {
  return vector(toArray(x, "vector_norm"), options.ord ?? 2, {
    axis: options.axis ?? null,
    keepdims: options.keepdims ?? false,
  });
}

/** How much a matrix stretches some vectors more than others: by singular values, or by a norm `p` of it and its inverse. */
export function cond(x: ArrayLike, p: NormOrder = null): NDArray {
  return jitted(
    "cond",
    keyOf(String(p)),
    (a) => {
      if (a.ndim < 2) {
        throw new RematValueError(
          `jnp.linalg.cond: input array must be at least 2D; got arr.shape=${tupleText(a.shape)}.`,
        );
      }
      if (a.shape.slice(-2).includes(0)) {
        throw new RematValueError(
          `jnp.linalg.cond: input array must not be empty; got arr.shape=${tupleText(a.shape)}.`,
        );
      }
      if (p === null || p === 2) {
        const s = svdvalsOf(a);
        return divide(getitem(s, "...", 0), getitem(s, "...", -1));
      }
      let r: NDArray;
      if (p === -2) {
        const s = svdvalsOf(a);
        r = divide(getitem(s, "...", -1), getitem(s, "...", 0));
      } else {
        if (a.shape.at(-1) !== a.shape.at(-2)) {
          throw new RematValueError(
            `jnp.linalg.cond: for p=${String(p)}, array must be square; got arr.shape=${tupleText(a.shape)}.`,
          );
        }
        const along = { ord: p, axis: [-2, -1] };
        r = multiply(norm(a, along), norm(inv(a), along));
      }
      const unknown = isnan(r);
      return where(bitwiseAnd(unknown, logicalNot(any(isnan(a), { axis: [-2, -1] }))), Infinity, r);
    },
    [x],
  );
}
