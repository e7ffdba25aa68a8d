/** Runs a jaxpr on concrete arrays, equation by equation, but for those that nothing reads. Values are let go after their last use. */
import { ConcreteArray } from "../../core/array.ts";
import { isComplex, type DType } from "../../core/dtype.ts";
import { Literal, type Atom, type ClosedJaxpr, type Eqn, type Jaxpr, type Var } from "../../core/jaxpr.ts";
import { pruneEquations } from "../../core/liveness.ts";
import { UnsupportedError } from "../../errors.ts";
import type { Kernel } from "./kernel.ts";

/** Finds the kernel of a primitive. */
export type KernelTable = (name: string) => Kernel | undefined;

interface Step {
  readonly eqn: Eqn;
  readonly kernel: Kernel;
  /** Variables that no later equation reads. */
  readonly last: readonly Var[];
}

const plans = new WeakMap<Jaxpr, readonly Step[]>();

function planOf(jaxpr: Jaxpr, table: KernelTable): readonly Step[] {
  let plan = plans.get(jaxpr);
  if (plan !== undefined) return plan;
  const seen = new Set<Atom>(jaxpr.outvars);
  const steps: Step[] = [];
  for (const eqn of pruneEquations(jaxpr.eqns, jaxpr.outvars).reverse()) {
    const last: Var[] = [];
    for (const x of [...eqn.outvars, ...eqn.invars]) {
      if (x instanceof Literal || seen.has(x)) continue;
      seen.add(x);
      last.push(x);
    }
    steps.push({ eqn, kernel: kernelOf(eqn.primitive.name, eqn.invars[0]?.aval.dtype, table), last });
  }
  plan = steps.reverse();
  plans.set(jaxpr, plan);
  return plan;
}

/** The kernel for operands whose first has the given dtype: complex numbers have kernels of their own. */
export function kernelOf(name: string, dtype: DType | undefined, table: KernelTable): Kernel {
  const own = dtype !== undefined && isComplex(dtype) ? table(`complex ${name}`) : undefined;
  const kernel = own ?? table(name);
  if (kernel === undefined) {
    throw new UnsupportedError(
      `the js engine was asked to compute '${name}', and has no kernel for it. An engine that was made by createJs has those of the families it was ` +
        "given; `js` has all.",
    );
  }
  return kernel;
}

/** The outputs of a jaxpr without constvars values given apart. */
export function runJaxpr(
  jaxpr: Jaxpr,
  consts: readonly ConcreteArray[],
  args: readonly ConcreteArray[],
  table: KernelTable,
): ConcreteArray[] {
  const env = new Map<Atom, ConcreteArray>();
  jaxpr.constvars.forEach((v, i) => env.set(v, consts[i]));
  jaxpr.invars.forEach((v, i) => env.set(v, args[i]));
  const read = (x: Atom): ConcreteArray => (x instanceof Literal ? x.value : (env.get(x) as ConcreteArray));
  for (const { eqn, kernel, last } of planOf(jaxpr, table)) {
    const avals = eqn.outvars.map((v) => v.aval);
    const outs = kernel(eqn.invars.map(read), avals, eqn.params);
    eqn.outvars.forEach((v, j) => env.set(v, new ConcreteArray(v.aval, outs[j])));
    for (const v of last) env.delete(v);
  }
  return jaxpr.outvars.map(read);
}

export const runClosed = (closed: ClosedJaxpr, args: readonly ConcreteArray[], table: KernelTable): ConcreteArray[] =>
  runJaxpr(closed.jaxpr, closed.consts as readonly ConcreteArray[], args, table);
