/** The elementwise operations: numbers against known values, dtypes, broadcasting, errors. The texts of programs are the corpus's. */
import { describe, expect, test } from "vitest";
import { enableX64, float, grad, jvp, lax, makeJaxpr, np, vmap, type NDArray } from "../src/index.ts";

const numbers = (x: NDArray): unknown => x.toJS();
const close = (x: NDArray, expected: readonly number[], digits = 5): void => {
  const got = (x.ndim === 0 ? [x.toJS()] : x.toJS()) as number[];
  expect(got).toHaveLength(expected.length);
  got.forEach((v, i) => {
    if (Number.isFinite(expected[i])) expect(v).toBeCloseTo(expected[i], digits);
    else expect(v).toBe(expected[i]);
  });
};

test.each<[string, (x: NDArray) => NDArray, readonly number[], readonly number[]]>([
  ["sin", np.sin, [0, 1, -2], [0, 0.84147098, -0.90929743]],
  ["cbrt", np.cbrt, [8, -27, 0], [2, -3, 0]],
  ["exp2", np.exp2, [0, 3, -1], [1, 8, 0.5]],
  ["log2", np.log2, [1, 8, 0.5], [0, 3, -1]],
  ["log1p", np.log1p, [0, 1, -1], [0, Math.LN2, -Infinity]],
  ["expm1", np.expm1, [0, 1e-6, 1], [0, 1e-6, Math.E - 1]],
  ["arctanh", np.arctanh, [0, 0.5, 1], [0, 0.54930614, Infinity]],
  ["sign", np.sign, [-2, 0, 3], [-1, 0, 1]],
  ["floor", np.floor, [-1.5, 0.5, 2], [-2, 0, 2]],
  ["trunc", np.trunc, [-1.5, 0.5, 2], [-1, 0, 2]],
  ["rint", np.rint, [0.5, 1.5, -2.5], [0, 2, -2]],
  ["sinc", np.sinc, [0, 0.5, 1], [1, 0.63661977, 0]],
  ["reciprocal", np.reciprocal, [2, -4, 0], [0.5, -0.25, Infinity]],
])("%s", (_name, fn, input, expected) => {
  close(fn(np.array(input, { dtype: "float32" })), expected);
});

test("away from zero, lax.round rounds halves", () => {
  close(lax.round(np.array([0.5, 1.5, -2.5, 0.4])), [1, 2, -3, 0]);
});

describe("integers", () => {
  test("division and remainder round down, and survive zero", () => {
    const x = np.array([7, -7, 5], "int32");
    const y = np.array([2, 2, 0], "int32");
    expect(numbers(np.floorDivide(x, y).get(0))).toBe(3);
    expect(numbers(np.floorDivide(x, 2))).toEqual([3, -4, 2]);
    expect(numbers(np.remainder(x, 3))).toEqual([1, 2, 2]);
    expect(numbers(np.fmod(x, 3))).toEqual([1, -1, 2]);
    expect(numbers(lax.div(x, y))).toEqual([3, -3, -1]);
  });

  test("products wrap at 32 bits", () => {
    expect(numbers(np.array([65537], "int32").mul(65537))).toEqual([131073]);
    expect(numbers(np.array([2147483647], "int32").add(1))).toEqual([-2147483648]);
  });

  test("powers and shifts", () => {
    expect(numbers(np.power(np.array([2, 3], "int32"), np.array([10, 0], "int32")))).toEqual([1024, 1]);
    expect(numbers(np.power(np.array([2, 3], "int32"), 3))).toEqual([8, 27]);
    expect(numbers(np.leftShift(np.array([1, 1], "int32"), np.array([3, 32], "int32")))).toEqual([8, 0]);
    expect(numbers(np.rightShift(np.array([-8], "int32"), 1))).toEqual([-4]);
    expect(numbers(lax.shiftRightLogical(np.array([-8], "int8"), np.array([1], "int8")))).toEqual([124]);
    expect(numbers(np.bitwiseCount(np.array([255, -1], "int32")))).toEqual([8, 1]);
    expect(numbers(lax.clz(np.array([1, 0], "uint8")))).toEqual([7, 8]);
  });

  test("64-bit integers are exact", () => {
    enableX64();
    try {
      const x = np.array([2n ** 62n, -1n]);
      expect(x.dtype).toBe("int64");
      expect(numbers(x.add(1))).toEqual([2n ** 62n + 1n, 0n]);
      expect(numbers(x.mul(4))).toEqual([0n, -4n]);
      expect(numbers(np.floorDivide(np.array([-7n]), 2))).toEqual([-4n]);
    } finally {
      enableX64(false);
    }
  });
});

describe("conversions", () => {
  test("floats saturate in integers", () => {
    const x = np.array([300, -5.7, NaN, Infinity]);
    expect(numbers(x.astype("uint8"))).toEqual([255, 0, 0, 255]);
    expect(numbers(x.astype("int32"))).toEqual([300, -5, 0, 2147483647]);
  });

  test("integers wrap in smaller integers", () => {
    expect(numbers(np.array([300, -5], "int32").astype("uint8"))).toEqual([44, 251]);
  });

  test("halves round to even", () => {
    expect(numbers(np.array([2049, 2051]).astype("float16"))).toEqual([2048, 2052]);
    expect(numbers(np.array([257, 259]).astype("bfloat16"))).toEqual([256, 260]);
  });

  test("reducePrecision rounds as the dtype of that many bits", () => {
    const x = np.array([0.1, 1e9, 1e-9, -2.5]);
    close(lax.reducePrecision(x, 5, 10), [0.0999755859375, Infinity, 0, -2.5], 9);
  });

  test("bitcasts", () => {
    expect(numbers(lax.bitcastConvertType(np.array([1, 0], "float32"), "int32"))).toEqual([1065353216, 0]);
    const bytes = lax.bitcastConvertType(np.array([1], "int32"), "uint8");
    expect(bytes.shape).toEqual([1, 4]);
    expect(numbers(lax.bitcastConvertType(bytes, "int32"))).toEqual([1]);
  });
});

test("broadcasting stretches sizes of 1 and adds leading dimensions", () => {
  const row = np.array([1, 2, 3]);
  const column = np.array([[10], [20]]);
  expect(numbers(row.add(column))).toEqual([
    [11, 12, 13],
    [21, 22, 23],
  ]);
  expect(numbers(np.where(np.array([true, false, true]), column, row))).toEqual([
    [10, 2, 10],
    [20, 2, 20],
  ]);
});

test("gradients are summed over what was stretched", () => {
  const loss = (a: NDArray, b: NDArray): NDArray => a.mul(b).sum();
  const g = grad(loss, { argnums: [0, 1] } as never) as unknown as (a: NDArray, b: NDArray) => [NDArray, NDArray];
  const [da, db] = g(np.array([[1], [2]], "float32"), np.array([3, 4, 5], "float32"));
  expect(numbers(da)).toEqual([[12], [12]]);
  expect(numbers(db)).toEqual([3, 3, 3]);
});

test("at a tie, an extremum shares its tangent", () => {
  const [, t] = jvp(
    (x: NDArray, y: NDArray) => np.maximum(x, y),
    [np.array([1, 2]).astype("float32"), np.array([1, 0]).astype("float32")],
    [np.array([1, 1]).astype("float32"), np.array([0, 0]).astype("float32")],
  );
  expect(numbers(t)).toEqual([0.5, 1]);
});

test("batching puts the axis where broadcasting finds it", () => {
  const x = np.array([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const y = np.array([[1], [2]]);
  const f = vmap((a: NDArray, b: NDArray) => a.add(b));
  expect(numbers(f(x, y))).toEqual([
    [2, 3, 4],
    [6, 7, 8],
  ]);
});

test("complex numbers", () => {
  const z = lax.complex(np.array([3, 0]).astype("float32"), np.array([4, -1]).astype("float32"));
  expect(z.dtype).toBe("complex64");
  close(np.abs(z), [5, 1]);
  close(np.angle(z), [Math.atan2(4, 3), -Math.PI / 2]);
  close(lax.real(lax.mul(z, z)), [-7, -1]);
  close(lax.imag(lax.sqrt(z)), [1, -Math.SQRT1_2]);
});

describe("errors say what came", () => {
  const x = np.array([1, 2, 3]).astype("float32");
  test.each<[string, () => unknown, RegExp]>([
    ["shapes", () => np.add(x, np.ones([4])), /add got incompatible shapes for broadcasting: \(3,\), \(4,\)/],
    ["ranks", () => lax.add(x, np.ones([3, 3])), /add: arrays must have the same number of dimensions, got \{1, 2\}/],
    ["dtypes", () => lax.add(x, 2), /lax\.add requires arguments to have the same dtypes, got float32, int32/],
    ["an integer", () => lax.sin(np.arange(3)), /sin does not accept dtype int32/],
    ["a predicate", () => lax.select(x, x, x), /must be boolean or integer type, got float32/],
    [
      "a negative power",
      () => np.power(np.arange(3), -1),
      /Integers cannot be raised to negative powers, got integer_pow\(int32\[3\], -1\)/,
    ],
    ["a string", () => np.add(x, "a" as never), /add requires ndarray or scalar arguments, got string at position 1/],
  ])("%s", (_name, call, message) => {
    expect(call).toThrow(message);
  });
});

test("a host scalar is a literal of the array's dtype; float(2) is not an integer exponent", () => {
  const text = (f: (x: NDArray) => NDArray): string => String(makeJaxpr(f)(np.ones([3])));
  expect(text((x) => x.mul(2))).toBe("{ lambda ; a:f32[3]. let b:f32[3] = mul a 2.0:f32[] in (b,) }");
  expect(text((x) => x.pow(2))).toBe("{ lambda ; a:f32[3]. let b:f32[3] = integer_pow[y=2] a in (b,) }");
  expect(text((x) => x.pow(float(2)))).toBe("{ lambda ; a:f32[3]. let b:f32[3] = pow a 2.0:f32[] in (b,) }");
});

test("floats taken apart and put together", () => {
  const [mantissa, exponent] = np.frexp(np.array([0.75, -6, 0]));
  expect(numbers(mantissa)).toEqual([0.75, -0.75, 0]);
  expect(numbers(exponent)).toEqual([0, 3, 0]);
  expect(numbers(np.ldexp(np.array([0.75, -0.75]), np.array([0, 3], "int32")))).toEqual([0.75, -6]);
  const [fraction, whole] = np.modf(np.array([1.5, -2.25]));
  expect(numbers(fraction)).toEqual([0.5, -0.25]);
  expect(numbers(whole)).toEqual([1, -2]);
  expect(np.spacing(np.array(1, "float32")).item()).toBe(2 ** -23);
  expect(numbers(np.nextafter(np.array([0, 1], "float32"), 2))).toEqual([1.401298464324817e-45, 1.0000001192092896]);
  expect(np.finfo("bfloat16")).toMatchObject({ eps: 2 ** -7, max: 3.3895313892515355e38 });
  expect(np.iinfo("int16")).toMatchObject({ min: -32768, max: 32767 });
});

test("choices by conditions and by size", () => {
  const x = np.array([1, NaN, 3]);
  expect(numbers(np.fmax(x, 2))).toEqual([2, 2, 3]);
  expect(numbers(np.fmin(x, 2))).toEqual([1, 2, 2]);
  expect(numbers(np.select([x.greater(2), x.greater(0)], [np.array([7, 7, 7]), np.array([5, 5, 5])], -1))).toEqual([
    5, -1, 7,
  ]);
  expect(numbers(np.nanToNum(np.array([NaN, Infinity]), { posinf: 9 }))).toEqual([0, 9]);
  expect(numbers(np.clip(np.array([-1, 0.5, 2]), { min: 0 }))).toEqual([0, 0.5, 2]);
});

test("divisors and multiples", () => {
  const x = np.array([12, -8, 0], "int32");
  expect(numbers(np.gcd(x, 18))).toEqual([6, 2, 18]);
  expect(numbers(np.lcm(x, 18))).toEqual([36, 72, 0]);
});

test("unwrap takes jumps out of angles", () => {
  close(np.unwrap(np.array([0, 3, -3, 0])), [0, 3, 2 * Math.PI - 3, 2 * Math.PI]);
});

test("windows", () => {
  close(np.hanning(5), [0, 0.5, 1, 0.5, 0]);
  close(np.bartlett(4), [0, 2 / 3, 2 / 3, 0]);
  close(np.kaiser(3, 8.6), [0.00133251, 1, 0.00133251]);
});
