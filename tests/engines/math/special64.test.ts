/** Special functions of float64 in compiled programs have the bits of the js engine's, and where float32 has no vector code, it has these rounded. */
import { describe, expect, test } from "vitest";
import { besselIe, digamma, erf, erfc, erfInv, lgamma } from "../../../src/engines/js/special.ts";
import { specialFunctions, type SpecialFunction } from "../../../src/engines/wasm/math/special64.ts";
import { emitScalarOp } from "../../../src/engines/wasm/code/scalarOps.ts";
import { onFloats, prepare } from "./kernel.ts";

const references: Readonly<Record<SpecialFunction, (x: number) => number>> = {
  erf,
  erfc,
  erf_inv: erfInv,
  lgamma,
  digamma,
  bessel_i0e: (x) => besselIe(0, x),
  bessel_i1e: (x) => besselIe(1, x),
};

const edges = [
  NaN,
  3,
  0,
  -0,
  1,
  -1,
  2,
  0.5,
  -0.5,
  2.2,
  -2.2,
  12,
  27,
  28,
  30,
  1e300,
  1e-300,
  5e-324,
  Infinity,
  -Infinity,
];
const many = [
  ...Array.from({ length: 4000 }, (_, i) => (i - 2000) / 1000),
  ...Array.from({ length: 4000 }, (_, i) => (i - 2000) / 40 + 1e-3),
  ...Array.from({ length: 600 }, (_, i) => 1.7 ** (i - 300)),
];

describe.each(specialFunctions)("%s", (name) => {
  const xs = Float64Array.from([...edges, ...many]);
  test("the bits of the js engine in float64", () => {
    const { run, result } = prepare(
      (c, args) => {
        emitScalarOp(c, args, { name, params: {}, from: ["float64"], to: "float64" });
      },
      [xs],
      true,
    );
    run();
    const got = new Float64Array(result.slice().buffer);
    expect(got).toEqual(Float64Array.from(xs, references[name]));
  });
  if (name.startsWith("erf")) return;
  test("rounded in float32", () => {
    const singles = Float32Array.from(xs);
    const got = onFloats((c, args) => {
      emitScalarOp(c, args, { name, params: {}, from: ["float32"], to: "float32" });
    }, singles);
    expect(got).toEqual(Float32Array.from(singles, references[name]));
  });
});
