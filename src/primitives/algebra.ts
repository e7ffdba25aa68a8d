/**
 * The makers of derivative rules, named after the algebra: most primitives are linear in all operands together (`linearJvp`), linear in
 * each of two (`bilinear`), or have a derivative by each operand (`jvpByOperand`), or none that is not zero (`zeroJvp`).
 *
 * The order of the calls is part of the contract: the primal first, then the terms operand by operand, summed from left to right by
 * `add_any`. It decides the order of equations in a jaxpr.
 */
import { addTangents } from "../core/addAny.ts";
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { bind } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import { UndefinedPrimal, type Operand, type Primitive, type Tangent } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";

export { addTangents } from "../core/addAny.ts";

/** The tangent that one operand's tangent `t` contributes; `y` is the primal output, `xs` the primal operands. */
export type OperandRule<P extends Params> = (t: NDArray, y: NDArray, xs: readonly NDArray[], params: P) => Tangent;

/** A rule from one rule for each operand; null for an operand whose tangent does not matter. One output. */
export function jvpByOperand<P extends Params>(
  primitive: () => Primitive<P>,
  rules: readonly (OperandRule<P> | null)[],
): NonNullable<Primitive<P>["jvp"]> {
  return (primals, tangents, params) => {
    const y = bind(primitive(), primals, params)[0];
    const terms: Tangent[] = [];
    for (let i = 0; i < primals.length; i++) {
      const rule = rules[i];
      const t = tangents[i]!;
      if (rule !== null && rule !== undefined && t !== null) terms.push(rule(t, y, primals, params));
    }
    return { primals: [y], tangents: [terms.reduce(addTangents, null)] };
  };
}

/** The rule of a primitive that is linear in all its operands together: the same call on the tangents, missing ones instantiated. */
export function linearJvp<P extends Params>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["jvp"]> {
  return (primals, tangents, params) => {
    const outs = bind(primitive(), primals, params);
    if (tangents.every((t) => t === null)) return { primals: outs, tangents: outs.map(() => null) };
    const ts = tangents.map((t, i) => instantiate(t, primals[i].aval.toTangent()));
    return { primals: outs, tangents: bind(primitive(), ts, params) };
  };
}

/** The rule of a primitive whose outputs do not move with its operands: integers, comparisons, steps. */
export function zeroJvp<P extends Params>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["jvp"]> {
  return (primals, _tangents, params) => {
    const outs = bind(primitive(), primals, params);
    return { primals: outs, tangents: outs.map(() => null) };
  };
}

/** The cotangent of one operand of a bilinear primitive, given the other. */
export type BilinearTranspose<P extends Params> = (ct: NDArray, x: Operand, y: Operand, params: P) => NDArray;

/** Both rules of a primitive that is linear in each of its two operands. */
export function bilinear<P extends Params>(
  primitive: () => Primitive<P>,
  left: BilinearTranspose<P>,
  right: BilinearTranspose<P>,
): Required<Pick<Primitive<P>, "jvp" | "transpose">> {
  return {
    jvp: jvpByOperand(primitive, [
      (t, _out, [, y], params) => bind(primitive() as Primitive, [t, y], params)[0],
      (t, _out, [x], params) => bind(primitive() as Primitive, [x, t], params)[0],
    ]),
    transpose([ct], [x, y], params) {
      if (x instanceof UndefinedPrimal) return [left(ct!, x, y, params), null];
      return [null, right(ct!, x, y, params)];
    },
  };
}

/** The type of an operand, linear or not. */
export const avalOf = (x: Operand): ShapedArray => x.aval;

export const isLinear = (x: Operand | undefined): x is UndefinedPrimal => x instanceof UndefinedPrimal;
