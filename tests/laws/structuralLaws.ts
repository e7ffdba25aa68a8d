/** The laws of operations on whole arrays: shapes, reductions, indexing, sorting, conversions. */
import { lax, np, type NDArray, type Primitive } from "../../src/index.ts";
import { primitives } from "../../src/primitives/index.ts";
import { call, type Instance, type Law } from "./law.ts";
import type { Sample } from "./sample.ts";

const p = primitives as unknown as Readonly<Record<string, Primitive>>;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const one =
  (f: (...xs: NDArray[]) => NDArray): Instance["f"] =>
  (...xs) => [f(...xs)];

/** A law of an operation on one array with parameters. */
const shaped = (
  name: string,
  params: (s: Sample, shape: readonly number[]) => Readonly<Record<string, unknown>>,
  options: Omit<Law, "draw"> & {
    readonly rank?: readonly [number, number];
    readonly values?: "distinct" | "ints" | "bools";
  } = {},
): Law => ({
  ...options,
  draw(s) {
    const shape = s.shape(...(options.rank ?? [1, 3]));
    const { values } = options;
    const x =
      values === "distinct"
        ? s.distinct(shape)
        : values === "ints"
          ? s.ints(shape)
          : values === "bools"
            ? s.bools(shape)
            : s.nonzero(shape);
    return { f: call(p[name], params(s, shape)), args: [x] };
  },
});

const someAxes = (s: Sample, shape: readonly number[]): { axes: number[] } => ({
  axes: range(shape.length).filter(() => s.flag()),
});
const axis = (s: Sample, shape: readonly number[]): number => s.int(0, shape.length - 1);
const cumulative = (name: string, options: Omit<Law, "draw">, values?: "distinct"): Law =>
  shaped(name, (s, shape) => ({ axis: axis(s, shape), reverse: s.flag() }), {
    ...options,
    ...(values === undefined ? {} : { values }),
  });

const LINEAR = { smooth: [0], linear: [[0]] } as const;

/** Rows of a matrix, by indices that may repeat or be out of range. */
const rows = (s: Sample): { x: NDArray; indices: NDArray; size: number; n: number } => {
  const [n, size] = [s.int(2, 4), s.int(1, 3)];
  return { x: s.nonzero([n, size], 0.5, 2), indices: s.ints([s.int(1, 3), 1], 0, n), size, n };
};
const scattering = (
  f: (x: NDArray, i: NDArray, u: NDArray) => NDArray,
  options: Omit<Law, "draw">,
  unique = false,
): Law => ({
  ...options,
  draw(s) {
    const { x, indices, size, n } = rows(s);
    const places = unique ? s.array([Math.min(2, n), 1], nextOf(s.permutation(n)), "int32") : indices;
    return { f: one(f), args: [x, places, s.floats([places.shape[0], size], 3, 4)] };
  },
});
const nextOf = (xs: readonly number[]): (() => number) => {
  let i = 0;
  return () => xs[i++];
};
const rowDims = { updateWindowDims: [1], insertedWindowDims: [0], scatterDimsToOperandDims: [0] } as const;

export const structuralLaws = {
  broadcast_in_dim: {
    ...LINEAR,
    draw(s) {
      const shape = [s.int(1, 3), s.int(1, 3), s.int(1, 2)];
      const dims = range(3).filter(() => s.flag());
      const operand = dims.map((d) => (s.flag() ? 1 : shape[d]));
      return {
        f: call(p.broadcast_in_dim, { shape, broadcast_dimensions: dims, sharding: null }),
        args: [s.floats(operand)],
      };
    },
  },
  reshape: {
    ...LINEAR,
    draw(s) {
      const shape = s.shape(1, 3);
      const size = shape.reduce((a, b) => a * b, 1);
      const dimensions = s.flag() ? s.permutation(shape.length) : null;
      return {
        f: call(p.reshape, { new_sizes: s.flag() ? [size] : [1, size], dimensions, sharding: null }),
        args: [s.floats(shape)],
      };
    },
  },
  squeeze: {
    ...LINEAR,
    draw: (s) => ({ f: call(p.squeeze, { dimensions: [0, 2] }), args: [s.floats([1, s.int(1, 3), 1])] }),
  },
  transpose: shaped("transpose", (s, shape) => ({ permutation: s.permutation(shape.length) }), LINEAR),
  rev: shaped("rev", (s, shape) => ({ dimensions: someAxes(s, shape).axes }), LINEAR),
  concatenate: {
    smooth: [0, 1],
    linear: [[0, 1]],
    draw(s) {
      const [a, b, c] = [s.int(1, 3), s.int(1, 3), s.int(1, 3)];
      return { f: call(p.concatenate, { dimension: 1 }), args: [s.floats([a, b]), s.floats([a, c])] };
    },
  },
  split: {
    ...LINEAR,
    draw: (s) => ({ f: call(p.split, { sizes: [1, 2], axis: 1 }), args: [s.floats([s.int(1, 3), 3])] }),
  },
  stack: {
    smooth: [0, 1],
    linear: [[0, 1]],
    draw(s) {
      const shape = s.shape(0, 2);
      return { f: call(p.stack, { axis: s.int(0, shape.length) }), args: [s.floats(shape), s.floats(shape)] };
    },
  },
  unstack: shaped("unstack", (s, shape) => ({ axis: axis(s, shape) }), LINEAR),
  tile: shaped("tile", (s, shape) => ({ reps: shape.map(() => s.int(1, 2)) }), LINEAR),
  pad: {
    smooth: [0, 1],
    linear: [[0, 1], [0]],
    draw: (s) => ({
      f: call(p.pad, {
        padding_config: [
          [s.int(-1, 2), s.int(0, 2), s.int(0, 2)],
          [s.int(0, 1), s.int(0, 1), 0],
        ],
      }),
      args: [s.floats([s.int(2, 3), s.int(1, 3)]), s.floats([])],
    }),
  },
  slice: {
    ...LINEAR,
    draw: (s) => ({
      f: call(p.slice, {
        start_indices: [s.int(0, 1), 0],
        limit_indices: [s.int(2, 4), 2],
        strides: s.flag() ? null : [s.int(1, 2), 1],
      }),
      args: [s.floats([4, 3])],
    }),
  },
  dynamic_slice: {
    ...LINEAR,
    draw: (s) => ({
      f: call(p.dynamic_slice, { slice_sizes: [2, s.int(1, 3)] }),
      args: [s.floats([3, 3]), s.ints([], -1, 3), s.ints([], 0, 3)],
    }),
  },
  dynamic_update_slice: {
    smooth: [0, 1],
    linear: [[0, 1]],
    draw: (s) => ({
      f: call(p.dynamic_update_slice),
      args: [s.floats([3, 4]), s.floats([2, 2]), s.ints([], 0, 3), s.ints([], 0, 3)],
    }),
  },

  reduce_sum: shaped("reduce_sum", (s, shape) => ({ ...someAxes(s, shape), out_sharding: null }), LINEAR),
  reduce_max: shaped("reduce_max", someAxes, { smooth: [0], values: "distinct" }),
  reduce_min: shaped("reduce_min", someAxes, { smooth: [0], values: "distinct" }),
  reduce_prod: shaped("reduce_prod", someAxes, { smooth: [0], rank: [1, 2] }),
  reduce_and: shaped("reduce_and", someAxes, { values: "bools" }),
  reduce_or: shaped("reduce_or", someAxes, { values: "ints" }),
  reduce_xor: shaped("reduce_xor", someAxes, { values: "ints" }),
  argmax: shaped("argmax", (s, shape) => ({ axes: [axis(s, shape)], index_dtype: "int32" }), { values: "distinct" }),
  argmin: shaped("argmin", (s, shape) => ({ axes: [axis(s, shape)], index_dtype: "int32" }), { values: "distinct" }),
  reduce: {
    smooth: [0],
    draw(s) {
      const combine = (x: NDArray, y: NDArray): NDArray => np.add(np.multiply(x, y), np.add(x, y));
      const over = [s.int(0, 1)];
      return { f: one((x) => lax.reduce(x, 0, combine, over)), args: [s.floats([2, 3])] };
    },
  },
  cumsum: cumulative("cumsum", LINEAR),
  cumprod: cumulative("cumprod", { smooth: [0] }),
  cummax: cumulative("cummax", { smooth: [0] }, "distinct"),
  cummin: cumulative("cummin", { smooth: [0] }, "distinct"),
  cumlogsumexp: cumulative("cumlogsumexp", { smooth: [0] }),

  /** There and back: real to half a spectrum, a complex transform or its inverse, and back to real numbers. */
  fft: {
    smooth: [0],
    linear: [[0]],
    draw(s) {
      const n = s.int(1, 7);
      const kept = Math.floor(n / 2) + 1;
      const [there, middle] = [call(p.fft, { fft_type: 2, fft_lengths: [n] }), s.int(0, 1)];
      const back = Math.max(1, 2 * (kept - 1) + s.int(0, 1));
      return {
        f(x) {
          const [z] = call(p.fft, { fft_type: middle, fft_lengths: [2, kept] })(...there(x));
          return call(p.fft, { fft_type: 3, fft_lengths: [back] })(z);
        },
        args: [s.floats([2, n])],
      };
    },
  },

  gather: {
    ...LINEAR,
    draw(s) {
      const { x, indices, size } = rows(s);
      const mode = s.pick(["clip", "fill"] as const);
      const dims = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] };
      return { f: one((x, i) => lax.gather(x, i, dims, [1, size], { mode, fillValue: 0 })), args: [x, indices] };
    },
  },
  "scatter-add": scattering((x, i, u) => lax.scatterAdd(x, i, u, rowDims), { smooth: [0, 2], linear: [[0, 2]] }),
  "scatter-sub": scattering((x, i, u) => lax.scatterSub(x, i, u, rowDims), { smooth: [0, 2], linear: [[0, 2]] }),
  "scatter-mul": scattering(
    (x, i, u) => lax.scatterMul(x, i, u, rowDims, { uniqueIndices: true }),
    { smooth: [0, 2], linear: [[0], [2]] },
    true,
  ),
  "scatter-min": scattering((x, i, u) => lax.scatterMin(x, i, u, rowDims), { smooth: [0, 2] }, true),
  "scatter-max": scattering((x, i, u) => lax.scatterMax(x, i, u, rowDims), { smooth: [0, 2] }, true),
  scatter: scattering(
    (x, i, u) => lax.scatter(x, i, u, rowDims, { uniqueIndices: true }),
    { smooth: [0, 2], linear: [[0, 2]] },
    true,
  ),

  sort: {
    smooth: [0, 1],
    draw(s) {
      const shape = s.shape(1, 2);
      const params = { dimension: shape.length - 1, is_stable: true, num_keys: 1 };
      return { f: call(p.sort, params), args: [s.distinct(shape), s.floats(shape)] };
    },
  },
  top_k: shaped("top_k", (_, shape) => ({ axis: shape.length - 1, k: 1 }), {
    smooth: [0],
    values: "distinct",
  }),

  convert_element_type: shaped(
    "convert_element_type",
    () => ({ new_dtype: "float32", weak_type: false, sharding: null }),
    {
      ...LINEAR,
      step: 1,
      tolerance: 1e-5,
    },
  ),
  reduce_precision: shaped("reduce_precision", () => ({ exponent_bits: 11, mantissa_bits: 52 }), LINEAR),
  bitcast_convert_type: shaped("bitcast_convert_type", () => ({ new_dtype: "int64" })),
  stop_gradient: shaped("stop_gradient", () => ({}), { stopsGradients: true }),
  copy: shaped("copy", () => ({}), LINEAR),
  optimization_barrier: {
    smooth: [0, 1],
    linear: [[0, 1]],
    draw: (s) => ({ f: call(p.optimization_barrier), args: [s.floats([2]), s.floats([])] }),
  },
  name: shaped("name", () => ({ name: "x" }), { ...LINEAR, linear: [] }),
  device_put: shaped("device_put", () => ({ devices: ["device"] }), LINEAR),

  iota: {
    draw: (s) => ({
      f: call(p.iota, { dtype: "int32", shape: s.shape(1, 2), dimension: 0, sharding: null }),
      args: [],
    }),
  },
  empty: { draw: (s) => ({ f: call(p.empty, { shape: s.shape(), dtype: "float64", out_sharding: null }), args: [] }) },
  empty2: { draw: () => ({ f: call(p.empty2, { dtype: "float64", memory_space: "device" }), args: [] }) },
  platform_index: { draw: () => ({ f: call(p.platform_index, { platforms: [["cpu"], null] }), args: [] }) },
} as const satisfies Readonly<Record<string, Law>>;
