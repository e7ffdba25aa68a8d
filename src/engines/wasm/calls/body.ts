/** A function of scalars, given as a jaxpr, in registers: what `reduce` and `reduce_window` fold by. */
import type { ConcreteArray, NDArray } from "../../../core/array.ts";
import { dtypes } from "../../../core/dtype.ts";
import { Literal, type Atom, type ClosedJaxpr, type Eqn, type Jaxpr } from "../../../core/jaxpr.ts";
import { scalarOf } from "../../../compile/reading.ts";
import { isMovable } from "../code/lanes.ts";
import { emitScalarOp, supports, type ScalarOp } from "../code/scalarOps.ts";
import type { VectorCode } from "../code/vectorCode.ts";
import type { Local } from "../encode/function.ts";

const opOf = (eqn: Eqn): ScalarOp => ({
  name: eqn.primitive.name,
  params: eqn.params,
  from: eqn.invars.map((x) => x.aval.dtype),
  to: eqn.outvars[0].aval.dtype,
});

const called = (eqn: Eqn): ClosedJaxpr<NDArray> | null =>
  eqn.primitive.name === "jit" ? (eqn.params.jaxpr as ClosedJaxpr<NDArray>) : null;

const atomsOf = ({ invars, constvars, outvars, eqns }: Jaxpr): Atom[] => [
  ...invars,
  ...constvars,
  ...outvars,
  ...eqns.flatMap((eqn) => [...eqn.invars, ...eqn.outvars]),
];

/** Whether there is code for all equations. */
export function hasCode(jaxpr: Jaxpr, consts: readonly NDArray[]): boolean {
  if (!atomsOf(jaxpr).every(({ aval }) => aval.ndim === 0 && isMovable(aval.dtype))) return false;
  if (!consts.every((x) => scalarOf(x as ConcreteArray) !== null)) return false;
  return jaxpr.eqns.every((eqn) => {
    const inner = called(eqn);
    if (inner !== null) return hasCode(inner.jaxpr, inner.consts);
    return eqn.outvars.length === 1 && eqn.primitive.elementwise === true && supports(opOf(eqn));
  });
}

/** Whether some number has 64 bits. */
export const isWideBody = (jaxpr: Jaxpr): boolean =>
  atomsOf(jaxpr).some(({ aval }) => dtypes[aval.dtype].bytes === 8) ||
  jaxpr.eqns.some((eqn) => {
    const inner = called(eqn);
    return inner !== null && isWideBody(inner.jaxpr);
  });

/** The results, in locals; `args` are left as they are. */
export function emitBody(
  c: VectorCode,
  jaxpr: Jaxpr,
  consts: readonly NDArray[],
  args: readonly Local[],
): readonly Local[] {
  const values = new Map<Atom, Local>();
  const constant = (x: ConcreteArray): Local => c.element(scalarOf(x) as number | bigint, x.dtype);
  jaxpr.constvars.forEach((v, i) => values.set(v, constant(consts[i] as ConcreteArray)));
  jaxpr.invars.forEach((v, i) => values.set(v, args[i]));
  const read = (x: Atom): Local => (x instanceof Literal ? constant(x.value) : (values.get(x) as Local));
  for (const eqn of jaxpr.eqns) {
    const inner = called(eqn);
    const operands = eqn.invars.map(read);
    if (inner !== null) {
      const outs = emitBody(c, inner.jaxpr, inner.consts, operands);
      eqn.outvars.forEach((v, i) => values.set(v, outs[i]));
    } else {
      emitScalarOp(c, operands, opOf(eqn));
      values.set(eqn.outvars[0], c.keep());
    }
  }
  return jaxpr.outvars.map(read);
}
