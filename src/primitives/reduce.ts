/**
 * Reductions over axes: `reduce_max`, `reduce_min`, `reduce_prod`, the bitwise ones, `argmax` and `argmin`, and `reduce` by any function.
 * (`reduce_sum`, on which many rules rest, is in `shape.ts`.)
 *
 * The derivative of a maximum goes to the places that attain it, in equal parts. Products, and reductions by any function, are
 * differentiated as a tree of calls on halves of the array.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { isComplex, isInteger, type DType } from "../core/dtype.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind, bind1, currentTrace } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal, type Element } from "../core/scalar.ts";
import { instantiate } from "../core/zeros.ts";
import { DTypeError, NotDifferentiableError, RematValueError } from "../errors.ts";
import { jvpByOperand, zeroJvp } from "./algebra.ts";
import { div, mul } from "./arithmetic.ts";
import { remaining, shapesText, tupleText, without } from "./axes.ts";
import { eq } from "./comparison.ts";
import { convertElementType } from "./convert.ts";
import { padded, slicedAlong, type PaddingOfAxis } from "./pad.ts";
import {
  batchedInFront,
  batchReducer,
  broadcasted,
  reducedShape,
  requireNumber,
  reshaped,
  squeezed,
  summed,
  type AxesParams,
} from "./shape.ts";

export { reduceSum, type AxesParams, type ReduceSumParams } from "./shape.ts";

/** A maximum or a minimum. */
function chooser(name: "reduce_max" | "reduce_min"): Primitive<AxesParams> {
  const self: Primitive<AxesParams> = {
    name,
    type: ([x], { axes }) => [x.update({ shape: reducedShape(x, axes) })],
    jvp: jvpByOperand(
      () => self,
      [
        (t, y, [x], { axes }) => {
          const ones = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
          const chosen = convertElementType(eq(x, reshaped(y, ones)), t.dtype);
          const count = summed(chosen, axes);
          return div(summed(mul(t, chosen), axes), count);
        },
      ],
    ),
    batch: batchReducer(() => self),
  };
  return self;
}

export const reduceMax: Primitive<AxesParams> = chooser("reduce_max");
export const reduceMin: Primitive<AxesParams> = chooser("reduce_min");

export const reduceProd: Primitive<AxesParams> = {
  name: "reduce_prod",
  type([x], { axes }) {
    requireNumber("reduce_prod", x);
    return [x.update({ shape: reducedShape(x, axes) })];
  },
  jvp([x], tangents, { axes }) {
    const one = literal(1, x.dtype, x.weakType && x.ndim === 0);
    return treeJvp((a, b) => [mul(a[0], b[0])], [one], [x], tangents, axes);
  },
  batch: batchReducer(() => reduceProd),
};

/** A bitwise reduction of booleans or integers. */
function bitwise(name: "reduce_and" | "reduce_or" | "reduce_xor"): Primitive<AxesParams> {
  const self: Primitive<AxesParams> = {
    name,
    type([x], { axes }) {
      if (x.dtype !== "bool" && !isInteger(x.dtype)) {
        throw new DTypeError(
          `logical reduction requires operand dtype bool or int, got ${x.dtype}. Compare with zero first, or convert the operand.`,
        );
      }
      return [x.update({ shape: reducedShape(x, axes), weakType: false })];
    },
    jvp: zeroJvp(() => self),
    batch: batchReducer(() => self),
  };
  return self;
}

export const reduceAnd: Primitive<AxesParams> = bitwise("reduce_and");
export const reduceOr: Primitive<AxesParams> = bitwise("reduce_or");
export const reduceXor: Primitive<AxesParams> = bitwise("reduce_xor");

export type ArgParams = { readonly axes: readonly number[]; readonly index_dtype: DType };

function argument(name: "argmax" | "argmin"): Primitive<ArgParams> {
  const self: Primitive<ArgParams> = {
    name,
    type([x], { axes, index_dtype }) {
      const axis = axes[0];
      if (isComplex(x.dtype)) {
        throw new DTypeError(
          `${name} does not accept dtype ${x.dtype}: complex numbers have no order here. Take the ${name} of their absolute values.`,
        );
      }
      if (axis < 0 || axis >= x.ndim) {
        throw new RematValueError(
          `Invalid axis ${axis} for operand shape ${tupleText(x.shape)}: give one of its axes.`,
        );
      }
      if (x.shape[axis] < 1) {
        throw new RematValueError(
          `argmin and argmax require non-empty reduced dimension. operand.shape=${tupleText(x.shape)} axis=${axis}.`,
        );
      }
      if (!isInteger(index_dtype)) {
        throw new DTypeError(`index_dtype must be an integer type, but got ${index_dtype}.`);
      }
      return [x.update({ shape: without(x.shape, [axis]), dtype: index_dtype, weakType: false })];
    },
    jvp: zeroJvp(() => self),
    batch: batchReducer(() => self),
  };
  return self;
}

export const argmax: Primitive<ArgParams> = argument("argmax");
export const argmin: Primitive<ArgParams> = argument("argmin");

export type ReduceParams = {
  readonly computation: unknown;
  readonly dimensions: readonly number[];
  /** The combining function, on scalars: one of each operand on the left, one of each on the right. */
  readonly jaxpr: ClosedJaxpr<NDArray>;
};

const halves = <T>(xs: readonly T[]): [T[], T[]] => [xs.slice(0, xs.length / 2), xs.slice(xs.length / 2)];

export const reduce: Primitive<ReduceParams> = {
  name: "reduce",
  type(avals, { dimensions }) {
    const [operands, inits] = halves<ShapedArray>(avals);
    if (inits.some((a) => a.ndim > 0)) {
      throw new RematValueError(`reduce found non-scalar initial value: [${shapesText(inits)}].`);
    }
    if (operands.some((a, i) => a.dtype !== inits[i].dtype)) {
      const text = (list: readonly ShapedArray[]): string => `[${list.map((a) => a.toLongString()).join(", ")}]`;
      throw new DTypeError(
        `reduce operand dtypes should match corresponding initial value dtypes, got operands=${text(operands)} and ` +
          `initial_values=${text(inits)}.`,
      );
    }
    return operands.map((a, i) =>
      a.update({ shape: without(a.shape, dimensions), weakType: a.weakType && inits[i].weakType }),
    );
  },
  jvp(primals, tangents, { dimensions, jaxpr }) {
    const [operands, inits] = halves(primals);
    const [ts, initTangents] = halves(tangents);
    if (initTangents.some((t) => t !== null)) {
      throw new NotDifferentiableError(
        "Gradient of general lax.reduce with non-zero tangents for initial values to reduction not implemented. " +
          "Combine the initial value with the result instead.",
      );
    }
    const combine: Combine = (a, b) => evalJaxpr(jaxpr.jaxpr, jaxpr.consts, [...a, ...b]);
    return treeJvp(combine, inits, operands, ts, dimensions);
  },
  batch(size, args, dims, params) {
    const [operands, inits] = halves(args);
    const [operandDims, initDims] = halves(dims);
    if (initDims.some((d) => d !== null)) {
      throw new NotDifferentiableError(
        "batching lax.reduce over its initial values is not implemented: combine them with the result.",
      );
    }
    const moved = operands.map((x, i) => batchedInFront(x, operandDims[i], size));
    const dimensions = params.dimensions.map((d) => d + 1);
    const outs = bind(reduce, [...moved, ...inits], { ...params, dimensions });
    return { outs, dims: outs.map(() => 0) };
  },
};

type Combine = (left: readonly NDArray[], right: readonly NDArray[]) => readonly NDArray[];

/** The jvp of a reduction, as that of a tree of combinations of halves along one axis. */
function treeJvp(
  combine: Combine,
  inits: readonly NDArray[],
  primals: readonly NDArray[],
  tangents: readonly (NDArray | null)[],
  axes: readonly number[],
): ReturnType<NonNullable<Primitive["jvp"]>> {
  const shape = primals[0].shape;
  const kept = remaining(shape.length, axes);
  const order = [...axes, ...kept];
  const sizes = [axes.reduce((n, a) => n * shape[a], 1), ...kept.map((a) => shape[a])];
  const flat = primals.map((x) => reshaped(x, sizes, order));
  const flatTangents = tangents.map((t, i) => reshaped(instantiate(t, primals[i].aval.toTangent()), sizes, order));
  const tree = (start: readonly NDArray[]): readonly NDArray[] => {
    let xs = start;
    while (xs[0].shape[0] > 1) {
      const n = xs[0].shape[0];
      const middle = Math.ceil(n / 2);
      const left = xs.map((x) => slicedAlong(x, 0, middle, 0));
      let right = xs.map((x) => slicedAlong(x, middle, n, 0));
      if (n % 2 === 1) {
        const config = xs[0].shape.map((_, i): PaddingOfAxis => [0, i === 0 ? 1 : 0, 0]);
        right = right.map((x, i) => padded(x, inits[i], config));
      }
      xs = combine(left, right);
    }
    if (xs[0].shape[0] === 0) {
      return inits.map((init) => broadcasted(init, sizes.slice(1)));
    }
    return xs.map((x) => squeezed(x, [0]));
  };
  return jvpFlat(tree, currentTrace(), flat, flatTangents);
}

export const reducePrimitives = [
  reduceMax,
  reduceMin,
  reduceProd,
  reduceAnd,
  reduceOr,
  reduceXor,
  argmax,
  argmin,
  reduce,
] as const;

const over =
  (primitive: Primitive<AxesParams>) =>
  (x: NDArray, axes: readonly number[]): NDArray =>
    bind1(primitive, [x], { axes: [...axes] });

export const maximumOver: (x: NDArray, axes: readonly number[]) => NDArray = over(reduceMax);
export const minimumOver: (x: NDArray, axes: readonly number[]) => NDArray = over(reduceMin);
export const productOver: (x: NDArray, axes: readonly number[]) => NDArray = over(reduceProd);
export const andOver: (x: NDArray, axes: readonly number[]) => NDArray = over(reduceAnd);
export const orOver: (x: NDArray, axes: readonly number[]) => NDArray = over(reduceOr);
export const xorOver: (x: NDArray, axes: readonly number[]) => NDArray = over(reduceXor);

/** The least and greatest elements of a dtype: where maxima and minima start. */
export function extremes(dtype: DType): readonly [low: Element, high: Element] {
  switch (dtype) {
    case "bool":
      return [false, true];
    case "int8":
      return [-128, 127];
    case "int16":
      return [-32768, 32767];
    case "int32":
      return [-(2 ** 31), 2 ** 31 - 1];
    case "int64":
      return [-(2n ** 63n), 2n ** 63n - 1n];
    case "uint8":
      return [0, 255];
    case "uint16":
      return [0, 65535];
    case "uint32":
      return [0, 2 ** 32 - 1];
    case "uint64":
      return [0n, 2n ** 64n - 1n];
    default:
      return [-Infinity, Infinity];
  }
}
