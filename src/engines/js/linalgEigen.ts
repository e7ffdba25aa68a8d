/** The kernels of `eig` and `schur`, and of what else works on real and complex matrices alike. */
import type { ConcreteArray } from "../../core/array.ts";
import { isComplex } from "../../core/dtype.ts";
import type { EigParams } from "../../primitives/eig.ts";
import type { SchurParams } from "../../primitives/matrixForms.ts";
import { unbalance } from "./balance.ts";
import { NAN, complexParts, isBroken, storedParts, type Matrix } from "./complexMatrix.ts";
import { eigenvectors, schurOf, valuesOf, type Schur } from "./complexSchur.ts";
import { hessenberg, ormqr, tridiagonal } from "./complexSpectra.ts";
import { symmetricProduct, tridiagonalSolve } from "./complexTriangles.ts";
import type { Kernel } from "./kernel.ts";
import { batchOf, doublesOf, matricesOf } from "./linalg.ts";
import { stored } from "./numbers.ts";

const nans = (n: number): Matrix => Array.from({ length: n }, () => NAN);

const precisionOf = (a: ConcreteArray): number =>
  a.dtype === "float64" || a.dtype === "complex128" ? 2 ** -52 : 2 ** -23;

function schurForm(x: Matrix, n: number, a: ConcreteArray): Schur | null {
  const form = isBroken(x) ? null : schurOf(x, n, !isComplex(a.dtype), precisionOf(a), false);
  if (form !== null) unbalance(form.q, n, form.balanced, false);
  return form;
}

const schur: Kernel = ([a], outs, params) => {
  const n = a.shape.at(-1)!;
  const forms = complexParts(a, 2).map((x) => schurForm(x, n, a) ?? { t: nans(n * n), q: nans(n * n) });
  const t = storedParts(
    forms.map((f) => f.t),
    outs[0].dtype,
  );
  if (!(params as SchurParams).compute_schur_vectors) return [t];
  return [
    t,
    storedParts(
      forms.map((f) => f.q),
      outs[1].dtype,
    ),
  ];
};

const eig: Kernel = ([a], outs, params) => {
  const { compute_left_eigenvectors: left, compute_right_eigenvectors: right } = params as EigParams;
  const n = a.shape.at(-1)!;
  const real = !isComplex(a.dtype);
  const [values, lefts, rights]: Matrix[][] = [[], [], []];
  for (const x of complexParts(a, 2)) {
    const form = isBroken(x) ? null : schurOf(x, n, real, precisionOf(a), true);
    const w = form === null ? nans(n) : valuesOf(form.t, n);
    values.push(w);
    if (left) lefts.push(form === null ? nans(n * n) : eigenvectors(form, w, n, true, real));
    if (right) rights.push(form === null ? nans(n * n) : eigenvectors(form, w, n, false, real));
  }
  const parts = [values, ...(left ? [lefts] : []), ...(right ? [rights] : [])];
  return parts.map((p, i) => storedParts(p, outs[i].dtype));
};

/** Rotations fold the vector into the factor, row by row. */
const choleskyUpdate: Kernel = ([r, w], [out]) => {
  const n = r.shape.at(-1)!;
  const data = doublesOf("cholesky_update", r);
  const vectors = matricesOf(doublesOf("cholesky_update", w), n, batchOf(r, 2));
  matricesOf(data, n * n, batchOf(r, 2)).forEach((x, b) => {
    const z = vectors[b];
    for (let k = 0; k < n; k++) {
      const [p, q] = [x[k * n + k], z[k]];
      const size = Math.hypot(p, q);
      const [c, s] = q === 0 ? [1, 0] : [p / size, -q / size];
      for (let j = 0; j < n; j++) {
        const [u, v] = [x[k * n + j], z[j]];
        x[k * n + j] = c * u - s * v;
        z[j] = c * v + s * u;
      }
    }
  });
  return [stored(data, out.dtype)];
};

export const eigenKernels = {
  eig,
  schur,
  hessenberg,
  tridiagonal,
  tridiagonal_solve: tridiagonalSolve,
  symmetric_product: symmetricProduct,
  cholesky_update: choleskyUpdate,
  ormqr,
} as const satisfies Record<string, Kernel>;
