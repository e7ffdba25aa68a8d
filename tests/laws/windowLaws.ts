/** The laws of products, convolutions and what moves windows over arrays. */
import { lax, np, type NDArray, type Primitive } from "../../src/index.ts";
import { primitives } from "../../src/primitives/index.ts";
import { call, type Instance, type Law } from "./law.ts";
import type { Sample } from "./sample.ts";

const p = primitives as unknown as Readonly<Record<string, Primitive>>;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const one =
  (f: (...xs: NDArray[]) => NDArray): Instance["f"] =>
  (...xs) => [f(...xs)];

const LINEAR = { smooth: [0], linear: [[0]] } as const;

const window = (s: Sample): Readonly<Record<string, readonly unknown[]>> => ({
  window_dimensions: [s.int(1, 2), s.int(1, 3)],
  window_strides: [s.int(1, 2), s.int(1, 2)],
  padding: [
    [s.int(0, 1), s.int(0, 1)],
    [0, s.int(0, 2)],
  ],
});
const undilated = { base_dilation: [1, 1], window_dilation: [1, 1] };
const dilated = (s: Sample): Readonly<Record<string, unknown>> => ({
  base_dilation: [s.int(1, 2), 1],
  window_dilation: [1, s.int(1, 2)],
});
const image = (s: Sample): NDArray => s.distinct([s.int(3, 4), s.int(4, 5)]);

export const windowLaws = {
  ragged_dot_general: {
    smooth: [0, 1],
    linear: [[0], [1]],
    draw(s) {
      const params = {
        group_offset: null,
        out_sharding: null,
        precision: null,
        preferred_element_type: null,
        ragged_dot_dimension_numbers: {
          dotDimensionNumbers: [[[1], [1]], [[], []]], // prettier-ignore
          lhsRaggedDimensions: [0],
          rhsGroupDimensions: [0],
        },
      } as const;
      const sizes = np.array([s.int(0, 2), s.int(0, 2)], "int32");
      return {
        f: (x, y) => call(p.ragged_dot_general, params)(x, y, sizes),
        args: [s.floats([4, 2]), s.floats([2, 2, 3])],
      };
    },
  },
  dot_general: {
    smooth: [0, 1],
    linear: [[0], [1]],
    draw(s) {
      const [batch, contract] = [range(s.int(0, 1)), range(s.int(0, 2))];
      const sizes = { b: batch.map(() => s.int(1, 2)), c: contract.map(() => s.int(1, 3)) };
      const [free1, free2] = [s.shape(0, 1), s.shape(0, 1)];
      // batch axes first on the left, last on the right
      const left = [...sizes.b, ...sizes.c, ...free1];
      const right = [...sizes.c, ...free2, ...sizes.b];
      const nb = batch.length;
      const dims = [
        [contract.map((i) => nb + i), contract],
        [batch, batch.map((i) => contract.length + free2.length + i)],
      ];
      const params = { dimension_numbers: dims, precision: null, preferred_element_type: null, out_sharding: null };
      return { f: call(p.dot_general, params), args: [s.floats(left), s.floats(right)] };
    },
  },
  conv_general_dilated: {
    smooth: [0, 1],
    linear: [[0], [1]],
    draw(s) {
      const groups = s.pick(["none", "feature", "batch"]);
      const options = {
        lhsDilation: [s.int(1, 2)],
        rhsDilation: [s.int(1, 2)],
        ...(groups === "feature" ? { featureGroupCount: 2 } : groups === "batch" ? { batchGroupCount: 2 } : {}),
      };
      const strides = [s.int(1, 2)];
      const padding: readonly (readonly [number, number])[] = [[s.int(0, 2), s.int(0, 1)]];
      return {
        f: one((x, k) => lax.convGeneralDilated(x, k, strides, padding, options)),
        args: [s.floats([2, 2, s.int(3, 5)]), s.floats([2, groups === "feature" ? 1 : 2, s.int(1, 2)])],
      };
    },
  },
  reduce_window_sum: {
    ...LINEAR,
    draw: (s) => ({ f: call(p.reduce_window_sum, { ...window(s), ...dilated(s) }), args: [image(s)] }),
  },
  reduce_window_max: {
    smooth: [0],
    modes: ["fwd", "rev"],
    draw: (s) => ({
      f: call(p.reduce_window_max, {
        ...window(s),
        ...undilated,
        padding: [
          [0, 0],
          [0, 0],
        ],
      }),
      args: [image(s)],
    }),
  },
  reduce_window_min: {
    smooth: [0],
    draw: (s) => ({
      f: call(p.reduce_window_min, {
        ...window(s),
        ...undilated,
        padding: [
          [0, 0],
          [0, 0],
        ],
      }),
      args: [image(s)],
    }),
  },
  reduce_window: {
    smooth: [0],
    modes: ["fwd"],
    draw(s) {
      const combine = (x: NDArray, y: NDArray): NDArray => np.add(np.multiply(x, y), np.add(x, y));
      const strides = [1, s.int(1, 2)];
      return { f: one((x) => lax.reduceWindow(x, 0, combine, [2, 2], strides, "VALID")), args: [s.floats([3, 3])] };
    },
  },
  select_and_gather_add: {
    smooth: [0],
    linear: [[0]],
    draw(s) {
      const x = image(s);
      const params = {
        ...window(s),
        ...undilated,
        padding: [
          [0, 0],
          [0, 0],
        ],
        select_prim: s.pick(["ge", "le"]),
      };
      return { f: call(p.select_and_gather_add, params), args: [s.floats(x.shape), x] };
    },
  },
  select_and_scatter_add: {
    smooth: [0],
    linear: [[0]],
    draw(s) {
      const params = {
        window_dimensions: [2, 2],
        window_strides: [1, 2],
        padding: [
          [0, 0],
          [0, 0],
        ],
        select_prim: s.pick(["ge", "le"]),
      };
      return { f: call(p.select_and_scatter_add, params), args: [s.floats([2, 2]), s.distinct([3, 4])] };
    },
  },
} as const satisfies Readonly<Record<string, Law>>;
