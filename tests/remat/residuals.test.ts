/**
 * What is kept for the backward pass: the residuals of checkpointed functions, by number, kind and text, and values that are moved to host memory.
 * Texts and numbers are JAX's.
 */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  float,
  fwdBwd,
  grad,
  jit,
  lax,
  makeJaxpr,
  type NDArray,
  nn,
  np,
  savedResiduals,
  tree,
  vjp,
} from "../../src/index.ts";
import { f32, numbersOf, savePrimitives } from "./measure.ts";

const { saveAndOffloadOnlyTheseNames, saveAnyNamesButThese, saveOnlyTheseNames } = checkpointPolicies;
const kinds = (f: (...args: never[]) => unknown, ...args: readonly unknown[]): string[] =>
  savedResiduals(f as (...args: unknown[]) => unknown, ...args).map((r) =>
    `${String(r.aval)} ${r.kind} ${r.name ?? ""}`.trim(),
  );

describe("constants are not kept", () => {
  test.each<[string, (x: NDArray) => NDArray, NDArray, string[]]>([
    ["the places of a diagonal", (x) => np.einsum("ii->i", x), np.ones([2, 2]), []],
    ["a factor of zeros", (x) => np.multiply(np.zerosLike(x), x), np.ones([2]), []],
    ["zeros of a literal shape", (x) => np.multiply(np.zeros([2]), x), np.ones([2]), []],
    [
      "a factor of zeros, and a sine",
      (x) => np.multiply(np.zerosLike(x), np.sin(x)),
      np.ones([2]),
      ["f32[2] argument x"],
    ],
  ])("%s", (_, f, x, expected) => {
    expect(kinds(checkpoint(f), x)).toEqual(expected);
  });
});

describe("names", () => {
  const f = (x: NDArray): NDArray => {
    const four = (): NDArray => np.multiply(float(2), float(2));
    const [y, z, w] = ["y", "z", "w"].map((name) => checkpointName(four(), name));
    return x.mul(y).mul(z).mul(w).mul(four());
  };

  test.each([
    [[], 3, 0],
    [["y"], 2, 1],
    [["y", "z"], 1, 2],
    [["y", "z", "w"], 0, 3],
  ])("of y, z and w, with %j in the list", (names, allButThese, onlyThese) => {
    const count = (policy: ReturnType<typeof saveOnlyTheseNames>): number =>
      savedResiduals(checkpoint(f, { policy }), f32(1)).length;
    expect(count(saveAnyNamesButThese(...names))).toBe(allButThese);
    expect(count(saveOnlyTheseNames(...names))).toBe(onlyThese);
  });

  test("an input with a name", () => {
    const f = checkpoint((x: NDArray) => np.sin(checkpointName(x, "foo")), { policy: saveOnlyTheseNames("foo") });
    const around = (x: NDArray): NDArray => np.sin(f(np.sin(x)));
    expect(kinds(around, f32(3))).toContain("f32[] named foo");
    expect(kinds(f, f32(3))).toEqual(["f32[] named foo"]);
    expect(savedResiduals(f, f32(3))[0].text).toMatch(
      /^f32\[\] named 'foo' from .*residuals\.test\.ts:\d+:\d+ \(<lambda>\)$/,
    );
  });

  test("all leaves of a tree", () => {
    const f = checkpoint(
      (params: { a: NDArray; b: readonly NDArray[] }) => {
        const { a, b } = checkpointName(params, "p") as { a: NDArray; b: readonly NDArray[] };
        return np.sin(a).mul(np.sin(b[0]));
      },
      { policy: saveOnlyTheseNames("p") },
    );
    expect(kinds(f, { a: f32(1), b: [f32(2)] })).toEqual(["f32[] named p", "f32[] named p"]);
  });
});

describe("the listing", () => {
  const f = (x: readonly [NDArray, NDArray], y: NDArray): NDArray => {
    const [x1, x2] = x;
    const z = checkpointName(np.sin(float(3)), "z");
    return z.mul(x1.mul(x2).mul(y)).mul(np.array([3], "float32"));
  };
  const x = [float(2), float(3)] as const;

  test("of a function", () => {
    const lines = savedResiduals(f, x, float(4)).map((r) => r.text.replace(/ from \S*residuals\.test\.ts:\d+:\d+/, ""));
    expect(lines).toEqual([
      "f32[1] from a constant",
      "f32[] from the argument x[0]",
      "f32[] from the argument x[1]",
      "f32[] from the argument y",
      "f32[] named 'z' (f)",
      "f32[] output of mul (f)",
    ]);
  });

  test("of a jitted function", () => {
    const lines = savedResiduals(jit(f), x, float(4)).map((r) => r.text.replace(/ from \S*:\d+:\d+ \(.*\)/, " from"));
    expect(lines.slice(3)).toEqual([
      "f32[] from the argument y",
      expect.stringMatching(/^f32\[\] output of jitted function 'f' from/),
      expect.stringMatching(/^f32\[\] output of jitted function 'f' from/),
    ]);
    expect(lines).toHaveLength(6);
  });

  test("of a checkpointed function with a static argument", () => {
    const g = checkpoint((x: NDArray, n: number) => np.sin(checkpointName(x.mul(x), "foo").pow(n)), {
      policy: savePrimitives("mul"),
      staticArgnums: 1,
    });
    expect(kinds((x: NDArray) => g(x, 2), f32(3))).toEqual([
      "f32[] argument x",
      "f32[] output mul",
      "f32[] output mul",
    ]);
  });
});

test("a named value that two jitted functions use is kept once", () => {
  const f = checkpoint(
    (x: NDArray) => {
      const y = checkpointName(x.mul(2), "y");
      return jit((y: NDArray) => np.sin(y))(y).mul(jit((y: NDArray) => np.cos(y))(y));
    },
    { policy: saveOnlyTheseNames("y") },
  );
  expect(kinds(f, f32(3))).toEqual(["f32[] named y"]);
});

test("the residuals of softmax", () => {
  const residuals = savedResiduals(nn.softmax as (x: NDArray) => NDArray, np.arange(4).astype("float32"));
  expect(residuals).toHaveLength(3);
  expect(residuals.reduce((sum, r) => sum + r.aval.size, 0)).toBe(6);
});

describe("the residuals of scan", () => {
  const f = (xs: NDArray): NDArray => {
    const [c] = lax.scan((c: NDArray, x: NDArray) => [c.mul(np.sin(x)), null], f32(1), xs);
    return c;
  };

  test("xs is kept as it is, not as a stacked copy", () => {
    const through = (xs: NDArray): NDArray => lax.scan((c: NDArray, x: NDArray) => [c.mul(x), null], f32(1), xs)[0];
    for (const g of [through, checkpoint(through), checkpoint(f)]) {
      expect(kinds(g, np.ones([5])).filter((k) => k.startsWith("f32[5] argument"))).toHaveLength(1);
    }
  });

  test("nothing but the arguments under checkpoint", () => {
    expect(kinds(checkpoint(f), np.ones([5]))).toEqual(["f32[5] argument xs"]);
  });
});

describe("offloading", () => {
  const memory = { offloadSrc: "device", offloadDst: "pinned_host" } as const;
  const policies = {
    one: saveAndOffloadOnlyTheseNames({ ...memory, namesWhichCanBeSaved: ["y"], namesWhichCanBeOffloaded: ["z", "w"] }),
    all: saveAndOffloadOnlyTheseNames({
      ...memory,
      namesWhichCanBeSaved: [],
      namesWhichCanBeOffloaded: ["z", "w", "y"],
    }),
  };
  const chain = (x: NDArray): NDArray => {
    const z = checkpointName(np.sin(x), "z");
    const y = checkpointName(np.sin(z), "y");
    return np.sum(checkpointName(np.sin(y), "w"));
  };
  const x = np.arange(16).astype("float32");
  const host = (text: string): number => text.split("MemorySpace.Host").length - 1;
  const device = (text: string): number => text.split("MemorySpace.Device").length - 1;

  test.each([
    ["one", 1, 1],
    ["all", 2, 2],
  ] as const)("names (%s): the last is not needed", (which, toHost, toDevice) => {
    const f = checkpoint(chain, { policy: policies[which] });
    const gradient = String(makeJaxpr(grad(f))(x));
    expect([host(gradient), device(gradient)]).toEqual([toHost, toDevice]);
    const { fwd, bwd } = fwdBwd(f, x);
    expect([fwd.outvars.length, host(String(fwd))]).toEqual([4, toHost]);
    expect([bwd.invars.length, device(String(bwd))]).toEqual([4, toDevice]);
    expect(numbersOf(grad(f)(x))).toEqual(numbersOf(grad(chain)(x)));
  });

  test("inside scan", () => {
    const loop = (x: NDArray): NDArray => {
      const body = (c: NDArray): [NDArray, null] => {
        const z = checkpointName(np.cos(np.sin(c)), "z");
        const w = checkpointName(np.sin(z), "w");
        return [checkpointName(np.cos(w), "y"), null];
      };
      return np.sum(lax.scan(body, x, null, { length: 3 })[0]);
    };
    const f = checkpoint(loop, { policy: policies.one });
    const { fwd, bwd } = fwdBwd(f, x);
    expect([fwd.outvars.length, host(String(fwd))]).toEqual([5, 2]);
    expect([bwd.invars.length, device(String(bwd))]).toEqual([5, 2]);
    expect(String(fwd)).toContain("f32<host>[3,16]");
    expect(numbersOf(grad(f)(x))).toEqual(numbersOf(grad(loop)(x)));
  });

  test("inside scan, of a value with another layout", () => {
    const loop = (x: NDArray): NDArray => {
      const body = (c: NDArray): [NDArray, null] => [
        np.transpose(np.sin(checkpointName(np.transpose(np.sin(c)), "z"))),
        null,
      ];
      return np.sum(lax.scan(body, x, null, { length: 2 })[0]);
    };
    const x = np.reshape(np.arange(6), [2, 3]).astype("float32");
    const f = checkpoint(loop, { policy: policies.one });
    expect(numbersOf(grad(f)(x))).toEqual(numbersOf(grad(loop)(x)));
  });

  test("products without batch dimensions", () => {
    const products = (x: NDArray): NDArray => {
      const y = np.sin(np.einsum("ij,jk->ik", x, np.ones([2, 3])));
      const z = np.einsum("nij,njk->nik", np.expandDims(y, 0), np.ones([1, 3, 3]));
      return np.sum(np.sin(z));
    };
    const policy = checkpointPolicies.offloadDotWithNoBatchDims("device", "pinned_host");
    const f = checkpoint(products, { policy });
    const x = np.ones([2, 2]);
    const gradient = String(makeJaxpr(grad(f))(x));
    expect([host(gradient), device(gradient)]).toEqual([1, 1]);
    expect(numbersOf(grad(f)(x))).toEqual(numbersOf(grad(products)(x)));
  });

  test("one output of a primitive with two", () => {
    const f = checkpoint(
      (x: NDArray) => {
        const [values] = lax.topK(np.sin(x), 2);
        return np.sum(np.sin(checkpointName(values, "z")));
      },
      { policy: policies.one },
    );
    expect(numbersOf(grad(f)(x)).filter((g) => g !== 0).length).toBe(2);
  });
});

test("the arrays that a pullback holds are the arguments themselves", () => {
  // observable by the number of residuals that are new arrays: none
  const f = checkpoint((x: NDArray) => np.sum(np.sin(np.sin(x))));
  const x = np.ones([4]);
  expect(savedResiduals(f, x).every((r) => r.kind === "argument")).toBe(true);
  const [, pull] = vjp(f, x);
  expect(tree.leaves(pull(1))).toHaveLength(1);
});
