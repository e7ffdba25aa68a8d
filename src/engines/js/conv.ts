/**
 * The convolution kernel: both operands are brought into the order [batch, feature, place], a table says which input places each result place
 * sees, and the loops do the sums: those of floats in single precision (double for float64), in an order that is the contract of all engines.
 */
import { ConcreteArray } from "../../core/array.ts";
import { sizeOf } from "../../core/aval.ts";
import { dtypes, isComplex, isInteger, type TypedArray } from "../../core/dtype.ts";
import { argsort } from "../../primitives/axes.ts";
import type { ConvParams } from "../../primitives/conv.ts";
import { SUM_BLOCK } from "./dot.ts";
import type { Kernel } from "./kernel.ts";
import { bigsOf, isBig, numbersOf, stored, type Numbers } from "./numbers.ts";
import { permuted } from "./shape.ts";
import { windowTable } from "./windows.ts";

const arranged = (x: ConcreteArray, order: readonly number[]): ConcreteArray =>
  new ConcreteArray(x.aval.update({ shape: order.map((d) => x.shape[d]) }), permuted(x, order));

/** Where the operands of each product lie. */
interface Products {
  readonly batch: number;
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly places: number;
  readonly width: number;
  readonly inPlaces: number;
  /** For each place of the result and of the window the place of the input, or -1. */
  readonly table: Int32Array;
  /** The row of the input, counted in images and features, that an output begins with. */
  readonly firstRow: (image: number, outFeature: number) => number;
}

function productsOf(lhs: ConcreteArray, rhs: ConcreteArray, outShape: readonly number[], params: ConvParams): Products {
  const [batch, outFeatures, ...out] = outShape;
  const [, inFeatures, ...window] = rhs.shape;
  const [, features, ...input] = lhs.shape;
  const table = windowTable({
    input,
    out,
    window,
    strides: params.window_strides,
    padding: params.padding,
    baseDilation: params.lhs_dilation,
    windowDilation: params.rhs_dilation,
  });
  const perFeatureGroup = outFeatures / params.feature_group_count;
  const perBatchGroup = outFeatures / params.batch_group_count;
  const firstRow = (n: number, o: number): number =>
    (Math.floor(o / perBatchGroup) * batch + n) * features + Math.floor(o / perFeatureGroup) * inFeatures;
  const [places, width, inPlaces] = [sizeOf(out), sizeOf(window), sizeOf(input)];
  return { batch, outFeatures, inFeatures, places, width, inPlaces, table, firstRow };
}

/** Calls `visit` for each product that isn't with padding: places in the result, the input and the kernel. */
function eachProduct(p: Products, visit: (out: number, lhs: number, rhs: number) => void): void {
  for (let n = 0; n < p.batch; n++) {
    for (let o = 0; o < p.outFeatures; o++) {
      const first = p.firstRow(n, o);
      for (let place = 0; place < p.places; place++) {
        const to = (n * p.outFeatures + o) * p.places + place;
        for (let k = 0; k < p.width; k++) {
          const at = p.table[place * p.width + k];
          if (at < 0) continue;
          for (let i = 0; i < p.inFeatures; i++) {
            visit(to, (first + i) * p.inPlaces + at, (o * p.inFeatures + i) * p.width + k);
          }
        }
      }
    }
  }
}

/**
 * Sums of floats, in the order that all engines keep: over the places of the window, and over the features at each; in blocks, as those of matrix
 * products. Padding counts as zeros.
 */
function floatSums(p: Products, a: Numbers, b: Numbers, out: Float32Array | Float64Array): void {
  const round = out instanceof Float32Array ? Math.fround : (x: number): number => x;
  for (let n = 0; n < p.batch; n++) {
    for (let o = 0; o < p.outFeatures; o++) {
      const first = p.firstRow(n, o) * p.inPlaces;
      const kernel = o * p.inFeatures * p.width;
      for (let place = 0; place < p.places; place++) {
        let total = 0;
        let part = 0;
        let length = 0;
        let blocks = 0;
        for (let k = 0; k < p.width; k++) {
          const at = p.table[place * p.width + k];
          for (let i = 0; i < p.inFeatures; i++) {
            if (length === SUM_BLOCK) {
              total = blocks++ === 0 ? part : round(total + part);
              length = part = 0;
            }
            const x = at < 0 ? 0 : a[first + i * p.inPlaces + at];
            part = round(part + round(x * b[kernel + i * p.width + k]));
            length++;
          }
        }
        out[(n * p.outFeatures + o) * p.places + place] = blocks === 0 ? part : round(total + part);
      }
    }
  }
}

const conv: Kernel = ([lhs, rhs], [out], params) => {
  const conv = params as ConvParams;
  const { lhs_spec, rhs_spec, out_spec } = conv.dimension_numbers;
  const x = arranged(lhs, lhs_spec);
  const y = arranged(rhs, rhs_spec);
  const shape = out_spec.map((d) => out.shape[d]);
  const data = sums(x, y, shape, out.size, conv, out.dtype);
  const result = new ConcreteArray(out.update({ shape }), data);
  return [permuted(result, argsort(out_spec))];
};

function sums(
  x: ConcreteArray,
  y: ConcreteArray,
  shape: readonly number[],
  size: number,
  params: ConvParams,
  dtype: ConcreteArray["dtype"],
): TypedArray {
  const products = productsOf(x, y, shape, params);
  if (isComplex(dtype)) {
    const [a, b] = [x.data as Float64Array, y.data as Float64Array];
    const out = new Float64Array(2 * size);
    eachProduct(products, (to, i, k) => {
      out[2 * to] += a[2 * i] * b[2 * k] - a[2 * i + 1] * b[2 * k + 1];
      out[2 * to + 1] += a[2 * i] * b[2 * k + 1] + a[2 * i + 1] * b[2 * k];
    });
    return stored(out, dtype);
  }
  if (isBig(dtype)) {
    const [a, b] = [bigsOf(x), bigsOf(y)];
    const out = new dtypes[dtype].storage(size) as BigInt64Array;
    eachProduct(products, (to, i, k) => {
      out[to] += a[i] * b[k];
    });
    return out;
  }
  const [a, b]: [Numbers, Numbers] = [numbersOf(x), numbersOf(y)];
  if (isInteger(dtype)) {
    const out = new Int32Array(size);
    eachProduct(products, (to, i, k) => {
      out[to] += Math.imul(a[i], b[k]);
    });
    return stored(out, dtype);
  }
  const out = dtype === "float64" ? new Float64Array(size) : new Float32Array(size);
  floatSums(products, a, b, out);
  return stored(out, dtype);
}

export const convKernels = { conv_general_dilated: conv } as const satisfies Record<string, Kernel>;
