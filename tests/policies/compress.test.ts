/** Residuals that are kept with fewer bits: the value keeps its bits, the gradient is near, and the program shows what is done. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  Compressible,
  grad,
  jit,
  lax,
  makeJaxpr,
  type NDArray,
  np,
  PolicyError,
  RematTypeError,
  savedResiduals,
  valueAndGrad,
  vmap,
  type CompressedFormat,
  type Policy,
} from "../../src/index.ts";
import { count, numbersOf } from "../remat/measure.ts";

const { saveAndCompressOnlyTheseNames, or, dotsSaveable, everythingSaveable } = checkpointPolicies;
const policyOf = (to: CompressedFormat): Policy => saveAndCompressOnlyTheseNames({ names: ["h"], to });

const f = (x: NDArray): NDArray => np.sum(np.exp(np.sin(checkpointName(np.tanh(x), "h"))));
const x = np.linspace(-2, 2, 64);
const bits = (a: NDArray): number[] => numbersOf(lax.bitcastConvertType(a, "int32"));

describe.each<[CompressedFormat, string[], number]>([
  ["bf16", ["f32[64] argument x", "bf16[64] output convert_element_type"], 2 ** -8],
  ["int8", ["f32[64] argument x", "f32[] output div", "i8[64] output convert_element_type"], 1 / 127],
])("%s", (to, kept, tolerance) => {
  const g = checkpoint(f, { policy: policyOf(to) });

  test("what is kept", () => {
    expect(savedResiduals(g, x).map((r) => `${String(r.aval)} ${r.kind} ${r.name ?? ""}`)).toEqual(kept);
  });

  test.each<[string, (h: (y: NDArray) => NDArray) => (y: NDArray) => readonly [NDArray, NDArray]]>([
    ["eager", (h) => valueAndGrad(h)],
    ["jitted", (h) => jit(valueAndGrad(h))],
  ])("the value keeps its bits, the gradient is near, %s", (_, wrap) => {
    const [value, gradient] = wrap(g)(x);
    const [exactValue, exact] = wrap(f)(x);
    expect(bits(value)).toEqual(bits(exactValue));
    const differences = numbersOf(np.abs(gradient.sub(exact)));
    expect(Math.max(...differences)).toBeLessThan(4 * tolerance);
    expect(Math.max(...differences)).toBeGreaterThan(0);
  });

  test("under vmap, each row has its own rounding", () => {
    const rows = np.stack([x, x.mul(0.001)]);
    const batched = vmap(grad(g))(rows);
    const single = [0, 1].map((i) => numbersOf(grad(g)(rows.at(i).get())));
    expect(numbersOf(batched)).toEqual(single.flat());
  });

  test("in a loop", () => {
    const loop = (h: (y: NDArray) => NDArray) =>
      grad((y: NDArray) =>
        np.sum(lax.scan((c: NDArray) => [np.sin(c.add(h(c))), null] as const, y, null, { length: 4 })[0]),
      );
    const [near, exact] = [loop(g)(x), loop(f)(x)];
    const scale = Math.max(...numbersOf(np.abs(exact)));
    expect(Math.max(...numbersOf(np.abs(near.sub(exact))))).toBeLessThan(64 * tolerance * scale);
  });
});

test("the program shows it", () => {
  const text = String(makeJaxpr(grad(checkpoint(f, { policy: policyOf("int8") })))(x));
  expect(["reduce_max", "round", "convert_element_type"].map((name) => count(text, name))).toEqual([1, 1, 2]);
  expect(text).toContain("policy=saveAndCompressOnlyTheseNames('h', to='int8')");
});

test("zeros stay zeros, and what has no more bits is saved as it is", () => {
  const g = (y: NDArray): NDArray => np.sum(np.square(checkpointName(y.mul(1), "h")));
  expect(numbersOf(grad(checkpoint(g, { policy: policyOf("int8") }))(np.zeros([8])))).toEqual(new Array(8).fill(0));
  const half = np.ones([4], { dtype: "bfloat16" });
  expect(
    savedResiduals(checkpoint(f, { policy: policyOf("bf16") }), half).map((r) => `${String(r.aval)} ${r.kind}`),
  ).toEqual(["bf16[4] argument", "bf16[4] named"]);
});

test("with other policies, whole values come before compressed ones", () => {
  const kinds = (policy: Policy): string[] => savedResiduals(checkpoint(f, { policy }), x).map((r) => String(r.aval));
  expect(kinds(or(dotsSaveable, policyOf("bf16")))).toEqual(["f32[64]", "bf16[64]"]);
  expect(kinds(or(everythingSaveable, policyOf("bf16")))).toEqual(kinds(everythingSaveable));
});

test("a policy of one's own may ask for it", () => {
  const policy: Policy = (primitive) => (primitive.name === "tanh" ? new Compressible("bf16") : false);
  expect(savedResiduals(checkpoint(f, { policy }), x).map((r) => String(r.aval))).toEqual(["bf16[64]"]);
});

test.each<[() => unknown, new (...args: never[]) => Error, string]>([
  [() => saveAndCompressOnlyTheseNames({ names: ["a"], to: "int4" as never }), PolicyError, 'Give "bf16" or "int8"'],
  [() => saveAndCompressOnlyTheseNames({ names: "a" as never, to: "int8" }), RematTypeError, "an array of strings"],
])("%s is refused", (make, error, message) => {
  expect(make).toThrow(error);
  expect(make).toThrow(message);
});
