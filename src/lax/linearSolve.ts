/** Solutions of linear equations by programs of the user's, with the derivatives of a solution whatever the program does. */
import { functionName } from "../argNames.ts";
import { leafArray, type AnyFunction } from "../api/flat.ts";
import { linearTranspose } from "../api/reverse.ts";
import { traceBody, type TracedBody } from "../api/traceBody.ts";
import type { NDArray } from "../core/array.ts";
import { shapesEqual } from "../core/aval.ts";
import { bind } from "../core/interpreter.ts";
import { RematTypeError, RematValueError, describe } from "../errors.ts";
import { linearSolveP } from "../primitives/linearSolve.ts";
import { flatten, tupleDef, unflatten } from "../tree.ts";

/** A solver: it gets the linear function and the right-hand side. */
export type Solver<B> = (matvec: (x: B) => B, b: B) => B;

export interface LinearSolveOptions<B> {
  /** Solves the transposed equation; it gets the transposed function. Needed for reverse mode. */
  readonly transposeSolve?: Solver<B> | null;
  /** The function is its own transpose: `solve` serves for both. */
  readonly symmetric?: boolean;
  /** The transposed function, if it is known; by default it is derived from `matvec`. */
  readonly vecmat?: (x: B) => B;
}

/**
 * Solves `matvec(x) = b` by `solve(matvec, b)`. Derivatives are those of the exact solution, by further calls of `solve` and `transposeSolve`, which
 * are not differentiated themselves.
 *
 * @throws RematValueError if a function gives other shapes or dtypes than those of b.
 * @example
 * lax.customLinearSolve((x: NDArray) => x.mul(2), np.array([2, 4]), (_, b) => b.div(2), { symmetric: true }); // [1, 2]
 */
export function customLinearSolve<B>(
  matvec: (x: B) => B,
  b: B,
  solve: Solver<B>,
  options: LinearSolveOptions<B> = {},
): B {
  const { symmetric = false } = options;
  const transposeSolve = options.transposeSolve ?? (symmetric ? solve : null);
  const { leaves, treedef } = flatten(b);
  const args = leaves.map((x) => {
    const leaf = leafArray(x, "asWritten");
    if (leaf === null) throw new RematTypeError(`customLinearSolve's b must hold arrays; got ${describe(x)}.`);
    return leaf;
  });
  const avals = args.map((x) => x.aval);
  const trace = (f: AnyFunction, role: string): TracedBody => {
    const body = traceBody(f, tupleDef([treedef]), avals, `custom_linear_solve ${role}`);
    const got = body.closed.outAvals;
    if (!body.resultTree.equals(treedef)) {
      throw new RematTypeError(
        `${role}() output pytree structure must match b: they are ${String(body.resultTree)} and ${String(treedef)}.`,
      );
    }
    if (got.some((a, i) => a.dtype !== avals[i].dtype || !shapesEqual(a.shape, avals[i].shape))) {
      throw new RematValueError(
        `${role}() output shapes must match b, got ${got.map((a) => a.toLongString()).join(", ")} of ${functionName(f)} and ` +
          `${avals.map((a) => a.toLongString()).join(", ")}.`,
      );
    }
    return body;
  };
  const forward = trace(matvec, "matvec");
  const solution = trace((x: B) => solve(matvec, x), "solve");
  let vecmat: TracedBody | null = null;
  let back: TracedBody | null = null;
  if (transposeSolve !== null) {
    const derived =
      options.vecmat ??
      ((x: B): B =>
        (linearTranspose as unknown as (f: unknown, b: unknown) => (ct: B) => readonly [B])(matvec, b)(x)[0]);
    const transposed = symmetric ? matvec : derived;
    vecmat = symmetric ? forward : trace(transposed, "vecmat");
    back = trace((x: B) => transposeSolve(transposed, x), "transpose_solve");
  }
  const bodies = [forward, vecmat, solution, back] as const;
  const consts: readonly (readonly NDArray[])[] = bodies.map((p) => p?.consts ?? []);
  const outs = bind(linearSolveP, [...consts.flat(), ...args], {
    const_lengths: consts.map((c) => c.length),
    jaxprs: bodies.map((p) => p?.closed ?? null),
  });
  return unflatten(treedef, outs.slice(0, args.length)) as B;
}
