/** The logarithm of a sum of exponentials, without overflow, with a derivative rule of its own that stays finite at infinities. */
import type { NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import * as p from "./arithmetic.ts";
import { rem } from "./rem.ts";
import { constLike, zerosLike } from "./broadcasting.ts";
import * as b from "./comparison.ts";
import { complex, imag, real } from "./complex.ts";
import { customJvpCall } from "./customJvp.ts";
import * as e from "./elementwise.ts";

function withoutInfinity(x: NDArray): NDArray {
  const re = isComplex(x.dtype) ? real(x) : x;
  return b.select(b.eq(re, constLike(re, Infinity)), zerosLike(x), x);
}

/** The angle between -limit and limit. */
const wrapped = (x: NDArray, limit: number): NDArray => {
  const period = constLike(x, 2 * limit);
  const half = constLike(x, limit);
  const rest = rem(p.add(x, half), period);
  return p.sub(b.select(b.lt(rest, constLike(x, 0)), p.add(rest, period), rest), half);
};

interface LogAdd {
  readonly name: string;
  readonly exp: (x: NDArray) => NDArray;
  /** The factor of log1p. */
  readonly scale: number | null;
}

function logAdd(kind: LogAdd, x1: NDArray, x2: NDArray): NDArray {
  const scaled = (top: NDArray, y: NDArray) => (kind.scale === null ? y : p.mul(constLike(top, kind.scale), y));
  return customJvpCall(
    kind.name,
    (x, y) => {
      const top = p.max(x, y);
      if (!isComplex(x.dtype)) {
        const delta = p.sub(x, y);
        const isNaN = b.ne(delta, delta);
        return [b.select(isNaN, p.add(x, y), p.add(top, scaled(top, e.log1p(kind.exp(p.neg(p.abs(delta)))))))];
      }
      const delta = p.sub(p.add(x, y), p.mul(top, constLike(top, 2)));
      const out = p.add(top, scaled(top, e.log1p(kind.exp(delta))));
      return [complex(real(out), wrapped(imag(out), Math.PI * (kind.scale ?? 1)))];
    },
    ([x, y], [tx, ty]) => {
      const out = logAdd(kind, x, y);
      const weight = (z: NDArray) => kind.exp(p.sub(withoutInfinity(z), withoutInfinity(out)));
      return [[out], [p.add(p.mul(tx!, weight(x)), p.mul(ty!, weight(y)))]];
    },
    [x1, x2],
    { jvpName: `_${kind.name}_jvp` },
  )[0];
}

const natural: LogAdd = { name: "logaddexp", exp: e.exp, scale: null };
const binary: LogAdd = { name: "logaddexp2", exp: e.exp2, scale: 1 / Math.LN2 };

/** log(exp(x) + exp(y)) of two arrays of one floating dtype. */
export const logAddExp = (x: NDArray, y: NDArray): NDArray => logAdd(natural, x, y);
/** log2(2^x + 2^y) of two arrays of one floating dtype. */
export const logAddExp2 = (x: NDArray, y: NDArray): NDArray => logAdd(binary, x, y);
