/** Forward mode: `jvp` pushes tangents along with the values, `linearize` writes the derivative at a point down as a linear function. */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { currentTrace } from "../core/interpreter.ts";
import { jvpFlat } from "../core/jvp.ts";
import { linearizeFlat } from "../core/linearize.ts";
import type { Tangent } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import { RematTypeError, RematValueError, TangentTreeError } from "../errors.ts";
import { flatten } from "../tree.ts";
import { Differentiated, type Args } from "./differentiated.ts";
import { debugOf, flattenArgs, leafArray, type AnyFunction } from "./flat.ts";

/**
 * Value and directional derivative: `jvp(f, [x, y], [dx, dy])` gives `[f(x, y), df]`.
 *
 * Tangents have the structure, shapes and dtypes of the primals (`float0` for integers).
 *
 * @example
 * const [y, dy] = jvp(np.sin, [0], [1]); // 0, 1
 */
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: Readonly<Args<A>>,
  tangents: readonly unknown[],
): [value: R, tangent: R] {
  const [value, tangent] = jvpWithAux(f, primals, tangents, false);
  return [value as R, tangent as R];
}

/** `jvp` of a function that returns `[value, aux]`: gives `[value, tangent, aux]`. */
export function jvpAux<A extends readonly unknown[], R, X>(
  f: (...args: A) => readonly [R, X],
  primals: Readonly<Args<A>>,
  tangents: readonly unknown[],
): [value: R, tangent: R, aux: X] {
  return jvpWithAux(f, primals, tangents, true) as [R, R, X];
}

function jvpWithAux(
  f: AnyFunction,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  hasAux: boolean,
): unknown[] {
  if (!Array.isArray(primals) || !Array.isArray(tangents)) {
    throw new RematTypeError(
      "jvp takes primals and tangents as arrays, one element for each argument: primal and tangent arguments to jax.jvp must be tuples or " +
        "lists. Write jvp(f, [x], [dx]).",
    );
  }
  const flat = flattenArgs(f, primals, "asFloats");
  const given = flatten(tangents);
  if (!flat.treedef.equals(given.treedef)) throw new TangentTreeError(flat.treedef, given.treedef);
  const ts = given.leaves.map((t, i) => checkTangent(t, flat.leaves[i].aval));
  const g = new Differentiated(f, flat.treedef, "jvp", hasAux);
  const parent = currentTrace();
  const outs = jvpFlat(g.call, parent, flat.leaves, ts);
  const outTangents = outs.tangents.map((t, i) => instantiate(t, outs.primals[i].aval.toTangent()));
  return [g.result(outs.primals), g.result(outTangents), ...(hasAux ? [g.aux] : [])];
}

function checkTangent(x: unknown, primal: ShapedArray): Tangent {
  const expected = primal.toTangent();
  const t = leafArray(x, "asFloats");
  if (t === null)
    throw new RematTypeError(
      `a tangent must be an array; got ${typeof x} for a primal of type ${primal.toLongString()}.`,
    );
  if (t.dtype !== expected.dtype) {
    throw new RematTypeError(
      "jvp was given a tangent of the wrong dtype: primal and tangent arguments to jax.jvp do not match; dtypes must be equal, or in case of " +
        `int/bool primal dtype the tangent dtype must be float0. Got primal dtype ${primal.dtype} and so expected tangent dtype ` +
        `${expected.dtype}, but got tangent dtype ${t.dtype} instead.`,
    );
  }
  if (t.shape.join() !== expected.shape.join()) {
    throw new RematValueError(
      "jvp called with different primal and tangent shapes; Got primal shape " +
        `(${primal.shape.join(", ")}${primal.ndim === 1 ? "," : ""}) and tangent shape as (${t.shape.join(", ")}${t.ndim === 1 ? "," : ""}). ` +
        "Give each tangent the shape of its primal.",
    );
  }
  return expected.dtype === "float0" ? null : t;
}

/**
 * Value at a point and the derivative there as a linear function of the tangents, which may be called many times.
 *
 * @example
 * const [y, df] = linearize(np.sin, 0);
 * df(1); // 1
 */
export function linearize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: Args<A>
): [value: R, linear: (...tangents: readonly unknown[]) => R] {
  const flat = flattenArgs(f, primals, "asFloats");
  const g = new Differentiated(f, flat.treedef, "linearize", false);
  const lin = linearizeFlat(g.call, flat.leaves, false, debugOf(f, primals, "linearize"));
  const outAvals = lin.outs.map((x) => x.aval);
  const linear = (...tangents: readonly unknown[]): R => {
    const given = flatten(tangents);
    if (!given.treedef.equals(flat.treedef)) {
      throw new RematTypeError(
        `the linear function was given tangents of another structure: expected ${String(flat.treedef)}, got ${String(given.treedef)}. ` +
          "Give one tangent for each argument of the function.",
      );
    }
    const ts = given.leaves.map((t, i) => checkLinearTangent(t, flat.leaves[i].aval));
    const outs = evalJaxpr(lin.jaxpr, lin.residuals, ts);
    let next = 0;
    return g.result(lin.nonzero.map((nz, i) => (nz ? outs[next++] : instantiate(null, outAvals[i].toTangent())))) as R;
  };
  return [g.result(lin.outs) as R, linear];
}

function checkLinearTangent(x: unknown, primal: ShapedArray): NDArray {
  const expected = primal.toTangent();
  const t = leafArray(x, "asFloats");
  if (t === null || t.dtype !== expected.dtype || t.shape.join() !== expected.shape.join()) {
    const got = t === null ? typeof x : t.aval.toLongString();
    throw new RematValueError(
      "the linear function was given a tangent of the wrong type: linearized function called on tangent values inconsistent with the original " +
        `primal values. Got tangent aval ${got} for primal aval ${primal.toLongString()} but expected ${expected.toLongString()}.`,
    );
  }
  return t;
}
