/**
 * `add_any` adds tangents and cotangents: where a value is used several times its cotangents meet here, and so do the terms of a
 * derivative by several arguments. It is a primitive of its own, apart from the user's `add`, as in JAX.
 */
import { matchAxis } from "./axes.ts";
import { bind1 } from "./interpreter.ts";
import type { NDArray } from "./array.ts";
import type { Primitive, Tangent } from "./primitive.ts";
import { instantiate } from "./zeros.ts";

export const addAny: Primitive = {
  name: "add_any",
  elementwise: true,
  cheap: true,
  type: (avals) => [avals[0]],
  jvp(primals, tangents) {
    const [x, y] = primals as [NDArray, NDArray];
    const out = bind1(addAny, [x, y], {});
    if (tangents[0] === null && tangents[1] === null) return { primals: [out], tangents: [null] };
    const dx = instantiate(tangents[0], x.aval.toTangent());
    const dy = instantiate(tangents[1], y.aval.toTangent());
    return { primals: [out], tangents: [bind1(addAny, [dx, dy], {})] };
  },
  transpose: ([ct]) => [ct!, ct!],
  // Cotangents have equal shapes: an operand without the axis is repeated, nothing broadcasts.
  batch(size, [x, y], [dx, dy]) {
    const dim = dy ?? dx;
    const outs = [bind1(addAny, [matchAxis(size, dx, dim, x), matchAxis(size, dy, dim, y)], {})];
    return { outs, dims: [dim] };
  },
};

/** The sum of two tangents, either of which may be a symbolic zero. */
export function addTangents(x: Tangent, y: Tangent): Tangent {
  if (x === null) return y;
  if (y === null) return x;
  return bind1(addAny, [x, y], {});
}
