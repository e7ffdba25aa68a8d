/**
 * The loops of elementwise kernels: one function of numbers is applied to each element of a result, whatever the storage of the operands
 * and however they broadcast. Halves are decoded to float32 before and rounded after, 64-bit integers are bigints. Complex numbers are in `complex.ts`.
 */
import type { ConcreteArray } from "../../core/array.ts";
import { shapesEqual, sizeOf, type ShapedArray, type Shape } from "../../core/aval.ts";
import { dtypes, isComplex, type DType, type TypedArray } from "../../core/dtype.ts";
import { UnsupportedError } from "../../errors.ts";
import { isBig, numbersOf, stored, type Numbers } from "./numbers.ts";
import { room, stridesOf } from "./shape.ts";

/** Where operand element belongs to result element i: everywhere the first, the i-th, or as listed. */
export type Places = "one" | "all" | Int32Array;

export function placesOf(from: Shape, to: Shape): Places {
  if (shapesEqual(from, to)) return "all";
  if (sizeOf(from) === 1) return "one";
  const own = stridesOf(from);
  const places = new Int32Array(sizeOf(to));
  const offset = to.length - from.length;
  const strides = to.map((_, axis) => (axis < offset || from[axis - offset] === 1 ? 0 : own[axis - offset]));
  let filled = 1;
  // Axis by axis from the last: the block made so far is repeated, shifted by the stride of the axis.
  for (let axis = to.length - 1; axis >= 0; axis--) {
    for (let k = 1; k < to[axis]; k++) {
      for (let i = 0; i < filled; i++) places[k * filled + i] = places[i] + k * strides[axis];
    }
    filled *= to[axis];
  }
  return places;
}

/** The place in an operand for element i of the result. */
export const placeAt = (places: Places, i: number): number => (places === "all" ? i : places === "one" ? 0 : places[i]);

/** Room for numbers of a dtype, decoded: halves as float32. */
export function numberRoom(dtype: DType, n: number): Numbers {
  return dtype === "float16" || dtype === "bfloat16" ? new Float32Array(n) : (room(dtype, n) as Numbers);
}

/** What an operation does on each kind of numbers; `float` serves for all kinds that have none of their own. */
export interface UnaryOp {
  readonly float?: (x: number) => number;
  readonly int?: (x: number) => number;
  readonly big?: (x: bigint) => bigint | number;
}

export interface BinaryOp {
  readonly float?: (x: number, y: number) => number;
  readonly int?: (x: number, y: number) => number;
  readonly big?: (x: bigint, y: bigint) => bigint | boolean;
  /** The loop over floats written out, for operations that are met everywhere: steps of 0 repeat a scalar. */
  readonly loop?: (a: Numbers, b: Numbers, out: Numbers, stepA: 0 | 1, stepB: 0 | 1) => void;
}

function missing(name: string, dtype: DType): never {
  throw new UnsupportedError(
    `the js engine was asked for '${name}' of ${dtype}, and has no kernel for it.` +
      (isComplex(dtype) ? " Complex numbers need complexKernels." : ""),
  );
}

const isWhole = (dtype: DType): boolean => dtypes[dtype].kind !== "float";

export function runUnary(name: string, op: UnaryOp, x: ConcreteArray, out: ShapedArray): TypedArray {
  const n = out.size;
  if (isComplex(x.dtype)) missing(name, x.dtype);
  if (isBig(x.dtype)) {
    const fn = op.big ?? missing(name, x.dtype);
    const result = room(out.dtype, n);
    const data = x.data as BigInt64Array;
    for (let i = 0; i < n; i++) result[i] = storable(fn(data[i]), out.dtype);
    return result;
  }
  const fn = (isWhole(x.dtype) ? (op.int ?? op.float) : op.float) ?? missing(name, x.dtype);
  const data = numbersOf(x);
  const result = numberRoom(out.dtype, n);
  for (let i = 0; i < n; i++) result[i] = fn(data[i]);
  return settled(result, out.dtype);
}

/** Numbers from `numberRoom` as the storage of the dtype. */
const settled = (result: Numbers, dtype: DType): TypedArray =>
  dtype === "float16" || dtype === "bfloat16" ? stored(result, dtype) : result;

const storable = (v: bigint | number | boolean, dtype: DType): never => (isBig(dtype) ? BigInt(v) : Number(v)) as never;

export function runBinary(
  name: string,
  op: BinaryOp,
  x: ConcreteArray,
  y: ConcreteArray,
  out: ShapedArray,
): TypedArray {
  const n = out.size;
  const px = placesOf(x.shape, out.shape);
  const py = placesOf(y.shape, out.shape);
  if (isComplex(x.dtype)) missing(name, x.dtype);
  if (isBig(x.dtype)) {
    const fn = op.big ?? missing(name, x.dtype);
    const result = room(out.dtype, n);
    const [a, b] = [x.data as BigInt64Array, y.data as BigInt64Array];
    for (let i = 0; i < n; i++) result[i] = storable(fn(a[placeAt(px, i)], b[placeAt(py, i)]), out.dtype);
    return result;
  }
  const fn = (isWhole(x.dtype) ? (op.int ?? op.float) : op.float) ?? missing(name, x.dtype);
  const a = numbersOf(x);
  const b = isBig(y.dtype) ? Float64Array.from(y.data as BigInt64Array, Number) : numbersOf(y);
  const result = numberRoom(out.dtype, n);
  if (op.loop !== undefined && !isWhole(x.dtype) && typeof px === "string" && typeof py === "string") {
    op.loop(a, b, result, px === "all" ? 1 : 0, py === "all" ? 1 : 0);
  } else if (px === "all" && py === "all") {
    for (let i = 0; i < n; i++) result[i] = fn(a[i], b[i]);
  } else {
    for (let i = 0; i < n; i++) result[i] = fn(a[placeAt(px, i)], b[placeAt(py, i)]);
  }
  return settled(result, out.dtype);
}
