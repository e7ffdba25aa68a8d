/** Functions with derivative rules of their own under `checkpoint`: the rule is used, at every order. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  customJvp,
  customVjp,
  grad,
  jit,
  jvp,
  lax,
  NDArray,
  np,
  vjp,
  vmap,
  type SymbolicZero,
  type Perturbable,
} from "../../src/index.ts";
import { f32, numbersOf } from "./measure.ts";

const close = (got: NDArray, wanted: number): void => expect(got.item()).toBeCloseTo(wanted, 4);

/** Sine with a derivative that is twice the right one, so that it shows which rule was used. */
function forwardRule(): (x: NDArray) => NDArray {
  const f = customJvp((x: NDArray) => np.sin(x));
  f.defjvp(([x]: [NDArray], [t]: [NDArray]) => [f(x), np.multiply(2, np.cos(x)).mul(t)]);
  return f;
}

function reverseRule(): (x: NDArray) => NDArray {
  const f = customVjp((x: NDArray) => np.sin(x));
  f.defvjp(
    (x: NDArray) => [f(x), np.cos(x)],
    (c: NDArray, ct: NDArray) => [np.multiply(2, c).mul(ct)],
  );
  return f;
}

describe.each([
  ["forward", forwardRule()],
  ["reverse", reverseRule()],
])("a %s rule", (_, f) => {
  const four = (x: number): number => 4 * Math.cos(Math.sin(x)) * Math.cos(x);

  test("two applications", () => {
    const g = checkpoint((x: NDArray) => f(f(x)));
    close(g(f32(2)), Math.sin(Math.sin(2)));
    close(grad(g)(2), four(2));
    close(grad((x: NDArray) => f(f(x)))(2), four(2));
    close(jit(grad(g))(f32(2)), four(2));
  });

  test("higher orders", () => {
    const plain = (x: NDArray): NDArray => f(f(x));
    const g = checkpoint(plain);
    const second = grad(grad(plain))(2).item() as number;
    close(grad(grad(g))(2), second);
    close(grad(checkpoint(grad(g)))(2), second);
    close(grad(checkpoint(grad(plain)))(2), second);
    close(grad(grad(grad(g)))(2), grad(grad(grad(plain)))(2).item() as number);
  });

  test("under vmap, and in a loop", () => {
    const x = np.array([0.1, 0.2, 0.3], "float32");
    expect(numbersOf(vmap(grad(checkpoint(f)))(x))).toEqual(numbersOf(vmap(grad(f))(x)));
    const loop =
      (g: typeof f) =>
      (x: NDArray): NDArray =>
        lax.scan((c: NDArray) => [g(c), null], x, null, { length: 3 })[0];
    close(grad(loop(checkpoint(f)))(0.4), grad(loop(f))(0.4).item() as number);
    close(grad(checkpoint(loop(f)))(0.4), grad(loop(f))(0.4).item() as number);
  });
});

test("a reverse rule with an argument that is a dict", () => {
  const f = customVjp((p: { x: NDArray; y: NDArray }) => np.sin(p.x).mul(p.y));
  f.defvjp(
    (p: { x: NDArray; y: NDArray }) => [f(p), p],
    (p: { x: NDArray; y: NDArray }, ct: NDArray) => [{ x: np.cos(p.x).mul(ct).mul(10), y: np.sin(p.x).mul(ct) }],
  );
  const g = grad((p: { x: NDArray; y: NDArray }) => checkpoint(f)(p))({ x: f32(2), y: f32(3) });
  close(g.x, 10 * Math.cos(2));
  close(g.y, Math.sin(2));
});

test("a reverse rule with an argument that is not differentiated", () => {
  const apply = customVjp((h: (x: NDArray) => NDArray, x: NDArray) => h(x), { nondiffArgnums: 0 });
  apply.defvjp(
    (h: (x: NDArray) => NDArray, x: NDArray) => [apply(h, x), x],
    (h: (x: NDArray) => NDArray, x: NDArray, ct: NDArray) => [h(np.cos(x)).mul(ct)],
  );
  const g = checkpoint((x: NDArray) => apply((y) => y.mul(2), x));
  close(g(f32(3)), 6);
  close(grad(g)(3), 2 * Math.cos(3));
});

test("a reverse rule that sees symbolic zeros", () => {
  const seen: string[] = [];
  const f = customVjp((x: NDArray, y: NDArray) => [np.sin(x), np.cos(y)] as const);
  f.defvjp(
    (x: Perturbable, y: Perturbable) => {
      seen.push(`${x.perturbed},${y.perturbed}`);
      return [[np.sin(x.value), np.cos(y.value)], np.cos(x.value)];
    },
    (c: NDArray, cts: readonly (NDArray | SymbolicZero)[]) => {
      seen.push(cts.map((ct) => (ct instanceof NDArray ? "array" : "zero")).join());
      return [c.mul(cts[0] as NDArray), null];
    },
    { symbolicZeros: true },
  );
  const g = checkpoint((x: NDArray) => f(x, f32(1))[0]);
  close(grad(g)(2), Math.cos(2));
  expect(seen).toContain("true,false");
});

test("jvp of vjp of a checkpointed call", () => {
  const f = checkpoint((x: NDArray) => np.sin(x).mul(x));
  const second = (x: NDArray): NDArray => vjp(f, x)[1](1)[0];
  const [, t] = jvp(second, [0.7], [1]);
  close(t, 2 * Math.cos(0.7) - 0.7 * Math.sin(0.7));
});
