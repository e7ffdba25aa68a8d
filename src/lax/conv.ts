/** Convolutions over any number of spatial axes. */
import type { NDArray } from "../core/array.ts";
import { canonicalDType, literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError, UnknownPaddingError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import type { ProductOptions } from "../numpy/contractions.ts";
import { named } from "../numpy/options.ts";
import { moveaxis, swapaxes } from "../numpy/shape.ts";
import { add } from "../primitives/arithmetic.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { convolved, dilated, type ConvDimensionNumbers, type Padding } from "../primitives/conv.ts";
import { eq } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { counted } from "../primitives/iota.ts";
import { broadcastedInDim, reshaped, reversed } from "../primitives/shape.ts";
import { canonicalPrecision } from "../primitives/precision.ts";

/** "SAME" keeps sizes (divided by the strides), "VALID" adds nothing, "SAME_LOWER" puts an odd element before. */
export type PaddingLike = string | Padding;

/** Letters of each axis: N batch, C feature, O and I output and input feature, any others spatial; as in ["NHWC", "HWIO", "NHWC"]. */
export type ConvNumbers = readonly [string, string, string] | ConvDimensionNumbers | null;

export interface ConvOptions extends ProductOptions {
  readonly lhsDilation?: readonly number[] | null;
  readonly rhsDilation?: readonly number[] | null;
  readonly dimensionNumbers?: ConvNumbers;
  readonly featureGroupCount?: number;
  readonly batchGroupCount?: number;
}

/** The padding that a name stands for. */
export function paddingOf(
  input: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  padding: PaddingLike,
): Padding {
  if (typeof padding !== "string") return padding;
  const name = padding.toUpperCase();
  if (name === "VALID") return input.map(() => [0, 0]);
  if (name === "SAME" || name === "SAME_LOWER") {
    if (strides.length !== input.length) {
      throw new RematTypeError(
        `Incompatible shapes: ${strides.length} strides for ${input.length} axes. Give one stride an axis.`,
      );
    }
    return input.map((d, i) => {
      const total = Math.max(0, (Math.ceil(d / strides[i]) - 1) * strides[i] + window[i] - d);
      const half = Math.floor(total / 2);
      return name === "SAME" ? [half, total - half] : [total - half, half];
    });
  }
  throw new UnknownPaddingError(
    `Unrecognized padding type: expected 'VALID', 'SAME', or 'SAME_LOWER', got ${padding}. Or give pairs of (low, high).`,
  );
}

/** Dimension numbers in canonical form. */
export function convDimensionNumbers(
  lhsShape: readonly number[],
  rhsShape: readonly number[],
  numbers: ConvNumbers | undefined,
): ConvDimensionNumbers {
  if (numbers !== null && numbers !== undefined && "lhs_spec" in numbers) return numbers;
  const rank = lhsShape.length;
  if (rank !== rhsShape.length) {
    throw new RematTypeError(`convolution requires lhs and rhs ndim to be equal, got ${rank} and ${rhsShape.length}.`);
  }
  if (numbers === null || numbers === undefined) {
    const spec = range(rank);
    return { lhs_spec: spec, rhs_spec: spec, out_spec: spec };
  }
  if (numbers.length !== 3) {
    throw new RematTypeError(
      `convolution dimension_numbers list/tuple must be length 3, got ${(numbers as readonly string[]).length}.`,
    );
  }
  numbers.forEach((text, i) => {
    if (text.length !== rank) {
      throw new RematTypeError(
        `convolution dimension_numbers[${i}] must have len equal to the ndim of lhs and rhs, got ${text.length} for lhs and rhs ` +
          `shapes ${tupleText(lhsShape)} and ${tupleText(rhsShape)}.`,
      );
    }
  });
  const [lhs_spec, rhs_spec, out_spec] = permutations(numbers);
  return { lhs_spec, rhs_spec, out_spec };
}

function permutations(numbers: readonly [string, string, string]): number[][] {
  const pairs = ["NC", "OI", "NC"];
  const kernel = numbers[1];
  numbers.forEach((text, i) => {
    const [a, b] = pairs[i];
    const count = (c: string): number => text.split(c).length - 1;
    if (count(a) !== 1 || count(b) !== 1) {
      throw new RematTypeError(
        `convolution dimension_numbers[${i}] must contain the characters '${a}' and '${b}' exactly once, got ${text}.`,
      );
    }
    if (new Set(text).size !== text.length) {
      throw new RematTypeError(`convolution dimension_numbers[${i}] cannot have duplicate characters, got ${text}.`);
    }
  });
  const spatial = numbers.map((text, i) => [...text].filter((c) => !pairs[i].includes(c)));
  if (spatial.some((letters) => [...letters].sort().join("") !== [...spatial[1]].sort().join(""))) {
    throw new RematTypeError(
      `convolution dimension_numbers elements must each have the same set of spatial characters, got ${tupleText(numbers)}.`,
    );
  }
  return numbers.map((text, i) => {
    const order = [...spatial[i]].sort((p, q) => kernel.indexOf(p) - kernel.indexOf(q));
    return [pairs[i][0], pairs[i][1], ...order].map((c) => text.indexOf(c));
  });
}

/**
 * The general convolution. Without `dimensionNumbers`, input and output are [batch, feature, ...spatial] and the kernel is
 * [output feature, input feature, ...spatial].
 */
export function convGeneralDilated(
  lhs: ArrayLike,
  rhs: ArrayLike,
  windowStrides: readonly number[],
  padding: PaddingLike,
  lhsDilation?: readonly number[] | null | ConvOptions,
  rhsDilation?: readonly number[] | null | ConvOptions,
  dimensionNumbers?: ConvNumbers | ConvOptions,
  options?: ConvOptions,
): NDArray {
  const [x, kernel] = [toArray(lhs, "conv_general_dilated"), toArray(rhs, "conv_general_dilated", 1)];
  const given = named<ConvOptions>(
    ["lhsDilation", "rhsDilation", "dimensionNumbers"],
    [lhsDilation, rhsDilation, dimensionNumbers, options],
  );
  const numbers = convDimensionNumbers(x.shape, kernel.shape, given.dimensionNumbers);
  const ones = range(x.ndim - 2).map(() => 1);
  const lhs_dilation = given.lhsDilation ?? ones;
  const rhs_dilation = given.rhsDilation ?? ones;
  if (typeof padding === "string" && lhs_dilation.some((d) => d !== 1)) {
    throw new RematValueError(
      "String padding is not implemented for transposed convolution using this op. Please either exactly specify the required " +
        "padding or use convTranspose.",
    );
  }
  const input = numbers.lhs_spec.slice(2).map((d) => x.shape[d]);
  const window = numbers.rhs_spec.slice(2).map((d, i) => dilated(kernel.shape[d], rhs_dilation[i]));
  const preferred = given.preferredElementType ?? null;
  return convolved(x, kernel, {
    window_strides: [...windowStrides],
    padding: paddingOf(input, window, windowStrides, padding),
    lhs_dilation,
    rhs_dilation,
    dimension_numbers: numbers,
    feature_group_count: given.featureGroupCount ?? 1,
    batch_group_count: given.batchGroupCount ?? 1,
    precision: canonicalPrecision(given.precision),
    preferred_element_type: preferred === null ? null : canonicalDType(preferred),
    out_sharding: null,
  });
}

/** A convolution of [batch, feature, ...spatial] with a kernel [output feature, input feature, ...spatial]. */
export const conv = (
  lhs: ArrayLike,
  rhs: ArrayLike,
  windowStrides: readonly number[],
  padding: PaddingLike,
  options: ProductOptions = {},
): NDArray => convGeneralDilated(lhs, rhs, windowStrides, padding, options);

/** The same with padding given in numbers, and dilation. */
export const convWithGeneralPadding = (
  lhs: ArrayLike,
  rhs: ArrayLike,
  windowStrides: readonly number[],
  padding: PaddingLike,
  lhsDilation: readonly number[] | null,
  rhsDilation: readonly number[] | null,
  options: ProductOptions = {},
): NDArray => convGeneralDilated(lhs, rhs, windowStrides, padding, { ...options, lhsDilation, rhsDilation });

export interface ConvTransposeOptions extends ProductOptions {
  readonly rhsDilation?: readonly number[] | null;
  readonly dimensionNumbers?: ConvNumbers;
  /** Flips the kernel and exchanges its features, as the gradient of a convolution does. */
  readonly transposeKernel?: boolean;
  /** Numbers of padding are those of the convolution of which this is the transpose, as names of paddings always are. */
  readonly useConsistentPadding?: boolean;
}

const defaultNumbers: Readonly<Record<number, readonly [string, string, string]>> = {
  2: ["NC", "IO", "NC"],
  3: ["NHC", "HIO", "NHC"],
  4: ["NHWC", "HWIO", "NHWC"],
  5: ["NHWDC", "HWDIO", "NHWDC"],
};

/** The padding of a transposed convolution that a name stands for. */
export function transposePadding(k: number, s: number, padding: string): readonly [number, number] {
  const name = padding.toUpperCase();
  const same = name === "SAME";
  if (!same && name !== "VALID")
    throw new RematValueError(`Invalid padding mode: ${padding}. Use "SAME", "VALID" or pairs.`);
  const total = same ? k + s - 2 : k + s - 2 + Math.max(k - s, 0);
  const before = !same || s > k - 1 ? k - 1 : Math.ceil(total / 2);
  return [before, total - before];
}

/** A convolution that enlarges its input by the strides: the transpose of a strided one. */
export function convTranspose(
  lhs: ArrayLike,
  rhs: ArrayLike,
  strides: readonly number[],
  padding: PaddingLike,
  options: ConvTransposeOptions = {},
): NDArray {
  const x = toArray(lhs, "conv_transpose");
  let kernel = toArray(rhs, "conv_transpose", 1);
  const letters = options.dimensionNumbers ?? defaultNumbers[x.ndim];
  if (letters === undefined)
    throw new RematValueError(`No 4+ dimensional dimension_number defaults, got ndim ${x.ndim}.`);
  const numbers = convDimensionNumbers(x.shape, kernel.shape, letters);
  const places = numbers.rhs_spec.slice(2);
  const rhsDilation = options.rhsDilation ?? places.map(() => 1);
  const windows = places.map((d, i) => dilated(kernel.shape[d], rhsDilation[i]));
  const pads =
    typeof padding === "string"
      ? windows.map((k, i) => transposePadding(k, strides[i], padding))
      : options.useConsistentPadding === true
        ? windows.map((k, i) => padding[i].map((p) => k - p - 1) as [number, number])
        : padding;
  if (options.transposeKernel === true) {
    for (const d of places) kernel = reversed(kernel, [d]);
    kernel = swapaxes(kernel, numbers.rhs_spec[0], numbers.rhs_spec[1]);
  }
  return convGeneralDilated(
    x,
    kernel,
    places.map(() => 1),
    pads,
    {
      lhsDilation: strides,
      rhsDilation,
      dimensionNumbers: numbers,
      precision: options.precision,
      preferredElementType: options.preferredElementType,
    },
  );
}

/** The patches that a convolution sees, each as a vector of features: a convolution with kernels of a single one. */
export function convGeneralDilatedPatches(
  lhs: ArrayLike,
  filterShape: readonly number[],
  windowStrides: readonly number[],
  padding: PaddingLike,
  options: Omit<ConvOptions, "featureGroupCount" | "batchGroupCount"> = {},
): NDArray {
  const x = toArray(lhs, "conv_general_dilated_patches");
  const numbers = convDimensionNumbers(x.shape, [1, 1, ...filterShape], options.dimensionNumbers);
  const places = filterShape.reduce((n, d) => n * d, 1);
  const channels = x.shape[numbers.lhs_spec[1]];
  const rows = add(counted("int32", [places, places], 0), literal(0, "int32"));
  const ones = convertElementType(eq(rows, counted("int32", [places, places], 1)), x.dtype);
  const all = reshaped(broadcastedInDim(ones, [channels, places, places], [1, 2]), [
    channels * places,
    1,
    ...filterShape,
  ]);
  const kernel = moveaxis(all, [0, 1], [numbers.rhs_spec[0], numbers.rhs_spec[1]]);
  return convGeneralDilated(x, kernel, windowStrides, padding, {
    ...options,
    dimensionNumbers: numbers,
    featureGroupCount: channels,
  });
}
