/** Bits packed into bytes and taken out again. */
import type { NDArray } from "../core/array.ts";
import { isInteger } from "../core/dtype.ts";
import { literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { range } from "../primitives/axes.ts";
import { ne } from "../primitives/comparison.ts";
import { padded } from "../primitives/pad.ts";
import { asarray, int, type ArrayLike } from "./asarray.ts";
import { arange } from "./creation.ts";
import { getitem, slice } from "./indexing.ts";
import { jitted } from "./jitted.ts";
import { bitwiseAnd, greater, leftShift } from "./logic.ts";
import { keyOf, named } from "./options.ts";
import { pad } from "./padding.ts";
import { astype } from "./piecewise.ts";
import { sum } from "./reductions.ts";
import { expandDims, ravel, reshape, swapaxes } from "./shape.ts";

/** Which bit of a byte comes first. */
export type BitOrder = "big" | "little";

export interface PackOptions {
  readonly axis?: number | null;
  readonly bitorder?: BitOrder;
}

export interface UnpackOptions extends PackOptions {
  /** How many bits to return: fewer cut off, more are zero. */
  readonly count?: number | null;
}

function requireOrder(order: string): void {
  if (order !== "big" && order !== "little") {
    throw new RematValueError(`'order' must be either 'little' or 'big', got '${order}'.`);
  }
}

/** Zeros and ones (anything that is not zero) as the bits of bytes, along an axis or of the flattened array. */
export function packbits(a: ArrayLike, axis?: number | null | PackOptions): NDArray {
  const { axis: along = null, bitorder = "big" } = named<PackOptions>(["axis"], [axis]);
  return jitted(
    "packbits",
    keyOf(along, bitorder),
    (given) => {
      if (!isInteger(given.dtype) && given.dtype !== "bool") {
        throw new RematTypeError(`Expected an input array of integer or boolean data type, got ${given.dtype}.`);
      }
      requireOrder(bitorder);
      let x = astype(ne(given, literal(0, given.dtype)), "uint8");
      let bits = arange(8, { dtype: "uint8" });
      if (bitorder === "big") bits = getitem(bits, slice(null, null, -1));
      if (along === null) x = ravel(x);
      x = swapaxes(x, along ?? 0, -1);
      const rest = x.shape.at(-1)! % 8;
      if (rest > 0) {
        const none = range(x.ndim - 1).map(() => [0, 0, 0] as const);
        x = padded(x, literal(0, "uint8"), [...none, [0, 8 - rest, 0]]);
      }
      x = reshape(x, [...x.shape.slice(0, -1), Math.floor(x.shape.at(-1)! / 8), 8]);
      const shifted = leftShift(x, expandDims(bits, range(x.ndim - 1)));
      return swapaxes(astype(sum(shifted, -1), "uint8"), along ?? 0, -1);
    },
    [a],
  );
}

/** The bits of bytes as zeros and ones, along an axis or of the flattened array. */
export function unpackbits(
  a: ArrayLike,
  axis?: number | null | UnpackOptions,
  count?: number | null | UnpackOptions,
): NDArray {
  const given = named<UnpackOptions>(["axis", "count"], [axis, count]);
  const { axis: along = null, count: wanted = null, bitorder = "big" } = given;
  return jitted(
    "unpackbits",
    keyOf(along, wanted, bitorder),
    (bytes) => {
      if (bytes.dtype !== "uint8") {
        throw new RematTypeError(`Expected an input array of unsigned byte data type, got ${bytes.dtype}.`);
      }
      requireOrder(bitorder);
      let bits = leftShift(asarray(int(1)), arange(8, { dtype: "uint8" }));
      if (bitorder === "big") bits = getitem(bits, slice(null, null, -1));
      const x = swapaxes(along === null ? ravel(bytes) : bytes, along ?? 0, -1);
      const masked = bitwiseAnd(getitem(x, "...", null), expandDims(bits, range(x.ndim)));
      let out = astype(greater(masked, 0), "uint8");
      out = reshape(out, [...out.shape.slice(0, -2), -1]);
      const size = out.shape.at(-1)!;
      if (wanted !== null && wanted > size) {
        out = pad(out, [...range(out.ndim - 1).map(() => [0, 0] as const), [0, wanted - size]]);
      } else if (wanted !== null) out = getitem(out, "...", slice(null, wanted));
      return swapaxes(out, along ?? 0, -1);
    },
    [a],
  );
}
