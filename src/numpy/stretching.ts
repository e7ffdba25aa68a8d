/** Broadcasting to a given shape, with its errors. */
import type { NDArray } from "../core/array.ts";
import { shapesEqual, type Shape } from "../core/aval.ts";
import { RematValueError } from "../errors.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { broadcastedInDim } from "../primitives/shape.ts";

/** The array stretched to a shape, which must be as long as its own or longer. */
export function stretchedTo(x: NDArray, shape: Shape): NDArray {
  if (shapesEqual(x.shape, shape)) return x;
  const lead = shape.length - x.ndim;
  if (lead < 0) {
    throw new RematValueError(
      `Cannot broadcast to shape with fewer dimensions: arr_shape=${tupleText(x.shape)} shape=${tupleText(shape)}.`,
    );
  }
  if (!x.shape.every((d, i) => d === 1 || d === shape[lead + i])) {
    throw new RematValueError(
      `Incompatible types for broadcasting: input type=${x.aval.toLongString()} and requested type=${x.dtype}[${shape.join(",")}]. ` +
        "Counted from the last axis, sizes must be equal, or 1 in the input.",
    );
  }
  return broadcastedInDim(x, shape, range(x.ndim, lead));
}
