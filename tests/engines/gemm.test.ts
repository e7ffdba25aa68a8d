/** Matrix products of the runtime module: the bits of the reference engine, for every layout, size and cut into ranges. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enableX64, lax, np, type NDArray } from "../../src/index.ts";
import type { DotDimensionNumbers } from "../../src/primitives/dot.ts";
import { gemm, type GemmShape } from "../../src/engines/wasm/runtime/gemm.ts";
import { hasFused, runtimeModule, runtimeRoutines } from "../../src/engines/wasm/runtime/runtimeModule.ts";
import { firstDifference, runRoutine, type Floats } from "./productRuntime.ts";

type Type = GemmShape["type"];

const kinds = { f32: Float32Array, f64: Float64Array, i32: Int32Array } as const;
const dtypes = { f32: "float32", f64: "float64", i32: "int32" } as const;

const flat = (x: NDArray): number[] => (x.toJS() as number[]).flat(4 as 0);

/** Numbers between -1 and 1 from a seed; some are special. */
function numbers(type: Type, n: number, seed: number, specials = false): Floats {
  let state = seed | 0;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return (state >>> 8) / 2 ** 23 - 1;
  };
  const odd = [NaN, Infinity, -Infinity, -0, 1e38];
  return kinds[type].from(
    Array.from({ length: n }, () => {
      const x = next();
      if (type === "i32") return Math.round(x * 2 ** 31);
      return specials && next() > 0.95 ? odd[Math.floor(Math.abs(x) * odd.length)] : x;
    }),
  );
}

interface Case {
  readonly type: Type;
  readonly rows: number;
  readonly columns: number;
  readonly sum: number;
  readonly batch: number;
  readonly lhsTransposed: boolean;
  readonly rhsTransposed: boolean;
}

const shapeOf = (c: Case): GemmShape => ({
  type: c.type,
  ...{ rows: c.rows, columns: c.columns, sum: c.sum },
  lhs: c.lhsTransposed ? { row: 1, column: c.rows } : { row: c.sum, column: 1 },
  rhs: c.rhsTransposed ? { row: 1, column: c.sum } : { row: c.columns, column: 1 },
  out: { row: c.columns, column: 1 },
  batch: [{ size: c.batch, lhs: c.rows * c.sum, rhs: c.sum * c.columns, out: c.rows * c.columns }],
});

function reference(c: Case, lhs: Floats, rhs: Floats): Floats {
  const operand = (x: Floats, shape: readonly number[], flip: boolean): NDArray => {
    const array = np.reshape(np.array(Array.from(x), dtypes[c.type]), [
      c.batch,
      ...(flip ? shape.toReversed() : shape),
    ]);
    return flip ? lax.transpose(array, [0, 2, 1]) : array;
  };
  const out = lax.dotGeneral(
    operand(lhs, [c.rows, c.sum], c.lhsTransposed),
    operand(rhs, [c.sum, c.columns], c.rhsTransposed),
    [
      [[2], [1]],
      [[0], [0]],
    ],
  );
  return kinds[c.type].from(flat(out));
}

function check(c: Case, seed: number, specials = false): void {
  const lhs = numbers(c.type, c.batch * c.rows * c.sum, seed, specials);
  const rhs = numbers(c.type, c.batch * c.sum * c.columns, seed + 1, specials);
  const out = numbers(c.type, c.batch * c.rows * c.columns, seed + 2);
  const want = reference(c, lhs, rhs);
  for (const ranges of [1, 2, 3]) {
    const got = runRoutine(gemm(shapeOf(c), ranges), lhs, rhs, out, { ranges });
    const at = firstDifference(got, want);
    if (at >= 0) expect.fail(`${JSON.stringify(c)}, ${ranges} ranges: element ${at} is ${got[at]}, not ${want[at]}`);
  }
}

beforeAll(() => {
  enableX64(true);
});
afterAll(() => {
  enableX64(false);
});

const base: Case = {
  ...{ type: "f32", rows: 3, columns: 5, sum: 7, batch: 1 },
  ...{ lhsTransposed: false, rhsTransposed: false },
} as const;

describe("the bits of the reference engine", () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(1, 31, 64, 65, 97));
  const cases = fc.record({
    type: fc.constantFrom<Type>("f32", "f64", "i32"),
    ...{ rows: size, columns: size, batch: fc.constantFrom(1, 1, 2, 3) },
    sum: fc.oneof(size, fc.constantFrom(255, 256, 257, 600)),
    ...{ lhsTransposed: fc.boolean(), rhsTransposed: fc.boolean() },
  });
  it("for random sizes and layouts", () => {
    fc.assert(
      fc.property(cases, fc.integer(), (c, seed) => {
        check(c, seed);
      }),
      { numRuns: 150 },
    );
  });
  it("for infinities, NaNs and zeros", () => {
    fc.assert(
      fc.property(cases, fc.integer(), (c, seed) => {
        check(c, seed, true);
      }),
      { numRuns: 60 },
    );
  });
  it("for products of a few numbers, in every layout", () => {
    const few = fc.integer({ min: 1, max: 9 });
    const tiny = cases.filter(({ rows, columns, sum }) => rows * columns * sum <= 200);
    const small = fc.record({
      type: fc.constantFrom<Type>("f32", "f64", "i32"),
      ...{ rows: few, columns: few, sum: few, batch: fc.constantFrom(1, 5) },
      ...{ lhsTransposed: fc.boolean(), rhsTransposed: fc.boolean() },
    });
    fc.assert(
      fc.property(fc.oneof(tiny, small), fc.integer(), fc.boolean(), (c, seed, specials) => {
        check(c, seed, specials);
      }),
      { numRuns: 200 },
    );
  });
  for (const lhsTransposed of [false, true]) {
    for (const rhsTransposed of [false, true]) {
      const layouts = { lhsTransposed, rhsTransposed };
      it(`for blocks of rows, columns and k (${lhsTransposed ? "T" : "N"}${rhsTransposed ? "T" : "N"})`, () => {
        check({ ...base, ...layouts, rows: 203, columns: 90, sum: 300 }, 1);
        check({ ...base, ...layouts, rows: 70, columns: 2060, sum: 20 }, 2);
        check({ ...base, ...layouts, rows: 1, columns: 1030, sum: 300 }, 3);
        check({ ...base, ...layouts, rows: 300, columns: 1, sum: 520 }, 4);
        check({ ...base, ...layouts, rows: 6, columns: 130, sum: 270 }, 5);
      });
    }
  }
});

describe("other forms", () => {
  it("adds to what is there", () => {
    const c = { ...base, rows: 70, columns: 70, sum: 300 };
    const [lhs, rhs] = [numbers("f32", 70 * 300, 1), numbers("f32", 300 * 70, 2)];
    const start = numbers("f32", 70 * 70, 3);
    const first = reference({ ...c, sum: 256 }, firstColumns(lhs, 300, 256), rhs.slice(0, 256 * 70));
    const second = reference({ ...c, sum: 44 }, lastColumns(lhs, 300, 44), rhs.slice(256 * 70));
    const want = Float32Array.from(start, (x, i) => Math.fround(x + first[i]) + second[i]);
    const got = runRoutine(gemm({ ...shapeOf(c), accumulate: true }), lhs, rhs, start);
    expect(firstDifference(got, want)).toBe(-1);
    const empty = gemm({ ...shapeOf({ ...c, sum: 0 }), accumulate: true });
    expect(firstDifference(runRoutine(empty, lhs, rhs, start), start)).toBe(-1);
  });
  it("walks a batch of two axes whose strides don't merge", () => {
    // [batch, time, heads, depth]: each head is a slice of every row.
    const [B, T, H, D] = [2, 5, 3, 4];
    const [q, k] = [numbers("f32", B * T * H * D, 1), numbers("f32", B * T * H * D, 2)];
    const call = gemm({
      ...{ type: "f32", rows: T, columns: T, sum: D },
      lhs: { row: H * D, column: 1 },
      rhs: { row: 1, column: H * D },
      out: { row: T, column: 1 },
      batch: [
        { size: B, lhs: T * H * D, rhs: T * H * D, out: H * T * T },
        { size: H, lhs: D, rhs: D, out: T * T },
      ],
    });
    const x = (y: Floats): NDArray => np.reshape(np.array(Array.from(y), "float32"), [B, T, H, D]);
    const dims: DotDimensionNumbers = [
      [[3], [3]],
      [
        [0, 2],
        [0, 2],
      ],
    ];
    const want = flat(lax.dotGeneral(x(q), x(k), dims));
    expect(Array.from(runRoutine(call, q, k, new Float32Array(B * H * T * T)))).toEqual(want);
  });
  it("gives zeros where there is nothing to add", () => {
    for (const [rows, columns] of [
      [3, 5],
      [1, 5],
      [5, 1],
      [100, 100],
    ]) {
      const call = gemm(shapeOf({ ...base, rows, columns, sum: 0 }));
      const got = runRoutine(call, new Float32Array(0), new Float32Array(0), numbers("f32", rows * columns, 1));
      expect(got.every((v) => Object.is(v, 0))).toBe(true);
    }
  });
  it("has the same bits on every path when products are fused", () => {
    if (!hasFused()) {
      console.log("this machine has no fused multiply-add: nothing to compare");
      return;
    }
    // The same product as part of a small one, of a large one, and as a vector.
    const [m, n, k] = [130, 70, 300];
    const [lhs, rhs] = [numbers("f32", m * k, 1), numbers("f32", k * n, 2)];
    const c = { ...base, columns: n, sum: k };
    const run = (rows: number): Floats =>
      runRoutine(gemm(shapeOf({ ...c, rows })), lhs.slice(0, rows * k), rhs, new Float32Array(rows * n), {
        fast: true,
      });
    const all = run(m);
    expect(firstDifference(run(7), all.slice(0, 7 * n))).toBe(-1);
    expect(firstDifference(run(1), all.slice(0, n))).toBe(-1);
    // A product of a few numbers has the bits that its rows have in one of many.
    const few = { ...base, columns: 6, sum: 9 };
    const [a, b] = [lhs.slice(0, 90 * 9), rhs.slice(0, 54)];
    const product = (rows: number): Floats =>
      runRoutine(gemm(shapeOf({ ...few, rows })), a.slice(0, rows * 9), b, new Float32Array(rows * 6), { fast: true });
    expect(gemm(shapeOf({ ...few, rows: 3 })).routine).toBe("small_f32");
    expect(firstDifference(product(3), product(90).slice(0, 18))).toBe(-1);
  });
});

const firstColumns = (x: Floats, width: number, n: number): Floats => x.filter((_, i) => i % width < n);
const lastColumns = (x: Floats, width: number, n: number): Floats => x.filter((_, i) => i % width >= width - n);

describe("the module", () => {
  it("has the routines that are asked for, or all", () => {
    const names = (module: WebAssembly.Module): string[] => WebAssembly.Module.exports(module).map((e) => e.name);
    expect(names(runtimeModule({ routines: ["packed_f32", "byRows_f64"] }))).toEqual(["packed_f32", "byRows_f64"]);
    expect(names(runtimeModule())).toEqual(runtimeRoutines);
    expect(runtimeModule()).toBe(runtimeModule());
    expect(() => runtimeModule({ routines: ["fft"] })).toThrow("the runtime has no routine fft");
  });
});
