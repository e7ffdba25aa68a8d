/** The text of literals and parameters, and the options of printing. */
import { describe, expect, test } from "vitest";
import { ConcreteArray } from "../src/core/array.ts";
import { ShapedArray } from "../src/core/aval.ts";
import type { DType } from "../src/core/dtype.ts";
import { Jaxpr, Literal, type Atom, type Eqn } from "../src/core/jaxpr.ts";
import type { Primitive } from "../src/core/primitive.ts";
import {
  FrozenSet,
  printEqn,
  printJaxpr,
  printJaxprHtml,
  printValue,
  PyFloat,
  PyList,
  Verbatim,
} from "../src/core/print.ts";
import { allocate, scalar, type Element } from "../src/core/scalar.ts";
import { chain, eqn, f32, lit, v } from "./madeJaxprs.ts";

describe("literals and parameters", () => {
  const textOf = (atom: Atom): string => /in \((.*),\) \}$/.exec(printJaxpr(new Jaxpr([], [], [], [atom])))![1];

  test.each<[Element, DType, string]>([
    [2, "float32", "2.0:f32[]"],
    [3, "int32", "3:i32[]"],
    [true, "bool", "True:bool[]"],
    [0.1, "float32", "0.10000000149011612:f32[]"],
    [0.1, "bfloat16", "0.10009765625:bf16[]"],
    [0.1, "float16", "0.0999755859375:f16[]"],
    [0.1, "float64", "0.1:f64[]"],
    [1e-7, "float32", "1.0000000116860974e-07:f32[]"],
    [1e-4, "float32", "9.999999747378752e-05:f32[]"],
    [1e15, "float32", "999999986991104.0:f32[]"],
    [1e16, "float32", "1.0000000272564224e+16:f32[]"],
    [1e16, "float64", "1e+16:f64[]"],
    [123456789, "float32", "123456792.0:f32[]"],
    [-0, "float32", "-0.0:f32[]"],
    [NaN, "float32", "nan:f32[]"],
    [-Infinity, "float32", "-inf:f32[]"],
    [2n ** 63n - 1n, "int64", "9223372036854775807:i64[]"],
    [{ re: 1, im: 2 }, "complex64", "(1+2j):c64[]"],
    [{ re: 0, im: -1.5 }, "complex128", "-1.5j:c128[]"],
    [{ re: -0, im: NaN }, "complex64", "(-0+nanj):c64[]"],
    [0, "float0", "(b'',):float0[]"],
  ])("%o of %s", (value, dtype, text) => {
    expect(textOf(lit(value, dtype))).toBe(text);
  });

  test("a host number is shown unrounded", () => {
    const x = scalar(0.999);
    expect(textOf(new Literal(x, x.aval))).toBe("0.999:f32[]");
  });

  test("larger literals hide their elements", () => {
    expect(textOf(new Literal(new ConcreteArray(f32(3), allocate(f32(3))), f32(3)))).toBe("[...]:f32[3]");
  });

  test("types", () => {
    const types = [f32(), f32(5, 4), new ShapedArray([3], "float32", true, "host"), new ShapedArray([], "key<fry>")];
    expect(types.map(String)).toEqual(["f32[]", "f32[5,4]", "f32<host>[3]", "key<fry>[]"]);
  });

  const named = Object.assign(() => true, { printed: "DotsSaveable(only_if_no_batch_dims=True)" });
  test.each<[unknown, string]>([
    ["float32", "float32"],
    [null, "None"],
    [true, "True"],
    [[1], "(1,)"],
    [[], "()"],
    [[[1, 2, 0]], "((1, 2, 0),)"],
    [["a", "it's", "both'\""], `('a', "it's", 'both\\'"')`],
    [
      [
        [new PyList([1]), new PyList([0])],
        [new PyList([]), new PyList([])],
      ],
      "(([1], [0]), ([], []))",
    ],
    [new FrozenSet(["b", "a"]), "frozenset({'a', 'b'})"],
    [[new FrozenSet([])], "(frozenset(),)"],
    [[new Verbatim("MemorySpace.Host")], "(MemorySpace.Host,)"],
    [new PyFloat(2), "2.0"],
    [0.5, "0.5"],
    [3n, "3"],
    [named, "DotsSaveable(only_if_no_batch_dims=True)"],
    [function f() {}, "<function f at 0xXXXXXXXXXXXX>"],
    [(() => () => {})(), "<function <lambda> at 0xXXXXXXXXXXXX>"],
    [{ toString: () => "<Thing at 0x7f01aB>" }, "<Thing at 0xXXXXXX>"],
    [{ a: 1, b: "x" }, "{'a': 1, 'b': 'x'}"],
    [chain(["sin"]), "{ lambda ; a:f32[3]. let b:f32[3] = sin a in (b,) }"],
  ])("value %o", (value, text) => {
    expect(printValue(value)).toBe(text);
  });

  test("all parameters, or those that the primitive shows", () => {
    const [a, b] = [v(), v()];
    const sin: Primitive = { name: "sin", type: () => [a.aval], print: () => [] };
    const one: Eqn = { primitive: sin, invars: [a], outvars: [b], params: { accuracy: null }, source: null };
    expect(printEqn(one)).toBe("a:f32[] = sin b");
    expect(printEqn(one, { customPpEqnRules: false })).toBe("a:f32[] = sin[accuracy=None] b");
    expect(printEqn(eqn("pad", [a], [b], { b: 1, a: 2 }))).toBe("a:f32[] = pad[a=2 b=1] b");
  });
});

describe("options", () => {
  test("without types", () => {
    expect(printJaxpr(chain(["sin"]), { printShapes: false })).toBe("{ lambda ; a. let b = sin a in (b,) }");
  });

  test("with places, behind the widest line", () => {
    const place = { frame: null, toString: () => "model.ts:3:4 (f)" };
    expect(printJaxpr(chain(["sin", "convert_element_type", "cos"], [3], place), { sourceInfo: true }))
      .toMatchInlineSnapshot(`
      "{ lambda ; a:f32[3]. let
          b:f32[3] = sin a                  # model.ts:3:4 (f)
          c:f32[3] = convert_element_type b # model.ts:3:4 (f)
          d:f32[3] = cos c                  # model.ts:3:4 (f)
        in (d,) }"
    `);
    // A program that fits stays on its line, and the places go below each other.
    expect(printJaxpr(chain(["sin", "cos"], [3], place), { sourceInfo: true })).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[3]. let b:f32[3] = sin a; c:f32[3] = cos b in (c,) } # model.ts:3:4 (f)
                                                                            # model.ts:3:4 (f)"
    `);
  });

  test("in colour: a switch comes right before the text that needs it", () => {
    expect(printJaxpr(chain(["sin"]), { color: true })).toBe(
      "{ \x1b[34;1mlambda \x1b[39;22m; a\x1b[35m:f32[3]\x1b[39m. \x1b[34;1mlet\x1b[39;22m b\x1b[35m:f32[3]\x1b[39m = sin a " +
        "\x1b[34;1min \x1b[39;22m(b,) }",
    );
    expect(printJaxpr(chain(["sin"]), { color: true, width: 20 })).toContain("\x1b[34;1mlet\n    \x1b[39;22mb");
  });

  test("as HTML", () => {
    expect(printJaxprHtml(chain(["sin"]))).toMatchInlineSnapshot(
      `"{ <span style="color:#2b77e0">lambda </span>; a<span style="color:#bb4fb5">:f32[3]</span>. <span style="color:#2b77e0">let</span> b<span style="color:#bb4fb5">:f32[3]</span> = sin a <span style="color:#2b77e0">in </span>(b,) }"`,
    );
  });
});
