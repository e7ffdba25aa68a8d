/**
 * Host scalars as arrays. A JavaScript number, boolean or bigint becomes a rank-0 array that is weakly typed and, in a jaxpr, a literal:
 * `2` is an integer as in Python, `2.5` is a float; `float(2)` and `int(2)` say which one is meant.
 */
import { ConcreteArray } from "./array.ts";
import { ShapedArray } from "./aval.ts";
import { x64Enabled } from "./config.ts";
import { dtypes, isComplex, type DType, type TypedArray } from "./dtype.ts";
import { DTypeError } from "../errors.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./halfFloat.ts";

export type HostScalar = number | bigint | boolean;

/** An element as a host value; complex elements are `{ re, im }`. */
export type Element = number | bigint | boolean | { readonly re: number; readonly im: number };

/** The dtype under the current setting of `enableX64`: 64-bit types become 32-bit ones without it. */
export function canonicalDType(dtype: DType): DType {
  if (!Object.hasOwn(dtypes, dtype)) {
    throw new DTypeError(
      `a dtype was given by name: data type '${String(dtype)}' not understood. Give one of ${Object.keys(dtypes).join(", ")}.`,
    );
  }
  if (x64Enabled()) return dtype;
  switch (dtype) {
    case "int64":
      return "int32";
    case "uint64":
      return "uint32";
    case "float64":
      return "float32";
    case "complex128":
      return "complex64";
    default:
      return dtype;
  }
}

/** Reads element `i` of the storage of a dtype. */
export function readElement(data: TypedArray, dtype: DType, i: number): Element {
  switch (dtype) {
    case "bool":
      return data[i] !== 0;
    case "float16":
      return fromFloat16(Number(data[i]));
    case "bfloat16":
      return fromBfloat16(Number(data[i]));
    case "complex64":
    case "complex128":
      return { re: Number(data[2 * i]), im: Number(data[2 * i + 1]) };
    default:
      return data[i];
  }
}

/** Writes element `i`, rounding or wrapping as the dtype demands: floats to integers truncate, integers wrap, complex to real drops. */
export function writeElement(data: TypedArray, dtype: DType, i: number, value: Element): void {
  if (isComplex(dtype)) {
    data[2 * i] = typeof value === "object" ? value.re : Number(value);
    data[2 * i + 1] = typeof value === "object" ? value.im : 0;
    return;
  }
  const v = typeof value === "object" ? value.re : value;
  switch (dtype) {
    case "bool":
      data[i] = Number(v) === 0 ? 0 : 1;
      return;
    case "float16":
      data[i] = toFloat16(Number(v));
      return;
    case "bfloat16":
      data[i] = toBfloat16(Number(v));
      return;
    case "int64":
      data[i] = BigInt.asIntN(64, toBigInt(v));
      return;
    case "uint64":
      data[i] = BigInt.asUintN(64, toBigInt(v));
      return;
    case "float32":
    case "float64":
      data[i] = Number(v);
      return;
    default:
      data[i] = typeof v === "bigint" ? Number(BigInt.asIntN(32, v)) : Math.trunc(Number(v));
  }
}

function toBigInt(v: number | bigint | boolean): bigint {
  return typeof v === "number" ? (Number.isFinite(v) ? BigInt(Math.trunc(v)) : 0n) : BigInt(v);
}

/** Room for the elements of an array of the given type, all zero. */
export function allocate(aval: ShapedArray): TypedArray {
  return new dtypes[aval.dtype].storage(aval.size * dtypes[aval.dtype].lanes);
}

/** A rank-0 array that prints as a literal. */
export function literal(value: Element, dtype: DType, weakType = false): ConcreteArray {
  const aval = new ShapedArray([], dtype, weakType);
  const data = allocate(aval);
  if (dtype !== "float0") writeElement(data, dtype, 0, value);
  return new ConcreteArray(aval, data, true);
}

/** A whole number that an integer dtype holds. Larger ones, such as 1e30, are meant as floats. */
export const isIntegral = (value: number): boolean =>
  Number.isInteger(value) && Math.abs(value) <= (x64Enabled() ? Number.MAX_SAFE_INTEGER : 2 ** 32);

/** A host scalar as JAX takes a Python one: weakly typed (but for booleans), integral numbers as integers. */
export function scalar(value: HostScalar): ConcreteArray {
  if (typeof value === "boolean") return literal(value, "bool");
  if (typeof value === "bigint" || isIntegral(value)) return literal(value, canonicalDType("int64"), true);
  const rounded = literal(value, canonicalDType("float64"), true);
  return new ConcreteArray(rounded.aval, rounded.data, true, value);
}

/** The element of a rank-0 (or one-element) concrete array. */
export function elementOf(x: ConcreteArray): Element {
  return readElement(x.data, x.dtype, 0);
}

export const isHostScalar = (x: unknown): x is HostScalar =>
  typeof x === "number" || typeof x === "boolean" || typeof x === "bigint";

/** The floating-point dtype that an integer or boolean dtype becomes in a function such as `sin`. */
export function inexactDType(dtype: DType): DType {
  const { kind } = dtypes[dtype];
  if (kind !== "int" && kind !== "uint" && kind !== "bool") return dtype;
  return dtype === "int64" || dtype === "uint64" ? canonicalDType("float64") : "float32";
}

/** The complex dtype that holds numbers of a dtype. */
export function complexDType(dtype: DType): DType {
  const real = inexactDType(dtype);
  return real === "float64" || real === "complex128" ? "complex128" : "complex64";
}
