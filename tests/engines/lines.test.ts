/** Running folds, places of extremes, sorting and random bits in compiled programs, with the bits of the js engine. */
import { describe, test } from "vitest";
import { lax, np, random } from "../../src/index.ts";
import { expectSame, values } from "./sameBits.ts";

const dtypes = [
  "int8",
  "uint8",
  "int16",
  "int32",
  "uint32",
  "int64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
] as const;

describe.each(dtypes)("%s", (dtype) => {
  const x = values([3, 70, 5], dtype);
  test.each([0, 1, 2])("running folds along axis %i", (axis) => {
    expectSame(
      (a) => [
        lax.cumsum(a, axis),
        lax.cumsum(a, axis, true),
        lax.cumprod(a, axis),
        lax.cummax(a, axis),
        lax.cummin(a, axis, true),
      ],
      x,
    );
  });
  test.each([0, 1, 2])("places of extremes along axis %i", (axis) => {
    expectSame((a) => [np.argmax(a, { axis }), np.argmin(a, { axis }), lax.argmax(a, axis, "int64")], x);
  });
});

const special = np.asarray([NaN, 3, -0, 0, -Infinity, NaN, 3, -0, Infinity, -3, 0, NaN, 1e-40, -1e-40], "float32");

test("places of extremes among NaN, infinities and zeros", () => {
  expectSame(
    (a) => [np.argmax(a), np.argmin(a), np.argmax(lax.slice(a, [1], [5])), np.argmin(lax.slice(a, [6], [11]))],
    special,
  );
  expectSame((a) => [lax.cummax(a, 0), lax.cumsum(lax.slice(a, [6], [11]), 0)], special);
});

describe.each([
  "bool",
  "int8",
  "uint8",
  "int16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
] as const)("%s", (dtype) => {
  const x = values([3, 70, 5], dtype);
  test.each([0, 1, 2])("sorted along axis %i", (axis) => {
    expectSame((a) => [np.sort(a, { axis }), np.argsort(a, { axis })], x);
  });
  if (dtype !== "bool")
    test("the greatest", () => {
      expectSame((a) => lax.topK(a, 3), x);
    });
});

test("NaN, infinities and zeros in order, equal numbers in their own", () => {
  expectSame((a) => [np.sort(a), np.argsort(a), ...lax.topK(a, 14)], special);
  const keys = np.asarray([2, 1, 2, 1, 1, 0], "int32");
  expectSame((k, a, b) => lax.sort([k, a, b], { numKeys: 1 }), keys, np.arange(6), values([6], "float64"));
});

test("64-bit numbers among NaN, infinities and zeros", () => {
  const wide = np.asarray(special, "float64");
  expectSame((a) => [np.sort(a), np.argsort(a), ...lax.topK(a, 14), ...lax.topK(np.negative(a), 5)], wide);
  const bounds = np.asarray([0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n)], "int64");
  expectSame((a) => [np.sort(a), ...lax.topK(a, 5)], bounds);
});

describe.each([0, 1, 2])("several keys along axis %i", (axis) => {
  test.each([
    ["int32", "float32", "float64"],
    ["float64", "int8", "int32"],
    ["bool", "int64", "float16"],
  ] as const)("%s, %s and %s", (first, second, third) => {
    const [a, b, c] = [first, second, third].map((dtype, i) =>
      np.floor(np.divide(values([3, 70, 5], "float32"), 3 + i)).astype(dtype),
    );
    expectSame((...xs) => [2, 3].flatMap((numKeys) => lax.sort(xs, { dimension: axis, numKeys })), a, b, c);
  });
  test("which don't decide", () => {
    const zeros = np.zeros([3, 70, 5], "int32");
    expectSame((k, x) => lax.sort([k, k, x], { dimension: axis, numKeys: 2 }), zeros, values([3, 70, 5], "float32"));
  });
});

test.each([1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100, 1000])("%i numbers sorted", (n) => {
  expectSame((a) => [np.sort(a), np.argsort(np.floor(a))], values([n], "float32"));
  expectSame((a) => [np.sort(a), np.argsort(np.floor(a))], values([n], "float64"));
});

describe("random bits", () => {
  const key = random.key(7);
  test.each(["uint8", "uint16", "uint32", "uint64"] as const)("of type %s", (dtype) => {
    expectSame((k) => [1, 3, 4, 103].map((n) => random.bits(k, [n], dtype)), key);
  });
  test("of a key among others, and one with a number folded in", () => {
    expectSame((k) => {
      const keys = random.split(k, 3);
      const [first, second] = np.unstack(keys);
      return [random.uniform(first, [9]), random.bits(random.foldIn(first, 5), [3]), random.bits(second, [4])];
    }, key);
  });
  test("bits read as another dtype", () => {
    expectSame(
      (a) => [lax.bitcastConvertType(a, "int32"), lax.bitcastConvertType(np.asarray(a, "bfloat16"), "uint16")],
      special,
    );
  });
  test("of several keys, split", () => {
    expectSame((k) => random.keyData(random.split(k, 7)), key);
  });
});
