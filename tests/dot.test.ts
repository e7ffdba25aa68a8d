/** Products: values, dtypes, programs, and the order in which einsum contracts. */
import { describe, expect, it } from "vitest";
import { grad, lax, makeJaxpr, np, vmap, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const a = (): NDArray =>
  np.array(
    [
      [1, 2],
      [3, 4],
    ],
    "float32",
  );

describe("products", () => {
  it("multiplies vectors and matrices", () => {
    expect(list(np.dot([1, 2, 3], [4, 5, 6]))).toBe(32);
    expect(list(np.dot(a(), [1, 1]))).toEqual([3, 7]);
    expect(list(np.matmul(a(), a()))).toEqual([
      [7, 10],
      [15, 22],
    ]);
    expect(list(np.outer([1, 2], [3, 4]))).toEqual([
      [3, 4],
      [6, 8],
    ]);
    expect(list(np.vdot(a(), a()))).toBe(30);
    expect(list(np.inner([1, 2], [3, 4]))).toBe(11);
    expect(list(np.tensordot(a(), a(), 2))).toBe(30);
    expect(list(np.kron([1, 2], [1, 1]))).toEqual([1, 1, 2, 2]);
    expect(list(np.cross([1, 0, 0], [0, 1, 0]))).toEqual([0, 0, 1]);
    expect(list(np.linalg.norm([3, 4]))).toBe(5);
  });
  it("pairs and broadcasts leading axes", () => {
    expect(np.matmul(np.ones([2, 1, 3, 4]), np.ones([5, 4, 2])).shape).toEqual([2, 5, 3, 2]);
    expect(np.matmul(np.ones([4]), np.ones([5, 4, 2])).shape).toEqual([5, 2]);
  });
  it("keeps the dtype in which operands meet", () => {
    expect(np.dot(np.ones(2, "bfloat16"), np.ones(2, "bfloat16")).dtype).toBe("bfloat16");
    expect(np.dot(np.ones(2, "bfloat16"), np.ones(2)).dtype).toBe("float32");
    expect(np.dot(np.array([1], "int32"), np.array([2], "int32")).dtype).toBe("int32");
    expect(list(np.dot(np.array([2 ** 30], "int32"), np.array([4], "int32")))).toBe(0);
  });
});

describe("einsum", () => {
  it("takes diagonals, traces, sums and transposes", () => {
    expect(list(np.einsum("ii", a()))).toBe(5);
    expect(list(np.einsum("ii->i", a()))).toEqual([1, 4]);
    expect(list(np.einsum("ij->ji", a()))).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(list(np.einsum("ij->", a()))).toBe(10);
  });
  it("contracts several operands", () => {
    const [x, y, z] = [np.ones([2, 8]), np.ones([8, 9]), np.ones([9, 3])];
    expect(list(np.einsum("ij,jk,kl->il", x, y, z))).toEqual([
      [72, 72, 72],
      [72, 72, 72],
    ]);
    expect(np.einsumPath("ij,jk,kl->il", x, y, z)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(np.einsumPath("ij,jk,k->i", np.ones([9, 9]), np.ones([9, 9]), np.ones(9))).toEqual([
      [1, 2],
      [0, 1],
    ]);
  });
  it("understands ellipses", () => {
    expect(np.einsum("...ij,...jk", np.ones([5, 2, 3]), np.ones([5, 3, 4])).shape).toEqual([5, 2, 4]);
  });
});

describe("programs", () => {
  it("has the cotangent on the left", () => {
    const program = makeJaxpr(grad((x: NDArray) => np.sum(np.dot(x, a()))))(a());
    expect(String(program)).toContain(
      "dot_general[\n      dimension_numbers=(([1], [1]), ([], []))\n      preferred_element_type=float32\n    ]",
    );
  });
  it("batches either operand", () => {
    const x = np.ones([3, 2, 2]);
    expect(vmap((m: NDArray) => np.dot(m, a()))(x).shape).toEqual([3, 2, 2]);
    expect(vmap((m: NDArray) => np.dot(a(), m))(x).shape).toEqual([3, 2, 2]);
    expect(list(vmap((m: NDArray) => np.dot(a(), m))(x))).toEqual(list(np.matmul(a(), x)));
  });
});

describe("errors", () => {
  it("name what does not fit", () => {
    expect(() => np.dot(np.ones([2, 3]), np.ones([4, 2]))).toThrow(
      "dot_general requires contracting dimensions to have the same shape, got (3,) and (4,)",
    );
    expect(() => np.matmul(np.ones(2), 3)).toThrow(
      "matmul input operand 1 must have ndim at least 1, but it has ndim 0",
    );
    expect(() => np.einsum("ij,jk->ik", np.ones([2, 2]), np.ones([3, 2]))).toThrow("Size of label 'j' for operand 1");
    expect(() => lax.dot(np.ones([2, 3]), np.ones([2, 3]))).toThrow("got lhs_shape=(2, 3) rhs_shape=(2, 3)");
  });
});
