/** Counted loops: `foriLoop`, a `scan` if its bounds are known and a `whileLoop` if they are not. */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { Tracer } from "../core/interpreter.ts";
import { literal, scalar } from "../core/scalar.ts";
import { leafArray, type AnyFunction } from "../api/flat.ts";
import { RematTypeError, RematValueError, describe } from "../errors.ts";
import { add } from "../primitives/arithmetic.ts";
import { lt } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import type { Traced, Tree } from "./loopCarry.ts";
import { scan } from "./scan.ts";
import { onlineSlots, whileLoop, type WhileLoopOptions } from "./whileLoop.ts";

/** A loop bound as a concrete integer, or null if it is traced. */
function concreteBound(x: NDArray): number | null {
  let value: NDArray | null = x;
  while (value instanceof Tracer) value = value.concrete();
  return value instanceof ConcreteArray && value.ndim === 0 ? Number(value.data[0]) : null;
}

const forwardBodies = new WeakMap<AnyFunction, AnyFunction>();
const countedBodies = new WeakMap<AnyFunction, AnyFunction>();

/** One function for each body, so that it is traced once. */
function derived(cache: WeakMap<AnyFunction, AnyFunction>, body: AnyFunction, make: () => AnyFunction): AnyFunction {
  let f = cache.get(body);
  if (f === undefined) cache.set(body, (f = make()));
  return f;
}

export interface ForiLoopOptions extends WhileLoopOptions {
  readonly unroll?: number | boolean;
}

/**
 * Applies `body(i, value)` for each `i` from `lower` to `upper` (exclusive). With concrete bounds it is a `scan` and differentiable in both modes;
 * with traced bounds it is a `whileLoop`, and takes its `{ checkpoint: "online", slots }`. With concrete bounds this means a scan with so many slots.
 *
 * @example
 * lax.foriLoop(0, 5, (i: NDArray, x: NDArray) => x.add(i), 0); // 10
 */
export function foriLoop<C extends Tree>(
  lower: number | NDArray,
  upper: number | NDArray,
  body: (i: NDArray, value: Traced<C>) => unknown,
  init: C,
  options: ForiLoopOptions = {},
): Traced<C> {
  const { unroll: _, ...checkpointing } = options;
  const slots = onlineSlots("foriLoop", checkpointing);
  const lo = boundArray(lower);
  const hi = boundArray(upper);
  const dtype = boundDType(lo, hi);
  const [from, to] = [concreteBound(lo), concreteBound(hi)];
  const f = body as unknown as (i: NDArray, value: unknown) => unknown;
  if (from !== null && to !== null) {
    const scanned = derived(forwardBodies, body, () => (loop_carry: [NDArray, unknown]) => {
      const [i, x] = loop_carry;
      return [[add(i, literal(1, i.dtype, i.weakType)), f(i, x)], null];
    });
    const [[, result]] = scan(scanned as never, [scalar(from), init] as never, null, {
      length: Math.max(to - from, 0),
      unroll: options.unroll ?? false,
      ...(slots === null ? {} : { checkpoint: { slots } }),
    }) as unknown as [[NDArray, Traced<C>], null];
    return result;
  }
  if (options.unroll !== undefined && options.unroll !== false && options.unroll !== 1) {
    throw new RematValueError(
      "foriLoop: Can only use `unroll` in `fori_loop` if the loop bounds are statically known.",
    );
  }
  const step = derived(countedBodies, body, () => ([i, n, x]: [NDArray, NDArray, unknown]) => [
    add(i, literal(1, i.dtype, i.weakType)),
    n,
    f(i, x),
  ]);
  const start = [
    lo.dtype === dtype ? lo : convertElementType(lo, dtype),
    hi.dtype === dtype ? hi : convertElementType(hi, dtype),
    init,
  ];
  const [, , result] = whileLoop(belowUpper as never, step as never, start as never, checkpointing) as unknown as [
    NDArray,
    NDArray,
    Traced<C>,
  ];
  return result;
}

const belowUpper = ([i, upper]: readonly [NDArray, NDArray, unknown]): NDArray => lt(i, upper);

function boundArray(x: number | NDArray): NDArray {
  const bound = leafArray(x, "asWritten");
  if (bound === null || bound.ndim > 0) {
    throw new RematTypeError(
      `foriLoop's bounds must be integer scalars; got ${bound === null ? describe(x) : bound.aval.toLongString()}.`,
    );
  }
  return bound;
}

function boundDType(lo: NDArray, hi: NDArray): NDArray["dtype"] {
  if (lo.dtype === hi.dtype) return lo.dtype;
  const signed = [lo, hi].every((x) => x.dtype.startsWith("int"));
  if (signed && lo.weakType && !hi.weakType) return hi.dtype;
  if (signed && hi.weakType && !lo.weakType) return lo.dtype;
  throw new RematTypeError(
    `foriLoop's bounds differ: lower and upper arguments to fori_loop must have equal types, got ${lo.dtype} and ${hi.dtype}.`,
  );
}
