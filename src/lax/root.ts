/**
 * Roots of equations by programs of the user's. Their derivative is that of the root itself, by the implicit function theorem: where f(a, x) = 0 holds along
 * with a, the tangent of x is minus the solution of ∂f/∂x y = ∂f/∂a ȧ, whatever the program does to find x.
 */
import { functionName } from "../argNames.ts";
import { leafArray, type AnyFunction } from "../api/flat.ts";
import { linearize } from "../api/forward.ts";
import { traceBody, type TracedBody } from "../api/traceBody.ts";
import type { NDArray } from "../core/array.ts";
import { asFunction } from "../core/evalJaxpr.ts";
import { currentTrace } from "../core/interpreter.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { Tangent } from "../core/primitive.ts";
import { instantiate, zeros } from "../core/zeros.ts";
import { RematTypeError, describe } from "../errors.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import { neg } from "../primitives/neg.ts";
import { flatten, tupleDef, unflatten, type TreeDef } from "../tree.ts";

export interface RootOptions {
  /** `solve` gives `[solution, aux]`: aux is passed through, without derivatives. */
  readonly hasAux?: boolean;
}

/**
 * A root of `f`, as `solve(f, initialGuess)` finds it. `tangentSolve(g, y)` solves g(x) = y for a linear function g: f linearized at its root. Derivatives
 * are by what f closes over.
 *
 * @throws RematTypeError if a function gives another structure than that of the guess.
 * @example
 * const root = (a: NDArray) =>
 *   lax.customRoot((x: NDArray) => x.mul(x).sub(a), np.ones([]), () => np.sqrt(a), (g, y) => y.div(g(np.ones([]))));
 * grad(root)(4); // 0.25
 */
export function customRoot<X, R = X>(
  f: (x: X) => X,
  initialGuess: X,
  solve: (f: (x: X) => X, initialGuess: X) => R,
  tangentSolve: (g: (x: X) => X, y: X) => X,
  options: RootOptions = {},
): R {
  const { leaves, treedef } = flatten(initialGuess);
  const guess = leaves.map((x) => {
    const leaf = leafArray(x, "asWritten");
    if (leaf === null) throw new RematTypeError(`customRoot's initialGuess must hold arrays; got ${describe(x)}.`);
    return leaf;
  });
  const avals = guess.map((x) => x.aval);
  const same = (name: string, fn: unknown, tree: TreeDef): void => {
    if (tree.equals(treedef)) return;
    throw new RematTypeError(
      `${name}() output pytree structure must match initial_guess, got ${String(tree)} of ${functionName(fn as AnyFunction)} and ` +
        `${String(treedef)}. Return the structure of the guess.`,
    );
  };
  const trace = (fn: unknown, many: number, role: string): TracedBody =>
    traceBody(
      fn as AnyFunction,
      tupleDef(Array.from({ length: many }, () => treedef)),
      Array.from({ length: many }, () => avals).flat(),
      role,
    );
  const equation = trace(f, 1, "custom_root");
  same("f", f, equation.resultTree);
  const solution = trace((x: X) => solve(f, x), 1, "custom_root solve");
  same("solve", solve, options.hasAux === true ? solution.resultTree.children[0] : solution.resultTree);
  const tangent = trace(
    (x: X, b: X) => {
      const [, g] = (linearize as unknown as (f: unknown, x: X) => [X, (t: X) => X])(f, x);
      return tangentSolve(g, b);
    },
    2,
    "custom_root tangent_solve",
  );
  same("tangent_solve", tangentSolve, tangent.resultTree);

  const bodies = [equation, solution, tangent];
  const counts = bodies.map((b) => b.consts.length);
  const parts = <T>(xs: readonly T[]): [ofF: T[], ofSolve: T[], ofTangent: T[], guess: T[]] => {
    const [p, q, r] = [counts[0], counts[0] + counts[1], counts[0] + counts[1] + counts[2]];
    return [xs.slice(0, p), xs.slice(p, q), xs.slice(q, r), xs.slice(r)];
  };
  const found = (xs: readonly NDArray[]): readonly NDArray[] =>
    customJvpCall(
      "_custom_root",
      (...all) => {
        const [, own, , start] = parts(all);
        return asFunction(solution.closed)([...own, ...start]);
      },
      (primals, tangents) => {
        const outs = [...found(primals)];
        const root = outs.slice(0, guess.length);
        const [ofF, , ofTangent] = parts(primals);
        const [dots] = parts<Tangent>(tangents);
        const still: Tangent[] = [...dots, ...root.map(() => null)];
        const moved = jvpFlat(asFunction(equation.closed), currentTrace(), [...ofF, ...root], still);
        const rhs = moved.tangents.map((t, i) => instantiate(t, root[i].aval.toTangent()));
        const solved = asFunction(tangent.closed)([...ofTangent, ...root, ...rhs]).map((t) => neg(t));
        return [outs, [...solved, ...outs.slice(guess.length).map((x) => zeros(x.aval.toTangent()))]];
      },
      xs,
      { jvpName: "_root_jvp" },
    );
  return unflatten(solution.resultTree, found([...bodies.flatMap((b) => b.consts), ...guess])) as R;
}
