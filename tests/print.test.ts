/** Jaxprs as text: JAX's, letter for letter. The corpus is read back and printed again; the small cases show one rule each. */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ConcreteArray } from "../src/core/array.ts";
import { ShapedArray } from "../src/core/aval.ts";
import type { DType } from "../src/core/dtype.ts";
import { ClosedJaxpr, Jaxpr, Literal, Var, type Atom, type Eqn, type Params } from "../src/core/jaxpr.ts";
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
  type PrintedParam,
} from "../src/core/print.ts";
import { allocate, literal, scalar, type Element } from "../src/core/scalar.ts";
import { report } from "../src/report.ts";
import type { Source } from "../src/core/source.ts";
import { parseJaxpr } from "./parseJaxpr.ts";

report();

const f32 = (...shape: number[]): ShapedArray => new ShapedArray(shape, "float32");
const v = (...shape: number[]): Var => new Var(f32(...shape));

function eqn(name: string, invars: Atom[], outvars: Var[], params: Params = {}, source: Source | null = null): Eqn {
  const primitive: Primitive = {
    name,
    type: () => outvars.map((o) => o.aval),
    // The order of `jit`; the others print all parameters sorted by key.
    ...(name === "jit" && {
      print: (p: Params) => ["name", "jaxpr"].map((key): PrintedParam => [key, p[key]]),
    }),
  };
  return { primitive, invars, outvars, params, source };
}

const lit = (value: Element, dtype: DType): Literal => {
  const array = literal(value, dtype);
  return new Literal(array, array.aval);
};

/** `x -> f(...f(x))`, of as many operations as there are names. */
function chain(names: readonly string[], shape: readonly number[] = [3], source: Source | null = null): Jaxpr {
  const first = v(...shape);
  let last = first;
  const eqns = names.map((name) => {
    const out = v(...shape);
    const made = eqn(name, [last], [out], {}, source);
    last = out;
    return made;
  });
  return new Jaxpr([], [first], eqns, [last]);
}

describe("the corpus, read and printed again", () => {
  test.each(["notebook", "policies", "nesting", "primitives", "training", "fuzz"])("%s", (family) => {
    const lines = readFileSync(new URL(`corpus/${family}.jsonl`, import.meta.url), "utf8")
      .trim()
      .split("\n");
    const differing: string[] = [];
    let texts = 0;
    for (const line of lines) {
      const { name, expect: wanted } = JSON.parse(line) as { name: string; expect: Record<string, string> };
      for (const section of ["jaxpr", "fwd", "bwd"]) {
        const text = wanted[section];
        if (text === undefined) continue;
        texts++;
        if (printJaxpr(parseJaxpr(text)) !== text) differing.push(`${name} ${section}`);
      }
    }
    expect(differing).toEqual([]);
    expect(texts).toBeGreaterThan(50);
  });
});

describe("layout", () => {
  test("a jaxpr is on one line up to 80 columns", () => {
    expect(printJaxpr(chain(["sin", "cos"]))).toMatchInlineSnapshot(
      `"{ lambda ; a:f32[3]. let b:f32[3] = sin a; c:f32[3] = cos b in (c,) }"`,
    );
    const a = v(3);
    const b = v(3);
    const wide = (name: string): string => printJaxpr(new Jaxpr([], [a], [eqn(name, [a], [b])], [b]));
    const room = 80 - wide("").length;
    expect(wide("x".repeat(room))).toHaveLength(80);
    expect(wide("x".repeat(room + 1))).toContain("\n");
  });

  test("nothing at all", () => {
    expect(printJaxpr(new Jaxpr([], [], [], []))).toBe("{ lambda ; . let  in () }");
    const many = Array.from({ length: 30 }, () => v());
    expect(printJaxpr(new Jaxpr([], many, [], many))).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[] b:f32[] c:f32[] d:f32[] e:f32[] f:f32[] g:f32[] h:f32[] i:f32[]
          j:f32[] k:f32[] l:f32[] m:f32[] n:f32[] o:f32[] p:f32[] q:f32[] r:f32[] s:f32[]
          t:f32[] u:f32[] v:f32[] w:f32[] x:f32[] y:f32[] z:f32[] ba:f32[] bb:f32[] bc:f32[]
          bd:f32[]. let
          
        in (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y,
          z, ba, bb, bc, bd) }"
    `);
  });

  test("parameters go on lines of their own where they don't fit", () => {
    const a = v(6);
    const b = v(3);
    const params = { dimension_numbers: "x".repeat(50), slice_sizes: [1, 2] };
    const jaxpr = new Jaxpr([], [a], [eqn("gather", [a, a], [b], params)], [b]);
    expect(printJaxpr(jaxpr)).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[6]. let
          b:f32[3] = gather[
            dimension_numbers=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
            slice_sizes=(1, 2)
          ] a a
        in (b,) }"
    `);
    expect(printJaxpr(jaxpr, { width: 200 })).toMatchInlineSnapshot(
      `"{ lambda ; a:f32[6]. let b:f32[3] = gather[dimension_numbers=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx slice_sizes=(1, 2)] a a in (b,) }"`,
    );
  });

  test("branches, an equation without outputs, one without operands", () => {
    const a = v();
    const b = v();
    const eqns = [
      eqn("iota", [], [v(3)], { dtype: "int32" }),
      eqn("debug_print", [a], []),
      eqn("cond", [a, a], [b], {
        branches: [new ClosedJaxpr(chain(["sin"], []), []), new ClosedJaxpr(chain(["cos"], []), [])],
      }),
    ];
    expect(printJaxpr(new Jaxpr([], [a], eqns, [b]))).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[]. let
          _:f32[3] = iota[dtype=int32] 
          debug_print a
          b:f32[] = cond[
            branches=(
              { lambda ; c:f32[]. let d:f32[] = sin c in (d,) }
              { lambda ; e:f32[]. let f:f32[] = cos e in (f,) }
            )
          ] a a
        in (b,) }"
    `);
  });

  test("ten thousand equations take a fraction of a second", () => {
    const long = chain(Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? "sin" : "cos")));
    const start = performance.now();
    const text = printJaxpr(long);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(text.split("\n")).toHaveLength(10_002);
  });

  test("nesting costs what the text is long", () => {
    let inner = chain(["sin"]);
    for (let depth = 0; depth < 60; depth++) {
      const [a, b, c] = [v(3), v(3), v(3)];
      const params = { name: "f", jaxpr: inner };
      inner = new Jaxpr([], [a], [eqn("jit", [a], [b], params), eqn("jit", [b], [c], params)], [c]);
    }
    // Every level is shared: in full it would be 2 ** 60 lines.
    expect(printJaxpr(inner).match(/^let f\d* = /gm)).toHaveLength(60);
  });
});

describe("names", () => {
  test("letters as the digits of a number in base 26", () => {
    const names = [...printJaxpr(chain(Array.from({ length: 710 }, () => "f"))).matchAll(/^ {4}(\w+):/gm)].map(
      (m) => m[1],
    );
    expect([names[24], names[25], names[50], names[674], names[675], names[676]]).toEqual([
      "z",
      "ba",
      "bz",
      "zz",
      "baa",
      "bab",
    ]);
  });

  test("an output that nothing reads is _ at the top level only", () => {
    const body = (): [Jaxpr, Eqn] => {
      const [a, b, c] = [v(), v(), v()];
      const dead = eqn("sin", [a], [b]);
      return [new Jaxpr([], [a], [dead, eqn("cos", [a], [c])], [c]), dead];
    };
    const [a, b] = [v(), v()];
    const [inner] = body();
    expect(printJaxpr(body()[0])).toMatchInlineSnapshot(
      `"{ lambda ; a:f32[]. let _:f32[] = sin a; b:f32[] = cos a in (b,) }"`,
    );
    const jaxpr = new Jaxpr([], [a], [eqn("remat2", [a], [b], { jaxpr: inner })], [b]);
    expect(printJaxpr(jaxpr)).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[]. let
          b:f32[] = remat2[
            jaxpr={ lambda ; c:f32[]. let d:f32[] = sin c; e:f32[] = cos c in (e,) }
          ] a
        in (b,) }"
    `);
  });

  test("jit lends the names of its operands and outputs to its body, each once", () => {
    const [x, y, z] = [v(3), v(3), v(3)];
    const inner = new Jaxpr([], [x, y], [eqn("add", [x, y], [z])], [x, z, y]);
    const [a, b, c, d] = [v(3), v(3), v(3), v(3)];
    const jaxpr = new Jaxpr([], [a], [eqn("jit", [a, a], [b, c, d], { jaxpr: inner, name: "g" })], [b, c, d]);
    expect(printJaxpr(jaxpr)).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[3]. let
          d:f32[3] b:f32[3] c:f32[3] = jit[
            name=g
            jaxpr={ lambda ; a:f32[3] c:f32[3]. let b:f32[3] = add a c in (a, b, c) }
          ] a a
        in (d, b, c) }"
    `);
  });

  test("the lent name may be _, which then stands where it is used", () => {
    const [x, y, z] = [v(), v(), v()];
    const inner = new Jaxpr([], [x], [eqn("sqrt", [x], [y]), eqn("div", [y], [z])], [y, z]);
    const [a, b, c] = [v(), v(), v()];
    const jaxpr = new Jaxpr([], [a], [eqn("jit", [a], [b, c], { jaxpr: inner, name: "g" })], [c]);
    expect(printJaxpr(jaxpr)).toMatchInlineSnapshot(`
      "{ lambda ; a:f32[]. let
          _:f32[] b:f32[] = jit[
            name=g
            jaxpr={ lambda ; a:f32[]. let
                _:f32[] = sqrt a
                b:f32[] = div _
              in (_, b) }
          ] a
        in (b,) }"
    `);
  });

  test("names can be given, and are told", () => {
    const jaxpr = chain(["sin", "cos"]);
    const names = new Map([[jaxpr.invars[0], "x"]]);
    expect(printJaxpr(jaxpr, { names })).toBe("{ lambda ; x:f32[3]. let a:f32[3] = sin x; b:f32[3] = cos a in (b,) }");
    expect([...names.values()]).toEqual(["x", "a", "b"]);
  });
});

describe("sharing", () => {
  test("a jaxpr that occurs twice is hoisted, and its name isn't a variable's", () => {
    const [a, b, c] = [v(3), v(3), v(3)];
    const params = { name: "b", jaxpr: new ClosedJaxpr(chain(["sin", "cos"]), []) };
    expect(printJaxpr(new Jaxpr([], [a], [eqn("jit", [a], [b], params), eqn("jit", [b], [c], params)], [c])))
      .toMatchInlineSnapshot(`
      "let b = { lambda ; a:f32[3]. let c:f32[3] = sin a; d:f32[3] = cos c in (d,) } in
      { lambda ; e:f32[3]. let
          f:f32[3] = jit[name=b jaxpr=b] e
          g:f32[3] = jit[name=b jaxpr=b] f
        in (g,) }"
    `);
  });

  test("a long one is hoisted at once; numbers keep names apart", () => {
    const long = (n: number): Jaxpr =>
      chain(
        Array.from({ length: n }, () => "sin"),
        [],
      );
    const [a, b, c, d] = [v(), v(), v(), v()];
    const eqns = [
      eqn("remat2", [a], [b], { jaxpr: long(10) }),
      eqn("remat2", [b], [c], { jaxpr: long(11) }),
      eqn("remat2", [c], [d], { jaxpr: long(12) }),
    ];
    const text = printJaxpr(new Jaxpr([], [a], eqns, [d]));
    expect(text.match(/^let \w+ = |jaxpr=\w+| = remat2\[jaxpr=\w+\] \w+/gm)).toMatchInlineSnapshot(`
      [
        "let jaxpr = ",
        "let jaxpr1 = ",
        " = remat2[jaxpr=jaxpr] ba",
        " = remat2[jaxpr=jaxpr1] bm",
      ]
    `);
  });

  test("<lambda> is named lambda", () => {
    const [a, b] = [v(), v()];
    const jaxpr = chain(
      Array.from({ length: 11 }, () => "sin"),
      [],
    );
    expect(printJaxpr(new Jaxpr([], [a], [eqn("jit", [a], [b], { jaxpr, name: "<lambda>" })], [b]))).toContain(
      "jit[name=<lambda> jaxpr=lambda]",
    );
  });
});

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

test("jaxprs print themselves", () => {
  const jaxpr = chain(["sin"], []);
  const closed = new ClosedJaxpr(jaxpr, []);
  const text = "{ lambda ; a:f32[]. let b:f32[] = sin a in (b,) }";
  expect(String(jaxpr)).toBe(text);
  expect(`${closed}`).toBe(text);
  expect(inspect(closed)).toBe(text);
  expect(inspect(jaxpr, { colors: true })).toBe(printJaxpr(jaxpr, { color: true }));
  const display = (closed as unknown as Record<symbol, () => Record<string, string>>)[
    Symbol.for("Jupyter.display")
  ].call(closed);
  expect(Object.keys(display)).toEqual(["text/plain", "text/html"]);
});
