/** The types of what users call: functions keep their arguments' types through transformations, and gradients have the containers of what they belong to. */
import { assertType, describe, expectTypeOf, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  customRemat,
  fwdBwd,
  grad,
  jit,
  jvp,
  lax,
  linearize,
  makeJaxpr,
  np,
  remat,
  savedResiduals,
  tree,
  valueAndGrad,
  vjp,
  vmap,
  type ClosedJaxpr,
  type FwdBwd,
  type NDArray,
  type Policy,
  type SavedResidual,
} from "../../src/index.ts";

interface Layer {
  readonly w: NDArray;
  readonly b: NDArray;
}
interface Params {
  readonly layers: readonly Layer[];
  readonly scale: NDArray;
  readonly norms?: readonly [mean: NDArray, variance: NDArray];
}
interface GradientOfParams {
  layers: { w: NDArray; b: NDArray }[];
  scale: NDArray;
  norms?: [NDArray, NDArray];
}

const loss = (params: Params, x: NDArray): NDArray => np.sum(np.dot(params.layers[0].w, x)).mul(params.scale);
const x = np.ones([2]);
const params: Params = { layers: [{ w: np.ones([2, 2]), b: x }], scale: np.array(1) };

describe("grad", () => {
  test("gradients are nested as the argument is, for interfaces, too", () => {
    const g = grad(loss)(params, x);
    expectTypeOf(g.scale).toEqualTypeOf<NDArray>();
    expectTypeOf(g.layers[0].w).toEqualTypeOf<NDArray>();
    expectTypeOf(g.norms).toEqualTypeOf<[NDArray, NDArray] | undefined>();
    assertType<GradientOfParams>(g);
    // and fits where the argument fits
    assertType<Params>(g);
  });

  test("arguments keep their types, and numbers pass for arrays", () => {
    expectTypeOf(grad(loss)).parameters.toEqualTypeOf<[params: Params, x: NDArray | number]>();
    expectTypeOf(grad((v: NDArray) => v)(2)).toEqualTypeOf<NDArray>();
    // @ts-expect-error: a string is no array
    grad((v: NDArray) => v)("2");
    // @ts-expect-error: an argument is missing
    grad(loss)(params);
    // @ts-expect-error: it has no such layer
    grad(loss)({ layers: [{ w: x }], scale: x }, x);
  });

  test("several arguments and auxiliary results", () => {
    const many = grad(loss, { argnums: [0, 1] })(params, x);
    expectTypeOf(many).toBeArray();
    const [g, aux] = grad((p: Params): [NDArray, { steps: number }] => [p.scale, { steps: 1 }], { hasAux: true })(
      params,
    );
    expectTypeOf(aux).toEqualTypeOf<{ steps: number }>();
    expectTypeOf(g.scale).toEqualTypeOf<NDArray>();
  });

  test("the value must be an array", () => {
    // @ts-expect-error: a gradient needs one value
    grad((v: NDArray) => [v, v]);
    // @ts-expect-error: a promise is no value
    grad(async (v: NDArray) => Promise.resolve(v));
    // @ts-expect-error: nothing is returned
    grad((v: NDArray) => void v);
  });

  test("maps, tuples, null and numbers among the parameters", () => {
    const f = (p: {
      readonly m: ReadonlyMap<string, NDArray>;
      readonly t: readonly [NDArray, null];
      readonly n: number;
    }): NDArray => p.t[0];
    const g = grad(f)({ m: new Map([["a", x]]), t: [x, null], n: 2 });
    expectTypeOf(g.m).toEqualTypeOf<Map<string, NDArray>>();
    expectTypeOf(g.t).toEqualTypeOf<[NDArray, null]>();
    expectTypeOf(g.n).toEqualTypeOf<NDArray>();
  });
});

test("valueAndGrad", () => {
  const [value, g] = valueAndGrad(loss)(params, x);
  expectTypeOf(value).toEqualTypeOf<NDArray>();
  assertType<GradientOfParams>(g);
  const [[inner, aux], h] = valueAndGrad((p: Layer): [NDArray, string] => [p.w, "aux"], { hasAux: true })(
    params.layers[0],
  );
  expectTypeOf(inner).toEqualTypeOf<NDArray>();
  expectTypeOf(aux).toEqualTypeOf<string>();
  expectTypeOf(h.b).toEqualTypeOf<NDArray>();
});

test("vjp and its pullback", () => {
  const f = (p: Params, v: NDArray): { out: NDArray; all: readonly NDArray[] } => ({ out: p.scale.mul(v), all: [v] });
  const [value, pull] = vjp(f, params, x);
  expectTypeOf(value.out).toEqualTypeOf<NDArray>();
  const [gp, gv] = pull({ out: x, all: [x] });
  assertType<GradientOfParams>(gp);
  expectTypeOf(gv).toEqualTypeOf<NDArray>();
  // @ts-expect-error: the cotangent has the structure of the value
  pull(x);
});

test("jvp and linearize", () => {
  const [y, dy] = jvp(loss, [params, x], [params, x]);
  expectTypeOf(y).toEqualTypeOf<NDArray>();
  expectTypeOf(dy).toEqualTypeOf<NDArray>();
  const [z, linear] = linearize(loss, params, x);
  expectTypeOf(z).toEqualTypeOf<NDArray>();
  expectTypeOf(linear(params, x)).toEqualTypeOf<NDArray>();
});

describe("functions of the same type", () => {
  const f = (p: Params, v: NDArray, training: boolean): readonly [NDArray, Layer] => [
    training ? v : p.scale,
    p.layers[0],
  ];

  test("jit, checkpoint, remat, vmap", () => {
    expectTypeOf(jit(f)).toEqualTypeOf<typeof f>();
    expectTypeOf(jit(f, { staticArgnums: 2 })).toEqualTypeOf<typeof f>();
    expectTypeOf(checkpoint(f)).toEqualTypeOf<typeof f>();
    expectTypeOf(
      checkpoint(f, {
        policy: checkpointPolicies.dotsSaveable,
        staticArgnums: 2,
        preventCse: [true, { a: false }, true],
      }),
    ).toEqualTypeOf<typeof f>();
    expectTypeOf(remat(f)).toEqualTypeOf<typeof f>();
    expectTypeOf(vmap(f, { inAxes: [null, 0, null] })).toEqualTypeOf<typeof f>();
  });

  test("in a row", () => {
    const step = jit(valueAndGrad(checkpoint(loss)));
    const [value, g] = step(params, x);
    expectTypeOf(value).toEqualTypeOf<NDArray>();
    assertType<GradientOfParams>(g);
  });

  test("generic functions stay callable with their own types", () => {
    const twice = checkpoint((v: NDArray) => v.mul(2));
    expectTypeOf(twice(x)).toEqualTypeOf<NDArray>();
    // @ts-expect-error: a checkpointed function takes what the function takes
    twice("x");
    // @ts-expect-error: there is no such option
    checkpoint(loss, { polcy: null });
    // @ts-expect-error: a policy is a function
    checkpoint(loss, { policy: "dots" });
  });
});

test("policies and names", () => {
  expectTypeOf(checkpointPolicies.dotsSaveable).toEqualTypeOf<Policy>();
  expectTypeOf(checkpointPolicies.saveOnlyTheseNames("a", "b")).toEqualTypeOf<Policy>();
  // @ts-expect-error: names are strings
  checkpointPolicies.saveOnlyTheseNames(1);
  expectTypeOf(checkpointName(x, "a")).toEqualTypeOf<NDArray>();
  expectTypeOf(checkpointName({ a: x, b: [x, x] as const }, "a")).toEqualTypeOf<{
    a: NDArray;
    b: [NDArray, NDArray];
  }>();
  // @ts-expect-error: a policy answers whether a value may be saved
  checkpoint(loss, { policy: () => "yes" });
});

test("looking inside", () => {
  expectTypeOf(savedResiduals(loss, params, x)).toEqualTypeOf<SavedResidual[]>();
  expectTypeOf(fwdBwd(loss, params, x)).toEqualTypeOf<FwdBwd>();
  expectTypeOf(makeJaxpr(loss)(params, x)).toEqualTypeOf<ClosedJaxpr<NDArray>>();
  // @ts-expect-error: an argument is missing
  savedResiduals(loss, params);
});

test("scan, cond and trees", () => {
  const [carry, ys] = lax.scan((c: NDArray, y: NDArray) => [c.add(y), { y }], 0, x);
  expectTypeOf(carry).toEqualTypeOf<NDArray>();
  expectTypeOf(ys).toEqualTypeOf<{ y: NDArray }>();
  expectTypeOf(
    lax.cond(
      true,
      (v: NDArray) => v,
      (v: NDArray) => v.mul(2),
      x,
    ),
  ).toEqualTypeOf<NDArray>();
  const updated = tree.map((p: NDArray, g: NDArray) => p.sub(g), params, grad(loss)(params, x));
  assertType<GradientOfParams>(updated);
});

test("customRemat hands on what its rules keep", () => {
  const f = customRemat(
    (v: NDArray, n: number) => v.mul(n),
    (policy, v, n) => {
      expectTypeOf(policy).toEqualTypeOf<Policy>();
      return [v.mul(n), { kept: v }];
    },
    ({ kept }, v, n) => [v.mul(n), [kept, kept] as const],
    ([a], ct) => {
      expectTypeOf(a).toEqualTypeOf<NDArray>();
      expectTypeOf(ct).toEqualTypeOf<NDArray>();
      return [ct.mul(a)];
    },
    { staticArgnums: 1 },
  );
  expectTypeOf(f).toEqualTypeOf<(v: NDArray, n: number) => NDArray>();
  const id = (v: NDArray): NDArray => v;
  customRemat(
    id,
    // @ts-expect-error: the forward rule must give what the function gives
    (_, v) => [[v], v] as const,
    (_, v) => [v, v] as const,
    (_, ct) => [ct],
  );
});

describe("loops over several values", () => {
  test("a pair stays a pair, and a list a list", () => {
    const [[a, b], ys] = lax.scan(
      (c: [NDArray, NDArray], y: [NDArray, NDArray]) => [[c[1], c[0].add(y[0])], y[1]],
      [x, 0],
      [x, x],
    );
    expectTypeOf(a).toEqualTypeOf<NDArray>();
    expectTypeOf(b).toEqualTypeOf<NDArray>();
    expectTypeOf(ys).toEqualTypeOf<NDArray>();
    const [c] = lax.scan((c, y: NDArray) => [[c[0].add(y), c[1]], null], [x, params], x);
    expectTypeOf(c[1].scale).toEqualTypeOf<NDArray>();
    const [list] = lax.scan((c: NDArray[], y: NDArray) => [c.map((v) => v.add(y)), null], [x, x], x);
    expectTypeOf(list[0]).toEqualTypeOf<NDArray>();
    const [named] = lax.scan((c: Params, y: NDArray) => [c, y], params, x);
    assertType<Params>(named);
  });

  test("whileLoop and foriLoop", () => {
    const [i, v] = lax.whileLoop(
      ([i]: [NDArray, NDArray]) => np.less(i, 3),
      ([i, v]: [NDArray, NDArray]) => [i.add(1), v],
      [0, x],
    );
    expectTypeOf(i).toEqualTypeOf<NDArray>();
    expectTypeOf(v).toEqualTypeOf<NDArray>();
    expectTypeOf(
      lax.foriLoop(0, 3, (i: NDArray, [a, b]: [NDArray, NDArray]) => [b, a.add(i)], [x, x])[1],
    ).toEqualTypeOf<NDArray>();
    expectTypeOf(lax.foriLoop(0, 3, (_: NDArray, v: NDArray) => v, 0)).toEqualTypeOf<NDArray>();
    const less = (v: NDArray): NDArray => np.less(v, 3);
    const step = (v: NDArray): NDArray => v.add(1);
    expectTypeOf(lax.whileLoop(less, step, x, { checkpoint: "online", slots: 4 })).toEqualTypeOf<NDArray>();
    // @ts-expect-error: a loop of unknown length has no binomial schedule
    lax.whileLoop(less, step, x, { checkpoint: "binomial", slots: 4 });
  });
});

test("arrays have no operators, and are not confused with lists", () => {
  // @ts-expect-error: x.add(1)
  void (x - 1);
  // @ts-expect-error: x.get(0)
  void x[0];
});
