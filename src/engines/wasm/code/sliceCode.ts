/** The code of a slice whose place is known when it runs only: runs of bytes are copied between the array and the part. */
import { dtypes } from "../../../core/dtype.ts";
import type { Buffer, SliceStep } from "../../../compile/program.ts";
import { rowMajor } from "../../../compile/view.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";

/** `address` pushes where a buffer lies. */
export function emitSlice(f: FunctionBuilder, step: SliceStep, address: (buffer: Buffer) => void): void {
  const { shape, sizes, starts, array, part } = step;
  const { bytes } = dtypes[array.dtype];
  const steps = rowMajor(shape).map((s) => s * bytes);
  const inArray = f.local("i32");
  address(array);
  starts.forEach((start, d) => {
    const last = shape[d] - sizes[d];
    if (last === 0) return;
    const at = f.local("i32");
    if (typeof start === "number") f.i32(Math.min(Math.max(start, 0), last)).set(at);
    else {
      address(start);
      f.mem("i32.load").set(at);
      f.get(at).i32(0).get(at).i32(0).op("i32.gt_s", "select").set(at);
      f.get(at).i32(last).get(at).i32(last).op("i32.lt_s", "select").set(at);
    }
    f.get(at).i32(steps[d]).op("i32.mul", "i32.add");
  });
  f.set(inArray);
  const inPart = f.local("i32");
  address(part);
  f.set(inPart);
  // The last dimensions that are taken whole, and the one before them, are one run.
  let first = shape.length - 1;
  while (first > 0 && sizes[first] === shape[first]) first--;
  const run = shape.length === 0 ? bytes : sizes[first] * steps[first];
  const outer = sizes.slice(0, Math.max(0, first));
  const copy = (from: Local): void => {
    if (step.writes) f.get(from).get(inPart);
    else f.get(inPart).get(from);
    f.i32(run).memoryCopy();
    f.get(inPart).i32(run).op("i32.add").set(inPart);
  };
  const walk = (d: number, from: Local): void => {
    if (d === outer.length) {
      copy(from);
      return;
    }
    const i = f.local("i32");
    const at = f.local("i32");
    f.get(from).set(at);
    f.forRange(i, 0, outer[d], 1, () => {
      walk(d + 1, at);
      f.get(at).i32(steps[d]).op("i32.add").set(at);
    });
  };
  walk(0, inArray);
}
