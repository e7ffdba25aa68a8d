/**
 * `eigh`: eigenvectors v and ascending eigenvalues w of a symmetric (Hermitian) matrix. The derivative is that of distinct eigenvalues: it divides
 * by their differences.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { bind } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { add, integerPow, mul, sub } from "./arithmetic.ts";
import { tupleText } from "./axes.ts";
import { convertElementType } from "./convert.ts";
import {
  adjoint,
  checkMatrices,
  diagonalOf,
  exactProduct,
  identityMatrix,
  realDType,
  realPart,
  resultOf,
  symmetrized,
  withAxesInFront,
} from "./matrices.ts";
import { batchedInFront, expanded } from "./shape.ts";

export type EighParams = {
  readonly algorithm: null;
  readonly lower: boolean;
  readonly sort_eigenvalues: boolean;
  readonly subset_by_index: readonly [number, number] | null;
};

const wholeRange = (a: ShapedArray, subset: EighParams["subset_by_index"]): boolean =>
  subset === null || (subset[0] === 0 && subset[1] === a.shape.at(-1));

export const eighP: Primitive<EighParams> = {
  name: "eigh",
  type([a], { subset_by_index: subset }) {
    checkMatrices("eigh", [a], [2]);
    const [m, n] = a.shape.slice(-2);
    if (m !== n) {
      throw new RematValueError(
        `Argument to symmetric eigendecomposition must have shape [..., n, n], got shape ${tupleText(a.shape.slice(-2))}.`,
      );
    }
    if (!wholeRange(a, subset)) {
      throw new UnsupportedError(
        `eigh of the eigenvalues ${tupleText(subset ?? [])} of ${n}: subset_by_index not supported on CPU and GPU. Take all, and slice.`,
      );
    }
    return [a, resultOf(a, 2, [n], realDType(a.dtype))];
  },
  jvp([a], [t], params) {
    const [v, values] = bind(eighP, [symmetrized(a)], params);
    if (t === null) return { primals: [v, values], tangents: [null, null] };
    const w = convertElementType(values, a.dtype);
    const eye = identityMatrix(a.dtype, a.shape.at(-1)!);
    const base = (): NDArray => withAxesInFront(eye, a.ndim - 2);
    const row = expanded(w, [-2]);
    // The identity keeps the differences of an eigenvalue from itself away from zero.
    const differences = sub(add(base(), row), expanded(w, [-1]));
    const inverted = integerPow(differences, -1);
    const inverse = sub(inverted, base());
    const turned = exactProduct(exactProduct(adjoint(v), t), v);
    return {
      primals: [v, values],
      tangents: [exactProduct(v, mul(inverse, turned)), diagonalOf(realPart(turned))],
    };
  },
  batch: (size, [a], [dim], params) => ({ outs: bind(eighP, [batchedInFront(a, dim, size)], params), dims: [0, 0] }),
};

export const eighPrimitives = [eighP] as const;

/** Eigenvectors and eigenvalues. */
export function eigenOf(
  a: NDArray,
  options: Partial<EighParams> & { readonly symmetrize: boolean },
): [NDArray, NDArray] {
  const [v, w] = bind(eighP, [options.symmetrize ? symmetrized(a) : a], {
    algorithm: null,
    lower: options.lower ?? true,
    sort_eigenvalues: options.sort_eigenvalues ?? true,
    subset_by_index: options.subset_by_index ?? null,
  });
  return [v, w];
}
