/** JAX's promotion lattice: every pair of dtypes, and host scalars with every dtype. */
import { expect, test } from "vitest";
import { enableX64, float, np, type DType } from "../src/index.ts";

const DTYPES = [
  "bool",
  "uint8",
  "uint16",
  "uint32",
  "int8",
  "int16",
  "int32",
  "bfloat16",
  "float16",
  "float32",
  "complex64",
] as const;

/** Rows and columns in the order of DTYPES, as `jax.numpy.promote_types` answers without 64-bit types. */
const TABLE = `
  b1 u1 u2 u4 i1 i2 i4 bf f2 f4 c8
  u1 u1 u2 u4 i2 i2 i4 bf f2 f4 c8
  u2 u2 u2 u4 i4 i4 i4 bf f2 f4 c8
  u4 u4 u4 u4 i4 i4 i4 bf f2 f4 c8
  i1 i2 i4 i4 i1 i2 i4 bf f2 f4 c8
  i2 i2 i4 i4 i2 i2 i4 bf f2 f4 c8
  i4 i4 i4 i4 i4 i4 i4 bf f2 f4 c8
  bf bf bf bf bf bf bf bf f4 f4 c8
  f2 f2 f2 f2 f2 f2 f2 f4 f2 f4 c8
  f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 c8
  c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8`;
const SHORT = ["b1", "u1", "u2", "u4", "i1", "i2", "i4", "bf", "f2", "f4", "c8"];

test("pairs of dtypes", () => {
  const rows = TABLE.trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const got = DTYPES.map((a) =>
    DTYPES.map((b) => SHORT[DTYPES.indexOf(np.promoteTypes(a, b) as (typeof DTYPES)[number])]),
  );
  expect(got).toEqual(rows);
});

test.each<[DType, DType, DType]>([
  ["int8", "int8", "float32"],
  ["uint8", "uint8", "float32"],
  ["bool", "int32", "float32"],
  ["bfloat16", "bfloat16", "bfloat16"],
  ["float16", "float16", "float16"],
  ["complex64", "complex64", "complex64"],
])("%s with the host scalars 2 and 2.5", (dtype, withInteger, withFloat) => {
  const x = np.zeros([2], { dtype });
  expect(np.add(x, 2).dtype).toBe(withInteger);
  expect(np.add(x, 2.5).dtype).toBe(withFloat);
  expect(np.add(2, x).dtype).toBe(withInteger);
});

test("weak types stay weak among themselves, and yield to arrays", () => {
  expect(np.add(float(1), 2).weakType).toBe(true);
  expect(np.add(np.zeros([2]), 2).weakType).toBe(false);
  // An integer array with a weak float is weakly float32, as in JAX.
  expect(np.multiply(np.arange(2), 2.5).weakType).toBe(true);
});

test("integers become float32 in sin, float64 only from 64 bits", () => {
  expect(np.sin(np.arange(3)).dtype).toBe("float32");
  enableX64();
  try {
    expect(np.sin(np.arange(3)).dtype).toBe("float64");
    expect(np.sin(np.zeros([1], { dtype: "int32" })).dtype).toBe("float32");
    expect(np.promoteTypes("uint32", "int32")).toBe("int64");
  } finally {
    enableX64(false);
  }
});
