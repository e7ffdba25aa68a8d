/** Initializers of weights: JAX's numbers for the same key. */
import { describe, expect, test } from "vitest";
import { makeJaxpr, nn, np, random, RematValueError, type NDArray } from "../src/index.ts";

const { initializers } = nn;
const key = (): NDArray => random.key(0);

function close(x: NDArray, expected: readonly number[]): void {
  expect(x.size).toBe(expected.length);
  (np.ravel(x).toJS() as number[]).forEach((v, i) => expect(v).toBeCloseTo(expected[i], 5));
}

describe("variance by the fans", () => {
  test("draws as JAX does", () => {
    close(
      initializers.glorotUniform()(key(), [2, 3]),
      [
        0.980789303779602, 1.048516035079956, -0.3674309551715851, -0.0686439648270607, 0.15311850607395172,
        -0.732846200466156,
      ],
    );
    close(
      initializers.lecunNormal()(key(), [2, 3]),
      [
        1.170405387878418, 1.3784390687942505, -0.33173829317092896, -0.060317303985357285, 0.13505136966705322,
        -0.7336252331733704,
      ],
    );
    close(
      initializers.heNormal({ inAxis: 0, outAxis: 1 })(key(), [2, 3]),
      [
        1.6552032232284546, 1.9494074583053589, -0.4691488444805145, -0.08530155569314957, 0.19099149107933044,
        -1.0375028848648071,
      ],
    );
    close(
      initializers.truncatedNormal(0.5, { lower: -1, upper: 2 })(key(), [2, 3]),
      [
        0.7547338604927063, 0.873696506023407, -0.08733780682086945, 0.05312085896730423, 0.15953472256660461,
        -0.2706722021102905,
      ],
    );
  });
  test("the dtype given last wins", () => {
    const init = initializers.heUniform({ dtype: "bfloat16" });
    expect(init(key(), [2, 2]).dtype).toBe("bfloat16");
    expect(init(key(), [2, 2], "float16").dtype).toBe("float16");
    expect(initializers.glorotNormal()(key(), [2, 2], "complex64").dtype).toBe("complex64");
  });
});

test("constants need no key", () => {
  expect(initializers.zeros(key(), [2]).toJS()).toEqual([0, 0]);
  expect(initializers.constant(2.5)(key(), [2]).toJS()).toEqual([2.5, 2.5]);
  expect(String(makeJaxpr((k: NDArray) => initializers.ones(k, [2]))(key()))).toBe(
    "{ lambda ; a:key<fry>[]. let b:f32[2] = broadcast_in_dim 1.0:f32[] in (b,) }",
  );
});

test("a weight of one dimension has no fans", () => {
  expect(() => initializers.heNormal()(key(), [3])).toThrow(RematValueError);
  expect(() => initializers.varianceScaling(1, "fan_all" as "fan_in", "normal")(key(), [2, 2])).toThrow(/fan_all/);
});
