/** Reductions over axes and along them. */
import { ConcreteArray, NDArray } from "../core/array.ts";
import { isReplaying } from "../core/memo.ts";
import { isFloat, isInteger, type DType } from "../core/dtype.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import { Verbatim } from "../core/python.ts";
import { canonicalDType, elementOf } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { RematValueError } from "../errors.ts";
import { concreteValue, float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { named } from "../numpy/options.ts";
import { convertElementType } from "../primitives/convert.ts";
import * as c from "../primitives/cumulative.ts";
import * as r from "../primitives/reduce.ts";
import { summed } from "../primitives/shape.ts";
import * as lax from "./elementwise.ts";

type Axes = readonly number[];

/** The sum over axes. */
export const reduceSum = (operand: ArrayLike, axes: Axes): NDArray => summed(toArray(operand, "reduce_sum"), axes);
/** The product over axes. */
export const reduceProd = (operand: ArrayLike, axes: Axes): NDArray =>
  r.productOver(toArray(operand, "reduce_prod"), axes);
/** The maximum over axes. */
export const reduceMax = (operand: ArrayLike, axes: Axes): NDArray =>
  r.maximumOver(toArray(operand, "reduce_max"), axes);
/** The minimum over axes. */
export const reduceMin = (operand: ArrayLike, axes: Axes): NDArray =>
  r.minimumOver(toArray(operand, "reduce_min"), axes);
/** Bitwise "and" over axes. */
export const reduceAnd = (operand: ArrayLike, axes: Axes): NDArray => r.andOver(toArray(operand, "reduce_and"), axes);
/** Bitwise "or" over axes. */
export const reduceOr = (operand: ArrayLike, axes: Axes): NDArray => r.orOver(toArray(operand, "reduce_or"), axes);
/** Bitwise "xor" over axes. */
export const reduceXor = (operand: ArrayLike, axes: Axes): NDArray => r.xorOver(toArray(operand, "reduce_xor"), axes);

const argument =
  (name: string, primitive: Primitive<r.ArgParams>) =>
  (operand: ArrayLike, axis: number, indexDtype: DType): NDArray =>
    bind1(primitive, [toArray(operand, name)], { axes: [axis], index_dtype: canonicalDType(indexDtype) });

/** The index of the first maximum along an axis. */
export const argmax: (operand: ArrayLike, axis: number, indexDtype: DType) => NDArray = argument("argmax", r.argmax);
/** The index of the first minimum along an axis. */
export const argmin: (operand: ArrayLike, axis: number, indexDtype: DType) => NDArray = argument("argmin", r.argmin);

export interface CumulativeOptions {
  readonly axis?: number;
  /** Runs from the end. */
  readonly reverse?: boolean;
}

type Cumulative = (
  operand: ArrayLike,
  axis?: number | CumulativeOptions,
  reverse?: boolean | CumulativeOptions,
) => NDArray;

const cumulative =
  (name: string, primitive: Primitive<c.CumulativeParams>): Cumulative =>
  (operand, axis, reverse) => {
    const given = named<CumulativeOptions>(["axis", "reverse"], [axis, reverse]);
    return c.accumulated(primitive, toArray(operand, name), given.axis ?? 0, given.reverse ?? false);
  };

/** Running sums along an axis. */
export const cumsum: Cumulative = cumulative("cumsum", c.cumsum);
/** Running products along an axis. */
export const cumprod: Cumulative = cumulative("cumprod", c.cumprod);
/** Running maxima along an axis. */
export const cummax: Cumulative = cumulative("cummax", c.cummax);
/** Running minima along an axis. */
export const cummin: Cumulative = cumulative("cummin", c.cummin);
/** The running log of sums of exponentials along an axis. */
export const cumlogsumexp: Cumulative = cumulative("cumlogsumexp", c.cumlogsumexp);

/** A combining function: of arrays, or of lists of arrays if there are several operands. */
export type Computation<T = NDArray> = (left: T, right: T) => T;

/** An initial value as written by the user: a host integer counts as a float for an operand of floats, as 1 and 1.0 are one number here. */
export function initial(value: ArrayLike, operand: NDArray): NDArray {
  const init = toArray(value, "reduce", 1);
  const integral = init instanceof ConcreteArray && init.literal && init.weakType && isInteger(init.dtype);
  return integral && isFloat(operand.dtype) ? float(init) : init;
}

type Reducer = (x: NDArray, axes: Axes) => NDArray;

/** The reduction that a function of this module and an initial value amount to, if there is one. */
function known(computation: unknown, init: NDArray): Reducer | null {
  const value = init.ndim === 0 ? concreteValue(init) : null;
  if (value === null) return null;
  const start = elementOf(value);
  const [low, high] = r.extremes(init.dtype);
  const bitwise = init.dtype === "bool" || Number.isInteger(Number(start));
  // eslint-disable-next-line eqeqeq -- a bigint may equal a number
  const is = (x: unknown): boolean => start == x;
  switch (computation) {
    case lax.add:
      return is(0) ? summed : null;
    case lax.mul:
      return is(1) ? r.productOver : null;
    case lax.max:
      return is(low) ? r.maximumOver : null;
    case lax.min:
      return is(high) ? r.minimumOver : null;
    case lax.bitwiseOr:
      return bitwise && is(0) ? r.orOver : null;
    case lax.bitwiseXor:
      return bitwise && is(0) ? r.xorOver : null;
    case lax.bitwiseAnd:
      return bitwise && (is(-1) || is(true)) ? r.andOver : null;
    default:
      return null;
  }
}

const staged = new WeakMap<object, Map<string, ClosedJaxpr<NDArray>>>();

/** The jaxpr of a combining function on scalars, traced once for each function and type. */
export function reductionJaxpr(
  computation: (left: never, right: never) => unknown,
  inits: readonly NDArray[],
  single: boolean,
): ClosedJaxpr<NDArray> {
  const avals = inits.map((x) => x.aval);
  const key = `${String(single)}/${String(isReplaying())}/${avals.map((a) => a.key).join()}`;
  const cache = staged.get(computation) ?? new Map<string, ClosedJaxpr<NDArray>>();
  staged.set(computation, cache);
  const found = cache.get(key);
  if (found !== undefined) return found;
  const n = avals.length;
  const fn = computation as unknown as (left: unknown, right: unknown) => NDArray | readonly NDArray[];
  const closed = stageFlat(
    (xs) => {
      const out = single ? fn(xs[0], xs[1]) : fn(xs.slice(0, n), xs.slice(n));
      return out instanceof NDArray ? [out] : out;
    },
    [...avals, ...avals],
    { tracedFor: "reduce comp", name: computation.name },
  );
  cache.set(key, closed);
  return closed;
}

/** How a combining function prints: those of this module by their names in JAX. */
function displayed(computation: unknown): unknown {
  const name = Object.entries(lax).find(([, f]) => f === computation)?.[0];
  if (name === undefined) return computation;
  const snake = name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return new Verbatim(`<function ${snake} at 0xXXXXXXXXXXXX>`);
}

/** Reduces over axes by any associative function of scalars, from an initial value that does not change anything. */
export function reduce(operands: ArrayLike, initValues: ArrayLike, computation: Computation, dimensions: Axes): NDArray;
export function reduce(
  operands: readonly NDArray[],
  initValues: readonly ArrayLike[],
  computation: Computation<readonly NDArray[]>,
  dimensions: Axes,
): readonly NDArray[];
export function reduce(
  operands: ArrayLike | readonly NDArray[],
  initValues: ArrayLike | readonly ArrayLike[],
  computation: Computation | Computation<readonly NDArray[]>,
  dimensions: Axes,
): NDArray | readonly NDArray[] {
  const several = Array.isArray(operands) && operands.every((x) => x instanceof NDArray);
  const xs = several ? (operands as readonly NDArray[]) : [toArray(operands, "reduce")];
  const inits = (several ? (initValues as readonly ArrayLike[]) : [initValues as ArrayLike]).map((x, i) =>
    initial(x, xs[Math.min(i, xs.length - 1)]),
  );
  if (xs.length !== inits.length) {
    throw new RematValueError(
      `Must have same total number of operands as init_values: ${xs.length} vs. ${inits.length}.`,
    );
  }
  const monoid = several ? null : known(computation, inits[0]);
  if (monoid !== null) {
    return convertElementType(monoid(xs[0], dimensions), xs[0].dtype, xs[0].weakType && inits[0].weakType);
  }
  const jaxpr = reductionJaxpr(computation, inits, !several);
  const outs = bind(r.reduce, [...xs, ...inits], {
    computation: displayed(computation),
    dimensions: [...dimensions],
    jaxpr,
  });
  return several ? outs : outs[0];
}
