/** Products with all their axes spelled out. */
import type { NDArray } from "../core/array.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import type { ProductOptions } from "../numpy/contractions.ts";
import { named } from "../numpy/options.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { contracted, type DotDimensionNumbers } from "../primitives/dot.ts";
import { canonicalPrecision, type PrecisionLike } from "../primitives/precision.ts";

type Axes = number | readonly number[];
/** Contracting axes of both operands, then batch axes of both. */
export type DimensionNumbers = readonly [contracting: readonly [Axes, Axes], batch: readonly [Axes, Axes]];

const list = (axes: Axes): readonly number[] => (typeof axes === "number" ? [axes] : axes);

function product(
  lhs: NDArray,
  rhs: NDArray,
  [[lc, rc], [lb, rb]]: DimensionNumbers,
  options: Partial<ProductOptions>,
): NDArray {
  const dims: DotDimensionNumbers = [
    [list(lc), list(rc)],
    [list(lb), list(rb)],
  ];
  const preferred = options.preferredElementType ?? null;
  return contracted(
    lhs,
    rhs,
    dims,
    canonicalPrecision(options.precision),
    preferred === null ? null : canonicalDType(preferred),
  );
}

type PrecisionArgument = PrecisionLike | ProductOptions;

/**
 * Sums products over contracting axes, pairs batch axes, keeps all others: batch axes, then those of `lhs`, then those of `rhs`.
 *
 *     lax.dotGeneral(x, y, [[[2], [1]], [[0], [0]]]) // batched matrix product
 */
export function dotGeneral(
  lhs: ArrayLike,
  rhs: ArrayLike,
  dimensionNumbers: DimensionNumbers,
  precision?: PrecisionArgument,
  options?: ProductOptions,
): NDArray {
  const given = asOptions(precision, options);
  return product(toArray(lhs, "dot_general"), toArray(rhs, "dot_general", 1), dimensionNumbers, given);
}

/** A pair of precisions is a list, so it cannot be told from options by `named`. */
const asOptions = (
  precision: PrecisionArgument | undefined,
  options: ProductOptions | undefined,
): Partial<ProductOptions> => named<ProductOptions>(["precision"], [precision, options]);

export interface DotOptions extends ProductOptions {
  readonly dimensionNumbers?: DimensionNumbers | null;
}

/** The product of matrices or vectors, or with `dimensionNumbers` any. */
export function dot(lhs: ArrayLike, rhs: ArrayLike, options: DotOptions = {}): NDArray {
  const [x, y] = [toArray(lhs, "dot"), toArray(rhs, "dot", 1)];
  if (options.dimensionNumbers !== null && options.dimensionNumbers !== undefined) {
    return product(x, y, options.dimensionNumbers, options);
  }
  const simple = (a: NDArray): boolean => a.ndim === 1 || a.ndim === 2;
  if (simple(x) && simple(y) && x.shape[x.ndim - 1] === y.shape[0]) {
    return product(
      x,
      y,
      [
        [x.ndim - 1, 0],
        [[], []],
      ],
      options,
    );
  }
  throw new RematValueError(
    "lax.dot: dimension_numbers must be specified when not performing simple un-batched matrix-matrix, matrix-vector, or vector-vector " +
      `products; got lhs_shape=${tupleText(x.shape)} rhs_shape=${tupleText(y.shape)}. Use lax.dotGeneral or np.matmul.`,
  );
}

/** The matrix product of the last two axes, all others paired. */
export function batchMatmul(lhs: ArrayLike, rhs: ArrayLike, precision?: PrecisionArgument): NDArray {
  const [x, y] = [toArray(lhs, "batch_matmul"), toArray(rhs, "batch_matmul", 1)];
  if (Math.min(x.ndim, y.ndim) < 2) {
    throw new RematValueError(`Arguments to batch_matmul must be at least 2D, got ${x.ndim}, ${y.ndim}.`);
  }
  if (x.ndim !== y.ndim) {
    throw new RematValueError(`Arguments to batch_matmul must have same ndim, got ${x.ndim}, ${y.ndim}.`);
  }
  const batch = range(x.ndim - 2);
  return product(
    x,
    y,
    [
      [x.ndim - 1, y.ndim - 2],
      [batch, batch],
    ],
    asOptions(precision, undefined),
  );
}
