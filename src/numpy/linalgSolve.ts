/** Systems of linear equations, inverses and determinants. */
import { vmap } from "../api/vmap.ts";
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { eq, lt, ne } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import { counted } from "../primitives/iota.ts";
import { factored } from "../primitives/lu.ts";
import { broadcasted, expanded, reshaped, squeezed } from "../primitives/shape.ts";
import { solveMatrices } from "../primitives/solve.ts";
import { solveTriangular } from "../primitives/triangularSolve.ts";
import { array, toArray, type ArrayLike } from "./asarray.ts";
import { at } from "./at.ts";
import { arange, eye, ones, zerosLike } from "./creation.ts";
import { cumprod } from "./cumulative.ts";
import { diagonal, trace } from "./diagonals.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted, jittedAll } from "./jitted.ts";
import { concatenate } from "./joining.ts";
import { isinf, isnan, logicalOr } from "./logic.ts";
import { broadcastShapes, promoteDtypesInexact } from "./promote.ts";
import { any, prod, sum } from "./reductions.ts";
import { remainder } from "./rounding.ts";
import { broadcastTo, moveaxis, tile } from "./shape.ts";
import { absolute, add, divide, exp, log, multiply, real, sign, subtract } from "./ufuncs.ts";
import { countNonzero } from "./statistics.ts";
import { where } from "./where.ts";

/** Maps `fn` over the leading axes of its arguments, which broadcast; `ranks` are those of one call. */
function overBatches(fn: (...xs: NDArray[]) => NDArray, args: readonly NDArray[], ranks: readonly number[]): NDArray {
  const outer = args.map((x, i) => x.shape.slice(0, x.ndim - ranks[i]));
  const shape = broadcastShapes(...outer);
  const reversed = outer.map((s) => [...range(shape.length - s.length).map(() => 1), ...s].reverse());
  const inputs = args.map((x, i) => {
    const single = outer[i].flatMap((d, axis) => (d === 1 ? [axis] : []));
    return single.length === 0 ? x : squeezed(x, single);
  });
  const missing: number[] = [];
  let mapped = fn;
  for (let axis = 0; axis < shape.length; axis++) {
    const inAxes = reversed.map((s) => (s[axis] === 1 ? null : 0));
    if (inAxes.every((x) => x === null)) missing.push(shape.length - 1 - axis);
    else mapped = vmap(mapped, { inAxes });
  }
  const out = mapped(...inputs);
  return missing.length === 0 ? out : expanded(out, missing.reverse());
}

/**
 * The x with a x = b, for square matrices; b holds vectors as columns, or is one vector.
 *
 * @throws RematValueError if the shapes do not fit.
 */
export const solve = (a: ArrayLike, b: ArrayLike): NDArray =>
  jitted(
    "solve",
    "",
    (x, y) => {
      const [m, r] = promoteDtypesInexact(x, y);
      if (m.ndim < 2) {
        throw new RematValueError(
          `left hand array must be at least two dimensional; got a.shape=${tupleText(m.shape)}.`,
        );
      }
      const formerly =
        r.ndim > 1 && m.ndim === r.ndim + 1 && m.shape.at(-1) === r.shape.at(-1) && m.shape.at(-1) !== r.shape.at(-2);
      if (formerly) {
        throw new RematValueError(
          `Invalid shapes for solve: ${tupleText(m.shape)}, ${tupleText(r.shape)}. For vectors of a batch add an axis to b, and take it off again.`,
        );
      }
      if (m.shape.at(-1) !== m.shape.at(-2) || r.shape.at(r.ndim === 1 ? 0 : -2) !== m.shape.at(-1)) {
        throw new RematValueError(
          `solve takes square matrices and as many rows in b: got a.shape=${tupleText(m.shape)}, b.shape=${tupleText(r.shape)}.`,
        );
      }
      return overBatches(solveMatrices, [m, r], [2, r.ndim === 1 ? 1 : 2]);
    },
    [a, b],
  );

/** The inverses of square matrices. */
export const inv = (a: ArrayLike): NDArray =>
  jitted(
    "inv",
    "",
    (x) => {
      if (x.ndim < 2 || x.shape.at(-1) !== x.shape.at(-2)) {
        throw new RematValueError(`Argument to inv must have shape [..., n, n], got ${tupleText(x.shape)}.`);
      }
      return solve(x, broadcasted(eye(x.shape.at(-1)!, { dtype: x.dtype }), x.shape.slice(0, -2)));
    },
    [a],
  );

const entry = (x: NDArray, i: number, j: number): NDArray => getitem(x, "...", i, j);

function smallDeterminant(x: NDArray): NDArray {
  return subtract(multiply(entry(x, 0, 0), entry(x, 1, 1)), multiply(entry(x, 0, 1), entry(x, 1, 0)));
}

/** The tangents of sign and logarithm from that of the complex logarithm: the sign of a real determinant stays. */
function signTangents(s: NDArray, dot: NDArray): NDArray[] {
  if (!isComplex(s.dtype)) return [zerosLike(s), dot];
  const turn = multiply(subtract(dot, convertElementType(real(dot), dot.dtype)), s);
  return [turn, real(dot)];
}

function slogdetSmall(a: NDArray): readonly NDArray[] {
  return customJvpCall(
    "_slogdet_small",
    (x) => {
      let det: NDArray;
      if (x.shape.at(-1) === 1) det = entry(x, 0, 0);
      else {
        const [x00, x01, x10, x11] = [entry(x, 0, 0), entry(x, 0, 1), entry(x, 1, 0), entry(x, 1, 1)];
        det = subtract(multiply(x00, x11), multiply(x01, x10));
      }
      const size = absolute(det);
      return [sign(det), log(size)];
    },
    ([x], [t]) => {
      const g = t!;
      const [s, value] = slogdetSmall(x);
      if (x.shape.at(-1) === 1) return [[s, value], signTangents(s, divide(entry(g, 0, 0), entry(x, 0, 0)))];
      const [x00, x01, x10, x11] = [entry(x, 0, 0), entry(x, 0, 1), entry(x, 1, 0), entry(x, 1, 1)];
      const det = subtract(multiply(x00, x11), multiply(x01, x10));
      let change = subtract(multiply(entry(g, 0, 0), x11), multiply(entry(g, 0, 1), x10));
      change = subtract(change, multiply(entry(g, 1, 0), x01));
      change = add(change, multiply(entry(g, 1, 1), x00));
      return [[s, value], signTangents(s, divide(change, det))];
    },
    [a],
    { jvpName: "_slogdet_small_jvp" },
  );
}

function slogdetLu(a: NDArray): readonly NDArray[] {
  return customJvpCall(
    "_slogdet_lu",
    (x) => {
      const { dtype } = x;
      const [lu, pivots] = factored(x);
      const diag = diagonal(lu, { axis1: -2, axis2: -1 });
      const isZero = any(eq(diag, literal(0, dtype)), { axis: -1 });
      let places = arange(x.shape.at(-1)!, { dtype: pivots.dtype });
      if (pivots.ndim > 1) places = expanded(places, range(pivots.ndim - 1));
      let parity = countNonzero(ne(pivots, places), { axis: -1 });
      let phase: NDArray;
      if (isComplex(dtype)) phase = prod(divide(diag, convertElementType(absolute(diag), dtype)), { axis: -1 });
      else {
        phase = literal(1, dtype);
        parity = add(parity, countNonzero(lt(diag, literal(0, dtype)), { axis: -1 }));
      }
      const zero = array(0, dtype);
      const flips = add(multiply(-2, remainder(parity, 2)), 1);
      const s = where(isZero, zero, multiply(phase, array(flips, dtype)));
      const logs = sum(convertElementType(log(absolute(diag)), dtype), { axis: -1 });
      return [s, real(where(isZero, array(-Infinity, dtype), logs))];
    },
    ([x], [t]) => {
      const [s, value] = slogdetParts(x);
      return [[s, value], signTangents(s, trace(solve(x, t!), { axis1: -1, axis2: -2 }))];
    },
    [a],
    { jvpName: "_slogdet_jvp" },
  );
}

function slogdetParts(a: ArrayLike): readonly NDArray[] {
  return jittedAll(
    "slogdet",
    "",
    (x) => {
      const [m] = promoteDtypesInexact(x);
      if (m.ndim < 2 || m.shape.at(-1) !== m.shape.at(-2)) {
        throw new RematValueError(`Argument to slogdet() must have shape [..., n, n], got ${tupleText(m.shape)}.`);
      }
      const n = m.shape.at(-1)!;
      return n === 1 || n === 2 ? slogdetSmall(m) : slogdetLu(m);
    },
    [a],
  );
}

/** The sign of determinants and the logarithm of their size. */
export function slogdet(a: ArrayLike): [sign: NDArray, logabsdet: NDArray] {
  const [s, value] = slogdetParts(toArray(a, "slogdet"));
  return [s, value];
}

/** det(a), and det(a) a⁻¹ b: it exists for singular matrices too. */
function cofactorSolve(a: NDArray, b: NDArray): [NDArray, NDArray] {
  if (a.shape.at(-1) === 1) return [entry(a, 0, 0), b];
  const n = a.shape.at(-1)!;
  const { dtype } = a;
  const [factors, pivots, order] = factored(a);
  const batch = broadcastShapes(factors.shape.slice(0, -2), b.shape.slice(0, -2));
  let x = broadcastTo(b, [...batch, ...b.shape.slice(-2)]);
  let lu = broadcastTo(factors, [...batch, n, n]);
  const diag = diagonal(lu, { axis1: -2, axis2: -1 });
  let places = arange(n, { dtype: pivots.dtype });
  if (pivots.ndim > 1) places = expanded(places, range(pivots.ndim - 1));
  const parity = countNonzero(ne(pivots, places), { axis: -1 });
  const signs = convertElementType(add(multiply(-2, remainder(parity, 2)), 1), dtype);
  const minors = multiply(cumprod(diag, { axis: -1 }), getitem(signs, "...", null));
  lu = at(lu, "...", -1, -1).set(divide(1, getitem(minors, "...", -2)));
  const permutation = broadcastTo(order, [...batch, n]);
  // A grid of the places in the batch and, as in JAX's program, of one row that is not used.
  const grid = [...batch, 1].map((size) => counted("int32", [size], 0));
  const outer = batch.map((size, i) => reshaped(grid[i], [...batch, 1].map((_, j) => (j === i ? size : 1)))); // prettier-ignore
  let d = ones(x.shape.slice(0, -1), { dtype: x.dtype });
  d = solveTriangular(lu, d, { left_side: true });
  d = any(logicalOr(isnan(d), isinf(d)), { axis: -1 });
  d = tile(getitem(d, "...", null, null), [...range(d.ndim).map(() => 1), ...x.shape.slice(-2)]);
  x = where(d, zerosLike(x), x);
  x = getitem(x, ...outer, permutation, slice());
  x = solveTriangular(lu, x, { left_side: true, lower: true, unit_diagonal: true });
  const upper = multiply(getitem(x, "...", slice(-1), slice()), getitem(minors, "...", -1, null, null));
  x = concatenate([upper, getitem(x, "...", slice(-1, null), slice())], -2);
  x = solveTriangular(lu, x, { left_side: true });
  x = where(d, zerosLike(x), x);
  return [getitem(minors, "...", -1), x];
}

function largeDeterminant(a: NDArray): NDArray {
  return customJvpCall(
    "_det",
    (x) => {
      const [s, value] = slogdetParts(x);
      return [multiply(s, exp(value))];
    },
    ([x], [t]) => {
      const [y, z] = cofactorSolve(x, t!);
      return [[y], [trace(z, { axis1: -1, axis2: -2 })]];
    },
    [a],
    { jvpName: "_det_jvp" },
  )[0];
}

/** The determinants of square matrices. */
export const det = (a: ArrayLike): NDArray =>
  jitted(
    "det",
    "",
    (given) => {
      const [x] = promoteDtypesInexact(given);
      const n = x.shape.at(-1);
      if (x.ndim < 2 || n !== x.shape.at(-2)) {
        throw new RematValueError(`Argument to _det() must have shape [..., n, n], got ${tupleText(x.shape)}.`);
      }
      if (n === 2) return smallDeterminant(x);
      if (n !== 3) return largeDeterminant(x);
      const term = (i: number, j: number, k: number): NDArray =>
        multiply(multiply(entry(x, 0, i), entry(x, 1, j)), entry(x, 2, k));
      let total = add(term(0, 1, 2), term(1, 2, 0));
      // In the order of the textbook: the places of the last three are those of JAX.
      const last = (i: readonly number[], j: readonly number[], k: readonly number[]): NDArray =>
        multiply(multiply(entry(x, i[0], i[1]), entry(x, j[0], j[1])), entry(x, k[0], k[1]));
      total = add(total, last([0, 2], [1, 0], [2, 1]));
      total = subtract(total, last([0, 2], [1, 1], [2, 0]));
      total = subtract(total, last([0, 0], [1, 2], [2, 1]));
      return subtract(total, last([0, 1], [1, 0], [2, 2]));
    },
    [a],
  );

/** The inverse with respect to `tensordot` over the first `ind` axes. */
export function tensorinv(a: ArrayLike, ind = 2): NDArray {
  const x = toArray(a, "tensorinv");
  if (ind <= 0) throw new RematValueError(`ind must be a positive integer; got ind=${ind}.`);
  const [rows, columns] = [x.shape.slice(0, ind), x.shape.slice(ind)];
  const [m, n] = [rows, columns].map((s) => s.reduce((u, v) => u * v, 1));
  if (m !== n) {
    throw new RematValueError(
      "tensorinv is only possible when the product of the first `ind` dimensions equals that of the remaining dimensions. got " +
        `arr.shape=${tupleText(x.shape)} with ind=${ind}.`,
    );
  }
  return reshaped(inv(reshaped(x, [m, n])), [...columns, ...rows]);
}

/** The x with `tensordot(a, x, x.ndim) = b`. */
export function tensorsolve(a: ArrayLike, b: ArrayLike, axes: readonly number[] | null = null): NDArray {
  let x = toArray(a, "tensorsolve");
  const y = toArray(b, "tensorsolve", 1);
  if (axes !== null) {
    x = moveaxis(
      x,
      axes,
      axes.map(() => x.ndim - 1),
    );
  }
  const shape = x.shape.slice(y.ndim);
  if (tupleText(x.shape.slice(0, y.ndim)) !== tupleText(y.shape)) {
    throw new RematValueError(
      "After moving axes to end, leading shape of a must match shape of b. got " +
        `a.shape=${tupleText(x.shape)}, b.shape=${tupleText(y.shape)}.`,
    );
  }
  const size = shape.reduce((u, v) => u * v, 1);
  if (y.size !== size) {
    throw new RematValueError(
      `Input arrays must have prod(a.shape[:b.ndim]) == prod(a.shape[b.ndim:]); got a.shape=${tupleText(x.shape)}, b.ndim=${y.ndim}.`,
    );
  }
  return reshaped(solve(reshaped(x, [y.size, size]), reshaped(y, [y.size])), shape);
}
