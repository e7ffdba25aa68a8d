/** Loops of known length: `scan` and `map`, on nested values. */
import type { NDArray } from "../core/array.ts";
import { bind } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { merge, partition } from "../core/zip.ts";
import { traceBody, type TracedBody } from "../api/traceBody.ts";
import { vmap } from "../api/vmap.ts";
import { ConcretizationTypeError, RematTypeError, RematValueError, describe } from "../errors.ts";
import { forwardedInputs, moveInputs, pruneClosedOutputs } from "../passes/rewrite.ts";
import { concatenated } from "../primitives/join.ts";
import { getitem, slice } from "../numpy/indexing.ts";
import { scan as scanP } from "../primitives/scan.ts";
import { reshaped } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { leaves, map as mapTree, tupleDef, unflatten, type TreeDef } from "../tree.ts";
import { carryError, checkCarry, flattenOperand, promoteWeak, type Traced, type Tree } from "./loopCarry.ts";
import { scanSlots, type ScanCheckpoint } from "./loopCheckpoint.ts";

export interface ScanOptions {
  /** The number of steps, needed if there are no xs. */
  readonly length?: number;
  /** From the last slice to the first; ys keep their places. */
  readonly reverse?: boolean;
  /** How many steps are compiled as one; `true` unrolls the loop. */
  readonly unroll?: number | boolean;
  /**
   * What is kept for the backward pass: `"all"` (the default), `"none"` but the start, `"sqrt"`, `"binomial"`, `{ slots }` or `{ memory }`. But for
   * `"all"`, what is alive at a time is the carries in the slots and the residuals of one step, and the least number of steps is run again.
   */
  readonly checkpoint?: ScanCheckpoint;
}

/**
 * A loop over the leading axis of `xs` with a carry: `f(carry, x)` gives `[carry, y]`; the result is the last carry and the stacked ys.
 *
 * The carry keeps its structure, shapes and dtypes from step to step. One equation in a jaxpr, and differentiable in both modes.
 *
 * @throws CarryTypeError if the carry changes its type. @throws ScheduleError, BudgetError if `checkpoint` cannot be.
 * @example
 * const [total, partial] = lax.scan((c: NDArray, x: NDArray) => [c.add(x), c], 0, np.array([1, 2, 3]));
 */
export function scan<C extends Tree, X extends Tree, Y>(
  f: (carry: Traced<C>, x: Traced<X>) => readonly [unknown, Y],
  init: C,
  xs?: X | null,
  options: ScanOptions = {},
): [carry: Traced<C>, ys: Traced<Y>] {
  const initFlat = flattenOperand(init, "scan's init");
  const xsFlat = flattenOperand(xs ?? null, "scan's xs");
  const length = scanLength(xsFlat.leaves, options.length);
  const unroll = unrollSteps(options.unroll ?? 1, length);
  const argTree = tupleDef([initFlat.treedef, xsFlat.treedef]);
  const xAvals = xsFlat.leaves.map((x) => x.aval.update({ shape: x.shape.slice(1) }));
  const trace = (leaves: readonly NDArray[]): TracedBody => {
    const body = traceBody(f, argTree, [...leaves.map((x) => x.aval), ...xAvals], "scan");
    checkPair(body.resultTree, body.closed);
    return body;
  };
  let body = trace(initFlat.leaves);
  const [carryTree] = body.resultTree.children;
  if (carryTree.numLeaves !== initFlat.leaves.length) throw carryError("scan body", f, initFlat, carryTree, []);
  let carry = promoteWeak(initFlat.leaves, body.closed.outAvals);
  if (carry.some((x, i) => x !== initFlat.leaves[i])) {
    body = trace(carry);
    // What a second pass cannot settle is an error below.
  }
  checkCarry(
    "scan body",
    f,
    { leaves: carry, treedef: initFlat.treedef },
    body.resultTree.children[0],
    body.closed.outAvals,
  );
  carry = [...carry];
  const numConsts = body.consts.length;
  const slots = scanSlots(options.checkpoint, length, body.closed, numConsts, carry.length);
  const outs = bindScan(body, carry, xsFlat.leaves, {
    length,
    reverse: options.reverse ?? false,
    unroll,
    ...(slots === null ? {} : { checkpoint_slots: slots }),
  });
  return unflatten(body.resultTree, outs) as [Traced<C>, Traced<Y>];
}

function scanLength(xs: readonly NDArray[], asked: number | undefined): number {
  for (const x of xs) {
    if (x.ndim > 0) continue;
    const values = xs.filter((y) => y.ndim === 0).map((y) => String(y));
    throw new RematValueError(
      `scan loops over the leading axis of its xs: scan got value with no leading axis to scan over: ${values.join(", ")}. Give arrays of at ` +
        "least one dimension.",
    );
  }
  const sizes = xs.map((x) => x.shape[0]);
  if (asked !== undefined) {
    if (typeof asked !== "number" || !Number.isInteger(asked) || asked < 0) {
      throw new ConcretizationTypeError(
        `scan's length must be a concrete non-negative integer; got ${describe(asked)}. Use whileLoop.`,
      );
    }
    if (sizes.some((n) => n !== asked)) {
      throw new RematValueError(
        `scan got \`length\` argument of ${asked} which disagrees with leading axis sizes [${sizes.join(", ")}]. Leave the length out, or slice xs.`,
      );
    }
    return asked;
  }
  const distinct = new Set(sizes);
  if (distinct.size > 1) {
    throw new RematValueError(
      `scan got values with different leading axis sizes: ${sizes.join(", ")}. All xs must have the same number of slices.`,
    );
  }
  if (distinct.size === 0) {
    throw new RematValueError("scan got no values to scan over and `length` not provided. Give xs, or { length }.");
  }
  return sizes[0];
}

function unrollSteps(unroll: number | boolean, length: number): number {
  if (typeof unroll === "boolean") return unroll ? Math.max(length, 1) : 1;
  if (!Number.isInteger(unroll) || unroll < 0) {
    throw new RematValueError(`scan's unroll: \`unroll\` must be a \`bool\` or a non-negative \`int\`, got ${unroll}.`);
  }
  return unroll;
}

function checkPair(result: TreeDef, closed: ClosedJaxpr<NDArray>): void {
  if (result.kind === "array" && result.children.length === 2) return;
  const types = closed.outAvals.map((a) => a.toLongString());
  const got = types.length === 1 && result.kind === "leaf" ? types[0] : `(${types.join(", ")})`;
  throw new RematTypeError(
    `scan's function returns the carry and an output: scan body output must be a pair, got ${got}. Return [carry, y].`,
  );
}

function bindScan(
  body: TracedBody,
  init: readonly NDArray[],
  xs: readonly NDArray[],
  params: {
    readonly length: number;
    readonly reverse: boolean;
    readonly unroll: number;
    readonly checkpoint_slots?: number;
  },
): NDArray[] {
  let jaxpr = body.closed;
  let consts = body.consts;
  const numYs = jaxpr.jaxpr.outvars.length - init.length;
  const forwarded = forwardedInputs(jaxpr.jaxpr);
  // A carry that the body hands on unchanged is a constant of the loop.
  const constant = init.map((_, i) => forwarded[i] === consts.length + i);
  let args: readonly NDArray[] = [...init, ...xs];
  const numConstsBefore = consts.length;
  let fixed: NDArray[] = [];
  if (constant.includes(true)) {
    jaxpr = pruneClosedOutputs(jaxpr, [...constant.map((c) => !c), ...Array.from({ length: numYs }, () => true)]);
    jaxpr = moveInputs(jaxpr, [...consts.map(() => false), ...constant, ...xs.map(() => false)], true);
    [args, fixed] = partition([...constant, ...xs.map(() => false)], args);
    consts = [...fixed, ...consts];
  }
  const numCarry = init.length - fixed.length;
  // A y that is the slice of an x is that x.
  const firstXs = numConstsBefore + init.length;
  const passed = forwarded.slice(init.length).map((from) => (from !== null && from >= firstXs ? from - firstXs : null));
  jaxpr = pruneClosedOutputs(jaxpr, [
    ...Array.from({ length: numCarry }, () => true),
    ...passed.map((p) => p === null),
  ]);
  const outs = bind(scanP, [...consts, ...args], {
    jaxpr,
    ...params,
    num_carry: numCarry,
    num_consts: consts.length,
  });
  let next = numCarry;
  const ys = passed.map((p) => (p === null ? outs[next++] : xs[p]));
  return [...merge(constant, outs.slice(0, numCarry), fixed), ...ys];
}

export interface MapOptions {
  /** How many slices are computed at once, by `vmap`; the rest that is left at the end as well. 0 for all. */
  readonly batchSize?: number | null;
}

/**
 * Applies a function to each slice along the leading axis, one after the other (or `batchSize` at a time), and stacks the results.
 *
 * @example
 * lax.map((x: NDArray) => np.sum(np.square(x)), np.ones([5, 3]));
 */
export function map<X, Y>(f: (x: Traced<X>) => Y, xs: X, options: MapOptions = {}): Traced<Y> {
  const batchSize = options.batchSize ?? null;
  if (batchSize !== null) return mapBatches(f, xs, batchSize);
  const [, ys] = scan(((_: unknown, x: Traced<X>) => [[], f(x)]) as never, [] as never, xs as never);
  return ys as Traced<Y>;
}

function mapBatches<X, Y>(f: (x: Traced<X>) => Y, xs: X, batchSize: number): Traced<Y> {
  if (!Number.isInteger(batchSize) || batchSize < 0) {
    throw new RematValueError(
      `lax.map's batchSize is a whole number of slices, got ${batchSize}. Give 0 to compute all at once.`,
    );
  }
  const each = vmap(f) as (x: unknown) => unknown;
  const slices = mapTree((x: ArrayLike) => toArray(x, "map"), xs as never) as unknown;
  const length = (leaves(slices) as NDArray[])[0]?.shape[0] ?? 0;
  const batches = batchSize === 0 ? 0 : Math.floor(length / batchSize);
  const whole = batches * batchSize;
  if (batches === 0) return each(slices) as Traced<Y>;
  const onEach = (fn: (x: NDArray, y: NDArray) => NDArray, tree: unknown, ...more: unknown[]): unknown =>
    mapTree(fn as never, tree, ...more);
  const rows = onEach((x) => reshaped(getitem(x, slice(whole)), [batches, batchSize, ...x.shape.slice(1)]), slices);
  const rest = whole === length ? null : onEach((x) => getitem(x, slice(whole, null)), slices);
  const [, ys] = scan(((_: unknown, x: unknown) => [[], each(x)]) as never, [] as never, rows as never);
  const flat = (y: NDArray): NDArray => reshaped(y, [whole, ...y.shape.slice(2)]);
  if (rest === null) return onEach(flat, ys) as Traced<Y>;
  return onEach((y, z) => concatenated([flat(y), z], 0), ys, each(rest)) as Traced<Y>;
}
