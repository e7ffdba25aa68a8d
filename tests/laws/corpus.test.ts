/** Every program of the corpus is well typed: as it is traced, in its forward and backward form, and with a checkpoint around it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";
import { afterEach, expect, test } from "vitest";
import { check } from "../../src/core/check.ts";
import type { ClosedJaxpr, Jaxpr } from "../../src/core/jaxpr.ts";
import { checkpoint, enableX64, float, fwdBwd, int, makeJaxpr, RematError } from "../../src/index.ts";
import { api, makePy } from "../corpus/runtime.ts";
import type { ArraySpec, Case } from "../corpus/spec.ts";
import { identifier, transpile } from "../corpus/transpile.ts";
import { inputOf } from "../corpus/values.ts";

interface Program {
  readonly main: (...args: unknown[]) => unknown;
  readonly args: readonly unknown[];
}

const valuesOf = (specs: readonly ArraySpec[]): Record<string, unknown> =>
  Object.fromEntries(specs.map((s) => [identifier(s.name), inputOf(s, float, int)]));

afterEach(() => {
  enableX64(false);
});

test.each(["nesting", "policies", "fuzz", "primitives"])(
  "%s",
  (name) => {
    const lines = readFileSync(join(import.meta.dirname, `../corpus/${name}.jsonl`), "utf8")
      .trim()
      .split("\n");
    let checked = 0;
    for (const line of lines) {
      const c = JSON.parse(line) as Case;
      enableX64(c.x64 === true);
      const make = new vm.Script(transpile(c), { filename: "<case>" }).runInThisContext() as (
        ...args: unknown[]
      ) => Program;
      const { main, args } = make(api, makePy(), valuesOf(c.consts ?? []), valuesOf(c.inputs));
      const forms: readonly (() => (Jaxpr | ClosedJaxpr)[])[] = [
        () => [makeJaxpr(main)(...args)],
        () => Object.values(fwdBwd(main, ...args)) as Jaxpr[],
        () => Object.values(fwdBwd(checkpoint(main), ...args)) as Jaxpr[],
      ];
      for (const form of forms) {
        let programs: (Jaxpr | ClosedJaxpr)[];
        try {
          programs = form();
        } catch (error) {
          // some have no derivative, and some take what cannot be traced
          if (!(error instanceof RematError)) throw error;
          continue;
        }
        for (const program of programs) {
          try {
            check(program);
          } catch (error) {
            expect.fail(`${c.name}: ${(error as Error).message}`);
          }
          checked += 1;
        }
      }
    }
    expect(checked).toBeGreaterThan(3 * lines.length);
  },
  60_000,
);
