/**
 * How host values become arrays. Every public function takes an `ArrayLike`; `toArray` is the door. A host number stays a weakly typed
 * literal, so that `np.add(x, 2)` has the dtype of `x`; nested lists and typed arrays become arrays of their own.
 *
 * `float`, `int` and `bool` are Python's conversions: of a host number they say which scalar is meant (2 is an integer, `float(2)` is not),
 * of an array they read its only element, which a traced array does not have.
 */
import { ConcreteArray, NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import { dtypes, isInteger, type DType, type TypedArray } from "../core/dtype.ts";
import { currentTrace, Tracer } from "../core/interpreter.ts";
import {
  allocate,
  canonicalDType,
  elementOf,
  isHostScalar,
  literal,
  readElement,
  scalar,
  writeElement,
  type Element,
  type HostScalar,
} from "../core/scalar.ts";
import {
  concretizationError,
  ConcretizationTypeError,
  DTypeError,
  RematTypeError,
  RematValueError,
  ShapeError,
  type ConcretizationKind,
} from "../errors.ts";
import { convertElement, convertElementType, copy } from "../primitives/convert.ts";
import { concatenated } from "../primitives/join.ts";
import { expanded } from "../primitives/shape.ts";
import { latticeResultType } from "./lattice.ts";

/** Elements in nested lists, as deep as the array has dimensions. */
export type NestedArray = readonly (HostScalar | NDArray | NestedArray)[];

/** What can be taken for an array. */
export type ArrayLike = NDArray | HostScalar | NestedArray | TypedArray | BigInt64Array | BigUint64Array;

export { scalar } from "../core/scalar.ts";

const ofTypedArray: readonly (readonly [new (...args: never[]) => object, DType])[] = [
  [Float32Array, "float32"],
  [Float64Array, "float64"],
  [Int8Array, "int8"],
  [Int16Array, "int16"],
  [Int32Array, "int32"],
  [BigInt64Array, "int64"],
  [Uint8Array, "uint8"],
  [Uint8ClampedArray, "uint8"],
  [Uint16Array, "uint16"],
  [Uint32Array, "uint32"],
  [BigUint64Array, "uint64"],
];

const typedArrayDType = (x: unknown): DType | undefined => ofTypedArray.find(([type]) => x instanceof type)?.[1];

/** True for what `toArray` takes. */
export const isArrayLike = (x: unknown): x is ArrayLike =>
  x instanceof NDArray || isHostScalar(x) || Array.isArray(x) || typedArrayDType(x) !== undefined;

/** The array that a host value stands for. Host scalars stay literals. */
export function toArray(x: ArrayLike, use = "this function", position = 0): NDArray {
  if (x instanceof NDArray) return x;
  if (isHostScalar(x)) return scalar(x);
  if (Array.isArray(x) || typedArrayDType(x) !== undefined) return array(x);
  throw new RematTypeError(
    `${use} requires ndarray or scalar arguments, got ${describe(x)} at position ${position}.\n` +
      "Pass an array, a number, a boolean, a typed array or nested lists of numbers.",
  );
}

const describe = (x: unknown): string =>
  x === null
    ? "null"
    : typeof x === "object"
      ? (x.constructor?.name ?? "an object")
      : typeof x === "function"
        ? "a function"
        : typeof x;

export interface ArrayOptions {
  readonly dtype?: DType | null;
  readonly copy?: boolean;
  readonly ndmin?: number;
}

const withDType = (options: ArrayOptions | DType | undefined): ArrayOptions =>
  typeof options === "string" ? { dtype: options } : (options ?? {});

/**
 * Makes an array of numbers, nested lists, a typed array, or copies an array. Lists of numbers make float32 (float64 with `enableX64`), lists of
 * bigints int32, unless `dtype` says otherwise; a typed array keeps its dtype.
 *
 *     np.array([[1, 2], [3, 4]]); // float32
 *     np.array([0, 2, 1], "int32"); // indices
 */
export function array(object: ArrayLike, options?: ArrayOptions | DType): NDArray {
  const { dtype, copy: copies = true, ndmin = 0 } = withDType(options);
  const out = make(object, dtype ?? null, copies);
  return ndmin > out.ndim
    ? expanded(
        out,
        Array.from({ length: ndmin - out.ndim }, (_, i) => i),
      )
    : out;
}

/** Like `array`, but an array that is one already is returned as it is. */
export function asarray(a: ArrayLike, options?: ArrayOptions | DType): NDArray {
  return array(a, { copy: false, ...withDType(options) });
}

function make(object: ArrayLike, dtype: DType | null, copies: boolean): NDArray {
  const target = dtype === null ? null : canonicalDType(dtype);
  if (object instanceof NDArray) {
    if (object instanceof ConcreteArray && object.literal) {
      return target === null ? currentTrace().stageValue(object) : convertElementType(object, target, false);
    }
    const source = copies ? copy(object) : object;
    // Like JAX's, this renews an array that is known while it is differentiated: see convertElementType.
    return convertElementType(source, target ?? source.dtype, target === null && source.weakType);
  }
  if (isHostScalar(object)) {
    const value = scalar(object);
    return target === null ? currentTrace().stageValue(value) : convertElementType(value, target, false);
  }
  const typed = typedArrayDType(object);
  if (typed !== undefined) return ofFlat(object as TypedArray, typed, target ?? canonicalDType(typed));
  return ofNested(object as NestedArray, target);
}

function ofFlat(data: TypedArray, from: DType, to: DType): ConcreteArray {
  const aval = new ShapedArray([data.length], to);
  if (from === to) return new ConcreteArray(aval, data.slice());
  const out = allocate(aval);
  for (let i = 0; i < data.length; i++) writeElement(out, to, i, convertElement(readElement(data, from, i), to));
  return new ConcreteArray(aval, out);
}

function ofNested(list: NestedArray, dtype: DType | null): NDArray {
  const leaves: (HostScalar | NDArray)[] = [];
  const shape = measure(list, leaves);
  const type = dtype ?? listDType(leaves);
  if (leaves.every((x) => !(x instanceof NDArray))) {
    const aval = new ShapedArray(shape, type);
    const out = allocate(aval);
    const whole = isInteger(type);
    leaves.forEach((x, i) => {
      if (whole && typeof x === "number" && !Number.isFinite(x)) {
        throw new RematValueError(
          `cannot convert float ${Number.isNaN(x) ? "NaN" : "infinity"} to integer: an array of ${type} was asked for. ` +
            "Make an array of floats, and choose what is to stand for it before astype.",
        );
      }
      writeElement(out, type, i, convertElement(x as HostScalar, type));
    });
    return new ConcreteArray(aval, out);
  }
  return stackNested(list, type);
}

/**
 * The dtype of a list. Plain numbers are floats, whether they have a fraction or not: JavaScript writes 1 and 1.0 alike, and a dtype must not depend
 * on the values. Beside arrays or bigints, a number is what it is beside them in arithmetic.
 */
function listDType(leaves: readonly (HostScalar | NDArray)[]): DType {
  const plain = leaves.every((x) => typeof x === "number" || typeof x === "boolean");
  if (leaves.length === 0 || (plain && leaves.some((x) => typeof x === "number"))) return canonicalDType("float64");
  return latticeResultType(leaves.map((x) => toArray(x))).dtype;
}

/** Stacks the arrays in a list, sixteen at a time as JAX does. */
function stackNested(list: NestedArray, dtype: DType): NDArray {
  let parts = list.map((x) => expanded(asarray(x, { dtype }), [0]));
  while (parts.length > 16) {
    const groups: NDArray[] = [];
    for (let i = 0; i < parts.length; i += 16) groups.push(concatenated(parts.slice(i, i + 16), 0));
    parts = groups;
  }
  return concatenated(parts, 0);
}

function measure(x: HostScalar | NDArray | NestedArray, leaves: (HostScalar | NDArray)[]): Shape {
  if (!Array.isArray(x)) {
    if (!isHostScalar(x) && !(x instanceof NDArray)) {
      throw new RematTypeError(
        `an element of an array was ${describe(x)}.\nElements are numbers, booleans, bigints or arrays.`,
      );
    }
    leaves.push(x);
    return x instanceof NDArray ? x.shape : [];
  }
  const shapes = (x as NestedArray).map((y) => measure(y, leaves));
  const first = shapes[0] ?? [];
  for (const shape of shapes) {
    if (shape.length !== first.length || shape.some((d, i) => d !== first[i])) {
      throw new ShapeError(
        `an array was made of a ragged list: elements of shapes [${first.join(", ")}] and [${shape.join(", ")}] are side by side.\n` +
          "All lists at one depth must have equal length.",
      );
    }
  }
  return [x.length, ...first];
}

/** The value of an array that is known: a concrete one, or a tracer under eager differentiation. */
export function concreteValue(x: NDArray): ConcreteArray | null {
  let value: NDArray | null = x;
  while (value instanceof Tracer) value = value.concrete();
  return value instanceof ConcreteArray ? value : null;
}

/** The only element of an array as a host value. Throws a `ConcretizationTypeError` for a traced array. */
export function item(x: NDArray, kind: ConcretizationKind = "item"): Element {
  const known = concreteValue(x);
  if (known === null) throw concretizationError(x, kind);
  if (known.size !== 1) {
    throw new RematTypeError(
      `can only convert an array of size 1 to a host scalar, got shape [${x.shape.join(", ")}].\nIndex it first, or read it with toJS().`,
    );
  }
  return elementOf(known);
}

const realPart = (value: Element): HostScalar => (typeof value === "object" ? value.re : value);

/** A host number as a weakly typed float, where a bare 2 would be an integer; an array's only element as such. */
export function float(x: HostScalar | NDArray): ConcreteArray {
  const value = x instanceof NDArray ? realPart(item(x, "float")) : x;
  const rounded = literal(Number(value), canonicalDType("float64"), true);
  return new ConcreteArray(rounded.aval, rounded.data, true, Number(value));
}

/** A host number as a weakly typed integer (its fraction cut off); an array's only element as such. */
export function int(x: HostScalar | NDArray): ConcreteArray {
  const value = x instanceof NDArray ? realPart(item(x, "int")) : x;
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RematValueError(`cannot convert float ${value} to integer.\nTest it with np.isfinite first.`);
  }
  return literal(typeof value === "number" ? Math.trunc(value) : BigInt(value), canonicalDType("int64"), true);
}

/** A host value as a boolean; an array's only element as such. Throws `TracerBoolConversionError` for a traced array. */
export function bool(x: HostScalar | NDArray): ConcreteArray {
  return literal(truth(x), "bool");
}

/** Whether a host value, or an array's only element, is true. */
export function truth(x: HostScalar | NDArray): boolean {
  if (!(x instanceof NDArray)) return Boolean(x);
  if (x.size !== 1) {
    throw new RematValueError(
      `The truth value of an array with ${x.size === 0 ? "no elements" : "more than one element"} is ambiguous: the array has type ` +
        `${x.aval.toLongString()}.\nUse np.any or np.all.`,
    );
  }
  const value = item(x, "bool");
  return typeof value === "object" ? value.re !== 0 || value.im !== 0 : Boolean(value);
}

/**
 * A host integer: a static argument such as a shape or an axis. `what` names the argument in messages. Throws for fractions and for
 * traced arrays.
 */
export function index(x: HostScalar | NDArray, what?: string): number {
  if (x instanceof NDArray && what !== undefined && concreteValue(x) === null) {
    throw new ConcretizationTypeError(`${concretizationError(x, "int").message}\nThe error arose in ${what}.`);
  }
  const value = x instanceof NDArray ? item(x, "int") : x;
  if (typeof value === "bigint") return Number(value);
  if (
    typeof value === "number" &&
    Number.isInteger(value) &&
    !(x instanceof NDArray && dtypes[x.dtype].kind === "float")
  )
    return value;
  throw new DTypeError(
    `an integer was needed${what === undefined ? "" : ` as ${what}`}, got ${String(value)}.\nRound it on the host with Math.round.`,
  );
}
