/** Running sums, products and extremes along an axis. Only the sum is linear; the others are differentiated as an associative scan. */
import type { NDArray } from "../core/array.ts";
import { bind1, currentTrace } from "../core/interpreter.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { Primitive } from "../core/primitive.ts";
import { RematValueError } from "../errors.ts";
import { linearJvp } from "./algebra.ts";
import { max, min, mul } from "./arithmetic.ts";
import { associativeScanFlat } from "./associativeScan.ts";
import { tupleText } from "./axes.ts";
import { logAddExp } from "./logAddExp.ts";
import { requireNumber } from "./shape.ts";

export type CumulativeParams = { readonly axis: number; readonly reverse: boolean };

type Rules = Pick<Primitive<CumulativeParams>, "jvp" | "transpose">;

function cumulative(
  name: string,
  rules: (self: () => Primitive<CumulativeParams>) => Rules,
): Primitive<CumulativeParams> {
  const self: Primitive<CumulativeParams> = {
    name,
    type([x], { axis }) {
      if (axis < 0) {
        throw new RematValueError(
          `${name}: XLA operations do not allow negative axes, got axis ${axis} for shape ${tupleText(x.shape)}.`,
        );
      }
      if (axis >= x.ndim) {
        throw new RematValueError(`axis ${axis} is out of bounds for array of shape ${tupleText(x.shape)}.`);
      }
      requireNumber(name, x);
      return [x];
    },
    batch: (_size, [x], [dim], { axis, reverse }) => ({
      outs: [bind1(self, [x], { axis: axis < dim! ? axis : axis + 1, reverse })],
      dims: [dim],
    }),
    ...rules(() => self),
  };
  return self;
}

/** The rule of a running combination: that of the tree of calls that computes it. */
const scanJvp =
  (combine: (a: NDArray, b: NDArray) => NDArray): NonNullable<Primitive<CumulativeParams>["jvp"]> =>
  (primals, tangents, { axis, reverse }) =>
    jvpFlat(
      (xs) => associativeScanFlat(([a], [b]) => [combine(a, b)], xs, reverse, axis),
      currentTrace(),
      primals,
      tangents,
    );

export const cumsum: Primitive<CumulativeParams> = cumulative("cumsum", (self) => ({
  jvp: linearJvp(self),
  transpose: ([ct], _args, { axis, reverse }) => [accumulated(self(), ct!, axis, !reverse)],
}));
export const cumprod: Primitive<CumulativeParams> = cumulative("cumprod", () => ({ jvp: scanJvp(mul) }));
export const cummax: Primitive<CumulativeParams> = cumulative("cummax", () => ({ jvp: scanJvp(max) }));
export const cummin: Primitive<CumulativeParams> = cumulative("cummin", () => ({ jvp: scanJvp(min) }));
export const cumlogsumexp: Primitive<CumulativeParams> = cumulative("cumlogsumexp", () => ({
  jvp: scanJvp(logAddExp),
}));

export const cumulativePrimitives = [cumsum, cumprod, cummax, cummin, cumlogsumexp] as const;

/** Binds one of them. */
export const accumulated = (
  primitive: Primitive<CumulativeParams>,
  x: NDArray,
  axis: number,
  reverse: boolean,
): NDArray => bind1(primitive, [x], { axis, reverse });
