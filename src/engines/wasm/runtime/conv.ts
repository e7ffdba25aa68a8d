/**
 * Convolutions as matrix products whose one operand is never written out: its rows are the windows of the input, and packing reads them where they
 * lie ("implicit im2col", Chellapilla, Puri and Simard 2006). k runs over the places of the window, and over the input features at each of them;
 * padding and the gaps of a dilated input count as zeros. The order of additions is that of `gemm`.
 *
 * The gradients of a convolution are convolutions whose strides, dilations and axes have changed their roles, so there is one plan for all. That
 * of the kernel has a window as large as the image and the channels as its batch: windows are numbered so that neighbours lie side by side.
 *
 * Known imperfections: gaps of a dilated input are multiplied as zeros; a depthwise convolution whose channels aren't neighbours fills one of
 * eight columns.
 */
import { InternalError } from "../../../errors.ts";
import { sizeOf, type Shape } from "../../../core/aval.ts";
import { rowMajor } from "../../../compile/view.ts";
import type { ConvParams } from "../../../primitives/conv.ts";
import { HEAD_BYTES, writeBlock, type RuntimeCall, type SourceFields } from "./arguments.ts";
import { DEPTHWISE_LIST } from "./depthwise.ts";
import { elements, slotParts, UNIT_ROWS } from "./gemm.ts";
import { tableOf, type Axis, type Table } from "./windowTable.ts";

/** An operand: its shape, and its strides in elements if it isn't row-major. */
export interface ConvOperand {
  readonly shape: Shape;
  readonly strides?: readonly number[];
}

export interface ConvShape {
  readonly type: "f32" | "f64" | "i32";
  readonly lhs: ConvOperand;
  readonly rhs: ConvOperand;
  readonly out: Shape;
}

/** Places of a unit of a depthwise convolution. */
const DEPTHWISE_ROWS = 16;
/** Images smaller than this are put together, larger ones are units of their own. */
const LARGE_IMAGE = 64;

export function conv({ type, lhs, rhs, out }: ConvShape, params: ConvParams, slots = 1): RuntimeCall {
  const el = elements[type];
  const { bytes } = el;
  const { lhs_spec: l, rhs_spec: r, out_spec: o } = params.dimension_numbers;
  const inBytes = (x: ConvOperand): number[] => (x.strides ?? rowMajor(x.shape)).map((s) => s * bytes);
  const [left, right, result] = [inBytes(lhs), inBytes(rhs), inBytes({ shape: out })];
  if (left.some((s) => s < 0)) throw new InternalError("the input of a convolution is read backwards: copy it first");
  const axes = l.slice(2).map((dim, i): Axis => ({
    ...{ size: lhs.shape[dim], step: left[dim] },
    ...{ out: out[o[i + 2]], outStep: result[o[i + 2]], window: rhs.shape[r[i + 2]] },
    ...{ stride: params.window_strides[i], low: params.padding[i][0] },
    ...{ dilation: params.lhs_dilation[i], windowDilation: params.rhs_dilation[i] },
  }));
  const groups = Math.max(params.feature_group_count, params.batch_group_count);
  const [images, features, outFeatures] = [out[o[0]], rhs.shape[r[1]], rhs.shape[r[0]] / groups];
  const window = sizeOf(axes.map((a) => a.window));
  const perImage = sizeOf(axes.map((a) => a.out));

  const inputGroup = params.feature_group_count > 1 ? features * left[l[1]] : images * left[l[0]];
  const neighbours = inputGroup === bytes && right[r[0]] === bytes && result[o[1]] === bytes;
  const deep = groups > 1 && outFeatures === 1 && neighbours && type === "f32";
  const swapped = !deep && result[o[1]] !== bytes && outFeatures > 1;
  const apart = swapped && perImage >= LARGE_IMAGE;
  const tables: number[] = [];
  const placed = (table: Table): number => {
    const at = HEAD_BYTES + 4 * tables.length;
    for (const entry of table.entries) tables.push(entry);
    return at;
  };
  const windows = windowSource(axes, apart ? 1 : images, left[l[0]], result[o[0]], placed);
  const kernel = kernelSource(
    axes,
    r.slice(2).map((d) => right[d]),
    placed,
  );
  const input: SourceFields = { ...windows, features: Math.max(1, features), featureStep: left[l[1]] };
  const weights: SourceFields = {
    ...kernel,
    ...{ features: Math.max(1, features), featureStep: right[r[1]] },
    ...{ step2: right[r[0]], out2: result[o[1]], size1: 1, size2: Math.max(1, outFeatures) },
  };
  const positions = (apart ? 1 : images) * perImage;
  if (deep) {
    const units = groups === 0 ? 0 : Math.ceil(positions / DEPTHWISE_ROWS);
    const used = Math.max(1, Math.min(slots, units));
    const slotBytes = DEPTHWISE_LIST + Math.ceil(window / 8) * 64;
    const slotUnits = Math.max(1, Math.ceil(units / used));
    const split = { rowBlock: DEPTHWISE_ROWS, slotUnits, slotBytes };
    const block = writeBlock(
      { ...split, rows: positions, columns: groups, sum: window },
      { ...input, features },
      weights,
      tables,
    );
    const workspaceBytes = units === 0 ? 0 : used * slotBytes;
    return { routine: `depthwise_${el.name}`, block, units, slotUnits, workspaceBytes };
  }
  const [rows, columns] = swapped ? [outFeatures, positions] : [positions, outFeatures];
  const sum = window * features;
  const batchUnits = Math.ceil(rows / UNIT_ROWS);
  const units = columns === 0 ? 0 : groups * (apart ? images : 1) * batchUnits;
  const used = Math.max(1, Math.min(slots, units));
  const slotUnits = Math.max(1, Math.ceil(units / used));
  const slot = slotParts(el, rows, columns, sum);
  const [imageStep, kernelGroup] = [apart ? left[l[0]] : 0, outFeatures * right[r[0]]];
  const fields = {
    ...{ swapped: Number(swapped), rows, columns, sum },
    ...{ rowBlock: UNIT_ROWS, columnBlock: Math.max(1, columns), columnUnits: 1, batchUnits },
    ...{ slotUnits, slotBytes: slot.size, ...slot.fields },
    innerBatch: groups,
    ...(swapped
      ? { aOuter: 0, aInner: kernelGroup, bOuter: imageStep, bInner: inputGroup }
      : { aOuter: imageStep, aInner: inputGroup, bOuter: 0, bInner: kernelGroup }),
    outOuter: apart ? result[o[0]] : 0,
    outInner: outFeatures * result[o[1]],
  };
  const [a, b] = swapped ? [weights, input] : [input, weights];
  return {
    routine: `packed_${el.name}`,
    block: writeBlock(fields, a, b, tables),
    units,
    slotUnits,
    workspaceBytes: units === 0 ? 0 : used * slot.size,
  };
}

type Placed = (table: Table) => number;

/** The windows of the input, numbered by image and place; by place and image if images are the closest neighbours. */
function windowSource(
  axes: readonly Axis[],
  images: number,
  imageStep: number,
  imageOut: number,
  placed: Placed,
): SourceFields {
  const outer = tableOf(axes.slice(0, -1));
  const last = tableOf(axes.slice(-1));
  const common = {
    windowed: 1,
    lastPlaces: Math.max(1, last.places),
    outerTable: placed(outer),
    lastTable: placed(last),
  };
  const [outerStep, lastStep] = [4 * (1 + outer.places), 4 * (1 + last.places)];
  const inner = images > 1 && imageStep < Math.min(...axes.filter((a) => a.size > 1).map((a) => a.step));
  return inner
    ? { ...common, outer0: outerStep, last1: lastStep, step2: imageStep, out2: imageOut, ...sizes(last.rows, images) }
    : {
        ...common,
        step0: imageStep,
        out0: imageOut,
        outer1: outerStep,
        last2: lastStep,
        ...sizes(outer.rows, last.rows),
      };
}

const sizes = (size1: number, size2: number): SourceFields => ({
  size1: Math.max(1, size1),
  size2: Math.max(1, size2),
});

/** The kernel's window, read as if it had one place in the result. A flipped one is read from its end. */
function kernelSource(axes: readonly Axis[], steps: readonly number[], placed: Placed): SourceFields {
  const whole = axes.map((a, i): Axis => ({
    ...{ size: a.window, out: 1, window: a.window, step: Math.abs(steps[i]), outStep: 0 },
    ...{ stride: 1, low: 0, dilation: 1, windowDilation: 1 },
  }));
  let base = 0;
  axes.forEach((a, i) => {
    if (steps[i] < 0) base += steps[i] * (a.window - 1);
  });
  const flipped = (axis: number): boolean => steps[axis] < 0;
  const outer = tableOf(whole.slice(0, -1), flipped);
  const last = tableOf(whole.slice(-1), () => flipped(axes.length - 1));
  return {
    windowed: Number(outer.places * last.places > 1),
    base,
    lastPlaces: Math.max(1, last.places),
    outerTable: placed(outer),
    lastTable: placed(last),
  };
}
