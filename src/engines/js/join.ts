/** Kernels that cut arrays and put them together: slices, padding, concatenation and its inverse. */
import type { ConcreteArray } from "../../core/array.ts";
import { sizeOf, type Shape } from "../../core/aval.ts";
import { dtypes, type TypedArray } from "../../core/dtype.ts";
import type { ConcatenateParams, SplitParams, StackParams, TileParams } from "../../primitives/join.ts";
import type { PadParams, SliceParams } from "../../primitives/pad.ts";
import type { Kernel } from "./kernel.ts";
import { copyBox, gatherBox, room, stridesOf } from "./shape.ts";

const slice: Kernel = ([x], [out], params) => {
  const { start_indices: starts, strides } = params as SliceParams;
  const own = stridesOf(x.shape);
  const offset = starts.reduce((n, start, i) => n + start * own[i], 0);
  return [
    gatherBox(
      x,
      out.shape,
      own.map((s, i) => s * (strides?.[i] ?? 1)),
      offset,
    ),
  ];
};

const pad: Kernel = ([x, value], [out], params) => {
  const { padding_config: config } = params as PadParams;
  const lanes = dtypes[x.dtype].lanes;
  const result = room(x.dtype, out.size) as Float64Array;
  const fill = value.data as Float64Array;
  if (fill.some((v) => v !== 0)) for (let i = 0; i < result.length; i++) result[i] = fill[i % lanes]!;
  const inStrides = stridesOf(x.shape);
  const outStrides = stridesOf(out.shape);
  let from = 0;
  let to = 0;
  const box: number[] = [];
  config.forEach(([low, , interior], i) => {
    // Negative padding cuts: the first and last elements that land inside the result.
    const step = interior + 1;
    const first = low >= 0 ? 0 : Math.ceil(-low / step);
    const last = Math.min(x.shape[i] - 1, Math.floor((out.shape[i] - 1 - low) / step));
    box.push(Math.max(0, last - first + 1));
    from += first * inStrides[i];
    to += (low + first * step) * outStrides[i];
  });
  copyBox(box, lanes, x.data, { strides: inStrides, offset: from }, result, {
    strides: outStrides.map((s, i) => s * (config[i][2] + 1)),
    offset: to,
  });
  return [result];
};

/** Puts each operand into its place along an axis. */
function joined(args: readonly ConcreteArray[], outShape: Shape, axis: number, sizes: readonly number[]): TypedArray {
  const dtype = args[0].dtype;
  const out = room(dtype, sizeOf(outShape));
  const strides = stridesOf(outShape);
  let at = 0;
  args.forEach((x, i) => {
    const box = outShape.with(axis, sizes[i]);
    copyBox(box, dtypes[dtype].lanes, x.data, { strides: stridesOf(box), offset: 0 }, out, {
      strides,
      offset: at * strides[axis],
    });
    at += sizes[i];
  });
  return out;
}

const concatenate: Kernel = (args, [out], params) => {
  const { dimension } = params as ConcatenateParams;
  return [
    joined(
      args,
      out.shape,
      dimension,
      args.map((x) => x.shape[dimension]),
    ),
  ];
};

const stack: Kernel = (args, [out], params) => {
  const { axis } = params as StackParams;
  return [
    joined(
      args,
      out.shape,
      axis,
      args.map(() => 1),
    ),
  ];
};

/** Cuts an array along an axis. */
function cut(x: ConcreteArray, axis: number, sizes: readonly number[]): TypedArray[] {
  const strides = stridesOf(x.shape);
  let at = 0;
  return sizes.map((size) => {
    const piece = gatherBox(x, x.shape.with(axis, size), strides, at * strides[axis]);
    at += size;
    return piece;
  });
}

const split: Kernel = ([x], _outs, params) => {
  const { axis, sizes } = params as SplitParams;
  return cut(x, axis, sizes);
};

const unstack: Kernel = ([x], outs, params) =>
  cut(
    x,
    (params as StackParams).axis,
    outs.map(() => 1),
  );

const tile: Kernel = ([x], _outs, params) => {
  const { reps } = params as TileParams;
  const own = stridesOf(x.shape);
  return [
    gatherBox(
      x,
      reps.flatMap((r, i) => [r, x.shape[i]]),
      own.flatMap((s) => [0, s]),
    ),
  ];
};

export const joinKernels = {
  slice,
  pad,
  concatenate,
  split,
  stack,
  unstack,
  tile,
} as const satisfies Record<string, Kernel>;
