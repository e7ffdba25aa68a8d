/**
 * The windows of gathers and scatters: for each index vector the place in the operand that it names, and the place in the other array (the result of a
 * gather, the updates of a scatter). Index vectors are taken in row-major order. Dimensions of a window that lie in one run in both arrays are walked as one.
 */
import type { Shape } from "../../../core/aval.ts";
import { dtypes, type DType } from "../../../core/dtype.ts";
import { rowMajor } from "../../../compile/view.ts";
import type { GatherDimensionNumbers } from "../../../primitives/gatherDimensions.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { MemoryOp } from "../encode/opcodes.ts";

export interface Windows {
  readonly operand: Shape;
  readonly indices: Shape;
  readonly indexDType: DType;
  readonly other: Shape;
  readonly dims: GatherDimensionNumbers;
  readonly sizes: readonly number[];
  /** Windows that reach out of the operand are moved inside; else they are skipped. */
  readonly clamps: boolean;
  /** Bytes of an element. */
  readonly bytes: number;
}

/** A dimension of a window, with the bytes from one place to the next. */
export interface WindowDim {
  readonly size: number;
  readonly inOperand: number;
  readonly inOther: number;
}

const indexLoads: Readonly<Partial<Record<DType, MemoryOp>>> = {
  int8: "i64.load8_s",
  int16: "i64.load16_s",
  int32: "i64.load32_s",
  int64: "i64.load",
  uint8: "i64.load8_u",
  uint16: "i64.load16_u",
  uint32: "i64.load32_u",
};

export const isIndex = (dtype: DType): boolean => indexLoads[dtype] !== undefined;

/** The dimensions of a window, as few as they can be. */
export function windowDims({ operand, other, dims, sizes, bytes }: Windows): WindowDim[] {
  const [own, theirs] = [rowMajor(operand), rowMajor(other)];
  const kept = operand.map((_, d) => d).filter((d) => !isSingle(dims, d));
  const out: WindowDim[] = [];
  kept.forEach((d, i) => {
    const next = { size: sizes[d], inOperand: own[d] * bytes, inOther: theirs[dims.offsetDims[i]] * bytes };
    const last = out[out.length - 1];
    if (next.size === 1) return;
    const joins =
      last !== undefined && last.inOperand === next.size * next.inOperand && last.inOther === next.size * next.inOther;
    if (joins) out[out.length - 1] = { ...next, size: last.size * next.size };
    else out.push(next);
  });
  return out;
}

const isSingle = (dims: GatherDimensionNumbers, d: number): boolean =>
  dims.collapsedSliceDims.includes(d) || dims.operandBatchingDims.includes(d);

/**
 * Calls `inside` in the loops over all index vectors, with the addresses of the window in the operand and in the other array; `outside`, for windows that
 * don't lie in the operand.
 */
export function eachWindow(
  f: FunctionBuilder,
  w: Windows,
  [operand, indices, other]: readonly [Local, Local, Local],
  inside: (inOperand: Local, inOther: Local) => void,
  outside: ((inOther: Local) => void) | null,
): void {
  const { dims, bytes } = w;
  const batch = w.indices.slice(0, -1);
  const own = rowMajor(w.operand).map((s) => s * bytes);
  const theirs = rowMajor(w.other).map((s) => s * bytes);
  const batchDims = w.other.map((_, d) => d).filter((d) => !dims.offsetDims.includes(d));
  const load = indexLoads[w.indexDType] as MemoryOp;
  const step = dtypes[w.indexDType].bytes;
  const [at, place, next, valid] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const index = f.local("i64");
  f.get(indices).set(next);
  const window = (places: readonly Local[]): void => {
    f.get(operand);
    places.forEach((i, d) => {
      const which = dims.startIndicesBatchingDims.indexOf(d);
      if (which >= 0) f.get(i).i32(own[dims.operandBatchingDims[which]]).op("i32.mul", "i32.add");
    });
    f.set(at);
    f.get(other);
    places.forEach((i, d) => f.get(i).i32(theirs[batchDims[d]]).op("i32.mul", "i32.add"));
    f.set(place);
    f.i32(1).set(valid);
    dims.startIndexMap.forEach((axis, c) => {
      const high = BigInt(w.operand[axis] - w.sizes[axis]);
      f.get(next)
        .mem(load, c * step, 0)
        .set(index);
      if (w.clamps) {
        f.get(index).i64(0n).get(index).i64(0n).op("i64.gt_s", "select").set(index);
        f.get(index).i64(high).get(index).i64(high).op("i64.lt_s", "select").set(index);
      } else f.get(index).i64(high).op("i64.le_u").get(valid).op("i32.and").set(valid);
      f.get(at).get(index).op("i32.wrap_i64").i32(own[axis]).op("i32.mul", "i32.add").set(at);
    });
    f.get(next)
      .i32(dims.startIndexMap.length * step)
      .op("i32.add")
      .set(next);
    if (w.clamps) inside(at, place);
    else {
      f.get(valid);
      f.if(
        () => {
          inside(at, place);
        },
        outside === null
          ? undefined
          : () => {
              outside(place);
            },
      );
    }
  };
  const nest = (places: readonly Local[]): void => {
    if (places.length === batch.length) {
      window(places);
      return;
    }
    const i = f.local("i32");
    f.forRange(i, 0, batch[places.length], 1, () => {
      nest([...places, i]);
    });
  };
  nest([]);
}

/** The loops over the outer dimensions of a window; `inside` gets the addresses at which the last dimension begins. */
export function eachRun(
  f: FunctionBuilder,
  dims: readonly WindowDim[],
  [a, b]: readonly [Local, Local],
  inside: (a: Local, b: Local) => void,
): void {
  if (dims.length === 0) {
    inside(a, b);
    return;
  }
  const [{ size, inOperand, inOther }, ...rest] = dims;
  const [i, p, q] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(a).set(p).get(b).set(q);
  f.forRange(i, 0, size, 1, () => {
    eachRun(f, rest, [p, q], inside);
    f.get(p).i32(inOperand).op("i32.add").set(p);
    f.get(q).i32(inOther).op("i32.add").set(q);
  });
}
