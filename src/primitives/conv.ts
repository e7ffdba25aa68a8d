/**
 * `conv_general_dilated`: convolution over any number of spatial axes, with strides, padding, dilation of input and kernel, and groups of features
 * or batches. Its dimension numbers say which axis is the batch, which the features, and which are spatial.
 *
 * It is linear in input and kernel. The cotangent of the input is a convolution with the flipped kernel, strides and input dilation
 * exchanged; that of the kernel is a convolution of the input with the cotangent, batch and features exchanged.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray, Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { BatchResult, Operand, Primitive } from "../core/primitive.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { bilinear, isLinear } from "./algebra.ts";
import { argsort, inserted, range, tupleText, without } from "./axes.ts";
import { convertElementType } from "./convert.ts";
import { precisionText, upcast, type PrecisionPair } from "./dot.ts";
import { requireSameDType } from "./join.ts";
import { filled, reshaped, reversed } from "./shape.ts";

/** Batch (or output feature), feature (or input feature), then spatial axes. */
export type ConvSpec = readonly number[];

export interface ConvDimensionNumbers {
  readonly lhs_spec: ConvSpec;
  readonly rhs_spec: ConvSpec;
  readonly out_spec: ConvSpec;
}

export type Padding = readonly (readonly [low: number, high: number])[];

export type ConvParams = {
  readonly window_strides: readonly number[];
  readonly padding: Padding;
  readonly lhs_dilation: readonly number[];
  readonly rhs_dilation: readonly number[];
  readonly dimension_numbers: ConvDimensionNumbers;
  readonly feature_group_count: number;
  readonly batch_group_count: number;
  readonly precision: PrecisionPair | null;
  readonly preferred_element_type: DType | null;
  readonly out_sharding: null;
};

/** The size of an axis with gaps of dilation - 1 between its elements. */
export const dilated = (size: number, dilation: number): number => (size === 0 ? 0 : 1 + dilation * (size - 1));

/** How many windows fit. */
export const windows = (size: number, window: number, stride: number): number =>
  size < window ? 0 : Math.floor((size - window) / stride) + 1;

const spatial = (spec: ConvSpec): readonly number[] => spec.slice(2);
const sizes = (shape: Shape, axes: readonly number[]): number[] => axes.map((a) => shape[a]);

export const convGeneralDilated: Primitive<ConvParams> = {
  name: "conv_general_dilated",
  type([lhs, rhs], params) {
    const shape = convShape(lhs, rhs, params);
    requireSameDType("conv_general_dilated", [lhs, rhs]);
    const dtype = upcast(lhs.dtype, params.preferred_element_type);
    return [lhs.update({ shape, dtype, weakType: lhs.weakType && rhs.weakType })];
  },
  jvp: bilinear<ConvParams>(
    () => convGeneralDilated,
    (ct) => ct,
    (ct) => ct,
  ).jvp,
  transpose([ct], [lhs, rhs], params) {
    if (isLinear(lhs)) return [inputCotangent(ct!, lhs.aval, rhs as NDArray, params), null];
    // An empty result says nothing about the kernel, and there is no convolution with windows of size 0.
    if (ct!.size === 0) return [null, null];
    return [null, kernelCotangent(ct!, lhs, rhs, params)];
  },
  batch: (size, [lhs, rhs], [lhsDim, rhsDim], params) => batchConv(size, lhs, rhs, lhsDim, rhsDim, params),
  print: (params) => {
    const { lhs_spec, rhs_spec, out_spec } = params.dimension_numbers;
    const numbers =
      `ConvDimensionNumbers(lhs_spec=${tupleText(lhs_spec)}, rhs_spec=${tupleText(rhs_spec)}, ` +
      `out_spec=${tupleText(out_spec)})`;
    return [
      ["batch_group_count", params.batch_group_count],
      ["dimension_numbers", numbers],
      ["feature_group_count", params.feature_group_count],
      ["lhs_dilation", params.lhs_dilation],
      ["out_sharding", params.out_sharding],
      ["padding", params.padding],
      ["precision", params.precision === null ? null : precisionText(params.precision)],
      ["preferred_element_type", params.preferred_element_type],
      ["rhs_dilation", params.rhs_dilation],
      ["window_strides", params.window_strides],
    ];
  },
};

export const convPrimitives = [convGeneralDilated] as const;

export const convolved = (lhs: NDArray, rhs: NDArray, params: ConvParams): NDArray =>
  bind1(convGeneralDilated, [lhs, rhs], params);

function convShape(lhs: ShapedArray, rhs: ShapedArray, params: ConvParams): number[] {
  const { lhs_spec: l, rhs_spec: r, out_spec: o } = params.dimension_numbers;
  const { feature_group_count: groups, batch_group_count: batches, window_strides: strides, padding } = params;
  const fail = (text: string): never => {
    throw new RematValueError(
      `${text}. The input is ${lhs.toLongString()}, the kernel ${rhs.toLongString()}: check the dimension numbers and group counts.`,
    );
  };
  if (lhs.ndim !== rhs.ndim) {
    fail(
      `conv_general_dilated lhs and rhs must have the same number of dimensions, but got ${tupleText(lhs.shape)} and ` +
        tupleText(rhs.shape),
    );
  }
  if (!(groups > 0)) fail(`conv_general_dilated feature_group_count must be a positive integer, got ${groups}`);
  const features = lhs.shape[l[1]];
  const outFeatures = rhs.shape[r[0]];
  if (features % groups !== 0) {
    fail(
      `conv_general_dilated feature_group_count must divide lhs feature dimension size, but ${groups} does not divide ${features}`,
    );
  }
  if (features / groups !== rhs.shape[r[1]]) {
    fail(
      "conv_general_dilated lhs feature dimension size divided by feature_group_count must equal the rhs input feature dimension " +
        `size, but ${features} // ${groups} != ${rhs.shape[r[1]]}`,
    );
  }
  if (outFeatures % groups !== 0) {
    fail(
      "conv_general_dilated rhs output feature dimension size must be a multiple of feature_group_count, but " +
        `${outFeatures} is not a multiple of ${groups}`,
    );
  }
  if (!(batches > 0)) fail(`conv_general_dilated batch_group_count must be a positive integer, got ${batches}`);
  const batch = lhs.shape[l[0]];
  if (batch % batches !== 0) {
    fail(
      `conv_general_dilated batch_group_count must divide lhs batch dimension size, but ${batches} does not divide ${batch}`,
    );
  }
  if (outFeatures % batches !== 0) {
    fail(
      "conv_general_dilated rhs output feature dimension size must be a multiple of batch_group_count, but " +
        `${outFeatures} is not a multiple of ${batches}`,
    );
  }
  if (batches > 1 && groups > 1) {
    fail(
      "At most one of batch_group_count and feature_group_count may be > 1, got " +
        `batch_group_count=${batches} and feature_group_count=${groups}`,
    );
  }
  if (spatial(r).length !== strides.length) {
    fail(
      "conv_general_dilated window and window_strides must have the same number of dimensions, but got " +
        `${spatial(r).length} and ${strides.length}`,
    );
  }
  if (padding.length !== lhs.ndim - 2) {
    throw new RematTypeError(
      `Wrong number of explicit pads for convolution: expected ${lhs.ndim - 2}, got ${padding.length}: give one pair for each ` +
        "spatial axis.",
    );
  }
  const outSizes = sizes(lhs.shape, spatial(l)).map((size, i) => {
    const padded = dilated(size, params.lhs_dilation[i]) + padding[i][0] + padding[i][1];
    if (padded < 0) {
      fail(
        "Negative padding is larger than the size of the corresponding dimension: got " +
          `padding=${tupleText(padding.map(tupleText))} for lhs_shape[2:]=${tupleText(sizes(lhs.shape, spatial(l)))}`,
      );
    }
    return windows(padded, dilated(rhs.shape[spatial(r)[i]], params.rhs_dilation[i]), strides[i]);
  });
  const ordered = [batch / batches, outFeatures, ...outSizes];
  return argsort(o).map((i) => ordered[i]);
}

const exchanged = ([first, second, ...rest]: ConvSpec): ConvSpec => [second, first, ...rest];

/** Moves an axis next to another and merges the two: `source` becomes the slower part of `target`. */
function mergedInto(source: number, target: number, x: NDArray): NDArray {
  const order = inserted(
    range(x.ndim).filter((i) => i !== source),
    target,
    source,
  );
  const rest = without(x.shape, [source]);
  return reshaped(x, rest.with(target, rest[target] * x.shape[source]), order);
}

/** Splits an axis in two, the slower one of the given size. */
const splitOff = (axis: number, size: number, x: NDArray): NDArray =>
  reshaped(x, x.shape.toSpliced(axis, 1, size, x.shape[axis] / size));

function inputCotangent(ct: NDArray, lhs: ShapedArray, rhs: NDArray, params: ConvParams): NDArray {
  const { lhs_spec: l, rhs_spec: r, out_spec: o } = params.dimension_numbers;
  const groups = Math.max(params.feature_group_count, params.batch_group_count);
  const kernel = groups > 1 ? mergedInto(r[0], r[1], splitOff(r[0], groups, rhs)) : rhs;
  const flipped = reversed(kernel, spatial(r));
  const padding = inputPadding(
    sizes(lhs.shape, spatial(l)),
    sizes(rhs.shape, spatial(r)),
    sizes(ct.shape, spatial(o)),
    params,
  );
  let out = convolved(ct, ct.dtype === flipped.dtype ? flipped : convertElementType(flipped, ct.dtype), {
    ...params,
    window_strides: params.lhs_dilation,
    padding,
    lhs_dilation: params.window_strides,
    dimension_numbers: { lhs_spec: o, rhs_spec: exchanged(r), out_spec: l },
    feature_group_count: groups,
    batch_group_count: 1,
  });
  if (out.dtype !== lhs.dtype) out = convertElementType(out, lhs.dtype);
  if (params.batch_group_count === 1) return out;
  return mergedInto(l[1], l[0], splitOff(l[1], params.batch_group_count, out));
}

/** The padding of the convolution (or window sum) that gives the cotangent of the input. */
export function inputPadding(
  input: Shape,
  window: Shape,
  out: Shape,
  params: Pick<ConvParams, "window_strides" | "padding" | "lhs_dilation" | "rhs_dilation">,
): Padding {
  return input.map((size, i) => {
    const wide = dilated(window[i], params.rhs_dilation[i]);
    const low = wide - params.padding[i][0] - 1;
    return [low, dilated(size, params.lhs_dilation[i]) + wide - 1 - dilated(out[i], params.window_strides[i]) - low];
  });
}

function kernelCotangent(ct: NDArray, lhs: NDArray, rhs: Operand, params: ConvParams): NDArray {
  const { lhs_spec: l, rhs_spec: r, out_spec: o } = params.dimension_numbers;
  const kernel = rhs.aval;
  const input = sizes(lhs.shape, spatial(l));
  const padding = input.map((size, i) => {
    const low = params.padding[i][0];
    const wide = dilated(kernel.shape[spatial(r)[i]], params.rhs_dilation[i]);
    const missing = dilated(ct.shape[spatial(o)[i]], params.window_strides[i]) - dilated(size, params.lhs_dilation[i]);
    return [low, missing + wide - low - 1] as const;
  });
  const out = convolved(ct.dtype === lhs.dtype ? lhs : convertElementType(lhs, ct.dtype), ct, {
    ...params,
    window_strides: params.rhs_dilation,
    padding,
    rhs_dilation: params.window_strides,
    dimension_numbers: { lhs_spec: exchanged(l), rhs_spec: exchanged(o), out_spec: exchanged(r) },
    // Groups of features of the input become groups of its batches, and the other way around.
    feature_group_count: params.batch_group_count,
    batch_group_count: params.feature_group_count,
  });
  return out.dtype === kernel.dtype ? out : convertElementType(out, kernel.dtype);
}

/** Merges a batch axis into the batches of the input, inside of its groups. */
function batchedInput(x: NDArray, dim: number, batch: number, groups: number): NDArray {
  if (groups === 1) return mergedInto(dim, batch, x);
  const split = splitOff(batch + (dim <= batch ? 1 : 0), groups, x);
  const merged = mergedInto(dim + (batch < dim ? 1 : 0), batch + 1, split);
  return mergedInto(batch, batch, merged);
}

function batchConv(
  size: number,
  lhs: NDArray,
  rhs: NDArray,
  lhsDim: number | null,
  rhsDim: number | null,
  params: ConvParams,
): BatchResult {
  const { lhs_spec: l, rhs_spec: r, out_spec: o } = params.dimension_numbers;
  const { feature_group_count: features, batch_group_count: batches } = params;
  const one = (out: NDArray, dim: number): BatchResult => ({ outs: [out], dims: [dim] });
  if (size === 0) {
    const [p, q] = [lhs, rhs].map((x, i) => {
      const dim = [lhsDim, rhsDim][i];
      return dim === null ? x.aval : x.aval.update({ shape: without(x.shape, [dim]) });
    });
    return one(filled([0, ...convShape(p, q, params)], 0, params.preferred_element_type ?? lhs.dtype), 0);
  }
  if (lhsDim !== null && rhsDim !== null) {
    const input = mergedInto(lhsDim, batches > 1 ? l[0] : l[1], lhs);
    const out = convolved(input, mergedInto(rhsDim, r[0], rhs), {
      ...params,
      feature_group_count: batches > 1 ? features : features * size,
      batch_group_count: batches > 1 ? batches * size : batches,
    });
    return one(splitOff(o[1], size, out), o[1]);
  }
  if (lhsDim !== null) {
    return one(splitOff(o[0], size, convolved(batchedInput(lhs, lhsDim, l[0], batches), rhs, params)), o[0]);
  }
  const dim = rhsDim as number;
  if (features === 1 && batches === 1) {
    return one(splitOff(o[1], size, convolved(lhs, mergedInto(dim, r[0], rhs), params)), o[1]);
  }
  // Groups must be outermost among the output features, so the batch goes between them and the rest.
  const groups = features > 1 ? features : batches;
  let kernel = splitOff(r[0] + (dim <= r[0] ? 1 : 0), groups, rhs);
  kernel = mergedInto(dim + (r[0] < dim ? 1 : 0), r[0] + 1, kernel);
  kernel = mergedInto(r[0], r[0], kernel);
  let out = splitOff(o[1], groups, convolved(lhs, kernel, params));
  out = splitOff(o[1] + 1, size, out);
  return one(mergedInto(o[1], o[1] + 1, out), o[1]);
}
