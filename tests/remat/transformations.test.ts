/**
 * A checkpointed function under the other transformations: its values and derivatives are those of the function itself, its backward pass computes
 * what it should and no more, and it is traced as often as it must be.
 *
 * The behaviours in this folder are those of JAX's own tests of `checkpoint`. Of these, the following have nothing here to apply to:
 * - references: `remat_grad_accum_refs`, `mutable_array_test`, `state_test`
 * - effects, callbacks and printing from programs: `jaxpr_effects_test`, `python_callback_test`, `debugging_primitives_test`, `eqn_repr_with_no_lhs`
 * - name stacks and names in compiled programs: `name_stack_annotation`, `re_materalization_appears_in_hlo`
 * - several devices, compilers and hi-types: `shard_map_test`, `pmap_test`, `pjit_test`, `hijax_test`, `compute_on`, `scheduling_groups_test`,
 *   `scaled_matmul_stablehlo_test`, `xla_bridge_test`, `roofline_test`
 * - functions that are not here: `custom_linear_solve`, checkify, key reuse, `optimize_remat` of `defvjp`, `jax_remat3`
 * - options of `make_jaxpr` that are other functions here (`return_shape`: `evalShape`) or gone (`axis_env`)
 * - numbers of compilations, in place of which the numbers of traces are counted
 * - what JAX skips itself: `remat_grad_python_control_flow_...`, whose counterparts for today's checkpoint are below
 */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jacfwd,
  jacrev,
  jit,
  lax,
  linearize,
  makeJaxpr,
  type NDArray,
  np,
  remat,
  UnexpectedTracerError,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/index.ts";
import { checkGrads } from "./checkGrads.ts";
import { backwardText, count, evaluations, f32, linearText, numbersOf, wrappers } from "./measure.ts";
const sin = (x: NDArray): NDArray => np.sin(x);

describe.each(wrappers)("%s", (_, wrap) => {
  test("linearize: value, tangent and evaluations", () => {
    const g = wrap((x: NDArray): [NDArray, NDArray] => [np.sin(np.sin(x)), np.array(3)]);
    const f = wrap((x: NDArray) => g(x)[0]);
    const [value, linear] = linearize(f, 2);
    expect(value.item()).toBeCloseTo(Math.sin(Math.sin(2)), 6);
    const { result, counts } = evaluations(() => linear(3));
    expect(result.item()).toBeCloseTo(Math.cos(Math.sin(2)) * Math.cos(2) * 3, 5);
    expect(counts).toMatchObject({ sin: 1, cos: 2 });
  });

  test("a value of an outer differentiation may be closed over", () => {
    const f1 = (x: NDArray): NDArray => {
      const y = np.sin(x).mul(2);
      return wrap((x: NDArray) => np.sin(np.multiply(y, x)))(x);
    };
    const plain = (x: NDArray): NDArray => np.sin(np.sin(x).mul(2).mul(x));
    expect(numbersOf(linearize(f1, 2)[1](1))).toEqual(numbersOf(linearize(plain, 2)[1](1)));
    expect(grad(f1)(2).item()).toBe(grad(plain)(2).item());
  });

  test("jit outside, inside and between", () => {
    const f = wrap((x: NDArray, y: NDArray) => np.sin(np.multiply(np.sin(x), y)));
    const all = [
      grad(f)(2, 3),
      grad(jit(f))(2, 3),
      jit(grad(f))(f32(2), f32(3)),
      grad(wrap(jit(f)))(2, 3),
      jit(grad(jit(f)))(f32(2), f32(3)),
    ].map((x) => x.item());
    const expected = Math.cos(Math.sin(2) * 3) * Math.cos(2) * 3;
    for (const x of all) expect(x).toBeCloseTo(expected, 5);
    expect(jit(f)(f32(2), f32(3)).item()).toBe(f(f32(2), f32(3)).item());
  });

  test("vmap, jacfwd, jacrev", () => {
    const plain = (x: NDArray): NDArray => np.sin(np.sin(x));
    const f = wrap(plain);
    const x = np.arange(3).astype("float32");
    expect(vmap(f)(x).toJS()).toEqual(vmap(plain)(x).toJS());
    expect(numbersOf(jacfwd(f)(x))).toEqual(numbersOf(jacfwd(plain)(x)));
    expect(numbersOf(jacrev(f)(x))).toEqual(numbersOf(jacrev(plain)(x)));
    expect(numbersOf(vmap(grad(f))(x))).toEqual(numbersOf(vmap(grad(plain))(x)));
  });

  test("vmap of a body whose batched form closes over a new constant", () => {
    const table = np.array([1, 2, 3, 4], "float32");
    const f = wrap((i: NDArray, x: NDArray) => table.get(i).mul(np.sin(x)));
    const i = np.array([0, 2, 3], "int32");
    const x = np.array([1, 2, 3], "float32");
    const expected = [0, 2, 3].map((i, k) => (i + 1) * Math.sin(k + 1));
    numbersOf(vmap(f)(i, x)).forEach((v, k) => expect(v).toBeCloseTo(expected[k], 5));
  });

  test("vmap of an axis that is not the first", () => {
    const plain = (x: NDArray): NDArray => np.sin(np.sin(x));
    const f = wrap(plain);
    const x = np.reshape(np.arange(15), [3, 5]).astype("float32");
    const g = (h: typeof plain): NDArray => vmap(h, { inAxes: 1, outAxes: 0 })(x);
    expect(g(f).toJS()).toEqual(g(plain).toJS());
    expect(g(f).shape).toEqual([5, 3]);
  });

  test("a derivative of a derivative", () => {
    const plain = (x: NDArray, y: NDArray): NDArray => np.sin(np.multiply(np.sin(x), y));
    const f = wrap(plain);
    expect(grad(grad(f))(5, 6).item()).toBe(grad(grad(plain))(5, 6).item());
    expect(grad(grad(grad(f)))(5, 6).item()).toBeCloseTo(grad(grad(grad(plain)))(5, 6).item() as number, 4);
  });

  test("on a body of scan", () => {
    const toScan = (c: NDArray): [NDArray, null] => [np.sin(c), null];
    const f1 = (x: NDArray): NDArray => {
      const [c] = lax.scan(wrap(toScan), x, null, { length: 3 });
      return c;
    };
    const f2 = (x: NDArray): NDArray => np.sin(np.sin(np.sin(x)));
    const x = f32(3);
    expect(f1(x).item()).toBe(f2(x).item());
    expect(grad(f1)(x).item()).toBeCloseTo(grad(f2)(x).item() as number, 5);
    // the loops of the linear and of the backward program recompute, in one scan each
    const linear = linearize(f1, x)[1];
    const forward = makeJaxpr((t: NDArray) => linear(t))(f32(1));
    expect(forward.jaxpr.eqns.map((e) => e.primitive.name)).toEqual(["scan"]);
    expect(count(String(forward), "cos")).toBeGreaterThan(0);
    const pull = vjp(f1, x)[1];
    const backward = makeJaxpr((ct: NDArray) => pull(ct))(f32(1));
    expect(backward.jaxpr.eqns.filter((e) => e.primitive.name === "scan")).toHaveLength(1);
    expect(count(String(backward), "cos")).toBeGreaterThan(0);
  });

  test("no evaluation whose result nobody needs", () => {
    const f = jit(wrap((x: NDArray, y: NDArray) => np.sin(x).mul(y)));
    const { counts } = evaluations(() => grad(f, { argnums: 1 })(3, 4));
    expect(counts.sin ?? 0).toBeLessThanOrEqual(1);
    expect(grad(f, { argnums: 1 })(3, 4).item()).toBeCloseTo(Math.sin(3), 6);
  });

  test("recursive halves", () => {
    const binomial = (fs: readonly (typeof sin)[]): typeof sin => {
      if (fs.length === 1) return fs[0];
      const half = fs.length >> 1;
      const [first, second] = [binomial(fs.slice(0, half)), binomial(fs.slice(half))];
      return wrap((x: NDArray) => second(wrap(first)(x)));
    };
    const f1 = binomial([sin, sin, sin, sin]);
    const f2 = (x: NDArray): NDArray => sin(sin(sin(sin(x))));
    expect(f1(f32(4)).item()).toBe(f2(f32(4)).item());
    expect(grad(f1)(4).item()).toBeCloseTo(grad(f2)(4).item() as number, 6);
  });

  test("a body of scan with tangents that are zero", () => {
    const f = (xs: NDArray): NDArray => {
      const step = (carry: readonly NDArray[], x: NDArray): [NDArray[], NDArray] => {
        const [total, fixed] = carry;
        return [[total.add(np.sin(fixed)), fixed], total.mul(x)];
      };
      const fixed = np.array([0.3, -0.2], "float32");
      const [, ys] = lax.scan(wrap(step), [np.zeros([2], "float32"), fixed], np.array([1, 2, 3]));
      return np.sum(ys).add(np.sum(xs));
    };
    expect(grad(f)(np.ones([2])).toJS()).toEqual([1, 1]);
  });

  test("without arguments, around a tracer of jit", () => {
    const f = jit((x: NDArray) => {
      const y = x.mul(2);
      return wrap(() => np.sin(y))();
    });
    expect(f(f32(3)).item()).toBeCloseTo(Math.sin(6), 6);
    expect(grad(f)(3).item()).toBeCloseTo(2 * Math.cos(6), 5);
  });

  test("defaults and host numbers among the arguments, inside scan inside jit with a static argument", () => {
    const step = jit(
      (state: { h: NDArray }, kind: string) => {
        const body = (h: NDArray, scale = 0.5): NDArray => (kind === "sin" ? np.sin(h) : np.cos(h)).mul(scale);
        const loop = (c: NDArray): [NDArray, NDArray] => {
          const next = wrap(body)(c);
          return [next, next];
        };
        const [c, ys] = lax.scan(loop, state.h, null, { length: 2 });
        return np.sum(c).add(np.sum(ys));
      },
      { staticArgnums: 1 },
    );
    const g = grad((h: NDArray) => step({ h }, "sin"));
    expect(numbersOf(g(np.array([0.1, 0.2], "float32"))).every(Number.isFinite)).toBe(true);
  });

  test("products, and a jitted product called twice", () => {
    const transform = wrap((x: NDArray, w: NDArray) => np.einsum("ij,jk->ik", np.dot(x, w), w));
    const loss = (x: NDArray, w: NDArray): NDArray => np.sum(transform(x, w));
    const plain = (x: NDArray, w: NDArray): NDArray => np.sum(np.einsum("ij,jk->ik", np.dot(x, w), w));
    const x = np.reshape(np.arange(6), [2, 3]).astype("float32");
    const w = np.reshape(np.linspace(-1, 1, 9), [3, 3]);
    expect(numbersOf(grad(loss, { argnums: [0, 1] })(x, w))).toEqual(numbersOf(grad(plain, { argnums: [0, 1] })(x, w)));
    const times = jit((a: NDArray, b: NDArray) => a.mul(b));
    const twice = wrap((x: NDArray) => times(np.sin(x), times(x, x)));
    expect(grad(twice)(2).item()).toBeCloseTo(4 * Math.cos(2) + 4 * Math.sin(2), 5);
  });

  test("around a scan, with null among the arguments", () => {
    const cumulate = (xs: NDArray, _unused: null): NDArray => {
      const [, ys] = lax.scan((c: NDArray, x: NDArray) => [c.add(x), np.sin(c)], 0, xs);
      return np.sum(ys);
    };
    const xs = np.linspace(0, 1, 5);
    expect(numbersOf(grad(wrap(cumulate))(xs, null))).toEqual(numbersOf(grad(cumulate)(xs, null)));
  });

  test("a leaked tracer", () => {
    let leaked: NDArray | null = null;
    const f = wrap((x: NDArray) => {
      leaked = x;
      return np.sin(x);
    });
    f(f32(3));
    const again = wrap((x: NDArray) => x.add(leaked as NDArray));
    expect(() => again(f32(3))).toThrow(UnexpectedTracerError);
    expect(() => again(f32(3))).toThrow("global state");
    // nothing is half-changed
    expect(f(f32(1)).item()).toBeCloseTo(Math.sin(1), 6);
  });

  test("an output of an inner jit that nobody uses", () => {
    const two = jit((x: NDArray): [NDArray, NDArray] => [np.sin(x), np.cos(x).mul(x)]);
    const f = wrap((x: NDArray) => two(x)[0]);
    expect(grad(f)(3).item()).toBeCloseTo(Math.cos(3), 6);
  });

  test("of a whole scan: the linear loop has sine and cosine", () => {
    const f = wrap((x: NDArray) => {
      const [c] = lax.scan((c: NDArray) => [np.sin(c), null], x, null, { length: 4 });
      return c;
    });
    checkGrads((x) => f(x), [f32(0.7)], { order: 2, tolerance: 2e-2 });
    const text = linearText(f, f32(1));
    expect([count(text, "sin"), count(text, "cos")].every((n) => n > 0)).toBe(true);
  });

  test("of a cond", () => {
    const twice = wrap((x: NDArray, on: NDArray) => {
      const branch = (x: NDArray): NDArray => np.sin(x);
      return lax.cond(
        np.greater(on, 0),
        branch,
        (x: NDArray) => x,
        lax.cond(np.greater(on, 0), branch, (x: NDArray) => x, x),
      );
    });
    const one = (x: NDArray): NDArray => twice(x, f32(1));
    checkGrads(one, [f32(0.7)], { order: 2, tolerance: 2e-2 });
    const deep = wrap((x: NDArray) =>
      lax.cond(
        np.greater(x, 0),
        (x: NDArray) => np.sin(np.sin(x)),
        (x: NDArray) => x,
        x,
      ),
    );
    const text = linearText(deep, f32(0.7));
    expect(count(text, "sin")).toBeGreaterThan(0);
    expect(count(text, "cos")).toBeGreaterThan(0);
  });

  test("of a cond: a sine that only its derivative needs is not computed again", () => {
    const f = wrap((x: NDArray) =>
      lax.cond(
        np.greater(x, 0),
        (x: NDArray) => np.sin(x),
        (x: NDArray) => x.mul(2),
        x,
      ),
    );
    const text = linearText(f, f32(0.7));
    expect(count(text, "sin")).toBe(0);
    expect(count(text, "cos")).toBeGreaterThan(0);
  });

  test("of a while loop: forward mode", () => {
    const f = wrap((x: NDArray) => {
      const [, c] = lax.whileLoop(
        ([i]: readonly [NDArray, NDArray]) => np.less(i, 3),
        ([i, c]: readonly [NDArray, NDArray]) => [i.add(1), np.sin(c)],
        [f32(0), x] as [NDArray, NDArray],
      );
      return c;
    });
    checkGrads((x) => f(x), [f32(0.7)], { order: 1, modes: ["fwd"], tolerance: 2e-2 });
    const text = linearText(f, f32(3));
    expect(count(text, "sin")).toBeGreaterThan(0);
    expect(count(text, "cos")).toBeGreaterThan(0);
  });

  test("of a while loop whose carry swaps its parts", () => {
    const f = wrap((x: NDArray) => {
      const [a] = lax.whileLoop(
        ([, , i]: readonly [NDArray, NDArray, NDArray]) => np.less(i, 2),
        ([a, b, i]: readonly [NDArray, NDArray, NDArray]) => [b, np.sin(a), i.add(1)],
        [x, np.zerosLike(x), f32(0)] as [NDArray, NDArray, NDArray],
      );
      return a;
    });
    expect(numbersOf(linearize(f, 1)[1](1))[0]).toBeCloseTo(Math.cos(1), 6);
  });
});

test("remat2 is still there after two derivatives", () => {
  const f = (x: NDArray): NDArray => np.sin(np.sin(x));
  expect(String(makeJaxpr(grad(grad(remat(f))))(1.5))).toContain("remat2");
  const branching = (x: NDArray): NDArray =>
    lax.cond(
      np.greater(x, 0),
      (x: NDArray) => np.sin(x),
      (x: NDArray) => x,
      x,
    );
  expect(String(makeJaxpr(grad(grad(remat(branching))))(1.5))).toContain("remat2");
});

test("a saved bfloat16 value is used with the same bits forward and backward", () => {
  const f = (x: NDArray): NDArray => {
    const y = checkpointName(np.sin(np.multiply(x, x)), "y");
    return np.sum(np.multiply(y, y));
  };
  const x = np.array([0.1, 1.7, -2.3, 3.14159], "bfloat16");
  const saved = checkpoint(f, { policy: checkpointPolicies.saveOnlyTheseNames("y") });
  const recomputed = checkpoint(f);
  const [plain, a, b] = [f, saved, recomputed].map((g) => valueAndGrad(g)(x).map((v) => v.toJS()));
  expect(a).toEqual(plain);
  expect(b).toEqual(plain);
});

test("an equation without used inputs stays when its output is used", () => {
  const f = (x: NDArray): NDArray => {
    const three = jit(() => np.array(3, "float32"))();
    return np.sin(x).mul(three);
  };
  const text = backwardText(
    checkpoint((x: NDArray) => f(x)),
    f32(2),
  );
  expect(text).toContain("cos");
  expect(grad(checkpoint(f))(2).item()).toBeCloseTo(3 * Math.cos(2), 5);
});
