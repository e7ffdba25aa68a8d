/**
 * Cutting out a box (`slice`) and putting a box into a larger one (`pad`), each the transpose of the other. Padding may be negative, which
 * cuts, and may go between the elements, which is how a strided slice is turned around.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { DTypeError, RematValueError, ShapeError } from "../errors.ts";
import { isLinear, linearJvp } from "./algebra.ts";
import { sub } from "./arithmetic.ts";
import { inserted, range, tupleText } from "./axes.ts";
import { selectN } from "./comparison.ts";
import { broadcasted, broadcastedInDim, filled, movedAxis, summed } from "./shape.ts";

export type SliceParams = {
  readonly start_indices: readonly number[];
  readonly limit_indices: readonly number[];
  readonly strides: readonly number[] | null;
};

export const slice: Primitive<SliceParams> = {
  name: "slice",
  type([x], { start_indices: starts, limit_indices: limits, strides }) {
    const operand = x;
    if (operand.ndim !== starts.length) {
      throw new ShapeError(
        `slice start_indices must have length equal to the number of dimensions of the operand, got indices ` +
          `${tupleText(starts)} for operand shape ${tupleText(operand.shape)}.`,
      );
    }
    if (starts.length !== limits.length) {
      throw new ShapeError(
        `slice limit_indices must have the same length as start_indices, got start_indices ${tupleText(starts)} and ` +
          `limit_indices ${tupleText(limits)}.`,
      );
    }
    if (!limits.every((l, i) => l <= operand.shape[i])) {
      throw new ShapeError(
        `slice limit_indices must be less than or equal to operand shape, got limit_indices ${tupleText(limits)} for ` +
          `operand shape ${tupleText(operand.shape)}: slice_sizes ${tupleText(limits.map((l, i) => l - starts[i]))} don't fit.`,
      );
    }
    if (!starts.every((s) => s >= 0)) {
      throw new ShapeError(
        `slice start_indices must have every element be nonnegative, got ${tupleText(starts)}. Count from the start of each axis.`,
      );
    }
    if (![...starts, ...limits].every(Number.isInteger)) {
      throw new ShapeError(
        `slice start_indices and limit_indices must have every element be an integer, got ${tupleText(starts)} and ${tupleText(limits)}.`,
      );
    }
    if (!limits.every((l, i) => l >= starts[i])) {
      throw new ShapeError(
        `slice limit_indices must be greater than or equal to start_indices, got start_indices ${tupleText(starts)} and ` +
          `limit_indices ${tupleText(limits)}: slice_sizes of ${tupleText(limits.map((l, i) => l - starts[i]))}.`,
      );
    }
    if (strides !== null && strides.length !== operand.ndim) {
      throw new ShapeError(
        `slice strides must have length equal to the number of dimensions of the operand, got strides ` +
          `${tupleText(strides)} for operand shape ${tupleText(operand.shape)}.`,
      );
    }
    if (strides !== null && !strides.every((s) => s > 0)) {
      throw new ShapeError(`slice strides must be positive, got ${tupleText(strides)}.`);
    }
    return [operand.update({ shape: starts.map((s, i) => Math.ceil((limits[i] - s) / (strides?.[i] ?? 1))) })];
  },
  jvp: linearJvp(() => slice),
  transpose([ct], [x], { start_indices: starts, limit_indices: limits, strides }) {
    const shape = x.aval.shape;
    const config = starts.map((start, i): PaddingOfAxis => {
      const stride = strides?.[i] ?? 1;
      const size = ct!.shape[i];
      if (strides === null || strides.every((s) => s === 1)) return [start, shape[i] - limits[i], 0];
      return [start, shape[i] - (start + (size === 0 ? 0 : 1 + (size - 1) * stride)), stride - 1];
    });
    return [padded(ct!, zeroLike(ct!), config)];
  },
  batch(_size, [x], [dim], { start_indices, limit_indices, strides }) {
    const d = dim!;
    const params: SliceParams = {
      start_indices: inserted(start_indices, d, 0),
      limit_indices: inserted(limit_indices, d, x.shape[d]),
      strides: strides === null ? null : inserted(strides, d, 1),
    };
    return { outs: [bind1(slice, [x], params)], dims: [d] };
  },
};

/** Before the first element, after the last, and between two. */
export type PaddingOfAxis = readonly [low: number, high: number, interior: number];
export type PadParams = { readonly padding_config: readonly PaddingOfAxis[] };

const configText = (config: readonly PaddingOfAxis[]): string => tupleText(config.map(tupleText));

export const pad: Primitive<PadParams> = {
  name: "pad",
  type([x, value], { padding_config: config }) {
    const operand = x;
    if (operand.dtype !== value.dtype) {
      throw new DTypeError(
        `pad operand and padding_value must be same dtype: got ${operand.dtype} and ${value.dtype}.`,
      );
    }
    if (value.ndim !== 0) {
      throw new RematValueError(
        `padding_value must be a scalar; got np.shape(padding_value)=${tupleText(value.shape)}.`,
      );
    }
    if (config.length !== operand.ndim) {
      throw new RematValueError(
        `length of padding_config must equal the number of axes of operand, got padding_config ${configText(config)} for ` +
          `operand shape ${tupleText(operand.shape)}.`,
      );
    }
    if (!config.every(([, , interior]) => interior >= 0)) {
      throw new RematValueError(
        `interior padding in padding_config must be nonnegative, got padding_config ${configText(config)}.`,
      );
    }
    const shape = config.map(([low, high, interior], i) => {
      const d = operand.shape[i];
      return low + high + (d === 0 ? 0 : 1 + (interior + 1) * (d - 1));
    });
    if (!shape.every((d) => d >= 0)) {
      throw new RematValueError(
        `Dimension size after padding is not at least 0, got result shape ${tupleText(shape)}, for padding_config ` +
          `${configText(config)} and operand shape ${tupleText(operand.shape)}.`,
      );
    }
    return [operand.update({ shape, weakType: operand.weakType && value.weakType })];
  },
  jvp: linearJvp(() => pad),
  transpose([ct], [x, value], { padding_config: config }) {
    const cut = padded(
      ct!,
      zeroLike(ct!),
      config.map(([low, high]): PaddingOfAxis => [-low, -high, 0]),
    );
    const forOperand = sliced(
      cut,
      config.map(() => 0),
      cut.shape,
      config.map(([, , interior]) => interior + 1),
    );
    if (!isLinear(value)) return [forOperand, null];
    const all = (t: NDArray): NDArray => summed(t, range(t.ndim));
    const rest = sub(all(ct!), all(forOperand));
    return [isLinear(x) ? forOperand : null, rest];
  },
  batch(size, [x, value], [dim, valueDim], { padding_config }) {
    const at = dim ?? 0;
    const operand = dim === null ? broadcasted(x, [size]) : x;
    const config = inserted<PaddingOfAxis>(padding_config, at, [0, 0, 0]);
    if (valueDim === null) return { outs: [padded(operand, value, config)], dims: [at] };
    const inside = padded(operand, filled([], 0, operand.dtype, operand.weakType), config);
    const mask = padded(filled(operand.shape, true, "bool"), literal(false, "bool"), config);
    const outside = broadcastedInDim(movedAxis(value, valueDim, 0), inside.shape, [at]);
    return { outs: [selectN(mask, outside, inside)], dims: [at] };
  },
};

const zeroLike = (x: NDArray): NDArray => literal(0, x.dtype);

export const padPrimitives = [slice, pad] as const;

export const padded = (x: NDArray, value: NDArray, config: readonly PaddingOfAxis[]): NDArray =>
  bind1(pad, [x, value], { padding_config: config });

export const sliced = (
  x: NDArray,
  starts: readonly number[],
  limits: Shape,
  strides: readonly number[] | null = null,
): NDArray =>
  bind1(slice, [x], {
    start_indices: [...starts],
    limit_indices: [...limits],
    strides: strides === null ? null : [...strides],
  });

/** A slice along one axis, all of the others. */
export const slicedAlong = (x: NDArray, start: number, limit: number, axis: number, stride = 1): NDArray =>
  sliced(
    x,
    range(x.ndim).map((i) => (i === axis ? start : 0)),
    x.shape.with(axis, limit),
    range(x.ndim).map((i) => (i === axis ? stride : 1)),
  );
