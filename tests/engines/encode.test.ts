/** Every instruction of the encoder, read back by wabt under the name that it has in the text format. */
import { expect, test } from "vitest";
import wabt from "wabt";
import type { FunctionBuilder } from "../../src/engines/wasm/encode/function.ts";
import { ModuleBuilder } from "../../src/engines/wasm/encode/module.ts";
import * as opcodes from "../../src/engines/wasm/encode/opcodes.ts";
import { vectorMath } from "../../src/engines/wasm/math/index.ts";
import { moduleOf } from "./math/kernel.ts";

const { readWasm } = await wabt();
const FEATURES = { simd: true, threads: true, relaxed_simd: true, bulk_memory: true, sat_float_to_int: true };

/** The text of the only function's body, an instruction a line. wabt wants no sense of the program to show it. */
function bodyOf(write: (f: FunctionBuilder) => void): readonly string[] {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { min: 1, max: 2, shared: true });
  write(module.func([]));
  const read = readWasm(module.encode(), FEATURES);
  const text = read.toText({ foldExprs: false, inlineExport: false });
  read.destroy();
  const lines = text.split("\n").map((l) => l.trim());
  const start = lines.findIndex((l) => l.startsWith("(func"));
  return lines.slice(start + 1).map((l) => l.replace(/\)+$/, ""));
}

const keys = <T extends object>(table: T): (keyof T & string)[] => Object.keys(table) as (keyof T & string)[];

test("instructions without an immediate", () => {
  const names = [...keys(opcodes.plain), ...keys(opcodes.saturating), ...keys(opcodes.simd)];
  const body = bodyOf((f) => f.op(...names));
  expect(body.slice(0, names.length)).toEqual(names);
});

test("loads and stores, with their natural alignment", () => {
  const names = [...keys(opcodes.memory), ...keys(opcodes.simdMemory), ...keys(opcodes.atomic)];
  const body = bodyOf((f) => {
    for (const name of names) f.mem(name, 8);
  });
  // Had an instruction another alignment than its natural one, it would be shown.
  expect(body.slice(0, names.length)).toEqual(names.map((n) => `${n} offset=8`));
});

test("loads and stores of a lane", () => {
  const names = keys(opcodes.simdLaneMemory);
  const body = bodyOf((f) => {
    for (const name of names) f.memLane(name, 1, 8);
  });
  expect(body.slice(0, names.length).map((l) => l.replace(" align=1", ""))).toEqual(
    names.map((n) => `${n} offset=8 1`),
  );
});

test("lanes", () => {
  const names = keys(opcodes.simdLane);
  const body = bodyOf((f) => {
    for (const name of names) f.lane(name, 1);
  });
  expect(body.slice(0, names.length)).toEqual(names.map((n) => `${n} 1`));
});

test("constants, variables and bulk memory", () => {
  const body = bodyOf((f) => {
    f.i32(-5)
      .i64(-(2n ** 40n))
      .f32(0.5)
      .f64(-2)
      .i32x4(-1)
      .shuffle32(0, 5, 2, 7);
    f.memoryCopy().memoryFill().memorySize().atomicFence();
  });
  expect(body.slice(0, 10)).toMatchInlineSnapshot(`
    [
      "i32.const -5",
      "i64.const -1099511627776",
      "f32.const 0x1p-1 (;=0.5;",
      "f64.const -0x1p+1 (;=-2;",
      "v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff",
      "i8x16.shuffle 0 1 2 3 20 21 22 23 8 9 10 11 28 29 30 31",
      "memory.copy",
      "memory.fill",
      "memory.size",
      "atomic.fence",
    ]
  `);
});

test("blocks and branches", () => {
  const body = bodyOf((f) => {
    f.block((out) => {
      f.loop((again) => {
        f.i32(1).brIf(out).i32(0).brTable([again, out], out).br(again);
      });
    });
    f.i32(1).if(
      () => f.i32(2),
      () => f.i32(3),
      "i32",
    );
  });
  expect(body).toMatchInlineSnapshot(`
    [
      "block  ;; label = @1",
      "loop  ;; label = @2",
      "i32.const 1",
      "br_if 1 (;@1;",
      "i32.const 0",
      "br_table 0 (;@2;) 1 (;@1;) 1 (;@1;",
      "br 0 (;@2;",
      "end",
      "end",
      "i32.const 1",
      "if (result i32)  ;; label = @1",
      "i32.const 2",
      "else",
      "i32.const 3",
      "end",
      "",
    ]
  `);
});

test.each(Object.keys(vectorMath))("the module of %s is valid", (name) => {
  const bytes = moduleOf(
    (c, [x]) => {
      vectorMath[name](c, x);
    },
    1,
    64,
  );
  const read = readWasm(bytes, FEATURES);
  read.validate();
  expect(read.toText({})).toContain("f32x4");
  read.destroy();
});
