/** Random numbers: the values are JAX's for the same keys, as integers and uniform numbers to the last bit. */
import { describe, expect, it } from "vitest";
import { enableX64, grad, jit, makeJaxpr, np, random, vmap, type NDArray } from "../src/index.ts";

const list = (x: NDArray): unknown => x.toJS();
const ints = (x: Parameters<typeof np.array>[0]): NDArray => np.array(x, "int32");
const k = (): NDArray => random.key(42);

function close(x: NDArray, expected: readonly number[]): void {
  (x.toJS() as number[]).forEach((v, i) =>
    expect(Math.abs(v - expected[i])).toBeLessThan(4e-6 * Math.max(1, Math.abs(expected[i]))),
  );
  expect(x.size).toBe(expected.length);
}

describe("keys", () => {
  it("are made of seeds, split, and folded", () => {
    expect(list(random.keyData(k()))).toEqual([0, 42]);
    expect(list(random.PRNGKey(-1))).toEqual([0, 4294967295]);
    expect(list(random.PRNGKey(1234567890123))).toEqual([0, 1912276171]);
    expect(list(random.split(random.PRNGKey(0), 3))).toEqual([
      [1797259609, 2579123966],
      [928981903, 3453687069],
      [4146024105, 2718843009],
    ]);
    expect(list(random.foldIn(random.PRNGKey(0), 7))).toEqual([2716826189, 292468403]);
  });
  it("keep the form in which they are given", () => {
    expect(k().dtype).toBe("key<fry>");
    expect(random.split(k(), [2, 3]).shape).toEqual([2, 3]);
    expect(random.split(random.PRNGKey(0)).shape).toEqual([2, 2]);
    expect(list(random.keyData(random.wrapKeyData(random.PRNGKey(5))))).toEqual([0, 5]);
    expect(list(random.uniform(random.PRNGKey(3)))).toBe(list(random.uniform(random.key(3))));
  });
  it("take 64 bits of a seed with enableX64", () => {
    enableX64(true);
    try {
      expect(list(random.PRNGKey(2n ** 40n + 5n))).toEqual([256, 5]);
    } finally {
      enableX64(false);
    }
  });
  it("refuse what is no key", () => {
    expect(() => random.uniform(3)).toThrow(/unexpected PRNG key type/);
    expect(() => random.uniform(np.ones(2))).toThrow(/key_data.dtype = uint32; got dtype=float32/);
    expect(() => random.uniform(np.zeros(3, "uint32"))).toThrow(/shape to end with \(2,\); got shape=\(3,\)/);
    expect(() => random.normal(random.split(k()))).toThrow(/single key, but was given a key array of shape \(2,\)/);
    expect(() => random.key(0.5)).toThrow(/must be an integer/);
  });
});

describe("samples are JAX's", () => {
  it("to the last bit where they are integers or uniform", () => {
    expect(list(random.bits(k(), [4]))).toEqual([2098992034, 2919706841, 2646866425, 2409546199]);
    expect(list(random.bits(k(), [4], "uint8"))).toEqual([162, 217, 249, 215]);
    expect(list(random.bits(k(), [4], "uint16"))).toEqual([5026, 12505, 63993, 49623]);
    expect(list(random.uniform(k(), [4]))).toEqual([
      0.48870956897735596, 0.6797971725463867, 0.6162714958190918, 0.5610160827636719,
    ]);
    expect(list(random.uniform(k(), [4], "float16").astype("float32"))).toEqual([
      0.076171875, 0.1904296875, 0.9755859375, 0.7568359375,
    ]);
    expect(list(random.uniform(k(), [4], "bfloat16").astype("float32"))).toEqual([
      0.6328125, 0.84375, 0.96875, 0.8359375,
    ]);
    expect(list(random.randint(k(), [6], -3, 9))).toEqual([-3, 3, 0, -2, 2, 0]);
    expect(list(random.randint(k(), [6], 0, 256, "uint8"))).toEqual([196, 18, 183, 193, 141, 107]);
    expect(list(random.bernoulli(k(), 0.3, [8]))).toEqual([false, false, false, false, false, false, true, false]);
  });
  it("in the order of elements", () => {
    expect(list(random.permutation(k(), 8))).toEqual([7, 4, 2, 5, 3, 6, 0, 1]);
    expect(list(random.permutation(k(), np.reshape(np.arange(6), [3, 2])))).toEqual([
      [4, 5],
      [0, 1],
      [2, 3],
    ]);
    expect(list(random.choice(k(), 10, [5], { replace: false }))).toEqual([7, 4, 2, 5, 3]);
    expect(list(random.choice(k(), np.arange(10), [5], { p: np.arange(10).div(45) }))).toEqual([7, 5, 6, 6, 7]);
    const logits = np.log([0.1, 0.2, 0.7]);
    expect(list(random.categorical(k(), logits, { shape: [8] }))).toEqual([2, 2, 2, 2, 1, 2, 1, 2]);
  });
  it("of normal numbers, here to the last bit", () => {
    expect(list(random.normal(k(), [5]))).toEqual([
      -0.02830461598932743, 0.4671318531036377, 0.2957029640674591, 0.15354591608047485, -0.12403281778097153,
    ]);
  });
  it("of other distributions up to rounding", () => {
    close(random.gumbel(k(), [3]), [0.3340933918952942, 0.952019453048706, 0.7255305647850037]);
    close(random.exponential(k(), [3]), [0.670817494392395, 1.1388006210327148, 0.9578199982643127]);
    close(random.laplace(k(), [3]), [0.022839652374386787, -0.4456535577774048, -0.2646729052066803]);
    close(random.truncatedNormal(k(), -1, 1, [3]), [-0.01932193711400032, 0.3126998543739319, 0.20030078291893005]);
    close(random.gamma(k(), 2, [4]), [3.6725165843963623, 1.0923854112625122, 3.5018391609191895, 1.146207571029663]);
    close(
      random.loggamma(k(), 0.1, [4]),
      [-4.549875736236572, -2.523301124572754, -1.8362767696380615, -15.558470726013184],
    );
    close(random.beta(k(), 2, 3, [3]), [0.4319617748260498, 0.31281834840774536, 0.6368728280067444]);
    close(random.dirichlet(k(), [1, 2, 3]), [0.2647324502468109, 0.13479970395565033, 0.6004677414894104]);
    close(random.t(k(), 3, [3]), [0.08987478166818619, -1.7357467412948608, 2.3520190715789795]);
    close(random.chisquare(k(), 3, [3]), [5.87071418762207, 1.3978509902954102, 5.559423446655273]);
    close(random.f(k(), 3, 4, [3]), [0.7448718547821045, 0.4786113500595093, 0.23294630646705627]);
    expect(list(random.poisson(k(), 3, [6]))).toEqual([6, 2, 2, 1, 5, 2]);
    expect(list(random.poisson(k(), 50, [6]))).toEqual([55, 56, 43, 45, 40, 43]);
    expect(list(random.binomial(k(), 5, 0.4, [8]))).toEqual([2, 3, 2, 1, 2, 3, 2, 2]);
    expect(list(random.binomial(k(), 100, 0.9, [6]))).toEqual([91, 95, 90, 92, 94, 92]);
    expect(list(random.multinomial(k(), 10, [0.2, 0.3, 0.5]))).toEqual([1, 2, 7]);
  });
});

describe("samplers", () => {
  it("batch over keys: each key has its own numbers", () => {
    const keys = random.split(k(), 2);
    const together = vmap((key: NDArray) => random.normal(key, [3]))(keys);
    expect(list(np.getitem(together, 1))).toEqual(list(random.normal(np.getitem(keys, 1), [3])));
  });
  it("are jitted programs over random_bits", () => {
    const text = String(makeJaxpr((key: NDArray) => random.bits(key, [2]))(k()));
    expect(text).toMatchInlineSnapshot(`
      "{ lambda ; a:key<fry>[]. let
          b:u32[2] = random_bits[bit_width=32 shape=(2,)] a
        in (b,) }"
    `);
    expect(String(makeJaxpr((key: NDArray) => random.normal(key))(k()))).toContain("name=_normal_real");
  });
  it("differentiate by their parameters", () => {
    const f = (low: NDArray): NDArray => random.uniform(k(), [], { minval: low });
    expect(list(grad(f)(np.array(0.25, "float32")))).toBeCloseTo(1 - 0.48870956897735596, 5);
    // d sample / d a by central differences of the same key
    const g = (a: NDArray): NDArray => random.gamma(k(), a);
    const step = 1e-2;
    const numeric = ((list(g(np.array(2 + step))) as number) - (list(g(np.array(2 - step))) as number)) / (2 * step);
    expect(Math.abs((list(grad(g)(np.array(2, "float32"))) as number) - numeric)).toBeLessThan(2e-2);
  });
  it("check their arguments", () => {
    expect(() => random.uniform(k(), [2], "int32")).toThrow(/must be a float dtype, got int32/);
    expect(() => random.bernoulli(k(), ints([1]))).toThrow(/must have a floating dtype, got int32/);
    expect(() => random.choice(k(), 3, [5], { replace: false })).toThrow(/size 5\) than population \(size 3\)/);
    expect(() => random.truncatedNormal(k(), np.zeros(2), 1, [3])).toThrow(
      /must equal the shape argument|broadcasting/,
    );
    expect(() => jit((n: NDArray) => random.permutation(k(), n))(np.array(3))).toThrow(/host integer/);
  });
});
