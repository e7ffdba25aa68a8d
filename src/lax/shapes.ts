/** The shapes that convolutions and windows give, computed without arrays. */
import { RematTypeError, RematValueError } from "../errors.ts";
import { dilated, windows } from "../primitives/conv.ts";
import type { Padding } from "../primitives/conv.ts";
import { convDimensionNumbers, paddingOf, transposePadding, type PaddingLike } from "./conv.ts";

type Shape = readonly number[];

/** Which axes are batch, feature and space in the input, the kernel and the output of a convolution. */
type Permutations = readonly [lhs: Shape, rhs: Shape, out: Shape];

/** The numbers of low and high padding on each axis that the name of a padding stands for. */
export const padtypeToPads = (
  inShape: Shape,
  windowShape: Shape,
  windowStrides: Shape,
  padding: PaddingLike,
): Padding => paddingOf(inShape, windowShape, windowStrides, padding);

/**
 * The axes in the order batch, feature, space (output and input feature first for the kernel) that a convolution's dimension numbers stand for.
 *
 *     lax.convGeneralPermutations(["NHWC", "HWIO", "NHWC"]) // [[0, 3, 1, 2], [3, 2, 0, 1], [0, 3, 1, 2]]
 */
export function convGeneralPermutations(dimensionNumbers: readonly [string, string, string]): Permutations {
  const [lhs, rhs] = dimensionNumbers.map((text) => [...text].map(() => 1));
  const { lhs_spec, rhs_spec, out_spec } = convDimensionNumbers(lhs, rhs, dimensionNumbers);
  return [lhs_spec, rhs_spec, out_spec];
}

/** The shape of a convolution whose operands have their batch and feature axes first. */
export function convShapeTuple(
  lhsShape: Shape,
  rhsShape: Shape,
  strides: Shape,
  pads: PaddingLike,
  batchGroupCount = 1,
): readonly number[] {
  const [input, kernel] = [lhsShape.slice(2), rhsShape.slice(2)];
  const padding = paddingOf(input, kernel, strides, pads);
  if (padding.length !== input.length) {
    throw new RematTypeError(
      `Wrong number of explicit pads for convolution: expected ${input.length}, got ${padding.length}.`,
    );
  }
  const padded = input.map((n, i) => n + padding[i][0] + padding[i][1]);
  if (padded.some((n) => n < 0)) {
    throw new RematValueError(
      `Negative padding is larger than the size of the corresponding dimension: got padding=${JSON.stringify(padding)} for ` +
        `lhs_shape[2:]=(${input.join(", ")}).`,
    );
  }
  const batch = Math.floor(lhsShape[0] / batchGroupCount);
  return [batch, rhsShape[0], ...padded.map((n, i) => windows(n, kernel[i], strides[i]))];
}

const taken = (shape: Shape, order: Shape): readonly number[] => order.map((axis) => shape[axis]);

/** Puts the axes back that `order` took. */
function restored(shape: Shape, order: Shape): readonly number[] {
  const out = new Array<number>(shape.length);
  order.forEach((axis, i) => (out[axis] = shape[i]));
  return out;
}

/** The shape of a convolution with dimension numbers. */
export function convGeneralShapeTuple(
  lhsShape: Shape,
  rhsShape: Shape,
  windowStrides: Shape,
  padding: PaddingLike,
  dimensionNumbers: readonly [string, string, string],
): readonly number[] {
  const [lhs, rhs, out] = convGeneralPermutations(dimensionNumbers);
  return restored(convShapeTuple(taken(lhsShape, lhs), taken(rhsShape, rhs), windowStrides, padding), out);
}

/** The shape of a transposed convolution with dimension numbers. */
export function convTransposeShapeTuple(
  lhsShape: Shape,
  rhsShape: Shape,
  windowStrides: Shape,
  padding: PaddingLike,
  dimensionNumbers: readonly [string, string, string],
): readonly number[] {
  const [lhs, rhs, out] = convGeneralPermutations(dimensionNumbers);
  const [input, kernel] = [taken(lhsShape, lhs), taken(rhsShape, rhs)];
  const space = input.slice(2).map((n, i) => {
    const [k, s] = [kernel[i + 2], windowStrides[i]];
    const [low, high] = typeof padding === "string" ? transposePadding(k, s, padding) : padding[i];
    return (n - 1) * s - k + 2 + low + high;
  });
  return restored([input[0], kernel[0], ...space], out);
}

export interface WindowShapeOptions {
  readonly baseDilation?: Shape | null;
  readonly windowDilation?: Shape | null;
}

/** The shape of a reduction over windows. */
export function reduceWindowShapeTuple(
  operandShape: Shape,
  windowDimensions: Shape,
  windowStrides: Shape,
  padding: Padding,
  { baseDilation = null, windowDilation = null }: WindowShapeOptions = {},
): readonly number[] {
  return operandShape.map((n, i) => {
    const size = dilated(n, baseDilation?.[i] ?? 1) + padding[i][0] + padding[i][1];
    return windows(size, dilated(windowDimensions[i], windowDilation?.[i] ?? 1), windowStrides[i]);
  });
}
