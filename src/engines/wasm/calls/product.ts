/**
 * Products of floats along axes. Whether a product overflows depends on the order of its factors, so they are taken one after another, in float64 and
 * rounded once.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { AxesParams } from "../../../primitives/shape.ts";
import { loadVector, storeVector } from "../code/lanes.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { CallCode } from "./callCode.ts";
import { eachFold, elementAt } from "./foldAxes.ts";
import { converted } from "./scans.ts";

const WIDE: DType = "float64";

export const product: CallCode = {
  fits: (_eqn, [x]) => dtypes[x.dtype].kind === "float",
  emit({ f, step, addresses: [x, out], host }) {
    const { axes } = step.eqn.params as unknown as AxesParams;
    const [{ shape, dtype }] = step.inAvals;
    const { bytes } = dtypes[dtype];
    const c = new VectorCode(f, true, host);
    const acc = c.temp();
    eachFold(f, shape, axes, c.lanes, ({ count, place, eachElement }) => {
      f.get(c.f64(1)).set(acc);
      eachElement((at) => {
        loadVector(c, dtype, elementAt(f, x, at, bytes), 0);
        const factor = converted(c, c.keep(), dtype, WIDE);
        f.get(acc).get(factor).op("f64x2.mul").set(acc);
      });
      storeVector(c, dtype, converted(c, acc, WIDE, dtype), elementAt(f, out, place, bytes), 0, count, bytes);
    });
  },
};
