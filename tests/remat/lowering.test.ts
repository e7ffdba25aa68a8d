/**
 * The program that an engine gets: calls are inlined, and recomputation stands behind an `optimization_barrier` with the operands that JAX gives it.
 * And the log of what checkpointed functions keep.
 */
import { afterEach, describe, expect, test } from "vitest";
import { check } from "../../src/core/check.ts";
import type { Jaxpr } from "../../src/core/jaxpr.ts";
import {
  checkpoint,
  checkpointPolicies,
  grad,
  jit,
  lax,
  logCheckpointResiduals,
  lower,
  makeJaxpr,
  type NDArray,
  np,
  vjp,
  type CheckpointOptions,
  type Policy,
} from "../../src/index.ts";
import { evalJaxpr } from "../../src/core/evalJaxpr.ts";
import { f32, numbersOf, savePrimitives } from "./measure.ts";

/** How many operands each barrier of a program has. */
const barriers = (jaxpr: Jaxpr): number[] =>
  jaxpr.eqns.flatMap((e) => (e.primitive.name === "optimization_barrier" ? [e.invars.length] : []));
const names = (jaxpr: Jaxpr): string[] => jaxpr.eqns.map((e) => e.primitive.name);

const twice = (x: NDArray): NDArray => np.sin(np.sin(x));
const w = np.array(
  [
    [0.1, 0.2],
    [0.3, 0.4],
  ],
  "float32",
);
const x = np.array([0.5, -0.7], "float32");
const layer = (w: NDArray, x: NDArray): NDArray => np.sin(np.dot(w, x));

describe("barriers", () => {
  test("none in the forward program, one in that of the gradient", () => {
    const f = checkpoint(twice);
    expect(barriers(lower(f)(f32(1)).jaxpr)).toEqual([]);
    expect(barriers(lower(jit(f))(f32(1)).jaxpr)).toEqual([]);
    expect(barriers(lower(grad(f))(1.5).jaxpr)).toHaveLength(1);
    expect(barriers(lower(grad(twice))(1.5).jaxpr)).toEqual([]);
  });

  test("none where merging is not prevented", () => {
    const f = checkpoint(twice, { preventCse: false });
    const { jaxpr } = lower(grad(f))(1.5);
    expect(barriers(jaxpr)).toEqual([]);
    expect(names(jaxpr).some((n) => n === "while" || n === "cond")).toBe(false);
  });

  test.each<[string, NonNullable<CheckpointOptions["preventCse"]>, number[]]>([
    ["true", true, [3]],
    ["false", false, []],
    ["for the second argument", [false, true], [2]],
    ["for none of the arguments", [false, false], [1]],
  ])("prevention: %s", (_, preventCse, expected) => {
    const f = checkpoint(layer, { preventCse });
    const { jaxpr } = lower(grad((w: NDArray, x: NDArray) => np.sum(f(w, x))))(w, x);
    expect(barriers(jaxpr)).toEqual(expected);
    expect(numbersOf(grad((w: NDArray, x: NDArray) => np.sum(f(w, x)))(w, x))).toEqual(
      numbersOf(grad((w: NDArray, x: NDArray) => np.sum(layer(w, x)))(w, x)),
    );
  });

  test("flags in a tree that is a prefix of the arguments", () => {
    const f = checkpoint((p: { W: NDArray; x: NDArray }) => layer(p.W, p.x), { preventCse: [{ W: false, x: true }] });
    const { jaxpr } = lower(grad((p: { W: NDArray; x: NDArray }) => np.sum(f(p))))({ W: w, x });
    expect(barriers(jaxpr)).toEqual([2]);
  });

  test("the flags print in the jaxpr", () => {
    const text = (preventCse: CheckpointOptions["preventCse"]): string =>
      String(makeJaxpr(checkpoint(layer, { preventCse }))(w, x));
    expect(text([false, true])).toContain("prevent_cse=(False, True)");
    expect(text(true)).toContain("prevent_cse=True");
  });
});

describe("a lowered program", () => {
  const programs: Readonly<Record<string, (x: NDArray) => NDArray>> = {
    "a checkpointed function": checkpoint(twice),
    "its gradient": grad(checkpoint(twice)),
    "with calls inside of one another": jit(checkpoint((x: NDArray) => jit(twice)(checkpoint(twice)(x)))),
    "a gradient with a loop": grad(
      (x: NDArray) =>
        lax.scan(
          checkpoint((c: NDArray): [NDArray, null] => [twice(c), null]),
          x,
          null,
          { length: 3 },
        )[0],
    ),
    "a gradient of a gradient": grad(grad(checkpoint(twice))),
    "a gradient with a policy": grad(checkpoint(twice, { policy: checkpointPolicies.everythingSaveable })),
  };
  test.each(Object.keys(programs))("%s is flat, well typed, and computes the same", (name) => {
    const f = programs[name];
    const program = lower(f)(f32(0.7));
    check(program);
    expect(
      names(program.jaxpr).filter((n) =>
        ["jit", "remat2", "closed_call", "custom_jvp_call", "custom_vjp_call"].includes(n),
      ),
    ).toEqual([]);
    expect(numbersOf(evalJaxpr(program.jaxpr, program.consts, [f32(0.7)]))).toEqual(numbersOf(f(f32(0.7))));
  });
});

describe("the log of what is kept", () => {
  afterEach(() => {
    logCheckpointResiduals(null);
  });

  const logged = (policy: Policy | null): string[] => {
    const messages: string[] = [];
    logCheckpointResiduals((message) => messages.push(message));
    grad(checkpoint(twice, { policy }))(3);
    return messages;
  };

  test("inputs, if nothing may be saved", () => {
    const [message] = logged(null);
    expect(message).toContain("remat-decorated function saving inputs with shapes:");
    expect(message).toContain("float32[]");
    expect(message).not.toContain("cos");
  });

  test.each([
    ["everything", checkpointPolicies.everythingSaveable],
    ["cosines", savePrimitives("cos")],
  ])("intermediates, if %s may be", (_, policy) => {
    const [message] = logged(policy);
    expect(message).toContain("remat-decorated function saving these intermediates:");
    expect(message.split("float32[] from output of cos from")).toHaveLength(3);
    expect(message).not.toContain("saving inputs");
  });

  test("nothing without a logger", () => {
    logged(null);
    const messages: string[] = [];
    logCheckpointResiduals(null);
    grad(checkpoint(twice))(3);
    expect(messages).toEqual([]);
  });
});

test("a product of scalars under checkpoint has a hessian", () => {
  const product = (a: NDArray, b: NDArray): NDArray =>
    lax.dotGeneral(a, b, [
      [[], []],
      [[], []],
    ]);
  const f = checkpoint((v: NDArray) => product(v, v));
  expect(grad(grad(f))(2).item()).toBe(2);
  expect(vjp(grad(f), 2)[1](1)[0].item()).toBe(2);
});
