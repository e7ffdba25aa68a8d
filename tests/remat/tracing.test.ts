/** How often a checkpointed function is traced, and the primitives in it evaluated; arguments that are static. */
import { describe, expect, test } from "vitest";
import { checkpoint, grad, jvp, linearize, type NDArray, np, vjp, type Primitive } from "../../src/index.ts";
import { bind1 } from "../../src/core/interpreter.ts";
import { setEngine } from "../../src/index.ts";
import { js } from "../../src/engines/js/index.ts";
import { counted, f32 } from "./measure.ts";

const sin = (x: NDArray): NDArray => np.sin(x);

describe("static arguments", () => {
  test("host control flow on one", () => {
    const f = checkpoint((x: NDArray, on: boolean) => (on ? np.sin(x) : np.cos(x).mul(2)), { staticArgnums: 1 });
    expect(grad((x: NDArray) => f(x, true))(2).item()).toBeCloseTo(Math.cos(2), 6);
    expect(grad((x: NDArray) => f(x, false))(2).item()).toBeCloseTo(-2 * Math.sin(2), 6);
  });

  test("one that is an object", () => {
    class Flag {
      readonly on: boolean;
      constructor(on: boolean) {
        this.on = on;
      }
    }
    const f = checkpoint((x: NDArray, flag: Flag) => (flag.on ? np.sin(x) : np.cos(x)), { staticArgnums: [-1] });
    expect(grad(f)(2, new Flag(true)).item()).toBeCloseTo(Math.cos(2), 6);
    expect(grad(f)(2, new Flag(false)).item()).toBeCloseTo(-Math.sin(2), 6);
  });
});

describe("tracing", () => {
  test("ten calls trace once", () => {
    const { f, calls } = counted((x: NDArray) => np.sin(x));
    const g = checkpoint(f);
    for (let i = 0; i < 10; i++) g(f32(i));
    expect(calls()).toBe(1);
  });

  test("a static argument is part of the question", () => {
    const { f, calls } = counted((x: NDArray, y: number) => np.sin(x).mul(y));
    const g = checkpoint(f, { staticArgnums: 1 });
    for (let i = 0; i < 10; i++) g(f32(i), 2);
    expect(calls()).toBe(1);
    g(f32(1), 3);
    expect(calls()).toBe(2);
  });

  test.each([
    ["linearize", (f: typeof sin) => linearize(f, 1)],
    ["vjp", (f: typeof sin) => vjp(f, 1)[1](1)],
    ["jvp", (f: typeof sin) => jvp(f, [1], [1])],
    ["grad", (f: typeof sin) => grad(f)(1)],
  ])("%s of the same function does not trace it again", (_, run) => {
    const { f, calls } = counted(sin);
    const g = checkpoint(f);
    for (let i = 0; i < 5; i++) run(g);
    expect(calls()).toBe(1);
  });

  test("an equation of a new shape does", () => {
    const { f, calls } = counted(sin);
    const g = checkpoint(f);
    g(np.ones([2]));
    g(np.ones([3]));
    g(np.ones([2]));
    expect(calls()).toBe(2);
  });
});

/** One more than its operand; its derivative rule evaluates it, and its derivative needs its output if `usesOutput`. */
function countingPrimitive(usesOutput: boolean): {
  call: (x: NDArray) => NDArray;
  evaluated: <T>(fn: () => T) => [T, number];
} {
  const primitive: Primitive = {
    name: "counted",
    type: ([x]) => [x],
    jvp([x], [t]) {
      const y = bind1(primitive, [x], {});
      return { primals: [y], tangents: [t === null ? null : usesOutput ? np.multiply(y, t) : t] };
    },
  };
  let evaluated = 0;
  return {
    call: (x) => bind1(primitive, [x], {}),
    evaluated(fn) {
      evaluated = 0;
      setEngine({
        name: "counting",
        apply(p, args, avals, params) {
          if (p !== primitive) return js.apply(p, args, avals, params);
          evaluated += 1;
          return [(args[0].data as Float32Array).map((v) => v + 1)];
        },
      });
      try {
        return [fn(), evaluated];
      } finally {
        setEngine(js);
      }
    },
  };
}

describe("how often is a primitive evaluated", () => {
  test("two checkpointed calls in a checkpointed function: 2 forward, 3 backward", () => {
    // the derivative of `counted` needs its output
    const { call, evaluated } = countingPrimitive(true);
    const addTwo = checkpoint((x: NDArray) => checkpoint(call)(checkpoint(call)(x)));
    const [[, pull], forward] = evaluated(() => vjp(addTwo, 3));
    expect(forward).toBe(2);
    const [, backward] = evaluated(() => pull(1));
    expect(backward).toBe(3);
  });

  test.each([
    [4, 2],
    [8, 8],
    [16, 24],
  ])("recursive checkpoint of a chain of %i: that many forward, %i again backward", (n, again) => {
    const { call, evaluated } = countingPrimitive(true);
    const chain =
      (fs: readonly (typeof sin)[]): typeof sin =>
      (x) =>
        fs.reduce((y, f) => f(y), x);
    const recursive = (fs: readonly (typeof sin)[]): typeof sin => {
      if (fs.length === 1) return fs[0];
      if (fs.length === 2) return chain(fs);
      const half = fs.length >> 1;
      const [first, second] = [recursive(fs.slice(0, half)), recursive(fs.slice(half))];
      return (x) => second(checkpoint(first)(x));
    };
    const f = recursive(Array.from({ length: n }, () => call));
    const [[, pull], forward] = evaluated(() => vjp(f, 0.5));
    expect(forward).toBe(n);
    expect(evaluated(() => pull(1))[1]).toBe(again);
  });
});
