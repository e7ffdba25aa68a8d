/** Bad input to traced functions and arrays: host control flow on traced arrays, results, arguments, shapes, leaks. */
import { describe, expect, test } from "vitest";
import * as remat from "../../src/index.ts";
import {
  checkpoint,
  evalShape,
  fwdBwd,
  grad,
  jacrev,
  jit,
  jvp,
  lax,
  linearize,
  makeJaxpr,
  np,
  savedResiduals,
  tree,
  valueAndGrad,
  vmap,
  type NDArray,
} from "../../src/index.ts";
import {
  x,
  s,
  loose,
  grad_,
  jit_,
  vmap_,
  checkpoint_,
  vjp_,
  jvp_,
  scan_,
  cond_,
  errorOf,
  table,
  ADVICE,
  worksAfterwards,
  type Loose,
  type UserFunction,
} from "./table.ts";
const HERE = "values.test.ts:";
worksAfterwards();

describe("a traced array where a host value is needed", () => {
  // each is a function of a traced array that no array library can give a value
  const uses: Readonly<Record<string, readonly [(v: never) => unknown, string]>> = {
    "x > 0": [(v) => (v > 0 ? v : v), "used as a JavaScript number"],
    // eslint-disable-next-line @typescript-eslint/restrict-plus-operands -- the mistake
    "x + 1": [(v) => v + 1, "used as a JavaScript number"],
    // eslint-disable-next-line eqeqeq -- the mistake
    "x == 1": [(v) => (v == 1 ? v : v), "used as a JavaScript number"],
    // eslint-disable-next-line no-implicit-coercion -- the mistake
    "+x": [(v) => +v, "used as a JavaScript number"],
    "Math.sin(x)": [(v) => Math.sin(v), "used as a JavaScript number"],
    "Math.max(x, 0)": [(v) => Math.max(v, 0), "used as a JavaScript number"],
    "isNaN(x)": [(v) => isNaN(v), "used as a JavaScript number"],
    "Number(x)": [(v) => Number(v), "used as a JavaScript number"],
    "new Array(n).fill(x) as an index": [(v) => [1, 2, 3][v], "used as a string"],
    "String(x)": [(v) => String(v), "used as a string"],
    "a template": [(v) => `${String(v)}`, "used as a string"],
    "JSON.stringify(x)": [(v) => JSON.stringify({ v }), "given to JSON.stringify"],
    "x.item()": [(v) => (v as NDArray).item(), "element of a traced array was read"],
    "x.toJS()": [(v) => (v as NDArray).toJS(), "element of a traced array was read"],
  };
  const transformations: Readonly<Record<string, (f: UserFunction) => Loose>> = {
    jit: (f) => jit_(f),
    checkpoint: (f) => checkpoint_(f),
    makeJaxpr: (f) => loose(makeJaxpr)(f),
    "grad of jit": (f) => grad_(jit_(f)),
  };
  const cases = Object.keys(uses).flatMap((use) => Object.keys(transformations).map((how) => [use, how] as const));
  test.each(cases)("%s under %s", (use, how) => {
    const [f, asked] = uses[use];
    const traced = transformations[how](f);
    const error = errorOf(() => traced(s));
    expect(error).toBeInstanceOf(remat.ConcretizationTypeError);
    for (const part of [
      asked,
      "its type is float32[]",
      "its value is not known while tracing",
      HERE,
      "The value depends on the argument v",
      ADVICE,
    ]) {
      expect(error.message).toContain(part);
    }
  });

  table([
    [
      "under vmap",
      () => vmap_((v: never) => (v > 0 ? v : v))(x),
      remat.ConcretizationTypeError,
      [HERE, "under vmap", ADVICE],
    ],
    [
      "in a loop",
      () => scan_((c: never, _y: NDArray) => [c > 0 ? c : c, null], s, x),
      remat.ConcretizationTypeError,
      [HERE, "for scan", "argument c"],
    ],
    [
      "in a branch",
      () =>
        cond_(
          true,
          (v: never) => (v > 0 ? v : v),
          (v: never) => v,
          s,
        ),
      remat.ConcretizationTypeError,
      [HERE, "argument v"],
    ],
    [
      "in a checkpointed function: static arguments are advised",
      () => checkpoint_((v: never) => (v > 0 ? v : v))(s),
      remat.ConcretizationTypeError,
      ["static_argnums", "staticArgnums", "argument v"],
    ],
    [
      "made in the function, of no argument",
      () => jit_(() => (np.sum(np.ones([3])) as unknown as number) > 2)(),
      remat.ConcretizationTypeError,
      ["It became a tracer through these operations", "reduce_sum"],
    ],
    [
      "as a shape",
      () => jit((n: NDArray) => np.zeros([n as unknown as number]))(np.array(3, "int32")),
      remat.RematTypeError,
      ["int32[]", "staticArgnums"],
    ],
    [
      "as a bound of arange",
      () => jit((n: NDArray) => np.arange(n))(np.array(3, "int32")),
      remat.ConcretizationTypeError,
      ["int32[]", "np.arange"],
    ],
    [
      "as a mask",
      () => jit((v: NDArray) => v.get(np.greater(v, 1)))(x),
      remat.NonConcreteBooleanIndexError,
      ["bool[3]"],
    ],
  ]);

  test("a value that is known reads as itself", () => {
    const seen: unknown[] = [];
    const g = grad((v: NDArray) => {
      seen.push(v.item());
      return v.mul((v.item() as number) > 1 ? 2 : 3);
    });
    expect(g(1.5).item()).toBe(2);
    expect(g(0.5).item()).toBe(3);
    expect(seen).toEqual([1.5, 0.5]);
  });
});

describe("what a function returns", () => {
  const returning: Readonly<Record<string, readonly [f: (v: NDArray) => unknown, parts: readonly string[]]>> = {
    "nothing at all": [(v) => void np.sin(v), ["returned undefined", "no return statement"]],
    "a promise": [async (v) => Promise.resolve(v), ["Promise", "async", "without await"]],
    "a string inside": [(v) => ({ a: [v, "hi"] }), ["'hi' of type string", "['a'][1]", "Return arrays"]],
    "a set": [() => new Set([1]), ["object of class Set", "Return arrays"]],
    "undefined inside": [(v) => [v, undefined], ["undefined"]],
  };
  const transformations: Readonly<Record<string, (f: UserFunction) => unknown>> = {
    jit: (f) => jit_(f)(s),
    checkpoint: (f) => checkpoint_(f)(s),
    grad: (f) => grad_(f)(s),
    vjp: (f) => vjp_(f, s),
    jvp: (f) => jvp_(f, [s], [s]),
    linearize: (f) => loose(linearize)(f, s),
    vmap: (f) => vmap_(f)(x),
    makeJaxpr: (f) => loose(makeJaxpr)(f)(s),
    evalShape: (f) => loose(evalShape)(f, s),
    savedResiduals: (f) => loose(savedResiduals)(f, s),
    fwdBwd: (f) => loose(fwdBwd)(f, s),
    jacrev: (f) => loose(jacrev)(f)(s),
    "a branch of cond": (f) => cond_(true, f, f, s),
    scan: (f) => scan_(f, s, x),
  };
  const cases = Object.keys(returning).flatMap((what) =>
    Object.keys(transformations).map((how) => [what, how] as const),
  );
  test.each(cases)("%s, under %s", (what, how) => {
    const [f, parts] = returning[what];
    const error = errorOf(() => transformations[how](f));
    expect(error.name).toBe("FunctionResultError");
    for (const part of ["traced for", ...parts]) expect(error.message).toContain(part);
  });
});

describe("a function that changes its arguments", () => {
  interface Params {
    w?: NDArray;
    v: NDArray;
    list: NDArray[];
  }
  const changes: Readonly<Record<string, (p: Params) => unknown>> = {
    "assigns a property": (p) => ((p.w = np.sin(p.v)), p.v),
    "replaces a property": (p) => ((p.v = np.sin(p.v)), p.v),
    "deletes a property": (p) => (delete p.w, p.v),
    pushes: (p) => (p.list.push(p.v), p.v),
    "sorts in place": (p) => (p.list.reverse(), p.v),
    "assigns an element": (p) => ((p.list[0] = np.sin(p.v)), p.v),
  };
  const given = (): Params => ({ w: s, v: s, list: [s, np.array(2, "float32")] });
  const transformations: Readonly<Record<string, (f: (p: Params) => unknown) => unknown>> = {
    jit: (f) => jit_(f)(given()),
    checkpoint: (f) => checkpoint_(f)(given()),
    grad: (f) => grad_(f)(given()),
    vjp: (f) => vjp_(f, given()),
    jvp: (f) => jvp_(f, [given()], [given()]),
    makeJaxpr: (f) => loose(makeJaxpr)(f)(given()),
    vmap: (f) => vmap_(f)({ w: x, v: x, list: [x, x.mul(2)] }),
    scan: (f) => scan_((c: Params, y: NDArray) => [c, [f(c), y]], given(), x),
    cond: (f) => cond_(true, f, (p: Params) => p.v, given()),
  };
  const cases = Object.keys(changes).flatMap((what) => Object.keys(transformations).map((how) => [what, how] as const));
  test.each(cases)("%s under %s", (what, how) => {
    const error = errorOf(() => transformations[how](changes[what]));
    expect(error.name).toBe("MutatedArgumentError");
    for (const part of ["changed its argument", "in place", "Return a new array or object instead"])
      expect(error.message).toContain(part);
  });

  test("the caller's own objects are as they were", () => {
    const p = given();
    expect(() => jit_(changes["pushes"])(p)).toThrow(remat.MutatedArgumentError);
    expect(Object.keys(p)).toEqual(["w", "v", "list"]);
    expect(p.list).toHaveLength(2);
  });

  test("copies may be changed, and local arrays filled", () => {
    const f = (p: { list: readonly NDArray[] }): NDArray => {
      const all: NDArray[] = [];
      for (const v of p.list) all.push(np.sin(v));
      const copy = { ...p, list: [...p.list] };
      copy.list.pop();
      return all.reduce((a, b) => a.add(b));
    };
    expect(jit(f)({ list: [s, s] }).item()).toBeCloseTo(2 * Math.sin(1.5), 6);
  });
});

describe("a traced array that outlives its transformation", () => {
  const leak = (transform: (f: (v: NDArray) => NDArray) => (v: NDArray) => unknown, input: NDArray): NDArray => {
    let kept: NDArray | null = null;
    transform((v) => {
      kept = np.sin(v);
      return np.sum(np.multiply(kept, 2));
    })(input);
    return kept as unknown as NDArray;
  };
  const ways: Readonly<Record<string, () => NDArray>> = {
    grad: () => leak((f) => grad(f), x),
    jit: () => leak((f) => jit(f), x),
    vmap: () => leak((f) => vmap(f), x),
    checkpoint: () => leak((f) => checkpoint(f), x),
    jvp: () => leak((f) => () => jvp(f, [x], [x]), x),
    linearize: () => leak((f) => () => linearize(f, x), x),
    makeJaxpr: () => leak((f) => makeJaxpr(f), x),
    "grad of checkpoint": () => leak((f) => grad(checkpoint(f)), x),
    scan: () => leak((f) => () => lax.scan((c: NDArray, y: NDArray) => [c, f(y)], s, x), x),
    cond: () => leak((f) => () => lax.cond(true, f, f, x), x),
  };
  const uses: Readonly<Record<string, (v: NDArray) => unknown>> = {
    "in plain arithmetic": (v) => np.add(v, 1),
    "as an argument of jit": (v) => jit((a: NDArray) => np.sin(a))(v),
    "closed over by jit": (v) => jit((a: NDArray) => np.add(a, v))(x),
    "closed over by grad": (v) => grad((a: NDArray) => np.sum(np.multiply(a, v)))(x),
    "as an argument of grad": (v) => grad((a: NDArray) => np.sum(np.sin(a)))(v),
    "closed over by checkpoint": (v) => checkpoint((a: NDArray) => np.add(a, v))(x),
    "closed over by vmap": (v) => vmap((a: NDArray) => np.add(a, v))(x),
  };
  const cases = Object.keys(ways).flatMap((way) => Object.keys(uses).map((use) => [way, use] as const));
  test.each(cases)("out of %s, %s", (way, use) => {
    const leaked = ways[way]();
    const error = errorOf(() => uses[use](leaked));
    expect(error).toBeInstanceOf(remat.UnexpectedTracerError);
    for (const part of ["leaked", "Return the value from the function instead"]) expect(error.message).toContain(part);
  });

  test("reading it is an error too", () => {
    const leaked = ways["jit"]();
    expect(() => leaked.toJS()).toThrow(remat.RematError);
    expect(() => String(leaked)).toThrow(remat.RematError);
  });
});

test("every error has a class of its own name and the class of JAX", () => {
  for (const [name, value] of Object.entries(remat)) {
    if (typeof value === "function" && value.prototype instanceof Error) {
      expect(name).toBe((value as { name: string }).name);
    }
  }
  const error = errorOf(() => np.add(np.ones([2]), x)) as remat.RematError;
  expect(error.jaxClass).toBe("TypeError");
});

test("a failed gradient leaves a tree of parameters as it was", () => {
  const params = { w: x, b: s };
  const before = tree.map((v: NDArray) => v.toJS(), params);
  expect(() => valueAndGrad((p: typeof params) => np.add(p.w, np.ones([7])))(params)).toThrow(remat.ShapeError);
  expect(tree.map((v: NDArray) => v.toJS(), params)).toEqual(before);
});
