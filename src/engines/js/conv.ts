/**
 * The convolution kernel: both operands are brought into the order [batch, feature, place], a table says which input places each result place
 * sees, and the loops do the sums, in double precision for floats.
 */
import { ConcreteArray } from "../../core/array.ts";
import { sizeOf } from "../../core/aval.ts";
import { dtypes, isComplex, isInteger, type TypedArray } from "../../core/dtype.ts";
import { argsort } from "../../primitives/axes.ts";
import type { ConvParams } from "../../primitives/conv.ts";
import type { Kernel } from "./kernel.ts";
import { bigsOf, isBig, numbersOf, stored, type Numbers } from "./numbers.ts";
import { permuted } from "./shape.ts";
import { windowTable } from "./windows.ts";

const arranged = (x: ConcreteArray, order: readonly number[]): ConcreteArray =>
  new ConcreteArray(x.aval.update({ shape: order.map((d) => x.shape[d]) }), permuted(x, order));

/** Calls `visit` for each product: places in the result, the input and the kernel. */
function eachProduct(
  lhs: ConcreteArray,
  rhs: ConcreteArray,
  outShape: readonly number[],
  params: ConvParams,
  visit: (out: number, lhs: number, rhs: number) => void,
): void {
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
  const [places, width, inPlaces] = [sizeOf(out), sizeOf(window), sizeOf(input)];
  const perFeatureGroup = outFeatures / params.feature_group_count;
  const perBatchGroup = outFeatures / params.batch_group_count;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outFeatures; o++) {
      const firstFeature = Math.floor(o / perFeatureGroup) * inFeatures;
      const image = Math.floor(o / perBatchGroup) * batch + n;
      for (let p = 0; p < places; p++) {
        const to = (n * outFeatures + o) * places + p;
        for (let i = 0; i < inFeatures; i++) {
          const from = (image * features + firstFeature + i) * inPlaces;
          const kernel = (o * inFeatures + i) * width;
          for (let k = 0; k < width; k++) {
            const at = table[p * width + k];
            if (at >= 0) visit(to, from + at, kernel + k);
          }
        }
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
  if (isComplex(dtype)) {
    const [a, b] = [x.data as Float64Array, y.data as Float64Array];
    const out = new Float64Array(2 * size);
    eachProduct(x, y, shape, params, (to, i, k) => {
      out[2 * to] += a[2 * i] * b[2 * k] - a[2 * i + 1] * b[2 * k + 1];
      out[2 * to + 1] += a[2 * i] * b[2 * k + 1] + a[2 * i + 1] * b[2 * k];
    });
    return stored(out, dtype);
  }
  if (isBig(dtype)) {
    const [a, b] = [bigsOf(x), bigsOf(y)];
    const out = new dtypes[dtype].storage(size) as BigInt64Array;
    eachProduct(x, y, shape, params, (to, i, k) => {
      out[to] += a[i] * b[k];
    });
    return out;
  }
  const [a, b]: [Numbers, Numbers] = [numbersOf(x), numbersOf(y)];
  if (isInteger(dtype)) {
    const out = new Int32Array(size);
    eachProduct(x, y, shape, params, (to, i, k) => {
      out[to] += Math.imul(a[i], b[k]);
    });
    return stored(out, dtype);
  }
  const out = new Float64Array(size);
  eachProduct(x, y, shape, params, (to, i, k) => {
    out[to] += a[i] * b[k];
  });
  return stored(out, dtype);
}

export const convKernels = { conv_general_dilated: conv } as const satisfies Record<string, Kernel>;
