/** Sums of floats in the order that all engines share (`compile/loop.ts`), with every partial sum rounded to the dtype; halves are added as float32. */
import type { ConcreteArray } from "../../core/array.ts";
import type { ShapedArray } from "../../core/aval.ts";
import { BLOCK, lanesOf } from "../../compile/loop.ts";
import type { TypedArray } from "../../core/dtype.ts";
import { numbersOf, stored } from "./numbers.ts";
import { stridesOf } from "./shape.ts";

type Floats = Float32Array | Float64Array;

export const orderedSum = (x: ConcreteArray, out: ShapedArray, axes: readonly number[]): TypedArray =>
  stored(sumsOf(x, numbersOf(x) as Floats, out, axes), out.dtype);

function sumsOf(x: ConcreteArray, data: Floats, out: ShapedArray, axes: readonly number[]): Floats {
  const Storage = data instanceof Float32Array ? Float32Array : Float64Array;
  const result: Floats = new Storage(out.size);
  if (x.size === 0) return result;
  const { dims, folded } = mergedDims(x.shape, axes);
  if (!folded.includes(true)) {
    result.set(data);
    return result;
  }
  const kept = stridesOf(dims.filter((_, d) => !folded[d]));
  let next = 0;
  const strides = dims.map((_, d) => (folded[d] ? 0 : kept[next++]));
  const inner = dims[dims.length - 1];
  const step = strides[strides.length - 1];
  const sums = folded[dims.length - 1] ? new RunSum(Storage) : null;
  const index = new Array<number>(dims.length).fill(0);
  for (let at = 0, to = 0; at < data.length; at += inner) {
    if (sums === null) for (let i = 0; i < inner; i++) result[to + i * step] += data[at + i];
    else for (let i = 0; i < inner; i += BLOCK) result[to] += sums.of(data, at + i, at + Math.min(inner, i + BLOCK));
    for (let d = dims.length - 2; d >= 0; d--) {
      to += strides[d];
      if (++index[d] < dims[d]) break;
      to -= strides[d] * dims[d];
      index[d] = 0;
    }
  }
  return result;
}

/** The shape without dimensions of length 1, neighbours of the same kind merged. */
function mergedDims(
  shape: readonly number[],
  axes: readonly number[],
): { readonly dims: number[]; readonly folded: boolean[] } {
  const dims: number[] = [];
  const folded: boolean[] = [];
  shape.forEach((n, d) => {
    if (n === 1) return;
    const kind = axes.includes(d);
    if (dims.length > 0 && folded[dims.length - 1] === kind) dims[dims.length - 1] *= n;
    else {
      dims.push(n);
      folded.push(kind);
    }
  });
  return { dims, folded };
}

/** The sum of one block: accumulators side by side, then combined pairwise. */
class RunSum {
  readonly #lanes: Floats;

  constructor(Storage: Float32ArrayConstructor | Float64ArrayConstructor) {
    this.#lanes = new Storage(lanesOf(Storage.BYTES_PER_ELEMENT));
  }

  of(data: Floats, start: number, end: number): number {
    const lanes = this.#lanes;
    const n = lanes.length;
    lanes.fill(0);
    for (let i = start, lane = 0; i < end; i++) {
      lanes[lane] += data[i];
      if (++lane === n) lane = 0;
    }
    // Four vectors: the first two and the last two, then both sums; then the lanes of what is left, neighbours first.
    const width = n / 4;
    for (let l = 0; l < width; l++) {
      lanes[l] += lanes[width + l];
      lanes[2 * width + l] += lanes[3 * width + l];
      lanes[l] += lanes[2 * width + l];
    }
    for (let left = width; left > 1; left /= 2) {
      for (let l = 0; l < left / 2; l++) lanes[l] = lanes[2 * l] + lanes[2 * l + 1];
    }
    return lanes[0];
  }
}
