/** Loops: `scan`, `whileLoop`, `foriLoop` and `map`, on nested values. */
import { argNames } from "../argNames.ts";
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { type ShapedArray, shapesEqual } from "../core/aval.ts";
import { bind, Tracer } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { literal, scalar } from "../core/scalar.ts";
import { merge, partition } from "../core/zip.ts";
import { traceBody, type TracedBody } from "../api/traceBody.ts";
import { leafArray, type AnyFunction } from "../api/flat.ts";
import { CarryTypeError, ConcretizationTypeError, RematTypeError, RematValueError, describe } from "../errors.ts";
import { latticeResultType } from "../numpy/promote.ts";
import { dce } from "../passes/dce.ts";
import { close, forwardedInputs, moveInputs, pruneClosedOutputs } from "../passes/rewrite.ts";
import { add } from "../primitives/arithmetic.ts";
import { lt } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { scan as scanP } from "../primitives/scan.ts";
import { whileP } from "../primitives/while.ts";
import { flatten, tupleDef, unflatten, type MapTree, type TreeDef } from "../tree.ts";

/** What a loop's body sees of a value given as `P`: arrays in place of numbers. */
type Traced<P> = MapTree<P, NDArray>;

/** Anything; the empty tuple among it makes TypeScript read `[a, b]` as a pair, not as a list. */
type Tree = [] | object | number | boolean | bigint | string | null | undefined;

export interface ScanOptions {
  /** The number of steps, needed if there are no xs. */
  readonly length?: number;
  /** From the last slice to the first; ys keep their places. */
  readonly reverse?: boolean;
  /** How many steps are compiled as one; `true` unrolls the loop. */
  readonly unroll?: number | boolean;
}

interface FlatValue {
  readonly leaves: NDArray[];
  readonly treedef: TreeDef;
}

function flattenOperand(tree: unknown, what: string): FlatValue {
  const { leaves, treedef } = flatten(tree);
  return {
    leaves: leaves.map((x) => {
      const leaf = leafArray(x, "asWritten");
      if (leaf === null) throw new RematTypeError(`${what} must hold arrays; got ${describe(x)}.`);
      return leaf;
    }),
    treedef,
  };
}

/**
 * A loop over the leading axis of `xs` with a carry: `f(carry, x)` gives `[carry, y]`; the result is the last carry and the stacked ys.
 *
 * The carry keeps its structure, shapes and dtypes from step to step. One equation in a jaxpr, and differentiable in both modes.
 *
 * @throws CarryTypeError if the carry changes its type.
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
  const outs = bindScan(body, carry, xsFlat.leaves, { length, reverse: options.reverse ?? false, unroll });
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

/** A weakly typed start (a host number) takes the dtype that the body gives the carry. */
function promoteWeak(init: readonly NDArray[], outAvals: readonly ShapedArray[]): NDArray[] {
  return init.map((x, i) => {
    const out = outAvals[i];
    const same = x.dtype === out.dtype && shapesEqual(x.shape, out.shape);
    return x.weakType && !same ? convertElementType(x, latticeResultType([x, out]).dtype) : x;
  });
}

function checkCarry(
  what: string,
  f: AnyFunction,
  init: FlatValue,
  outTree: TreeDef,
  outAvals: readonly ShapedArray[],
): void {
  const differs = init.leaves.some((x, i) => x.dtype !== outAvals[i].dtype || !shapesEqual(x.shape, outAvals[i].shape));
  if (differs || !outTree.equals(init.treedef)) throw carryError(what, f, init, outTree, outAvals);
}

function carryError(
  what: string,
  f: AnyFunction,
  init: FlatValue,
  outTree: TreeDef,
  outAvals: readonly ShapedArray[],
): CarryTypeError {
  if (!outTree.equals(init.treedef)) {
    return new CarryTypeError(
      `${what} function carry input and carry output must have the same pytree structure, but they differ:\n\n` +
        `the input carry ${argNames(f, [0])[0]} has the structure ${String(init.treedef)}, and the output ${String(outTree)}.\n\n` +
        "Revise the function so that the carry output has the same pytree structure as the carry input.",
    );
  }
  const names = argNames(f, [
    unflatten(
      init.treedef,
      init.leaves.map(() => 0),
    ),
  ]);
  const lines = init.leaves.flatMap((x, i) => {
    const out = outAvals[i];
    if (x.dtype === out.dtype && shapesEqual(x.shape, out.shape)) return [];
    const part = init.treedef.kind === "leaf" ? `carry ${names[i]}` : `carry component ${names[i]}`;
    return [
      `the input ${part} has type ${x.aval.toLongString()} but the corresponding output carry component has type ${out.toLongString()}`,
    ];
  });
  const shapes = init.leaves.some((x, i) => !shapesEqual(x.shape, outAvals[i].shape));
  return new CarryTypeError(
    `${what} function carry input and carry output must have equal types, but they differ:\n\n${lines.join(";\n")}, so the ` +
      `${shapes ? "shapes" : "dtypes"} do not match.\n\nRevise the function so that all output types match the corresponding input types.`,
  );
}

function bindScan(
  body: TracedBody,
  init: readonly NDArray[],
  xs: readonly NDArray[],
  params: { readonly length: number; readonly reverse: boolean; readonly unroll: number },
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

/**
 * A loop of unknown length: `body` is applied to the value as long as `cond` gives true. Differentiable in forward mode only.
 *
 * @throws RematTypeError if `cond` does not return a boolean scalar. @throws CarryTypeError if the value changes its type.
 * @example
 * lax.whileLoop((x: NDArray) => np.less(x, 100), (x: NDArray) => x.mul(2), 1); // 128
 */
export function whileLoop<C extends Tree>(
  cond: (value: Traced<C>) => NDArray | boolean,
  body: (value: Traced<C>) => unknown,
  init: C,
): Traced<C> {
  const start = flattenOperand(init, "whileLoop's init");
  const argTree = tupleDef([start.treedef]);
  const trace = (leaves: readonly NDArray[]): { test: TracedBody; step: TracedBody } => {
    const avals = leaves.map((x) => x.aval);
    const test = traceBody(cond, argTree, avals, "while_cond");
    const step = traceBody(body, argTree, avals, "while_body");
    checkPredicate(test);
    return { test, step };
  };
  let traced = trace(start.leaves);
  if (traced.step.resultTree.numLeaves !== start.leaves.length) {
    throw carryError("while_loop body", body, start, traced.step.resultTree, []);
  }
  const init2 = promoteWeak(start.leaves, traced.step.closed.outAvals);
  if (init2.some((x, i) => x !== start.leaves[i])) traced = trace(init2);
  const { test, step } = traced;
  checkCarry("while_loop body", body, { ...start, leaves: init2 }, step.resultTree, step.closed.outAvals);
  return unflatten(step.resultTree, bindWhile(test, step, init2)) as Traced<C>;
}

function checkPredicate(test: TracedBody): void {
  const { outAvals } = test.closed;
  const what = "whileLoop's condition: cond_fun must return a boolean scalar, but got ";
  if (test.resultTree.kind !== "leaf") throw new RematTypeError(`${what}pytree ${String(test.resultTree)}.`);
  if (outAvals[0].ndim > 0 || outAvals[0].dtype !== "bool") {
    throw new RematTypeError(
      `${what}output type(s) [${outAvals[0].toLongString()}]. Compare, or reduce with np.all or np.any.`,
    );
  }
}

function bindWhile(test: TracedBody, step: TracedBody, init: readonly NDArray[]): NDArray[] {
  const forwarded = forwardedInputs(step.closed.jaxpr);
  const changes = init.map((_, i) => forwarded[i] !== step.consts.length + i);
  // What the body does not change and the condition does not read is a constant of the body.
  const pruned = dce(test.closed.jaxpr, [true], [...test.consts.map(() => true), ...changes]);
  const constant = pruned.usedIn.slice(test.consts.length).map((used) => !used);
  let condJaxpr = test.closed;
  let bodyJaxpr = step.closed;
  let bodyConsts = step.consts;
  let carry: readonly NDArray[] = init;
  let fixed: NDArray[] = [];
  if (constant.includes(true)) {
    condJaxpr = close(pruned.jaxpr);
    bodyJaxpr = pruneClosedOutputs(
      bodyJaxpr,
      constant.map((c) => !c),
    );
    bodyJaxpr = moveInputs(bodyJaxpr, [...bodyConsts.map(() => false), ...constant], true);
    [carry, fixed] = partition(constant, init);
    bodyConsts = [...fixed, ...bodyConsts];
  }
  const outs = bind(whileP, [...test.consts, ...bodyConsts, ...carry], {
    cond_nconsts: test.consts.length,
    cond_jaxpr: condJaxpr,
    body_nconsts: bodyConsts.length,
    body_jaxpr: bodyJaxpr,
  });
  return merge(constant, outs, fixed);
}

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

/**
 * Applies `body(i, value)` for each `i` from `lower` to `upper` (exclusive). With concrete bounds it is a `scan` and differentiable in both modes;
 * with traced bounds it is a `whileLoop`.
 *
 * @example
 * lax.foriLoop(0, 5, (i: NDArray, x: NDArray) => x.add(i), 0); // 10
 */
export function foriLoop<C extends Tree>(
  lower: number | NDArray,
  upper: number | NDArray,
  body: (i: NDArray, value: Traced<C>) => unknown,
  init: C,
  options: { readonly unroll?: number | boolean } = {},
): Traced<C> {
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
  const [, , result] = whileLoop(belowUpper as never, step as never, start as never) as unknown as [
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

/**
 * Applies a function to each slice along the leading axis, one after the other, and stacks the results.
 *
 * @example
 * lax.map((x: NDArray) => np.sum(np.square(x)), np.ones([5, 3]));
 */
export function map<X, Y>(f: (x: Traced<X>) => Y, xs: X): Traced<Y> {
  const [, ys] = scan(((_: unknown, x: Traced<X>) => [[], f(x)]) as never, [] as never, xs as never);
  return ys as Traced<Y>;
}
