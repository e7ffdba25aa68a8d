/** Jaxprs as text: JAX's, letter for letter. The corpus is read back and printed again; the small cases show one rule each. */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ClosedJaxpr, Jaxpr, type Eqn } from "../src/core/jaxpr.ts";
import { printJaxpr } from "../src/core/print.ts";
import { report } from "../src/report.ts";
import { parseJaxpr } from "./parseJaxpr.ts";
report();
import { chain, eqn, v } from "./madeJaxprs.ts";

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
