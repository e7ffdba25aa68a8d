/**
 * Sums and products of narrow numbers. Those of halves are taken in float32 and rounded once, those of narrow integers in 32 bits and wrapped once:
 * that is the contract of all engines. So a compiled program converts the operands, works on the wide numbers and converts the result: conversions
 * stand in the loop kernels around, and what adds and multiplies is there once.
 */
import type { ShapedArray } from "../core/aval.ts";
import { dtypes, type DType } from "../core/dtype.ts";
import { Var, type Atom, type Eqn } from "../core/jaxpr.ts";
import { convertElementTypeP } from "../primitives/convert.ts";

/** The dtype in which numbers of this dtype are added. */
function accumulator(dtype: DType): DType {
  const { kind, bytes } = dtypes[dtype];
  if (bytes >= 4) return dtype;
  return kind === "float" ? "float32" : kind === "int" ? "int32" : kind === "uint" ? "uint32" : dtype;
}

const sums = new Set([
  "reduce_sum",
  "dot_general",
  "conv_general_dilated",
  "reduce_window_sum",
  "reduce_window_max",
  "reduce_window_min",
  "select_and_gather_add",
  "select_and_scatter_add",
]);

/** The equations that stand for a sum of narrow numbers; null for all other equations. */
export function widened(eqn: Eqn): Eqn[] | null {
  if (!sums.has(eqn.primitive.name) && !isIntegerProduct(eqn)) return null;
  const [out] = eqn.outvars;
  const wide = accumulator(out.aval.dtype);
  const { kind } = dtypes[wide];
  const narrow = eqn.invars.some((x) => x.aval.dtype !== wide) || out.aval.dtype !== wide;
  if (!narrow || eqn.invars.some((x) => dtypes[x.aval.dtype].kind !== kind || isWider(x.aval, wide))) return null;
  if (kind !== "float" && kind !== "int" && kind !== "uint") return null;
  const eqns: Eqn[] = [];
  const converted = (x: Atom, to: Var): void => {
    const params = { new_dtype: to.aval.dtype, weak_type: false, sharding: null };
    eqns.push({ primitive: convertElementTypeP, invars: [x], outvars: [to], params, source: eqn.source });
  };
  const invars = eqn.invars.map((x) => {
    if (x.aval.dtype === wide) return x;
    const v = new Var(x.aval.update({ dtype: wide }));
    converted(x, v);
    return v;
  });
  const result = out.aval.dtype === wide ? out : new Var(out.aval.update({ dtype: wide }));
  eqns.push({ ...eqn, invars, outvars: [result] });
  if (result !== out) converted(result, out);
  return eqns;
}

const isIntegerProduct = (eqn: Eqn): boolean =>
  eqn.primitive.name === "reduce_prod" && dtypes[eqn.outvars[0].aval.dtype].kind !== "float";

const isWider = (aval: ShapedArray, wide: DType): boolean => dtypes[aval.dtype].bytes > dtypes[wide].bytes;
