/** Vector functions of float32 against JavaScript's in float64, whose own error of a unit of float64 is nothing here: in units in the last place. */
import { describe, expect, test } from "vitest";
import { erf, erfc } from "../../../src/engines/js/special.ts";
import { erfInvSingle } from "../../../src/engines/js/erfInv.ts";
import { unaryHost } from "../../../src/engines/wasm/code/host.ts";
import { vectorMath, vectorMath2 } from "../../../src/engines/wasm/math/index.ts";
import { onFloats, range, samples, ulpDistance } from "./kernel.ts";

/** The largest distance, and where. */
function worst(got: Float32Array, exact: (i: number) => number): { readonly ulp: number; readonly at: number } {
  let [ulp, at] = [0, 0];
  got.forEach((v, i) => {
    const d = ulpDistance(v, exact(i));
    if (d > ulp) [ulp, at] = [d, i];
  });
  return { ulp, at };
}

/** In float64, log(1 + sinh) and the like lose digits that float32 can tell; V8's do not. */
const references: Readonly<Record<string, (x: number) => number>> = { ...unaryHost, erf, erfc, erf_inv: erfInvSingle };

/** Where most arguments are. */
const densely: Readonly<Record<string, readonly [number, number]>> = {
  exp: [-105, 90],
  exp2: [-151, 129],
  expm1: [-20, 90],
  tanh: [-10, 10],
  logistic: [-105, 105],
  sin: [-1000, 1000],
  cos: [-1000, 1000],
  tan: [-1000, 1000],
  sinh: [-91, 91],
  cosh: [-91, 91],
  asin: [-1.01, 1.01],
  acos: [-1.01, 1.01],
  atanh: [-1.01, 1.01],
  erf: [-5, 5],
  erfc: [-6, 11],
  erf_inv: [-1.001, 1.001],
  log: [0, 4],
  log1p: [-1, 3],
};

/** Units in the last place; 2 where nothing is said. */
const bounds: Readonly<Record<string, number>> = { erf_inv: 1 };

describe.each(Object.keys(vectorMath))("%s", (name) => {
  const exact = references[name];
  const check = (xs: Float32Array): void => {
    const got = onFloats((c, [x]) => vectorMath[name](c, x), xs);
    const { ulp, at } = worst(got, (i) => exact(xs[i]));
    expect(ulp, `${name}(${xs[at]}) is ${got[at]}, exactly ${exact(xs[at])}`).toBeLessThanOrEqual(bounds[name] ?? 2);
  };
  test("all exponents", () => {
    check(samples(200));
  });
  test("common arguments", () => {
    check(range(...(densely[name] ?? [-10, 10]), 200_001));
  });
});

describe.each(["pow", "atan2"])("%s", (name) => {
  const exact = name === "atan2" ? Math.atan2 : powC;
  const check = (xs: Float32Array, ys: Float32Array): void => {
    const got = onFloats((c, [x, y]) => vectorMath2[name](c, x, y), xs, ys);
    const { ulp, at } = worst(got, (i) => exact(xs[i], ys[i]));
    expect(ulp, `${name}(${xs[at]}, ${ys[at]}) is ${got[at]}, not ${exact(xs[at], ys[at])}`).toBeLessThanOrEqual(2);
  };
  test("special numbers with each other", () => {
    const special = [0, 1, 2, 3, 0.5, 1.5, 2 ** -149, 2 ** -126, 1e-20, 1e20, 2 ** 24 + 2, 3.4e38, Infinity, NaN];
    const all = special.flatMap((x) => [x, -x]);
    check(Float32Array.from(all.flatMap((x) => all.map(() => x))), Float32Array.from(all.flatMap(() => all)));
  });
  test("all exponents", () => {
    const xs = samples(200);
    check(xs, xs.slice().reverse());
    check(
      xs,
      samples(200).map((y) => y % 8),
    );
    check(
      xs,
      samples(200).map((_, i) => (i % 41) - 20),
    );
  });
  test("results over the whole range", () => {
    const xs = range(0.01, 3, 100_000);
    check(
      xs,
      xs.map((_, i) => Math.sin(i) * 100),
    );
  });
});

function powC(x: number, y: number): number {
  if (x === 1 || y === 0 || (x === -1 && Math.abs(y) === Infinity)) return 1;
  return x ** y;
}
