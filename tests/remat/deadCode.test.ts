/** Dead-code elimination and type checking of programs: what stays of loops and branches when some of their results are not used. */
import { describe, expect, test } from "vitest";
import { check } from "../../src/core/check.ts";
import {
  checkpoint,
  customJvp,
  float,
  fwdBwd,
  grad,
  JaxprTypeError,
  jit,
  lax,
  linearize,
  makeJaxpr,
  type NDArray,
  np,
  vmap,
} from "../../src/index.ts";
import { ClosedJaxpr, type Jaxpr, Var } from "../../src/core/jaxpr.ts";
import { ShapedArray } from "../../src/core/aval.ts";
import { dce } from "../../src/passes/dce.ts";
import { f32 } from "./measure.ts";

const prune = (
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  used: readonly boolean[],
): { jaxpr: Jaxpr; usedIn: readonly boolean[] } => {
  const { jaxpr } = makeJaxpr(f as (...args: unknown[]) => unknown)(...args);
  const pruned = dce(jaxpr, used);
  check(pruned.jaxpr);
  return pruned;
};

/** The equations of the only scan or cond of a program, counted. */
const inside = (jaxpr: Jaxpr, primitive: string, param: string): number[] => {
  const value = jaxpr.eqns.find((e) => e.primitive.name === primitive)?.params[param];
  return (Array.isArray(value) ? value : [value]).map((x) => (x as ClosedJaxpr).jaxpr.eqns.length);
};

describe("scan", () => {
  type Four = [NDArray, NDArray, NDArray, NDArray];
  const chain = (init: Four): Four =>
    lax.scan(([x, y, z, w]: Four) => [[x.add(1), x.add(y), y.add(z), z.add(w)], null], init, null, {
      length: 2,
    })[0];
  const init = [float(0), float(0), float(0), float(0)] as const;

  test.each([0, 1, 2, 3])("a carry in which each element needs the one before: only number %i is used", (i) => {
    const { jaxpr, usedIn } = prune(
      chain,
      [init],
      [0, 1, 2, 3].map((k) => k === i),
    );
    expect(usedIn).toEqual([0, 1, 2, 3].map((k) => k <= i));
    expect(inside(jaxpr, "scan", "jaxpr")).toEqual([i + 1]);
  });

  test("a carry that only shifts: four adds, and two of them for the last element", () => {
    const shift = ([x, y, z, w]: Four): Four =>
      lax.scan(([x, y, z, w]: Four) => [[x.add(x), y.add(y), z.add(y), w.add(z)], null], [x, y, z, w] as Four, null, {
        length: 2,
      })[0];
    const { jaxpr, usedIn } = prune(shift, [init], [false, false, true, false]);
    expect(usedIn).toEqual([false, true, true, false]);
    expect(inside(jaxpr, "scan", "jaxpr")).toEqual([2]);
  });

  const outputs = (xs: NDArray): unknown =>
    lax.scan((c: NDArray, x: NDArray) => [c.add(1), [np.sin(x), x.mul(c)]], float(0), xs);

  test("ys that are not used, and xs that only they need", () => {
    const { jaxpr, usedIn } = prune(outputs, [np.ones([3])], [true, false, false]);
    expect(usedIn).toEqual([false]);
    expect(inside(jaxpr, "scan", "jaxpr")).toEqual([1]);
  });

  test("a carry that no used y needs", () => {
    const { jaxpr, usedIn } = prune(outputs, [np.ones([3])], [false, true, false]);
    expect(usedIn).toEqual([true]);
    expect(inside(jaxpr, "scan", "jaxpr")).toEqual([1]);
    expect(jaxpr.eqns[0].params.num_carry).toBe(0);
  });

  test("no used output: no loop", () => {
    expect(prune(outputs, [np.ones([3])], [false, false, false]).jaxpr.eqns).toEqual([]);
  });

  test("a checkpointed body, linearized", () => {
    const body = checkpoint((c: NDArray) => np.sin(np.sin(c)));
    const f = (x: NDArray): NDArray => lax.scan((c: NDArray) => [body(c), null], x, null, { length: 3 })[0];
    const linear = linearize(f, 1)[1];
    const { jaxpr } = makeJaxpr((t: NDArray) => linear(t))(1.5);
    const [loop] = jaxpr.eqns;
    const [inner] = (loop.params.jaxpr as ClosedJaxpr).jaxpr.eqns;
    expect(inner.primitive.name).toBe("remat2");
    expect((inner.params.jaxpr as Jaxpr).eqns.map((e) => e.primitive.name)).toEqual([
      "sin",
      "cos",
      "mul",
      "cos",
      "mul",
    ]);
  });

  test("a constant that a custom rule brings in is no residual of the steps", () => {
    const scaled = customJvp((x: NDArray) => x.mul(2));
    scaled.defjvp(([x]: [NDArray], [t]: [NDArray]) => [scaled(x), np.multiply(np.arange(3), t)]);
    const f = (x: NDArray): NDArray => np.sum(lax.scan((c: NDArray) => [scaled(c), null], x, null, { length: 2 })[0]);
    expect(grad(f)(np.ones([3])).toJS()).toEqual([0, 1, 4]);
    check(fwdBwd(f, np.ones([3])).fwd);
    check(fwdBwd(f, np.ones([3])).bwd);
  });
});

describe("cond", () => {
  const f = (x: NDArray, y: NDArray, z: NDArray): unknown =>
    lax.cond(
      np.greater(x, 0),
      (y: NDArray, z: NDArray) => [np.sin(y).mul(z), np.cos(y)],
      (y: NDArray, z: NDArray) => [y, z],
      y,
      z,
    );
  const args = [f32(1), f32(2), f32(3)];

  test.each([
    [
      [true, false],
      [0, 2],
    ],
    [
      [false, true],
      [0, 1],
    ],
  ])("results used: %j", (used, sizes) => {
    const { jaxpr, usedIn } = prune(f, args, used);
    // an operand goes only if no branch needs it
    expect(usedIn).toEqual([true, true, true]);
    expect(inside(jaxpr, "cond", "branches")).toEqual(sizes);
  });

  test("an operand that no branch needs any more", () => {
    const g = (x: NDArray, y: NDArray, z: NDArray): unknown =>
      lax.cond(
        np.greater(x, 0),
        (y: NDArray, z: NDArray) => [np.sin(y), z],
        (y: NDArray, z: NDArray) => [y, z],
        y,
        z,
      );
    expect(prune(g, args, [true, false]).usedIn).toEqual([true, true, false]);
  });

  test("no used result: neither branch nor condition", () => {
    expect(prune(f, args, [false, false]).jaxpr.eqns).toEqual([]);
  });
});

describe("makeJaxpr", () => {
  test("a host number is a literal, an array a constant, and an argument itself", () => {
    expect(makeJaxpr((x: NDArray) => x.add(3.14)).length).toBe(0);
    expect(makeJaxpr((x: NDArray) => x.add(3.14))(f32(1)).consts).toHaveLength(0);
    const zero = np.zeros([1], "float32");
    const { jaxpr, consts } = makeJaxpr((x: NDArray) => [x, float(1), zero])(f32(0));
    expect(consts).toHaveLength(1);
    expect(String(new ClosedJaxpr(jaxpr, consts))).toBe("{ lambda a:f32[1]; b:f32[]. let  in (b, 1.0:f32[], a) }");
  });

  test("a cond with a closed-over operand", () => {
    const f = (x: NDArray): NDArray =>
      lax.cond(
        np.greaterEqual(x, 0),
        (y: NDArray) => y.add(x),
        (y: NDArray) => y.sub(x),
        x.add(1),
      );
    const closed = makeJaxpr(f)(f32(1));
    check(closed);
    expect(closed.jaxpr.eqns.at(-1)?.invars).toHaveLength(3);
  });

  test("static arguments are not in the program", () => {
    const closed = makeJaxpr((x: NDArray, n: number) => x.mul(n), { staticArgnums: 1 })(f32(1), 3);
    expect(closed.jaxpr.invars).toHaveLength(1);
  });

  test.each<[string, (x: NDArray) => NDArray]>([
    ["a conversion to its own dtype", (x) => x.astype("float32")],
    ["a broadcast to its own shape", (x) => np.broadcastTo(x, [])],
  ])("%s leaves no equation", (_, f) => {
    expect(makeJaxpr(f)(f32(1)).jaxpr.eqns).toEqual([]);
  });

  test("jit changes no weak type", () => {
    const f = (x: NDArray): NDArray => np.add(float(1), x);
    expect(jit(f)(float(2)).weakType).toBe(f(float(2)).weakType);
    expect(jit(f)(f32(2)).weakType).toBe(f(f32(2)).weakType);
  });
});

describe("check", () => {
  const good = makeJaxpr((x: NDArray) => np.sin(np.sin(x)))(np.ones([3]));
  const wrong = new ShapedArray([4], "float32");

  test("a well-typed program", () => {
    check(good);
    check(makeJaxpr(vmap(checkpoint(np.sin as (x: NDArray) => NDArray)))(np.ones([3, 2])));
  });

  test.each<[string, (j: Jaxpr) => Jaxpr, string]>([
    [
      "a type that the primitive does not give",
      (j) => j.replace({ eqns: [j.eqns[0], { ...j.eqns[1], outvars: [new Var(wrong)] }] }),
      "must have f32[3]",
    ],
    ["a variable that is not bound", (j) => j.replace({ eqns: [j.eqns[1]] }), "read and not bound"],
    ["a variable that is bound twice", (j) => j.replace({ eqns: [j.eqns[0], ...j.eqns] }), "bound twice"],
    ["an output that is not bound", (j) => j.replace({ outvars: [new Var(wrong)] }), "read and not bound"],
    ["a variable read before it is bound", (j) => j.replace({ eqns: [j.eqns[1], j.eqns[0]] }), "read and not bound"],
  ])("%s", (_, spoil, message) => {
    const bad = spoil(good.jaxpr);
    expect(() => check(bad)).toThrow(JaxprTypeError);
    expect(() => check(bad)).toThrow(message);
  });

  test("a body that does not fit its call", () => {
    const { jaxpr } = makeJaxpr((x: NDArray) => checkpoint((x: NDArray) => np.sin(x))(x))(np.ones([3]));
    const other = makeJaxpr((x: NDArray) => np.sin(x))(np.ones([4])).jaxpr;
    const [eqn] = jaxpr.eqns;
    const bad = jaxpr.replace({ eqns: [{ ...eqn, params: { ...eqn.params, jaxpr: other } }] });
    expect(() => check(bad)).toThrow("operand 0 has type f32[3] and must have f32[4]");
    expect(() => check(bad)).toThrow("remat2[");
  });
});
