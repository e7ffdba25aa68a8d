/** Bad input to the transformations: derivatives, vmap, checkpoint and its policies, control flow, custom rules. */
import { describe, expect, test } from "vitest";
import * as remat from "../../src/index.ts";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  customJvp,
  customVjp,
  grad,
  jit,
  jvp,
  lax,
  linearize,
  np,
  vjp,
  vmap,
  WhileReverseError,
  type NDArray,
  type Policy,
} from "../../src/index.ts";
import {
  x,
  s,
  loose,
  grad_,
  vmap_,
  checkpoint_,
  jvp_,
  scan_,
  cond_,
  errorOf,
  table,
  worksAfterwards,
} from "./table.ts";

worksAfterwards();

describe("derivatives", () => {
  const sine = (v: NDArray): NDArray => np.sin(v);
  table([
    [
      "the gradient of a vector",
      () => grad(sine)(x),
      remat.GradientShapeError,
      ["Output had shape: (3,)", "np.sum", "jacrev"],
    ],
    ["the gradient of several values", () => grad_((v: NDArray) => [v, v])(s), remat.GradientShapeError, ["scalar"]],
    ["by an integer", () => grad(sine)(np.array(1, "int32")), remat.GradientDTypeError, ["int32", "allowInt"]],
    ["of an integer", () => grad((v: NDArray) => v.astype("int32"))(s), remat.GradientDTypeError, ["int32"]],
    [
      "without the auxiliary value",
      () => loose(grad(sine as never, { hasAux: true }))(s),
      remat.AuxiliaryResultError,
      ["two-element", "[value, aux]"],
    ],
    [
      "a cotangent of another shape",
      () => vjp(sine, x)[1](np.ones([4])),
      remat.CotangentTypeError,
      ["float32[4]", "float32[3]"],
    ],
    [
      "a cotangent of another dtype",
      () => vjp(sine, x)[1](np.ones([3], "int32")),
      remat.CotangentTypeError,
      ["int32[3]", "float32[3]"],
    ],
    [
      "a cotangent in a list",
      () => loose(vjp(sine, x)[1])([x]),
      remat.CotangentTreeError,
      ["PyTreeDef((*,))", "Give one cotangent for each"],
    ],
    ["two cotangents", () => loose(vjp(sine, x)[1])(x, x), remat.RematTypeError, ["2 arguments", "pull([ct0, ct1])"]],
    ["no cotangent", () => loose(vjp(sine, x)[1])(), remat.RematTypeError, ["0 arguments"]],
    [
      "a tangent of another shape",
      () => jvp(sine, [x], [np.ones([2])]),
      remat.RematValueError,
      ["(3,)", "(2,)", "shape of its primal"],
    ],
    ["a tangent too many", () => jvp(sine, [x], [x, x]), remat.TangentTreeError, ["PyTreeDef((*, *))"]],
    ["primals that are no list", () => jvp_(sine, x, x), remat.RematTypeError, ["jvp(f, [x], [dx])"]],
    [
      "a tangent of another dtype",
      () => jvp(sine, [x], [np.ones([3], "int32")]),
      remat.RematTypeError,
      ["int32", "float32"],
    ],
    [
      "a tangent of another shape for linearize",
      () => linearize(sine, x)[1](np.ones([2])),
      remat.RematValueError,
      ["float32[2]", "float32[3]"],
    ],
    [
      "backwards through a loop of unknown length",
      () =>
        grad((v: NDArray) =>
          lax.whileLoop(
            (c: NDArray) => np.less(c, 3),
            (c: NDArray) => c.add(1),
            v,
          ),
        )(s),
      WhileReverseError,
      ["lax.while_loop", "lax.scan"],
    ],
  ]);

  test("jit refuses names of static arguments that the function does not have", () => {
    const scaled = (v: NDArray, axis: number): NDArray => np.sum(v, { axis });
    expect(() => jit(scaled, { staticArgnames: "axes" })(np.ones([2]), 0)).toThrow(/invalid argnames \{axes\}/);
  });

  test("a pullback works after it was given something wrong", () => {
    const [, pull] = vjp(sine, x);
    expect(() => pull(np.ones([4]))).toThrow(remat.CotangentTypeError);
    expect((pull(np.ones([3]))[0].toJS() as number[])[0]).toBeCloseTo(Math.cos(1), 6);
  });
});

describe("vmap", () => {
  const same = (a: NDArray): NDArray => a;
  table([
    [
      "axes of different sizes",
      () => vmap((a: NDArray, b: NDArray) => a.add(b))(x, np.ones([4])),
      remat.VmapAxisError,
      ["argument a of type float32[3] has size 3", "argument b of type float32[4] has size 4"],
    ],
    ["a scalar", () => vmap(same)(s), remat.VmapAxisError, ["axis 0", "at least 1", "inAxes"]],
    [
      "more axes than arguments",
      () => vmap(same, { inAxes: [0, 0] })(x),
      remat.VmapAxisError,
      ["len(in_axes)=2, len(args)=1"],
    ],
    ["an axis by name", () => vmap_(same, { inAxes: "0" })(x), remat.RematTypeError, ["in_axes must be an int"]],
    ["an axis of a fraction", () => vmap(same, { inAxes: 0.5 })(x), remat.RematTypeError, ["0.5"]],
    [
      "an output axis that is not there",
      () => vmap(same, { outAxes: 5 })(x),
      remat.VmapAxisError,
      ["axis 5", "1 axes"],
    ],
    [
      "an output that is mapped after all",
      () => vmap(same, { outAxes: null })(x),
      remat.VmapAxisError,
      ["out_axes", "depends on the mapped axis"],
    ],
    ["nothing to map", () => vmap(same, { inAxes: null })(x), remat.VmapAxisError, ["axis_size", "axisSize"]],
  ]);
});

describe("checkpoint and its policies", () => {
  const twice = (v: NDArray): NDArray => np.sum(np.sin(np.sin(v)));
  const withPolicy = (policy: unknown) => () => grad(checkpoint(twice, { policy: policy as Policy }))(x);
  table([
    ["an answer of text", withPolicy(() => "yes"), remat.PolicyAnswerError, ["'yes' of type string", "true or false"]],
    ["no answer", withPolicy(() => undefined), remat.PolicyAnswerError, ["undefined", "Saveable"]],
    ["an answer of 1", withPolicy(() => 1), remat.PolicyAnswerError, ["1 of type number"]],
    ["a class in place of an answer", withPolicy(() => remat.Offloadable), remat.PolicyAnswerError, ["Offloadable"]],
    ["a policy that is text", withPolicy("dots"), remat.PolicyTypeError, ["'dots'", "checkpointPolicies"]],
    ["a policy that is a number", withPolicy(3), remat.PolicyTypeError, ["3", "not a function"]],
    [
      "a flag that is a number",
      () => checkpoint_(twice, { preventCse: 1 }),
      remat.RematTypeError,
      ["1 of type number", "one flag for each argument"],
    ],
    [
      "`concrete`",
      () => checkpoint_(twice, { concrete: true }),
      remat.UnsupportedError,
      ["removed in JAX v0.10.0", "staticArgnums"],
    ],
    ["a name that is a number", () => loose(checkpointName)(x, 3), remat.RematTypeError, ["3 of type number"]],
    ["a name for text", () => loose(checkpointName)("a", "b"), remat.RematTypeError, ["'a'", "position 0"]],
    [
      "names that are numbers",
      () => loose(checkpointPolicies.saveOnlyTheseNames)(3),
      remat.RematTypeError,
      ["3 of type number"],
    ],
  ]);

  test("an error in a policy comes through as it is", () => {
    const mine = new Error("mine");
    expect(
      errorOf(
        withPolicy(() => {
          throw mine;
        }),
      ),
    ).toBe(mine);
    expect(grad(checkpoint(twice))(x).shape).toEqual([3]);
  });

  test("a function that fails while it is traced, and then does not", () => {
    let fail = true;
    const f = checkpoint((v: NDArray) => {
      if (fail) throw new Error("not yet");
      return np.sum(np.sin(v));
    });
    for (const g of [f, jit(f), grad(f), vmap(f), jit(grad(f))]) {
      fail = true;
      expect(() => loose(g)(np.ones([2, 2]))).toThrow("not yet");
      fail = false;
    }
    expect(f(x).shape).toEqual([]);
    expect(grad(f)(x).shape).toEqual([3]);
  });
});

describe("control flow", () => {
  table([
    [
      "a carry that grows",
      () => scan_((c: NDArray, y: NDArray) => [np.stack([c, c]), y], s, x),
      remat.CarryTypeError,
      ["float32[]", "float32[2]", "Revise"],
    ],
    [
      "a carry of another structure",
      () => scan_((c: NDArray, y: NDArray) => [[c, c], y], s, x),
      remat.CarryTypeError,
      ["PyTreeDef((*, *))", "carry c"],
    ],
    ["a body without outputs", () => scan_((c: NDArray) => c, s, x), remat.RematTypeError, ["pair", "[carry, y]"]],
    [
      "another length",
      () => lax.scan((c: NDArray, y: NDArray) => [c, y], s, x, { length: 4 }),
      remat.RematValueError,
      ["4", "[3]"],
    ],
    ["no length", () => lax.scan((c: NDArray) => [c, c], s, null), remat.RematValueError, ["length"]],
    [
      "a scalar to loop over",
      () => lax.scan((c: NDArray, y: NDArray) => [c, y], s, s),
      remat.RematValueError,
      ["no leading axis"],
    ],
    [
      "branches of different structure",
      () =>
        cond_(
          true,
          (v: NDArray) => v,
          (v: NDArray) => [v],
          x,
        ),
      remat.BranchTypeError,
      ["PyTreeDef((*,))", "Revise"],
    ],
    [
      "branches of different dtype",
      () =>
        lax.cond(
          true,
          (v: NDArray) => v,
          (v: NDArray) => v.astype("int32"),
          x,
        ),
      remat.BranchTypeError,
      ["float32[3]", "int32[3]"],
    ],
    [
      "a condition of several elements",
      () =>
        lax.cond(
          np.array([true, false]),
          (v: NDArray) => v,
          (v: NDArray) => v,
          x,
        ),
      remat.RematTypeError,
      ["bool[2]", "np.where"],
    ],
    [
      "a while loop whose carry changes",
      () =>
        loose(lax.whileLoop)(
          (c: NDArray) => np.less(c, 3),
          (c: NDArray) => np.stack([c, c]),
          s,
        ),
      remat.CarryTypeError,
      ["float32[2]"],
    ],
  ]);
});

describe("rules", () => {
  table([
    ["a function without its rule", () => loose(customVjp((v: NDArray) => v))(s), remat.CustomRuleError, ["defvjp"]],
    [
      "a forward rule that gives one value",
      () => {
        const f = customJvp((v: NDArray) => np.sin(v));
        f.defjvp(([v]: [NDArray]) => np.sin(v));
        return grad(f)(s);
      },
      remat.CustomRuleError,
      ["pair", "[out, tangent]"],
    ],
    [
      "a reverse rule that gives no list",
      () => {
        const f = customVjp((v: NDArray) => np.sin(v));
        f.defvjp(
          (v: NDArray) => [np.sin(v), null],
          (_: null, ct: NDArray) => ct,
        );
        return grad(f)(s);
      },
      remat.CustomRuleError,
      ["PyTreeDef((*,))"],
    ],
    [
      "a reverse rule with a cotangent of another shape",
      () => {
        const f = customVjp((v: NDArray) => np.sum(v));
        f.defvjp(
          (v: NDArray) => [np.sum(v), null],
          () => [np.ones([5])],
        );
        return grad(f)(x);
      },
      remat.RematValueError,
      ["float32[5]", "float32[3]"],
    ],
  ]);
});
