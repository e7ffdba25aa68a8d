/** `checkpoint` as a decorator of methods: `this` is what it is, and the decorated method is the method otherwise. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jit,
  type NDArray,
  np,
  remat,
  savedResiduals,
  vmap,
} from "../../src/index.ts";

const x = np.array([0.1, 0.2, 0.3], "float32");

class Layer {
  readonly w: NDArray;
  calls = 0;
  constructor(w: NDArray) {
    this.w = w;
  }

  @checkpoint
  forward(v: NDArray): NDArray {
    this.calls += 1;
    return np.sin(np.sin(np.multiply(this.w, v)));
  }

  @checkpoint({ policy: checkpointPolicies.saveOnlyTheseNames("h") })
  named(v: NDArray): NDArray {
    return np.sin(checkpointName(np.sin(np.multiply(this.w, v)), "h"));
  }

  @remat({ staticArgnums: 1 })
  branching(v: NDArray, on: boolean): NDArray {
    return on ? np.sin(v) : np.cos(v);
  }

  @checkpoint
  static total(v: NDArray): NDArray {
    return np.sum(np.sin(v));
  }

  plain(v: NDArray): NDArray {
    return np.sin(np.sin(np.multiply(this.w, v)));
  }
}

class Deeper extends Layer {
  override forward(v: NDArray): NDArray {
    return np.sin(super.forward(v));
  }
}

describe("@checkpoint on a method", () => {
  const layer = new Layer(np.array(2, "float32"));
  const loss =
    (f: (v: NDArray) => NDArray) =>
    (v: NDArray): NDArray =>
      np.sum(f(v));
  const residuals = (f: (v: NDArray) => NDArray): string[] => savedResiduals(f, x).map((r) => r.kind);

  test("computes what the method computes, and its gradient", () => {
    expect(layer.forward(x).toJS()).toEqual(layer.plain(x).toJS());
    const gradient = (f: (v: NDArray) => NDArray): unknown => grad(loss(f))(x).toJS();
    expect(gradient((v) => layer.forward(v))).toEqual(gradient((v) => layer.plain(v)));
    expect(gradient((v) => layer.named(v))).toEqual(gradient((v) => layer.plain(v)));
  });

  test("keeps only the arguments, and what the policy lets be saved", () => {
    expect(
      residuals((v) => layer.forward(v)).every((k) => k === "argument" || k === "constant" || k === "literal"),
    ).toBe(true);
    expect(residuals((v) => layer.named(v))).toContain("named");
    expect(residuals((v) => layer.plain(v))).toContain("output");
  });

  test("each instance has its own values", () => {
    const other = new Layer(np.array(3, "float32"));
    expect(other.forward(x).toJS()).toEqual(other.plain(x).toJS());
    expect(layer.forward(x).toJS()).toEqual(layer.plain(x).toJS());
  });

  test("differentiates by the fields of an object that is made inside", () => {
    const f = (w: NDArray): NDArray => np.sum(new Layer(w).forward(x));
    const plain = (w: NDArray): NDArray => np.sum(new Layer(w).plain(x));
    expect(grad(f)(2).item()).toBe(grad(plain)(2).item());
  });

  test("is traced once for one object and type", () => {
    const fresh = new Layer(np.array(2, "float32"));
    for (let i = 0; i < 5; i++) fresh.forward(x);
    expect(fresh.calls).toBe(1);
    fresh.forward(np.ones([2]));
    expect(fresh.calls).toBe(2);
  });

  test("static arguments count without `this`", () => {
    expect(layer.branching(x, true).toJS()).toEqual(np.sin(x).toJS());
    expect(layer.branching(x, false).toJS()).toEqual(np.cos(x).toJS());
  });

  test("static methods, inherited methods and super", () => {
    expect(Layer.total(x).item()).toBe(np.sum(np.sin(x)).item());
    const deeper = new Deeper(np.array(2, "float32"));
    expect(deeper.forward(x).toJS()).toEqual(np.sin(deeper.plain(x)).toJS());
    expect(deeper.named(x).toJS()).toEqual(layer.named(x).toJS());
  });

  test("keeps the method's name, and names its arguments in listings", () => {
    expect(layer.forward.name).toBe("forward");
    expect(savedResiduals((v: NDArray) => layer.forward(v), x).some((r) => r.text.includes("the argument v"))).toBe(
      true,
    );
  });

  test("under jit and vmap", () => {
    const f = (v: NDArray): NDArray => layer.forward(v);
    // jit changes no bit
    expect(jit(f)(x).toJS()).toEqual(layer.plain(x).toJS());
    expect(vmap(f)(np.stack([x, x])).shape).toEqual([2, 3]);
  });

  test("an error for something that is no method", () => {
    expect(() =>
      (checkpoint as unknown as (target: unknown, context: unknown) => unknown)(undefined, {
        kind: "field",
        name: "w",
      }),
    ).toThrow("checkpoint takes a function");
  });
});
