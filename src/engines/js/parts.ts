/** Complex arrays as two real ones, for kernels that add numbers: sums of complex numbers are sums of their parts. */
import { ConcreteArray } from "../../core/array.ts";
import { dtypes, isComplex, type DType, type TypedArray } from "../../core/dtype.ts";
import { room } from "./shape.ts";

/** The real and the imaginary parts; a real array has the latter zero. */
export function partsOf(x: ConcreteArray): [ConcreteArray, ConcreteArray] {
  const dtype: DType = x.dtype === "complex128" || x.dtype === "float64" ? "float64" : "float32";
  const aval = x.aval.update({ dtype });
  const [re, im] = [room(dtype, x.size), room(dtype, x.size)];
  const paired = isComplex(x.dtype);
  for (let i = 0; i < x.size; i++) {
    re[i] = x.data[paired ? 2 * i : i];
    if (paired) im[i] = x.data[2 * i + 1];
  }
  return [new ConcreteArray(aval, re), new ConcreteArray(aval, im)];
}

/** Parts side by side. */
export function paired(re: ArrayLike<number>, im: ArrayLike<number>, dtype: DType): TypedArray {
  const out = new dtypes[dtype].storage(2 * re.length);
  for (let i = 0; i < re.length; i++) [out[2 * i], out[2 * i + 1]] = [re[i], im[i]];
  return out;
}
