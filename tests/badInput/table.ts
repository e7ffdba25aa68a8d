/**
 * How programs that are not right are checked: a mistake has an error class, and a message that says what was asked, what came, and what to do.
 * After it nothing is half-changed: the same functions work on correct input, and nothing is being traced any more.
 */
import { afterEach, expect, test } from "vitest";
import * as remat from "../../src/index.ts";
import { checkpoint, checkpointPolicies, grad, jit, jvp, lax, np, vjp, vmap, type NDArray } from "../../src/index.ts";
import { currentTrace, evalTrace } from "../../src/core/interpreter.ts";

export const x = np.array([1, 2, 3], "float32");
export const s = np.array(1.5, "float32");

/** Called with anything, it gives something that can be called with anything. */
export type Loose = (...args: unknown[]) => Loose;
export type UserFunction = (...args: never[]) => unknown;
/** As a program in JavaScript would call it: types are not looked at. */
export const loose = (f: unknown): Loose => f as Loose;
export const [grad_, jit_, vmap_, checkpoint_, vjp_, jvp_, scan_, cond_] = [
  grad,
  jit,
  vmap,
  checkpoint,
  vjp,
  jvp,
  lax.scan,
  lax.cond,
].map(loose);

export const right = (v: NDArray): NDArray => np.sum(np.sin(np.multiply(v, v)));

/** To be called by each file: after every test, correct programs work. */
export const worksAfterwards = (): void => {
  afterEach(() => {
    expect(currentTrace()).toBe(evalTrace());
    const f = checkpoint(jit(right), { policy: checkpointPolicies.dotsSaveable });
    const gradient = grad(f)(x).toJS() as number[];
    gradient.forEach((g, i) => expect(g).toBeCloseTo(2 * (i + 1) * Math.cos((i + 1) ** 2), 4));
    expect(vmap(right)(np.stack([x, x])).shape).toEqual([2]);
  });
};

type ErrorClass = new (...args: never[]) => Error;
/** [what, a call, the class of its error, parts of its message] */
type Row = readonly [what: string, run: () => unknown, type: ErrorClass, parts: readonly string[]];

export function errorOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  return expect.fail("no error was thrown");
}

export const table = (rows: readonly Row[]): void => {
  test.each(rows)("%s", (_, run, type, parts) => {
    const error = errorOf(run);
    expect(error.name).toBe(type.name);
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(remat.RematError);
    for (const part of parts) expect(error.message).toContain(part);
    // the same mistake gives the same answer
    expect(errorOf(run).message.replace(/:\d+:\d+/g, "")).toBe(error.message.replace(/:\d+:\d+/g, ""));
  });
};

export const ADVICE = "Use np.where, lax.cond or lax.whileLoop in place of control flow";
