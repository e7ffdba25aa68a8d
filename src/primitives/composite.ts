/**
 * `composite`: a call with a name and attributes by which an engine may know a better way to compute what its program computes. It has neither derivatives
 * nor a batching rule, as in JAX: a custom rule around it gives it some.
 */
import { asFunction } from "../core/evalJaxpr.ts";
import type { NDArray } from "../core/array.ts";
import type { ClosedJaxpr, Params } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import { PyFloat, Verbatim } from "../core/print.ts";
import { RematValueError } from "../errors.ts";

export interface CompositeParams extends Params {
  readonly attributes: Readonly<Record<string, number | string | boolean>>;
  readonly jaxpr: ClosedJaxpr<NDArray>;
  readonly name: string;
  readonly version: number;
}

const attribute = (value: number | string | boolean): string => {
  if (typeof value === "string") return `'${value}'`;
  if (typeof value === "boolean") return value ? "True" : "False";
  return Number.isInteger(value) ? String(value) : String(new PyFloat(value));
};

export const compositeP: Primitive<CompositeParams> = {
  name: "composite",
  type: (_avals, { jaxpr }) => jaxpr.outAvals,
  evaluate: (args, { jaxpr }) => asFunction(jaxpr)(args),
  jvp() {
    throw new RematValueError(
      "the derivative of a composite was asked for: JVP rule for composite not implemented. You can use `customJvp` to add support.",
    );
  },
  print({ attributes, jaxpr, name, version }) {
    const items = Object.entries(attributes).map(([k, v]) => `('${k}', (${attribute(v)},), PyTreeDef(*))`);
    return [
      ["attributes", new Verbatim(`(${items.join(", ")}${items.length === 1 ? "," : ""})`)],
      ["jaxpr", jaxpr],
      ["name", name],
      ["version", version],
    ];
  },
};

export const compositePrimitives = [compositeP] as const;
