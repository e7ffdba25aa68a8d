/**
 * Gather and scatter: rows (or windows of any shape) are copied from where index vectors say, or combined with what lies there. Updates are applied in
 * row-major order of the index vectors, each rounded as it is applied: embeddings and their gradients are made of these two.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import { writeElement, readElement, type Element } from "../../../core/scalar.ts";
import type { GatherParams } from "../../../primitives/gather.ts";
import { scatterToGather, windowSizes } from "../../../primitives/gatherDimensions.ts";
import type { ScatterParams } from "../../../primitives/scatterRules.ts";
import { isMovable, loadSplat, loadVector, storeVector } from "../code/lanes.ts";
import { emitScalarOp } from "../code/scalarOps.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { CallCode, CallContext } from "./callCode.ts";
import { copyElements, fillElements } from "./runs.ts";
import { eachRun, eachWindow, isIndex, windowDims, type Windows } from "./windows.ts";

const hasElements = (dtype: DType): boolean => dtypes[dtype].bytes > 0;

export const gather: CallCode = {
  fits: (_eqn, [operand, indices]) => hasElements(operand.dtype) && isIndex(indices.dtype),
  emit({ f, step, addresses: [operand, indices, out] }) {
    const p = step.eqn.params as unknown as GatherParams;
    const [from, where] = step.inAvals;
    const { bytes } = dtypes[from.dtype];
    const windows: Windows = {
      operand: from.shape,
      indices: where.shape,
      indexDType: where.dtype,
      other: step.outAvals[0].shape,
      dims: p.dimension_numbers,
      sizes: p.slice_sizes,
      clamps: p.mode !== "FILL_OR_DROP",
      bytes,
    };
    const dims = windowDims(windows);
    const fill = fillBytes(from.dtype, p.fill_value);
    eachWindow(
      f,
      windows,
      [operand, indices, out],
      (inOperand, inOut) => {
        runs(f, dims, [inOperand, inOut], bytes, (source, to, count, steps) => {
          copyElements(f, { from: source, to, count, bytes, fromStep: steps[0], toStep: steps[1] });
        });
      },
      (inOut) => {
        runs(f, dims, [inOut, inOut], bytes, (_source, to, count, steps) => {
          fillElements(f, { to, count, bytes, toStep: steps[1] }, fill);
        });
      },
    );
  },
};

/** Walks a window run by run: where a run begins in both arrays, its elements and the bytes between them. */
function runs(
  f: FunctionBuilder,
  dims: ReturnType<typeof windowDims>,
  addresses: readonly [Local, Local],
  bytes: number,
  inside: (a: Local, b: Local, count: number, steps: readonly [number, number]) => void,
): void {
  const last = dims[dims.length - 1] ?? { size: 1, inOperand: bytes, inOther: bytes };
  eachRun(f, dims.slice(0, -1), addresses, (a, b) => {
    inside(a, b, last.size, [last.inOperand, last.inOther]);
  });
}

/** The bytes of one element of the fill. */
function fillBytes(dtype: DType, value: GatherParams["fill_value"]): Uint8Array {
  const { storage, lanes } = dtypes[dtype];
  const one = new storage(lanes);
  if (value !== null) {
    const element: Element = typeof value === "object" ? readElement(value.data, value.dtype, 0) : value;
    if (dtypes[dtype].kind === "key") one.fill(Number(element) as never);
    else writeElement(one, dtype, 0, element);
  }
  return new Uint8Array(one.buffer);
}

const combines: Readonly<Record<string, string | null>> = {
  scatter: null,
  "scatter-add": "add",
  "scatter-sub": "sub",
  "scatter-mul": "mul",
  "scatter-min": "min",
  "scatter-max": "max",
};

function emitScatter({ f, step, addresses: [indices, updates, out], host }: CallContext): void {
  const p = step.eqn.params as unknown as ScatterParams;
  const [where, from] = step.inAvals;
  const [{ shape, dtype }] = step.outAvals;
  const { bytes } = dtypes[dtype];
  const windows: Windows = {
    operand: shape,
    indices: where.shape,
    indexDType: where.dtype,
    other: from.shape,
    dims: scatterToGather(p.dimension_numbers),
    sizes: windowSizes(shape.length, from.shape, p.dimension_numbers),
    clamps: p.mode === "CLIP",
    bytes,
  };
  const dims = windowDims(windows);
  const name = combines[step.eqn.primitive.name];
  const c = new VectorCode(f, bytes === 8, host);
  eachWindow(
    f,
    windows,
    [out, indices, updates],
    (inOperand, inOther) => {
      runs(f, dims, [inOperand, inOther], bytes, (to, source, count, [toStep, fromStep]) => {
        if (name === null) copyElements(f, { from: source, to, count, bytes, fromStep, toStep });
        else combineRun(c, { from: source, to, count, bytes, fromStep, toStep }, name, dtype);
      });
    },
    null,
  );
}

interface Run {
  readonly from: Local;
  readonly to: Local;
  readonly count: number;
  readonly bytes: number;
  readonly fromStep: number;
  readonly toStep: number;
}

/** Combines elements with what lies at their places, in vectors where both lie side by side. */
function combineRun(c: VectorCode, run: Run, name: string, dtype: DType): void {
  const { f } = c;
  const { bytes, count } = run;
  const dense = run.fromStep === bytes && run.toStep === bytes;
  const full = dense ? count - (count % c.lanes) : 0;
  const [p, q, i] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(run.from).set(p).get(run.to).set(q);
  const several = (lanes: number, fromStep: number, toStep: number): void => {
    const load = lanes === 1 ? loadSplat : loadVector;
    load(c, dtype, q, 0);
    const there = c.keep();
    load(c, dtype, p, 0);
    emitScalarOp(c, [there, c.keep()], { name, params: {}, from: [dtype, dtype], to: dtype });
    storeVector(c, dtype, c.keep(), q, 0, lanes, bytes);
    f.get(p).i32(fromStep).op("i32.add").set(p);
    f.get(q).i32(toStep).op("i32.add").set(q);
  };
  if (full > 0)
    f.forRange(i, 0, full, c.lanes, () => {
      several(c.lanes, c.lanes * bytes, c.lanes * bytes);
    });
  if (full < count)
    f.forRange(i, full, count, 1, () => {
      several(1, run.fromStep, run.toStep);
    });
}

const scatterOf = (name: string | null): CallCode => ({
  updates: true,
  fits(eqn, [operand, indices]) {
    if (!isIndex(indices.dtype) || !hasElements(operand.dtype)) return false;
    if (name === null) return (eqn.params as unknown as ScatterParams).update_jaxpr === null;
    return isMovable(operand.dtype) && operand.dtype !== "bool";
  },
  emit: emitScatter,
});

export const scatters: Readonly<Record<string, CallCode>> = Object.fromEntries(
  Object.entries(combines).map(([primitive, name]) => [primitive, scatterOf(name)]),
);
