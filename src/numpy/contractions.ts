/**
 * Products of arrays: each is one `dot_general` whose dimension numbers say which axes are summed and which are paired. Sums of 16-bit floats
 * are kept in 32 bits inside the engine; the result has the dtype in which the operands meet.
 */
import type { NDArray } from "../core/array.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { mul } from "../primitives/arithmetic.ts";
import { argsort, canonicalAxis, range, tupleText } from "../primitives/axes.ts";
import { conj } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { contracted, type DotDimensionNumbers } from "../primitives/dot.ts";
import { jitCall } from "../primitives/jit.ts";
import { canonicalPrecision, type PrecisionLike } from "../primitives/precision.ts";
import { expanded, reshaped, squeezed, transposed } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { arrayOf, keyOf } from "./options.ts";
import { latticeResultType, promoteDtypes } from "./promote.ts";

export interface ProductOptions {
  /** "default", "high", "highest", or one for each operand. Kept in the program; engines may ignore it. */
  readonly precision?: PrecisionLike;
  /** The dtype in which products are summed, and of the result. */
  readonly preferredElementType?: DType | null;
}

/** What the dtype rules of all products share: the dtype to sum in, and a conversion of the result to it. */
function product(
  a: NDArray,
  b: NDArray,
  dims: DotDimensionNumbers,
  options: ProductOptions,
  arrange: (x: NDArray) => NDArray = (x) => x,
): NDArray {
  const asked = options.preferredElementType ?? null;
  const { dtype, weakType } =
    asked === null ? latticeResultType([a, b]) : { dtype: canonicalDType(asked), weakType: false };
  const out = contracted(a, b, dims, canonicalPrecision(options.precision), dtype);
  return convertElementType(arrange(out), dtype, weakType);
}

const none: readonly [[], []] = [[], []];

/** Makes a function of two arrays one that JAX inlines: it is traced by itself, and its equations are put in its place. */
const inlined = (
  name: string,
  options: ProductOptions,
  fn: (a: NDArray, b: NDArray) => NDArray,
  a: ArrayLike,
  b: ArrayLike,
  key = "",
): NDArray =>
  jitCall(
    name,
    keyOf(options.precision ?? null, options.preferredElementType ?? null, key),
    (x, y) => [fn(x, y)],
    [toArray(a, name), toArray(b, name, 1)],
    true,
  )[0];

/**
 * The dot product of NumPy: sums over the last axis of `a` and the last but one of `b` (the only one of a vector).
 *
 *     np.dot([[1, 2], [3, 4]], [1, 1]) // [3, 7]
 */
export function dot(a: ArrayLike, b: ArrayLike, options: ProductOptions = {}): NDArray {
  return inlined("dot", options, (x, y) => product(x, y, dotDims(x.ndim, y.ndim), options), a, b);
}

function dotDims(m: number, n: number): DotDimensionNumbers {
  if (m === 0 || n === 0) return [none, none];
  return [[[m - 1], [n === 1 ? 0 : n - 2]], none];
}

/** The matrix product `a @ b`: leading axes are paired, and broadcast where one operand has none or one of size 1. */
export function matmul(a: ArrayLike, b: ArrayLike, options: ProductOptions = {}): NDArray {
  return inlined("matmul", options, (x, y) => matmulArrays(x, y, options), a, b);
}

function matmulArrays(a: NDArray, b: NDArray, options: ProductOptions): NDArray {
  for (const [i, x] of [a, b].entries()) {
    if (x.ndim < 1) {
      throw new RematValueError(
        `matmul input operand ${i} must have ndim at least 1, but it has ndim ${x.ndim}. Use np.multiply with a scalar.`,
      );
    }
  }
  const [aIsMatrix, bIsMatrix] = [a.ndim > 1, b.ndim > 1];
  const aSizes = a.shape.slice(0, aIsMatrix ? -2 : 0);
  const bSizes = b.shape.slice(0, bIsMatrix ? -2 : 0);
  const n = Math.max(aSizes.length, bSizes.length);
  const squeezeA: number[] = [];
  const squeezeB: number[] = [];
  const squeezeBoth: number[] = [];
  const batchA: number[] = [];
  const batchB: number[] = [];
  // Places in the result of the paired axes, of those that only a has, and of those that only b has.
  const paired: number[] = [];
  const onlyA: number[] = [];
  const onlyB: number[] = [];
  for (let i = 0; i < n; i++) {
    const sizeA = aSizes[i - n + aSizes.length];
    const sizeB = bSizes[i - n + bSizes.length];
    const nextA = paired.length + onlyA.length;
    const nextB = paired.length + onlyB.length;
    if (sizeA === undefined) onlyB.push(i);
    else if (sizeB === undefined) onlyA.push(i);
    else if (sizeA === 1 && sizeB === 1) {
      squeezeA.push(nextA + squeezeA.length);
      squeezeB.push(nextB + squeezeB.length);
      squeezeBoth.push(i);
    } else if (sizeA === 1) {
      onlyB.push(i);
      squeezeA.push(nextA + squeezeA.length);
    } else if (sizeB === 1) {
      onlyA.push(i);
      squeezeB.push(nextB + squeezeB.length);
    } else if (sizeA === sizeB) {
      batchA.push(nextA);
      batchB.push(nextB);
      paired.push(i);
    } else {
      throw new RematValueError(
        `Incompatible types for matmul arguments: ${a.aval.toLongString()} and ${b.aval.toLongString()}. All axes but the last two ` +
          "must be equal or 1, counted from the end.",
      );
    }
  }
  if (aIsMatrix) onlyA.push(n);
  if (bIsMatrix) onlyB.push(n + (aIsMatrix ? 1 : 0));
  const x = squeezed(a, squeezeA);
  const y = squeezed(b, squeezeB);
  const dims: DotDimensionNumbers = [
    [[x.ndim - 1], [y.ndim - 1 - (bIsMatrix ? 1 : 0)]],
    [batchA, batchB],
  ];
  return product(x, y, dims, options, (out) => {
    const ordered = transposed(out, argsort([...paired, ...onlyA, ...onlyB]));
    return squeezeBoth.length > 0 ? expanded(ordered, squeezeBoth) : ordered;
  });
}

/** The sum over all products of elements; complex `a` is conjugated. */
export function vdot(a: ArrayLike, b: ArrayLike, options: ProductOptions = {}): NDArray {
  const flat = (x: NDArray): NDArray => reshaped(x, [x.size]);
  return inlined("vdot", options, (x, y) => dot(flat(isComplex(x.dtype) ? conj(x) : x), flat(y), options), a, b);
}

/** The product summed over the last axis of both. */
export function inner(a: ArrayLike, b: ArrayLike, options: ProductOptions = {}): NDArray {
  return inlined(
    "inner",
    options,
    (x, y) => {
      if (x.ndim > 0 && y.ndim > 0) return tensordot(x, y, [-1, -1], options);
      const dtype = options.preferredElementType ?? null;
      const [p, q] =
        dtype === null ? promoteDtypes(x, y) : [convertElementType(x, dtype), convertElementType(y, dtype)];
      return mul(p, q);
    },
    a,
    b,
  );
}

/** All products of an element of `a` with one of `b`, both flattened. */
export function outer(a: ArrayLike, b: ArrayLike): NDArray {
  return inlined(
    "outer",
    {},
    (x, y) => {
      const [p, q] = promoteDtypes(x, y);
      return mul(expanded(reshaped(p, [p.size]), [1]), expanded(reshaped(q, [q.size]), [0]));
    },
    a,
    b,
  );
}

type Axes = number | readonly number[];

/** The product summed over the given axes: the last and first `axes`, or one list of axes for each operand. */
export function tensordot(
  a: ArrayLike,
  b: ArrayLike,
  axes: number | readonly [Axes, Axes] | ({ readonly axes?: number | readonly [Axes, Axes] } & ProductOptions) = 2,
  options: ProductOptions = {},
): NDArray {
  if (typeof axes === "object" && "length" in axes === false) {
    const { axes: given, ...rest } = axes as { axes?: number | readonly [Axes, Axes] } & ProductOptions;
    return tensordot(a, b, given ?? 2, rest);
  }
  const [x, y] = [arrayOf(a, "tensordot"), arrayOf(b, "tensordot", 1)];
  const contracting = tensordotAxes(x, y, axes);
  return product(x, y, [contracting, none], options);
}

function tensordotAxes(a: NDArray, b: NDArray, axes: number | readonly [Axes, Axes]): [number[], number[]] {
  if (typeof axes === "number") {
    if (axes > Math.min(a.ndim, b.ndim)) {
      throw new RematTypeError(
        `Number of tensordot axes (axes ${axes}) exceeds input ranks (${tupleText(a.shape)} and ${tupleText(b.shape)}).`,
      );
    }
    return [range(axes, a.ndim - axes), range(axes)];
  }
  if (axes.length !== 2) {
    throw new RematTypeError(
      "tensordot axes argument must be an int, a pair of ints, or a pair of lists/tuples of ints.",
    );
  }
  const [p, q] = axes;
  if ((typeof p === "number") !== (typeof q === "number")) {
    throw new RematTypeError(
      `tensordot requires both axes lists to be either ints, tuples or lists, got ${String(p)} and ${String(q)}.`,
    );
  }
  const [ps, qs] = [typeof p === "number" ? [p] : p, typeof q === "number" ? [q] : q];
  if (ps.length !== qs.length) {
    throw new RematTypeError(
      `tensordot requires axes lists to have equal length, got ${tupleText(ps)} and ${tupleText(qs)}.`,
    );
  }
  return [ps.map((i) => canonicalAxis(i, a.ndim)), qs.map((i) => canonicalAxis(i, b.ndim))];
}
