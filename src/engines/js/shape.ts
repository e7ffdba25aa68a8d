/**
 * Kernels that move elements without computing: each says from where in the operand an element of the result comes, as strides and an
 * offset, and one loop does the rest.
 */
import type { ConcreteArray } from "../../core/array.ts";
import { sizeOf, type Shape } from "../../core/aval.ts";
import { dtypes, type DType, type TypedArray } from "../../core/dtype.ts";
import { UnsupportedError } from "../../errors.ts";
import { writeElement } from "../../core/scalar.ts";
import type { EmptyParams, IotaParams, PlatformIndexParams } from "../../primitives/iota.ts";
import type { BroadcastInDimParams, ReshapeParams, RevParams, TransposeParams } from "../../primitives/shape.ts";
import type { Kernel } from "./kernel.ts";

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i];
  }
  return strides;
}

export const room = (dtype: DType, size: number): TypedArray => new dtypes[dtype].storage(size * dtypes[dtype].lanes);

/** Where in one buffer the elements of a box lie: element (i, j, ...) at offset + i * strides[0] + j * strides[1] + ... */
interface Walk {
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Copies a box of elements from one buffer to another. */
export function copyBox(
  shape: Shape,
  lanes: number,
  from: TypedArray,
  source: Walk,
  to: TypedArray,
  target: Walk,
): void {
  const total = sizeOf(shape);
  if (total === 0 || lanes === 0) return;
  const rank = shape.length;
  // The kinds of typed arrays never differ here; the loop is written for one of them.
  const src = from as Float64Array;
  const dst = to as Float64Array;
  const inner = rank === 0 ? 1 : shape[rank - 1];
  const sourceStep = (rank === 0 ? 1 : source.strides[rank - 1]) * lanes;
  const targetStep = (rank === 0 ? 1 : target.strides[rank - 1]) * lanes;
  const index = new Array<number>(rank).fill(0);
  let s = source.offset * lanes;
  let t = target.offset * lanes;
  for (let row = total / inner; row > 0; row--) {
    if (sourceStep === lanes && targetStep === lanes && inner > 8) {
      dst.set(src.subarray(s, s + inner * lanes), t);
    } else {
      for (let i = 0, p = s, q = t; i < inner; i++, p += sourceStep, q += targetStep) {
        for (let lane = 0; lane < lanes; lane++) dst[q + lane] = src[p + lane]!;
      }
    }
    for (let axis = rank - 2; axis >= 0; axis--) {
      s += source.strides[axis] * lanes;
      t += target.strides[axis] * lanes;
      if (++index[axis] < shape[axis]) break;
      s -= source.strides[axis] * lanes * shape[axis];
      t -= target.strides[axis] * lanes * shape[axis];
      index[axis] = 0;
    }
  }
}

/** A new buffer of the given shape, read from a strided walk over an array. */
export function gatherBox(x: ConcreteArray, shape: Shape, strides: readonly number[], offset = 0): TypedArray {
  const out = room(x.dtype, sizeOf(shape));
  copyBox(shape, dtypes[x.dtype].lanes, x.data, { strides, offset }, out, { strides: stridesOf(shape), offset: 0 });
  return out;
}

const same: Kernel = ([x]) => [x.data];

const broadcastInDim: Kernel = ([x], _outs, params) => {
  const { shape, broadcast_dimensions: dims } = params as BroadcastInDimParams;
  const own = stridesOf(x.shape);
  const strides = shape.map(() => 0);
  dims.forEach((d, i) => {
    if (x.shape[i] !== 1) strides[d] = own[i]!;
  });
  return [gatherBox(x, shape, strides)];
};

/** The elements of an array with its axes in another order. */
export function permuted(x: ConcreteArray, permutation: readonly number[]): TypedArray {
  const own = stridesOf(x.shape);
  return gatherBox(
    x,
    permutation.map((p) => x.shape[p]),
    permutation.map((p) => own[p]),
  );
}

const reshape: Kernel = ([x], _outs, params) => {
  const { dimensions } = params as ReshapeParams;
  return [dimensions === null ? x.data : permuted(x, dimensions)];
};

const rev: Kernel = ([x], _outs, params) => {
  const { dimensions } = params as RevParams;
  const strides = stridesOf(x.shape);
  let offset = 0;
  for (const d of dimensions) {
    offset += strides[d] * (x.shape[d] - 1);
    strides[d] = -strides[d];
  }
  return [gatherBox(x, x.shape, strides, offset)];
};

const iota: Kernel = (_args, _outs, params) => {
  const { dtype, shape, dimension } = params as IotaParams;
  const out = room(dtype, sizeOf(shape));
  const stride = stridesOf(shape)[dimension];
  for (let i = 0, n = sizeOf(shape); i < n; i++) writeElement(out, dtype, i, Math.floor(i / stride) % shape[dimension]);
  return [out];
};

const empty: Kernel = (_args, [out], params) => [room((params as EmptyParams).dtype, out.size)];

/** This engine is none of the platforms that programs name. */
/** All engines here are what JAX calls "cpu". */
const platformIndex: Kernel = (_args, _outs, params) => {
  const { platforms } = params as PlatformIndexParams;
  const own = platforms.findIndex((names) => names?.includes("cpu") === true);
  const chosen = own >= 0 ? own : platforms.indexOf(null);
  if (chosen < 0) {
    throw new UnsupportedError(
      `platform_dependent has branches for ${platforms.flat().join(", ")} only: Unsupported platform cpu. Give a branch for it, or a default.`,
    );
  }
  return [Int32Array.of(chosen)];
};

export const shapeKernels = {
  broadcast_in_dim: broadcastInDim,
  reshape,
  squeeze: same,
  transpose: ([x], _outs, params) => [permuted(x, (params as TransposeParams).permutation)],
  rev,
  iota,
  empty,
  empty2: empty,
  platform_index: platformIndex,
} as const satisfies Record<string, Kernel>;
