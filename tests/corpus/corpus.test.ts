import { describe, expect, test } from "vitest";

import { compareTexts, missingFacts, normalise } from "./text.ts";
import type { Case } from "./spec.ts";
import { transpile } from "./transpile.ts";

const body = (...lines: string[]): string => lines.join("\n");

describe("compareTexts", () => {
  const plain = "{ lambda ; a:f32[3]. let b:f32[3] = sin a in (b,) }";

  test.each([
    ["exact", plain],
    ["layout", "{ lambda ; a:f32[3]. let\n    b:f32[3] = sin a\n  in (b,) }"],
    ["structure", "{ lambda ; x:f32[3]. let y:f32[3] = sin x in (y,) }"],
    ["different", "{ lambda ; a:f32[3]. let b:f32[3] = cos a in (b,) }"],
    ["different", "{ lambda ; a:f32[3]. let b:f32[3] = sin a in (a,) }"],
  ])("%s", (agreement, other) => {
    expect(compareTexts(other, plain)).toBe(agreement);
  });

  test("a body printed in front is the same as one in its place", () => {
    const inner = "{ lambda ; a:f32[]. let b:f32[] = sin a in (b,) }";
    const shared = `let f = ${inner} in\n{ lambda ; c:f32[]. let d:f32[] = jit[name=f jaxpr=f] c; e:f32[] = jit[name=f jaxpr=f] d in (e,) }`;
    const placed =
      `{ lambda ; a:f32[]. let\n    b:f32[] = jit[name=f jaxpr=${inner.replaceAll("a", "a")}] a\n` +
      `    c:f32[] = jit[name=f jaxpr={ lambda ; d:f32[]. let e:f32[] = sin d in (e,) }] b\n  in (c,) }`;
    // `layout` keeps ";" and line breaks apart
    expect(compareTexts(shared.replace("; e:", " e:"), placed)).toBe("shared");
  });

  test("branches are shared as well", () => {
    const inner = "{ lambda ; a:f32[]. let in (a,) }";
    const shared = `let g = ${inner} in { lambda ; c:f32[] p:i32[]. let d:f32[] = cond[branches=(g g)] p c in (d,) }`;
    const placed = `{ lambda ; a:f32[] b:i32[]. let d:f32[] = cond[branches=(${inner} ${inner})] b a in (d,) }`;
    expect(compareTexts(shared, placed)).toBe("shared");
  });

  test("literals are not variables", () => {
    const a = "{ lambda ; a:f32[]. let b:f32[] = max a inf:f32[] in (b,) }";
    expect(compareTexts(a.replaceAll("inf", "nan"), a)).toBe("different");
  });
});

test("normalise", () => {
  expect(normalise("f at <case>:3:10 (g) <function f at 0x7f0a12345678> frozenset({'b', 'a'})")).toBe(
    "f at <loc> (g) <function f at 0xXXXXXXXXXXXX> frozenset({'a', 'b'})",
  );
});

describe("missingFacts", () => {
  test.each([
    ["add got incompatible shapes for broadcasting: (3,), (4,).", "cannot add shapes [3] and [4]: add", []],
    ["add got incompatible shapes for broadcasting: (3,), (4,).", "cannot add f32[3]", ["shape (4,)"]],
    ["expected float32[3] but got int32", "f32[3] was expected, int32 came", []],
    ["expected float32[3] but got int32", "f32[3] was expected", ["dtype int32"]],
    ["axis 2 is out of bounds for array of dimension 2", "axis 2 of 2", []],
    ["axis 2 is out of bounds for array of dimension 1", "axis 2 of an array of 11", ["number 1"]],
    ["the argument x of function f at <loc>", "x in f", []],
    ["pass `static_argnums` https://a.b/c_d", "pass staticArgnums", []],
  ])("of %j", (theirs, ours, missing) => {
    expect(missingFacts(ours, theirs)).toEqual(missing);
  });
});

test("a program becomes calls of the public API", () => {
  const c: Case = {
    name: "test",
    tags: [],
    inputs: [{ name: "x", dtype: "f32", shape: [3], data: [1, 2, 3] }],
    functions: {
      var: {
        params: ["x", "n"],
        defaults: { n: { float: 2 } },
        body: [
          { out: ["a", "_"], call: "lax.scan", args: ["step", { float: 0 }, "x"], kwargs: { reverse: true } },
          { out: "b", call: "getitem", args: ["x", [{ slice: [null, null, -1] }, 0]] },
          { if: { call: "jnp.greater", args: ["a", 0] }, then: [{ out: "b", value: { float: 0.5 } }], else: [] },
        ],
        returns: { dict: { a: "a", b: { list: ["b", null] } } },
      },
    },
    main: {
      apply: "checkpoint",
      fn: "var",
      policy: { name: "save_only_these_names", args: ["a"] },
      prevent_cse: false,
    },
    check: { exact: [], close: [], report: [] },
    expect: {},
  };
  const text = transpile(c);
  expect(text.split("\n").slice(3).join("\n")).toBe(
    body(
      "  function var$(x, n = float(2)) {",
      "    let a, _, b;",
      "    [a, _] = lax.scan(step, float(0), x, { reverse: true });",
      "    b = np.getitem(x, slice(null, null, -1), 0);",
      "    if (bool(np.greater(a, 0)).item()) {",
      "      b = 0.5;",
      "    } else {",
      "    }",
      "    return { a: a, b: [b, null] };",
      "  }",
      '  py.named(var$, "var", "(x, n)");',
      '  const main$ = checkpoint(var$, { policy: checkpointPolicies.saveOnlyTheseNames("a"), preventCse: false });',
      "  const args$ = (({ x }) => [x])(inputs);",
      "  return { main: main$, args: args$ };",
      "}",
      "",
    ),
  );
});
