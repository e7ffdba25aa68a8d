/** Jaxprs made by hand, for tests of their text. */
import { ShapedArray } from "../src/core/aval.ts";
import type { DType } from "../src/core/dtype.ts";
import { Jaxpr, Literal, Var, type Atom, type Eqn, type Params } from "../src/core/jaxpr.ts";
import type { Primitive } from "../src/core/primitive.ts";
import type { PrintedParam } from "../src/core/print.ts";
import { literal, type Element } from "../src/core/scalar.ts";
import { report } from "../src/report.ts";
import type { Source } from "../src/core/source.ts";
report();

export const f32 = (...shape: number[]): ShapedArray => new ShapedArray(shape, "float32");
export const v = (...shape: number[]): Var => new Var(f32(...shape));

export function eqn(
  name: string,
  invars: Atom[],
  outvars: Var[],
  params: Params = {},
  source: Source | null = null,
): Eqn {
  const primitive: Primitive = {
    name,
    type: () => outvars.map((o) => o.aval),
    // The order of `jit`; the others print all parameters sorted by key.
    ...(name === "jit" && {
      print: (p: Params) => ["name", "jaxpr"].map((key): PrintedParam => [key, p[key]]),
    }),
  };
  return { primitive, invars, outvars, params, source };
}

export const lit = (value: Element, dtype: DType): Literal => {
  const array = literal(value, dtype);
  return new Literal(array, array.aval);
};

/** `x -> f(...f(x))`, of as many operations as there are names. */
export function chain(names: readonly string[], shape: readonly number[] = [3], source: Source | null = null): Jaxpr {
  const first = v(...shape);
  let last = first;
  const eqns = names.map((name) => {
    const out = v(...shape);
    const made = eqn(name, [last], [out], {}, source);
    last = out;
    return made;
  });
  return new Jaxpr([], [first], eqns, [last]);
}
