/** `customRemat`: what its rules keep under each policy, and that derivatives don't depend on it. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointPolicies,
  CustomRuleError,
  CustomVjpClosureError,
  customRemat,
  grad,
  jacfwd,
  jit,
  jvp,
  lax,
  linearize,
  makeJaxpr,
  np,
  savedResiduals,
  savesName,
  vjp,
  vmap,
  type NDArray,
  type Policy,
} from "../../src/index.ts";
import { expectClose as expectNumbersClose } from "./checkGrads.ts";
import { numbersOf } from "./measure.ts";

const sine = customRemat(
  (x: NDArray) => np.sin(x),
  function sineFwd(policy: Policy, x: NDArray): [NDArray, NDArray | null] {
    return [np.sin(x), savesName(policy, "cos") ? np.cos(x) : null];
  },
  function sineRem(cos: NDArray | null, x: NDArray): [NDArray, NDArray] {
    return [np.sin(x), cos ?? np.cos(x)];
  },
  function sineBwd(cos: NDArray, ct: NDArray) {
    return [cos.mul(ct)];
  },
);

const model = (sin: (x: NDArray) => NDArray) => (x: NDArray, w: NDArray) => np.sum(sin(np.dot(w, sin(x))).mul(x));
const x = np.asarray([0.5, -1.25, 2], { dtype: "float32" });
const w = np.asarray(
  [
    [0.5, 1, -1],
    [2, -0.5, 0.25],
    [1.5, -2, 0.75],
  ],
  { dtype: "float32" },
);

const policies: readonly (readonly [string, Policy | null, keepsCos: boolean])[] = [
  ["none", null, false],
  ["nothingSaveable", checkpointPolicies.nothingSaveable, false],
  ["everythingSaveable", checkpointPolicies.everythingSaveable, true],
  ["saveOnlyTheseNames cos", checkpointPolicies.saveOnlyTheseNames("cos"), true],
  ["saveOnlyTheseNames other", checkpointPolicies.saveOnlyTheseNames("other"), false],
  ["saveAnyNamesButThese", checkpointPolicies.saveAnyNamesButThese("cos"), false],
  ["saveNames", checkpointPolicies.saveNames("c*"), true],
  ["dotsSaveable", checkpointPolicies.dotsSaveable, false],
  ["not", checkpointPolicies.not(checkpointPolicies.saveOnlyTheseNames("cos")), false],
  ["or", checkpointPolicies.or(checkpointPolicies.dotsSaveable, checkpointPolicies.saveNames("cos")), true],
  ["minCut", checkpointPolicies.minCut(), false],
];

// JAX 0.10.2: jax_remat3, jax.grad(jax.checkpoint(...), (0, 1)).
const oracle = [
  [-3.412593364715576, 2.216427803039551, 0.43804919719696045],
  [
    [-0.011447425000369549, 0.022659264504909515, -0.02171163819730282],
    [0.05378586798906326, -0.10646483302116394, 0.10201239585876465],
    [-0.9469847679138184, 1.8744807243347168, -1.7960885763168335],
  ],
];
const both = { argnums: [0, 1] };
const expectClose = (got: NDArray, wanted: NDArray, tolerance: number): void => {
  expectNumbersClose(numbersOf(got), numbersOf(wanted), tolerance, "values");
};
const bits = (tree: unknown): string => numbersOf(tree).join();

describe("customRemat", () => {
  test.each(policies)("under the policy %s", (_, policy, keepsCos) => {
    const f = checkpoint(model(sine), { policy });
    const [gx, gw] = grad(f, both)(x, w) as readonly NDArray[];
    expectClose(gx, np.asarray(oracle[0]), 2e-6);
    expectClose(gw, np.asarray(oracle[1]), 2e-6);
    const kept = savedResiduals(f, x, w).filter((r) => r.name === "cos");
    expect(kept).toHaveLength(keepsCos ? 2 : 0);
    const unsaved = bits(grad(model(sine), both)(x, w));
    expect(bits([gx, gw])).toBe(unsaved);
    expect(bits(jit(grad(f, both))(x, w))).toBe(unsaved);
    expect(bits(grad(jit(f), both)(x, w))).toBe(unsaved);
    const [, pullback] = vjp(f, x, w);
    expect(bits(pullback(np.ones([], { dtype: "float32" })))).toBe(unsaved);
  });

  test.each(policies)("in linearize, vmap and scan under %s", (_, policy) => {
    const f = checkpoint((v: NDArray) => sine(sine(v)), { policy });
    const plain = (v: NDArray): NDArray => np.sin(np.sin(v));
    const [, push] = linearize(plain, x);
    const [out, pushed] = jvp(f, [x], [w.at(0).get()]);
    expect(bits(out)).toBe(bits(plain(x)));
    expectClose(pushed, push(w.at(0).get()), 1e-6);
    const each = (g: (v: NDArray) => NDArray) => vmap(grad((v: NDArray) => np.sum(g(v))))(w);
    expectClose(each(f), each(plain), 1e-6);
    const mapped = (g: (v: NDArray) => NDArray) => grad((v: NDArray) => np.sum(vmap(g)(v)))(w);
    expectClose(mapped(f), mapped(plain), 1e-6);
    const looped = (g: (v: NDArray) => NDArray) =>
      grad((v: NDArray) =>
        np.sum(lax.scan((c: NDArray) => [g(c), null] as [NDArray, null], v, null, { length: 3 })[0]),
      )(x);
    expectClose(looped(f), looped(plain), 1e-6);
    expect(bits(jit(() => looped(f))())).toBe(bits(looped(f)));
  });

  test("has higher derivatives, in both directions", () => {
    const f = checkpoint((v: NDArray) => sine(sine(v)), { policy: checkpointPolicies.saveNames("cos") });
    const plain = (v: NDArray): NDArray => np.sin(np.sin(v));
    const at = np.asarray(0.7);
    expectClose(grad(grad(f))(at), grad(grad(plain))(at), 1e-6);
    expectClose(grad(grad(grad(f)))(at), grad(grad(grad(plain)))(at), 1e-5);
    const forward = (g: (v: NDArray) => NDArray) => (v: NDArray) => jvp(g, [v], [1])[1];
    expectClose(forward(grad(f))(at), grad(grad(plain))(at), 1e-6);
    expectClose(grad(forward(f))(at), grad(grad(plain))(at), 1e-6);
    expectClose(forward(forward(f))(at), grad(grad(plain))(at), 1e-6);
  });

  test("uses its own reverse rule, and the derivative of f forward", () => {
    const odd = customRemat(
      (v: NDArray) => v.mul(2),
      (_policy, v: NDArray) => [v.mul(2), v],
      (kept: NDArray, v: NDArray) => [v.mul(2), kept],
      (kept: NDArray, ct: NDArray) => [kept.mul(ct).mul(100)],
    );
    const at = np.asarray(3, { dtype: "float32" });
    for (const f of [odd, checkpoint(odd), jit(odd), jit(checkpoint(odd))]) {
      expect(grad(f)(at).item()).toBe(300);
      expect(jvp(f, [at], [at])[1].item()).toBe(6);
    }
  });

  test("keeps what is an argument or an output without keeping it twice", () => {
    const f = customRemat(
      (v: NDArray) => np.exp(v),
      (_policy, v: NDArray) => {
        const out = np.exp(v);
        return [out, [out, v]];
      },
      ([out, v]: NDArray[]) => [out, [out, v]],
      ([out]: NDArray[], ct: NDArray) => [out.mul(ct)],
    );
    const g = checkpoint((v: NDArray) => f(f(v)));
    expect(savedResiduals(g, x).map((r) => r.text.replace(/ from .*/, ""))).toEqual([
      "f32[3]",
      "f32[3] output of exp",
      "f32[3] output of exp",
    ]);
  });

  test("takes trees, integers, and static arguments", () => {
    const f = customRemat(
      ({ a, n }: { a: NDArray; n: NDArray }, power: number) => ({ y: a.pow(power), n: n.add(1) }),
      (_policy, { a, n }, power) => [{ y: a.pow(power), n: n.add(1) }, { slope: a.pow(power - 1).mul(power) }],
      (kept: { slope: NDArray }, { a, n }, power) => [{ y: a.pow(power), n: n.add(1) }, kept],
      ({ slope }, { y }) => [{ a: slope.mul(y), n: null }],
      { staticArgnums: 1 },
    );
    const n = np.asarray([1, 2, 3], { dtype: "int32" });
    for (const g of [f, checkpoint(f, { staticArgnums: 1 })]) {
      const by = (v: NDArray): NDArray => np.sum(g({ a: v, n }, 3).y);
      expectClose(grad(by)(x), x.mul(x).mul(3), 1e-6);
      expectClose(jit(grad(by))(x), x.mul(x).mul(3), 1e-6);
    }
  });

  test("prints as an equation with its rules", () => {
    expect(String(makeJaxpr((v: NDArray) => sine(v))(x))).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[3]. let
          b:f32[3] = custom_remat[
            name=<lambda>
            bwd=sineBwd
            call_jaxpr={ lambda ; c:f32[3]. let d:f32[3] = sin c in (d,) }
            fwd=sineFwd
            rem=sineRem
          ] a
        in (b,) }"
    `);
  });

  test("says what is wrong with a rule", () => {
    const broken = (fwd: unknown, rem: unknown, bwd: unknown) =>
      customRemat((v: NDArray) => np.sin(v), fwd as never, rem as never, bwd as never);
    const fwd = (_p: Policy, v: NDArray) => [np.sin(v), v];
    const rem = (_k: NDArray, v: NDArray) => [np.sin(v), v];
    const bwd = (_r: NDArray, ct: NDArray) => [ct];
    const run = (f: (v: NDArray) => NDArray) => () => grad(checkpoint((v: NDArray) => np.sum(f(v))))(x);
    expect(run(broken(() => 1, rem, bwd))).toThrow(CustomRuleError);
    expect(run(broken((_p: Policy, v: NDArray) => [[v], v], rem, bwd))).toThrow(/structure/);
    expect(run(broken(fwd, (_k: NDArray, v: NDArray) => [np.sum(v), v], bwd))).toThrow(/types float32\[\]/);
    expect(run(broken(fwd, rem, () => 3))).toThrow(CustomRuleError);
    expect(() => broken(3, rem, bwd)).toThrow(/customRemat's fwd/);
    const closing = (s: NDArray): NDArray => {
      const f = customRemat((v: NDArray) => v.mul(s), fwd as never, rem as never, bwd);
      return np.sum(checkpoint((v: NDArray) => f(v))(x));
    };
    expect(() => grad(closing)(np.asarray(2, { dtype: "float32" }))).toThrow(CustomVjpClosureError);
  });
});

test("the Jacobian by forward mode is that of the plain function", () => {
  const jacobian = (sin: (x: NDArray) => NDArray) => numbersOf(jacfwd((x: NDArray) => sin(sin(x)))(x));
  expectNumbersClose(jacobian(sine), jacobian(np.sin), 1e-6, "Jacobian");
});
