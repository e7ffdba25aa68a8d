/** What the loops share: how a property of the carry spreads from step to step, and how primal and tangent operands are interleaved. */
import type { ShapedArray } from "../core/aval.ts";

const or = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((x, i) => x || b[i]);
const equalFlags = (a: readonly boolean[], b: readonly boolean[]): boolean => a.every((x, i) => x === b[i]);
export const count = (bits: readonly boolean[]): number => bits.filter(Boolean).length;
export const repeat = (value: boolean, n: number): boolean[] => Array.from({ length: n }, () => value);

/**
 * Some property of the carry (has a tangent, is unknown, is batched, is used) that a step may spread from one element to another: the least
 * fixpoint above `start`, and what `step` made of it.
 */
export function carryFixpoint<T>(
  start: readonly boolean[],
  step: (carry: readonly boolean[]) => { out: readonly boolean[]; result: T },
): {
  carry: readonly boolean[];
  result: T;
} {
  let carry = start;
  for (;;) {
    const { out, result } = step(carry);
    if (equalFlags(out, carry)) return { carry, result };
    carry = or(carry, out);
  }
}

/** Indices that bring `[a..., b..., c..., a'..., b'..., c'...]` into the order `[a, a', b, b', c, c']`. */
export function interleave(counts: readonly number[], dotted: readonly number[]): number[] {
  const order: number[] = [];
  let at = 0;
  let dot = counts.reduce((a, b) => a + b, 0);
  counts.forEach((n, i) => {
    for (let k = 0; k < n; k++) order.push(at++);
    for (let k = 0; k < dotted[i]; k++) order.push(dot++);
  });
  return order;
}

/** The type of `length` values stacked along a new leading axis. */
export const stackedAval = (aval: ShapedArray, length: number): ShapedArray =>
  aval.update({ shape: [length, ...aval.shape] });
