/** Which elementwise primitives the wasm engine has code for, dtype by dtype: the table of `docs/engine.md`, kept true. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ShapedArray } from "../../src/core/aval.ts";
import { dtypes, type DType } from "../../src/core/dtype.ts";
import { Var, type Eqn, type Params } from "../../src/core/jaxpr.ts";
import type { Primitive } from "../../src/core/primitive.ts";
import { partEqns } from "../../src/compile/complexRules.ts";
import { registry } from "../../src/primitives/index.ts";
import { wasmTarget } from "../../src/engines/wasm/target.ts";

const names = Object.keys(dtypes).filter((d) => d !== "float0" && d !== "key<fry>") as DType[];
const params: Readonly<Record<string, Params>> = {
  integer_pow: { y: 3 },
  round: { rounding_method: 1 },
  reduce_precision: { exponent_bits: 8, mantissa_bits: 7 },
  convert_element_type: { new_dtype: "float32", weak_type: false, sharding: null },
};

/** The equation on operands of one dtype; null if the primitive doesn't take them. */
function equation(primitive: Primitive, dtype: DType): Eqn | null {
  for (let n = 1; n <= 4; n++) {
    const avals = Array.from(
      { length: n },
      (_, i) => new ShapedArray([3], primitive.name === "select_n" && i === 0 ? "bool" : dtype),
    );
    if (primitive.name === "select_n" && n !== 3) continue;
    try {
      const own = params[primitive.name] ?? {};
      const outs = primitive.type(avals, own);
      return {
        primitive,
        invars: avals.map((a) => new Var(a)),
        outvars: outs.map((a) => new Var(a)),
        params: own,
        source: null,
      };
    } catch {
      // Another number of operands, or another dtype.
    }
  }
  return null;
}

const target = wasmTarget(1);

function compiled(eqn: Eqn): boolean {
  const parts = partEqns(eqn, (x) => {
    const part = (): Var => new Var(x.aval.update({ dtype: x.aval.dtype === "complex128" ? "float64" : "float32" }));
    return [part(), part()];
  });
  if (parts !== null) return true;
  const complex = [...eqn.invars, ...eqn.outvars].some((x) => dtypes[x.aval.dtype].kind === "complex");
  return (
    !complex &&
    (target.elementwise(eqn) ||
      target.routine(
        eqn,
        eqn.invars.map((x) => x.aval),
      ) !== null)
  );
}

const short = (list: readonly DType[]): string => list.map((d) => dtypes[d].short).join(", ");

/** What moves elements is a view, whatever its dtype. */
const moves = new Set(["copy", "stop_gradient"]);

/** The primitives that aren't compiled for all dtypes that they take, by the dtypes that are left. */
function lines(): string[] {
  const left = new Map<string, string[]>();
  for (const primitive of registry) {
    if (primitive.elementwise !== true || moves.has(primitive.name)) continue;
    const eqns = names.flatMap((d) => equation(primitive, d) ?? []);
    const missing = eqns.filter((eqn) => !compiled(eqn)).map((eqn) => eqn.invars[eqn.invars.length - 1].aval.dtype);
    if (missing.length === 0) continue;
    const key = missing.length === eqns.length ? "all dtypes" : short(missing);
    left.set(key, [...(left.get(key) ?? []), `\`${primitive.name}\``]);
  }
  return [...left].map(([key, list]) => `- ${key}: ${list.join(", ")}`);
}

test("the documentation says what is left to the reference engine", () => {
  const text = readFileSync(new URL("../../docs/engine.md", import.meta.url), "utf8");
  const [, listed] = text.split("<!-- left to the reference -->\n\n");
  expect(listed.trimEnd().split("\n")).toEqual(lines());
});
