import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { argNames, functionName, passFor } from "../src/argNames.ts";
import { report } from "../src/report.ts";
import * as tree from "../src/tree.ts";

report();

class Dense {
  readonly name: string;
  readonly weights: unknown;
  readonly bias: unknown;
  constructor(name: string, weights: unknown, bias: unknown) {
    this.name = name;
    this.weights = weights;
    this.bias = bias;
  }
}
tree.registerNode(Dense, {
  flatten: (d) => ({ children: [d.weights, d.bias], aux: d.name }),
  unflatten: (name: string, [weights, bias]) => new Dense(name, weights, bias),
  keys: () => ["weights", "bias"],
});

/** Any tree of numbers. */
const { any: trees } = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.constant(null),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie("any"), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie("any"), { maxLength: 2 }).map((xs) => new Map(xs.map((x, i) => [`k${i}`, x]))),
    tie("any").map((x) => new Dense("d", x, 1)),
  ),
}));

describe("flatten and unflatten", () => {
  test("are inverse to each other", () => {
    fc.assert(
      fc.property(trees, (t) => {
        const { leaves, treedef } = tree.flatten(t);
        expect(treedef.numLeaves).toBe(leaves.length);
        expect(tree.unflatten(treedef, leaves)).toEqual(t);
        expect(tree.structure(t).equals(treedef)).toBe(true);
        expect(tree.flattenWithPath(t).map((x) => x.leaf)).toEqual(leaves);
        expect(new Set(tree.flattenWithPath(t).map((x) => tree.keystr(x.path))).size).toBe(leaves.length);
      }),
    );
  });

  test("keys are sorted, whatever the order of insertion", () => {
    expect(tree.leaves({ b: 1, a: [2, { z: 3, y: 4 }] })).toEqual([2, 4, 3, 1]);
    expect(tree.leaves(new Map([["b", 1], ["a", 2]]))).toEqual([2, 1]); // prettier-ignore
    expect(tree.leaves(new Map([[10, 1], [9, 2]]))).toEqual([2, 1]); // prettier-ignore
  });

  test.each([
    [{ a: 1, b: [1, 2] }, "PyTreeDef({'a': *, 'b': (*, *)})"],
    [[1], "PyTreeDef((*,))"],
    [[], "PyTreeDef(())"],
    [{}, "PyTreeDef({})"],
    [null, "PyTreeDef(None)"],
    [3, "PyTreeDef(*)"],
    [[1, null], "PyTreeDef((*, None))"],
    [new Dense("d", 1, [2]), 'PyTreeDef(CustomNode(Dense["d"], [*, (*,)]))'],
  ])("the definition of %j prints as JAX's", (t, text) => {
    expect(String(tree.structure(t))).toBe(text);
  });

  test("definitions differ where containers do", () => {
    const different = [
      1,
      [1],
      [[1]],
      { a: 1 },
      { b: 1 },
      new Map([["a", 1]]),
      new Dense("d", 1, null),
      new Dense("e", 1, null),
    ];
    for (const a of different) {
      for (const b of different) expect(tree.structure(a).equals(tree.structure(b))).toBe(a === b);
    }
  });

  test("undefined is refused, and its place told", () => {
    expect(() => tree.flatten({ w: [1, { bias: undefined }] })).toThrow(/at \['w'\]\[1\]\['bias'\] there is undefined/);
    expect(() => tree.flatten(undefined)).toThrow(/the tree itself is undefined/);
    expect(() => tree.flattenWithPath([undefined])).toThrow(/at \[0\] there is undefined/);
  });

  test("a wrong number of leaves", () => {
    const def = tree.structure([1, 2]);
    expect(() => tree.unflatten(def, [1])).toThrow(/Too few leaves .* expected 2, got 1/);
    expect(() => tree.unflatten(def, [1, 2, 3])).toThrow(/Too many leaves .* expected 2, got 3/);
  });

  test("isLeaf stops the descent", () => {
    expect(tree.leaves([null, [1]], (x) => x === null)).toEqual([null, 1]);
  });

  test("interfaces are trees", () => {
    interface Params {
      readonly w: number;
      readonly layers: readonly { readonly b: number }[];
    }
    const p: Params = { w: 1, layers: [{ b: 2 }] };
    const strings = tree.map((x) => x.toFixed(0), p);
    const w: string = strings.w;
    const b: string | undefined = strings.layers[0]?.b;
    expect([w, b]).toEqual(["1", "2"]);
  });
});

test("key paths print as JAX's", () => {
  const paths = tree
    .flattenWithPath({ "it's": new Dense("d", [1], new Map([[3, 4]])) })
    .map((x) => tree.keystr(x.path));
  expect(paths).toEqual([`["it's"].weights[0]`, `["it's"].bias[3]`]);
});

describe("several trees", () => {
  test("map", () => {
    expect(tree.map((a, b) => a + b, { x: [1, 2] }, { x: [10, 20] })).toEqual({ x: [11, 22] });
    expect(tree.map((a, b: unknown) => (b as number[]).length + a, [1], [[5, 6, 7]])).toEqual([4]);
  });

  test.each([
    [[1, 2], [1], "different lengths of tuple at key path\n    tree_map tree\n", "length 2", "length 1"],
    [
      { a: [1, 2] },
      { a: [1] },
      "different lengths of tuple at key path\n    tree_map tree['a']\n",
      "length 2",
      "length 1",
    ],
    [
      { a: 1, b: 2 },
      { a: 1 },
      "different numbers of pytree children at key path",
      "2 child keys\n    a b",
      "key sets is\n    b",
    ],
    [{ a: 1 }, { b: 1 }, "different pytree metadata at key path", "a b", ""],
    [[1], 2, "different types at key path", "tuple", "leaf"],
    [[1], [null], null, "", ""],
    [[null], [1], "different types at key path\n    tree_map tree[0]", "None", "leaf"],
  ])("map of %j and %j", (a, b, difference, ...parts) => {
    const run = () => tree.map((x: unknown) => x, a, b);
    if (difference === null) expect(run).not.toThrow();
    else for (const part of [difference, ...parts]) expect(run).toThrow(part);
  });

  test("broadcastPrefix", () => {
    const isNull = (x: unknown) => x === null;
    expect(tree.broadcastPrefix([0, null], [{ a: 1, b: 2 }, 3], isNull)).toEqual([0, 0, null]);
    expect(tree.broadcastPrefix(true, [1, { a: 2 }])).toEqual([true, true]);
    expect(() => tree.broadcastPrefix([1, 2], [1])).toThrow(
      "pytree structure error: different lengths of tuple at key path\n    broadcast_prefix prefix_tree\nAt that key path, the prefix " +
        "pytree broadcast_prefix prefix_tree has a subtree of type tuple of length 2, but the full pytree has a subtree of the same " +
        "type but of length 1.",
    );
  });

  test("reduce, all, transpose", () => {
    expect(tree.reduce((sum, x) => sum + x, { a: 1, b: [2, 3] }, 0)).toBe(6);
    expect(tree.all([true, { a: false }])).toBe(false);
    const outer = tree.structure({ a: 0, b: 0 });
    const inner = tree.structure([0, 0]);
    expect(tree.transpose(outer, inner, { a: [1, 2], b: [3, 4] })).toEqual([{ a: 1, b: 3 }, { a: 2, b: 4 }]); // prettier-ignore
    expect(() => tree.transpose(outer, inner, { a: [1, 2] })).toThrow(/Mismatch/);
  });
});

describe("argNames", () => {
  const two = [1, 2];
  const cases: [string, (...args: never) => unknown, unknown[], string[]][] = [
    ["arrow", (x: number, y: number) => x + y, two, ["x", "y"]],
    // prettier-ignore
    ["single", eval("x => x") as () => unknown, [1], ["x"]],
    ["async single", eval("async x => x") as () => unknown, [1], ["x"]],
    ["function", function (x: number, y = Math.max(1, 2)) { return [x, y]; }, two, ["x", "y"]], // prettier-ignore
    ["method", { method(x: number, y: number) { return x + y; } }.method, two, ["x", "y"]], // prettier-ignore
    ["computed method", { [`a${two.length}`](x: number) { return x; } }["a2"], [1], ["x"]], // prettier-ignore
    ["comments", eval("(x /* , z */, // y)\n y = ',)') => x") as () => unknown, two, ["x", "y"]],
    ["rest", (x: number, ...rest: number[]) => x + rest.length, [1, 2, { a: 3 }], ["x", "rest[0]", "rest[1]['a']"]],
    [
      "destructured",
      ({ w }: { w: number }, [a]: number[], z: number) => [w, a, z],
      [{ w: 1 }, [2], 3],
      ["args[0]['w']", "args[1][0]", "z"],
    ],
    ["paths", (params: unknown) => params, [{ w: 1, b: [2, 3] }], ["params['b'][0]", "params['b'][1]", "params['w']"]],
    ["null has no leaves", (x: number, y: null, z: number) => [x, y, z], [1, null, 3], ["x", "z"]],
    ["too many", (x: number) => x, two, ["args[0]", "args[1]"]],
    ["native", Math.max, two, ["args[0]", "args[1]"]],
  ];
  test.each(cases)("%s", (_, f, args, expected) => {
    expect(argNames(f, args)).toEqual(expected);
  });

  test("keyword and static arguments", () => {
    expect(argNames((x: number, n: number) => x * n, [1, 2], { z: 3, a: [4] }, [1])).toEqual(["x", "a[0]", "z"]);
  });

  test("transformed functions pass for the user's", () => {
    const f = (x: number): number => x;
    const wrapper = passFor(
      passFor((...args: never) => args, f),
      f,
    );
    expect(argNames(wrapper, [1])).toEqual(["x"]);
    expect(functionName(wrapper)).toBe("f");
    expect(functionName(() => 0)).toBe("<lambda>");
  });
});
