/** Covariance and correlation of variables, of which samples are given. */
import type { NDArray } from "../core/array.ts";
import { isComplex, isInexact, isInteger, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { div } from "../primitives/arithmetic.ts";
import { tupleText } from "../primitives/axes.ts";
import { complex, conj, imag, real } from "../primitives/complex.ts";
import { convertElementType } from "../primitives/convert.ts";
import { sqrt } from "../primitives/elementwise.ts";
import { expanded, transposed } from "../primitives/shape.ts";
import type { ArrayLike } from "./asarray.ts";
import { dot } from "./contractions.ts";
import { diag } from "./diagonals.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { concatenate } from "./joining.ts";
import { keyOf, named } from "./options.ts";
import { clip } from "./piecewise.ts";
import { promoteDtypesInexact } from "./promote.ts";
import { sum } from "./reductions.ts";
import { atleast2d, squeeze } from "./shape.ts";
import { average } from "./statistics.ts";
import { abs, divide, multiply, subtract } from "./ufuncs.ts";

export interface CovOptions {
  readonly y?: ArrayLike | null;
  /** Whether rows are variables (the default) or columns. */
  readonly rowvar?: boolean;
  readonly bias?: boolean;
  readonly ddof?: number | null;
  readonly dtype?: DType | null;
  /** How often each sample was seen: integers. */
  readonly fweights?: ArrayLike | null;
  /** How much each sample counts. */
  readonly aweights?: ArrayLike | null;
}

/** The covariance of variables, each a row of samples. */
export function cov(m: ArrayLike, y?: ArrayLike | null | CovOptions, options?: CovOptions): NDArray {
  const given = named<CovOptions>(["y"], [y, options]);
  const { rowvar = true, bias = false, dtype = null } = given;
  const other = given.y ?? null;
  const ddof = given.ddof ?? (bias ? 0 : 1);
  const [frequent, weighty] = [given.fweights, given.aweights].map((w) => w !== undefined && w !== null);
  if (dtype !== null && !isInexact(dtype)) {
    throw new RematValueError(`cov: dtype must be a subclass of float or complex; got dtype=${dtype}.`);
  }
  return jitted(
    "cov",
    keyOf(rowvar, bias, given.ddof ?? null, dtype, other !== null, frequent, weighty),
    (...all) => {
      const args = all.slice(0, other === null ? 1 : 2);
      const aweights = weighty ? all[args.length] : null;
      const frequencies = frequent ? all[all.length - 1] : null;
      const [x, second] = promoteDtypesInexact(...args);
      if (x.ndim > 2) throw new RematValueError(`m has more than 2 dimensions: its shape is ${tupleText(x.shape)}.`);
      let rows = atleast2d(x);
      if (!rowvar && x.ndim !== 1) rows = transposed(rows, [1, 0]);
      if (other !== null) {
        const more = atleast2d(second);
        rows = concatenate([rows, !rowvar && more.shape[0] !== 1 ? transposed(more, [1, 0]) : more], 0);
      }
      if (dtype !== null) rows = convertElementType(rows, canonicalDType(dtype));
      const { weights: w, importance } = sampleWeights(rows.shape[1], frequencies, aweights, dtype);
      const [center, total] = average(rows, { axis: 1, weights: w, returned: true });
      const sumOfWeights = getitem(total, 0);
      const n =
        w === null
          ? rows.shape[1] - ddof
          : ddof === 0
            ? sumOfWeights
            : subtract(
                sumOfWeights,
                importance === null ? ddof : divide(multiply(ddof, sum(multiply(w, importance))), sumOfWeights),
              );
      const spread = subtract(rows, getitem(center, slice(null), null));
      const weighted = w === null ? spread : multiply(spread, expanded(w, [0]));
      const turned = transposed(weighted, [1, 0]);
      return squeeze(divide(dot(spread, isComplex(turned.dtype) ? conj(turned) : turned), n));
    },
    [m, other, given.aweights ?? null, given.fweights ?? null].filter((x) => x !== null),
  );
}

/** What each sample counts, or null for all alike; and its part of that which is no number of occurrences. */
function sampleWeights(
  samples: number,
  frequencies: NDArray | null,
  aweights: NDArray | null,
  dtype: DType | null,
): { weights: NDArray | null; importance: NDArray | null } {
  for (const [name, given] of Object.entries({ fweights: frequencies, aweights })) {
    if (given === null) continue;
    if (given.ndim > 1) {
      throw new RematValueError(
        `cannot handle multidimensional ${name}: np.cov got them with shape ${tupleText(given.shape)}. Give one number for each sample.`,
      );
    }
    if (given.shape[0] !== samples) {
      throw new RematValueError(
        `incompatible numbers of samples and ${name}: np.cov got ${samples} samples and ${name} of shape ${tupleText(given.shape)}.`,
      );
    }
  }
  if (frequencies !== null && !isInteger(frequencies.dtype)) {
    throw new RematTypeError(
      `fweights must be integer, got ${frequencies.dtype}. Give weights that are no counts as aweights.`,
    );
  }
  const counts = frequencies === null ? null : abs(frequencies);
  const importance = aweights === null ? null : abs(aweights);
  const weights = counts === null ? importance : importance === null ? counts : multiply(counts, importance);
  const fitted = dtype === null || weights === null ? weights : convertElementType(weights, canonicalDType(dtype));
  return { weights: fitted, importance };
}

/** The correlation of variables, each a row of samples. */
export function corrcoef(x: ArrayLike, y?: ArrayLike | null | CovOptions, options?: CovOptions): NDArray {
  const given = named<CovOptions>(["y"], [y, options]);
  const other = given.y ?? null;
  return jitted(
    "corrcoef",
    keyOf(given.rowvar ?? true, given.dtype ?? null, other !== null),
    (a, ...more) => {
      const c = cov(a, { y: more[0] ?? null, rowvar: given.rowvar ?? true, dtype: given.dtype ?? null });
      if (c.ndim === 0) return div(c, c);
      const d = diag(c);
      const deviation = convertElementType(sqrt(isComplex(d.dtype) ? real(d) : d), c.dtype);
      const scaled = divide(divide(c, getitem(deviation, slice(null), null)), getitem(deviation, null, slice(null)));
      if (!isComplex(scaled.dtype)) return clip(scaled, -1, 1);
      return complex(clip(real(scaled), -1, 1), clip(imag(scaled), -1, 1));
    },
    [x, ...(other === null ? [] : [other])],
  );
}
