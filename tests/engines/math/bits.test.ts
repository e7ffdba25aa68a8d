/** Operations on bits and integers against the js engine: equal, bit by bit. */
import { describe, expect, test } from "vitest";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../../src/core/halfFloat.ts";
import { ConcreteArray } from "../../../src/core/array.ts";
import { ShapedArray } from "../../../src/core/aval.ts";
import type { DType, TypedArray } from "../../../src/core/dtype.ts";
import { arithmeticKernels } from "../../../src/engines/js/arithmetic.ts";
import { bitKernels } from "../../../src/engines/js/bits.ts";
import { comparisonKernels } from "../../../src/engines/js/comparison.ts";
import { reducePrecision } from "../../../src/engines/js/convert.ts";
import * as bits from "../../../src/engines/wasm/math/bits.ts";
import * as halves from "../../../src/engines/wasm/math/halves.ts";
import { integerMath, integerMath2 } from "../../../src/engines/wasm/math/integers.ts";
import { onFloats, prepare, samples, type Emit, type Vector } from "./kernel.ts";

/** The result as lanes of the first operand's type. */
function run<T extends Vector>(emit: Emit, ...operands: readonly T[]): T {
  const { run, result } = prepare(emit, operands, operands[0].BYTES_PER_ELEMENT === 8);
  run();
  return new (operands[0].constructor as new (b: ArrayBufferLike) => T)(result.slice().buffer);
}

const raw = (x: Float32Array): Uint32Array => new Uint32Array(x.slice().buffer);
const floats = (x: Uint32Array): Float32Array => new Float32Array(x.slice().buffer);
const allHalves = Uint32Array.from({ length: 65_536 }, (_, i) => i);

describe("16-bit floats", () => {
  test.each([
    ["float16", halves.fromFloat16, fromFloat16],
    ["bfloat16", halves.fromBfloat16, fromBfloat16],
  ] as const)("all %s become float32", (_, emit, exact) => {
    const got = floats(
      run((c, [x]) => {
        emit(c, x);
      }, allHalves),
    );
    const wrong = Array.from(allHalves).filter((i) => !Object.is(got[i], exact(i)));
    expect(wrong).toEqual([]);
  });
  test.each([
    ["float16", halves.roundToFloat16, halves.float16Bits, toFloat16, fromFloat16],
    ["bfloat16", halves.roundToBfloat16, halves.bfloat16Bits, toBfloat16, fromBfloat16],
  ] as const)("float32 become the nearest %s", (_, round, bitsOf, exact, back) => {
    // Each half, the middle to the next one, and both neighbours of the middle; and numbers of all exponents.
    const near = Array.from(allHalves).flatMap((i) => {
      const middle = Math.fround((back(i) + back(Math.min(i + 1, 65_535))) / 2);
      return [back(i), middle, middle * (1 + 2 ** -23), middle * (1 - 2 ** -23)];
    });
    const all = Float32Array.from([...near, ...samples(100).slice(0, 25_500)]);
    const got = run((c, [x]) => {
      round(c, x);
      bitsOf(c, c.keep());
    }, raw(all));
    const wrong = Array.from(all.keys()).filter((i) => got[i] !== exact(all[i]) && !Number.isNaN(all[i]));
    expect(wrong.map((i) => [all[i], got[i], exact(all[i])])).toEqual([]);
    got.forEach((b, i) => {
      if (Number.isNaN(all[i])) expect(back(b)).toBeNaN();
    });
  });
});

test.each([
  [5, 10],
  [8, 7],
  [8, 22],
  [4, 3],
  [2, 1],
  [1, 0],
  [11, 5],
  [8, 23],
  [5, 23],
])("reduce_precision to %i and %i bits", (e, m) => {
  const xs = samples(400);
  const got = onFloats((c, [x]) => {
    bits.reducePrecision(e, m)(c, x);
  }, xs);
  const exact = xs.map((x) => (e >= 8 && m >= 23 ? x : reducePrecision(x, e, m)));
  const wrong = Array.from(xs.keys()).filter((i) => !Object.is(got[i], exact[i]));
  expect(wrong.map((i) => [xs[i], got[i], exact[i]]).slice(0, 5)).toEqual([]);
});

test("nextafter", () => {
  const special = [0, -0, 1, -1, 2 ** -149, -(2 ** -149), 2 ** -126, 3.4028234663852886e38, Infinity, -Infinity, NaN];
  const xs = Float32Array.from([...special.flatMap((x) => special.map(() => x)), ...samples(20)]);
  const ys = Float32Array.from([...special.flatMap(() => special), ...samples(20).reverse()]);
  const got = onFloats(
    (c, [x, y]) => {
      bits.nextafter(c, x, y);
    },
    xs,
    ys,
  );
  const exact = byKernel("float32", [xs, ys], bitKernels.nextafter) as Float32Array;
  const wrong = Array.from(xs.keys()).filter((i) => !Object.is(got[i], exact[i]));
  expect(wrong.map((i) => [xs[i], ys[i], got[i], exact[i]]).slice(0, 5)).toEqual([]);
});

type Kernel = typeof bitKernels.nextafter;

function byKernel(dtype: DType, operands: readonly TypedArray[], kernel: Kernel): TypedArray {
  const aval = new ShapedArray([operands[0].length], dtype);
  return kernel(
    operands.map((x) => new ConcreteArray(aval, x)),
    [aval],
    {},
  )[0];
}

const storage = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

const COUNT = 4096;

/** Random numbers of all magnitudes, and the special ones in all pairs. */
function integers(width: number, signed: boolean, second: boolean): readonly bigint[] {
  const special = [
    0n,
    1n,
    -1n,
    2n,
    -2n,
    7n,
    BigInt(width),
    BigInt(width - 1),
    1n << BigInt(width - 1),
    (1n << BigInt(width - 1)) - 1n,
  ];
  let state = second ? 99n : 7n;
  const wrapped = (v: bigint): bigint => (signed ? BigInt.asIntN(width, v) : BigInt.asUintN(width, v));
  return Array.from({ length: COUNT }, (_, i) => {
    if (i < 100) return wrapped(special[second ? i % 10 : Math.floor(i / 10)]);
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return wrapped(BigInt.asIntN(64, state ^ (state >> 29n)) >> ((state >> 40n) % 64n));
  });
}

describe.each(Object.keys(storage) as (keyof typeof storage)[])("%s", (dtype) => {
  const signed = dtype.startsWith("int");
  const width = storage[dtype].BYTES_PER_ELEMENT * 8;
  const lanes = (v: readonly bigint[]): Int32Array | BigInt64Array =>
    width === 64 ? BigInt64Array.from(v) : Int32Array.from(v, Number);
  const stored = (v: readonly bigint[]): TypedArray =>
    width === 64 ? new storage[dtype](v as never) : new storage[dtype](v.map(Number) as never);
  const kernels = { ...arithmeticKernels, ...comparisonKernels, ...bitKernels } as unknown as Record<string, Kernel>;
  const equal = (name: string, emit: Emit, operands: readonly (readonly bigint[])[]): void => {
    const got = run<Int32Array | BigInt64Array>(emit, ...operands.map(lanes));
    const exact = byKernel(dtype, operands.map(stored), kernels[name]);
    const narrowed = stored(
      Array.from(got, BigInt).map((v) => (signed ? BigInt.asIntN(width, v) : BigInt.asUintN(width, v))),
    );
    const wrong = Array.from(exact.keys()).filter((i) => narrowed[i] !== exact[i]);
    expect(wrong.map((i) => [...operands.map((o) => o[i]), narrowed[i], exact[i]]).slice(0, 5)).toEqual([]);
  };
  test.each(Object.keys(integerMath))("%s", (name) => {
    equal(
      name,
      (c, [x]) => {
        integerMath[name](c, x, signed, width);
      },
      [integers(width, signed, false)],
    );
  });
  test.each(Object.keys(integerMath2))("%s", (name) => {
    equal(
      name,
      (c, [x, y]) => {
        integerMath2[name](c, x, y, signed, width);
      },
      [integers(width, signed, false), integers(width, signed, true)],
    );
  });
});
