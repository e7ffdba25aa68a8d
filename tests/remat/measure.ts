/**
 * What the tests of `checkpoint` measure: the programs of a derivative as text, how often a primitive stands in them, how often it is evaluated,
 * and whether derivatives are right.
 */
import { js } from "../../src/engines/js/index.ts";
import { float, grad, linearize, makeJaxpr, NDArray, np, setEngine, tree, vjp, type Policy } from "../../src/index.ts";
import { checkpoint, remat } from "../../src/index.ts";

export type Fn = (...args: never[]) => unknown;

/** The ways to checkpoint that must not differ in any value. */
export const wrappers: readonly (readonly [name: string, wrap: <F extends Fn>(f: F) => F])[] = [
  ["remat", (f) => remat(f)],
  ["policy that saves nothing", (f) => remat(f, { policy: () => false })],
  ["checkpoint", (f) => checkpoint(f)],
];

/** How often the equation of a primitive stands in a printed program. */
export const count = (text: string, primitive: string): number =>
  [...text.matchAll(new RegExp(`= ${primitive}(?=[ [])`, "g"))].length;

/** A strongly typed scalar. */
export const f32 = (x: number): NDArray => np.array(x, "float32");

/** The linear program of `f` at a point: residuals and tangents to tangents. */
export function linearText(f: Fn, ...primals: readonly unknown[]): string {
  const [, linear] = linearize(f as (...args: unknown[]) => unknown, ...primals);
  return String(makeJaxpr(linear)(...tangentsOf(primals)));
}

/** The backward program of `f` at a point: residuals and cotangents to cotangents. */
export function backwardText(f: Fn, ...primals: readonly unknown[]): string {
  const [value, pull] = vjp(f as (...args: unknown[]) => unknown, ...primals);
  const ones = tree.map((x) => np.onesLike(x as NDArray), value as never);
  return String(makeJaxpr(pull as unknown as (ct: unknown) => unknown)(ones));
}

const tangentsOf = (primals: readonly unknown[]): unknown[] =>
  primals.map((x) => tree.map((leaf: unknown) => (leaf instanceof NDArray ? np.onesLike(leaf) : float(1)), x as never));

/** Runs `fn` and counts the evaluations of each primitive by the engine. */
export function evaluations<T>(fn: () => T): { readonly result: T; readonly counts: Readonly<Record<string, number>> } {
  const counts: Record<string, number> = {};
  setEngine({
    name: "counting",
    apply(primitive, args, outAvals, params) {
      counts[primitive.name] = (counts[primitive.name] ?? 0) + 1;
      return js.apply(primitive, args, outAvals, params);
    },
  });
  try {
    return { result: fn(), counts };
  } finally {
    setEngine(js);
  }
}

/** A function, and how often it was called. */
export function counted<F extends Fn>(f: F): { readonly f: F; readonly calls: () => number } {
  let calls = 0;
  const wrapped = (...args: never[]): unknown => {
    calls += 1;
    return f(...args);
  };
  return { f: wrapped as F, calls: () => calls };
}

/** The numbers of all arrays of a tree, in order. */
export function numbersOf(x: unknown): number[] {
  return tree
    .leaves(x)
    .flatMap((leaf) => (leaf instanceof NDArray ? (np.ravel(leaf).toJS() as number[]).map(Number) : [Number(leaf)]));
}

/** The gradient of the sum of all outputs. */
export const sumGrad = (f: Fn, argnums?: readonly number[]): ((...args: readonly unknown[]) => unknown) =>
  grad(
    (...args: never[]) =>
      tree.leaves(f(...args)).reduce((sum: NDArray, leaf) => sum.add(np.sum(leaf as NDArray)), f32(0)),
    { argnums: argnums ?? [0] },
  ) as (...args: readonly unknown[]) => unknown;

/** A policy that saves the outputs of some primitives. */
export const savePrimitives =
  (...names: readonly string[]): Policy =>
  (primitive) =>
    names.includes(primitive.name);
