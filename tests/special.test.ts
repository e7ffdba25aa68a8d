/** The special functions against tabulated values, in float64. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { enableX64, grad, lax, np, type NDArray } from "../src/index.ts";

beforeAll(() => {
  enableX64();
});
afterAll(() => {
  enableX64(false);
});

const at = (f: (x: NDArray) => NDArray, x: number): number => f(np.array(x, { dtype: "float64" })).item() as number;

test.each<[string, (x: NDArray) => NDArray, number, number]>([
  ["erf", lax.erf, 0.5, 0.5204998778130465],
  ["erf", lax.erf, -3, -0.9999779095030014],
  ["erfc", lax.erfc, 4, 1.541725790028002e-8],
  ["erfInv", lax.erfInv, 0.5, 0.4769362762044699],
  ["erfInv", lax.erfInv, 0.999999, 3.4589107372739605],
  ["lgamma", lax.lgamma, 0.5, 0.5723649429247001],
  ["lgamma", lax.lgamma, 10.5, 13.940625219403763],
  ["lgamma", lax.lgamma, -1.5, 0.860047015376481],
  ["digamma", lax.digamma, 1, -0.5772156649015329],
  ["digamma", lax.digamma, -0.5, 0.03648997397857731],
  ["besselI0e", lax.besselI0e, 1, 0.46575960759364043],
  ["besselI1e", lax.besselI1e, -40, -0.062482229074442064],
])("%s", (_name, f, x, expected) => {
  expect(Math.abs(at(f, x) / expected - 1)).toBeLessThan(1e-11);
});

test("the incomplete gamma functions are complements", () => {
  for (const [a, x] of [
    [0.5, 0.3],
    [2, 5],
    [30, 29],
  ]) {
    const [p, q] = [lax.igamma, lax.igammac].map(
      (f) => f(np.array(a, "float64"), np.array(x, "float64")).item() as number,
    );
    expect(p + q).toBeCloseTo(1, 13);
  }
  expect(lax.igamma(np.array(2, "float64"), np.array(1, "float64")).item()).toBeCloseTo(1 - 2 / Math.E, 14);
});

test("zeta, polygamma, betainc", () => {
  const f64 = (x: number): NDArray => np.array(x, "float64");
  expect(lax.zeta(f64(2), f64(1)).item()).toBeCloseTo(Math.PI ** 2 / 6, 13);
  expect(lax.polygamma(f64(1), f64(1)).item()).toBeCloseTo(Math.PI ** 2 / 6, 13);
  expect(lax.betainc(f64(2), f64(2), f64(0.25)).item()).toBeCloseTo(0.15625, 14);
});

test.each<[string, (x: NDArray) => NDArray, number]>([
  ["erf", lax.erf, 0.7],
  ["erfInv", lax.erfInv, 0.3],
  ["lgamma", lax.lgamma, 2.3],
  ["digamma", lax.digamma, 2.3],
  ["besselI0e", lax.besselI0e, 1.1],
  ["besselI1e", lax.besselI1e, 1.1],
])("the derivative of %s is the slope", (_name, f, x) => {
  const h = 1e-5;
  const slope = (at(f, x + h) - at(f, x - h)) / (2 * h);
  expect(at(grad(f) as (x: NDArray) => NDArray, x)).toBeCloseTo(slope, 7);
});
