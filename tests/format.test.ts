/** How arrays show themselves: NumPy's layout. */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { float, grad, lax, np, type NDArray } from "../src/index.ts";

test.each<[string, NDArray, string]>([
  ["floats", np.array([1.5, 2, -3.25]), "Array([ 1.5 ,  2.  , -3.25], dtype=float32)"],
  ["a scalar", np.array(3.5), "Array(3.5, dtype=float32, weak_type=True)"],
  ["large and small", np.array([1e10, 1, 0.5]), "Array([1.e+10, 1.e+00, 5.e-01], dtype=float32)"],
  ["not numbers", np.array([NaN, 1, Infinity, -Infinity]), "Array([ nan,   1.,  inf, -inf], dtype=float32)"],
  [
    "integers",
    np.array(
      [
        [1, 2],
        [3, 400],
      ],
      "int32",
    ),
    "Array([[  1,   2],\n       [  3, 400]], dtype=int32)",
  ],
  ["booleans", np.array([true, false]), "Array([ True, False], dtype=bool)"],
  ["nothing", np.zeros([0, 3]), "Array([], shape=(0, 3), dtype=float32)"],
  ["many", np.arange(2000), "Array([   0,    1,    2, ..., 1997, 1998, 1999], dtype=int32)"],
  [
    "complex numbers",
    lax.complex(np.array([1.5, -2]), np.array([0, -1.25])),
    "Array([ 1.5+0.j  , -2. -1.25j], dtype=complex64)",
  ],
])("%s", (_name, x, expected) => {
  expect(inspect(x)).toBe(expected);
});

test("in text, in JSON, as lists", () => {
  const x = np.array([1.5, 2]);
  expect(`${x.toString()}`).toBe("[1.5 2. ]");
  expect(JSON.stringify({ x })).toBe('{"x":[1.5,2]}');
  expect(x.toJS()).toEqual([1.5, 2]);
  expect(
    [
      ...np.array([
        [1, 2],
        [3, 4],
      ]),
    ].map((row) => row.toJS()),
  ).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("a traced array shows its value where it is known, else its type", () => {
  let seen = "";
  grad((x: NDArray) => {
    seen = inspect(x);
    return x.sin();
  })(float(1.5));
  expect(seen).toBe("Traced(Array(1.5, dtype=float32, weak_type=True))");
});

test("an array of several elements is no number", () => {
  const x = np.array([1, 2]) as unknown as number;
  expect(() => x + 1).toThrow(/used as a JavaScript number/);
  expect(Math.sin(np.array(0) as unknown as number)).toBe(0);
});
