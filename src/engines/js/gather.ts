/**
 * Gather and scatter. Both walk the windows that index vectors name: a plan says where in the operand a window begins and, relative to
 * that, where its elements lie in the operand and in the other array. Updates are applied in row-major order of the index vectors.
 */
import { ConcreteArray, type NDArray } from "../../core/array.ts";
import { ShapedArray, sizeOf, type Shape } from "../../core/aval.ts";
import { dtypes, isComplex, kindOf, type DType, type TypedArray } from "../../core/dtype.ts";
import { evalJaxpr } from "../../core/evalJaxpr.ts";
import { evalTrace, withTrace } from "../../core/interpreter.ts";
import { readElement, writeElement, type Element } from "../../core/scalar.ts";
import type { GatherParams } from "../../primitives/gather.ts";
import { scatterToGather, windowSizes, type GatherDimensionNumbers } from "../../primitives/gatherDimensions.ts";
import type { ScatterParams } from "../../primitives/scatterRules.ts";
import { UnsupportedError } from "../../errors.ts";
import { room, stridesOf } from "./shape.ts";
import type { Kernel } from "./kernel.ts";

interface Plan {
  /** For each window, where it begins in the operand; -1 if it does not lie inside and is to be skipped. */
  readonly starts: Float64Array;
  /** For each window, where it begins in the other array (the output of a gather, the updates of a scatter). */
  readonly places: Float64Array;
  /** For each element of a window, where it lies in the operand from the beginning of the window on. */
  readonly inOperand: Float64Array;
  /** The same for the other array. */
  readonly inOther: Float64Array;
}

/** All offsets of a box of elements, in row-major order. */
function offsets(shape: Shape, strides: readonly number[]): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  let filled = out.length === 0 ? 0 : 1;
  // each axis repeats what the axes before it have made, starting with the first
  for (let axis = 0; axis < shape.length && out.length > 0; axis++) {
    for (let i = filled - 1; i >= 0; i--) {
      for (let j = shape[axis] - 1; j >= 0; j--) out[i * shape[axis] + j] = out[i] + j * strides[axis];
    }
    filled *= shape[axis];
  }
  return out;
}

function plan(
  operandShape: Shape,
  indices: ConcreteArray,
  otherShape: Shape,
  dims: GatherDimensionNumbers,
  sizes: readonly number[],
  clamps: boolean,
): Plan {
  const operandStrides = stridesOf(operandShape);
  const otherStrides = stridesOf(otherShape);
  const batchShape = indices.shape.slice(0, -1);
  const batchDims = otherShape.map((_, i) => i).filter((i) => !dims.offsetDims.includes(i));
  const windowDims = operandShape
    .map((_, i) => i)
    .filter((i) => !dims.collapsedSliceDims.includes(i) && !dims.operandBatchingDims.includes(i));

  const windowShape = windowDims.map((i) => sizes[i]);
  const inOperand = offsets(
    windowShape,
    windowDims.map((i) => operandStrides[i]),
  );
  const inOther = offsets(
    windowShape,
    dims.offsetDims.map((i) => otherStrides[i]),
  );
  const places = offsets(
    batchShape,
    batchDims.map((i) => otherStrides[i]),
  );
  // axes that run along with axes of the indices move the window, whatever the index vector says
  const batchSteps = batchShape.map((_, axis) => {
    const which = dims.startIndicesBatchingDims.indexOf(axis);
    return which < 0 ? 0 : operandStrides[dims.operandBatchingDims[which]];
  });
  const starts = offsets(batchShape, batchSteps);
  const components = dims.startIndexMap;
  for (let w = 0; w < starts.length; w++) {
    for (let c = 0; c < components.length; c++) {
      const axis = components[c];
      const high = operandShape[axis] - sizes[axis];
      let at = Number(indices.data[w * components.length + c]);
      if (at < 0 || at > high) {
        if (!clamps) {
          starts[w] = -1;
          break;
        }
        at = Math.max(0, Math.min(at, high));
      }
      starts[w] += at * operandStrides[axis];
    }
  }
  return { starts, places, inOperand, inOther };
}

const gather: Kernel = ([operand, indices], [outAval], params) => {
  const p = params as GatherParams;
  const fills = p.mode === "FILL_OR_DROP";
  const out = room(operand.dtype, outAval.size);
  if (outAval.size === 0) return [out];
  const { starts, places, inOperand, inOther } = plan(
    operand.shape,
    indices,
    outAval.shape,
    p.dimension_numbers,
    p.slice_sizes,
    !fills,
  );
  const { lanes } = dtypes[operand.dtype];
  const fill = room(operand.dtype, 1);
  if (fills) writeFill(fill, operand.dtype, p.fill_value);
  // the kinds of typed arrays never differ here; the loop is written for one of them
  const from = operand.data as Float64Array;
  const to = out as Float64Array;
  for (let w = 0; w < starts.length; w++) {
    const outside = starts[w] < 0;
    const source = outside ? (fill as Float64Array) : from;
    for (let e = 0; e < inOperand.length; e++) {
      const at = outside ? 0 : (starts[w] + inOperand[e]) * lanes;
      const place = (places[w] + inOther[e]) * lanes;
      for (let lane = 0; lane < lanes; lane++) to[place + lane] = source[at + lane];
    }
  }
  return [out];
};

function writeFill(into: TypedArray, dtype: DType, value: GatherParams["fill_value"]): void {
  if (dtype === "float0" || value === null) return;
  const element: Element = typeof value === "object" ? readElement(value.data, value.dtype, 0) : value;
  if (kindOf(dtype) === "key") into.fill(Number(element) as never);
  else writeElement(into, dtype, 0, element);
}

type Combine = (x: Element, y: Element) => Element;
type Complex = { readonly re: number; readonly im: number };

const real = {
  "scatter-add": (x: number, y: number): number => x + y,
  "scatter-sub": (x: number, y: number): number => x - y,
  "scatter-mul": (x: number, y: number): number => x * y,
  "scatter-min": Math.min,
  "scatter-max": Math.max,
  scatter: (_x: number, y: number): number => y,
} as const;
type ScatterName = keyof typeof real;

const big: Readonly<Record<ScatterName, (x: bigint, y: bigint) => bigint>> = {
  "scatter-add": (x, y) => x + y,
  "scatter-sub": (x, y) => x - y,
  "scatter-mul": (x, y) => x * y,
  "scatter-min": (x, y) => (y < x ? y : x),
  "scatter-max": (x, y) => (y > x ? y : x),
  scatter: (_x, y) => y,
};

const complex: Readonly<Partial<Record<ScatterName, (x: Complex, y: Complex) => Complex>>> = {
  "scatter-add": (x, y) => ({ re: x.re + y.re, im: x.im + y.im }),
  "scatter-sub": (x, y) => ({ re: x.re - y.re, im: x.im - y.im }),
  "scatter-mul": (x, y) => ({ re: x.re * y.re - x.im * y.im, im: x.re * y.im + x.im * y.re }),
  scatter: (_x, y) => y,
};

/** How two elements of a dtype are combined. */
function combiner(name: ScatterName, dtype: DType): Combine {
  if (isComplex(dtype)) {
    const combine = complex[name];
    if (combine === undefined)
      throw new UnsupportedError(`${name} of complex numbers is not defined: they have no order.`);
    return combine as Combine;
  }
  if (dtype === "int64" || dtype === "uint64") return big[name] as Combine;
  // products of 32-bit integers need all 64 bits before they wrap
  if (name === "scatter-mul" && (dtype === "int32" || dtype === "uint32")) return Math.imul as Combine;
  return real[name] as Combine;
}

/** Replaces one element by the function of it that a jaxpr says. */
function applyAt(out: TypedArray, dtype: DType, at: number, p: ScatterParams): void {
  const { lanes } = dtypes[dtype];
  const element = new ConcreteArray(new ShapedArray([], dtype), out.slice(at * lanes, (at + 1) * lanes));
  const [result] = withTrace(evalTrace(), () =>
    evalJaxpr(p.update_jaxpr!, p.update_consts as NDArray[], [element, element]),
  );
  writeElement(out, dtype, at, readElement((result as ConcreteArray).data, dtype, 0));
}

const scatterKernel =
  (name: ScatterName): Kernel =>
  ([operand, indices, updates], _outAvals, params) => {
    const p = params as ScatterParams;
    const { dtype } = operand;
    const out = operand.data.slice();
    if (updates.size === 0) return [out];
    const { starts, places, inOperand, inOther } = plan(
      operand.shape,
      indices,
      updates.shape,
      scatterToGather(p.dimension_numbers),
      windowSizes(operand.ndim, updates.shape, p.dimension_numbers),
      p.mode === "CLIP",
    );
    const { lanes } = dtypes[dtype];
    if (p.update_jaxpr !== null && name === "scatter") {
      for (let w = 0; w < starts.length; w++) {
        if (starts[w] < 0) continue;
        for (const offset of inOperand) applyAt(out, dtype, starts[w] + offset, p);
      }
      return [out];
    }
    const plain =
      name === "scatter" || dtype === "float32" || dtype === "float64" || dtype === "int8" || dtype === "int16";
    const combine = plain ? null : combiner(name, dtype);
    const op = real[name];
    const from = updates.data as Float64Array;
    const to = out as Float64Array;
    for (let w = 0; w < starts.length; w++) {
      if (starts[w] < 0) continue;
      for (let e = 0; e < inOperand.length; e++) {
        const at = starts[w] + inOperand[e];
        const place = places[w] + inOther[e];
        if (combine !== null) {
          writeElement(out, dtype, at, combine(readElement(out, dtype, at), readElement(updates.data, dtype, place)));
        } else if (lanes === 1) {
          to[at] = op(to[at], from[place]);
        } else {
          for (let lane = 0; lane < lanes; lane++) to[at * lanes + lane] = from[place * lanes + lane];
        }
      }
    }
    return [out];
  };

export const gatherKernels = {
  gather,
  scatter: scatterKernel("scatter"),
  "scatter-add": scatterKernel("scatter-add"),
  "scatter-sub": scatterKernel("scatter-sub"),
  "scatter-mul": scatterKernel("scatter-mul"),
  "scatter-min": scatterKernel("scatter-min"),
  "scatter-max": scatterKernel("scatter-max"),
} as const;
