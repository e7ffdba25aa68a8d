/** Indexing: what each index reads, the program it becomes, and the errors of indices that cannot be. */
import { describe, expect, it } from "vitest";
import { grad, jit, lax, makeJaxpr, np, vmap, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const ints = (x: Parameters<typeof np.array>[0]): NDArray => np.array(x, "int32");
const x = (): NDArray => np.reshape(np.arange(12, { dtype: "float32" }), [3, 4]);
const { at, getitem, slice } = np;
const program = (f: (...xs: NDArray[]) => unknown, ...args: NDArray[]): string => String(makeJaxpr(f)(...args));

describe("getitem", () => {
  it("reads integers, slices, an ellipsis and new axes", () => {
    expect(list(getitem(x(), 1))).toEqual([4, 5, 6, 7]);
    expect(list(getitem(x(), -1, -2))).toBe(10);
    expect(list(getitem(x(), slice(1, null), slice(null, null, 2)))).toEqual([
      [4, 6],
      [8, 10],
    ]);
    expect(list(getitem(x(), slice(2, 0, -1), 0))).toEqual([8, 4]);
    expect(list(getitem(x(), "...", 3))).toEqual([3, 7, 11]);
    expect(getitem(x(), null, slice(), null, 0).shape).toEqual([1, 3, 1]);
    expect(getitem(x(), slice(2, 1)).shape).toEqual([0, 4]);
    expect(getitem(x(), slice(-100, 100)).shape).toEqual([3, 4]);
  });
  it("reads arrays of indices and masks, as NumPy does", () => {
    expect(list(getitem(x(), [2, 0], [1, 3]))).toEqual([9, 3]);
    expect(list(getitem(x(), ints([[0], [-1]]), ints([0, 2])))).toEqual([
      [0, 2],
      [8, 10],
    ]);
    expect(list(getitem(x(), x().greater(8)))).toEqual([9, 10, 11]);
    expect(list(getitem(x(), slice(), np.array([true, false, false, true])))).toEqual([
      [0, 3],
      [4, 7],
      [8, 11],
    ]);
    // separated by a slice, the axes of index arrays go to the front
    const y = np.reshape(np.arange(24), [2, 3, 4]);
    expect(list(getitem(y, [0, 1], slice(), [1, 2]))).toEqual([
      [1, 5, 9],
      [14, 18, 22],
    ]);
    expect(getitem(y, 0, slice(), [1, 2]).shape).toEqual([2, 3]);
  });
  it("becomes a slice, a dynamic slice or a gather, the simplest that can do it", () => {
    expect(program((a) => getitem(a, slice(), slice(1, null)), x())).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[3,4]. let
          b:f32[3,3] = slice[limit_indices=(3, 4) start_indices=(0, 1) strides=None] a
        in (b,) }"
    `);
    expect(program((a) => getitem(a, slice()), x())).toBe("{ lambda ; a:f32[3,4]. let  in (a,) }");
    expect(program((a, i) => getitem(a, i), np.arange(5), np.array(1, "int32"))).toMatchInlineSnapshot(`
      "{ lambda ; a:i32[5] b:i32[]. let
          c:bool[] = lt b 0:i32[]
          d:i32[] = add b 5:i32[]
          e:i32[] = select_n c b d
          f:i32[1] = dynamic_slice[slice_sizes=(1,)] a e
          g:i32[] = squeeze[dimensions=(0,)] f
        in (g,) }"
    `);
    expect(program((a, i) => getitem(a, i), x(), ints([1, 2]))).toContain("gather[");
  });
  it("refuses what cannot be read", () => {
    expect(() => getitem(np.ones(3), 0, 1)).toThrow(/Too many indices: array is 1-dimensional, but 2 were indexed/);
    expect(() => getitem(x(), 1.5)).toThrow(/integer or boolean type, got indexer with type float64/);
    expect(() => getitem(x(), np.array([1.5]))).toThrow(/got indexer with type float32/);
    expect(() => getitem(x(), "...", "...")).toThrow(/single ellipsis/);
    expect(() => getitem(x(), np.array([true, false]))).toThrow(/boolean index did not match/);
    expect(() => jit((a: NDArray) => getitem(a, a.greater(0)))(x())).toThrow(/must be concrete; got bool\[3,4\]/);
    expect(() => jit((a: NDArray, i: NDArray) => getitem(a, slice(null, i)))(x(), np.array(1))).toThrow(
      /must be static integers/,
    );
    expect(() => jit((a: NDArray) => np.nonzero(a))(x())).toThrow(/size argument of jnp.nonzero/);
  });
});

describe("windows", () => {
  it("are moved inside of the array", () => {
    expect(list(lax.dynamicSlice(np.arange(5), [4], [2]))).toEqual([3, 4]);
    expect(list(lax.dynamicSlice(np.arange(5), [-2], [2]))).toEqual([3, 4]);
    expect(list(lax.dynamicUpdateSlice(np.zeros(4), np.array([1, 2], "float32"), [3]))).toEqual([0, 0, 1, 2]);
    expect(list(lax.dynamicIndexInDim(x(), 2, 0, false))).toEqual([8, 9, 10, 11]);
    expect(list(lax.dynamicUpdateIndexInDim(np.zeros([2, 2]), np.array([5, 6], "float32"), 1, 1))).toEqual([
      [0, 5],
      [0, 6],
    ]);
    expect(list(lax.sliceInDim(np.arange(6), -4, null, 2))).toEqual([2, 4]);
    expect(list(lax.indexInDim(x(), -1, 1, false))).toEqual([3, 7, 11]);
  });
  it("are each other's transposes, and batch as gathers", () => {
    const f = (a: NDArray, i: NDArray): NDArray => np.sum(lax.dynamicSlice(a, [i], [2]).mul([2, 3]));
    expect(list(grad(f)(np.ones(4), np.array(1)))).toEqual([0, 2, 3, 0]);
    const g = (b: NDArray): NDArray => np.sum(lax.dynamicUpdateSlice(np.ones(4), b, [1]).mul([1, 2, 3, 4]));
    expect(list(grad(g)(np.zeros(2)))).toEqual([2, 3]);
    const windows = vmap((i: NDArray) => lax.dynamicSlice(np.arange(5), [i], [2]))(ints([0, 3]));
    expect(list(windows)).toEqual([
      [0, 1],
      [3, 4],
    ]);
  });
  it("must not be larger than the array", () => {
    expect(() => lax.dynamicSlice(np.ones(3), [0], [5])).toThrow(/got slice_sizes \(5,\) for operand shape \(3,\)/);
    expect(() => lax.dynamicSlice(np.ones([3, 3]), [0], [1, 1])).toThrow(/Length of slice indices must match/);
  });
});

describe("at", () => {
  it("gives a new array with elements replaced or combined", () => {
    const z = np.zeros(4);
    expect(list(at(z, 1).set(5))).toEqual([0, 5, 0, 0]);
    expect(list(at(z, [0, 0, 3]).add([1, 2, 3]))).toEqual([3, 0, 0, 3]);
    expect(list(at(np.ones(4), slice(null, null, -2)).multiply([2, 3]))).toEqual([1, 3, 1, 2]);
    expect(list(at(z, slice(1, 3)).subtract(1))).toEqual([0, -1, -1, 0]);
    expect(list(at(np.ones(3), 0).divide(4))).toEqual([0.25, 1, 1]);
    expect(list(at(np.full(3, 2), 0).power(3))).toEqual([8, 2, 2]);
    expect(list(at(np.arange(3), [0, 2]).max(1))).toEqual([1, 1, 2]);
    expect(list(at(np.arange(3), [0, 2]).min(1))).toEqual([0, 1, 1]);
    expect(list(at(np.full(3, 4, "float32"), 1).apply(np.sqrt))).toEqual([4, 2, 4]);
    expect(
      list(
        at(
          np.zeros([2, 2]),
          np.array([
            [true, false],
            [false, true],
          ]),
        ).set(1),
      ),
    ).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(list(z)).toEqual([0, 0, 0, 0]);
    expect(at(np.zeros(2, "int32"), 0).add(1.5).dtype).toBe("int32");
  });
  it("drops or fills what lies outside, or moves it inside", () => {
    expect(list(at(np.zeros(2), [0, 7]).add(1))).toEqual([1, 0]);
    expect(list(at(np.zeros(2), [0, 7]).add(1, { mode: "clip" }))).toEqual([1, 1]);
    expect(list(at(np.arange(2), [0, 7]).get({ mode: "fill", fillValue: -1 }))).toEqual([0, -1]);
    expect(list(at(np.arange(2), [0, 7]).get({ mode: "clip" }))).toEqual([0, 1]);
  });
  it("has derivatives by the array and by the values", () => {
    const f = (a: NDArray, b: NDArray): NDArray => np.sum(at(a, [0, 0, 2]).set(b).mul([1, 2, 3]));
    const [da, db] = grad(f, { argnums: [0, 1] })(np.ones(3), np.array([1, 2, 3], "float32")) as unknown as [
      NDArray,
      NDArray,
    ];
    expect(list(da)).toEqual([0, 2, 0]);
    expect(list(db)).toEqual([0, 1, 3]);
    const shared = (a: NDArray, b: NDArray): NDArray => np.sum(at(a, [0, 0]).max(b));
    expect(list(grad(shared, { argnums: 1 })(np.zeros(1), np.array([2, 2], "float32")))).toEqual([0.5, 0.5]);
  });
});
