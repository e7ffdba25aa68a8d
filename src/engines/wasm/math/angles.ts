/** Inverse trigonometric functions: each is the angle of a point, computed in float64. */
import type { Local } from "../encode/function.ts";
import type { MathContext, VectorMath, VectorMath2 } from "./context.ts";
import { atan2In64, inDouble } from "./double.ts";

/** sqrt(1 - x^2), without cancellation; NaN beyond 1. */
function complement(c: MathContext, x: Local): Local {
  const { f } = c;
  f.get(c.f64(1)).get(x).op("f64x2.sub").get(c.f64(1)).get(x).op("f64x2.add", "f64x2.mul", "f64x2.sqrt");
  return c.keep();
}

const asin: VectorMath = (c, x) => {
  inDouble(c, [x], ([y]) => {
    atan2In64(c, y, complement(c, y));
  });
};

const acos: VectorMath = (c, x) => {
  inDouble(c, [x], ([y]) => {
    atan2In64(c, complement(c, y), y);
  });
};

const atan: VectorMath = (c, x) => {
  inDouble(c, [x], ([y]) => {
    atan2In64(c, y, c.f64(1));
  });
};

export const atan2: VectorMath2 = (c, y, x) => {
  inDouble(c, [y, x], ([b, a]) => {
    atan2In64(c, b, a);
  });
};

export const angles = { asin, acos, atan } as const satisfies Record<string, VectorMath>;
