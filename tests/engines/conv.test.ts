/** Convolutions of the runtime module: the bits of the reference engine, for every order of axes, and for those that gradients ask for. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConcreteArray } from "../../src/core/array.ts";
import { sizeOf, ShapedArray, type Shape } from "../../src/core/aval.ts";
import { convKernels } from "../../src/engines/js/conv.ts";
import { conv } from "../../src/engines/wasm/runtime/conv.ts";
import { enableX64, grad, lax, makeJaxpr, np, type NDArray } from "../../src/index.ts";
import { convGeneralDilated, type ConvParams } from "../../src/primitives/conv.ts";
import { firstDifference, runRoutine, type Floats } from "./productRuntime.ts";

beforeAll(() => {
  enableX64(true);
});
afterAll(() => {
  enableX64(false);
});

function numbers(n: number, seed: number, specials = false): number[] {
  let state = seed | 0;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return (state >>> 8) / 2 ** 23 - 1;
  };
  return Array.from({ length: n }, () => (specials && next() > 0.97 ? [NaN, Infinity, -0][(state >>> 8) % 3] : next()));
}

const kinds = { f32: Float32Array, f64: Float64Array } as const;

/** Compares one convolution; kernels can be given as a view that runs backwards along its spatial axes. */
function check(
  type: "f32" | "f64",
  lhsShape: Shape,
  rhsShape: Shape,
  params: ConvParams,
  seed: number,
  { specials = false, ranges = 1 }: { readonly specials?: boolean; readonly ranges?: number } = {},
): string {
  const dtype = type === "f32" ? "float32" : "float64";
  const lhs = new ShapedArray(lhsShape, dtype);
  const rhs = new ShapedArray(rhsShape, dtype);
  const out = (convGeneralDilated.type([lhs, rhs], params) as ShapedArray[])[0];
  const x = kinds[type].from(numbers(lhs.size, seed, specials));
  const y = kinds[type].from(numbers(rhs.size, seed + 1, specials));
  const [want] = convKernels.conv_general_dilated(
    [new ConcreteArray(lhs, x), new ConcreteArray(rhs, y)],
    [out],
    params,
  );
  const call = conv({ type, lhs: { shape: lhsShape }, rhs: { shape: rhsShape }, out: out.shape }, params, ranges);
  const got = runRoutine<Floats>(call, x, y, kinds[type].from(numbers(out.size, seed + 2)), { ranges });
  const at = firstDifference(got, want as Floats);
  if (at >= 0) {
    const text = `${lhsShape.join("x")} by ${rhsShape.join("x")}, ${JSON.stringify(params)}`;
    expect.fail(`${text}: element ${at} is ${got[at]}, not ${want[at]}`);
  }
  return call.routine;
}

const ordered = (sizes: readonly number[], spec: readonly number[]): number[] => {
  const shape = new Array<number>(sizes.length);
  spec.forEach((dim, i) => (shape[dim] = sizes[i]));
  return shape;
};

/** Random convolutions whose shapes fit. */
const randomConv = fc.integer({ min: 0, max: 3 }).chain((rank) => {
  const perAxis = <T>(x: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(x, { minLength: rank, maxLength: rank });
  const spec = fc.shuffledSubarray(
    Array.from({ length: rank + 2 }, (_, i) => i),
    { minLength: rank + 2 },
  );
  return fc.record({
    type: fc.constantFrom("f32" as const, "f64" as const),
    lhs_spec: spec,
    rhs_spec: spec,
    out_spec: spec,
    input: perAxis(fc.integer({ min: rank > 2 ? 1 : 0, max: rank > 2 ? 4 : 9 })),
    window: perAxis(fc.integer({ min: 1, max: 3 })),
    strides: perAxis(fc.integer({ min: 1, max: 3 })),
    padding: perAxis(fc.tuple(fc.integer({ min: -1, max: 3 }), fc.integer({ min: -1, max: 3 }))),
    lhs_dilation: perAxis(fc.integer({ min: 1, max: 3 })),
    rhs_dilation: perAxis(fc.integer({ min: 1, max: 2 })),
    features: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 100)),
    outFeatures: fc.constantFrom(1, 2, 8, 11),
    batch: fc.integer({ min: 0, max: 5 }),
    groups: fc.tuple(fc.constantFrom("none", "feature", "batch"), fc.constantFrom(2, 3)),
    seed: fc.integer(),
    ranges: fc.constantFrom(1, 2, 3),
    specials: fc.boolean(),
  });
});

describe("the bits of the reference engine", () => {
  it("for random axes, strides, paddings, dilations and groups", () => {
    let tried = 0;
    fc.assert(
      fc.property(randomConv, (c) => {
        const [kind, count] = c.groups;
        const [fg, bg] = [kind === "feature" ? count : 1, kind === "batch" ? count : 1];
        const params: ConvParams = {
          ...{
            window_strides: c.strides,
            padding: c.padding,
            lhs_dilation: c.lhs_dilation,
            rhs_dilation: c.rhs_dilation,
          },
          dimension_numbers: { lhs_spec: c.lhs_spec, rhs_spec: c.rhs_spec, out_spec: c.out_spec },
          ...{ feature_group_count: fg, batch_group_count: bg },
          ...{ precision: null, preferred_element_type: null, out_sharding: null },
        };
        const lhs = ordered([c.batch * bg, c.features * fg, ...c.input], c.lhs_spec);
        const rhs = ordered([c.outFeatures * fg * bg, c.features, ...c.window], c.rhs_spec);
        // Paddings that cut off more than there is are errors of the user.
        const size = c.input.map(
          (n, i) => (n === 0 ? 0 : 1 + c.lhs_dilation[i] * (n - 1)) + c.padding[i][0] + c.padding[i][1],
        );
        if (size.some((n) => n < 0)) return;
        tried++;
        check(c.type, lhs, rhs, params, c.seed, { ranges: c.ranges, specials: c.specials });
      }),
      { numRuns: 300 },
    );
    expect(tried).toBeGreaterThan(100);
  });

  for (const axes of [
    ["NHWC", "HWIO", "NHWC"],
    ["NCHW", "OIHW", "NCHW"],
  ] as const) {
    for (const stride of [1, 2]) {
      it(`for a layer and both its gradients, ${axes.join(", ")}, stride ${stride}`, () => {
        const loss = (x: NDArray, k: NDArray): NDArray =>
          np.sum(lax.convGeneralDilated(x, k, [stride, stride], "SAME", { dimensionNumbers: axes }));
        const [x, k] =
          axes[0] === "NHWC"
            ? [
                [3, 12, 11, 5],
                [3, 3, 5, 9],
              ]
            : [
                [3, 5, 12, 11],
                [9, 5, 3, 3],
              ];
        const program = makeJaxpr(grad(loss, { argnums: [0, 1] }))(np.zeros(x, "float32"), np.zeros(k, "float32"));
        const convs = program.jaxpr.eqns.filter((e) => e.primitive.name === "conv_general_dilated");
        expect(convs.length).toBe(3);
        for (const eqn of convs) {
          const [lhs, rhs] = eqn.invars.map((v) => v.aval.shape);
          check("f32", lhs, rhs, eqn.params as ConvParams, 5, { ranges: 2 });
        }
      });
    }
  }

  for (const channels of [37, 16, 2]) {
    it(`for a depthwise layer of ${channels} channels and its gradients`, () => {
      const loss = (x: NDArray, k: NDArray): NDArray =>
        np.sum(
          lax.convGeneralDilated(x, k, [2, 1], "SAME", {
            ...{ dimensionNumbers: ["NHWC", "HWIO", "NHWC"], featureGroupCount: channels },
          }),
        );
      const [x, k] = [np.zeros([3, 13, 12, channels], "float32"), np.zeros([3, 2, 1, channels], "float32")];
      const program = makeJaxpr(grad(loss, { argnums: [0, 1] }))(x, k);
      const convs = program.jaxpr.eqns.filter((e) => e.primitive.name === "conv_general_dilated");
      expect(convs.length).toBe(3);
      for (const eqn of convs) {
        const [lhs, rhs] = eqn.invars.map((v) => v.aval.shape);
        for (const specials of [false, true]) {
          const routine = check("f32", lhs, rhs, eqn.params as ConvParams, 7, { ranges: 3, specials });
          expect(routine).toBe("depthwise_f32");
        }
      }
    });
  }

  it("for a kernel that runs backwards", () => {
    const params: ConvParams = {
      ...{
        window_strides: [1, 1],
        padding: [
          [1, 1],
          [1, 1],
        ],
        lhs_dilation: [1, 1],
        rhs_dilation: [1, 1],
      },
      dimension_numbers: { lhs_spec: [0, 3, 1, 2], rhs_spec: [3, 2, 0, 1], out_spec: [0, 3, 1, 2] },
      ...{ feature_group_count: 1, batch_group_count: 1 },
      ...{ precision: null, preferred_element_type: null, out_sharding: null },
    };
    const [shape, kernel] = [
      [2, 6, 5, 3],
      [3, 2, 3, 9],
    ];
    const x = Float32Array.from(numbers(sizeOf(shape), 1));
    const y = Float32Array.from(numbers(sizeOf(kernel), 2));
    // Element (a, b, ...) of the view is element (2 - a, 1 - b, ...) of the array: the reversed array, seen from its end.
    const reversed = Float32Array.from({ length: y.length }, (_, i) => {
      const [place, rest] = [Math.floor(i / 27), i % 27];
      return y[(5 - place) * 27 + rest];
    });
    const out = [2, 6, 6, 9];
    const plain = conv({ type: "f32", lhs: { shape }, rhs: { shape: kernel }, out }, params);
    const want = runRoutine(plain, x, y, new Float32Array(sizeOf(out)));
    const strides = [-54, -27, 9, 1];
    const flipped = conv({ type: "f32", lhs: { shape }, rhs: { shape: kernel, strides }, out }, params);
    expect(
      firstDifference(runRoutine(flipped, x, reversed, new Float32Array(sizeOf(out)), { rhsOffset: 4 * 135 }), want),
    ).toBe(-1);
  });
});
