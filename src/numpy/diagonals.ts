/** Diagonals and triangles of matrices. */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import { bind1 } from "../core/interpreter.ts";
import { literal } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { canonicalAxis } from "../primitives/axes.ts";
import { cond } from "../primitives/cond.ts";
import { convertElementType } from "../primitives/convert.ts";
import { platformIndex } from "../primitives/iota.ts";
import { fullLike, zerosLike } from "../primitives/broadcasting.ts";
import { select } from "../primitives/comparison.ts";
import { padded } from "../primitives/pad.ts";
import { broadcasted, expanded, reshaped, summed } from "../primitives/shape.ts";
import type { ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { arange, eye, lowerOnes, zeros } from "./creation.ts";
import { getitem } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { keyOf, named } from "./options.ts";
import { sum } from "./reductions.ts";
import { moveaxis, ravel } from "./shape.ts";
import { where } from "./where.ts";

type KArgument = number | { readonly k?: number };
const kOf = (k: KArgument | undefined): number => named<{ k: number }>(["k"], [k]).k ?? 0;

function triangle(name: "tril" | "triu", m: ArrayLike, k: number): NDArray {
  return jitted(
    name,
    keyOf(k),
    (x) => {
      if (x.ndim < 2) throw new RematValueError(`Argument to np.${name} must be at least 2D, got ndim ${x.ndim}.`);
      const mask = lowerOnes(x.shape.slice(-2), name === "tril" ? k : k - 1, "bool");
      const which = broadcasted(mask, x.shape.slice(0, -2));
      return name === "tril" ? select(which, x, zerosLike(x)) : select(which, zerosLike(x), x);
    },
    [m],
  );
}

/** The elements at and below the k-th diagonal, zeros above. */
export const tril = (m: ArrayLike, k?: KArgument): NDArray => triangle("tril", m, kOf(k));

/** The elements at and above the k-th diagonal, zeros below. */
export const triu = (m: ArrayLike, k?: KArgument): NDArray => triangle("triu", m, kOf(k));

/** The matrix with a vector on its k-th diagonal, or the k-th diagonal of a matrix. */
export function diag(v: ArrayLike, k?: KArgument): NDArray {
  const offset = kOf(k);
  return jitted(
    "_diag",
    keyOf(offset),
    (x) => {
      if (x.ndim === 2) return diagonal(x, { offset });
      if (x.ndim !== 1) throw new RematValueError(`diag input must be 1d or 2d, got ndim ${x.ndim}.`);
      const n = x.shape[0] + Math.abs(offset);
      const wide = padded(x, fullLike(x, 0, []), [[Math.max(0, -offset), Math.max(0, offset), 0]]);
      return where(eye(n, { k: offset, dtype: "bool" }), expanded(wide, [1]), fullLike(x, 0, []));
    },
    [v],
  );
}

/** The matrix with the flattened array on its k-th diagonal. */
export function diagflat(v: ArrayLike, k?: KArgument): NDArray {
  const offset = kOf(k);
  const flat = ravel(v);
  const n = flat.shape[0] + Math.abs(offset);
  const out = zeros(n * n, flat.dtype);
  const i = arange(0, n - Math.abs(offset));
  const int = (value: number): NDArray => literal(value, i.dtype);
  const places = offset >= 0 ? add(add(i, int(offset)), mul(i, int(n))) : add(i, mul(sub(i, int(offset)), int(n)));
  return reshaped(at(out, places).set(flat), [n, n]);
}

export interface DiagonalOptions {
  readonly offset?: number;
  readonly axis1?: number;
  readonly axis2?: number;
}

/** The elements on a diagonal of two axes, as a new last axis. */
export function diagonal(
  a: ArrayLike,
  offset?: number | DiagonalOptions,
  axis1?: number | DiagonalOptions,
  axis2?: number | DiagonalOptions,
): NDArray {
  const given = named<DiagonalOptions>(["offset", "axis1", "axis2"], [offset, axis1, axis2]);
  const { offset: k = 0, axis1: first = 0, axis2: second = 1 } = given;
  return jitted(
    "diagonal",
    keyOf(k, first, second),
    (x) => {
      if (x.ndim < 2)
        throw new RematValueError(`diagonal requires an array of at least two dimensions, got ndim ${x.ndim}.`);
      const square = x.ndim === 2 && x.shape[0] === x.shape[1] && k === 0 && x.dtype !== "bool";
      return square ? squareDiagonal(x, first, second) : gatheredDiagonal(x, k, first, second);
    },
    [a],
  );
}

function gatheredDiagonal(x: NDArray, k: number, first: number, second: number): NDArray {
  const [rows, columns] = [x.shape.at(first)!, x.shape.at(second)!];
  const moved = moveaxis(x, [first, second], [-2, -1]);
  const size = Math.max(0, Math.min(rows + Math.min(k, 0), columns - Math.max(k, 0)));
  const i = arange(size);
  const j = arange(Math.abs(k), Math.abs(k) + size);
  return k >= 0 ? getitem(moved, "...", i, j) : getitem(moved, "...", j, i);
}

/** JAX's programs have another way for one of its platforms, a sum over the rows of what is left after all else is made zero. */
function squareDiagonal(x: NDArray, first: number, second: number): NDArray {
  const ones = eye(x.shape[0], { dtype: x.dtype });
  const platforms = [["mosaic"], null] as const;
  const index = bind1(platformIndex, [], { platforms });
  const avals = [ones.aval, x.aval];
  const branches = [
    stageFlat(([mask, y]) => [convertElementType(summed(mul(mask, y), [0]), y.dtype)], avals),
    stageFlat(([, y]) => [gatheredDiagonal(y, 0, first, second)], avals),
  ];
  return bind1(cond, [index, ones, x], { branches, branches_platforms: platforms });
}

export interface TraceOptions {
  /** Which diagonal; may be an array. */
  readonly offset?: ArrayLike;
  readonly axis1?: number;
  readonly axis2?: number;
  readonly dtype?: DType | null;
}

/** The sum of a diagonal of two axes. */
export function trace(
  a: ArrayLike,
  offset?: ArrayLike | TraceOptions,
  axis1?: number | TraceOptions,
  axis2?: number | TraceOptions,
): NDArray {
  const given = named<TraceOptions>(["offset", "axis1", "axis2"], [offset, axis1, axis2]);
  const { offset: k, axis1: first = 0, axis2: second = 1, dtype = null } = given;
  return jitted(
    "trace",
    keyOf(first, second, dtype, k !== undefined),
    (x, ...more) => {
      const [i, j] = [canonicalAxis(first, x.ndim), canonicalAxis(second, x.ndim)];
      if (i === j) throw new RematValueError(`axis1 and axis2 can not be same. axis1=${first} and axis2=${second}.`);
      const moved = moveaxis(x, [first, second], [-2, -1]);
      const ones = eye(x.shape[i], { M: x.shape[j], k: more[0] ?? 0, dtype: "bool" });
      return sum(where(ones, moved, zerosLike(moved)), { axis: [-2, -1], dtype });
    },
    [a, ...(k === undefined ? [] : [k])],
  );
}
