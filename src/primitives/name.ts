/** `name`: the identity, with a name that policies can ask for. A named value is a new variable: its consumers must use the result. */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";

export interface NameParams extends Params {
  readonly name: string;
}

export const nameP: Primitive<NameParams> = {
  name: "name",
  type: (avals) => [avals[0]],
  evaluate: (args) => args,
  jvp: ([x], [t], params) => ({ primals: [bind1(nameP, [x], params)], tangents: [t] }),
  batch: (_size, [x], [d], params) => ({ outs: [bind1(nameP, [x], params)], dims: [d] }),
};

/** Names one array. */
export const nameValue = (x: NDArray, name: string): NDArray => bind1(nameP, [x], { name });
