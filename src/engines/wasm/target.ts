/** What the wasm engine has code for, as the compiler asks, and how much workspace routines need for so many threads. */
import { dtypes } from "../../core/dtype.ts";
import type { Target } from "../../compile/target.ts";
import { codeOf } from "./calls/index.ts";
import { isMovable } from "./code/lanes.ts";
import { supports } from "./code/scalarOps.ts";
import { routineOf } from "./routines.ts";

export const wasmTarget = (threads: number): Target => ({
  movable: isMovable,
  elementwise(eqn) {
    const { name } = eqn.primitive;
    const from = eqn.invars.map((x) => x.aval.dtype);
    const to = eqn.outvars[0].aval.dtype;
    return supports({ name, params: eqn.params, from, to });
  },
  reduction(eqn) {
    const { dtype } = eqn.outvars[0].aval;
    const { name } = eqn.primitive;
    if (dtype !== eqn.invars[0].aval.dtype) return false;
    // Products overflow or not by the order of their factors, so they are taken one after another.
    if (name === "reduce_prod" && dtypes[dtype].kind === "float") return false;
    if (name === "reduce_and" || name === "reduce_or" || name === "reduce_xor") return true;
    // What adds narrow numbers is widened before it comes here.
    return dtypes[dtype].bytes >= 4 || name === "reduce_max" || name === "reduce_min";
  },
  routine: (eqn, inAvals) => routineOf(eqn, inAvals, threads) ?? codeOf(eqn, inAvals),
});
