/**
 * Methods of arrays: `x.add(y)` for `np.add(x, y)` and so on, reading (`item`, `toJS`), and how an array shows itself in `console.log`,
 * in template strings and in JSON. Importing this file installs them.
 */
import { ConcreteArray, NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { Tracer } from "../core/interpreter.ts";
import type { Element, HostScalar } from "../core/scalar.ts";
import { RematTypeError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { concreteValue, item, type ArrayLike } from "./asarray.ts";
import { at, type IndexedArray } from "./at.ts";
import * as contractions from "./contractions.ts";
import { arrayText, elementsText, nestedLists } from "./format.ts";
import { getitem, type Index } from "./indexing.ts";
import * as logic from "./logic.ts";
import { astype, clip, isClipOptions, type ClipOptions } from "./piecewise.ts";
import * as reductions from "./reductions.ts";
import type { Axis, ExtremumOptions, MaskOptions, MeanOptions, SumOptions } from "./reductions.ts";
import { floorDivide, remainder, round } from "./rounding.ts";
import * as shapes from "./shape.ts";
import { toJS, type NestedElements } from "./reading.ts";
import * as u from "./ufuncs.ts";

declare module "../core/array.ts" {
  interface NDArray {
    add(y: ArrayLike): NDArray;
    sub(y: ArrayLike): NDArray;
    mul(y: ArrayLike): NDArray;
    /** True division. */
    div(y: ArrayLike): NDArray;
    floorDivide(y: ArrayLike): NDArray;
    /** The remainder, with the sign of the divisor. */
    mod(y: ArrayLike): NDArray;
    /** A power; a known integer exponent gives `integer_pow`. */
    pow(y: ArrayLike): NDArray;
    neg(): NDArray;
    abs(): NDArray;
    sign(): NDArray;
    square(): NDArray;
    sqrt(): NDArray;
    exp(): NDArray;
    log(): NDArray;
    sin(): NDArray;
    cos(): NDArray;
    tanh(): NDArray;
    maximum(y: ArrayLike): NDArray;
    minimum(y: ArrayLike): NDArray;
    clip(min?: ArrayLike | ClipOptions | null, max?: ArrayLike | ClipOptions | null): NDArray;
    round(decimals?: number): NDArray;
    conj(): NDArray;
    readonly real: NDArray;
    readonly imag: NDArray;

    equal(y: ArrayLike): NDArray;
    notEqual(y: ArrayLike): NDArray;
    less(y: ArrayLike): NDArray;
    lessEqual(y: ArrayLike): NDArray;
    greater(y: ArrayLike): NDArray;
    greaterEqual(y: ArrayLike): NDArray;
    and(y: ArrayLike): NDArray;
    or(y: ArrayLike): NDArray;
    xor(y: ArrayLike): NDArray;
    not(): NDArray;

    dot(y: ArrayLike): NDArray;
    matmul(y: ArrayLike): NDArray;
    sum(axis?: Axis | SumOptions, options?: SumOptions): NDArray;
    prod(axis?: Axis | SumOptions, options?: SumOptions): NDArray;
    mean(axis?: Axis | MeanOptions, options?: MeanOptions): NDArray;
    max(axis?: Axis | ExtremumOptions, options?: ExtremumOptions): NDArray;
    min(axis?: Axis | ExtremumOptions, options?: ExtremumOptions): NDArray;
    all(axis?: Axis | MaskOptions, options?: MaskOptions): NDArray;
    any(axis?: Axis | MaskOptions, options?: MaskOptions): NDArray;

    /** The same elements in another shape; one size may be -1. */
    reshape(...shape: readonly number[] | readonly [readonly number[]]): NDArray;
    ravel(): NDArray;
    flatten(): NDArray;
    squeeze(axis?: number | readonly number[]): NDArray;
    swapaxes(axis1: number, axis2: number): NDArray;
    /** The axes in another order; reversed if none is given. */
    transpose(...axes: readonly number[] | readonly [readonly number[]]): NDArray;
    /** The array with its axes reversed. */
    readonly T: NDArray;
    /** The array with its last two axes swapped. */
    readonly mT: NDArray;
    astype(dtype: DType): NDArray;

    /** The elements at an index: `x.get(0)`, `x.get(slice(1, 3), null)`. */
    get(...index: readonly Index[]): NDArray;
    /** The places at an index, to be updated in a new array: `x.at(0).set(1)`. */
    at(...index: readonly Index[]): IndexedArray;
    /** The slices along the first axis. */
    [Symbol.iterator](): IterableIterator<NDArray>;

    /** The only element as a host value. Throws for a traced array whose value is not known. */
    item(): Element;
    /** The elements as nested lists of host values; one host value for rank 0. */
    toJS(): NestedElements;
    toString(): string;
    toJSON(): unknown;
  }
}

const listOf = (args: readonly unknown[]): readonly number[] =>
  (args.length === 1 && Array.isArray(args[0]) ? args[0] : args) as readonly number[];

type Method = (this: NDArray, ...args: never[]) => unknown;

const unary = (fn: (x: ArrayLike) => NDArray): Method =>
  function (this: NDArray) {
    return fn(this);
  };
const binary = (fn: (x: ArrayLike, y: ArrayLike) => NDArray): Method =>
  function (this: NDArray, y: ArrayLike) {
    return fn(this, y);
  };
const reduction = <O>(fn: (x: ArrayLike, axis?: Axis | O, options?: O) => NDArray): Method =>
  function (this: NDArray, axis?: Axis | O, options?: O) {
    return fn(this, axis, options);
  };

const methods: Readonly<Record<string, Method>> = {
  add: binary(u.add),
  sub: binary(u.subtract),
  mul: binary(u.multiply),
  div: binary(u.trueDivide),
  floorDivide: binary(floorDivide),
  mod: binary(remainder),
  pow: binary(u.power),
  neg: unary(u.negative),
  abs: unary(u.absolute),
  sign: unary(u.sign),
  square: unary(u.square),
  sqrt: unary(u.sqrt),
  exp: unary(u.exp),
  log: unary(u.log),
  sin: unary(u.sin),
  cos: unary(u.cos),
  tanh: unary(u.tanh),
  conj: unary(u.conjugate),
  maximum: binary(u.maximum),
  minimum: binary(u.minimum),
  equal: binary(logic.equal),
  notEqual: binary(logic.notEqual),
  less: binary(logic.less),
  lessEqual: binary(logic.lessEqual),
  greater: binary(logic.greater),
  greaterEqual: binary(logic.greaterEqual),
  and: binary(logic.bitwiseAnd),
  or: binary(logic.bitwiseOr),
  xor: binary(logic.bitwiseXor),
  not: unary(logic.bitwiseNot),
  dot: binary(contractions.dot),
  matmul: binary(contractions.matmul),
  sum: reduction<SumOptions>(reductions.sum),
  prod: reduction<SumOptions>(reductions.prod),
  mean: reduction<MeanOptions>(reductions.mean),
  max: reduction(reductions.max),
  min: reduction(reductions.min),
  all: reduction(reductions.all),
  any: reduction(reductions.any),
  ravel: unary((x) => shapes.ravel(x)),
  flatten: unary((x) => shapes.ravel(x)),
  clip(this: NDArray, min?: ArrayLike | ClipOptions | null, max?: ArrayLike | ClipOptions | null) {
    return isClipOptions(min) ? clip(this, min) : clip(this, { min, ...(isClipOptions(max) ? max : { max }) });
  },
  round(this: NDArray, decimals = 0) {
    return round(this, decimals);
  },
  reshape(this: NDArray, ...shape: readonly unknown[]) {
    return shapes.reshape(this, listOf(shape));
  },
  transpose(this: NDArray, ...axes: unknown[]) {
    return shapes.transpose(this, axes.length === 0 ? null : listOf(axes));
  },
  squeeze(this: NDArray, axis?: number | readonly number[]) {
    return shapes.squeeze(this, axis);
  },
  swapaxes(this: NDArray, axis1: number, axis2: number) {
    return shapes.swapaxes(this, axis1, axis2);
  },
  astype(this: NDArray, dtype: DType) {
    return astype(this, dtype);
  },
  get(this: NDArray, ...index: Index[]) {
    return getitem(this, ...index);
  },
  at(this: NDArray, ...index: Index[]) {
    return at(this, ...index);
  },
  item(this: NDArray) {
    return item(this);
  },
  toJS(this: NDArray) {
    return toJS(this);
  },
  toString(this: NDArray) {
    return elementsText(this);
  },
};

const getters: Readonly<Record<string, (x: NDArray) => NDArray>> = {
  T: (x) => shapes.transpose(x),
  mT: shapes.matrixTranspose,
  real: u.real,
  imag: u.imag,
};

const install = (target: object, key: PropertyKey, value: unknown): void => {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false });
};

for (const [name, method] of Object.entries(methods)) install(NDArray.prototype, name, method);
for (const [name, get] of Object.entries(getters)) {
  Object.defineProperty(NDArray.prototype, name, {
    get(this: NDArray) {
      return get(this);
    },
    configurable: true,
    enumerable: false,
  });
}

install(NDArray.prototype, Symbol.iterator, function (this: NDArray): IterableIterator<NDArray> {
  if (this.ndim === 0)
    throw new RematTypeError("iteration over a 0-d array: it has no first axis.\nRead its element with item().");
  return elements(this).values();
});
install(NDArray.prototype, Symbol.for("nodejs.util.inspect.custom"), function (this: NDArray): string {
  return arrayText(this);
});
install(ConcreteArray.prototype, "toJSON", function (this: ConcreteArray): unknown {
  const plain = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(plain) : typeof value === "bigint" ? Number(value) : value;
  return plain(nestedLists(this));
});

/** A host number where one is asked for; operators cannot be overloaded, and `x + y` on arrays would concatenate their texts. */
install(ConcreteArray.prototype, Symbol.toPrimitive, function (this: ConcreteArray, hint: string): HostScalar | string {
  if (hint === "string") return elementsText(this);
  if (this.size === 1) {
    const value = item(this);
    return typeof value === "object" ? value.re : value;
  }
  throw new RematTypeError(
    `an array of shape [${this.shape.join(", ")}] was used as a JavaScript number (in \`>\`, \`+\`, \`Math.sin\`, ...).\n` +
      "Use methods such as x.add(1) or functions such as np.sin; x.toJS() gives its elements.",
  );
});

// A traced array that is known, as under eager differentiation, reads like its value.
install(Tracer.prototype, "toString", function (this: Tracer): string {
  const value = concreteValue(this);
  return value === null ? elementsText(this) : elementsText(value);
});
