/**
 * The product kernel: both operands are brought into the order [batch, rows, sum] and [batch, sum, columns], and three loops follow. Sums
 * of floats are taken in a fixed order, which is the contract of all engines: single precision for halves too, which are rounded once at the
 * end. Those of integers wrap; complex numbers are multiplied part by part.
 */
import { ConcreteArray } from "../../core/array.ts";
import { sizeOf } from "../../core/aval.ts";
import { dtypes, isComplex, isInteger, type DType, type TypedArray } from "../../core/dtype.ts";
import { remaining } from "../../primitives/axes.ts";
import type { DotGeneralParams } from "../../primitives/dot.ts";
import type { Kernel } from "./kernel.ts";
import { bigsOf, isBig, numbersOf, stored, type Numbers } from "./numbers.ts";
import { paired, partsOf } from "./parts.ts";
import { permuted } from "./shape.ts";

const arranged = (x: ConcreteArray, axes: readonly number[]): ConcreteArray =>
  axes.every((a, i) => a === i) ? x : new ConcreteArray(x.aval, permuted(x, axes));

const dotGeneral: Kernel = ([lhs, rhs], [out], params) => {
  const { dimension_numbers: dims } = params as DotGeneralParams;
  const [[lc, rc], [lb, rb]] = dims;
  const lKept = remaining(lhs.ndim, lc, lb);
  const rKept = remaining(rhs.ndim, rc, rb);
  const a = arranged(lhs, [...lb, ...lKept, ...lc]);
  const b = arranged(rhs, [...rb, ...rc, ...rKept]);
  const size = (x: ConcreteArray, axes: readonly number[]): number => sizeOf(axes.map((d) => x.shape[d]));
  const box: Box = { batch: size(lhs, lb), rows: size(lhs, lKept), sum: size(lhs, lc), columns: size(rhs, rKept) };
  const dtype = out.dtype;
  if (isComplex(dtype)) return [complexProduct(box, a, b, dtype)];
  if (isBig(dtype)) return [bigProduct(box, bigsOf(a), bigsOf(b), new dtypes[dtype].storage(out.size))];
  if (isInteger(dtype)) return [stored(intProduct(box, numbersOf(a), numbersOf(b)), dtype)];
  return [stored(product(box, numbersOf(a), numbersOf(b), dtype === "float64" ? Float64Array : Float32Array), dtype)];
};

interface Box {
  readonly batch: number;
  readonly rows: number;
  readonly sum: number;
  readonly columns: number;
}

/** Sums are taken in blocks of this length: within a block from zero on in the order of k, then block after block. All engines do so. */
export const SUM_BLOCK = 256;

function product(
  { batch, rows, sum, columns }: Box,
  a: Numbers,
  b: Numbers,
  Storage: typeof Float32Array | typeof Float64Array,
): Float32Array | Float64Array {
  const out = new Storage(batch * rows * columns);
  const part = new Storage(columns);
  const single = Storage === Float32Array;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      const at = (n * rows + i) * sum;
      const to = (n * rows + i) * columns;
      for (let first = 0; first < sum; first += SUM_BLOCK) {
        part.fill(0);
        const end = Math.min(sum, first + SUM_BLOCK);
        for (let k = first; k < end; k++) {
          const bt = (n * sum + k) * columns;
          if (single) addRow32(part, a[at + k], b, bt);
          else addRow64(part, a[at + k], b, bt);
        }
        if (first === 0) out.set(part, to);
        else for (let j = 0; j < columns; j++) out[to + j] += part[j];
      }
    }
  }
  return out;
}

/** The product is rounded before it is added; the sum when it is stored. */
function addRow32(sums: Float32Array | Float64Array, x: number, b: Numbers, at: number): void {
  for (let j = 0; j < sums.length; j++) sums[j] += Math.fround(x * b[at + j]);
}

function addRow64(sums: Float32Array | Float64Array, x: number, b: Numbers, at: number): void {
  for (let j = 0; j < sums.length; j++) sums[j] += x * b[at + j];
}

function intProduct({ batch, rows, sum, columns }: Box, a: Numbers, b: Numbers): Int32Array {
  const out = new Int32Array(batch * rows * columns);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < sum; k++) {
        const x = a[(n * rows + i) * sum + k];
        const to = (n * rows + i) * columns;
        const bt = (n * sum + k) * columns;
        for (let j = 0; j < columns; j++) out[to + j] += Math.imul(x, b[bt + j]);
      }
    }
  }
  return out;
}

function bigProduct({ batch, rows, sum, columns }: Box, a: bigint[], b: bigint[], out: TypedArray): TypedArray {
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let s = 0n;
        for (let k = 0; k < sum; k++) s += a[(n * rows + i) * sum + k] * b[(n * sum + k) * columns + j];
        (out as BigInt64Array)[(n * rows + i) * columns + j] = BigInt.asIntN(64, s);
      }
    }
  }
  return out;
}

/** Four products of the parts, of which two are missing where one side is real. */
function complexProduct(box: Box, a: ConcreteArray, b: ConcreteArray, dtype: DType): TypedArray {
  const Storage = dtype === "complex128" ? Float64Array : Float32Array;
  const [[ar, ai], [br, bi]] = [partsOf(a), partsOf(b)].map((parts) => parts.map((x) => x.data as Numbers));
  const re = product(box, ar, br, Storage);
  if (!isComplex(a.dtype)) return paired(re, product(box, ar, bi, Storage), dtype);
  if (!isComplex(b.dtype)) return paired(re, product(box, ai, br, Storage), dtype);
  const [minus, first, second] = [
    product(box, ai, bi, Storage),
    product(box, ar, bi, Storage),
    product(box, ai, br, Storage),
  ];
  for (let i = 0; i < re.length; i++) {
    re[i] -= minus[i];
    first[i] += second[i];
  }
  return paired(re, first, dtype);
}

export const dotKernels = { dot_general: dotGeneral } as const satisfies Record<string, Kernel>;
