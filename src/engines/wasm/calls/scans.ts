/**
 * What goes along a line with a state: running sums and the like, and the places of extremes. Several lines are taken side by side in vectors. Running
 * sums of float32 are kept in float64 and rounded at each place; those of halves are rounded as they go.
 */
import { dtypes, isComplex, type DType } from "../../../core/dtype.ts";
import type { CumulativeParams } from "../../../primitives/cumulative.ts";
import type { ArgParams } from "../../../primitives/reduce.ts";
import type { Fold } from "../../../compile/loop.ts";
import { foldOf } from "../code/folds.ts";
import { isMovable, loadVector, storeVector } from "../code/lanes.ts";
import { emitScalarOp } from "../code/scalarOps.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { Local } from "../encode/function.ts";
import type { CallCode } from "./callCode.ts";
import { eachGroup, groupAddress, linesOf } from "./lines.ts";

export function converted(c: VectorCode, x: Local, from: DType, to: DType): Local {
  if (from === to) return x;
  emitScalarOp(c, [x], { name: "convert_element_type", params: {}, from: [from], to });
  return c.keep();
}

const rounded = (c: VectorCode, name: string, dtype: DType, x: Local, y: Local): Local => {
  emitScalarOp(c, [x, y], { name, params: {}, from: [dtype, dtype], to: dtype });
  return c.keep();
};

const names: Readonly<Partial<Record<Fold, string>>> = { sum: "add", prod: "mul", max: "max", min: "min" };

const running = (fold: Fold): CallCode => ({
  fits: (_eqn, [x]) => isMovable(x.dtype) && x.dtype !== "bool",
  emit({ f, step, addresses: [x, out], host }) {
    const { axis, reverse } = step.eqn.params as unknown as CumulativeParams;
    const [{ shape, dtype }] = step.outAvals;
    const { bytes } = dtypes[dtype];
    const state: DType = dtype === "float32" && (fold === "sum" || fold === "prod") ? "float64" : dtype;
    const c = new VectorCode(f, dtypes[state].bytes === 8, host);
    const lines = linesOf(shape, axis);
    const stride = lines.inner * bytes * (reverse ? -1 : 1);
    const first = reverse ? (lines.length - 1) * lines.inner * bytes : 0;
    const [acc, k] = [c.temp(), f.local("i32")];
    eachGroup(f, lines, c.lanes, (o, j, count) => {
      const from = groupAddress(f, x, [o, j], lines, lines.length, bytes);
      const to = groupAddress(f, out, [o, j], lines, lines.length, bytes);
      for (const at of [from, to]) f.get(at).i32(first).op("i32.add").set(at);
      foldOf(fold, state).neutral(c);
      f.set(acc);
      f.forRange(k, 0, lines.length, 1, () => {
        loadVector(c, dtype, from, 0);
        const next = rounded(c, names[fold] as string, state, acc, converted(c, c.keep(), dtype, state));
        f.get(next).set(acc);
        storeVector(c, dtype, converted(c, next, state, dtype), to, 0, count, bytes);
        for (const at of [from, to]) f.get(at).i32(stride).op("i32.add").set(at);
      });
    });
  },
});

/** The first place of the largest (or smallest) element; NaN counts as the largest (smallest). */
const argument = (better: "gt" | "lt"): CallCode => ({
  fits: (eqn, [x]) =>
    isMovable(x.dtype) &&
    x.dtype !== "bool" &&
    !isComplex(x.dtype) &&
    (eqn.params.axes as readonly number[]).length === 1,
  emit({ f, step, addresses: [x, out], host }) {
    const { axes } = step.eqn.params as unknown as ArgParams;
    const [{ shape, dtype }] = step.inAvals;
    const [{ dtype: to }] = step.outAvals;
    const { bytes } = dtypes[dtype];
    const wide = bytes === 8 || dtypes[to].bytes === 8;
    const c = new VectorCode(f, wide, host);
    const lines = linesOf(shape, axes[0]);
    const [best, place, k] = [c.temp(), c.temp(), f.local("i32")];
    const numbers: DType = wide ? "int64" : "int32";
    const compare = (name: string, a: Local, b: Local): void => {
      emitScalarOp(c, [a, b], { name, params: {}, from: [dtype, dtype], to: "bool" });
    };
    eachGroup(f, lines, c.lanes, (o, j, count) => {
      const at = groupAddress(f, x, [o, j], lines, lines.length, bytes);
      loadVector(c, dtype, at, 0);
      f.set(best)
        .get(wide ? c.i64(0n) : c.i32(0))
        .set(place);
      f.forRange(k, 1, lines.length, 1, () => {
        f.get(at)
          .i32(lines.inner * bytes)
          .op("i32.add")
          .set(at);
        loadVector(c, dtype, at, 0);
        const value = c.keep();
        compare(better, value, best);
        if (dtypes[dtype].kind === "float") {
          compare("ne", value, value);
          f.op("v128.or");
          compare("eq", best, best);
          f.op("v128.and");
        }
        const taken = c.keep();
        f.get(k);
        if (wide) f.op("i64.extend_i32_u", "i64x2.splat");
        else f.op("i32x4.splat");
        f.get(place).get(taken).op("v128.bitselect").set(place);
        emitScalarOp(c, [taken, best, value], {
          name: "select_n",
          params: {},
          from: ["bool", dtype, dtype],
          to: dtype,
        });
        f.set(best);
      });
      const result = groupAddress(f, out, [o, j], lines, 1, dtypes[to].bytes);
      storeVector(c, to, converted(c, place, numbers, to), result, 0, count, dtypes[to].bytes);
    });
  },
});

export const scans: Readonly<Record<string, CallCode>> = {
  cumsum: running("sum"),
  cumprod: running("prod"),
  cummax: running("max"),
  cummin: running("min"),
  argmax: argument("gt"),
  argmin: argument("lt"),
};
