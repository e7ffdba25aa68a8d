/**
 * What kernels take on this machine: each is compiled by itself and timed. Two kernels of the same equations and types take the same, so a model of
 * many equal layers is measured once a layer's kernel.
 */
import { modelSeconds } from "./compile/kernelGraph.ts";
import { ConcreteArray, type NDArray } from "./core/array.ts";
import type { ShapedArray } from "./core/aval.ts";
import { dtypes } from "./core/dtype.ts";
import type { Engine, Kernel, KernelCost } from "./core/engine.ts";
import { ClosedJaxpr, Jaxpr, Var, type Params } from "./core/jaxpr.ts";
import { jit } from "./primitives/jit.ts";

/** Milliseconds that a kernel is run for at least, and how often. */
const PATIENCE = 3;
const RUNS = 5;

const measured = new WeakMap<Engine, KernelCost>();

/** The clock's answer for an engine: seconds of the fastest of some runs. The same function each time, which remembers what it measured. */
export function measuredCost(engine: Engine): KernelCost {
  let cost = measured.get(engine);
  if (cost === undefined) measured.set(engine, (cost = costs(engine)));
  return cost;
}

function costs(engine: Engine): KernelCost {
  const known = new Map<string, number>();
  return (kernel) => {
    const jaxpr = jaxprOf(kernel);
    const key = String(jaxpr);
    let seconds = known.get(key);
    if (seconds === undefined) known.set(key, (seconds = timed(engine, jaxpr, kernel)));
    return seconds;
  };
}

/** The kernel as a program: it takes what it reads from outside. */
function jaxprOf({ eqns, outputs }: Kernel): Jaxpr {
  const made = new Set(eqns.flatMap((e) => e.outvars));
  const read = new Set<Var>();
  for (const e of eqns) for (const x of e.invars) if (x instanceof Var && !made.has(x)) read.add(x);
  return new Jaxpr([], [...read], [...eqns], [...outputs]);
}

function timed(engine: Engine, jaxpr: Jaxpr, { eqns, flops, bytes }: Kernel): number {
  // How long a loop runs that waits for something depends on what it is given, and effects are not for trying.
  if (eqns.some((e) => e.effectful === true || e.primitive.name === "while")) return modelSeconds(flops, bytes);
  const args = jaxpr.invars.map((v) => ones(v.aval));
  const params: Params = { name: "kernel", inline: false, jaxpr: new ClosedJaxpr<NDArray>(jaxpr, []) };
  const outs = jaxpr.outvars.map((v) => v.aval);
  const run = (): number => {
    const start = performance.now();
    engine.apply(jit, args, outs, params);
    return performance.now() - start;
  };
  run();
  let least = Infinity;
  let total = 0;
  for (let i = 0; i < RUNS || total < PATIENCE; i++) {
    const time = run();
    total += time;
    least = Math.min(least, time);
  }
  return least / 1000;
}

const ones = (aval: ShapedArray): ConcreteArray => {
  const { storage, lanes } = dtypes[aval.dtype];
  const data = new storage(aval.size * lanes);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(1n);
  else data.fill(1);
  return new ConcreteArray(aval, data);
};
