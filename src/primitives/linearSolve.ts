/**
 * `custom_linear_solve`: the solution x of a linear equation A x = b by a program of the user's, which need not be differentiable. Four programs
 * make it up: x ↦ A x, x ↦ Aᵀ x, the solution for A and the solution for Aᵀ. Derivatives solve again: ∂x is the solution for ∂b - ∂A x, and the
 * cotangent of b is a solution with the transpose. Operands are the constants of the programs, one after the other, then b.
 */
import type { NDArray } from "../core/array.ts";
import { addTangents } from "../core/addAny.ts";
import { asFunction } from "../core/evalJaxpr.ts";
import { bind, currentTrace } from "../core/interpreter.ts";
import type { ClosedJaxpr, Params } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { BatchBody, BatchResult, JvpResult, Primitive, Tangent } from "../core/primitive.ts";
import { Verbatim } from "../core/print.ts";
import { instantiate } from "../core/zeros.ts";
import { RematTypeError, UnsupportedError } from "../errors.ts";
import { isLinear } from "./algebra.ts";
import { neg } from "./neg.ts";
import { movedAxis, repeatedAt } from "./shape.ts";

/** In this order: matvec, vecmat, solve, transpose_solve. The second and the last are null where there is no transpose. */
type Four<T> = readonly [matvec: T, vecmat: T, solve: T, transposeSolve: T];
type Program = ClosedJaxpr<NDArray>;

export interface LinearSolveParams extends Params {
  readonly const_lengths: Four<number>;
  readonly jaxprs: readonly [Program, Program | null, Program, Program | null];
}

const NAMES = ["matvec", "vecmat", "solve", "transpose_solve"] as const;
const named = (values: readonly unknown[]): Verbatim =>
  new Verbatim(
    `_LinearSolveTuple(${values.map((v, i) => `${NAMES[i]}=${v === null ? "None" : String(v)}`).join(", ")})`,
  );

/** The constants of each program, and what belongs to b. */
function parts<T>(
  values: readonly T[],
  lengths: Four<number>,
): { readonly consts: Four<readonly T[]>; readonly b: readonly T[] } {
  let at = 0;
  const [m, v, s, t] = lengths.map((n) => values.slice(at, (at += n)));
  return { consts: [m, v, s, t], b: values.slice(at) };
}

const transposedOrder = <T>([m, v, s, t]: readonly [T, T, T, T]): readonly [T, T, T, T] => [v, m, t, s];

export const linearSolveP: Primitive<LinearSolveParams> = {
  name: "custom_linear_solve",
  type: (avals, { const_lengths: lengths, jaxprs }) => {
    const { b } = parts(avals, lengths);
    return [...b, ...jaxprs[2].outAvals.slice(jaxprs[0].jaxpr.outvars.length)];
  },
  evaluate(args, { const_lengths: lengths, jaxprs }) {
    const { consts, b } = parts(args, lengths);
    return asFunction(jaxprs[2])([...consts[2], ...b]);
  },
  jvp: jvpSolve,
  transposesZeros: true,
  transpose(cts, args, { const_lengths: lengths, jaxprs }) {
    const [matvec, vecmat, solve, back] = jaxprs;
    if (back === null || vecmat === null) {
      throw new RematTypeError(
        "custom_linear_solve was differentiated in reverse: transpose_solve required for backwards mode automatic differentiation of " +
          "custom_linear_solve. Give a transposeSolve, or { symmetric: true }.",
      );
    }
    const { consts, b } = parts(args, lengths);
    if (consts.some((xs) => xs.some(isLinear))) {
      throw new UnsupportedError("custom_linear_solve is transposed by b alone, not by what its functions close over.");
    }
    if (cts.slice(b.length).some((ct) => ct !== null)) {
      throw new UnsupportedError("custom_linear_solve has no derivative of auxiliary results.");
    }
    const known = transposedOrder(consts as Four<readonly NDArray[]>).flat();
    const given = b.map((x, i) => instantiate(cts[i], x.aval));
    const outs = bind(linearSolveP, [...known, ...given], {
      const_lengths: transposedOrder(lengths),
      jaxprs: [vecmat, matvec, back, solve],
    });
    return [...known.map(() => null), ...outs.slice(0, b.length)];
  },
  batchesBody: true,
  batch: batchSolve,
  print: ({ const_lengths: lengths, jaxprs }) => [
    ["const_lengths", named(lengths)],
    ["jaxprs", named(jaxprs)],
  ],
};

export const linearSolvePrimitives = [linearSolveP] as const;

function jvpSolve(primals: readonly NDArray[], tangents: readonly Tangent[], params: LinearSolveParams): JvpResult {
  const again = (args: readonly NDArray[]): readonly NDArray[] => bind(linearSolveP, args, params);
  const { const_lengths: lengths, jaxprs } = params;
  const outs = again(primals);
  const { consts, b } = parts(primals, lengths);
  const { consts: dots, b: db } = parts(tangents, lengths);
  let rhs: readonly Tangent[] = db;
  if (dots[0].some((t) => t !== null)) {
    const x = outs.slice(0, b.length);
    // By what A is made of alone: x itself is fixed here.
    const moved = jvpFlat(
      asFunction(jaxprs[0]),
      currentTrace(),
      [...consts[0], ...x],
      [...dots[0], ...x.map(() => null)],
    );
    rhs = db.map((t, i) => {
      const change = moved.tangents[i];
      return addTangents(t, change === null ? null : neg(change));
    });
  }
  const solved = again([...consts.flat(), ...rhs.map((t, i) => instantiate(t, b[i].aval.toTangent()))]);
  return { primals: outs, tangents: outs.map((_, i) => (i < b.length ? solved[i] : null)) };
}

const either = (...lists: readonly (readonly boolean[])[]): boolean[] =>
  lists[0].map((_, i) => lists.some((l) => l[i]));

function batchSolve(
  size: number,
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  params: LinearSolveParams,
  batchBody: BatchBody,
): BatchResult {
  const [matvec, vecmat, solve, back] = params.jaxprs;
  const { consts, b } = parts(args, params.const_lengths);
  const { consts: constDims, b: bDims } = parts(dims, params.const_lengths);
  const constBatched = constDims.map((ds) => ds.map((d) => d !== null));
  const numAux = solve.jaxpr.outvars.length - b.length;
  const original = bDims.map((d) => d !== null);
  const run = (
    p: Program,
    flags: readonly boolean[],
    out: readonly boolean[],
  ): { closed: Program; batched: boolean[] } => {
    const result = batchBody(
      p,
      size,
      flags.map((f) => (f ? 0 : null)),
      out,
    );
    return { closed: result.closed, batched: result.dims.map((d) => d !== null) };
  };
  let bBatched = original;
  let xBatched = solve.jaxpr.outvars.map(() => false);
  // Which parts of b and x are batched decides one another.
  for (;;) {
    const solved = run(solve, [...constBatched[2], ...bBatched], xBatched);
    const applied = vecmat === null ? null : run(vecmat, [...constBatched[1], ...bBatched], bBatched);
    const xNext =
      applied === null
        ? solved.batched
        : either([...applied.batched, ...Array.from({ length: numAux }, () => true)], solved.batched);
    const x = xNext.slice(0, b.length);
    const forward = run(matvec, [...constBatched[0], ...x], bBatched);
    const backward = back === null ? null : run(back, [...constBatched[3], ...x], xNext);
    const bNow = bBatched;
    const bNext = either(forward.batched, original, backward?.batched.slice(0, b.length) ?? original);
    if (String(xNext) === String(xBatched) && String(bNext) === String(bBatched)) {
      const known = consts.flat().map((c, i) => {
        const d = constDims.flat()[i];
        return d === null ? c : movedAxis(c, d, 0);
      });
      const given = b.map((y, i) => {
        if (!bNow[i]) return y;
        return bDims[i] === null ? repeatedAt(y, size, 0) : movedAxis(y, bDims[i], 0);
      });
      const outs = bind(linearSolveP, [...known, ...given], {
        const_lengths: params.const_lengths,
        jaxprs: [forward.closed, applied?.closed ?? null, solved.closed, backward?.closed ?? null],
      });
      return { outs, dims: solved.batched.map((f) => (f ? 0 : null)) };
    }
    xBatched = xNext;
    bBatched = bNext;
  }
}
