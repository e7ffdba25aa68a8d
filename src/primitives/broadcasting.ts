/**
 * What derivative rules of elementwise operations need beside the operations themselves: constants of the type of an example, and the
 * transpose of implicit broadcasting. Where nothing changes, no equation is emitted.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray, type Shape } from "../core/aval.ts";
import { isFloat, type DType } from "../core/dtype.ts";
import { currentTrace } from "../core/interpreter.ts";
import { literal, type Element } from "../core/scalar.ts";
import { range } from "./axes.ts";
import { broadcasted, broadcastedInDim, reshaped, summed } from "./shape.ts";

/** A literal of the dtype of an example: weakly typed if the example is a weakly typed scalar. */
export function constLike(example: NDArray, value: Element): NDArray {
  if (!example.weakType || example.ndim > 0) return literal(value, example.dtype);
  const rounded = literal(value, example.dtype, true);
  const host = typeof value === "number" && isFloat(example.dtype) ? value : null;
  return new ConcreteArray(rounded.aval, rounded.data, true, host);
}

/** An array of one value; for rank 0 the value itself. */
export const full = (shape: Shape, value: Element, dtype: DType, weakType = false): NDArray =>
  broadcasted(currentTrace().stageValue(literal(value, dtype, weakType)), shape);

/** An array of one value with the dtype, and the shape if no other is given, of an example. */
export const fullLike = (x: NDArray, value: Element, shape: Shape = x.shape): NDArray =>
  full(shape, value, x.dtype, x.weakType);
export const zerosLike = (x: NDArray): NDArray => fullLike(x, 0);
export const onesLike = (x: NDArray): NDArray => fullLike(x, 1);
/** A scalar zero of the dtype of an example. */
export const zeroOf = (x: NDArray): NDArray => fullLike(x, 0, []);
export const oneOf = (x: NDArray): NDArray => fullLike(x, 1, []);

/** The transpose of broadcasting: sums a cotangent down to the shape of the operand that was stretched. */
export function unbroadcast(aval: ShapedArray, ct: NDArray): NDArray {
  if (shapesEqual(aval.shape, ct.shape)) return ct;
  if (aval.ndim === 0) return summed(ct, range(ct.ndim));
  const stretched = range(ct.ndim).filter((i) => ct.shape[i] !== aval.shape[i]);
  return reshaped(stretched.length > 0 ? summed(ct, stretched) : ct, aval.shape);
}

/** Broadcasts an operand of equal rank, or rank 0, to the shape of a result. */
export function broadcastToResult(shape: Shape, x: NDArray): NDArray {
  if (shapesEqual(x.shape, shape)) return x;
  if (x.ndim === 0) return broadcastedInDim(x, shape, []);
  const kept = range(shape.length).filter((i) => x.shape[i] === shape[i]);
  const squeezed = reshaped(
    x,
    kept.map((i) => shape[i]),
  );
  return broadcastedInDim(squeezed, shape, kept);
}
