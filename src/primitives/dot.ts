/**
 * `dot_general`: products summed over contracting axes, paired along batch axes, all other axes kept: every matrix product is one. The result
 * has the batch axes first, then the kept axes of the left operand, then those of the right. It is linear in each operand, and the
 * cotangent of either is again a `dot_general`, with the cotangent of the result as its left operand.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray, Shape } from "../core/aval.ts";
import { dtypes, isComplex, isFloat, kindOf, type DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import type { PrintedParam } from "../core/print.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { bilinear } from "./algebra.ts";
import { argsort, bumped, range, remaining, sameList, tupleText } from "./axes.ts";
import { convertElementType } from "./convert.ts";
import { transposed } from "./shape.ts";

export type Precision = "DEFAULT" | "HIGH" | "HIGHEST";
/** One precision for each operand. */
export type PrecisionPair = readonly [Precision, Precision];

type Axes = readonly number[];
/** Contracting axes of both operands, then batch axes of both. */
export type DotDimensionNumbers = readonly [contracting: readonly [Axes, Axes], batch: readonly [Axes, Axes]];

export type DotGeneralParams = {
  readonly dimension_numbers: DotDimensionNumbers;
  readonly precision: PrecisionPair | null;
  /** The dtype in which products are summed, and of the result; null for that of the operands. */
  readonly preferred_element_type: DType | null;
  readonly out_sharding: null;
};

export const dotGeneral: Primitive<DotGeneralParams> = {
  name: "dot_general",
  type([lhs, rhs], { dimension_numbers: dims, preferred_element_type: preferred }) {
    checkAxes(lhs, rhs, dims);
    const dtype = upcast(productDType("lax.dot_general", lhs.dtype, rhs.dtype), preferred);
    return [lhs.update({ shape: dotShape(lhs.shape, rhs.shape, dims), dtype, weakType: lhs.weakType && rhs.weakType })];
  },
  ...bilinear<DotGeneralParams>(
    () => dotGeneral,
    (ct, x, y, params) => cotangentOf(ct, x.aval, y as NDArray, params, false),
    (ct, x, y, params) => {
      const [[xContract, yContract], [xBatch, yBatch]] = params.dimension_numbers;
      const swapped: DotDimensionNumbers = [
        [yContract, xContract],
        [yBatch, xBatch],
      ];
      return cotangentOf(ct, y.aval, x as NDArray, { ...params, dimension_numbers: swapped }, true);
    },
  ),
  batch(_size, [lhs, rhs], [lhsDim, rhsDim], params) {
    const [dims, out] = batchedDims(lhs.ndim, rhs.ndim, lhsDim, rhsDim, params.dimension_numbers);
    return { outs: [bind1(dotGeneral, [lhs, rhs], { ...params, dimension_numbers: dims })], dims: [out] };
  },
  print({ dimension_numbers: [[lc, rc], [lb, rb]], precision, preferred_element_type: preferred }) {
    const list = (xs: Axes): string => `[${xs.join(", ")}]`;
    const out: PrintedParam[] = [["dimension_numbers", `((${list(lc)}, ${list(rc)}), (${list(lb)}, ${list(rb)}))`]];
    if (precision !== null) out.push(["precision", precisionText(precision)]);
    if (preferred !== null) out.push(["preferred_element_type", preferred]);
    return out;
  },
};

export const dotPrimitives = [dotGeneral] as const;

/** As Python prints a pair of precisions. */
export const precisionText = (precision: PrecisionPair): string => tupleText(precision.map((p) => `Precision.${p}`));

/** The shape of a product: batch axes, kept axes of the left operand, kept axes of the right one. */
export function dotShape(lhs: Shape, rhs: Shape, [[lc, rc], [lb, rb]]: DotDimensionNumbers): number[] {
  return [
    ...lb.map((d) => lhs[d]),
    ...remaining(lhs.length, lc, lb).map((d) => lhs[d]),
    ...remaining(rhs.length, rc, rb).map((d) => rhs[d]),
  ];
}

/** True if axes pair up with equal sizes, and each occurs once: what nearly every call fulfils. */
function pairUp(lhs: Shape, rhs: Shape, left: readonly number[], right: readonly number[]): boolean {
  if (left.length > 1 && (new Set(left).size !== left.length || new Set(right).size !== right.length)) return false;
  for (let i = 0; i < left.length; i++) {
    const size = lhs[left[i]];
    if (size === undefined || size !== rhs[right[i]]) return false;
  }
  return true;
}

function checkAxes(lhs: ShapedArray, rhs: ShapedArray, [[lc, rc], [lb, rb]]: DotDimensionNumbers): void {
  if (
    lc.length === rc.length &&
    lb.length === rb.length &&
    pairUp(lhs.shape, rhs.shape, [...lc, ...lb], [...rc, ...rb])
  )
    return;
  const fail = (text: string): never => {
    throw new ShapeError(
      `dot_general requires ${text}. The operands are ${lhs.toLongString()} and ${rhs.toLongString()}: check the ` +
        "dimension numbers, or transpose or reshape an operand.",
    );
  };
  for (const [name, operand, contract, batch] of [
    ["lhs", lhs, lc, lb],
    ["rhs", rhs, rc, rb],
  ] as const) {
    if (![...contract, ...batch].every((d) => d >= 0 && d < operand.ndim)) {
      fail(
        `${name} dimension numbers to be nonnegative and less than the number of axes of the ${name} value, got ${name}_batch of ` +
          `${tupleText(batch)} and ${name}_contracting of ${tupleText(contract)} for ${name} of rank ${operand.ndim}`,
      );
    }
  }
  if (lb.length !== rb.length) {
    fail(
      `equal numbers of lhs_batch and rhs_batch dimensions, got lhs_batch ${tupleText(lb)} and rhs_batch ${tupleText(rb)}`,
    );
  }
  for (const [name, kind, axes] of [
    ["lhs", "batch", lb],
    ["rhs", "batch", rb],
    ["lhs", "contracting", lc],
    ["rhs", "contracting", rc],
  ] as const) {
    if (new Set(axes).size !== axes.length) {
      fail(`${name} ${kind} dimensions to be distinct, got ${name}_${kind} ${tupleText(axes)}`);
    }
  }
  for (const [name, contract, batch] of [
    ["lhs", lc, lb],
    ["rhs", rc, rb],
  ] as const) {
    if (contract.some((d) => batch.includes(d))) {
      fail(
        `${name} batch dimensions to be disjoint from contracting dimensions, got ${name}_batch ${tupleText(batch)} and ` +
          `${name}_contracting ${tupleText(contract)}`,
      );
    }
  }
  const sizes = (operand: ShapedArray, axes: Axes): number[] => axes.map((d) => operand.shape[d]);
  if (!sameList(sizes(lhs, lb), sizes(rhs, rb))) {
    fail(
      `lhs batch dimensions and rhs batch dimensions to have the same shape, got ${tupleText(sizes(lhs, lb))} and ` +
        tupleText(sizes(rhs, rb)),
    );
  }
  if (!sameList(sizes(lhs, lc), sizes(rhs, rc))) {
    fail(
      `contracting dimensions to have the same shape, got ${tupleText(sizes(lhs, lc))} and ${tupleText(sizes(rhs, rc))}`,
    );
  }
}

const exponents: Partial<Record<DType, number>> = { float16: 16, bfloat16: 128, float32: 128, float64: 1024 };
const mantissas: Partial<Record<DType, number>> = { float16: 10, bfloat16: 7, float32: 23, float64: 52 };

/** How wide a dtype is, for choosing the wider of two: complex before real, then range, precision, bits, sign. */
function width(dtype: DType): readonly number[] {
  const real = dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;
  return [
    isComplex(dtype) ? 1 : 0,
    exponents[real] ?? -1,
    mantissas[real] ?? -1,
    real === "bool" ? 1 : 8 * dtypes[real].bytes,
    kindOf(real) === "uint" ? 0 : 1,
  ];
}

/** The dtype of a product of two: the wider one. */
export function productDType(name: string, a: DType, b: DType): DType {
  if (a === b) return a;
  const [wa, wb] = [width(a), width(b)];
  const i = wa.findIndex((w, i) => w !== wb[i]);
  if (i < 0) throw new DTypeError(`${name} argument type error: ${a}, ${b}. Convert the operands to one dtype.`);
  return wa[i] > wb[i] ? a : b;
}

/** The dtype that was asked for, if it can hold the results. */
export function upcast(result: DType, preferred: DType | null): DType {
  if (preferred === null || preferred === result) return result;
  if (!isFloat(result) && dtypes[preferred].bytes < dtypes[result].bytes) {
    throw new DTypeError(
      `\`preferred_element_type\` must not be narrower than the original type, got preferred_element_type of ${preferred} for ` +
        `result type of ${result}.`,
    );
  }
  return preferred;
}

/** The cotangent of the operand x of a product with y; `swapped` if y stands on the left. */
function cotangentOf(ct: NDArray, x: ShapedArray, y: NDArray, params: DotGeneralParams, swapped: boolean): NDArray {
  const [[xContract, yContract], [xBatch, yBatch]] = params.dimension_numbers;
  const xKept = remaining(x.ndim, xContract, xBatch);
  const yKept = remaining(y.ndim, yContract, yBatch);
  const ctBatch = range(xBatch.length);
  const ctY = range(yKept.length, xBatch.length + (swapped ? 0 : xKept.length));
  const product = bind1(dotGeneral, [ct, y], {
    ...params,
    dimension_numbers: [
      [ctY, yKept],
      [ctBatch, yBatch],
    ],
  });
  const axes = [...xBatch, ...xKept, ...argsort(yContract).map((i) => xContract[i])];
  const bar = transposed(product, argsort(axes));
  return bar.dtype === x.dtype ? bar : convertElementType(bar, x.dtype, x.weakType);
}

/** The dimension numbers of a product with a batch axis in one operand or both, and where the result has its own. */
function batchedDims(
  lhsNdim: number,
  rhsNdim: number,
  lhsDim: number | null,
  rhsDim: number | null,
  [[lc, rc], [lb, rb]]: DotDimensionNumbers,
): [DotDimensionNumbers, number] {
  const left = (axes: Axes): number[] => (lhsDim === null ? [...axes] : bumped(axes, lhsDim));
  const right = (axes: Axes): number[] => (rhsDim === null ? [...axes] : bumped(axes, rhsDim));
  const contracting = [left(lc), right(rc)] as const;
  if (lhsDim !== null && rhsDim !== null) {
    return [
      [
        contracting,
        [
          [lhsDim, ...left(lb)],
          [rhsDim, ...right(rb)],
        ],
      ],
      0,
    ];
  }
  const batch = [left(lb), right(rb)] as const;
  // The axes that a batch axis of one operand is kept among.
  if (lhsDim !== null) {
    const kept = remaining(lhsNdim, lb, lc);
    return [[contracting, batch], lb.length + kept.filter((d) => d < lhsDim).length];
  }
  const kept = remaining(rhsNdim, rb, rc);
  return [[contracting, batch], lhsNdim - lc.length + kept.filter((d) => d < rhsDim!).length];
}

/** A product with all its parameters spelled out. */
export const contracted = (
  lhs: NDArray,
  rhs: NDArray,
  dims: DotDimensionNumbers,
  precision: PrecisionPair | null = null,
  preferred: DType | null = null,
): NDArray =>
  bind1(dotGeneral, [lhs, rhs], {
    dimension_numbers: dims,
    precision,
    preferred_element_type: preferred,
    out_sharding: null,
  });
