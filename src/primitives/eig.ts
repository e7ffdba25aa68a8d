/**
 * `eig`: eigenvalues of any square matrix, in the order in which the QR algorithm finds them, and left and right eigenvectors of length one whose
 * largest component is real. The outputs are complex: the values, then the left vectors, then the right ones, as asked for.
 *
 * The derivative of the values is that of distinct values. The derivative of the vectors, which has to be asked for, differentiates their
 * normalization too (Giles: An extended collection of matrix derivative results, 2008, §3.1).
 */
import type { NDArray } from "../core/array.ts";
import { bind } from "../core/interpreter.ts";
import { complexDType } from "../core/scalar.ts";
import type { Primitive } from "../core/primitive.ts";
import { NotDifferentiableError, RematValueError } from "../errors.ts";
import { abs, add, div, integerPow, mul, neg, sub } from "./arithmetic.ts";
import { tupleText } from "./axes.ts";
import { eq } from "./comparison.ts";
import { complex, conj, imag, real } from "./complex.ts";
import { convertElementType } from "./convert.ts";
import { counted } from "./iota.ts";
import { adjoint, checkMatrices, diagonalOf, exactProduct, identityMatrix, resultOf, swapped } from "./matrices.ts";
import { argmax } from "./reduce.ts";
import { batchedInFront, expanded, summed } from "./shape.ts";
import { solveMatrices } from "./solve.ts";

export type EigParams = {
  readonly compute_left_eigenvectors: boolean;
  readonly compute_right_eigenvectors: boolean;
  readonly enable_eigvec_derivs: boolean;
  readonly implementation: null;
};

export const eigP: Primitive<EigParams> = {
  name: "eig",
  type([a], { compute_left_eigenvectors: left, compute_right_eigenvectors: right }) {
    checkMatrices("eig", [a], [2]);
    const [m, n] = a.shape.slice(-2);
    if (m !== n) {
      throw new RematValueError(
        `The input to eig must be a square matrix. Got shape ${tupleText(a.shape.slice(-2))}. Give as many rows as columns.`,
      );
    }
    const dtype = complexDType(a.dtype);
    const vectors = Array.from({ length: Number(left) + Number(right) }, () => resultOf(a, 2, [n, n], dtype));
    return [resultOf(a, 2, [n], dtype), ...vectors];
  },
  jvp([a], [t], params) {
    const { compute_left_eigenvectors: left, compute_right_eigenvectors: right } = params;
    if ((left || right) && !params.enable_eigvec_derivs) {
      throw new NotDifferentiableError(
        "the derivative of eig was asked for: Derivatives of non-symmetric eigenvectors are only valid under assumptions on the input that " +
          "cannot be checked: distinct eigenvalues, and one largest component in each vector.\n" +
          "Pass { enableEigvecDerivs: true } to lax.linalg.eig where they hold, or take the eigenvalues alone.",
      );
    }
    const outs = bind(eigP, [a], { ...params, compute_right_eigenvectors: true });
    const [w, v] = [outs[0], outs[outs.length - 1]];
    const da = convertElementType(t!, v.dtype);
    if (!left && !right) {
      const rows = solveMatrices(v, da);
      return { primals: [w], tangents: [summed(mul(rows, swapped(v)), [v.ndim - 1])] };
    }
    const [dw, dv] = vectorTangents(w, v, da);
    const [primals, tangents] = [[w], [dw]];
    if (left) {
      const conjugate = conj(w);
      const [, dl] = vectorTangents(conjugate, outs[1], adjoint(da));
      primals.push(outs[1]);
      tangents.push(dl);
    }
    if (right) {
      primals.push(v);
      tangents.push(dv);
    }
    return { primals, tangents };
  },
  batch(size, [a], [dim], params) {
    const outs = bind(eigP, [batchedInFront(a, dim, size)], params);
    return { outs, dims: outs.map(() => 0) };
  },
};

/** The tangents of values and of right vectors. Those of the latter are known up to a multiple, which the normalization decides. */
function vectorTangents(w: NDArray, v: NDArray, da: NDArray): [NDArray, NDArray] {
  const n = w.shape.at(-1)!;
  const rows = v.ndim - 2;
  const eye = identityMatrix(w.dtype, n);
  const base = (): NDArray => (w.ndim === 1 ? eye : expanded(eye, [0]));
  const sum = add(base(), expanded(w, [-2]));
  const inverted = integerPow(sub(sum, expanded(w, [-1])), -1);
  const weights = sub(inverted, base());
  const moved = exactProduct(solveMatrices(v, da), v);
  const dw = diagonalOf(moved);
  const turned = exactProduct(v, mul(weights, moved));
  const largest = bind(argmax, [abs(v)], { axes: [rows], index_dtype: "int32" })[0];
  const places = counted("int32", v.shape, rows);
  const mask = convertElementType(eq(places, expanded(largest, [rows])), v.dtype);
  const along = neg(real(summed(mul(conj(v), turned), [rows])));
  const across = neg(imag(summed(mul(mask, turned), [rows])));
  const size = real(summed(mul(mask, v), [rows]));
  const multiple = complex(along, div(across, size));
  return [dw, add(turned, mul(v, expanded(multiple, [rows])))];
}
