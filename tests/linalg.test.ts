/** Linear algebra: decompositions put together again, equations solved, derivatives against known formulas, and errors. */
import { describe, expect, test } from "vitest";
import { grad, lax, makeJaxpr, np, vmap, type NDArray } from "../src/index.ts";
import { expectClose } from "./remat/checkGrads.ts";
import { numbersOf } from "./remat/measure.ts";

const A = np.array([
  [4, 1, -0.5],
  [0.5, 3, 1],
  [-1, 0.25, 5],
]);
const B = np.array([
  [1, 2],
  [-0.5, 1],
  [0.25, 3],
  [2, -1],
]);
const S = np.matmul(A, np.matrixTranspose(A));
const close = (x: NDArray, y: NDArray, tolerance = 1e-4): void => {
  expect(x.shape).toEqual(y.shape);
  expectClose(numbersOf(x), numbersOf(y), tolerance, "values");
};
const eye3 = np.eye(3);

describe("decompositions multiply to the matrix", () => {
  test("cholesky", () => {
    const L = np.linalg.cholesky(S);
    close(np.matmul(L, np.matrixTranspose(L)), S);
    close(np.linalg.cholesky(S, { upper: true }), np.matrixTranspose(L));
    expect(numbersOf(np.linalg.cholesky(np.negative(S))).slice(0, 1)).toEqual([NaN]);
  });

  test("lu", () => {
    const [factors, pivots, permutation] = lax.linalg.lu(A);
    const product = np.matmul(np.add(np.tril(factors, -1), eye3), np.triu(factors));
    close(product, np.take(A, permutation, { axis: 0 }));
    expect(numbersOf(lax.linalg.luPivotsToPermutation(pivots, 3))).toEqual(numbersOf(permutation));
  });

  test("qr", () => {
    for (const mode of ["reduced", "complete"] as const) {
      const [q, r] = np.linalg.qr(B, mode);
      close(np.matmul(q, r), B);
      close(np.matmul(np.matrixTranspose(q), q), np.eye(q.shape[1]));
    }
    const [reflectors, taus] = lax.linalg.geqrf(B);
    close(lax.linalg.householderProduct(reflectors, taus), np.linalg.qr(B)[0]);
  });

  test("eigh", () => {
    const [w, v] = np.linalg.eigh(S);
    close(np.matmul(np.multiply(v, w), np.matrixTranspose(v)), S);
    close(np.linalg.eigvalsh(S), np.sort(w));
  });

  test("svd", () => {
    for (const x of [B, np.matrixTranspose(B)]) {
      const [u, s, vh] = np.linalg.svd(x, { fullMatrices: false });
      close(np.matmul(np.multiply(u, s), vh), x);
      const [full, , right] = np.linalg.svd(x);
      close(np.matmul(np.matrixTranspose(full), full), np.eye(x.shape[0]));
      close(np.matmul(right, np.matrixTranspose(right)), np.eye(x.shape[1]));
    }
  });
});

describe("of any square matrix, real or complex", () => {
  const C = np.add(A, np.multiply(lax.complex(np.array(0, "float32"), np.array(1, "float32")), np.matrixTranspose(A)));
  const complexes = (x: NDArray): NDArray => lax.convertElementType(x, "complex64");
  const same = (x: NDArray, y: NDArray): void => close(np.abs(np.subtract(x, y)), np.zeros(x.shape));
  const adjoint = (x: NDArray): NDArray => np.conj(np.matrixTranspose(x));
  const rotation = np.array([
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 0],
  ]);

  test("eig: a v = v w, vlᴴ a = w vlᴴ, and vectors of length one", () => {
    for (const x of [A, C, np.add(np.multiply(rotation, 2), eye3), np.tril(A), np.zeros([3, 3])]) {
      const [w, vl, vr] = lax.linalg.eig(x);
      same(np.matmul(complexes(x), vr), np.multiply(vr, w));
      same(np.matmul(adjoint(vl), complexes(x)), np.multiply(adjoint(vl), np.expandDims(w, -1)));
      close(np.linalg.norm(vr, { axis: 0 }), np.ones(3));
      same(np.linalg.eigvals(x), w);
    }
  });

  test("schur and hessenberg", () => {
    for (const x of [A, C, np.subtract(rotation, 1)]) {
      const [t, q] = lax.linalg.schur(x);
      same(np.matmul(np.matmul(q, t), adjoint(q)), x);
      same(np.matmul(q, adjoint(q)), lax.convertElementType(eye3, q.dtype));
      const [h] = lax.linalg.hessenberg(x);
      expect(h.shape).toEqual([3, 3]);
    }
  });

  test("complex matrices", () => {
    const H = np.add(np.matmul(C, adjoint(C)), complexes(eye3));
    const L = np.linalg.cholesky(H);
    same(np.matmul(L, adjoint(L)), H);
    const [q, r] = np.linalg.qr(C);
    same(np.matmul(q, r), C);
    const [u, s, vh] = np.linalg.svd(C);
    same(np.matmul(np.multiply(u, s), vh), C);
    const [w, v] = np.linalg.eigh(H);
    same(np.matmul(np.multiply(v, w), adjoint(v)), H);
    same(np.matmul(C, np.linalg.inv(C)), complexes(eye3));
    const [wide, , right] = np.linalg.svd(np.take(C, np.array([0, 1], "int32"), { axis: 0 }));
    same(np.matmul(wide, adjoint(wide)), complexes(np.eye(2)));
    same(np.matmul(right, adjoint(right)), complexes(eye3));
  });

  test("not finite numbers give NaN", () => {
    const broken = np.full([2, 2], NaN);
    expect(numbersOf(np.real(np.linalg.eigvals(broken)))).toEqual([NaN, NaN]);
    expect(numbersOf(lax.linalg.schur(broken)[0])).toEqual([NaN, NaN, NaN, NaN]);
  });

  test("roots and characteristic polynomials", () => {
    close(np.real(np.roots([0, 1, -3, 2])), np.array([2, 1]));
    close(np.real(np.poly(np.diag(np.array([1, 2])))), np.array([1, -3, 2]));
  });
});

describe("equations", () => {
  test("solve, inv, det, slogdet", () => {
    const b = np.array([1, -2, 0.5]);
    close(np.matmul(A, np.linalg.solve(A, b)), b);
    close(np.matmul(A, np.linalg.inv(A)), eye3);
    const [sign, log] = np.linalg.slogdet(A);
    close(np.multiply(sign, np.exp(log)), np.linalg.det(A), 1e-3);
    close(np.linalg.matrixPower(A, -1), np.linalg.inv(A));
  });

  test("pinv, rank, cond, lstsq", () => {
    close(np.matmul(np.linalg.pinv(B), B), np.eye(2));
    expect(numbersOf(np.linalg.matrixRank(B))).toEqual([2]);
    close(np.linalg.cond(A), np.multiply(np.linalg.norm(A, 2), np.linalg.norm(np.linalg.inv(A), 2)), 1e-3);
    const b = np.array([1, 2, 3, 4]);
    close(np.linalg.lstsq(B, b)[0], np.matmul(np.linalg.pinv(B), b));
  });

  test("batches are stacks", () => {
    const stack = np.stack([A, S]);
    close(np.linalg.inv(stack), np.stack([np.linalg.inv(A), np.linalg.inv(S)]));
    close(vmap(np.linalg.det)(stack), np.stack([np.linalg.det(A), np.linalg.det(S)]), 1e-2);
  });
});

describe("derivatives", () => {
  test("of the logarithm of a determinant: the transposed inverse", () => {
    close(grad((x: NDArray) => np.linalg.slogdet(x)[1])(A), np.matrixTranspose(np.linalg.inv(A)));
  });

  test("of the sum of singular values: u vh", () => {
    const [u, , vh] = np.linalg.svd(B, { fullMatrices: false });
    close(grad((x: NDArray) => np.linalg.norm(x, "nuc"))(B), np.matmul(u, vh));
  });

  test("of a solution are solutions", () => {
    const solve = (x: NDArray): NDArray => np.sum(np.linalg.solve(A, x));
    expect(String(makeJaxpr(grad(solve))(np.ones(3)))).toContain("custom_linear_solve");
    close(grad(solve)(np.ones(3)), np.sum(np.linalg.inv(A), 0));
  });
});

describe("errors", () => {
  test("say the shapes", () => {
    expect(() => np.linalg.inv(B)).toThrow("must have shape [..., n, n], got (4, 2)");
    expect(() => np.linalg.cholesky(B)).toThrow();
    expect(() => lax.linalg.triangularSolve(A, B)).toThrow(
      "Incompatible shapes for arguments to triangular_solve: (3, 3) and (4, 2)",
    );
    expect(() => lax.linalg.eigh(B, { symmetrizeInput: false })).toThrow("got shape (4, 2)");
  });
});
