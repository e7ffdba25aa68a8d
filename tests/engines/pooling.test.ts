/** Pooling and its gradients in the runtime module: the bits of the reference engine. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConcreteArray } from "../../src/core/array.ts";
import { ShapedArray, type Shape } from "../../src/core/aval.ts";
import { windowKernels } from "../../src/engines/js/window.ts";
import type { RuntimeCall } from "../../src/engines/wasm/runtime/arguments.ts";
import { reduceWindow, selectAndGather, selectAndScatter } from "../../src/engines/wasm/runtime/pooling.ts";
import { windowShape, type WindowParams } from "../../src/primitives/window.ts";
import { firstDifference, runRoutine } from "./productRuntime.ts";

/** Few different numbers, so that windows have ties; some are special. */
function numbers(n: number, seed: number): Float32Array {
  let state = seed | 0;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >>> 8;
  };
  const odd = [NaN, Infinity, -Infinity, -0, 0];
  return Float32Array.from({ length: n }, () => (next() % 20 === 0 ? odd[next() % 5] : (next() % 9) / 3 - 1.3));
}

interface Case {
  readonly shape: Shape;
  readonly params: WindowParams;
  readonly seed: number;
  readonly ranges: number;
}

const shaped = (shape: Shape): ShapedArray => new ShapedArray(shape, "float32");

function compare(
  c: Case,
  name: string,
  call: RuntimeCall,
  lhs: Float32Array,
  rhs: Float32Array,
  want: Float32Array,
): void {
  const got = runRoutine(call, lhs, rhs, numbers(want.length, 9), { ranges: c.ranges });
  const at = firstDifference(got, want);
  if (at >= 0) expect.fail(`${name} of ${JSON.stringify(c)}: element ${at} is ${got[at]}, not ${want[at]}`);
}

function check(c: Case): void {
  const { shape, params, seed, ranges } = c;
  const operand = shaped(shape);
  const out = shaped(windowShape(operand, params));
  const x = numbers(operand.size, seed);
  const t = numbers(operand.size, seed + 1);
  const kernel = (
    name: keyof typeof windowKernels,
    args: [ShapedArray, Float32Array][],
    to: ShapedArray,
    p: object,
  ): Float32Array =>
    windowKernels[name](
      args.map(([aval, data]) => new ConcreteArray(aval, data)),
      [to],
      p as never,
    )[0] as Float32Array;
  for (const reduction of ["sum", "max", "min"] as const) {
    const want = kernel(`reduce_window_${reduction}`, [[operand, x]], out, params);
    compare(c, reduction, reduceWindow(reduction, shape, out.shape, params, ranges), x, new Float32Array(0), want);
  }
  const plain = [...params.base_dilation, ...params.window_dilation].every((d) => d === 1);
  for (const select of ["ge", "le"] as const) {
    const p = { ...params, select_prim: select };
    const gathered = kernel(
      "select_and_gather_add",
      [
        [operand, t],
        [operand, x],
      ],
      out,
      p,
    );
    compare(c, `gather ${select}`, selectAndGather(select, shape, out.shape, params, ranges), t, x, gathered);
    if (!plain) continue;
    const s = numbers(out.size, seed + 2);
    const scattered = kernel(
      "select_and_scatter_add",
      [
        [out, s],
        [operand, x],
      ],
      operand,
      p,
    );
    compare(c, `scatter ${select}`, selectAndScatter(select, shape, out.shape, p, ranges), s, x, scattered);
  }
}

const randomCase = fc.integer({ min: 1, max: 5 }).chain((rank) =>
  fc
    .record({
      axes: fc.array(
        fc.oneof(
          fc.record({
            size: fc.integer({ min: 0, max: 9 }),
            window: fc.constant(1),
            stride: fc.constant(1),
            low: fc.constant(0),
            high: fc.constant(0),
          }),
          fc.record({
            size: fc.integer({ min: 1, max: 7 }),
            window: fc.integer({ min: 1, max: 3 }),
            stride: fc.integer({ min: 1, max: 3 }),
            low: fc.integer({ min: 0, max: 2 }),
            high: fc.integer({ min: -1, max: 2 }),
          }),
        ),
        { minLength: rank, maxLength: rank },
      ),
      dilations: fc.oneof(
        fc.constant(null),
        fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 2 * rank, maxLength: 2 * rank }),
      ),
      seed: fc.integer(),
      ranges: fc.constantFrom(1, 2, 3),
    })
    .map(({ axes, dilations, seed, ranges }): Case => ({
      shape: axes.map((a) => a.size),
      params: {
        window_dimensions: axes.map((a) => a.window),
        window_strides: axes.map((a) => a.stride),
        padding: axes.map((a) => [a.low, a.high]),
        base_dilation: axes.map((_, d) => dilations?.[d] ?? 1),
        window_dilation: axes.map((_, d) => dilations?.[rank + d] ?? 1),
      },
      seed,
      ranges,
    })),
);

describe("the bits of the reference engine", () => {
  it("for random windows", () => {
    fc.assert(fc.property(randomCase, check), { numRuns: 300 });
  });
  it("for channels last and channels first", () => {
    for (const [shape, at] of [
      [[2, 9, 8, 7], 1],
      [[2, 7, 9, 8], 2],
    ] as const) {
      for (const [size, stride, pad] of [
        [2, 2, 0],
        [3, 1, 1],
        [3, 2, 1],
      ]) {
        const along = <T>(yes: T, no: T): T[] => shape.map((_, d) => (d === at || d === at + 1 ? yes : no));
        const params: WindowParams = {
          ...{ window_dimensions: along(size, 1), window_strides: along(stride, 1) },
          padding: along([pad, pad] as const, [0, 0] as const),
          ...{ base_dilation: along(1, 1), window_dilation: along(1, 1) },
        };
        check({ shape, params, seed: 3, ranges: 2 });
      }
    }
  });
});
