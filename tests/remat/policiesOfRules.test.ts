/** Policies where custom rules call other functions: what is left for the linear and the backward program. The counts are JAX's. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointPolicies,
  customJvp,
  customVjp,
  grad,
  jit,
  lax,
  type NDArray,
  np,
  type Policy,
} from "../../src/index.ts";
import { checkGrads } from "./checkGrads.ts";
import { count, f32, linearText, numbersOf, savePrimitives, type Fn } from "./measure.ts";

const { dotsSaveable, everythingSaveable, nothingSaveable } = checkpointPolicies;

const linear = (f: Fn, x: NDArray, ...words: readonly string[]): number[] => {
  const text = linearText(f, x);
  return words.map((w) => count(text, w));
};
describe("custom rules under a policy", () => {
  const loop =
    (g: (x: NDArray) => NDArray) =>
    (x: NDArray): NDArray =>
      lax.scan((c: NDArray) => [np.multiply(2, g(c)), null], x, null, { length: 2 })[0];

  const withJvp = customJvp((x: NDArray) => np.sin(x));
  withJvp.defjvp(([x]: [NDArray], [t]: [NDArray]) => [withJvp(x), np.multiply(np.cos(x), t)]);
  const withVjp = customVjp((x: NDArray) => np.sin(x));
  withVjp.defvjp(
    (x: NDArray) => [withVjp(x), x],
    (x: NDArray, ct: NDArray) => [np.multiply(np.cos(x), ct)],
  );

  test.each([
    ["forward", withJvp as (x: NDArray) => NDArray, ["fwd", "rev"] as const],
    ["reverse", withVjp as (x: NDArray) => NDArray, ["rev"] as const],
  ])("a %s rule", (_, g, modes) => {
    const policy = dotsSaveable;
    const f = checkpoint((x: NDArray) => np.multiply(2, g(g(x))), { policy });
    checkGrads(f, [f32(0.4)], { order: 2, modes, tolerance: 2e-2 });
    checkGrads(checkpoint(loop(g), { policy }), [f32(0.4)], { order: 2, modes, tolerance: 2e-2 });
    checkGrads(loop(checkpoint(g, { policy })), [f32(0.4)], { order: 2, modes, tolerance: 2e-2 });
  });

  test("a linear function with a forward rule", () => {
    const total = customJvp((x: NDArray) => np.sum(x, 0));
    total.defjvp(([x]: [NDArray], [t]: [NDArray]) => [total(x), total(t)]);
    const f = checkpoint((x: NDArray) => total(x), { policy: dotsSaveable });
    checkGrads(f, [np.array([1, 2, 3], "float32")], { order: 2, tolerance: 2e-2 });
    const inLoop = (x: NDArray): NDArray => {
      const [, ys] = lax.scan((c: null, x: NDArray) => [c, total(x)], null, x);
      return np.sum(ys);
    };
    expect(numbersOf(grad(checkpoint(inLoop, { policy: dotsSaveable }))(np.ones([2, 3])))).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe("a rule that itself calls jit or scan, in a loop or a branch, once or twice", () => {
  type Both = (x: NDArray) => readonly [sine: NDArray, cosine: NDArray];
  const both: Both = (x) => [np.sin(x), np.cos(x)];
  const sineBy = (rule: Both): ((x: NDArray) => NDArray) => {
    const sine = customJvp((x: NDArray) => np.sin(x));
    sine.defjvp(([x]: [NDArray], [t]: [NDArray]) => {
      const [y, c] = rule(x);
      return [y, np.multiply(c, t)];
    });
    return sine;
  };
  const rules: Readonly<Record<string, Both>> = {
    // a new function each time, so that no program is shared and printed once
    jit: (x) => jit((x: NDArray) => both(x))(x),
    scan(x) {
      const [, [ys, cs]] = lax.scan((c: null, x: NDArray) => [c, both(x)] as const, null, np.expandDims(x, 0));
      return [ys.get(0), cs.get(0)];
    },
  };
  type Wrap = (g: (x: NDArray) => NDArray) => (x: NDArray) => NDArray;
  const same = (x: NDArray): NDArray => x;
  const places: Readonly<Record<string, Wrap>> = {
    scan: (g) => (x) => lax.scan((c: NDArray) => [g(c), null], x, null, { length: 2 })[0],
    "cond of a constant": (g) => (x) => lax.cond(true, (x: NDArray) => g(x), same, x),
    "cond of a value": (g) => (x) => lax.cond(np.greater(x, 0), (x: NDArray) => g(x), same, x),
  };
  const policies: Readonly<Record<string, Policy>> = {
    cos: savePrimitives("cos"),
    sin: savePrimitives("sin"),
    everything: everythingSaveable,
    nothing: nothingSaveable,
  };
  // How many sin and cos are computed again: for one call, and for two in a row.
  const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    scan: { cos: "00 00", sin: "01 02", everything: "00 00", nothing: "11 22" },
    "cond of a constant": { cos: "00 00", sin: "01 02", everything: "00 00", nothing: "01 12" },
    "cond of a value": { cos: "00 10", sin: "01 02", everything: "00 00", nothing: "01 12" },
  };

  const cases = Object.keys(rules).flatMap((rule) =>
    Object.keys(places).flatMap((place) => Object.keys(policies).map((policy) => [rule, place, policy] as const)),
  );
  test.each(cases)("rule by %s, in %s, saving %s", (rule, place, policy) => {
    const once = places[place](sineBy(rules[rule]));
    const twice = (x: NDArray): NDArray => once(once(x));
    const [one, two] = [once, twice].map((f) => checkpoint(f, { policy: policies[policy] }));
    const again = [one, two].map((f) => linear(f, f32(0.6), "sin", "cos").join(""));
    expect(again.join(" ")).toBe(expected[place][policy]);
    checkGrads(one, [f32(0.6)], { order: 2, tolerance: 3e-2 });
  });
});

describe("a rule that brings an array constant", () => {
  const scaled = customJvp((x: NDArray) => np.multiply(x, np.arange(3)));
  scaled.defjvp(([x]: [NDArray], [t]: [NDArray]) => [np.multiply(x, np.arange(3)), np.multiply(t, np.arange(3))]);

  test.each([
    ["scan", (x: NDArray) => np.sum(lax.scan((c: NDArray) => [scaled(c), null], x, null, { length: 2 })[0])],
    [
      "cond",
      (x: NDArray) =>
        np.sum(
          lax.cond(
            true,
            (x: NDArray) => scaled(x),
            (x: NDArray) => x,
            x,
          ),
        ),
    ],
  ])("inside %s", (name, f) => {
    const expected = name === "scan" ? [0, 1, 4] : [0, 1, 2];
    expect(numbersOf(grad(checkpoint(f))(np.ones([3])))).toEqual(expected);
    expect(numbersOf(grad(f)(np.ones([3])))).toEqual(expected);
  });
});
