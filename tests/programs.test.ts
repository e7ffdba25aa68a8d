/**
 * Programs and values of functions, of their derivatives in both modes and of their maps over a batch: JAX 0.10.2's own, letter for letter. See
 * `scripts/golden/programs.py`.
 */
import { describe, expect, test } from "vitest";
import { differing, families } from "./programs/cases.ts";
import { distance, goldenOf, made, withBits, type Part } from "./programs/golden.ts";

for (const [family, cases] of Object.entries(families)) {
  const golden = goldenOf(family);
  describe(family, () => {
    test("has the cases that JAX was asked", () => {
      expect(Object.keys(cases).sort()).toEqual(Object.keys(golden).sort());
    });
    for (const [name, one] of Object.entries(golden)) {
      for (const part of ["itself", "jvp", "vjp", "vmap"] as const satisfies readonly (Part | "itself")[]) {
        const want = part === "itself" ? one : one[part];
        if (want === undefined) continue;
        const free = differing[`${family}/${name}`] ?? [];
        test(`${name}: ${part}`, () => {
          const got = withBits(name, () => made(cases[name], one, part));
          if (want.program !== undefined && !free.includes(`${part} program`)) expect(got.program).toBe(want.program);
          expect(got.values.map((x) => `${x.dtype}[${x.shape.join()}]`)).toEqual(
            want.values.map(([dtype, shape]) => `${dtype}[${shape.join()}]`),
          );
          if (free.includes("values")) return;
          want.values.forEach((w, i) => expect(distance(got.values[i], w), `value ${i}`).toBeLessThan(2e-4));
        });
      }
    }
  });
}
