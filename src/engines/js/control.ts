/** The kernels of primitives whose parameters hold jaxprs: calls, branches and loops. */
import { ConcreteArray } from "../../core/array.ts";
import { sizeOf } from "../../core/aval.ts";
import { dtypes, type TypedArray } from "../../core/dtype.ts";
import type { ClosedJaxpr, Jaxpr, Params } from "../../core/jaxpr.ts";
import { allocate } from "../../core/scalar.ts";
import { UnsupportedError } from "../../errors.ts";
import { runClosed, runJaxpr, type KernelTable } from "./interpret.ts";
import type { Kernel } from "./kernel.ts";

const dataOf = (xs: readonly ConcreteArray[]): TypedArray[] => xs.map((x) => x.data);

/** The kernels, given a way to find those of the equations inside. */
export function controlKernels(table: KernelTable) {
  const closedBody =
    (param: string): Kernel =>
    (args, _avals, params) =>
      dataOf(runClosed(params[param] as ClosedJaxpr, args, table));
  const openBody =
    (param: string): Kernel =>
    (args, _avals, params) =>
      dataOf(runJaxpr(params[param] as Jaxpr, [], args, table));
  return {
    jit: closedBody("jaxpr"),
    closed_call: closedBody("call_jaxpr"),
    composite: closedBody("jaxpr"),
    remat2: openBody("jaxpr"),
    custom_jvp_call: openBody("call_jaxpr"),
    custom_vjp_call: openBody("call_jaxpr"),
    custom_remat: openBody("call_jaxpr"),
    custom_remat_jvp: (args, _avals, params) => dataOf(runJaxpr((params.pushed as () => Jaxpr)(), [], args, table)),
    custom_lin: () => {
      throw new UnsupportedError(
        "the linear part of a custom reverse rule was to be evaluated: it can only be transposed.",
      );
    },
    custom_linear_solve: (args, _avals, params) => runSolve(args, params, table),
    cond: (args, _avals, params) => runBranch(args, params, table),
    scan: (args, avals, params) =>
      runScan(
        args,
        avals.map((a) => allocate(a)),
        params,
        table,
      ),
    while: (args, _avals, params) => runWhile(args, params, table),
  } as const satisfies Record<string, Kernel>;
}

/** Runs the third of the four programs, on its own constants and b. */
function runSolve(args: readonly ConcreteArray[], params: Params, table: KernelTable): TypedArray[] {
  const [matvec, vecmat, solve, back] = params.const_lengths as readonly number[];
  const own = args.slice(matvec + vecmat, matvec + vecmat + solve);
  const b = args.slice(matvec + vecmat + solve + back);
  return dataOf(runClosed((params.jaxprs as readonly ClosedJaxpr[])[2], [...own, ...b], table));
}

function runBranch(args: readonly ConcreteArray[], params: Params, table: KernelTable): TypedArray[] {
  const branches = params.branches as readonly ClosedJaxpr[];
  const index = Math.min(Math.max(Number(args[0].data[0]), 0), branches.length - 1);
  return dataOf(runClosed(branches[index], args.slice(1), table));
}

/** Element `i` along the leading axis: a view, not a copy. */
function sliceAt(x: ConcreteArray, i: number): ConcreteArray {
  const aval = x.aval.update({ shape: x.shape.slice(1), weakType: x.weakType });
  const n = sizeOf(aval.shape) * dtypes[x.dtype].lanes;
  return new ConcreteArray(aval, x.data.subarray(i * n, (i + 1) * n));
}

function runScan(args: readonly ConcreteArray[], outs: TypedArray[], params: Params, table: KernelTable): TypedArray[] {
  const { jaxpr, length, num_consts, num_carry, reverse } = params as {
    jaxpr: ClosedJaxpr;
    length: number;
    num_consts: number;
    num_carry: number;
    reverse: boolean;
  };
  const consts = args.slice(0, num_consts);
  let carry = args.slice(num_consts, num_consts + num_carry);
  const xs = args.slice(num_consts + num_carry);
  for (let step = 0; step < length; step++) {
    const i = reverse ? length - 1 - step : step;
    const results = runClosed(jaxpr, [...consts, ...carry, ...xs.map((x) => sliceAt(x, i))], table);
    carry = results.slice(0, num_carry);
    results.slice(num_carry).forEach((y, j) => {
      const out = outs[num_carry + j];
      const n = length === 0 ? 0 : out.length / length;
      (out as Float32Array).set(y.data as Float32Array, i * n);
    });
  }
  carry.forEach((c, i) => (outs[i] = c.data));
  return outs;
}

function runWhile(args: readonly ConcreteArray[], params: Params, table: KernelTable): TypedArray[] {
  const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = params as {
    cond_jaxpr: ClosedJaxpr;
    cond_nconsts: number;
    body_jaxpr: ClosedJaxpr;
    body_nconsts: number;
  };
  const condConsts = args.slice(0, cond_nconsts);
  const bodyConsts = args.slice(cond_nconsts, cond_nconsts + body_nconsts);
  let carry = args.slice(cond_nconsts + body_nconsts);
  for (;;) {
    const [going] = runClosed(cond_jaxpr, [...condConsts, ...carry], table);
    if (!going.data.some((flag) => flag !== 0)) return dataOf(carry);
    const next = runClosed(body_jaxpr, [...bodyConsts, ...carry], table);
    carry = going.ndim === 0 ? next : carry.map((old, i) => selectLeading(going, old, next[i]));
  }
}

/** Under `vmap` each element has a condition of its own: those for which it is false keep their carry. The axes of `going` lead those of the carry. */
function selectLeading(going: ConcreteArray, old: ConcreteArray, next: ConcreteArray): ConcreteArray {
  const data = next.data.slice();
  const n = data.length / going.data.length;
  going.data.forEach((flag, i) => {
    if (flag === 0) (data as Float32Array).set((old.data as Float32Array).subarray(i * n, (i + 1) * n), i * n);
  });
  return new ConcreteArray(next.aval, data);
}
