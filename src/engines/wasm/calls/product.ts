/**
 * Products of floats along axes. Whether a product overflows depends on the order of its factors, so they are taken one after another, in float64 and
 * rounded once. Where the last axis stays, neighbouring products are taken side by side in vectors.
 */
import type { Shape } from "../../../core/aval.ts";
import { dtypes, type DType } from "../../../core/dtype.ts";
import { rowMajor } from "../../../compile/view.ts";
import { remaining } from "../../../primitives/axes.ts";
import type { AxesParams } from "../../../primitives/shape.ts";
import { loadVector, storeVector } from "../code/lanes.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { CallCode } from "./callCode.ts";
import { converted } from "./scans.ts";

interface Dim {
  readonly size: number;
  /** Elements from one place to the next. */
  readonly stride: number;
}

/** The given dimensions, those that lie in one run as one. */
function dimsOf(shape: Shape, axes: readonly number[]): Dim[] {
  const strides = rowMajor(shape);
  const out: Dim[] = [];
  for (const d of axes) {
    const next = { size: shape[d], stride: strides[d] };
    const last = out[out.length - 1];
    if (last !== undefined && last.stride === next.size * next.stride)
      out[out.length - 1] = { size: last.size * next.size, stride: next.stride };
    else if (next.size > 1) out.push(next);
  }
  return out;
}

/** The loops over dimensions; `inside` gets the address of each place. */
function eachPlace(
  f: FunctionBuilder,
  dims: readonly Dim[],
  bytes: number,
  from: Local,
  inside: (at: Local) => void,
): void {
  if (dims.length === 0) {
    inside(from);
    return;
  }
  const [{ size, stride }, ...rest] = dims;
  const [i, at] = [f.local("i32"), f.local("i32")];
  f.get(from).set(at);
  f.forRange(i, 0, size, 1, () => {
    eachPlace(f, rest, bytes, at, inside);
    f.get(at)
      .i32(stride * bytes)
      .op("i32.add")
      .set(at);
  });
}

export const product: CallCode = {
  fits: (_eqn, [x]) => dtypes[x.dtype].kind === "float",
  emit({ f, step, addresses: [x, out], host }) {
    const { axes } = step.eqn.params as unknown as AxesParams;
    const [{ shape, dtype }] = step.inAvals;
    const { bytes } = dtypes[dtype];
    const wide: DType = "float64";
    const c = new VectorCode(f, true, host);
    const kept = dimsOf(shape, remaining(shape.length, axes));
    const factors = dimsOf(
      shape,
      axes.toSorted((a, b) => a - b),
    );
    const side = kept.at(-1)?.stride === 1 ? (kept.pop() as Dim).size : 1;
    const [acc, j, to] = [c.temp(), f.local("i32"), f.local("i32")];
    const fold = (from: Local, count: number): void => {
      f.get(c.f64(1)).set(acc);
      eachPlace(f, factors, bytes, from, (at) => {
        loadVector(c, dtype, at, 0);
        const factor = converted(c, c.keep(), dtype, wide);
        f.get(acc).get(factor).op("f64x2.mul").set(acc);
      });
      storeVector(c, dtype, converted(c, acc, wide, dtype), to, 0, count, bytes);
      for (const at of [to, from])
        f.get(at)
          .i32(count * bytes)
          .op("i32.add")
          .set(at);
    };
    f.get(out).set(to);
    eachPlace(f, kept, bytes, x, (at) => {
      const from = f.local("i32");
      f.get(at).set(from);
      const pairs = side - (side % 2);
      if (pairs > 0) f.forRange(j, 0, pairs, 2, () => fold(from, 2));
      if (pairs < side) fold(from, 1);
    });
  },
};
