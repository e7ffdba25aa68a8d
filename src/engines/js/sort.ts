/** Sorting along one axis: each line is sorted as a list of positions, and every operand is then read in that order. */
import type { ConcreteArray } from "../../core/array.ts";
import { dtypes, isComplex, isFloat } from "../../core/dtype.ts";
import { readElement } from "../../core/scalar.ts";
import type { SortParams, TopKParams } from "../../primitives/sort.ts";
import { isBig, numbersOf } from "./numbers.ts";
import { room, stridesOf } from "./shape.ts";
import type { Kernel } from "./kernel.ts";

/** Negative if element i comes before element j, positive if after it. */
type Order = (i: number, j: number) => number;

/** Numbers in order, -0 equal to 0, all NaN equal and last. */
function compare(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function orderOf(x: ConcreteArray): Order {
  if (isBig(x.dtype)) {
    const data = x.data as BigInt64Array;
    return (i, j) => (data[i] < data[j] ? -1 : data[i] > data[j] ? 1 : 0);
  }
  const data = numbersOf(x);
  if (isComplex(x.dtype)) {
    return (i, j) => compare(data[2 * i], data[2 * j]) || compare(data[2 * i + 1], data[2 * j + 1]);
  }
  if (isFloat(x.dtype)) return (i, j) => compare(data[i], data[j]);
  return (i, j) => data[i] - data[j];
}

/** Calls `each` with the beginning of every line along an axis, in units of elements. */
function eachLine(shape: readonly number[], axis: number, each: (start: number, line: number) => void): void {
  const stride = stridesOf(shape)[axis];
  const length = shape[axis];
  const lines = shape.reduce((n, d) => n * d, 1) / Math.max(1, length);
  for (let line = 0; line < lines; line++) each(Math.floor(line / stride) * stride * length + (line % stride), line);
}

const sort: Kernel = (args, _outAvals, params) => {
  const { dimension, num_keys: keys } = params as SortParams;
  const { shape } = args[0];
  const outs = args.map((x) => room(x.dtype, x.size));
  if (args[0].size === 0) return outs;
  const orders = args.slice(0, keys).map(orderOf);
  const stride = stridesOf(shape)[dimension];
  const length = shape[dimension];
  const first = orders[0];
  const order: Order =
    keys === 1
      ? first
      : (i, j) => {
          for (const o of orders) {
            const c = o(i, j);
            if (c !== 0) return c;
          }
          return 0;
        };
  eachLine(shape, dimension, (start) => {
    const places = Array.from({ length }, (_, k) => start + k * stride);
    const sorted = places.toSorted(order);
    args.forEach((x, n) => {
      const { lanes } = dtypes[x.dtype];
      const from = x.data as Float64Array;
      const to = outs[n] as Float64Array;
      for (let k = 0; k < length; k++) {
        for (let lane = 0; lane < lanes; lane++) to[places[k] * lanes + lane] = from[sorted[k] * lanes + lane];
      }
    });
  });
  return outs;
};

/** Floats in the total order of IEEE 754 (-0 before 0, NaN at the ends by its sign bit), all else by value. */
function totalOrder(x: ConcreteArray): Order {
  const compareBits = <T extends number | bigint>(key: (i: number) => T): Order => {
    return (i, j) => (key(i) < key(j) ? -1 : key(i) > key(j) ? 1 : 0);
  };
  const { buffer, byteOffset, length } = x.data;
  switch (x.dtype) {
    case "float32": {
      const bits = new Int32Array(buffer, byteOffset, length);
      return compareBits((i) => (bits[i] < 0 ? ~(bits[i] & 0x7fffffff) : bits[i]));
    }
    case "float64": {
      const bits = new BigInt64Array(buffer, byteOffset, length);
      return compareBits((i) => (bits[i] < 0n ? ~(bits[i] & 0x7fffffffffffffffn) : bits[i]));
    }
    case "float16":
    case "bfloat16": {
      const bits = new Int16Array(buffer, byteOffset, length);
      return compareBits((i) => (bits[i] < 0 ? ~(bits[i] & 0x7fff) : bits[i]));
    }
    default:
      return compareBits((i) => Number(readElement(x.data, x.dtype, i)));
  }
}

const topK: Kernel = ([x], [valuesAval], params) => {
  const { k, axis } = params as TopKParams;
  const values = room(x.dtype, valuesAval.size);
  const indices = new Int32Array(valuesAval.size);
  if (valuesAval.size === 0) return [values, indices];
  const order = isBig(x.dtype) ? orderOf(x) : totalOrder(x);
  const stride = stridesOf(x.shape)[axis];
  const length = x.shape[axis];
  const from = x.data as Float64Array;
  const to = values as Float64Array;
  eachLine(x.shape, axis, (start, line) => {
    const places = Array.from({ length }, (_, i) => start + i * stride);
    const greatest = places.toSorted((i, j) => order(j, i));
    const out = Math.floor(line / stride) * stride * k + (line % stride);
    for (let i = 0; i < k; i++) {
      to[out + i * stride] = from[greatest[i]];
      indices[out + i * stride] = (greatest[i] - start) / stride;
    }
  });
  return [values, indices];
};

export const sortKernels = { sort, top_k: topK } as const;
